//! `agent` tools: other agents over the Agent2Agent protocol.
//!
//! A call sends a message, follows the task that the agent makes of it, and gives the task's artifacts. A task goes on
//! where its stream breaks: it is then asked for by its id.

mod client;
mod progress;

use crate::models::CostBasis;
use crate::models::http::RequestError;
use crate::run::{ErrorKind, LogStream, NotReused};
use crate::tools::definition::{
    BuildContext, BuildError, FingerprintParts, KindEntry, ToolDefinition, ToolSettings,
};
use crate::tools::kind::DAY;
use crate::tools::secrets::is_secret_header;
use crate::tools::services::Services;
use crate::tools::template::{Missing, TemplateRenderer};
use crate::tools::{Call, CallPolicy, CallReport, Reaches, Tool, ToolError, ToolKind};
use a2a::{
    CancelTaskRequest, GetTaskRequest, Message, Part, Role, SendMessageConfiguration,
    SendMessageRequest, SendMessageResponse, StreamResponse, Task, methods,
};
use client::{Client, Endpoint};
use futures::FutureExt;
use futures::future::BoxFuture;
use progress::{Progress, Standing};
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The waits before a task is asked for again: the first, which doubles, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// How often in a row a task may fail to be asked for.
const MAX_FAILURES: u32 = 5;

/// How long the cancellation of a task may take.
const CANCEL_LIMIT: Duration = Duration::from_secs(1);

pub(in crate::tools) static KIND: ToolKind = ToolKind {
    takes_key: true,
    timeout: Some(Duration::from_mins(2)),
    time_to_live: DAY,
    ..ToolKind::new("agent")
};

pub(super) static ENTRY: KindEntry = KindEntry {
    kind: &KIND,
    fields: &["url", "headers"],
    implied_by: &[],
    rank: 6,
    parse: |fields| {
        let url = fields.text("url");
        if let Some(url) = &url {
            fields.check_variables("url", url);
        }
        Arc::new(AgentSettings {
            url,
            headers: fields.texts("headers"),
        })
    },
};

/// Another agent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct AgentSettings {
    /// Its address, or that of its card.
    pub url: Option<Arc<str>>,
    /// Headers, with `${VAR}` from the environment.
    pub headers: Vec<(Arc<str>, Arc<str>)>,
}

impl ToolSettings for AgentSettings {
    fn kind(&self) -> &'static ToolKind {
        &KIND
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Arc<dyn Tool>, BuildError> {
        if self.url.is_none() {
            return Err("an agent needs a `url`".into());
        }
        Ok(Arc::new(AgentTool {
            settings: Arc::new(self.clone()),
            policy: context.definition.policy(),
            services: context.services.clone(),
            endpoint: Arc::default(),
        }))
    }

    fn reaches(&self, _definition: &ToolDefinition, reaches: &mut Reaches) {
        if let Some(url) = &self.url {
            reaches.address(url);
        }
        reaches.variables_in(self.headers.iter().map(|(_, value)| &**value));
    }

    fn fingerprint(&self, parts: &mut FingerprintParts<'_>) -> Option<NotReused> {
        parts.put("url", json!(self.url));
        if !self.headers.is_empty() {
            parts.put("headers", json!(self.headers));
        }
        parts.variables(self.url.as_deref());
        parts.variables(self.headers.iter().map(|(_, value)| &**value));
        parts.unless_it_reads(false)
    }
}

struct AgentTool {
    settings: Arc<AgentSettings>,
    policy: CallPolicy,
    services: Arc<Services>,
    /// What the agent's card says, once it has been read.
    endpoint: Arc<Mutex<Option<Endpoint>>>,
}

impl Tool for AgentTool {
    fn kind(&self) -> &'static ToolKind {
        &KIND
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let (settings, services) = (self.settings.clone(), self.services.clone());
        let (endpoint, limit) = (self.endpoint.clone(), self.policy.timeout);
        async move { run(&settings, &services, &endpoint, &call, limit).await }.boxed()
    }

    fn policy(&self) -> CallPolicy {
        self.policy
    }
}

