//! The chat-completions format, which OpenAI defined and many other servers accept.
//!
//! Servers differ in the parameters they accept; [`ApiQuirks`] has the parameters of a request.

use super::{
    AnswerStream, Delta, HttpRequest, Protocol, Server, ServerEvent, address, ends_early, post,
    read_json, refused, refuses_parameter, without,
};
use crate::models::api_quirks::{ApiQuirks, OutputFormat, Stream};
use crate::models::http::RequestError;
use crate::models::request::{ChatAnswer, ChatError, ChatRequest};
use crate::models::stated_bill;
use crate::models::usage::{Report, Usage};
use reqwest::StatusCode;
use serde_json::{Map, Value, json};

/// Prefixes of the names of reasoning models: they accept no temperature, and count their reasoning against
/// `max_completion_tokens`.
const REASONING: [&str; 4] = ["o1", "o3", "o4", "gpt-5"];

/// What an answer should be, for messages.
const WHAT: &str = "a chat completion";

/// Whether a model of OpenAI's reasons before it answers, by its name.
pub(super) fn reasons(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    REASONING.iter().any(|prefix| name.starts_with(prefix))
}

/// `POST {base}/chat/completions`.
#[derive(Debug)]
pub(crate) struct ChatCompletions;

impl Protocol for ChatCompletions {
    fn request(
        &self,
        server: Server<'_>,
        request: &ChatRequest<'_>,
        quirks: ApiQuirks,
    ) -> Result<HttpRequest, RequestError> {
        let url = address(server.base, "/chat/completions")?;
        let headers = self.headers(server.key)?;
        Ok(post(url, headers, &payload(request, quirks)))
    }

    fn answer(&self, body: &[u8]) -> Result<ChatAnswer, ChatError> {
        let answer = read_json(WHAT, body)?;
        let usage = self.usage(&answer);
        let failed = |error| ChatError { error, usage };
        let Some(choice) = answer.pointer("/choices/0") else {
            return Err(failed(without("choices", WHAT, &answer)));
        };
        let message = &choice["message"];
        if let Some(refusal) = message["refusal"].as_str().filter(|text| !text.is_empty()) {
            return Err(failed(refused(refusal)));
        }
        Ok(ChatAnswer {
            text: content(&message["content"]),
            reasoning: reasoning(message).to_owned(),
            usage: usage.unwrap_or_default(),
            cut_off: choice["finish_reason"] == "length",
        })
    }

    fn stream(&self) -> Option<Box<dyn AnswerStream>> {
        Some(Box::new(Chunks::default()))
    }

    fn usage(&self, body: &Value) -> Option<Usage> {
        let usage = ["/usage", "/error/usage", "/x_groq/usage"]
            .iter()
            .find_map(|path| body.pointer(path).filter(|usage| !usage.is_null()))?;
        let first = |paths: &[&str]| {
            let mut found = paths.iter().filter_map(|path| usage.pointer(path));
            found.find(|value| !value.is_null())
        };
        let said = Usage::read(Report {
            input: first(&["/prompt_tokens", "/input_tokens"]),
            cached_input: first(&[
                "/prompt_tokens_details/cached_tokens",
                "/prompt_cache_hit_tokens",
            ]),
            cache_write: first(&["/prompt_tokens_details/cache_write_tokens"]),
            output: first(&["/completion_tokens", "/output_tokens"]),
            reasoning: first(&["/completion_tokens_details/reasoning_tokens"]),
            total: first(&["/total_tokens"]),
            ..Report::default()
        });
        Some(said.billed(stated_bill::in_usage(usage)))
    }

    fn quirks(&self, model: &str) -> ApiQuirks {
        let reasons = reasons(model);
        ApiQuirks {
            max_completion_tokens: reasons,
            temperature: !reasons,
            ..ApiQuirks::default()
        }
    }

    fn after_refusal(
        &self,
        quirks: ApiQuirks,
        status: StatusCode,
        body: &str,
        with_schema: bool,
    ) -> Option<ApiQuirks> {
        refuses_parameter(status)
            .then(|| quirks.after_refusal(body, with_schema))
            .flatten()
    }
}

/// The answer so far, from the chunks of a stream. Each chunk has a part of the text; one of the last has the usage.
#[derive(Default)]
struct Chunks {
    answer: ChatAnswer,
    usage: Option<Usage>,
    refusal: String,
    has_ended: bool,
    is_done: bool,
}

