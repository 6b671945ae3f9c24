//! The Messages format of Anthropic.

use super::{
    AnswerStream, Delta, HttpRequest, Protocol, Server, ServerEvent, address, ends_early,
    error_message, key_header, not_empty, post, read_json, refused, refuses_parameter, without,
};
use crate::models::api_quirks::{ApiQuirks, OutputFormat};
use crate::models::http::RequestError;
use crate::models::request::{ChatAnswer, ChatError, ChatRequest, Role};
use crate::models::structured_output::Subset;
use crate::models::usage::{Apart, Report, Usage};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::{Map, Value, json};

/// What an answer should be, for messages.
const WHAT: &str = "a message of the Anthropic API";

/// The version of the API.
const VERSION: &str = "2023-06-01";

/// The tool that a model without structured output is made to call: its input is the output.
const TOOL: &str = "output";

/// Beginnings of the names of models without structured output.
const WITHOUT_FORMAT: [&str; 7] = [
    "claude-2",
    "claude-3",
    "claude-instant",
    "claude-sonnet-4-0",
    "claude-sonnet-4-2",
    "claude-opus-4-0",
    "claude-opus-4-2",
];

/// The input tokens that the API adds for a tool or a format, at most.
const TOOL_TOKENS: u64 = 700;

/// `POST {root}/v1/messages`.
#[derive(Debug)]
pub(crate) struct Anthropic;

impl Protocol for Anthropic {
    fn request(
        &self,
        server: Server<'_>,
        request: &ChatRequest<'_>,
        quirks: ApiQuirks,
    ) -> Result<HttpRequest, RequestError> {
        let url = address(server.root(&["/v1"]), "/v1/messages")?;
        let headers = self.headers(server.key)?;
        Ok(post(url, headers, &payload(request, quirks)))
    }

    fn headers(&self, key: Option<&str>) -> Result<HeaderMap, RequestError> {
        let mut headers = key_header("x-api-key", "", key)?;
        headers.insert("anthropic-version", HeaderValue::from_static(VERSION));
        Ok(headers)
    }

    fn models_address(&self, server: Server<'_>) -> Result<reqwest::Url, RequestError> {
        address(server.root(&["/v1"]), "/v1/models?limit=1000")
    }

    fn answer(&self, body: &[u8]) -> Result<ChatAnswer, ChatError> {
        let message = read_json(WHAT, body)?;
        let usage = self.usage(&message);
        let failed = |error| ChatError { error, usage };
        let Some(blocks) = message["content"].as_array() else {
            return Err(failed(without("content", WHAT, &message)));
        };
        let mut assembled = Assembled {
            usage: usage.unwrap_or_default(),
            ..Assembled::default()
        };
        for block in blocks {
            assembled.blocks.push(Block::of(block));
        }
        assembled.stop(&message["stop_reason"]);
        assembled.finish()
    }

    fn stream(&self) -> Option<Box<dyn AnswerStream>> {
        Some(Box::new(Events::default()))
    }

    fn subset(&self) -> Subset {
        Subset {
            constraints: false,
            optional: true,
        }
    }

    fn overhead(&self, with_schema: bool) -> u64 {
        if with_schema { TOOL_TOKENS } else { 0 }
    }

    fn usage(&self, body: &Value) -> Option<Usage> {
        let usage = body.get("usage").or_else(|| body.pointer("/error/usage"));
        let usage = usage.filter(|usage| !usage.is_null())?;
        Some(Usage::read(Report {
            input: usage.get("input_tokens"),
            cached_input: usage.get("cache_read_input_tokens"),
            cache_write: usage.get("cache_creation_input_tokens"),
            cache_write_1h: usage.pointer("/cache_creation/ephemeral_1h_input_tokens"),
            output: usage.get("output_tokens"),
            reasoning: usage.pointer("/output_tokens_details/thinking_tokens"),
            total: None,
            apart: Apart {
                cache: true,
                reasoning: false,
            },
        }))
    }

