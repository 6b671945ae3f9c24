//! The connection to a server, which is opened when it is first needed and again when it was lost.

use super::child;
use super::connection::{Connection, Context, Way};
use super::failure::{named, not_started};
use super::http;
use super::listeners::Listeners;
use super::settings::{Place, ServerSettings};
use super::surroundings::Surroundings;
use crate::run::ErrorKind;
use crate::tools::ToolError;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::task::AbortOnDropHandle;

type Opening = Shared<BoxFuture<'static, Result<Arc<Connection>, ToolError>>>;

/// A server with its connection.
pub(super) struct Link {
    /// How it is started or reached.
    pub settings: ServerSettings,
    /// The calls that are waiting for it.
    pub listeners: Arc<Listeners>,
    current: Mutex<Option<Opening>>,
}

impl Link {
    /// No connection yet.
    pub(super) fn new(settings: ServerSettings) -> Self {
        Self {
            settings,
            listeners: Arc::default(),
            current: Mutex::default(),
        }
    }

    /// The connection, which is opened where there is none.
    pub(super) async fn connection(
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
            Place::Address {
                url,
                headers,
                oauth,
            } => http::prepare(url, headers, oauth.as_ref(), surroundings).map(Way::Address),
        }
    }

    /// The next call opens another connection, whatever this one is.
    pub(super) fn forget_all(&self) {
        *self.lock() = None;
    }

    /// The next call opens another connection.
    pub(super) fn forget(&self, connection: &Arc<Connection>) {
        let mut current = self.lock();
        let is_current = current.as_ref().is_some_and(
            |opening| matches!(opening.peek(), Some(Ok(one)) if Arc::ptr_eq(one, connection)),
        );
        if is_current {
            *current = None;
        }
    }

    /// The connection, where there is one.
    pub(super) fn open_connection(&self) -> Option<Arc<Connection>> {
        let current = self.lock();
        let opened = current.as_ref()?.peek()?.as_ref().ok()?;
        (!opened.is_closed()).then(|| Arc::clone(opened))
    }

    pub(super) fn forget_if_lost(&self, connection: &Arc<Connection>) {
        if connection.is_closed() {
            self.forget(connection);
        }
    }

    /// The error of a call that is stopped while it waits.
    pub(super) fn silent(&self, what: &str, explanation: &str) -> ToolError {
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