impl AnswerStream for Chunks {
    fn event(&mut self, event: &ServerEvent) -> Result<Delta, ChatError> {
        if event.data.trim() == "[DONE]" {
            self.has_ended = true;
            self.is_done = true;
            return Ok(Delta::default());
        }
        let chunk =
            read_json(WHAT, event.data.as_bytes()).map_err(|error| self.broken_off(error))?;
        self.usage = ChatCompletions.usage(&chunk).or(self.usage);
        if chunk.get("error").is_some() {
            return Err(self.broken_off(without("choices", WHAT, &chunk)));
        }
        let Some(choice) = chunk.pointer("/choices/0") else {
            return Ok(Delta::default());
        };
        // A server may put a whole answer into one event.
        let delta = choice.get("delta").unwrap_or(&choice["message"]);
        let new = Delta {
            text: content(&delta["content"]),
            reasoning: reasoning(delta).to_owned(),
        };
        self.answer.text.push_str(&new.text);
        self.answer.reasoning.push_str(&new.reasoning);
        self.refusal
            .push_str(delta["refusal"].as_str().unwrap_or_default());
        if let Some(reason) = choice["finish_reason"].as_str() {
            self.has_ended = true;
            self.answer.cut_off = reason == "length";
        }
        Ok(new)
    }

    fn has_ended(&self) -> bool {
        self.has_ended
    }

    fn is_done(&self) -> bool {
        self.is_done
    }

    fn broken_off(&self, error: RequestError) -> ChatError {
        ChatError::billed(error, self.usage.unwrap_or_default().or_more())
    }

    fn finish(self: Box<Self>) -> Result<ChatAnswer, ChatError> {
        if !self.refusal.is_empty() {
            return Err(ChatError {
                error: refused(&self.refusal),
                usage: self.usage,
            });
        }
        if !self.has_ended {
            return Err(self.broken_off(ends_early(WHAT)));
        }
        Ok(ChatAnswer {
            usage: self.usage.unwrap_or_default(),
            ..self.answer
        })
    }
}

/// The text of a message: a string, or the texts of its parts.
fn content(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts
            .iter()
            .filter_map(|part| part["text"].as_str())
            .collect(),
        _ => String::new(),
    }
}

/// What the model thought, under the names that servers have for it.
fn reasoning(message: &Value) -> &str {
    let names = ["reasoning_content", "reasoning"];
    let found = names.iter().find_map(|name| message[*name].as_str());
    found.unwrap_or_default()
}

pub(super) fn payload(request: &ChatRequest<'_>, quirks: ApiQuirks) -> Value {
    let messages: Vec<Value> = request
        .messages
        .iter()
        .map(|(role, text)| json!({"role": role.as_str(), "content": text}))
        .collect();
    let mut payload = Map::new();
    payload.insert("model".to_owned(), request.model.into());
    payload.insert("messages".to_owned(), messages.into());
    if quirks.temperature {
        payload.insert("temperature".to_owned(), json!(request.temperature));
    }
    let max_tokens = if quirks.max_completion_tokens {
        "max_completion_tokens"
    } else {
        "max_tokens"
    };
    payload.insert(max_tokens.to_owned(), request.max_tokens.into());
    payload.insert("stream".to_owned(), quirks.stream.is_on().into());
    if quirks.stream == Stream::WithUsage {
        let options = json!({"include_usage": true});
        payload.insert("stream_options".to_owned(), options);
    }
    if let Some(schema) = request.schema {
        let format = match (quirks.format, schema.strict()) {
            (OutputFormat::StrictSchema, Some(schema)) => Some(json!({"type": "json_schema",
                "json_schema": {"name": "output", "strict": true, "schema": schema}})),
            (OutputFormat::StrictSchema | OutputFormat::Schema, _) => {
                Some(json!({"type": "json_schema",
                    "json_schema": {"name": "output", "strict": false, "schema": schema.open()}}))
            }
            (OutputFormat::JsonObject, _) => Some(json!({"type": "json_object"})),
            (OutputFormat::Text, _) => None,
        };
        payload.extend(format.map(|format| ("response_format".to_owned(), format)));
    }
    Value::Object(payload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Tokens;

    #[test]
    fn usage_is_read_in_several_spellings() {
        let answer = ChatCompletions.answer(br#"{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],
            "usage":{"prompt_tokens":10,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}}}"#).unwrap();
        assert_eq!(
            answer.usage.tokens(),
            Some(Tokens {
                cached_input: 4,
                ..Tokens::plain(10, 2)
            })
        );
        assert_eq!(answer.text, "hi");
        let parts = ChatCompletions
            .answer(
                br#"{"choices":[{"message":{"content":[{"type":"text","text":"a"},{"text":"b"}]}}]}"#,
            )
            .unwrap();
        assert_eq!((parts.text.as_str(), parts.usage), ("ab", Usage::UNKNOWN));
        assert!(
            ChatCompletions
                .answer(b"<html>")
                .unwrap_err()
                .error
                .retryable
        );
        assert!(ChatCompletions.answer(br#"{"error":"x"}"#).is_err());
    }
}
