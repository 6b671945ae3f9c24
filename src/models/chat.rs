//! The chat-completions format, as OpenAI defined it and many others speak it.
//!
//! Servers differ in what they take: a JSON schema for the answer, strict or not, only `json_object`, or
//! nothing; `max_tokens` or `max_completion_tokens`; a temperature or none. What a server refuses with 400 is left
//! out or replaced, and that is remembered for the model.

use super::http::{HttpClients, RequestError, body, failed, is_passing, retry_after};
use super::manners::{Format, Manners, is_strict, payload};
use crate::text::message::quote;
use crate::units::Tokens;
use reqwest::Url;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// An answer may have this many bytes.
const LARGEST_ANSWER: usize = 32 << 20;

/// How much of a refusal is quoted.
const QUOTED: usize = 600;

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// What the model is to do.
    System,
    /// What it is given.
    User,
    /// What it answered before.
    Assistant,
}

impl Role {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// What a model is asked.
#[derive(Clone, Debug)]
pub struct ChatRequest<'a> {
    /// The model, as the server names it.
    pub model: &'a str,
    /// The messages so far.
    pub messages: &'a [(Role, String)],
    /// What the answer must be; an object schema, already in the form that is sent.
    pub schema: Option<&'a Value>,
    /// The most tokens the answer may have.
    pub max_tokens: u32,
}

/// What a model answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatReply {
    /// The text.
    pub text: String,
    /// What was used; `None` where the server does not say.
    pub tokens: Option<Tokens>,
    /// Whether it was cut off at `max_tokens`.
    pub cut_off: bool,
}

/// A failed exchange, with what it used all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatError {
    /// What went wrong.
    pub error: RequestError,
    /// What was used, where the server says so although there is no answer of use.
    pub tokens: Option<Tokens>,
    /// Whether the request went out and the answer to it did not come back whole.
    pub lost: bool,
}

impl From<RequestError> for ChatError {
    fn from(error: RequestError) -> Self {
        Self {
            error,
            tokens: None,
            lost: false,
        }
    }
}

impl ChatError {
    fn lost(error: RequestError) -> Self {
        Self {
            lost: true,
            ..Self::from(error)
        }
    }
}

/// A server and the key to it.
pub struct Endpoint {
    base: String,
    key: Option<String>,
    manners: Mutex<HashMap<String, Manners>>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

impl Endpoint {
    /// The server at `base`, the part of the address before `/chat/completions`.
    pub fn new(base: impl Into<String>, key: Option<String>) -> Self {
        Self {
            base: base.into().trim_end_matches('/').to_owned(),
            key,
            manners: Mutex::default(),
        }
    }

    /// Its address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Asks and waits for the answer.
    pub async fn chat(
        &self,
        clients: &HttpClients,
        request: &ChatRequest<'_>,
    ) -> Result<ChatReply, ChatError> {
        let address = format!("{}/chat/completions", self.base);
        let url: Url = address.parse().map_err(|error| RequestError {
            message: format!("the address {address} is not valid: {error}"),
            retryable: false,
            retry_after: None,
        })?;
        let client = clients.client(&url, self.key.is_some())?;
        let mut manners = self.manners(request.model);
        if manners.format == Format::Strict
            && request.schema.is_some_and(|schema| !is_strict(schema))
        {
            manners.format = Format::Schema;
        }
        // Each refusal changes one of few things, so this ends.
        for _ in 0..8 {
            let mut post = client.post(url.clone()).json(&payload(request, manners));
            if let Some(key) = &self.key {
                post = post.bearer_auth(key);
            }
            let response = post.send().await.map_err(|error| {
                let never_sent = error.is_connect() || error.is_builder() || error.is_redirect();
                let error = failed(error);
                let message = format!("{}: {}", self.base, error.message);
                ChatError {
                    lost: !never_sent,
                    ..ChatError::from(RequestError { message, ..error })
                }
            })?;
            let status = response.status();
            let wait = retry_after(response.headers());
            let bytes = body(response, LARGEST_ANSWER).await;
            if status.is_success() {
                self.remember(request.model, manners);
                return read(&bytes.map_err(ChatError::lost)?);
            }
            let said = String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
            let other = (status.as_u16() == 400 || status.as_u16() == 422)
                .then(|| manners.after(&said, request.schema.is_some()))
                .flatten();
            if let Some(other) = other {
                manners = other;
                continue;
            }
            let hint = match status.as_u16() {
                401 | 403 => "; is the key right?",
                404 => "; does the server have this model?",
                _ => "",
            };
            let error = RequestError {
                message: format!(
                    "{} answered {status}{hint} {}",
                    self.base,
                    self.hide(&refusal(&said))
                ),
                retryable: is_passing(status),
                retry_after: wait,
            };
            let answer: Option<Value> = serde_json::from_str(&said).ok();
            return Err(ChatError {
                // Who bills a failure says so.
                tokens: answer.as_ref().and_then(usage),
                ..ChatError::from(error)
            });
        }
        Err(ChatError::from(RequestError {
            message: format!("{} refuses every form of the request", self.base),
            retryable: false,
            retry_after: None,
        }))
    }

