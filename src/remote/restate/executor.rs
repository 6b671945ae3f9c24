//! Sends attempts to the engine, waits for their results, and looks up those that an earlier process sent.

use super::address::RestateAddress;
use super::client::{Accepted, Client, ClientError, Known};
use super::handle::Handle;
use crate::remote::wire::{CallReply, CallRequest, Outcome};
use crate::run::LogStream;
use crate::tools::{Call, CallReport, CostBasis, Executor, Standing, Tool, ToolError, Work};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};
use uuid::Uuid;

/// The versions of the server that are known to work.
const VERSIONS: &str = "1.4 to 1.x";

/// How long the first answer of a worker may take.
const FIRST_ANSWER: Duration = Duration::from_secs(15);

/// How long a call that was not sent waits for the engine.
const PATIENCE: Duration = Duration::from_mins(1);

/// The pauses between two questions to an engine that cannot be reached: the first, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// How often the engine is asked what keeps a call from being made.
const WATCH: Duration = Duration::from_secs(3);

/// The largest input that is sent, in bytes: the engine keeps what it passes on.
const LARGEST: usize = 8 << 20;

/// Has calls carried out by workers behind a Restate server.
#[derive(Clone)]
pub struct RestateExecutor {
    engine: Arc<Engine>,
}

struct Engine {
    client: Client,
    /// What the engine was given before the first call.
    mark: String,
}

impl RestateExecutor {
    /// Looks whether the engine can be reached and has a worker.
    ///
    /// # Errors
    /// What is missing, and what to do.
    pub async fn connect(address: RestateAddress) -> Result<Self, ClientError> {
        let client = Client::new(address);
        let admin = client.address.admin.clone();
        let version = client.version().await.map_err(|error| {
            ClientError::Refused(format!(
                "the admin interface of Restate at {admin} cannot be asked: {error}; start the server, or name the \
                 interface with ?admin=HOST:PORT"
            ))
        })?;
        if !is_known(&version) {
            let message = format!(
                "the server at {admin} is Restate {version:?}; versions {VERSIONS} are known to work"
            );
            return Err(ClientError::Refused(message));
        }
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
            Ok(()) => {}
            Err(ClientError::Lost(true, _)) => {
                return Err(no_worker("the registered worker does not answer"));
            }
            Err(error) => return Err(error),
        }
        let engine = Engine { client, mark };
        Ok(Self {
            engine: Arc::new(engine),
        })
    }
}

/// Whether this version of the server has what is used here.
fn is_known(version: &str) -> bool {
    let mut parts = version.split('.').map(str::parse::<u32>);
    matches!((parts.next(), parts.next()), (Some(Ok(1)), Some(Ok(minor))) if minor >= 4)
}

impl Executor for RestateExecutor {
    fn address(&self) -> &str {
        self.engine.client.address.as_str()
    }

    /// What is computed here stays here, and so does code: the tools that it calls are steps of this run.
    fn takes(&self, tool: &dyn Tool) -> bool {
        tool.kind().reaches_outside && !tool.kind().calls_tools
    }

    fn call(&self, work: &Work, call: Call) -> BoxFuture<'static, CallReport> {
        let engine = Arc::clone(&self.engine);
        let work = work.clone();
        async move {
            let stopped = call.cancel.clone();
            let mut sent = Sent {
                engine: Arc::clone(&engine),
                key: None,
            };
            let report = tokio::select! {
                report = engine.made(&work, &call, &mut sent.key) => {
                    sent.key = None;
                    report
                }
                () = stopped.cancelled() => {
                    if let Some(key) = sent.key.take() {
                        engine.stop(&key).await;
                    }
                    given_up("stopped")
                }
            };
            report
        }
        .boxed()
    }

    fn look_up(&self, work: &Work, call: Call) -> Option<BoxFuture<'static, Standing>> {
        let handle = Handle::read(call.handle.earlier()?)?;
        let engine = Arc::clone(&self.engine);
        let is_repeatable = work.tool.policy().repeatable;
        Some(async move { engine.standing(&handle, is_repeatable).await }.boxed())
    }
}

/// A call that the engine has, or may have. Where it is dropped, the call is ended.
struct Sent {
    engine: Arc<Engine>,
    key: Option<String>,
}

impl Drop for Sent {
    fn drop(&mut self) {
        let Some(key) = self.key.take() else { return };
        let engine = Arc::clone(&self.engine);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { engine.stop(&key).await });
        }
    }
}

