//! `http` tools: one request a call.

use super::catalog::HttpSettings;
use super::jq::JqRule;
use super::placeholder::{Filler, Missing, plain};
use super::secrets::{Secrets, is_secret_header, percent_encode};
use super::services::Services;
use super::{Call, CallReport, Tool, ToolError};
use crate::models::http::{RequestError, body, failed, is_transient, retry_after};
use crate::text::message::quote;
use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// An answer may have this many bytes.
const LARGEST_ANSWER: usize = 32 << 20;

/// How much of an answer an error quotes.
const QUOTED: usize = 600;

/// A request.
pub struct HttpTool {
    request: Arc<Settings>,
    repeatable: bool,
    timeout: Option<Duration>,
    services: Arc<Services>,
}

struct Settings {
    http: HttpSettings,
    response: Option<JqRule>,
}

impl HttpTool {
    /// A tool that makes the request; the error says what is wrong with its `response` filter.
    pub fn new(
        http: HttpSettings,
        repeatable: bool,
        timeout: Option<Duration>,
        services: Arc<Services>,
    ) -> Result<Self, String> {
        let response = http.response.as_ref().map(JqRule::new).transpose()?;
        let repeatable = repeatable || matches!(&*http.method, "GET" | "HEAD" | "OPTIONS");
        Ok(Self {
            request: Arc::new(Settings { http, response }),
            repeatable,
            timeout,
            services,
        })
    }
}

impl Tool for HttpTool {
    fn kind(&self) -> &'static str {
        "http"
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let (settings, services, timeout) =
            (self.request.clone(), self.services.clone(), self.timeout);
        async move {
            let cancel = call.cancel.clone();
            tokio::select! {
                biased;
                () = cancel.cancelled() => CallReport::free(Err(ToolError::permanent("cancelled"))),
                report = run(&settings, &services, &call, timeout) => report,
            }
        }
        .boxed()
    }

    fn repeatable(&self) -> bool {
        self.repeatable
    }

    fn timeout(&self) -> Option<Duration> {
        self.timeout
    }
}

async fn run(
    settings: &Settings,
    services: &Services,
    call: &Call,
    timeout: Option<Duration>,
) -> CallReport {
    let prepared = match Prepared::new(&settings.http, services, call) {
        Ok(prepared) => prepared,
        Err(message) => return CallReport::free(Err(ToolError::permanent(message))),
    };
    let shown = prepared.shown();
    let secrets = prepared.secrets.clone();
    let answer = prepared.send(services).await.map_err(|error| ToolError {
        retryable: error.retryable,
        retry_after: error.retry_after,
        ..ToolError::permanent(quote(&secrets.redact(&error.message), 1_000))
    });
    let mut report = CallReport::free(Ok(Value::Null));
    report.prompt = Some(shown.into());
    report.output = match answer {
        Err(error) => Err(error),
        Ok(text) => {
            let text = secrets.redact(&text).into_owned();
            report.answer = Some(text.as_str().into());
            let output = super::read_json_or_text(text)
                .map_err(|error| ToolError::permanent(format!("the answer is {error}")));
            match (output, &settings.response) {
                (Ok(output), Some(filter)) => filter
                    .run(&output, services, call, timeout)
                    .await
                    .map_err(|error| ToolError {
                        message: format!(
                            "the filter `response` failed on the answer: {}",
                            error.message
                        ),
                        ..error
                    }),
                (output, _) => output,
            }
            .map(|output| Arc::new(secrets.redact_value(output)))
        }
    };
    report
}

/// A request with everything put in.
struct Prepared {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<String>,
    secrets: Secrets,
}

