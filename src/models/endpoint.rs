//! One server with its key: sends requests in its protocol and learns which parameters it accepts.

use super::answer_stream::{MAX_BODY_BYTES, MAX_TEXT_BYTES, Received, receive, too_large};
use super::api_quirks::{ApiQuirks, OutputFormat, Stream};
use super::arrival::Arrival;
use super::http::{HttpClients, RequestError, read_body_within, transport_error};
use super::off_thread::off_thread;
use super::protocol::{HttpRequest, HttpResponse, Protocol, Server};
use super::provider::Provider;
use super::rate_limit_headers;
use super::refusal_kind::RefusalKind;
use super::request::{ChatAnswer, ChatError, ChatRequest};
use super::stated_bill;
use super::time_limits::TimeLimits;
use super::usage::Usage;
use crate::text::secrets::{Secrets, SharedSecrets, mask_password};
use reqwest::StatusCode;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

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
    secrets: Arc<Secrets>,
    /// Whether answers are requested as streams.
    streaming: bool,
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
        streaming: bool,
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
            secrets: secrets.now(),
            streaming,
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
        if !self.streaming || self.protocol().stream().is_none() {
            quirks.stream = Stream::Off;
        }
        if quirks.format == OutputFormat::StrictSchema
            && request
                .schema
                .is_some_and(|schema| schema.strict().is_none())
        {
            quirks.format = self.protocol().format_without_strict();
        }
        quirks
    }

    /// The text without the key, and without a password in the address.
    pub(super) fn redact(&self, text: &str) -> String {
        self.secrets.redact(text).into_owned()
    }

    /// Asks with the parameters of `quirks` and waits for the answer, which goes to `arrival` while it comes. Neither it
    /// nor an error has a secret.
    pub(super) async fn ask(
        &self,
        clients: &HttpClients,
        request: &ChatRequest<'_>,
        quirks: ApiQuirks,
        limits: TimeLimits,
        arrival: &Arrival,
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
        match self
            .exchange(clients, request, quirks, limits, arrival)
            .await
        {
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
        arrival: &Arrival,
    ) -> Result<Asked, ChatError> {
        let server = Server {
            base: &self.base,
            key: self.key.as_deref(),
            version: self.version.as_deref(),
        };
        let post = self.protocol().request(server, request, quirks)?;
        arrival.begin(&self.secrets, &post);
        let response = tokio::time::timeout(
            limits.left(),
            self.send(clients, post, request.model, limits, arrival),
        )
        .await;
        let response = response.unwrap_or_else(|_| {
            let error = limits.exceeded(arrival.bytes());
            let error = error.at(&self.place(request.model));
            Err(ChatError::billed(error, Usage::UNKNOWN))
        })?;
        let response = match response {
            Response::Streamed(answer) => {
                self.remember(request, after_stream(quirks, &answer));
                return Ok(Asked::Answer(answer));
            }
            Response::Whole(response) => response,
        };
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

    /// Sends a request and reads the response. The body of an error counts as empty where it does not arrive; the key,
    /// which a server may quote, is redacted in a body that is read whole.
    async fn send(
        &self,
        clients: &HttpClients,
        request: HttpRequest,
        model: &str,
        limits: TimeLimits,
        arrival: &Arrival,
    ) -> Result<Response, ChatError> {
        let client = clients.client(&request.url, self.key.is_some())?;
        let url = request.url.clone();
        let post = client
            .post(request.url)
            .headers(request.headers)
            .body(request.body);
        tracing::debug!(base = %self.shown, "model request sent");
        let head = tokio::time::timeout(limits.before_first_byte(), post.send()).await;
        let head = head.map_err(|_| {
            let error = TimeLimits::stalled(limits.stall, 0).at(&self.place(model));
            ChatError::billed(error, Usage::UNKNOWN)
        })?;
        let response = head.map_err(|error| {
            // A redirect that is not followed is a refusal, which is not billed.
            let is_refusal = error.is_redirect();
            let error = transport_error(error, &url).at(&self.place(model));
            let usage = (error.sent && !is_refusal).then_some(Usage::UNKNOWN);
            ChatError { error, usage }
        })?;
        let (status, headers) = (response.status(), response.headers().clone());
        arrival.status(status.as_u16());
        tracing::debug!(base = %self.shown, status = status.as_u16(), "model request answered");
        let (body, is_whole) = if status.is_success() {
            match receive(response, self.protocol(), arrival, limits).await? {
                Received::Whole(body) => (body, true),
                Received::Answer(answer) => return Ok(Response::Streamed(answer)),
            }
        } else {
            let body = read_body_within(response, MAX_BODY_BYTES, limits.stall).await;
            let is_whole = body.is_ok();
            let body = body.unwrap_or_default();
            arrival.raw(&body);
            (body, is_whole)
        };
        let length = body.len();
        let secrets = Arc::clone(&self.secrets);
        let redacted = move || match secrets.redact(&String::from_utf8_lossy(&body)) {
            Cow::Owned(redacted) => redacted.into_bytes(),
            Cow::Borrowed(_) => body,
        };
        let body = off_thread(length, redacted).await;
        Ok(Response::Whole(HttpResponse {
            status,
            headers,
            body,
            is_whole,
        }))
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
    pub(super) fn place(&self, model: &str) -> String {
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

/// A response to a request.
enum Response {
    /// It was read whole.
    Whole(HttpResponse),
    /// It streamed an answer.
    Streamed(ChatAnswer),
}

/// Reads an answer that came in one piece.
fn read(protocol: &dyn Protocol, response: &HttpResponse) -> Result<ChatAnswer, ChatError> {
    let answer = protocol.answer(&response.body)?;
    if answer.text.len() + answer.reasoning.len() > MAX_TEXT_BYTES {
        return Err(ChatError::billed(too_large(), answer.usage));
    }
    Ok(answer)
}

/// The parameters after a streamed answer. A server that reports no usage in a stream, and refuses to be asked for it, is
/// asked for whole answers, which have one: what they cost is then known.
fn after_stream(quirks: ApiQuirks, answer: &ChatAnswer) -> ApiQuirks {
    if quirks.stream == Stream::Plain && answer.usage == Usage::UNKNOWN {
        ApiQuirks {
            stream: Stream::Off,
            ..quirks
        }
    } else {
        quirks
    }
}

/// Whether a gateway reports that it lost the answer of the server behind it, which may have been billed.
fn is_of_a_gateway(status: StatusCode) -> bool {
    matches!(status.as_u16(), 502 | 504 | 520..=527)
}
