//! The `generateContent` format of Gemini.

use super::{
    AnswerStream, Delta, HttpRequest, HttpResponse, Protocol, Refusal, Server, ServerEvent,
    address, ends_early, error_message, key_header, malformed, not_empty, post, read_json, refused,
    refuses_parameter,
};
use crate::models::api_quirks::{ApiQuirks, OutputFormat, Stream};
use crate::models::http::{self, RequestError};
use crate::models::request::{ChatAnswer, ChatError, ChatRequest, Role};
use crate::models::structured_output::Subset;
use crate::models::usage::{Apart, Report, Usage};
use crate::text::json;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// What an answer should be, for messages.
const WHAT: &str = "an answer of the Gemini API";

/// `POST {root}/v1beta/models/{model}:streamGenerateContent?alt=sse`, or `:generateContent` without a stream.
#[derive(Debug)]
pub(crate) struct Gemini;

impl Protocol for Gemini {
    fn request(
        &self,
        server: Server<'_>,
        request: &ChatRequest<'_>,
        quirks: ApiQuirks,
    ) -> Result<HttpRequest, RequestError> {
        let mut url = address(server.root(&["/openai", "/v1beta"]), "/v1beta")?;
        let model = request
            .model
            .strip_prefix("models/")
            .unwrap_or(request.model);
        let method = if quirks.stream.is_on() {
            "streamGenerateContent"
        } else {
            "generateContent"
        };
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(["models", &format!("{model}:{method}")]);
        }
        if quirks.stream.is_on() {
            url.set_query(Some("alt=sse"));
        }
        let body = payload(request, quirks);
        Ok(post(url, self.headers(server.key)?, &body))
    }

    fn headers(&self, key: Option<&str>) -> Result<HeaderMap, RequestError> {
        key_header("x-goog-api-key", "", key)
    }

    fn models_address(&self, server: Server<'_>) -> Result<reqwest::Url, RequestError> {
        let root = server.root(&["/openai", "/v1beta"]);
        address(root, "/v1beta/models?pageSize=1000")
    }

    fn answer(&self, body: &[u8]) -> Result<ChatAnswer, ChatError> {
        let answer = read_json(WHAT, body)?;
        let mut assembled = Assembled::default();
        // A proxy may pass the parts of a stream on as a list.
        let parts = answer
            .as_array()
            .map_or(std::slice::from_ref(&answer), Vec::as_slice);
        for part in parts {
            assembled.take(part)?;
        }
        assembled.whole()
    }

    fn stream(&self) -> Option<Box<dyn AnswerStream>> {
        Some(Box::new(Assembled::default()))
    }

    fn subset(&self) -> Subset {
        Subset {
            constraints: true,
            optional: true,
        }
    }

    fn format_without_strict(&self) -> OutputFormat {
        OutputFormat::JsonObject
    }

    fn refusal(&self, response: &HttpResponse) -> Refusal {
        let body: Option<Value> = json::read(&response.body).ok();
        Refusal {
            message: error_message(&String::from_utf8_lossy(&response.body)),
            retryable: http::is_transient(response.status),
            retry_after: http::retry_after(&response.headers)
                .or_else(|| retry_delay(body.as_ref()?)),
            usage: body.and_then(|body| self.usage(&body)),
        }
    }

    fn usage(&self, body: &Value) -> Option<Usage> {
        let usage = body.get("usageMetadata").filter(|usage| !usage.is_null())?;
        Some(Usage::read(Report {
            input: usage.get("promptTokenCount"),
            cached_input: usage.get("cachedContentTokenCount"),
            output: usage.get("candidatesTokenCount"),
            reasoning: usage.get("thoughtsTokenCount"),
            total: usage.get("totalTokenCount"),
            apart: Apart {
                cache: false,
                reasoning: true,
            },
            ..Report::default()
        }))
    }

    fn quirks(&self, _: &str) -> ApiQuirks {
        ApiQuirks::default()
    }

    fn after_refusal(
        &self,
        quirks: ApiQuirks,
        status: StatusCode,
        body: &str,
        with_schema: bool,
    ) -> Option<ApiQuirks> {
        // A key that is not valid is a bad request here.
        let body = body.to_ascii_lowercase();
        let is_absent = matches!(status.as_u16(), 404 | 405 | 501)
            && (body.contains("streamgeneratecontent") || !body.contains("model"));
        if is_absent && quirks.stream.is_on() {
            // A server that lacks the address of streams says nothing about the model.
            return Some(ApiQuirks {
                stream: Stream::Off,
                ..quirks
            });
        }
        if !refuses_parameter(status) || body.contains("api key") {
            return None;
        }
        quirks
            .without_temperature(&body)
            .or_else(|| quirks.without_stream(&body))
            .or_else(|| quirks.in_looser_format(&body, with_schema))
    }
}

