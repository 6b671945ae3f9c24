//! Follows a task until it has ended, over as many connections as that takes.

use super::failure::named;
use super::link::Link;
use super::questions::answers;
use super::snapshot::{Snapshot, Status};
use super::surroundings::Surroundings;
use super::tasks::TaskError;
use crate::run::LogStream;
use crate::text::message::quote;
use crate::tools::cancel::stopped;
use crate::tools::{Call, ToolError};
use rmcp::model::{InputRequests, ServerResult};
use serde_json::Value;
use std::collections::HashSet;
use std::time::Duration;

/// How often in a row a task may fail to be asked about.
const MAX_FAILURES: u32 = 8;

/// The first wait after such a failure, which doubles, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// What became of a call that an earlier process made.
pub(in crate::tools) enum LookedUp<T> {
    /// It has ended so.
    Ended(Result<T, ToolError>),
    /// The server is still at it; what it says.
    Working(Value),
    /// Why nothing is known of it.
    Unknown(String),
}

/// A call that a server carries out as a task.
pub(super) struct Following<'a> {
    pub link: &'a Link,
    pub tool: &'a str,
    pub call: &'a Call,
    pub surroundings: &'a Surroundings<'a>,
}

impl Following<'_> {
    /// Waits for the end of a task that the server has just made of the call.
    pub(super) async fn new_task(&self, task: Snapshot) -> Result<ServerResult, ToolError> {
        // From now on a later process can ask about it.
        self.call.handle.record(&task.id).await;
        let id = task.id.clone();
        self.to_end(&id, Some(task)).await
    }

    /// Waits for the end of a task that the server made of the call when an earlier process made it.
    pub(super) async fn known_task(&self, id: &str) -> Result<ServerResult, ToolError> {
        self.to_end(id, None).await
    }

    async fn to_end(&self, id: &str, task: Option<Snapshot>) -> Result<ServerResult, ToolError> {
        let open = OpenTask {
            link: self.link,
            id: Some(id),
        };
        let ended = stopped(&self.call.cancel, self.follow(id, task)).await;
        open.disarm();
        if let Some(ended) = ended {
            return ended;
        }
        self.cancel(id).await;
        let what = format!("had not ended the task {id}");
        Err(self.link.silent(&what, ""))
    }

    async fn follow(&self, id: &str, task: Option<Snapshot>) -> Result<ServerResult, ToolError> {
        let mut said = String::new();
        let mut answered = HashSet::new();
        let mut task = match task {
            Some(task) => task,
            None => self.ask(id).await.map_err(TaskError::into_error)?,
        };
        loop {
            self.log(&task, &mut said);
            match task.status {
                Status::Working => {}
                Status::Completed(Some(result)) => return Ok(*result),
                Status::Completed(None) => {
                    return self.result(id).await;
                }
                Status::Failed(Some(why)) => return Err(self.failure("failed", &why)),
                Status::Failed(None) => {
                    // The error is what the server answers as the result, or in its place.
                    let result = self.result(id).await;
                    return result.map_err(|error| self.failure("failed", &error.message));
                }
                Status::Cancelled => {
                    let why = task.said.unwrap_or_default();
                    return Err(ToolError {
                        retryable: false,
                        ..self.failure("was cancelled at the server", &why)
                    });
                }
                // It asks by itself, once the result is waited for.
                Status::InputRequired(None) => return self.result(id).await,
                Status::InputRequired(Some(wanted)) => {
                    self.answer(id, wanted, &mut answered).await?;
                }
            }
            tokio::time::sleep(task.interval).await;
            task = self.ask(id).await.map_err(TaskError::into_error)?;
        }
    }

    /// Answers what a task waits for, once.
    async fn answer(
        &self,
        id: &str,
        mut wanted: InputRequests,
        answered: &mut HashSet<String>,
    ) -> Result<(), ToolError> {
        wanted.retain(|key, _| !answered.contains(key));
        if wanted.is_empty() {
            return Ok(());
        }
        answered.extend(wanted.keys().cloned());
        let name = &self.link.settings.name;
        let answers = match answers(wanted, &self.call.asker, name, self.tool).await {
            Ok(answers) => answers,
            Err(error) => {
                self.cancel(id).await;
                return Err(error);
            }
        };
        let connection = self.link.connection(self.surroundings).await?;
        let updated = connection.update_task(id, answers).await;
        updated.map_err(TaskError::into_error)
    }

    /// Asks about a task, over a new connection where the one before was lost.
    async fn ask(&self, id: &str) -> Result<Snapshot, TaskError> {
        let mut wait = WAITS.0;
        let mut failures = 0;
        loop {
            let error = match self.ask_once(id).await {
                Err(TaskError::Silent(error)) => error,
                answered => return answered,
            };
            failures += 1;
            if !error.retryable || failures == MAX_FAILURES {
                return Err(TaskError::Silent(error));
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(WAITS.1);
        }
    }

    async fn ask_once(&self, id: &str) -> Result<Snapshot, TaskError> {
        let connection = self.link.connection(self.surroundings).await;
        let connection = connection.map_err(TaskError::Silent)?;
        let asked = connection.task(id).await;
        if asked.is_err() {
            self.link.forget_if_lost(&connection);
        }
        asked
    }

    async fn result(&self, id: &str) -> Result<ServerResult, ToolError> {
        let connection = self.link.connection(self.surroundings).await?;
        let result = connection.task_result(id).await;
        result.map_err(TaskError::into_error)
    }

    async fn cancel(&self, id: &str) {
        if let Ok(connection) = self.link.connection(self.surroundings).await {
            connection.cancel_task(id).await;
        }
    }

    /// Logs how a task stands, where that is news. The next report stands in its place.
    fn log(&self, task: &Snapshot, said: &mut String) {
        let word = task.word();
        let text = match &task.said {
            Some(message) => format!("task {word}: {}", self.shown(message)),
            None => format!("task {word}"),
        };
        if text != *said {
            (self.call.log)(LogStream::Note, &format!("{text}\r"));
            *said = text;
        }
    }

    fn shown(&self, text: &str) -> String {
        let secrets = self.surroundings.secrets.now();
        quote(&secrets.redact(text), 8 << 10)
    }

    /// What the server says of a failure; only the policy knows whether the call may be made again.
    fn failure(&self, what: &str, why: &str) -> ToolError {
        let why = if why.is_empty() {
            String::new()
        } else {
            format!(": {}", self.shown(why))
        };
        ToolError::transient(format!(
            "the task of \"{}\" of {} {what}{why}",
            self.tool,
            named(&self.link.settings.name)
        ))
    }

    /// What became of a task that an earlier process left behind.
    pub(super) async fn look_up(&self, id: &str) -> LookedUp<ServerResult> {
        match self.ask(id).await {
            Err(error) => LookedUp::Unknown(error.into_error().message),
            Ok(task) => match task.status {
                Status::Working | Status::InputRequired(_) => LookedUp::Working(task.evidence()),
                _ => LookedUp::Ended(self.follow(id, Some(task)).await),
            },
        }
    }
}

/// A task that is waited for: where that ends early, nobody will ask about it any more.
struct OpenTask<'a> {
    link: &'a Link,
    id: Option<&'a str>,
}

impl OpenTask<'_> {
    fn disarm(mut self) {
        self.id = None;
    }
}

impl Drop for OpenTask<'_> {
    fn drop(&mut self) {
        let id = self.id.take().map(str::to_owned);
        let (Some(id), Some(connection), Ok(runtime)) = (
            id,
            self.link.open_connection(),
            tokio::runtime::Handle::try_current(),
        ) else {
            return;
        };
        runtime.spawn(async move { connection.cancel_task(&id).await });
    }
}