impl Engine {
    /// Makes a call, or waits for the end of the one that it has the handle of. `sent` is its key from when it may have
    /// reached the engine.
    async fn made(&self, work: &Work, call: &Call, sent: &mut Option<String>) -> CallReport {
        let earlier = call.handle.earlier().map(|text| Handle::read(text));
        if let Some(earlier) = earlier {
            let Some(handle) = earlier else {
                return CallReport::not_sent(ToolError::permanent(
                    "another server gave this call its handle: resume the run without --on",
                ));
            };
            *sent = Some(handle.key.clone());
            let ended = self.end_of(&handle.key, call).await;
            return self.report(ended, &handle, work, call).await;
        }
        let request = CallRequest::new(work, call);
        let body = match body(&request, work) {
            Ok(body) => body,
            Err(why) => return CallReport::not_sent(ToolError::permanent(why)),
        };
        let mut time = 1;
        loop {
            let handle = Handle::new(&call.name, time, &self.mark);
            call.handle.record(&handle.to_text()).await;
            *sent = Some(handle.key.clone());
            let accepted = match self.send(&handle, &body, call).await {
                Ok(accepted) => accepted,
                Err(report) => {
                    *sent = None;
                    return *report;
                }
            };
            let ended = self.end_of(&handle.key, call).await;
            // A call of this name was lost before, and whoever calls now knows that: it is made once more.
            if accepted == Accepted::Before && is_lost(&ended) {
                time += 1;
                continue;
            }
            return self.report(ended, &handle, work, call).await;
        }
    }

