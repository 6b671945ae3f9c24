//! `http` tools: one request for each call.

mod address;
mod answer;
mod body;
mod content;
mod exchange;
mod pages;
mod query;
mod request;
mod status;

use super::jq::{self, JqRule};
use super::model::{self, Rules};
use crate::models::http::RequestError;
use crate::models::{CostBasis, TlsFiles};
use crate::run::NotReused;
use crate::tools::cancel::cancellable;
use crate::tools::definition::{
    BuildContext, BuildError, FingerprintParts, KindEntry, ToolDefinition, ToolSettings,
};
use crate::tools::fields::Fields;
use crate::tools::kind::DAY;
use crate::tools::services::Services;
use crate::tools::{Call, CallPolicy, CallReport, Reaches, Tool, ToolError, ToolKind};
use exchange::{Exchange, Request, failure};
use futures::FutureExt;
use futures::future::BoxFuture;
use pages::{Next, Pages};
use request::Prepared;
use serde_json::{Value, json};
pub(crate) use status::Statuses;
use std::sync::Arc;
use std::time::Duration;

static KIND: ToolKind = ToolKind {
    free: true,
    takes_key: true,
    timeout: Some(Duration::from_mins(2)),
    time_to_live: DAY,
    ..ToolKind::new("http")
};

pub(super) static ENTRY: KindEntry = KindEntry {
    kind: &KIND,
    fields: &[
        "method", "url", "headers", "query", "body", "status", "whole", "response", "pages", "tls",
        "offline",
    ],
    implied_by: &["url"],
    rank: 2,
    parse: |fields| Arc::new(parse(fields)),
};

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HttpSettings {
    /// `GET`, `POST`, …
    pub method: Arc<str>,
    /// The address, with `{{name}}` for parameters and `${VAR}` for the environment.
    pub url: Arc<str>,
    /// Headers, with the same placeholders.
    pub headers: Vec<(Arc<str>, Arc<str>)>,
    /// Query parameters, with the same placeholders.
    pub query: Vec<(Arc<str>, Value)>,
    /// The body, with `{{name}}` for parameters.
    pub body: Option<Value>,
    /// The statuses that are a success; those from 200 to 299 where it is not given.
    pub status: Option<Statuses>,
    /// Whether the answer is an object of its status, its headers and its body.
    pub whole: bool,
    /// A jq filter over the answer.
    pub response: Option<Arc<str>>,
    /// How an answer in pages is asked for as a whole.
    pub pages: Option<Pages>,
    /// Certificates and keys in files.
    pub tls: Option<TlsFiles>,
    /// The rules that replace the request while the worker is offline.
    pub offline: Option<Rules>,
}

fn parse(fields: &mut Fields<'_>) -> HttpSettings {
    if !fields.has("url") {
        fields.fault("url", "an http tool needs a `url`");
    }
    let url = fields.text("url").unwrap_or_default();
    fields.check_variables("url", &url);
    let open = url.starts_with("{{") || url.starts_with("${");
    if !url.is_empty() && !open && !url.starts_with("http://") && !url.starts_with("https://") {
        fields.fault("url", "`url` must begin with http:// or https://");
    }
    let method = fields.text("method").map_or_else(
        || "GET".to_owned(),
        |method| method.trim().to_ascii_uppercase(),
    );
    if !["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"].contains(&method.as_str()) {
        fields.fault("method", format!("`method` \"{method}\" is not known"));
    }
    let query = fields.object("query").unwrap_or_default();
    let headers = fields.texts("headers");
    let body = fields.take("body");
    let is_form = headers.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("content-type") && body::is_form_type(value)
    });
    if is_form
        && body
            .as_ref()
            .is_some_and(|body| !body.is_object() && !body.is_string())
    {
        fields.fault("body", "the `body` of a form must be an object or text");
    }
    HttpSettings {
        method: method.into(),
        url,
        headers,
        query: query
            .into_iter()
            .map(|(name, value)| (name.into(), value))
            .collect(),
        body,
        status: status::statuses(fields),
        whole: fields.flag("whole").unwrap_or(false),
        response: jq::filter_field(fields, "response", false),
        pages: pages::pages(fields),
        tls: tls(fields),
        offline: model::offline(fields),
    }
}

/// Reads `tls`: the files of certificates and keys, from the folder of the catalog.
fn tls(fields: &mut Fields<'_>) -> Option<TlsFiles> {
    const FIELD: &str = "tls";
    let mut members = fields.object(FIELD)?;
    let mut file = |name: &str| match members.shift_remove(name) {
        None => Ok(None),
        Some(Value::String(path)) => Ok(Some(path)),
        Some(_) => Err(format!("`tls.{name}` must be the name of a file")),
    };
    let files = file("ca").and_then(|ca| Ok((ca, file("cert")?, file("key")?)));
    let (ca, cert, key) = match files {
        Ok(files) => files,
        Err(fault) => {
            fields.fault(FIELD, fault);
            return None;
        }
    };
    if let Some(other) = members.keys().next() {
        let other = crate::text::message::quote(other, 60);
        fields.fault(
            FIELD,
            format!("`tls` has no \"{other}\", only `ca`, `cert` and `key`"),
        );
    }
    if cert.is_some() != key.is_some() {
        fields.fault(FIELD, "`tls.cert` and `tls.key` belong together: give both");
    }
    let client = cert.zip(key);
    Some(TlsFiles {
        ca: ca.map(|ca| fields.path(&ca)),
        client: client.map(|(cert, key)| (fields.path(&cert), fields.path(&key))),
    })
}