impl Prepared {
    fn new(http: &HttpSettings, services: &Services, call: &Call) -> Result<Self, String> {
        let empty = Map::new();
        let input = call.input.as_object().unwrap_or(&empty);
        let mut filler = Filler::new(input, Missing::Error).with_environment(&services.environment);
        // An address that begins with a parameter takes it as it is: it is the address itself.
        let whole = http.url.starts_with("{{");
        let address = filler.text(&http.url, |value| {
            if whole {
                value.to_owned()
            } else {
                percent_encode(value)
            }
        });
        let address = address.map_err(|error| format!("in `url`: {error}"))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &http.headers {
            let value = filler
                .text(value, str::to_owned)
                .map_err(|error| format!("in the header {name}: {error}"))?;
            if is_secret_header(name) {
                filler.secrets.add(&value);
                if let Some((_, credential)) = value.split_once(' ') {
                    filler.secrets.add(credential);
                }
            }
            let header = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| format!("\"{name}\" is no header name"))?;
            let value = HeaderValue::from_str(&value).map_err(|_| {
                format!("the value of the header {name} has characters that a header cannot carry")
            })?;
            headers.append(header, value);
        }
        let secret = |filler: &Filler| filler.secrets.clone();
        let mut url = Url::parse(&address).map_err(|error| {
            let address = quote(&secret(&filler).redact(&address), 200);
            format!("the address {address} is not valid: {error}")
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!(
                "the address must begin with http:// or https://, not {}:",
                url.scheme()
            ));
        }
        let mut query: Vec<(String, String)> = Vec::new();
        for (name, value) in &http.query {
            let value = match value {
                Value::String(text) if text.contains("${") => {
                    Value::String(filler.text(text, str::to_owned)?)
                }
                value => filler
                    .value(value)
                    .map_err(|error| format!("in `query`: {error}"))?,
            };
            add_query(&mut query, name, &value);
        }
        // The body knows parameters only: what the environment holds has no place in it.
        let environment = filler.environment.take();
        let given = http
            .body
            .as_ref()
            .map(|body| filler.value(body))
            .transpose();
        let given = given.map_err(|error| format!("in `body`: {error}"))?;
        filler.environment = environment;
        let method = Method::from_bytes(http.method.as_bytes())
            .map_err(|_| format!("\"{}\" is no method", http.method))?;
        let in_query = matches!(
            method,
            Method::GET | Method::DELETE | Method::HEAD | Method::OPTIONS
        );
        let body = match given {
            Some(Value::String(text)) => Some(text),
            Some(other) => Some(json_body(&mut headers, &other)),
            None if in_query => None,
            None => {
                let rest: Map<String, Value> = filler
                    .rest()
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect();
                Some(json_body(&mut headers, &Value::Object(rest)))
            }
        };
        if in_query && http.body.is_none() {
            for (name, value) in filler.rest() {
                add_query(&mut query, name, value);
            }
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(Self {
            method,
            url,
            headers,
            body,
            secrets: filler.secrets,
        })
    }

    /// The request for the record, without secrets.
    fn shown(&self) -> String {
        use std::fmt::Write;
        let mut text = format!("{} {}\n", self.method, self.url);
        for (name, value) in &self.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            let _ = writeln!(text, "{name}: {value}");
        }
        if let Some(body) = &self.body {
            let _ = write!(text, "\n{body}");
        }
        self.secrets.redact(&text).into_owned()
    }

    async fn send(self, services: &Services) -> Result<String, RequestError> {
        let client = services.http.client(&self.url, !self.secrets.is_empty())?;
        let place = format!(
            "{} {}{}",
            self.method,
            self.url.host_str().unwrap_or_default(),
            self.url.path()
        );
        let mut request = client.request(self.method, self.url).headers(self.headers);
        if let Some(body) = self.body {
            request = request.body(body);
        }
        let response = request
            .send()
            .await
            .map_err(failed)
            .map_err(|error| RequestError {
                message: format!("{place}: {}", error.message),
                ..error
            })?;
        let status = response.status();
        let wait = retry_after(response.headers());
        let answer = body(response, LARGEST_ANSWER).await;
        if status.as_u16() >= 400 {
            let answer = answer.unwrap_or_default();
            let said = quote(&String::from_utf8_lossy(&answer), QUOTED);
            return Err(RequestError {
                message: format!("{place} answered {status}: {said}")
                    .trim_end_matches([':', ' '])
                    .to_owned(),
                retryable: is_transient(status),
                retry_after: wait,
                timed_out: false,
            });
        }
        String::from_utf8(answer?).map_err(|error| {
            RequestError::permanent(format!(
                "{place} answered what is no UTF-8 text (byte {})",
                error.utf8_error().valid_up_to()
            ))
        })
    }
}

fn json_body(headers: &mut HeaderMap, body: &Value) -> String {
    headers
        .entry(CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("application/json"));
    body.to_string()
}

/// A list of plain values is repeated under its name; `null` is left out.
fn add_query(query: &mut Vec<(String, String)>, name: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::Array(items)
            if items
                .iter()
                .all(|item| !item.is_object() && !item.is_array()) =>
        {
            query.extend(items.iter().map(|item| (name.to_owned(), plain(item))));
        }
        other => query.push((name.to_owned(), plain(other))),
    }
}