    /// Sends a call until the engine has it. The error is the report of a call that it does not have, or may have lost.
    async fn send(
        &self,
        handle: &Handle,
        body: &[u8],
        call: &Call,
    ) -> Result<Accepted, Box<CallReport>> {
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut may_be_there = false;
        loop {
            let error = match self.client.submit(&handle.key, body.to_vec()).await {
                // The first time may have got through.
                Ok(_) if may_be_there => return Ok(Accepted::New),
                Ok(accepted) => return Ok(accepted),
                Err(error) => error,
            };
            match error {
                ClientError::Lost(was_sent, why) => {
                    note_once(call, pause, &why);
                    may_be_there |= was_sent;
                    if !may_be_there && began.elapsed() > PATIENCE {
                        let message = format!("the engine cannot be reached: {why}");
                        return Err(Box::new(CallReport::not_sent(ToolError::transient(
                            message,
                        ))));
                    }
                    // An engine that has lost its data would make it a second time.
                    if may_be_there && self.client.has_mark(&handle.mark).await.is_ok_and(|it| !it)
                    {
                        return Err(Box::new(lost(LOST_DATA)));
                    }
                }
                ClientError::Failed(why)
                | ClientError::NotFound(why)
                | ClientError::Refused(why) => {
                    let message = format!("the engine refuses the call: {why}");
                    return Err(Box::new(CallReport::not_sent(ToolError::permanent(
                        message,
                    ))));
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Waits for the end of a call, however often the engine is away in between.
    async fn end_of(&self, key: &str, call: &Call) -> Result<Vec<u8>, ClientError> {
        let mut pause = FIRST_PAUSE;
        loop {
            let began = Instant::now();
            let attached = self.client.attach(key);
            let error = match self.watched(attached, key, call).await {
                Err(ClientError::Lost(_, why)) => why,
                ended => return ended,
            };
            if began.elapsed() > LONGEST_PAUSE {
                pause = FIRST_PAUSE;
            }
            note_once(call, pause, &error);
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Waits, and says meanwhile in the log of the call what keeps it from being made.
    async fn watched(
        &self,
        work: impl Future<Output = Result<Vec<u8>, ClientError>>,
        key: &str,
        call: &Call,
    ) -> Result<Vec<u8>, ClientError> {
        tokio::pin!(work);
        let mut ticks = interval_at(Instant::now() + WATCH, WATCH);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut said = None;
        loop {
            tokio::select! {
                ended = &mut work => return ended,
                _ = ticks.tick() => {
                    let trouble = self.client.trouble(key).await.ok().flatten();
                    if let Some(trouble) = trouble.filter(|trouble| said.as_ref() != Some(trouble)) {
                        let words = format!("no worker has taken it yet: {trouble}");
                        (call.log)(LogStream::Note, &words);
                        said = Some(trouble);
                    }
                }
            }
        }
    }

    /// The report of a call that has ended at the engine.
    async fn report(
        &self,
        ended: Result<Vec<u8>, ClientError>,
        handle: &Handle,
        work: &Work,
        call: &Call,
    ) -> CallReport {
        let body = match ended {
            Ok(body) => body,
            Err(ClientError::NotFound(_)) => return lost(LOST_DATA),
            Err(error) => return self.failed(&error, handle, work).await,
        };
        let Ok(reply) = serde_json::from_slice::<CallReply>(&body) else {
            return lost(
                "the answer of the worker cannot be read; run the same version of plandeck on both sides",
            );
        };
        for (stream, text) in &reply.log {
            (call.log)(*stream, text);
        }
        match reply.outcome {
            Outcome::Ended { report } => CallReport::from(*report),
            Outcome::Unknown => lost("the worker died in the middle of the call"),
            Outcome::Refused { why } => CallReport::not_sent(ToolError::permanent(why)),
        }
    }

    /// The engine has given a call up: what is known of it.
    async fn failed(&self, error: &ClientError, handle: &Handle, work: &Work) -> CallReport {
        let begun = self.client.was_begun(&handle.key).await.ok().flatten();
        let message = format!("the engine has given the call up: {error}");
        if begun == Some(false) {
            return CallReport::not_sent(ToolError::transient(message));
        }
        if work.tool.policy().repeatable {
            return CallReport {
                basis: CostBasis::Reservation,
                ..CallReport::free(Err(ToolError::transient(message)))
            };
        }
        lost(&message)
    }

    /// The standing of a call that an earlier process made.
    async fn standing(&self, handle: &Handle, is_repeatable: bool) -> Standing {
        let evidence = |status: &str| Arc::new(json!({"invocation": handle.key, "status": status}));
        let mut pause = FIRST_PAUSE;
        let error = loop {
            match self.client.look_up(&handle.key).await {
                // Whoever could be asked about it may know more.
                Ok(Known::Ended(body)) if is_lost(&Ok(body.clone())) => {
                    return Standing::Unknown("the worker died in the middle of the call".into());
                }
                Ok(Known::Ended(_)) => return Standing::Working(evidence("ended")),
                Ok(Known::Running) => return Standing::Working(evidence("running")),
                Err(ClientError::Lost(_, _)) => {
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(error) => break error,
            }
        };
        match error {
            ClientError::NotFound(_) => match self.client.has_mark(&handle.mark).await {
                Ok(true) => Standing::NotBegun(evidence("not sent")),
                Ok(false) => Standing::Unknown(LOST_DATA.into()),
                Err(error) => Standing::Unknown(error.to_string().into()),
            },
            error => {
                let begun = self.client.was_begun(&handle.key).await.ok().flatten();
                if begun == Some(false) && !is_repeatable {
                    return Standing::NotBegun(evidence("given up before it was begun"));
                }
                Standing::Unknown(format!("the engine has given it up: {error}").into())
            }
        }
    }

    /// Ends a call that nobody waits for any more.
    async fn stop(&self, key: &str) {
        if let Err(error) = self.client.kill(key).await {
            tracing::warn!(key, %error, "a call cannot be stopped at the engine");
        }
    }
}

/// Why nothing is known of a call that the engine should know.
const LOST_DATA: &str =
    "the engine does not know the call any more: it has lost its data, or has been replaced";

/// The report of a call of which nobody knows whether it happened.
fn lost(why: &str) -> CallReport {
    CallReport::unknown(ToolError::permanent(format!(
        "{why}, so it may or may not have happened, and it was not repeated; find out, then retry it, set its output or \
         skip it"
    )))
}

fn given_up(why: &str) -> CallReport {
    CallReport {
        basis: CostBasis::Reservation,
        ..CallReport::free(Err(ToolError::permanent(why)))
    }
}

/// Whether nothing is known of a call that is over.
fn is_lost(ended: &Result<Vec<u8>, ClientError>) -> bool {
    match ended {
        Ok(body) => {
            let reply = serde_json::from_slice::<CallReply>(body);
            reply.is_ok_and(|reply| matches!(reply.outcome, Outcome::Unknown))
        }
        Err(ClientError::Failed(_)) => true,
        Err(_) => false,
    }
}

/// Says that the engine is away, the first time.
fn note_once(call: &Call, pause: Duration, why: &str) {
    if pause == FIRST_PAUSE {
        let words = format!("the engine cannot be reached, and is asked again: {why}");
        (call.log)(LogStream::Note, &words);
    }
}

/// What is sent. The engine keeps it, so a secret must not be in it.
fn body(request: &CallRequest, work: &Work) -> Result<Vec<u8>, String> {
    let secrets = work.secrets.now();
    let prompt = request.prompt.as_deref();
    let in_prompt = prompt.is_some_and(|prompt| &*secrets.redact(prompt) != prompt);
    if in_prompt || secrets.redacted(&request.input).is_some() {
        return Err(
            "the input holds a secret, which the engine would keep: let the tool read it from its environment (${VAR} in \
             the catalog) on the worker"
                .to_owned(),
        );
    }
    let body = serde_json::to_vec(request).map_err(|error| error.to_string())?;
    if body.len() > LARGEST {
        return Err(format!(
            "the call has {} MB, and the engine keeps what is sent to it: at most {} MB are sent; pass the place of the \
             data instead",
            body.len() >> 20,
            LARGEST >> 20
        ));
    }
    Ok(body)
}
