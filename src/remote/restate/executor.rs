//! Sends attempts to the engine, waits for their results, and looks up those that an earlier process sent.

use super::CALL;
use super::address::RestateAddress;
use super::client::{Accepted, ClientError, Known};
use super::connection::{Connection, LOST_DATA, Pauses, SendFault};
use super::handle::Handle;
use crate::remote::wire::{CallReply, CallRequest, Outcome};
use crate::run::LogStream;
use crate::tools::{Call, CallReport, CostBasis, Executor, Standing, Tool, ToolError, Work};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::json;
use std::sync::Arc;

/// The largest input that is sent, in bytes: the engine keeps what it passes on.
const LARGEST: usize = 8 << 20;

/// Has calls carried out by workers behind a Restate server.
#[derive(Clone)]
pub struct RestateExecutor {
    engine: Arc<Engine>,
}

struct Engine {
    connection: Connection,
}

impl RestateExecutor {
    /// Looks whether the engine can be reached and has a worker.
    ///
    /// # Errors
    /// What is missing, and what to do.
    pub async fn connect(address: RestateAddress) -> Result<Self, ClientError> {
        let connection = Connection::open(address).await?;
        Ok(Self {
            engine: Arc::new(Engine { connection }),
        })
    }
}

impl Executor for RestateExecutor {
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
            let handle = Handle::new(&call.name, time, &self.connection.mark);
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
        let note = |words: &str| (call.log)(LogStream::Note, words);
        let sent = self.connection.send(CALL, handle, body, &note).await;
        sent.map_err(|fault| {
            Box::new(match fault {
                SendFault::Unreachable(why) => CallReport::not_sent(ToolError::transient(why)),
                SendFault::Refused(why) => CallReport::not_sent(ToolError::permanent(format!(
                    "the engine refuses the call: {why}"
                ))),
                SendFault::LostData => lost(LOST_DATA),
            })
        })
    }

    /// Waits for the end of a call, however often the engine is away in between.
    async fn end_of(&self, key: &str, call: &Call) -> Result<Vec<u8>, ClientError> {
        let note = |words: &str| (call.log)(LogStream::Note, words);
        self.connection.end_of(CALL, key, &note).await
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
        let begun = self
            .connection
            .client
            .was_begun(&handle.key)
            .await
            .ok()
            .flatten();
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
        let mut pauses = Pauses::new();
        let error = loop {
            match self.connection.client.look_up(CALL, &handle.key).await {
                // Whoever could be asked about it may know more.
                Ok(Known::Ended(body)) if is_lost(&Ok(body.clone())) => {
                    return Standing::Unknown("the worker died in the middle of the call".into());
                }
                Ok(Known::Ended(_)) => return Standing::Working(evidence("ended")),
                Ok(Known::Running) => return Standing::Working(evidence("running")),
                Err(ClientError::Lost(_, _)) => {
                    pauses.wait().await;
                }
                Err(error) => break error,
            }
        };
        match error {
            ClientError::NotFound(_) => match self.connection.client.has_mark(&handle.mark).await {
                Ok(true) => Standing::NotBegun(evidence("not sent")),
                Ok(false) => Standing::Unknown(LOST_DATA.into()),
                Err(error) => Standing::Unknown(error.to_string().into()),
            },
            error => {
                let begun = self
                    .connection
                    .client
                    .was_begun(&handle.key)
                    .await
                    .ok()
                    .flatten();
                if begun == Some(false) && !is_repeatable {
                    return Standing::NotBegun(evidence("given up before it was begun"));
                }
                Standing::Unknown(format!("the engine has given it up: {error}").into())
            }
        }
    }

    /// Ends a call that nobody waits for any more.
    async fn stop(&self, key: &str) {
        if let Err(error) = self.connection.client.kill(CALL, key).await {
            tracing::warn!(key, %error, "a call cannot be stopped at the engine");
        }
    }
}

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
