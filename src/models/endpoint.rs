//! One server with its key: sends requests in its protocol and learns which parameters it accepts.

use super::api_quirks::{ApiQuirks, OutputFormat};
use super::http::{HttpClients, RequestError, read_body_within, transport_error};
use super::off_thread::off_thread;
use super::protocol::{HttpRequest, HttpResponse, Protocol, Server, SseDecoder};
use super::provider::Provider;
use super::rate_limit_headers;
use super::refusal_kind::RefusalKind;
use super::request::{ChatAnswer, ChatError, ChatRequest};
use super::stated_bill;
use super::time_limits::TimeLimits;
use super::usage::Usage;
use crate::text::secrets::{Secrets, SharedSecrets, mask_password};
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The maximum size of an answer, in bytes.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// The maximum size of the text in it, in bytes: more than any model writes at once.
const MAX_TEXT_BYTES: usize = 4 << 20;

/// The bytes of a stream whose events are decoded at a time.
const SSE_PIECE: usize = 64 << 10;

/// The maximum length of a message, in bytes.
const QUOTED: usize = 1_200;

/// How a server answered a request in one form.
pub(super) enum Asked {
    /// It answered.
    Answer(ChatAnswer),
    /// It refused a parameter.
    Refused {
        /// The parameters to try next.
        next: ApiQuirks,
        /// The refusal.
        error: RequestError,
        /// The tokens used, where it bills a refusal.
        usage: Option<Usage>,
    },
}

/// A server and its key.
pub(super) struct Endpoint {
    provider: &'static Provider,
    base: String,
    key: Option<String>,
    version: Option<String>,
    /// The address without a password, for messages.
    shown: String,
    /// The key and a password in the address, which a server may quote.
    secrets: Secrets,
    /// The parameters that each model accepts, as far as they are known.
    quirks: Mutex<HashMap<String, ApiQuirks>>,
}

impl Endpoint {
    /// The server at `base`, asked as `provider` is, in this version of its API.
    pub(super) fn new(
        provider: &'static Provider,
        base: &str,
        key: Option<String>,
        version: Option<String>,
    ) -> Self {
        let base = base.trim_end_matches('/');
        let secrets = SharedSecrets::default();
        secrets.add_credentials_of(base);
        if let Some(key) = &key {
            secrets.add(key);
        }
        Self {
            provider,
            version,
            base: base.to_owned(),
            shown: mask_password(base).into_owned(),
            secrets: Secrets::clone(&secrets.now()),
            key,
            quirks: Mutex::default(),
        }
    }

