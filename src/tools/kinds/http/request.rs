//! One request: rendered, sent, and its answer read.

use super::HttpSettings;
use crate::models::http::{RequestError, is_transient, read_body, retry_after, transport_error};
use crate::text::secrets::mask_password;
use crate::tools::Call;
use crate::tools::secrets::{REDACTED, is_secret_header, percent_encode};
use crate::tools::services::Services;
use crate::tools::template::{Missing, TemplateRenderer, plain};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::{Map, Value};
use std::fmt::Write;

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
    /// Where it goes, as the catalog writes it: what came from the environment is a `${VAR}` in it.
    place: String,
    /// The whole request, in the same way.
    pub shown: String,
    /// Whether it carries what must not go to another host.
    has_secrets: bool,
}

impl Prepared {
    pub fn new(http: &HttpSettings, services: &Services, call: &Call) -> Result<Self, String> {
        let empty = Map::new();
        let input = call.input.as_object().unwrap_or(&empty);
        let mut renderer =
            TemplateRenderer::new(input, Missing::Error).with_environment(&services.environment);
        // Without an environment a variable stays as it is written.
        let mut template = TemplateRenderer::new(input, Missing::Empty);
        // A parameter at the beginning of the address is the address itself and is not encoded.
        let whole = http.url.starts_with("{{");
        let encode = |value: &str| {
            if whole {
                value.to_owned()
            } else {
                percent_encode(value)
            }
        };
        let address = renderer.text(&http.url, encode);
        let address = address.map_err(|error| format!("in `url`: {error}"))?;
        let written = template.text(&http.url, encode).unwrap_or_default();
        let written = mask_password(&written);
        services.secrets.add_credentials_of(&address);
        let mut has_secrets = address.contains('@') || http.url.contains("${");
        let mut headers = HeaderMap::new();
        let mut shown = String::new();
        for (name, value) in &http.headers {
            let as_written = value;
            let value = renderer
                .text(value, str::to_owned)
                .map_err(|error| format!("in the header {name}: {error}"))?;
            let is_secret = is_secret_header(name);
            has_secrets |= is_secret || as_written.contains("${");
            if is_secret {
                services.secrets.add_header(&value);
            }
            let written = if is_secret && !as_written.contains("${") {
                REDACTED.to_owned()
            } else {
                template.text(as_written, str::to_owned).unwrap_or_default()
            };
            // Writing to a string cannot fail.
            let _ = writeln!(shown, "{}: {written}", name.to_ascii_lowercase());
            let header = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| format!("\"{name}\" is not a valid header name"))?;
            let value = HeaderValue::from_str(&value).map_err(|_| {
                format!("the value of the header {name} has characters that a header cannot carry")
            })?;
            headers.append(header, value);
        }
        let mut url = Url::parse(&address).map_err(|error| {
            let address = services.secrets.now().quote(&written, 200);
            format!("the address {address} is not valid: {error}")
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!(
                "the address must begin with http:// or https://, not {}:",
                url.scheme()
            ));
        }
        let mut query: Vec<(String, String)> = Vec::new();
        let mut shown_query: Vec<(String, String)> = Vec::new();
        for (name, value) in &http.query {
            has_secrets |= value.to_string().contains("${");
            let (value, written) = match value {
                Value::String(text) if text.contains("${") => (
                    Value::String(
                        renderer
                            .text(text, str::to_owned)
                            .map_err(|error| error.to_string())?,
                    ),
                    template
                        .text(text, str::to_owned)
                        .unwrap_or_default()
                        .into(),
                ),
                value => (
                    renderer
                        .value(value)
                        .map_err(|error| format!("in `query`: {error}"))?,
                    template.value(value).unwrap_or_default(),
                ),
            };
            add_query(&mut query, name, &value);
            add_query(&mut shown_query, name, &written);
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
                add_query(&mut shown_query, name, value);
            }
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let (path, own_query) = written.split_once('?').unwrap_or((&written, ""));
        let pairs = shown_query.iter();
        let pairs = pairs.map(|(name, value)| format!("{name}={value}"));
        let own_query = Some(own_query.to_owned()).filter(|query| !query.is_empty());
        let all: Vec<String> = own_query.into_iter().chain(pairs).collect();
        let question = if all.is_empty() { "" } else { "?" };
        let mut shown = format!("{method} {path}{question}{}\n{shown}", all.join("&"));
        if let Some(body) = &body {
            if !http
                .headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
                && headers.contains_key(CONTENT_TYPE)
            {
                shown.push_str("content-type: application/json\n");
            }
            let _ = write!(shown, "\n{body}");
        }
        let host_and_path = path.split_once("://").map_or(path, |(_, rest)| rest);
        Ok(Self {
            place: format!("{method} {host_and_path}"),
            method,
            url,
            headers,
            body,
            shown,
            has_secrets,
        })
    }

    pub async fn send(self, services: &Services) -> Result<String, RequestError> {
        let client = services.http.client(&self.url, self.has_secrets)?;
        let place = self.place;
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
            let answer = String::from_utf8_lossy(&answer);
            let said = services.secrets.now().quote(&answer, MAX_QUOTED_BYTES);
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
