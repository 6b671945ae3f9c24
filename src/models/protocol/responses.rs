//! The Responses format of OpenAI, which its newest reasoning models need.

use super::chat_completions::reasons;
use super::{
    AnswerStream, Delta, HttpRequest, Protocol, Server, ServerEvent, address, ends_early,
    error_message, post, read_json, refused, refuses_parameter, without,
};
use crate::models::api_quirks::{ApiQuirks, OutputFormat};
use crate::models::http::RequestError;
use crate::models::request::{ChatAnswer, ChatError, ChatRequest};
use crate::models::usage::{Report, Usage};
use reqwest::StatusCode;
use serde_json::{Value, json};

/// What an answer should be, for messages.
const WHAT: &str = "a response";

/// `POST {base}/responses`.
#[derive(Debug)]
pub(crate) struct Responses;

impl Protocol for Responses {
    fn request(
        &self,
        server: Server<'_>,
        request: &ChatRequest<'_>,
        quirks: ApiQuirks,
    ) -> Result<HttpRequest, RequestError> {
        let url = address(server.base, "/responses")?;
        let headers = self.headers(server.key)?;
        Ok(post(url, headers, &payload(request, quirks)))
    }

    fn answer(&self, body: &[u8]) -> Result<ChatAnswer, ChatError> {
        read(&read_json(WHAT, body)?)
    }

    fn stream(&self) -> Option<Box<dyn AnswerStream>> {
        Some(Box::new(Events::default()))
    }

    fn usage(&self, body: &Value) -> Option<Usage> {
        let usage = body.get("usage").filter(|usage| !usage.is_null())?;
        Some(Usage::read(Report {
            input: usage.get("input_tokens"),
            cached_input: usage.pointer("/input_tokens_details/cached_tokens"),
            cache_write: usage.pointer("/input_tokens_details/cache_write_tokens"),
            output: usage.get("output_tokens"),
            reasoning: usage.pointer("/output_tokens_details/reasoning_tokens"),
            total: usage.get("total_tokens"),
            ..Report::default()
        }))
    }

    fn quirks(&self, model: &str) -> ApiQuirks {
        ApiQuirks {
            temperature: !reasons(model),
            responses: true,
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
        let body = body.to_ascii_lowercase();
        let changed = || {
            quirks
                .without_temperature(&body)
                .or_else(|| quirks.without_stream(&body))
                .or_else(|| quirks.in_looser_format(&body, with_schema))
        };
        refuses_parameter(status).then(changed).flatten()
    }
}

pub(super) fn payload(request: &ChatRequest<'_>, quirks: ApiQuirks) -> Value {
    let input = request.messages.iter();
    let input = input.map(|(role, text)| json!({"role": role.as_str(), "content": text}));
    let mut payload = json!({
        "model": request.model,
        "input": input.collect::<Vec<_>>(),
        "max_output_tokens": request.max_tokens,
        // Nothing of a run stays on the server.
        "store": false,
        "stream": quirks.stream.is_on(),
    });
    if quirks.temperature {
        payload["temperature"] = json!(request.temperature);
    }
    let format = request.schema.and_then(|schema| match (quirks.format, schema.strict()) {
        (OutputFormat::StrictSchema, Some(schema)) => {
            Some(json!({"type": "json_schema", "name": "output", "strict": true, "schema": schema}))
        }
        (OutputFormat::StrictSchema | OutputFormat::Schema, _) => {
            Some(json!({"type": "json_schema", "name": "output", "strict": false, "schema": schema.open()}))
        }
        (OutputFormat::JsonObject, _) => Some(json!({"type": "json_object"})),
        (OutputFormat::Text, _) => None,
    });
    if let Some(format) = format {
        payload["text"] = json!({"format": format});
    }
    payload
}

/// The answer in a whole response.
fn read(response: &Value) -> Result<ChatAnswer, ChatError> {
    let usage = Responses.usage(response);
    let failed = |error| ChatError { error, usage };
    if response["status"] == "failed" || !response["error"].is_null() {
        return Err(failed(failure(response)));
    }
    let Some(items) = response["output"].as_array() else {
        return Err(failed(without("output", WHAT, response)));
    };
    let mut answer = ChatAnswer {
        usage: usage.unwrap_or_default(),
        ..ChatAnswer::default()
    };
    for item in items {
        let texts = |field: &str| {
            let parts = item[field].as_array().into_iter().flatten();
            parts
                .filter_map(|part| part["text"].as_str())
                .collect::<String>()
        };
        match item["type"].as_str() {
            Some("message") => {
                let mut parts = item["content"].as_array().into_iter().flatten();
                if let Some(refusal) = parts.find_map(|part| part["refusal"].as_str()) {
                    return Err(failed(refused(refusal)));
                }
                answer.text.push_str(&texts("content"));
            }
            Some("reasoning") => {
                answer.reasoning.push_str(&texts("summary"));
                answer.reasoning.push_str(&texts("content"));
            }
            _ => {}
        }
    }
    let incomplete = response.pointer("/incomplete_details/reason");
    match incomplete.and_then(Value::as_str) {
        Some("content_filter") => Err(failed(refused("its content filter ended the answer"))),
        Some(_) => {
            answer.cut_off = true;
            Ok(answer)
        }
        None => Ok(answer),
    }
}

/// The error that a response, or an event, reports.
fn failure(response: &Value) -> RequestError {
    let code = response
        .pointer("/error/code")
        .or_else(|| response.get("code"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    let message = error_message(&response.to_string());
    let message = format!("the model failed: {code} {message}");
    match code {
        "server_error" | "rate_limit_exceeded" | "" => RequestError::transient(message),
        _ => RequestError::permanent(message),
    }
}

/// The answer so far, from the events of a stream; the last one has the whole response.
#[derive(Default)]
struct Events {
    response: Option<Value>,
    /// Whether the part of the thoughts that comes is not the first.
    has_thoughts: bool,
}

impl AnswerStream for Events {
    fn event(&mut self, event: &ServerEvent) -> Result<Delta, ChatError> {
        let mut new = Delta::default();
        if event.data.trim() == "[DONE]" {
            return Ok(new);
        }
        let mut event =
            read_json(WHAT, event.data.as_bytes()).map_err(|error| self.broken_off(error))?;
        let text = |event: &Value| event["delta"].as_str().unwrap_or_default().to_owned();
        match event["type"].as_str() {
            Some("response.output_text.delta") => new.text = text(&event),
            Some("response.reasoning_summary_text.delta" | "response.reasoning_text.delta") => {
                new.reasoning = text(&event);
                self.has_thoughts = true;
            }
            Some("response.reasoning_summary_part.added") if self.has_thoughts => {
                "\n\n".clone_into(&mut new.reasoning);
            }
            Some("response.completed" | "response.incomplete" | "response.failed") => {
                self.response = Some(event["response"].take());
            }
            Some("error") => return Err(self.broken_off(failure(&event))),
            _ => {}
        }
        Ok(new)
    }

    fn has_ended(&self) -> bool {
        self.response.is_some()
    }

    fn is_done(&self) -> bool {
        self.response.is_some()
    }

    fn broken_off(&self, error: RequestError) -> ChatError {
        ChatError::billed(error, Usage::UNKNOWN)
    }

    fn finish(self: Box<Self>) -> Result<ChatAnswer, ChatError> {
        if let Some(response) = &self.response {
            return read(response);
        }
        Err(self.broken_off(ends_early(WHAT)))
    }
}