    /// The format of its requests.
    pub(super) fn protocol(&self) -> &'static dyn Protocol {
        self.provider.protocol
    }

    /// The parameters of the first request for `request`.
    pub(super) fn first_quirks(&self, request: &ChatRequest<'_>) -> ApiQuirks {
        let mut quirks = self.quirks(request.model);
        if quirks.format == OutputFormat::StrictSchema
            && request
                .schema
                .is_some_and(|schema| schema.strict().is_none())
        {
            quirks.format = self.protocol().format_without_strict();
        }
        quirks
    }

    /// Asks with the parameters of `quirks` and waits for the answer. Neither it nor an error has a secret.
    pub(super) async fn ask(
        &self,
        clients: &HttpClients,
        request: &ChatRequest<'_>,
        quirks: ApiQuirks,
        limits: TimeLimits,
    ) -> Result<Asked, ChatError> {
        let redacted = |error: RequestError| {
            let error = if error.message.starts_with(&self.shown) {
                error
            } else {
                error.at(&self.place(request.model))
            };
            RequestError {
                message: self.secrets.quote(&error.message, QUOTED),
                ..error
            }
        };
        match self.exchange(clients, request, quirks, limits).await {
            Ok(Asked::Answer(answer)) => Ok(Asked::Answer(ChatAnswer {
                // A stream may have carried it in pieces.
                text: self.secrets.redact(&answer.text).into_owned(),
                reasoning: self.secrets.redact(&answer.reasoning).into_owned(),
                ..answer
            })),
            Ok(Asked::Refused { next, error, usage }) => Ok(Asked::Refused {
                next,
                error: redacted(error),
                usage,
            }),
            Err(ChatError { error, usage }) => Err(ChatError {
                error: redacted(error),
                usage,
            }),
        }
    }

    async fn exchange(
        &self,
        clients: &HttpClients,
        request: &ChatRequest<'_>,
        quirks: ApiQuirks,
        limits: TimeLimits,
    ) -> Result<Asked, ChatError> {
        let server = Server {
            base: &self.base,
            key: self.key.as_deref(),
            version: self.version.as_deref(),
        };
        let post = self.protocol().request(server, request, quirks)?;
        let response = tokio::time::timeout(
            limits.left(),
            self.send(clients, post, request.model, limits),
        )
        .await;
        let response = response.unwrap_or_else(|_| {
            let error = limits.exceeded().at(&self.place(request.model));
            Err(ChatError::billed(error, Usage::UNKNOWN))
        })?;
        if response.status.is_success() {
            self.remember(request, quirks);
            let protocol = self.protocol();
            let bill = stated_bill::in_headers(&response.headers);
            let read = off_thread(response.body.len(), move || read(protocol, &response)).await;
            return match read {
                Ok(answer) => Ok(Asked::Answer(ChatAnswer {
                    usage: answer.usage.billed(bill),
                    ..answer
                })),
                // An answer that came was billed, even if it cannot be used.
                Err(ChatError { error, usage }) => Err(ChatError::billed(
                    error.sent(),
                    usage.unwrap_or_default().billed(bill),
                )),
            };
        }
        let next = self.protocol().after_refusal(
            quirks,
            response.status,
            &String::from_utf8_lossy(&response.body),
            request.schema.is_some(),
        );
        let ChatError { error, usage } = self.refused(&response, request.model);
        match next {
            Some(next) => Ok(Asked::Refused { next, error, usage }),
            None => Err(ChatError { error, usage }),
        }
    }

    /// Sends a request and reads the whole response. The body of an error counts as empty where it does not arrive;
    /// the key, which a server may quote, is redacted in it.
    async fn send(
        &self,
        clients: &HttpClients,
        request: HttpRequest,
        model: &str,
        limits: TimeLimits,
    ) -> Result<HttpResponse, ChatError> {
        let client = clients.client(&request.url, self.key.is_some())?;
        let url = request.url.clone();
        let post = client
            .post(request.url)
            .headers(request.headers)
            .body(request.body);
        tracing::debug!(base = %self.shown, "model request sent");
        let response = post.send().await.map_err(|error| {
            // A redirect that is not followed is a refusal, which is not billed.
            let is_refusal = error.is_redirect();
            let error = transport_error(error, &url).at(&self.place(model));
            let usage = (error.sent && !is_refusal).then_some(Usage::UNKNOWN);
            ChatError { error, usage }
        })?;
        let (status, headers) = (response.status(), response.headers().clone());
        tracing::debug!(base = %self.shown, status = status.as_u16(), "model request answered");
        let body = read_body_within(response, MAX_ANSWER_BYTES, limits.idle).await;
        let (body, is_whole) = if status.is_success() {
            let body = body.map_err(|error| {
                let error = if error.timed_out {
                    error.at(&self.place(model))
                } else {
                    error
                };
                ChatError::billed(error, Usage::UNKNOWN)
            });
            (body?, true)
        } else {
            let is_whole = body.is_ok();
            (body.unwrap_or_default(), is_whole)
        };
        let length = body.len();
        let secrets = self.secrets.clone();
        let redacted = move || match secrets.redact(&String::from_utf8_lossy(&body)) {
            Cow::Owned(redacted) => redacted.into_bytes(),
            Cow::Borrowed(_) => body,
        };
        let body = off_thread(length, redacted).await;
        Ok(HttpResponse {
            status,
            headers,
            body,
            is_whole,
        })
    }

    /// Reads a response with a status of failure. A provider that bills a failure reports its tokens; where the report,
    /// or the answer behind a gateway, did not arrive, it counts as billed.
    fn refused(&self, response: &HttpResponse, model: &str) -> ChatError {
        let refusal = self.protocol().refusal(response);
        let body = String::from_utf8_lossy(&response.body);
        let kind = RefusalKind::of(response.status, &body);
        let message = format!(
            "{} answered {}{} {}",
            self.place(model),
            response.status,
            kind.remedy(self.provider),
            refusal.message
        );
        let is_limit = response.status == StatusCode::TOO_MANY_REQUESTS;
        let limited = || is_limit.then(|| rate_limit_headers::wait(&response.headers));
        let wait = refusal.retry_after.or_else(|| limited().flatten());
        let is_lost = !response.is_whole || is_of_a_gateway(response.status);
        ChatError {
            error: RequestError::refused(message, refusal.retryable && !kind.is_permanent(), wait),
            usage: refusal.usage.or(is_lost.then_some(Usage::UNKNOWN)),
        }
    }

    /// The server and the model, for messages.
    fn place(&self, model: &str) -> String {
        format!("{} ({}/{model})", self.shown, self.provider.name)
    }

    fn quirks(&self, model: &str) -> ApiQuirks {
        let known = self.quirks.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get(model).copied();
        known.unwrap_or_else(|| self.protocol().quirks(model))
    }

    fn remember(&self, request: &ChatRequest<'_>, quirks: ApiQuirks) {
        let mut known = self.quirks.lock().unwrap_or_else(PoisonError::into_inner);
        // A schema without a strict form says nothing about what the server takes.
        let format = match request.schema {
            Some(schema) if schema.strict().is_some() => quirks.format,
            _ => {
                let old = known.get(request.model).map(|old| old.format);
                old.unwrap_or_else(|| self.protocol().quirks(request.model).format)
            }
        };
        known.insert(request.model.to_owned(), ApiQuirks { format, ..quirks });
    }
}

/// Reads an answer, even where the server streams it unasked.
fn read(protocol: &dyn Protocol, response: &HttpResponse) -> Result<ChatAnswer, ChatError> {
    let kind = response.headers.get(CONTENT_TYPE);
    let kind = kind.map_or(&b""[..], |kind| kind.as_bytes());
    // Some proxies pass a stream on as plain text.
    let body = response.body.trim_ascii_start();
    let is_stream = kind.starts_with(b"text/event-stream") || body.starts_with(b"data:");
    let answer = match protocol.stream().filter(|_| is_stream) {
        None => protocol.answer(&response.body)?,
        Some(mut stream) => {
            let mut decoder = SseDecoder::default();
            for piece in response.body.chunks(SSE_PIECE) {
                for event in decoder.push(piece) {
                    stream.event(&event)?;
                }
            }
            stream.finish()?
        }
    };
    if answer.text.len() + answer.reasoning.len() > MAX_TEXT_BYTES {
        let error = RequestError::permanent(format!(
            "the model's text is larger than {} MB; let it write less at once",
            MAX_TEXT_BYTES >> 20
        ));
        return Err(ChatError::billed(error, answer.usage));
    }
    Ok(answer)
}

/// Whether a gateway reports that it lost the answer of the server behind it, which may have been billed.
fn is_of_a_gateway(status: StatusCode) -> bool {
    matches!(status.as_u16(), 502 | 504 | 520..=527)
}
