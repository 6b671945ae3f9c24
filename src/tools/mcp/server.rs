//! One server: its connection, which is opened when it is first needed and again when it was lost.

use super::child;
use super::connection::{Connection, Context, Missed, Way};
use super::failure::{named, not_started};
use super::http;
use super::listed::ListedTool;
use super::listeners::Listeners;
use super::result;
use super::settings::{Place, ServerSettings};
use super::surroundings::Surroundings;
use crate::run::ErrorKind;
use crate::tools::cancel::stopped;
use crate::tools::{Call, ToolError};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use serde_json::{Map, Value};
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::task::AbortOnDropHandle;

/// How often a call that was not sent is moved to a new connection.
const MAX_MOVES: usize = 3;

type Opening = Shared<BoxFuture<'static, Result<Arc<Connection>, ToolError>>>;

/// A server that steps share.
pub(in crate::tools) struct Server {
    settings: ServerSettings,
    listeners: Arc<Listeners>,
    current: Mutex<Option<Opening>>,
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
            settings,
            listeners: Arc::default(),
            current: Mutex::default(),
        }
    }

    /// How it is started or reached.
    pub(in crate::tools) fn settings(&self) -> &ServerSettings {
        &self.settings
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
        let listening = self.listeners.listen(&call.log);
        let mut sent = false;
        let mut moves = 0;
        let result = loop {
            let opened = stopped(&call.cancel, self.connection(surroundings)).await;
            let connection = match opened {
                None => break Err(self.silent("was still starting", "")),
                Some(Err(error)) => break Err(error),
                Some(Ok(connection)) => connection,
            };
            sent = true;
            let made = connection.call(tool, arguments.clone(), &call.idempotency_key, &listening);
            match stopped(&call.cancel, made).await {
                None => break Err(self.silent("had not answered", &connection.explanation())),
                Some(Ok(result)) => break Ok(result),
                Some(Err(Missed::Sent(error))) => {
                    self.forget_if_lost(&connection);
                    break Err(error);
                }
                Some(Err(Missed::NotSent(error))) => {
                    sent = false;
                    self.forget(&connection);
                    moves += 1;
                    if moves > MAX_MOVES {
                        break Err(error);
                    }
                }
            }
        };
        drop(listening);
        let output = match result {
            Ok(result) => {
                result::output(
                    &self.settings.name,
                    tool,
                    result,
                    surroundings.files,
                    &call.log,
                )
                .await
            }
            Err(error) => Err(error),
        };
        Made { output, sent }
    }

    /// Its tools.
    ///
    /// # Errors
    /// Where it cannot be started or reached, or does not list them.
    pub(in crate::tools) async fn tools(
        &self,
        surroundings: &Surroundings<'_>,
    ) -> Result<Vec<ListedTool>, ToolError> {
        let connection = self.connection(surroundings).await?;
        let listed = connection.tools().await;
        if listed.is_err() {
            self.forget(&connection);
        }
        let listed = listed?.into_iter();
        Ok(listed.map(ListedTool::from).collect())
    }

    /// The connection, which is opened where there is none.
    async fn connection(
        &self,
        surroundings: &Surroundings<'_>,
    ) -> Result<Arc<Connection>, ToolError> {
        let opening = {
            let mut current = self.lock();
            let usable = current.as_ref().filter(|opening| match opening.peek() {
                None => true,
                Some(Ok(connection)) => !connection.is_closed(),
                Some(Err(_)) => false,
            });
            if let Some(opening) = usable {
                opening.clone()
            } else {
                let opening = self.open(surroundings);
                *current = Some(opening.clone());
                opening
            }
        };
        opening.await
    }

    /// Begins to connect. That goes on while the first of those who wait for it is stopped.
    fn open(&self, surroundings: &Surroundings<'_>) -> Opening {
        let name = Arc::clone(&self.settings.name);
        let way = match self.way(surroundings) {
            Ok(way) => way,
            Err(why) => {
                let error = ToolError {
                    retryable: false,
                    ..not_started(&name, &why)
                };
                return async move { Err(error) }.boxed().shared();
            }
        };
        let context = Context {
            server: Arc::clone(&name),
            listeners: Arc::clone(&self.listeners),
            secrets: surroundings.secrets.clone(),
            start: self.settings.start,
        };
        let opening = AbortOnDropHandle::new(tokio::spawn(Connection::open(context, way)));
        async move {
            let opened = opening.await;
            let opened = opened.unwrap_or_else(|error| Err(not_started(&name, &error.to_string())));
            opened.map(Arc::new)
        }
        .boxed()
        .shared()
    }

    fn way(&self, surroundings: &Surroundings<'_>) -> Result<Way, String> {
        match &self.settings.place {
            Place::Program {
                command,
                env,
                cwd,
                folder,
            } => {
                let parts = child::Parts {
                    command,
                    env,
                    cwd: cwd.as_deref(),
                    folder: folder.as_ref().map(|folder| folder.as_path()),
                };
                child::prepare(&parts, surroundings).map(Way::Program)
            }
            Place::Address { url, headers } => {
                http::prepare(url, headers, surroundings).map(Way::Address)
            }
        }
    }

    /// The next call opens another connection.
    fn forget(&self, connection: &Arc<Connection>) {
        let mut current = self.lock();
        let is_current = current.as_ref().is_some_and(
            |opening| matches!(opening.peek(), Some(Ok(one)) if Arc::ptr_eq(one, connection)),
        );
        if is_current {
            *current = None;
        }
    }

    fn forget_if_lost(&self, connection: &Arc<Connection>) {
        if connection.is_closed() {
            self.forget(connection);
        }
    }

    /// The error of a call that is stopped while it waits.
    fn silent(&self, what: &str, explanation: &str) -> ToolError {
        let server = named(&self.settings.name);
        ToolError {
            kind: ErrorKind::TimeoutError,
            ..ToolError::permanent(format!("{server} {what}{explanation}"))
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Opening>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