async fn run(
    settings: &AgentSettings,
    services: &Services,
    known: &Mutex<Option<Endpoint>>,
    call: &Call,
    limit: Option<Duration>,
) -> CallReport {
    let (address, headers) = match settings.rendered(services) {
        Ok(rendered) => rendered,
        Err(message) => return CallReport::not_sent(ToolError::permanent(message)),
    };
    let secrets = services.secrets.now();
    let client = Client { services, headers };
    let failed = |error: &RequestError| ToolError {
        kind: if error.timed_out {
            ErrorKind::TimeoutError
        } else {
            ErrorKind::ToolExecutionError
        },
        retryable: error.retryable,
        retry_after: error.retry_after,
        ..ToolError::permanent(secrets.quote(&error.message, 1_000))
    };
    let seen = known.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let endpoint = match seen {
        Some(endpoint) => endpoint,
        None => match client.endpoint(&address).await {
            Ok(endpoint) => {
                *known.lock().unwrap_or_else(PoisonError::into_inner) = Some(endpoint.clone());
                endpoint
            }
            Err(error) => return CallReport::not_sent(failed(&error)),
        },
    };
    let message = message(call);
    let mut report = CallReport::free(Ok(Value::Null));
    let shown = serde_json::to_string_pretty(&message.parts).unwrap_or_default();
    report.prompt = Some(secrets.redact(&shown).into_owned().into());
    let mut progress = Progress::default();
    // A caller with its own time limit drops the call; the limit of its step may be longer.
    let limit = limit.filter(|_| call.time_limit.is_none());
    let outcome = {
        let work = follow(&client, &endpoint, message, call, &mut progress);
        let work = async {
            match limit {
                None => work.await,
                Some(limit) => tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
                    let seconds = limit.as_secs_f64();
                    let message = format!("the agent did not end within timeout_s = {seconds}");
                    Err(RequestError::timeout(message).sent())
                }),
            }
        };
        tokio::select! {
            biased;
            () = call.cancel.cancelled() => Err(RequestError::permanent("cancelled").sent()),
            outcome = work => outcome,
        }
    };
    if let Err(error) = &outcome {
        report.basis = if error.sent {
            CostBasis::UpperBound
        } else {
            CostBasis::NotSent
        };
        cancel(&client, &endpoint, &progress).await;
    }
    report.output = match outcome {
        Err(error) => Err(failed(&error)),
        Ok(()) => match progress.output(&services.files) {
            Ok(output) => Ok(Arc::new(output)),
            Err(why) => Err(ToolError::permanent(secrets.quote(&why, 1_000))),
        },
    };
    if let Ok(output) = &report.output {
        report.answer = Some(secrets.redact(&output.to_string()).into_owned().into());
    }
    report.hide(&secrets);
    report
}

/// What the agent is sent: the step's `task` as text, and everything else as data.
fn message(call: &Call) -> Message {
    let empty = Map::new();
    let mut rest = call.input.as_object().unwrap_or(&empty).clone();
    let mut parts = Vec::new();
    if let Some(Value::String(task)) = rest.get("task") {
        parts.push(Part::text(task.clone()));
        rest.shift_remove("task");
    }
    rest.retain(|_, value| !value.is_null() && *value != json!({}));
    if !rest.is_empty() || parts.is_empty() {
        parts.push(Part::data(Value::Object(rest)));
    }
    let mut message = Message::new(Role::User, parts);
    // A message that is sent again after a crash has the name that it had.
    message.message_id = call.idempotency_key.to_string();
    message
}

