//! One server: its calls, and its tools.

use super::connection::Missed;
use super::failure::named;
use super::following::{Following, LookedUp};
use super::link::Link;
use super::listed::ListedTool;
use super::listeners::Listening;
use super::oauth;
use super::questions::refusal;
use super::result;
use super::settings::ServerSettings;
use super::snapshot::Snapshot;
use super::surroundings::Surroundings;
use crate::tools::cancel::stopped;
use crate::tools::{Call, ToolError};
use rmcp::model::ServerResult;
use serde_json::{Map, Value};

/// How often a call that was not sent is moved to a new connection.
const MAX_MOVES: usize = 3;

/// A server that steps share.
pub(in crate::tools) struct Server {
    link: Link,
}

/// A call that was made, or not.
pub(in crate::tools) struct Made {
    /// The output.
    pub output: Result<Value, ToolError>,
    /// Whether the server may have seen the call.
    pub sent: bool,
}

impl Server {
    pub(in crate::tools) fn new(settings: ServerSettings) -> Self {
        Self {
            link: Link::new(settings),
        }
    }

    /// How it is started or reached.
    pub(in crate::tools) fn settings(&self) -> &ServerSettings {
        &self.link.settings
    }

    /// Calls a tool of it.
    pub(in crate::tools) async fn call(
        &self,
        tool: &str,
        call: &Call,
        surroundings: &Surroundings<'_>,
    ) -> Made {
        let arguments = match &*call.input {
            Value::Object(arguments) => arguments.clone(),
            _ => Map::new(),
        };
        let following = Following {
            link: &self.link,
            tool,
            call,
            surroundings,
        };
        let listening = self.link.listeners.listen(&call.log, &call.asker);
        if let Some(id) = call.handle.earlier() {
            listening.is_task(id);
            let result = self.unless_refused(tool, &listening, Box::pin(following.known_task(id)));
            let result = result.await;
            let output = self.output(tool, result, call, surroundings).await;
            return Made { output, sent: true };
        }
        let mut sent = false;
        let mut moves = 0;
        let result = loop {
            let opened = stopped(&call.cancel, self.link.connection(surroundings)).await;
            let connection = match opened {
                None => break Err(self.link.silent("was still starting", "")),
                Some(Err(error)) => break Err(error),
                Some(Ok(connection)) => connection,
            };
            sent = true;
            let made = Box::pin(connection.call(tool, arguments.clone(), call, &listening));
            let made = async {
                tokio::select! {
                    made = made => made,
                    (asked, why) = listening.refused() => {
                        Err(Missed::Sent(refusal(&self.link.settings.name, tool, &asked, &why)))
                    }
                }
            };
            match stopped(&call.cancel, made).await {
                None => {
                    break Err(self
                        .link
                        .silent("had not answered", &connection.explanation()));
                }
                Some(Ok(result)) => match Snapshot::of(&result) {
                    Some(task) => {
                        listening.is_task(&task.id);
                        let ended = Box::pin(following.new_task(task));
                        break self.unless_refused(tool, &listening, ended).await;
                    }
                    None => break Ok(result),
                },
                Some(Err(Missed::Sent(error))) => {
                    self.link.forget_if_lost(&connection);
                    break Err(error);
                }
                Some(Err(Missed::NotSent(error))) => {
                    sent = false;
                    self.link.forget(&connection);
                    moves += 1;
                    if moves > MAX_MOVES {
                        break Err(error);
                    }
                }
            }
        };
        drop(listening);
        let output = self.output(tool, result, call, surroundings).await;
        Made { output, sent }
    }

    /// What a task comes to, unless its server asks something to which there is no answer.
    async fn unless_refused(
        &self,
        tool: &str,
        listening: &Listening,
        ended: impl Future<Output = Result<ServerResult, ToolError>>,
    ) -> Result<ServerResult, ToolError> {
        tokio::select! {
            ended = ended => ended,
            (asked, why) = listening.refused() => Err(refusal(&self.link.settings.name, tool, &asked, &why)),
        }
    }

    async fn output(
        &self,
        tool: &str,
        result: Result<ServerResult, ToolError>,
        call: &Call,
        surroundings: &Surroundings<'_>,
    ) -> Result<Value, ToolError> {
        let (name, files) = (&self.link.settings.name, surroundings.files);
        result::output(name, tool, result?, files, &call.log).await
    }

    /// What became of the call whose handle `call` knows.
    pub(in crate::tools) async fn look_up(
        &self,
        tool: &str,
        call: &Call,
        surroundings: &Surroundings<'_>,
    ) -> LookedUp<Value> {
        let following = Following {
            link: &self.link,
            tool,
            call,
            surroundings,
        };
        let id = call.handle.earlier().map_or("", |id| id);
        match following.look_up(id).await {
            LookedUp::Ended(result) => {
                LookedUp::Ended(self.output(tool, result, call, surroundings).await)
            }
            LookedUp::Working(evidence) => LookedUp::Working(evidence),
            LookedUp::Unknown(why) => LookedUp::Unknown(why),
        }
    }

    /// Logs the user in to it. `show` gets the address at which the user permits it.
    ///
    /// # Errors
    /// Why that is not possible, or did not happen.
    pub(in crate::tools) async fn log_in(
        &self,
        surroundings: &Surroundings<'_>,
        show: &mut (dyn FnMut(&str) + Send),
    ) -> Result<(), ToolError> {
        let logged_in = oauth::log_in(&self.link.settings, surroundings, show).await;
        self.link.forget_all();
        logged_in.map_err(|why| self.not_logged_in(&why, surroundings))
    }

    /// Forgets the tokens that the user has logged in for. Whether there were any.
    ///
    /// # Errors
    /// Why they are still there.
    pub(in crate::tools) fn log_out(
        &self,
        surroundings: &Surroundings<'_>,
    ) -> Result<bool, ToolError> {
        let logged_out = oauth::log_out(&self.link.settings, surroundings);
        logged_out.map_err(|why| self.not_logged_in(&why, surroundings))
    }

    fn not_logged_in(&self, why: &str, surroundings: &Surroundings<'_>) -> ToolError {
        let why = surroundings.secrets.now().redact(why).into_owned();
        ToolError::permanent(format!("{}: {why}", named(&self.link.settings.name)))
    }

    /// Its tools.
    ///
    /// # Errors
    /// Where it cannot be started or reached, or does not list them.
    pub(in crate::tools) async fn tools(
        &self,
        surroundings: &Surroundings<'_>,
    ) -> Result<Vec<ListedTool>, ToolError> {
        let connection = self.link.connection(surroundings).await?;
        let listed = connection.tools().await;
        if listed.is_err() {
            self.link.forget(&connection);
        }
        let listed = listed?.into_iter();
        Ok(listed.map(ListedTool::from).collect())
    }
}
