//! OpenAI's own API, which has two formats: chat completions for most models, Responses for those that need it.

use super::{
    AnswerStream, ChatCompletions, Delta, HttpRequest, Protocol, Responses, Server, ServerEvent,
};
use crate::models::api_quirks::ApiQuirks;
use crate::models::http::RequestError;
use crate::models::request::{ChatAnswer, ChatError, ChatRequest};
use crate::models::usage::Usage;
use reqwest::StatusCode;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::Value;

/// By its value the server sees that it had a request before. Other providers document none.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The longest name that is sent as it is; of a longer one, its digest is.
const MAX_KEY: usize = 200;

/// A name of a request as a header has it.
fn idempotency_key(name: &str) -> Option<HeaderValue> {
    let known = HeaderValue::from_str(name).ok();
    let known = known.filter(|_| name.len() <= MAX_KEY);
    known.or_else(|| HeaderValue::from_str(&blake3::hash(name.as_bytes()).to_hex()).ok())
}

/// Chat completions, or Responses for a model that needs it. A server that says that it has only the other format for a
/// model is asked in that one.
#[derive(Debug)]
pub(crate) struct OpenAi;

/// Whether a model is served in the Responses format alone, by its name.
pub(super) fn needs_responses(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let is_pro = |start: &str| {
        let rest = name.strip_prefix(start);
        rest.is_some_and(|rest| rest.split(['-', '.']).any(|word| word == "pro"))
    };
    name.contains("codex")
        || name.contains("deep-research")
        || name.starts_with("computer-use")
        || is_pro("o1")
        || is_pro("o3")
        || is_pro("gpt-5")
}

/// The format of the quirks.
fn of(quirks: ApiQuirks) -> &'static dyn Protocol {
    if quirks.responses {
        &Responses
    } else {
        &ChatCompletions
    }
}

impl Protocol for OpenAi {
    fn request(
        &self,
        server: Server<'_>,
        request: &ChatRequest<'_>,
        quirks: ApiQuirks,
    ) -> Result<HttpRequest, RequestError> {
        let mut sent = of(quirks).request(server, request, quirks)?;
        let key = request.key.as_deref().and_then(idempotency_key);
        sent.headers.extend(key.map(|key| (IDEMPOTENCY_KEY, key)));
        Ok(sent)
    }

    fn answer(&self, body: &[u8]) -> Result<ChatAnswer, ChatError> {
        if is_response(body) {
            Responses.answer(body)
        } else {
            ChatCompletions.answer(body)
        }
    }

    fn stream(&self) -> Option<Box<dyn AnswerStream>> {
        Some(Box::new(Either(None)))
    }

    fn usage(&self, body: &Value) -> Option<Usage> {
        // Chat completions know the names of both.
        if body["object"] == "response" {
            Responses.usage(body)
        } else {
            ChatCompletions.usage(body)
        }
    }

    fn quirks(&self, model: &str) -> ApiQuirks {
        if needs_responses(model) {
            Responses.quirks(model)
        } else {
            ChatCompletions.quirks(model)
        }
    }

    fn after_refusal(
        &self,
        quirks: ApiQuirks,
        status: StatusCode,
        body: &str,
        with_schema: bool,
    ) -> Option<ApiQuirks> {
        let changed = of(quirks).after_refusal(quirks, status, body, with_schema);
        if quirks.responses {
            // A server that lacks the format says nothing about the model.
            let is_absent = matches!(status.as_u16(), 404 | 405)
                && !body.to_ascii_lowercase().contains("model");
            return changed.or_else(|| {
                is_absent.then_some(ApiQuirks {
                    responses: false,
                    max_completion_tokens: true,
                    ..quirks
                })
            });
        }
        let is_named = matches!(status.as_u16(), 400 | 404) && body.contains("v1/responses");
        if is_named {
            return Some(ApiQuirks {
                responses: true,
                ..quirks
            });
        }
        changed
    }
}

/// Whether a body is in the Responses format.
fn is_response(body: &[u8]) -> bool {
    let body: Option<Value> = crate::text::json::read(body).ok();
    body.is_some_and(|body| body["object"] == "response" || body["output"].is_array())
}

/// The stream of either format: its first event says which.
struct Either(Option<Box<dyn AnswerStream>>);

impl AnswerStream for Either {
    fn event(&mut self, event: &ServerEvent) -> Result<Delta, ChatError> {
        let is_response = || {
            let data: Option<Value> = crate::text::json::read(event.data.as_bytes()).ok();
            data.is_some_and(|data| data["type"].is_string())
        };
        let stream = self.0.get_or_insert_with(|| {
            let format: &dyn Protocol = if is_response() {
                &Responses
            } else {
                &ChatCompletions
            };
            format.stream().unwrap_or_else(|| Box::new(Self(None)))
        });
        stream.event(event)
    }

    fn has_ended(&self) -> bool {
        self.0.as_ref().is_some_and(|stream| stream.has_ended())
    }

    fn is_done(&self) -> bool {
        self.0.as_ref().is_some_and(|stream| stream.is_done())
    }

    fn broken_off(&self, error: RequestError) -> ChatError {
        match &self.0 {
            Some(stream) => stream.broken_off(error),
            None => ChatError::billed(error, Usage::UNKNOWN),
        }
    }

    fn finish(self: Box<Self>) -> Result<ChatAnswer, ChatError> {
        match self.0.or_else(|| ChatCompletions.stream()) {
            Some(stream) => stream.finish(),
            None => Ok(ChatAnswer::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_carries_its_name_and_other_servers_get_none() {
        let server = Server {
            base: "https://api.example/v1",
            key: Some("k"),
            version: None,
        };
        let named = |name: &str| {
            let request = ChatRequest {
                model: "gpt-4o-mini",
                messages: &[],
                schema: None,
                temperature: crate::units::Temperature::DEFAULT,
                max_tokens: 5,
                key: Some(name.to_owned()),
            };
            let quirks = OpenAi.quirks(request.model);
            let sent = OpenAi.request(server, &request, quirks).unwrap();
            let plain = ChatCompletions.request(server, &request, quirks).unwrap();
            assert!(!plain.headers.contains_key(IDEMPOTENCY_KEY));
            sent.headers[IDEMPOTENCY_KEY].to_str().unwrap().to_owned()
        };
        assert_eq!(named("run/step/2/1"), "run/step/2/1");
        let long = "step".repeat(100);
        assert_eq!(named(&long).len(), 64);
        assert_ne!(named(&long), named(&(long + "1")));
    }
}