    fn quirks(&self, model: &str) -> ApiQuirks {
        let name = model.rsplit('/').next().unwrap_or(model);
        let without = WITHOUT_FORMAT.iter().any(|start| name.starts_with(start));
        ApiQuirks {
            format: if without {
                OutputFormat::Schema
            } else {
                OutputFormat::StrictSchema
            },
            // The API has no temperature any more; its newer models refuse one.
            temperature: false,
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
        if !refuses_parameter(status) {
            return None;
        }
        let body = body.to_ascii_lowercase();
        let changed = quirks.without_temperature(&body);
        let changed = changed
            .or_else(|| quirks.without_stream(&body))
            .or_else(|| {
                let is_about_format = ["output_config", "tool"]
                    .iter()
                    .any(|word| body.contains(word));
                let body = if is_about_format { "format" } else { &body };
                quirks.in_looser_format(body, with_schema)
            })?;
        // There is no format of just any JSON.
        Some(if changed.format == OutputFormat::JsonObject {
            ApiQuirks {
                format: OutputFormat::Text,
                ..changed
            }
        } else {
            changed
        })
    }
}

fn payload(request: &ChatRequest<'_>, quirks: ApiQuirks) -> Value {
    let mut payload = Map::new();
    payload.insert("model".to_owned(), request.model.into());
    payload.insert("max_tokens".to_owned(), request.max_tokens.into());
    let (system, turns): (Vec<_>, Vec<_>) = request
        .messages
        .iter()
        .partition(|(role, _)| *role == Role::System);
    let mut system: Vec<Value> = system
        .iter()
        .map(|(_, text)| json!({"type": "text", "text": not_empty(text)}))
        .collect();
    if let Some(last) = system.last_mut() {
        // What all calls of a tool have in common is cached by the provider. Below its minimum this has no effect.
        last["cache_control"] = json!({"type": "ephemeral"});
        payload.insert("system".to_owned(), system.into());
    }
    let turns = turns
        .iter()
        .map(|(role, text)| json!({"role": role.as_str(), "content": not_empty(text)}));
    payload.insert("messages".to_owned(), turns.collect::<Vec<_>>().into());
    if quirks.temperature {
        payload.insert("temperature".to_owned(), json!(request.temperature));
    }
    payload.insert("stream".to_owned(), quirks.stream.is_on().into());
    let Some(schema) = request.schema else {
        return Value::Object(payload);
    };
    match (quirks.format, schema.strict()) {
        (OutputFormat::StrictSchema, Some(schema)) => {
            let format = json!({"format": {"type": "json_schema", "schema": schema}});
            payload.insert("output_config".to_owned(), format);
        }
        (OutputFormat::StrictSchema | OutputFormat::Schema, _) => {
            let tool = json!({"name": TOOL, "description": "Takes the output.", "input_schema": schema.open()});
            payload.insert("tools".to_owned(), json!([tool]));
            payload.insert(
                "tool_choice".to_owned(),
                json!({"type": "tool", "name": TOOL}),
            );
        }
        (OutputFormat::JsonObject | OutputFormat::Text, _) => {}
    }
    Value::Object(payload)
}

/// A part of a message.
#[derive(Default)]
struct Block {
    text: String,
    thoughts: String,
    /// The input of a tool, as JSON.
    input: Option<String>,
}

impl Block {
    fn of(block: &Value) -> Self {
        let text = |field: &str| block[field].as_str().unwrap_or_default().to_owned();
        match block["type"].as_str() {
            Some("text") => Self {
                text: text("text"),
                ..Self::default()
            },
            Some("thinking") => Self {
                thoughts: text("thinking"),
                ..Self::default()
            },
            Some("tool_use") => Self {
                input: Some(block["input"].to_string()),
                ..Self::default()
            },
            _ => Self::default(),
        }
    }
}

/// The answer so far.
#[derive(Default)]
struct Assembled {
    blocks: Vec<Block>,
    usage: Usage,
    refused: bool,
    cut_off: bool,
}

impl Assembled {
    /// Takes in why the message ended.
    fn stop(&mut self, reason: &Value) {
        match reason.as_str() {
            Some("max_tokens" | "model_context_window_exceeded") => self.cut_off = true,
            Some("refusal") => self.refused = true,
            _ => {}
        }
    }