/// Sends the message and follows what becomes of it until there is an output.
async fn follow(
    client: &Client<'_>,
    endpoint: &Endpoint,
    message: Message,
    call: &Call,
    progress: &mut Progress,
) -> Result<(), RequestError> {
    let request = SendMessageRequest {
        message,
        configuration: Some(SendMessageConfiguration {
            accepted_output_modes: None,
            task_push_notification_config: None,
            history_length: Some(0),
            return_immediately: Some(true),
        }),
        metadata: None,
        tenant: None,
    };
    if endpoint.streams {
        let method = methods::SEND_STREAMING_MESSAGE;
        let streamed = client
            .stream(endpoint, method, request, |sent: StreamResponse| {
                progress.take(sent, &call.log);
                !matches!(progress.standing(), Standing::Working)
            })
            .await;
        if let Err(error) = streamed {
            // What has begun goes on without the stream.
            if progress.task.is_none() || !error.retryable {
                return Err(error);
            }
            let words = format!("the stream of updates ended: {}", error.message);
            (call.log)(LogStream::Note, &words);
        }
    } else {
        match client
            .call(endpoint, methods::SEND_MESSAGE, request)
            .await?
        {
            SendMessageResponse::Task(task) => progress.take_task(task, &call.log),
            SendMessageResponse::Message(message) => {
                progress.take(StreamResponse::Message(message), &call.log);
            }
        }
    }
    let (mut wait, mut failures) = (WAITS.0, 0);
    loop {
        match progress.standing() {
            Standing::Done => return Ok(()),
            Standing::Failed(why) => return Err(RequestError::permanent(why).sent()),
            Standing::Working => {}
        }
        let Some(id) = progress.task.clone() else {
            let words = "the agent ended without a task and without a message";
            return Err(RequestError::permanent(words).sent());
        };
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(WAITS.1);
        let request = GetTaskRequest {
            id,
            history_length: Some(0),
            tenant: None,
        };
        match client
            .call::<Task>(endpoint, methods::GET_TASK, request)
            .await
        {
            Ok(task) => {
                failures = 0;
                progress.take_task(task, &call.log);
            }
            Err(error) => {
                failures += 1;
                if !error.retryable || failures == MAX_FAILURES {
                    return Err(error.sent());
                }
            }
        }
    }
}

/// Has the agent end a task that nobody waits for any more.
async fn cancel(client: &Client<'_>, endpoint: &Endpoint, progress: &Progress) {
    let Some(id) = progress.open_task().cloned() else {
        return;
    };
    let request = CancelTaskRequest {
        id,
        metadata: None,
        tenant: None,
    };
    let cancelled = client.call::<Task>(endpoint, methods::CANCEL_TASK, request);
    // It may have ended, or not be reachable any more.
    let _ = tokio::time::timeout(CANCEL_LIMIT, cancelled).await;
}

impl AgentSettings {
    /// The address and the headers, with their variables. What headers carry credentials is a secret.
    fn rendered(&self, services: &Services) -> Result<(Url, HeaderMap), String> {
        let empty = Map::new();
        let mut renderer =
            TemplateRenderer::new(&empty, Missing::Error).with_environment(&services.environment);
        let address = self.url.as_deref().unwrap_or_default();
        let address = renderer
            .text(address, str::to_owned)
            .map_err(|error| error.to_string())?;
        services.secrets.add_credentials_of(&address);
        let url = Url::parse(&address)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url.ok_or_else(|| {
            let address = services.secrets.now().quote(&address, 200);
            format!("the address of the agent, {address}, is not valid: it begins with http:// or https://")
        })?;
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let value = renderer
                .text(value, str::to_owned)
                .map_err(|error| format!("in the header {name}: {error}"))?;
            if is_secret_header(name) {
                services.secrets.add_header(&value);
            }
            let header = HeaderName::from_bytes(name.as_bytes());
            let (Ok(header), Ok(value)) = (header, HeaderValue::from_str(&value)) else {
                return Err(format!(
                    "the header {name} has characters that a header cannot carry"
                ));
            };
            headers.append(header, value);
        }
        Ok((url, headers))
    }
}