impl ToolSettings for HttpSettings {
    fn kind(&self) -> &'static ToolKind {
        &KIND
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Arc<dyn Tool>, BuildError> {
        if let Some(rules) = self
            .offline
            .as_ref()
            .filter(|_| context.worker.is_offline())
        {
            return model::by_rules(&KIND, rules, context);
        }
        let response = self.response.as_ref().map(JqRule::new).transpose()?;
        let policy = context.definition.policy();
        let reads = matches!(&*self.method, "GET" | "HEAD" | "OPTIONS");
        Ok(Arc::new(HttpTool {
            request: Arc::new(Request {
                http: self.clone(),
                response,
                next: self.pages.as_ref().map(Next::of).transpose()?,
                folder: context.definition.folder.clone(),
                timeout: policy.timeout,
            }),
            policy: CallPolicy {
                repeatable: policy.repeatable || reads,
                ..policy
            },
            services: context.services.clone(),
        }))
    }

    fn reaches(&self, _definition: &ToolDefinition, reaches: &mut Reaches) {
        reaches.address(&self.url);
        reaches.variables_in(self.headers.iter().map(|(_, value)| &**value));
        for (_, value) in &self.query {
            reaches.variables_in([&*value.to_string()]);
        }
    }

    fn fingerprint(&self, parts: &mut FingerprintParts<'_>) -> Option<NotReused> {
        if self.offline.is_some() && parts.worker.is_offline() {
            return Some(NotReused::Quick);
        }
        parts.put("method", json!(self.method));
        parts.put("url", json!(self.url));
        parts.put("headers", json!(self.headers));
        parts.put("query", json!(self.query));
        parts.put("body", json!(self.body));
        parts.put("response", json!(self.response));
        if let Some(status) = &self.status {
            parts.put("status", json!(status.in_words()));
        }
        if self.whole {
            parts.put("whole", json!(true));
        }
        if let Some(pages) = &self.pages {
            parts.put("pages", json!([pages.next, pages.max]));
        }
        parts.variables([&*self.url]);
        parts.variables(self.headers.iter().map(|(_, value)| &**value));
        for (_, value) in &self.query {
            parts.variables([&*value.to_string()]);
        }
        parts.unless_it_reads(matches!(&*self.method, "GET" | "HEAD"))
    }
}

struct HttpTool {
    request: Arc<Request>,
    policy: CallPolicy,
    services: Arc<Services>,
}

impl Tool for HttpTool {
    fn kind(&self) -> &'static ToolKind {
        &KIND
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let (request, services) = (self.request.clone(), self.services.clone());
        async move {
            let mut sent = false;
            let work = run(&request, &services, &call, &mut sent);
            let report = cancellable(&call.cancel, work).await;
            report.unwrap_or_else(|cancelled| {
                let mut report = CallReport::not_sent(cancelled);
                if sent {
                    report.basis = CostBasis::UpperBound;
                }
                report
            })
        }
        .boxed()
    }

    fn policy(&self) -> CallPolicy {
        self.policy
    }
}

/// Makes the request; `sent` is set as soon as it may have reached the server.
async fn run(request: &Request, services: &Services, call: &Call, sent: &mut bool) -> CallReport {
    let prepared = match Prepared::new(&request.http, request.folder(), services, call) {
        Ok(prepared) => prepared,
        Err(message) => return CallReport::not_sent(ToolError::permanent(message)),
    };
    let secrets = services.secrets.now();
    let mut report = CallReport::free(Ok(Value::Null));
    report.prompt = Some(secrets.redact(&prepared.shown).into_owned().into());
    // A caller with its own time limit drops the call; the limit of its step may be longer.
    let limit = request.timeout.filter(|_| call.time_limit.is_none());
    *sent = true;
    let exchange = Exchange {
        request,
        services,
        call,
        secrets: &secrets,
    };
    let all = exchange.all(prepared, &mut report);
    let output = match limit {
        None => all.await,
        Some(limit) => tokio::time::timeout(limit, all).await.unwrap_or_else(|_| {
            let seconds = limit.as_secs_f64();
            let message = format!("no answer within timeout_s = {seconds}");
            Err(failure(&secrets, &RequestError::timeout(message)))
        }),
    };
    report.output = output.map(Arc::new);
    report.hide(&secrets);
    report
}
