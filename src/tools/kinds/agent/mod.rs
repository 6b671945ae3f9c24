//! `agent` tools: other agents over the Agent2Agent protocol.
//!
//! A call sends a message, follows the task that the agent makes of it, and gives the task's artifacts. A task goes on
//! where its stream breaks: it is then asked for by its id.

mod client;
mod conversation;
mod progress;

use crate::models::CostBasis;
use crate::models::http::RequestError;
use crate::run::{ErrorKind, NotReused};
use crate::tools::definition::{
    BuildContext, BuildError, FingerprintParts, KindEntry, ToolDefinition, ToolSettings,
};
use crate::tools::kind::DAY;
use crate::tools::secrets::is_secret_header;
use crate::tools::services::Services;
use crate::tools::template::{Missing, TemplateRenderer};
use crate::tools::trace_header::add_trace;
use crate::tools::{Call, CallPolicy, CallReport, Reaches, Standing, Tool, ToolError, ToolKind};
use client::{Client, Endpoint};
use conversation::{Conversation, message};
use futures::FutureExt;
use futures::future::BoxFuture;
use progress::Progress;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

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

    fn look_up(&self, call: Call) -> Option<BoxFuture<'static, Standing>> {
        let (settings, services) = (self.settings.clone(), self.services.clone());
        let endpoint = self.endpoint.clone();
        Some(async move { look_up(&settings, &services, &endpoint, &call).await }.boxed())
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
    let (address, mut headers) = match settings.rendered(services) {
        Ok(rendered) => rendered,
        Err(message) => return CallReport::not_sent(ToolError::permanent(message)),
    };
    add_trace(&mut headers, call);
    let secrets = services.secrets.now();
    let client = Client { services, headers };
    let failed = |error: &RequestError| failure(services, error);
    let endpoint = match endpoint(&client, &address, known).await {
        Ok(endpoint) => endpoint,
        Err(error) => return CallReport::not_sent(failed(&error)),
    };
    let message = message(call);
    let mut report = CallReport::free(Ok(Value::Null));
    let shown = serde_json::to_string_pretty(&message.parts).unwrap_or_default();
    report.prompt = Some(secrets.redact(&shown).into_owned().into());
    let mut progress = Progress::default();
    let conversation = Conversation {
        client: &client,
        endpoint: &endpoint,
        call,
    };
    // A caller with its own time limit drops the call; the limit of its step may be longer.
    let limit = limit.filter(|_| call.time_limit.is_none());
    let outcome = {
        let work = async {
            match call.handle.earlier() {
                Some(task) => conversation.resume(task, &mut progress).await,
                None => conversation.begin(message, &mut progress).await,
            }
        };
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
        conversation.cancel(&progress).await;
    }
    report.output = match outcome {
        Err(error) => Err(failed(&error)),
        Ok(()) => output(services, progress),
    };
    if let Ok(output) = &report.output {
        report.answer = Some(secrets.redact(&output.to_string()).into_owned().into());
    }
    report.hide(&secrets);
    report
}

/// What the agent's card says, which is read once.
async fn endpoint(
    client: &Client<'_>,
    address: &Url,
    known: &Mutex<Option<Endpoint>>,
) -> Result<Endpoint, RequestError> {
    let seen = known.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(endpoint) = seen {
        return Ok(endpoint);
    }
    let endpoint = client.endpoint(address).await?;
    *known.lock().unwrap_or_else(PoisonError::into_inner) = Some(endpoint.clone());
    Ok(endpoint)
}

fn failure(services: &Services, error: &RequestError) -> ToolError {
    ToolError {
        kind: if error.timed_out {
            ErrorKind::TimeoutError
        } else {
            ErrorKind::ToolExecutionError
        },
        retryable: error.retryable,
        retry_after: error.retry_after,
        ..ToolError::permanent(services.secrets.now().quote(&error.message, 1_000))
    }
}

fn output(services: &Services, progress: Progress) -> Result<Arc<Value>, ToolError> {
    let output = progress.output(&services.files);
    let fault = |why: String| ToolError::permanent(services.secrets.now().quote(&why, 1_000));
    output.map(Arc::new).map_err(fault)
}

/// What became of the task that an earlier process left behind.
async fn look_up(
    settings: &AgentSettings,
    services: &Services,
    known: &Mutex<Option<Endpoint>>,
    call: &Call,
) -> Standing {
    let (address, headers) = match settings.rendered(services) {
        Ok(rendered) => rendered,
        Err(message) => return Standing::Unknown(message.into()),
    };
    let client = Client { services, headers };
    let mut progress = Progress::default();
    let id = call.handle.earlier().map_or("", |id| id);
    let asked = async {
        let endpoint = endpoint(&client, &address, known).await?;
        let conversation = Conversation {
            client: &client,
            endpoint: &endpoint,
            call,
        };
        conversation.ask(id, &mut progress).await
    };
    if let Err(error) = asked.await {
        return Standing::Unknown(failure(services, &error).message.into());
    }
    let output = match progress.standing() {
        progress::Standing::Working | progress::Standing::Asks(_) => {
            return Standing::Working(Arc::new(progress.evidence()));
        }
        progress::Standing::Done => output(services, progress),
        progress::Standing::Failed(why) => Err(failure(services, &RequestError::permanent(why))),
    };
    let mut report = CallReport {
        output,
        ..CallReport::free(Ok(Value::Null))
    };
    report.hide(&services.secrets.now());
    Standing::Ended(Box::new(report))
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
