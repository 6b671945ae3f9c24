//! The request formats of model servers, one file each.
//!
//! Everything that differs between formats is behind [`Protocol`]: address, headers and body of a request, how an
//! answer and its usage are read, what an error response means, and what to change when a server refuses
//! a parameter. Sending, time limits, redirects, retries and money do not depend on it. To add a format, add a
//! file here and a [`Provider`](super::Provider) that names it.

mod anthropic;
mod azure;
mod chat_completions;
mod gemini;
mod open_ai;
mod responses;
mod sse;
#[cfg(test)]
mod tests;

pub(crate) use anthropic::Anthropic;
pub(crate) use azure::Azure;
pub(crate) use chat_completions::ChatCompletions;
pub(crate) use gemini::Gemini;
pub(crate) use open_ai::OpenAi;
pub(crate) use responses::Responses;
pub(crate) use sse::{ServerEvent, SseDecoder};

use super::api_quirks::{ApiQuirks, OutputFormat};
use super::http::{self, RequestError};
use super::request::{ChatAnswer, ChatError, ChatRequest};
use super::structured_output::Subset;
use super::usage::Usage;
use crate::text::json;
use crate::text::message::quote;
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;
use std::fmt;
use std::time::Duration;

/// How much of a server's answer a message quotes, in bytes. It is cut again after secrets are out of it, since a cut
/// would leave a part of one.
const QUOTED: usize = 16 << 10;

/// The request format of a server.
pub(crate) trait Protocol: fmt::Debug + Send + Sync {
    /// The HTTP request that asks `request` of `server`, a POST.
    ///
    /// # Errors
    /// Where the server's address or key cannot be sent.
    fn request(
        &self,
        server: Server<'_>,
        request: &ChatRequest<'_>,
        quirks: ApiQuirks,
    ) -> Result<HttpRequest, RequestError>;

    /// The headers of every request besides those of its content: the key, and what the format asks for.
    ///
    /// # Errors
    /// Where the key cannot be sent.
    fn headers(&self, key: Option<&str>) -> Result<HeaderMap, RequestError> {
        key_header(AUTHORIZATION.as_str(), "Bearer ", key)
    }

    /// Where the server lists its models.
    ///
    /// # Errors
    /// Where the server's address is not valid.
    fn models_address(&self, server: Server<'_>) -> Result<reqwest::Url, RequestError> {
        address(server.base, "/models")
    }

    /// Reads the body of a response with a status of success.
    ///
    /// # Errors
    /// Where it is not an answer of this format, or the model refused; with the tokens used where the body has them.
    /// Without them the caller counts the request as one that was billed.
    fn answer(&self, body: &[u8]) -> Result<ChatAnswer, ChatError>;

    /// The reader of an answer that is sent as server-sent events; `None` where the format has none.
    fn stream(&self) -> Option<Box<dyn AnswerStream>> {
        None
    }

    /// What the server's strict mode accepts of a JSON Schema.
    fn subset(&self) -> Subset {
        Subset {
            constraints: true,
            optional: false,
        }
    }

    /// How the format of an answer is requested where its schema has no strict form.
    fn format_without_strict(&self) -> OutputFormat {
        OutputFormat::Schema
    }

    /// An upper bound of the input tokens that a request has besides its messages and its schema, where they are more than
    /// those of a chat.
    fn overhead(&self, _with_schema: bool) -> u64 {
        0
    }

    /// Reads a response with any other status.
    fn refusal(&self, response: &HttpResponse) -> Refusal {
        let body: Option<Value> = json::read(&response.body).ok();
        Refusal {
            message: error_message(&String::from_utf8_lossy(&response.body)),
            retryable: http::is_transient(response.status),
            retry_after: http::retry_after(&response.headers),
            usage: match &body {
                Some(body) => self.usage(body),
                None => names_usage(&response.body).then_some(Usage::UNKNOWN),
            },
        }
    }

    /// The tokens used, from the body of a response or an error; `None` where it does not mention any.
    fn usage(&self, body: &Value) -> Option<Usage>;

    /// The parameters of a first request for `model`.
    fn quirks(&self, model: &str) -> ApiQuirks;

    /// The parameters to try after the server refused those of `quirks` with this status and body; `None` where nothing
    /// is left to change.
    fn after_refusal(
        &self,
        quirks: ApiQuirks,
        status: StatusCode,
        body: &str,
        with_schema: bool,
    ) -> Option<ApiQuirks>;
}

/// What one event of a stream adds to the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Delta {
    /// Text of the answer.
    pub(crate) text: String,
    /// What the model thinks before it answers, where the server gives that apart from the text.
    pub(crate) reasoning: String,
}

/// Assembles one streamed answer.
pub(crate) trait AnswerStream: Send {
    /// Takes the next event, and gives what it adds to the answer.
    ///
    /// # Errors
    /// Where it reports a failure or is not of this format.
    fn event(&mut self, event: &ServerEvent) -> Result<Delta, ChatError>;

    /// Whether the answer is whole. Its usage may still come.
    fn has_ended(&self) -> bool;

    /// Whether nothing more comes, though the server may keep the connection open.
    fn is_done(&self) -> bool;

    /// The failure of an exchange of which the rest is not known: it counts as billed with what was reported so far, or
    /// more.
    fn broken_off(&self, error: RequestError) -> ChatError;