    fn manners(&self, model: &str) -> Manners {
        let known = self.manners.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(model)
            .copied()
            .unwrap_or_else(|| Manners::of(model))
    }

    fn remember(&self, model: &str, manners: Manners) {
        let mut known = self.manners.lock().unwrap_or_else(PoisonError::into_inner);
        // A schema that was not strict says nothing about what the server takes.
        let format = known.get(model).map_or(Format::Strict, |old| old.format);
        let format = if manners.format == Format::Schema {
            format
        } else {
            manners.format
        };
        known.insert(model.to_owned(), Manners { format, ..manners });
    }

    /// A server may quote the key it refuses.
    fn hide(&self, text: &str) -> String {
        match &self.key {
            Some(key) if key.len() >= 4 => text.replace(key.as_str(), "[redacted]"),
            _ => text.to_owned(),
        }
    }
}

fn read(bytes: &[u8]) -> Result<ChatReply, ChatError> {
    let broken = |why: String| RequestError {
        message: format!("the server's answer is no chat completion: {why}"),
        // A proxy or a server that stumbled; the next answer may be whole.
        retryable: true,
        retry_after: None,
    };
    let answer: Value = serde_json::from_slice(bytes).map_err(|error| {
        let text = quote(&String::from_utf8_lossy(bytes), QUOTED);
        broken(format!("{error}; it begins {text}"))
    })?;
    let tokens = usage(&answer);
    let Some(choice) = answer.pointer("/choices/0") else {
        let said = refusal(&answer.to_string());
        return Err(ChatError {
            error: broken(format!("it has no choices {said}")),
            tokens,
            lost: false,
        });
    };
    let message = &choice["message"];
    if let Some(refused) = message["refusal"].as_str().filter(|text| !text.is_empty()) {
        let refused = quote(refused, QUOTED);
        let error = RequestError {
            message: format!("the model refused: {refused}"),
            retryable: false,
            retry_after: None,
        };
        return Err(ChatError {
            error,
            tokens,
            lost: false,
        });
    }
    let text = match &message["content"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts
            .iter()
            .filter_map(|part| part["text"].as_str())
            .collect(),
        _ => String::new(),
    };
    Ok(ChatReply {
        text,
        tokens,
        cut_off: choice["finish_reason"] == "length",
    })
}

fn usage(answer: &Value) -> Option<Tokens> {
    let usage = answer.get("usage").filter(|usage| usage.is_object())?;
    let count = |path: &str| usage.pointer(path).and_then(Value::as_u64);
    Some(Tokens {
        input: count("/prompt_tokens").or_else(|| count("/input_tokens"))?,
        cached_input: count("/prompt_tokens_details/cached_tokens")
            .or_else(|| count("/prompt_cache_hit_tokens"))
            .unwrap_or(0),
        output: count("/completion_tokens")
            .or_else(|| count("/output_tokens"))
            .unwrap_or(0),
    })
}

/// The message inside an error answer, else the beginning of the answer.
fn refusal(said: &str) -> String {
    let message = serde_json::from_str::<Value>(said).ok().and_then(|answer| {
        let error = answer
            .get("error")
            .or_else(|| answer.get(0)?.get("error"))?;
        error
            .get("message")
            .unwrap_or(error)
            .as_str()
            .map(str::to_owned)
    });
    quote(message.as_deref().unwrap_or(said), QUOTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_read_in_several_spellings() {
        let reply = read(br#"{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],
            "usage":{"prompt_tokens":10,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}}}"#).unwrap();
        assert_eq!(
            reply.tokens,
            Some(Tokens {
                input: 10,
                cached_input: 4,
                output: 2
            })
        );
        assert_eq!(reply.text, "hi");
        let parts = read(
            br#"{"choices":[{"message":{"content":[{"type":"text","text":"a"},{"text":"b"}]}}]}"#,
        )
        .unwrap();
        assert_eq!((parts.text.as_str(), parts.tokens), ("ab", None));
        assert!(read(b"<html>").unwrap_err().error.retryable);
        assert!(read(br#"{"error":"x"}"#).is_err());
    }
}
