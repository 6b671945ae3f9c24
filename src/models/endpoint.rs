//! One server with its key: sends requests in its protocol and learns which parameters it accepts.

use super::api_quirks::{ApiQuirks, OutputFormat};
use super::http::{HttpClients, RequestError, read_body_within, transport_error};
use super::protocol::{HttpRequest, HttpResponse, Protocol, Server, SseDecoder};
use super::request::{ChatAnswer, ChatError, ChatRequest};
use super::structured_output::is_strict;
use super::time_limits::TimeLimits;
use crate::text::secrets::{Secrets, SharedSecrets, mask_password};
use reqwest::header::CONTENT_TYPE;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The maximum size of an answer, in bytes.
const MAX_ANSWER_BYTES: usize = 32 << 20;

/// The maximum length of a message, in bytes.
const QUOTED: usize = 1_200;

/// The maximum of forms of one request. Each refusal changes one of few parameters, so this is never reached.
const MAX_FORMS: usize = 8;

/// A server and its key.
pub(super) struct Endpoint {
    protocol: &'static dyn Protocol,
    base: String,
    key: Option<String>,
    /// The address without a password, for messages.
    shown: String,
    /// The key and a password in the address, which a server may quote.
    secrets: Secrets,
    /// The parameters that each model accepts, as far as they are known.
    quirks: Mutex<HashMap<String, ApiQuirks>>,
}

impl Endpoint {
    /// The server at `base`, asked in `protocol`.
    pub(super) fn new(protocol: &'static dyn Protocol, base: &str, key: Option<String>) -> Self {
        let base = base.trim_end_matches('/');
        let secrets = SharedSecrets::default();
        secrets.add_credentials_of(base);
        if let Some(key) = &key {
            secrets.add(key);
        }
        Self {
            protocol,
            base: base.to_owned(),
            shown: mask_password(base).into_owned(),
            secrets: Secrets::clone(&secrets.now()),
            key,
            quirks: Mutex::default(),
        }
    }

    /// Asks and waits for the answer. Neither it nor an error has a secret.
    pub(super) async fn ask(
        &self,
        clients: &HttpClients,
        request: &ChatRequest<'_>,
        limits: TimeLimits,
    ) -> Result<ChatAnswer, ChatError> {
        match self.exchange(clients, request, limits).await {
            Ok(answer) => Ok(ChatAnswer {
                // A stream may have carried it in pieces.
                text: self.secrets.redact(&answer.text).into_owned(),
                ..answer
            }),
            Err(error) => Err(ChatError {
                error: RequestError {
                    message: self.secrets.quote(&error.error.message, QUOTED),
                    ..error.error
                },
                ..error
            }),
        }
    }

    async fn exchange(
        &self,
        clients: &HttpClients,
        request: &ChatRequest<'_>,
        limits: TimeLimits,
    ) -> Result<ChatAnswer, ChatError> {
        let server = Server {
            base: &self.base,
            key: self.key.as_deref(),
        };
        let mut quirks = self.quirks(request.model);
        if quirks.format == OutputFormat::StrictSchema
            && request.schema.is_some_and(|schema| !is_strict(schema))
        {
            quirks.format = OutputFormat::Schema;
        }
        for _ in 0..MAX_FORMS {
            let post = self.protocol.request(server, request, quirks)?;
            let response = tokio::time::timeout(limits.left(), self.send(clients, post, limits))
                .await
                .unwrap_or_else(|_| Err(ChatError::lost(limits.exceeded().at(&self.shown))))?;
            if response.status.is_success() {
                self.remember(request.model, quirks);
                return self.answer(&response);
            }
            let refused_form = matches!(response.status.as_u16(), 400 | 422);
            let other = refused_form.then(|| {
                let body = String::from_utf8_lossy(&response.body);
                let with_schema = request.schema.is_some();
                self.protocol.after_refusal(quirks, &body, with_schema)
            });
            match other.flatten() {
                Some(other) => quirks = other,
                None => return Err(self.refused(&response)),
            }
        }
        Err(ChatError::from(RequestError::permanent(format!(
            "{} refuses every form of the request",
            self.shown
        ))))
    }

    /// Sends a request and reads the whole response. The body of an error counts as empty where it does not arrive;
    /// the key, which a server may quote, is redacted in it.
    async fn send(
        &self,
        clients: &HttpClients,
        request: HttpRequest,
        limits: TimeLimits,
    ) -> Result<HttpResponse, ChatError> {
        let client = clients.client(&request.url, self.key.is_some())?;
        let post = client
            .post(request.url)
            .headers(request.headers)
            .body(request.body);
        tracing::debug!(base = %self.shown, "model request sent");
        let response = post.send().await.map_err(|error| {
            let never_sent = error.is_connect() || error.is_builder() || error.is_redirect();
            ChatError {
                lost: !never_sent,
                ..ChatError::from(transport_error(error).at(&self.shown))
            }
        })?;
        let (status, headers) = (response.status(), response.headers().clone());
        tracing::debug!(base = %self.shown, status = status.as_u16(), "model request answered");
        let body = read_body_within(response, MAX_ANSWER_BYTES, limits.idle).await;
        let body = if status.is_success() {
            body.map_err(|error| {
                ChatError::lost(if error.timed_out {
                    error.at(&self.shown)
                } else {
                    error
                })
            })?
        } else {
            body.unwrap_or_default()
        };
        let redacted = match self.secrets.redact(&String::from_utf8_lossy(&body)) {
            Cow::Owned(redacted) => Some(redacted.into_bytes()),
            Cow::Borrowed(_) => None,
        };
        let body = redacted.unwrap_or(body);
        Ok(HttpResponse {
            status,
            headers,
            body,
        })
    }

    /// Reads an answer, even where the server streams it unasked.
    fn answer(&self, response: &HttpResponse) -> Result<ChatAnswer, ChatError> {
        let kind = response.headers.get(CONTENT_TYPE);
        let is_stream = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        match self.protocol.stream().filter(|_| is_stream) {
            None => self.protocol.answer(&response.body),
            Some(mut stream) => {
                for event in SseDecoder::default().push(&response.body) {
                    stream.event(&event)?;
                }
                stream.finish()
            }
        }
    }

    fn refused(&self, response: &HttpResponse) -> ChatError {
        let refusal = self.protocol.refusal(response);
        let hint = match response.status.as_u16() {
            401 | 403 => "; is the key right?",
            404 => "; does the server have this model?",
            _ => "",
        };
        let error = RequestError {
            message: format!(
                "{} answered {}{hint} {}",
                self.shown, response.status, refusal.message
            ),
            retryable: refusal.retryable,
            retry_after: refusal.retry_after,
            timed_out: false,
        };
        ChatError {
            // A provider that bills a failure reports its tokens.
            tokens: refusal.tokens,
            ..ChatError::from(error)
        }
    }

    fn quirks(&self, model: &str) -> ApiQuirks {
        let known = self.quirks.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get(model).copied();
        known.unwrap_or_else(|| self.protocol.quirks(model))
    }

    fn remember(&self, model: &str, quirks: ApiQuirks) {
        let mut known = self.quirks.lock().unwrap_or_else(PoisonError::into_inner);
        // A schema that was not strict says nothing about what the server takes.
        let format = if quirks.format == OutputFormat::Schema {
            let old = known.get(model).map(|old| old.format);
            old.unwrap_or(OutputFormat::StrictSchema)
        } else {
            quirks.format
        };
        known.insert(model.to_owned(), ApiQuirks { format, ..quirks });
    }
}