    /// The whole answer, when the server has closed the stream.
    ///
    /// # Errors
    /// Where its end is missing.
    fn finish(self: Box<Self>) -> Result<ChatAnswer, ChatError>;
}

/// Where a request goes.
#[derive(Clone, Copy)]
pub(crate) struct Server<'a> {
    /// The address from the user or the provider's table, without a slash at its end.
    pub(crate) base: &'a str,
    /// The key, where the server needs one.
    pub(crate) key: Option<&'a str>,
    /// The version of its API, where that is a part of the address.
    pub(crate) version: Option<&'a str>,
}

impl<'a> Server<'a> {
    /// The address without an ending that users may give and the protocol adds.
    pub(crate) fn root(self, endings: &[&str]) -> &'a str {
        let mut root = self.base.trim_end_matches('/');
        for ending in endings {
            root = root.strip_suffix(ending).unwrap_or(root);
        }
        root
    }
}

/// A request as it is sent. Its headers contain the key.
pub(crate) struct HttpRequest {
    /// The whole address.
    pub(crate) url: reqwest::Url,
    /// Headers, `Content-Type` included.
    pub(crate) headers: HeaderMap,
    /// The exact bytes of the body.
    pub(crate) body: Vec<u8>,
}

/// A response, read whole.
pub(crate) struct HttpResponse {
    /// Its status.
    pub(crate) status: StatusCode,
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// The bytes of its body.
    pub(crate) body: Vec<u8>,
    /// Whether the body of a failure arrived whole; that of a success always did.
    pub(crate) is_whole: bool,
}

/// Why a server did not answer a request that it understood.
pub(crate) struct Refusal {
    /// What the server says, safe to show.
    pub(crate) message: String,
    /// Whether the same request can succeed later.
    pub(crate) retryable: bool,
    /// When the server asks to be called again.
    pub(crate) retry_after: Option<Duration>,
    /// The tokens used, where the server bills a failure.
    pub(crate) usage: Option<Usage>,
}

/// A POST of JSON to `url`.
fn post(url: reqwest::Url, mut headers: HeaderMap, body: &Value) -> HttpRequest {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    HttpRequest {
        url,
        headers,
        body: body.to_string().into_bytes(),
    }
}

/// The key in the header `name`, after `before`.
fn key_header(
    name: &'static str,
    before: &str,
    key: Option<&str>,
) -> Result<HeaderMap, RequestError> {
    let mut headers = HeaderMap::new();
    if let Some(key) = key {
        let mut value = HeaderValue::from_str(&format!("{before}{key}")).map_err(|_| {
            RequestError::permanent("the key has characters that a header cannot carry")
        })?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// Whether a refusal of a parameter may be answered by another form of the request.
fn refuses_parameter(status: StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 422)
}

/// An answer that cannot be read, from a proxy or a failing server; a retry may succeed.
fn malformed(what: &str, why: &str) -> RequestError {
    RequestError::transient(format!("the server's answer is not {what}: {why}"))
}

/// An answer without the part that has what the model says.
fn without(part: &str, what: &str, answer: &Value) -> RequestError {
    let says = error_message(&answer.to_string());
    malformed(what, &format!("it has no {part} {says}"))
}

/// A stream that the server closed in the middle of its answer.
fn ends_early(what: &str) -> RequestError {
    malformed(what, "its stream ends before the answer does")
}

/// The JSON of a response or of an event of a stream.
fn read_json(what: &str, body: &[u8]) -> Result<Value, RequestError> {
    json::read(body).map_err(|error| {
        let text = quote(&String::from_utf8_lossy(body), QUOTED);
        malformed(what, &format!("{error}; it begins {text}"))
    })
}

/// The error of a model that refuses to answer.
fn refused(why: &str) -> RequestError {
    RequestError::permanent(format!("the model refused: {}", quote(why, QUOTED)))
}

/// The text of a message, for APIs that accept no empty one.
fn not_empty(text: &str) -> &str {
    if text.trim().is_empty() {
        "(nothing)"
    } else {
        text
    }
}

/// The address `base` with `path` after it.
///
/// # Errors
/// Where that is not a valid address.
pub(crate) fn address(base: &str, path: &str) -> Result<reqwest::Url, RequestError> {
    let address = format!("{base}{path}");
    address.parse().map_err(|error| {
        RequestError::permanent(format!("the address {address} is not valid: {error}"))
    })
}

/// Whether a body that is not valid JSON mentions a usage all the same.
fn names_usage(body: &[u8]) -> bool {
    const NAME: &[u8] = b"\"usage\"";
    body.windows(NAME.len()).any(|bytes| bytes == NAME)
}

/// The message inside an error's JSON, which nearly all formats write as `{"error": {"message": …}}`; else the
/// beginning of the body.
pub(crate) fn error_message(body: &str) -> String {
    let message = json::read::<Value>(body.as_bytes())
        .ok()
        .and_then(|answer| {
            let error = answer
                .get("error")
                .or_else(|| answer.get(0)?.get("error"))?;
            error
                .get("message")
                .unwrap_or(error)
                .as_str()
                .map(str::to_owned)
        });
    quote(message.as_deref().unwrap_or(body), QUOTED)
}
