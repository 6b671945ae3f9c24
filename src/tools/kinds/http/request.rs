//! One request: rendered, sent, and its answer read.

use super::HttpSettings;
use crate::models::http::{RequestError, is_transient, read_body, retry_after, transport_error};
use crate::text::message::quote;
use crate::tools::Call;
use crate::tools::secrets::{Secrets, is_secret_header, percent_encode};
use crate::tools::services::Services;
use crate::tools::template::{Missing, TemplateRenderer, plain};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::{Map, Value};

/// The maximum size of an answer, in bytes.
const MAX_ANSWER_BYTES: usize = 32 << 20;

/// How much of an answer an error quotes, in bytes.
const MAX_QUOTED_BYTES: usize = 600;

/// A request that is rendered and ready to be sent.
pub(super) struct Prepared {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<String>,
    /// Values that are redacted.
    pub secrets: Secrets,
}

impl Prepared {
    pub fn new(http: &HttpSettings, services: &Services, call: &Call) -> Result<Self, String> {
        let empty = Map::new();
        let input = call.input.as_object().unwrap_or(&empty);
        let mut renderer =
            TemplateRenderer::new(input, Missing::Error).with_environment(&services.environment);
        // A parameter at the beginning of the address is the address itself and is not encoded.
        let whole = http.url.starts_with("{{");
        let address = renderer.text(&http.url, |value| {
            if whole {
                value.to_owned()
            } else {
                percent_encode(value)
            }
        });
        let address = address.map_err(|error| format!("in `url`: {error}"))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &http.headers {
            let value = renderer
                .text(value, str::to_owned)
                .map_err(|error| format!("in the header {name}: {error}"))?;
            if is_secret_header(name) {
                renderer.secrets.add(&value);
                if let Some((_, credential)) = value.split_once(' ') {
                    renderer.secrets.add(credential);
                }
            }
            let header = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| format!("\"{name}\" is not a valid header name"))?;
            let value = HeaderValue::from_str(&value).map_err(|_| {
                format!("the value of the header {name} has characters that a header cannot carry")
            })?;
            headers.append(header, value);
        }
        let secret = |renderer: &TemplateRenderer| renderer.secrets.clone();
        let mut url = Url::parse(&address).map_err(|error| {
            let address = quote(&secret(&renderer).redact(&address), 200);
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
                Value::String(text) if text.contains("${") => Value::String(
                    renderer
                        .text(text, str::to_owned)
                        .map_err(|error| error.to_string())?,
                ),
                value => renderer
                    .value(value)
                    .map_err(|error| format!("in `query`: {error}"))?,
            };
            add_query(&mut query, name, &value);
        }
        // The body takes parameters only, never environment variables.
        let environment = renderer.environment.take();
        let given = http
            .body
            .as_ref()
            .map(|body| renderer.value(body))
            .transpose();
        let given = given.map_err(|error| format!("in `body`: {error}"))?;
        renderer.environment = environment;
        let method = Method::from_bytes(http.method.as_bytes())
            .map_err(|_| format!("\"{}\" is not a valid method", http.method))?;
        let in_query = matches!(
            method,
            Method::GET | Method::DELETE | Method::HEAD | Method::OPTIONS
        );
        let body = match given {
            Some(Value::String(text)) => Some(text),
            Some(other) => Some(json_body(&mut headers, &other)),
            None if in_query => None,
            None => {
                let rest: Map<String, Value> = renderer
                    .rest()
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect();
                Some(json_body(&mut headers, &Value::Object(rest)))
            }
        };
        if in_query && http.body.is_none() {
            for (name, value) in renderer.rest() {
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
            secrets: renderer.secrets,
        })
    }

    /// The request as it is recorded, without secrets.
    pub fn shown(&self) -> String {
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

    pub async fn send(self, services: &Services) -> Result<String, RequestError> {
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
        tracing::debug!(place = ?place, "request sent");
        let response = request
            .send()
            .await
            .map_err(transport_error)
            .map_err(|error| RequestError {
                message: format!("{place}: {}", error.message),
                ..error
            })?;
        let status = response.status();
        tracing::debug!(place = ?place, status = status.as_u16(), "request answered");
        let wait = retry_after(response.headers());
        let answer = read_body(response, MAX_ANSWER_BYTES).await;
        if status.as_u16() >= 400 {
            let answer = answer.unwrap_or_default();
            let said = quote(&String::from_utf8_lossy(&answer), MAX_QUOTED_BYTES);
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
                "{place} answered with text that is not valid UTF-8 (byte {})",
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

/// Adds a query parameter. A list of plain values is repeated under its name; `null` is left out.
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
