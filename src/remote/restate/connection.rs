//! A Restate server that has workers, and what it is sent: each thing once, however often the server is away.

use super::address::RestateAddress;
use super::client::{Accepted, Client, ClientError};
use super::handle::Handle;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};
use uuid::Uuid;

/// The versions of the server that are known to work.
const VERSIONS: &str = "1.4 to 1.x";

/// How long the first answer of a worker may take.
const FIRST_ANSWER: Duration = Duration::from_secs(15);

/// How long what was not sent waits for the engine.
const PATIENCE: Duration = Duration::from_mins(1);

/// The pauses between two questions to an engine that cannot be reached: the first, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// Pauses between two questions to an engine that cannot be reached, each longer than the one before.
pub(super) struct Pauses {
    next: Duration,
}

impl Pauses {
    pub(super) const fn new() -> Self {
        Self { next: FIRST_PAUSE }
    }

    /// Waits for the next one.
    pub(super) async fn wait(&mut self) {
        sleep(self.next).await;
        self.next = (self.next * 2).min(LONGEST_PAUSE);
    }

    /// Says that the engine is away, before the first of them.
    fn say_once(&self, note: Note<'_>, why: &str) {
        if self.next == FIRST_PAUSE {
            note(&format!(
                "the engine cannot be reached, and is asked again: {why}"
            ));
        }
    }
}

/// How often the engine is asked what keeps a worker from beginning.
const WATCH: Duration = Duration::from_secs(3);

/// Why nothing is known of what the engine should know.
pub(super) const LOST_DATA: &str =
    "the engine does not know it any more: it has lost its data, or has been replaced";

/// Takes notes for users: that the engine is away, what keeps a worker from beginning.
pub(super) type Note<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// Why something was not sent.
#[derive(Debug)]
pub(super) enum SendFault {
    /// The engine cannot be reached, and has not had it.
    Unreachable(String),
    /// It refuses it.
    Refused(String),
    /// It may have had it, and has lost its data since.
    LostData,
}

/// A server with workers.
#[derive(Debug)]
pub(super) struct Connection {
    pub client: Client,
    /// What the engine was given before anything else.
    pub mark: String,
}

impl Connection {
    /// Looks whether the engine can be reached and has a worker.
    pub(super) async fn open(address: RestateAddress) -> Result<Self, ClientError> {
        let client = Client::new(address);
        let admin = client.address.admin.clone();
        client.known_version().await?;
        let no_worker = |why: &str| {
            ClientError::Refused(format!(
                "{why}: start one with `plandeck worker --restate 127.0.0.1:9080 --tools FILE --register {admin}`"
            ))
        };
        if !client.has_workers().await? {
            return Err(no_worker("no worker is registered at the engine"));
        }
        let mark = format!("mark-{}", Uuid::now_v7());
        match client.leave_mark(&mark, FIRST_ANSWER).await {
            Ok(()) => Ok(Self { client, mark }),
            Err(ClientError::Lost(true, _)) => {
                Err(no_worker("the registered worker does not answer"))
            }
            Err(error) => Err(error),
        }
    }

    /// Sends something to a handler until the engine has it.
    pub(super) async fn send(
        &self,
        handler: &str,
        handle: &Handle,
        body: &[u8],
        note: Note<'_>,
    ) -> Result<Accepted, SendFault> {
        let began = Instant::now();
        let mut pauses = Pauses::new();
        let mut may_be_there = false;
        loop {
            let submitted = self.client.submit(handler, &handle.key, body.to_vec());
            let error = match submitted.await {
                // The first time may have got through.
                Ok(_) if may_be_there => return Ok(Accepted::New),
                Ok(accepted) => return Ok(accepted),
                Err(error) => error,
            };
            match error {
                ClientError::Lost(was_sent, why) => {
                    pauses.say_once(note, &why);
                    may_be_there |= was_sent;
                    if !may_be_there && began.elapsed() > PATIENCE {
                        let message = format!("the engine cannot be reached: {why}");
                        return Err(SendFault::Unreachable(message));
                    }
                    // An engine that has lost its data would make it a second time.
                    if may_be_there && self.client.has_mark(&handle.mark).await.is_ok_and(|it| !it)
                    {
                        return Err(SendFault::LostData);
                    }
                }
                ClientError::Failed(why)
                | ClientError::NotFound(why)
                | ClientError::Refused(why) => return Err(SendFault::Refused(why)),
            }
            pauses.wait().await;
        }
    }

    /// Waits for the end of what was sent to a handler, however often the engine is away in between.
    pub(super) async fn end_of(
        &self,
        handler: &str,
        key: &str,
        note: Note<'_>,
    ) -> Result<Vec<u8>, ClientError> {
        let mut pauses = Pauses::new();
        loop {
            let began = Instant::now();
            let attached = self.client.attach(handler, key);
            let error = match self.watched(attached, (handler, key), note).await {
                Err(ClientError::Lost(_, why)) => why,
                ended => return ended,
            };
            if began.elapsed() > LONGEST_PAUSE {
                pauses = Pauses::new();
            }
            pauses.say_once(note, &error);
            pauses.wait().await;
        }
    }

    /// Waits, and says meanwhile what keeps a worker from beginning.
    async fn watched(
        &self,
        work: impl Future<Output = Result<Vec<u8>, ClientError>>,
        (handler, key): (&str, &str),
        note: Note<'_>,
    ) -> Result<Vec<u8>, ClientError> {
        tokio::pin!(work);
        let mut ticks = interval_at(Instant::now() + WATCH, WATCH);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut said = None;
        loop {
            tokio::select! {
                ended = &mut work => return ended,
                _ = ticks.tick() => {
                    let trouble = self.client.trouble(handler, key).await.ok().flatten();
                    if let Some(trouble) = trouble.filter(|trouble| said.as_ref() != Some(trouble)) {
                        note(&format!("no worker has taken it yet: {trouble}"));
                        said = Some(trouble);
                    }
                }
            }
        }
    }
}

/// Whether this version of the server has what is used here.
fn is_known(version: &str) -> bool {
    let mut parts = version.split('.').map(str::parse::<u32>);
    matches!((parts.next(), parts.next()), (Some(Ok(1)), Some(Ok(minor))) if minor >= 4)
}

impl Client {
    /// Looks whether the server can be reached, and is of a version that is known.
    pub(super) async fn known_version(&self) -> Result<(), ClientError> {
        let admin = &self.address.admin;
        let version = self.version().await.map_err(|error| {
            ClientError::Refused(format!(
                "the admin interface of Restate at {admin} cannot be asked: {error}; start the server, or name the \
                 interface with ?admin=HOST:PORT"
            ))
        })?;
        if is_known(&version) {
            return Ok(());
        }
        Err(ClientError::Refused(format!(
            "the server at {admin} is Restate {version:?}; versions {VERSIONS} are known to work"
        )))
    }
}