/// The wait that an error asks for, as `{"retryDelay": "34s"}` among its details.
fn retry_delay(body: &Value) -> Option<Duration> {
    let error = body.get("error").or_else(|| body.get(0)?.get("error"))?;
    let details = error["details"].as_array()?;
    let delay = details
        .iter()
        .find_map(|detail| detail["retryDelay"].as_str())?;
    let seconds: f64 = delay.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn payload(request: &ChatRequest<'_>, quirks: ApiQuirks) -> Value {
    let part = |text: &str| json!([{"text": not_empty(text)}]);
    let mut payload = Map::new();
    let (system, turns): (Vec<_>, Vec<_>) = request
        .messages
        .iter()
        .partition(|(role, _)| *role == Role::System);
    if let [(_, text)] = system.as_slice() {
        payload.insert("systemInstruction".to_owned(), json!({"parts": part(text)}));
    }
    let turns = turns.iter().map(|(role, text)| {
        let role = if *role == Role::Assistant {
            "model"
        } else {
            "user"
        };
        json!({"role": role, "parts": part(text)})
    });
    payload.insert("contents".to_owned(), turns.collect::<Vec<_>>().into());
    let mut config = json!({"maxOutputTokens": request.max_tokens});
    if quirks.temperature {
        config["temperature"] = json!(request.temperature);
    }
    if let Some(schema) = request.schema
        && quirks.format != OutputFormat::Text
    {
        config["responseMimeType"] = "application/json".into();
        match (quirks.format, schema.strict()) {
            (OutputFormat::StrictSchema, Some(schema)) => {
                config["responseJsonSchema"] = schema.clone();
            }
            (OutputFormat::Schema, Some(schema)) => config["responseSchema"] = open_api(schema),
            _ => {}
        }
    }
    payload.insert("generationConfig".to_owned(), config);
    Value::Object(payload)
}

/// The schema as older versions of the API take it: of the fields of `OpenAPI`, with `nullable` instead of a type null.
fn open_api(schema: &Value) -> Value {
    let Some(fields) = schema.as_object() else {
        return schema.clone();
    };
    let mut converted = Map::new();
    for (name, value) in fields {
        match name.as_str() {
            "type" => {
                let kinds = value
                    .as_array()
                    .cloned()
                    .unwrap_or_else(|| vec![value.clone()]);
                let (null, kinds): (Vec<Value>, Vec<Value>) =
                    kinds.into_iter().partition(|kind| kind == "null");
                if !null.is_empty() {
                    converted.insert("nullable".to_owned(), true.into());
                }
                let kind = kinds.into_iter().next().unwrap_or_else(|| "string".into());
                let kind = kind.as_str().unwrap_or_default().to_uppercase();
                converted.insert("type".to_owned(), kind.into());
            }
            "properties" => {
                let members = value.as_object().into_iter().flatten();
                let members = members.map(|(name, schema)| (name.clone(), open_api(schema)));
                converted.insert("properties".to_owned(), Value::Object(members.collect()));
            }
            "items" => {
                converted.insert("items".to_owned(), open_api(value));
            }
            "anyOf" => {
                let choices = value.as_array().into_iter().flatten().map(open_api);
                converted.insert("anyOf".to_owned(), choices.collect::<Vec<_>>().into());
            }
            "enum"
                if value
                    .as_array()
                    .is_some_and(|all| all.iter().all(Value::is_string)) =>
            {
                converted.insert("enum".to_owned(), value.clone());
            }
            "required" | "description" | "minimum" | "maximum" | "minItems" | "maxItems" => {
                converted.insert(name.clone(), value.clone());
            }
            _ => {}
        }
    }
    Value::Object(converted)
}

/// The answer so far, from one body or from the events of a stream, which are alike.
#[derive(Default)]
struct Assembled {
    answer: ChatAnswer,
    usage: Option<Usage>,
    refusal: Option<String>,
    has_ended: bool,
}

impl Assembled {
    fn take(&mut self, part: &Value) -> Result<Delta, ChatError> {
        let mut new = Delta::default();
        self.usage = Gemini.usage(part).or(self.usage);
        if part.get("error").is_some() {
            let message = error_message(&part.to_string());
            let error = RequestError::transient(format!("the model failed: {message}"));
            return Err(self.broken_off(error));
        }
        if let Some(reason) = part.pointer("/promptFeedback/blockReason") {
            self.refusal = Some(format!("the prompt is blocked: {reason}"));
            self.has_ended = true;
            return Ok(new);
        }
        let Some(candidate) = part.pointer("/candidates/0") else {
            return Ok(new);
        };
        let parts = candidate.pointer("/content/parts");
        for part in parts.and_then(Value::as_array).into_iter().flatten() {
            let text = part["text"].as_str().unwrap_or_default();
            if part["thought"] == true {
                new.reasoning.push_str(text);
            } else {
                new.text.push_str(text);
            }
        }
        self.answer.text.push_str(&new.text);
        self.answer.reasoning.push_str(&new.reasoning);
        match candidate["finishReason"].as_str() {
            None => {}
            Some("STOP" | "FINISH_REASON_UNSPECIFIED") => self.has_ended = true,
            Some("MAX_TOKENS") => {
                self.has_ended = true;
                self.answer.cut_off = true;
            }
            Some(reason) => {
                self.has_ended = true;
                let message = candidate["finishMessage"].as_str().unwrap_or_default();
                self.refusal = Some(format!("{reason} {message}").trim_end().to_owned());
            }
        }
        Ok(new)
    }

    fn whole(self) -> Result<ChatAnswer, ChatError> {
        if let Some(refusal) = &self.refusal {
            return Err(ChatError {
                error: refused(refusal),
                usage: self.usage,
            });
        }
        if !self.has_ended && self.answer.text.is_empty() {
            let error = malformed(WHAT, "it has no candidates");
            return Err(self.broken_off(error));
        }
        Ok(ChatAnswer {
            usage: self.usage.unwrap_or_default(),
            ..self.answer
        })
    }
}

impl AnswerStream for Assembled {
    fn event(&mut self, event: &ServerEvent) -> Result<Delta, ChatError> {
        let part =
            read_json(WHAT, event.data.as_bytes()).map_err(|error| self.broken_off(error))?;
        self.take(&part)
    }

    fn has_ended(&self) -> bool {
        self.has_ended
    }

    fn is_done(&self) -> bool {
        false
    }

    fn broken_off(&self, error: RequestError) -> ChatError {
        ChatError::billed(error, self.usage.unwrap_or_default().or_more())
    }

    fn finish(self: Box<Self>) -> Result<ChatAnswer, ChatError> {
        if !self.has_ended {
            return Err(self.broken_off(ends_early(WHAT)));
        }
        self.whole()
    }
}