    fn finish(self) -> Result<ChatAnswer, ChatError> {
        let joined = |of: fn(&Block) -> &str| self.blocks.iter().map(of).collect::<String>();
        let text = joined(|block| &block.text);
        if self.refused {
            let why = if text.trim().is_empty() {
                "it says nothing"
            } else {
                &text
            };
            return Err(ChatError::billed(refused(why), self.usage));
        }
        let input = self.blocks.iter().find_map(|block| block.input.clone());
        Ok(ChatAnswer {
            text: input.unwrap_or(text),
            reasoning: joined(|block| &block.thoughts),
            usage: self.usage,
            cut_off: self.cut_off,
        })
    }
}

/// The answer so far, from the events of a stream.
#[derive(Default)]
struct Events {
    assembled: Assembled,
    /// The usage at the beginning, with later numbers in the place of earlier ones.
    usage: Map<String, Value>,
    has_ended: bool,
}

impl AnswerStream for Events {
    fn event(&mut self, event: &ServerEvent) -> Result<Delta, ChatError> {
        let mut new = Delta::default();
        let event =
            read_json(WHAT, event.data.as_bytes()).map_err(|error| self.broken_off(error))?;
        let usage = event
            .pointer("/message/usage")
            .or_else(|| event.get("usage"));
        if let Some(Value::Object(usage)) = usage {
            let said = usage.iter().filter(|(_, value)| !value.is_null());
            let said = said.map(|(name, value)| (name.clone(), value.clone()));
            self.usage.extend(said);
        }
        match event["type"].as_str() {
            Some("content_block_start") => {
                let mut block = Block::of(&event["content_block"]);
                // The input of a tool begins as an empty object, and its text follows.
                block.input = block.input.map(|_| String::new());
                new.text.clone_from(&block.text);
                new.reasoning.clone_from(&block.thoughts);
                self.assembled.blocks.push(block);
            }
            Some("content_block_delta") => {
                let delta = &event["delta"];
                let Some(block) = self.assembled.blocks.last_mut() else {
                    return Ok(new);
                };
                let text = |field: &str| delta[field].as_str().unwrap_or_default();
                block.text.push_str(text("text"));
                block.thoughts.push_str(text("thinking"));
                text("text").clone_into(&mut new.text);
                text("thinking").clone_into(&mut new.reasoning);
                if let Some(input) = &mut block.input {
                    input.push_str(text("partial_json"));
                    new.text.push_str(text("partial_json"));
                }
            }
            Some("message_delta") => self.assembled.stop(&event["delta"]["stop_reason"]),
            Some("message_stop") => self.has_ended = true,
            Some("error") => {
                let message = error_message(&event.to_string());
                let error = RequestError::transient(format!("the model failed: {message}"));
                return Err(self.broken_off(error));
            }
            _ => {}
        }
        Ok(new)
    }

    fn has_ended(&self) -> bool {
        self.has_ended
    }

    fn is_done(&self) -> bool {
        self.has_ended
    }

    fn broken_off(&self, error: RequestError) -> ChatError {
        ChatError::billed(error, self.said().or_more())
    }

    fn finish(mut self: Box<Self>) -> Result<ChatAnswer, ChatError> {
        if !self.has_ended {
            return Err(self.broken_off(ends_early(WHAT)));
        }
        self.assembled.usage = self.said();
        self.assembled.finish()
    }
}

impl Events {
    /// The usage reported so far.
    fn said(&self) -> Usage {
        let usage = json!({"usage": self.usage});
        let usage = (!self.usage.is_empty()).then(|| Anthropic.usage(&usage));
        usage.flatten().unwrap_or_default()
    }
}
