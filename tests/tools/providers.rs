//! `model` tools on the formats of every provider: what is sent where, how answers and their bills are read, whole and
//! streamed, and what an error says.

use crate::common::toolbox::{call, catalog, environment, run, toolbox_with};
use plandeck::models::{Prices, SmallModelWorker};
use plandeck::tools::{CallReport, Tool, Toolbox};
use plandeck::units::Tokens;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wiremock::matchers::{any, method};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// Every key, and the version of Azure's API.
const VARIABLES: [(&str, &str); 5] = [
    ("OPENAI_API_KEY", "key-of-openai"),
    ("ANTHROPIC_API_KEY", "key-of-anthropic"),
    ("GEMINI_API_KEY", "key-of-gemini"),
    ("AZURE_OPENAI_API_KEY", "key-of-azure"),
    ("AZURE_OPENAI_API_VERSION", "2025-01-01"),
];

/// A tool with an optional member, a reference and a list.
fn invoice() -> Value {
    json!({"description": "Reads an invoice.", "output_schema": {"type": "object",
        "properties": {"sum": {"$ref": "#/$defs/amount"}, "note": {"type": "string"},
            "lines": {"type": "array", "items": {"type": "string"}}},
        "required": ["sum", "lines"], "$defs": {"amount": {"type": "number", "minimum": 0}}}})
}

/// What each provider says when it gives this text.
fn whole(provider: &str, text: &str) -> Value {
    match provider {
        "anthropic" => json!({"type": "message", "role": "assistant", "stop_reason": "end_turn",
            "content": [{"type": "thinking", "thinking": "Add them.", "signature": "s"}, {"type": "text", "text": text}],
            "usage": {"input_tokens": 100, "cache_read_input_tokens": 40, "cache_creation_input_tokens": 20,
                "cache_creation": {"ephemeral_5m_input_tokens": 15, "ephemeral_1h_input_tokens": 5},
                "output_tokens": 30, "output_tokens_details": {"thinking_tokens": 12}}}),
        "gemini" => json!({"candidates": [{"finishReason": "STOP", "content": {"role": "model",
                "parts": [{"text": "Add them.", "thought": true}, {"text": text}]}}],
            "usageMetadata": {"promptTokenCount": 160, "cachedContentTokenCount": 40, "candidatesTokenCount": 18,
                "thoughtsTokenCount": 12, "totalTokenCount": 190}}),
        "responses" => {
            json!({"object": "response", "status": "completed", "error": null, "output": [
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Add them."}]},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}],
            "usage": {"input_tokens": 160, "input_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 20},
                "output_tokens": 30, "output_tokens_details": {"reasoning_tokens": 12}, "total_tokens": 190}})
        }
        _ => json!({"object": "chat.completion", "choices": [{"index": 0, "finish_reason": "stop",
                "message": {"role": "assistant", "reasoning_content": "Add them.", "content": text}}],
            "usage": {"prompt_tokens": 160, "prompt_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 20},
                "completion_tokens": 30, "completion_tokens_details": {"reasoning_tokens": 12}, "total_tokens": 190}}),
    }
}

/// The same as server-sent events, the text in two parts.
fn streamed(provider: &str, text: &str) -> String {
    let (one, two) = text.split_at(text.len() / 2);
    let usage = &whole(provider, text)["usage"];
    let events: Vec<Value> = match provider {
        "anthropic" => vec![
            json!({"type": "message_start", "message": {"type": "message", "content": [], "usage":
                {"input_tokens": 100, "cache_read_input_tokens": 40, "cache_creation_input_tokens": 20, "output_tokens": 1,
                 "cache_creation": {"ephemeral_5m_input_tokens": 15, "ephemeral_1h_input_tokens": 5}}}}),
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Add them."}}),
            json!({"type": "content_block_stop", "index": 0}),
            json!({"type": "ping"}),
            json!({"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}}),
            json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": one}}),
            json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": two}}),
            json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"},
                "usage": {"output_tokens": 30, "output_tokens_details": {"thinking_tokens": 12}}}),
            json!({"type": "message_stop"}),
        ],
        "gemini" => {
            let part =
                |text: &str| json!({"candidates": [{"content": {"parts": [{"text": text}]}}]});
            let mut last = whole(provider, two);
            last["candidates"][0]["content"]["parts"] = json!([{"text": two}]);
            let mut thought = part("Add them.");
            thought["candidates"][0]["content"]["parts"][0]["thought"] = true.into();
            vec![thought, part(one), last]
        }
        "responses" => vec![
            json!({"type": "response.created", "response": {"status": "in_progress", "output": []}}),
            json!({"type": "response.output_text.delta", "delta": one}),
            json!({"type": "response.output_text.delta", "delta": two}),
            json!({"type": "response.completed", "response": whole(provider, text)}),
        ],
        _ => {
            let part = |delta: Value, end: Value| json!({"choices": [{"index": 0, "delta": delta, "finish_reason": end}]});
            vec![
                part(
                    json!({"role": "assistant", "reasoning_content": "Add them."}),
                    Value::Null,
                ),
                part(json!({"content": one}), Value::Null),
                part(json!({"content": two}), "stop".into()),
                json!({"choices": [], "usage": usage}),
            ]
        }
    };
    let events = events.iter().map(|event| match event["type"].as_str() {
        Some(name) => format!("event: {name}\ndata: {event}\n\n"),
        None => format!("data: {event}\n\n"),
    });
    events.collect()
}

/// A model of each format, and the address under the server that it is given.
const MODELS: [(&str, &str, &str); 5] = [
    ("chat", "openai/gpt-4o-mini", "/v1"),
    ("responses", "openai/gpt-5-pro", "/v1"),
    ("azure", "azure/gpt-4o-mini", ""),
    ("anthropic", "anthropic/claude-haiku-4-5", ""),
    ("gemini", "gemini/gemini-2.5-flash-lite", ""),
];

fn tool(server: &MockServer, model: &str, path: &str, definition: &Value) -> Arc<dyn Tool> {
    let worker = SmallModelWorker::new(model)
        .environment(environment(&VARIABLES))
        .base_url(&format!("{}{path}", server.uri()));
    let catalog = catalog(&json!({"tools": {"t": definition}}).to_string());
    let tool = toolbox_with(&catalog, &worker, environment(&[])).tool("t");
    tool.unwrap()
}

/// Calls the tool on a server that gives these answers in turn; the report, and the requests.
async fn asked(
    (model, path): (&str, &str),
    answers: Vec<ResponseTemplate>,
) -> (CallReport, Vec<Request>) {
    asked_for(&invoice(), (model, path), answers).await
}

async fn asked_for(
    definition: &Value,
    (model, path): (&str, &str),
    answers: Vec<ResponseTemplate>,
) -> (CallReport, Vec<Request>) {
    let server = MockServer::start().await;
    let answers = Mutex::new(answers.into_iter());
    Mock::given(method("POST"))
        .respond_with(move |_: &Request| {
            answers.lock().unwrap().next().expect("no further request")
        })
        .mount(&server)
        .await;
    let report = run(
        &tool(&server, model, path, definition),
        json!({"text": "Tea 4.50"}),
    )
    .await;
    (report, server.received_requests().await.unwrap())
}

fn ok(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn body(request: &Request) -> Value {
    request.body_json().unwrap()
}

const TEXT: &str = r#"{"sum": 4.5, "note": null, "lines": ["Tea"]}"#;

#[tokio::test]
async fn an_answer_is_read_and_billed_by_class_on_every_format() {
    for (format, model, path) in MODELS {
        let plain = ok(&whole(format, TEXT));
        let stream =
            ResponseTemplate::new(200).set_body_raw(streamed(format, TEXT), "text/event-stream");
        for (answer, how) in [(plain, "whole"), (stream, "streamed")] {
            let (report, _) = asked((model, path), vec![answer]).await;
            let output = report
                .output
                .unwrap_or_else(|error| panic!("{format} {how}: {error}"));
            assert_eq!(
                *output,
                json!({"sum": 4.5, "lines": ["Tea"]}),
                "{format} {how}"
            );
            let mut tokens = Tokens {
                cached_input: 40,
                cache_write: Some(20),
                reasoning: Some(12),
                ..Tokens::plain(160, 30)
            };
            match format {
                "anthropic" => tokens.cache_write_1h = Some(5),
                "gemini" => tokens.cache_write = None,
                _ => {}
            }
            assert_eq!(report.tokens, Some(tokens), "{format} {how}");
            let price = Prices::default().get(model).unwrap();
            assert_eq!(report.cost, Some(price.cost(tokens)), "{format} {how}");
            assert_eq!(report.answer.as_deref(), Some(TEXT), "{format} {how}");
            assert_eq!(
                report.reasoning.as_deref(),
                Some("Add them."),
                "{format} {how}"
            );
        }
    }
}

#[tokio::test]
async fn each_provider_has_its_address_its_key_and_its_structured_output() {
    let strict = |constraints: bool, required: bool| {
        let sum = if constraints {
            json!({"type": "number", "minimum": 0})
        } else {
            json!({"type": "number"})
        };
        let note = if required {
            json!(["string", "null"])
        } else {
            json!("string")
        };
        let names = if required {
            json!(["sum", "note", "lines"])
        } else {
            json!(["sum", "lines"])
        };
        json!({"type": "object", "additionalProperties": false, "required": names, "properties": {"sum": sum,
            "note": {"type": note}, "lines": {"type": "array", "items": {"type": "string"}}}})
    };
    for (format, model, path) in MODELS {
        let (report, requests) = asked((model, path), vec![ok(&whole(format, TEXT))]).await;
        assert!(report.output.is_ok(), "{format}");
        let request = &requests[0];
        let (url, key, schema, expected) = match format {
            "chat" => (
                "/v1/chat/completions",
                ("authorization", "Bearer key-of-openai"),
                "/response_format/json_schema/schema",
                strict(true, true),
            ),
            "responses" => (
                "/v1/responses",
                ("authorization", "Bearer key-of-openai"),
                "/text/format/schema",
                strict(true, true),
            ),
            "azure" => (
                "/openai/deployments/gpt-4o-mini/chat/completions?api-version=2025-01-01",
                ("api-key", "key-of-azure"),
                "/response_format/json_schema/schema",
                strict(false, true),
            ),
            "anthropic" => (
                "/v1/messages",
                ("x-api-key", "key-of-anthropic"),
                "/output_config/format/schema",
                strict(false, false),
            ),
            _ => (
                "/v1beta/models/gemini-2.5-flash-lite:streamGenerateContent?alt=sse",
                ("x-goog-api-key", "key-of-gemini"),
                "/generationConfig/responseJsonSchema",
                strict(true, false),
            ),
        };
        let asked = &request.url.as_str()[request.url.origin().ascii_serialization().len()..];
        assert_eq!(asked, url);
        assert_eq!(request.headers[key.0], key.1, "{format}");
        let mut sent = body(request).pointer(schema).cloned().unwrap_or_default();
        let mut expected = expected;
        for schema in [&mut sent, &mut expected] {
            let names = schema["required"].as_array_mut().unwrap();
            names.sort_by_key(Value::to_string);
        }
        assert_eq!(sent, expected, "{format}");
        assert!(
            !String::from_utf8_lossy(&request.body).contains("key-of"),
            "{format}"
        );
    }
}

#[tokio::test]
async fn a_bad_answer_is_shown_with_the_place_of_its_fault_on_every_format() {
    for (format, model, path) in MODELS {
        let bad = r#"{"sum": "much", "lines": []}"#;
        let answers = vec![ok(&whole(format, bad)), ok(&whole(format, TEXT))];
        let (report, requests) = asked((model, path), answers).await;
        assert!(report.output.is_ok(), "{format}");
        let second = String::from_utf8_lossy(&requests[1].body).into_owned();
        assert!(
            second.contains("/sum:") && second.contains("much"),
            "{format}: {second}"
        );
        assert_eq!(report.tokens.unwrap().input, 320, "{format}");
    }
}

#[tokio::test]
async fn a_model_without_structured_output_is_made_to_call_a_tool() {
    let answer = json!({"type": "message", "stop_reason": "tool_use", "content": [
        {"type": "text", "text": "I give the output."},
        {"type": "tool_use", "id": "t", "name": "output", "input": {"sum": 4.5, "lines": []}}],
        "usage": {"input_tokens": 5, "output_tokens": 3}});
    let model = ("anthropic/claude-3-5-haiku-latest", "");
    let (report, requests) = asked(model, vec![ok(&answer)]).await;
    assert_eq!(*report.output.unwrap(), json!({"sum": 4.5, "lines": []}));
    let sent = body(&requests[0]);
    assert_eq!(
        sent["tool_choice"],
        json!({"type": "tool", "name": "output"})
    );
    assert_eq!(sent["tools"][0]["input_schema"], invoice()["output_schema"]);
    // The stable part comes first and is cached.
    assert_eq!(sent["system"][0]["cache_control"]["type"], "ephemeral");

    let refusal = json!({"type": "error", "error": {"type": "invalid_request_error",
        "message": "output_config: Extra inputs are not permitted"}});
    let refusal = ResponseTemplate::new(400).set_body_json(refusal);
    let model = ("anthropic/claude-of-tomorrow", "");
    let (report, requests) = asked(model, vec![refusal, ok(&answer)]).await;
    assert!(report.output.is_ok());
    assert!(body(&requests[0])["output_config"].is_object());
    assert!(body(&requests[1])["tools"].is_array());
}

#[tokio::test]
async fn a_server_that_has_only_the_other_format_is_asked_in_that_one() {
    let moved = json!({"error": {"message": "This model is only supported in v1/responses and not in v1/chat/completions."}});
    let moved = ResponseTemplate::new(404).set_body_json(moved);
    let answers = vec![moved, ok(&whole("responses", TEXT))];
    let (report, requests) = asked(("openai/some-new-model", "/v1"), answers).await;
    assert!(report.output.is_ok());
    assert_eq!(requests[1].url.path(), "/v1/responses");

    let absent = ResponseTemplate::new(404).set_body_string("Not Found");
    let answers = vec![absent, ok(&whole("chat", TEXT))];
    let (report, requests) = asked(("openai/gpt-5-codex", "/v1"), answers).await;
    assert!(report.output.is_ok());
    assert_eq!(requests[1].url.path(), "/v1/chat/completions");
    assert!(body(&requests[1])["max_completion_tokens"].is_number());

    let (report, requests) = asked(
        ("openai-responses/any", "/v1"),
        vec![ok(&whole("responses", TEXT))],
    )
    .await;
    assert!(report.output.is_ok());
    assert_eq!(requests[0].url.path(), "/v1/responses");
}

#[tokio::test]
async fn an_answer_that_is_cut_refused_or_blocked_says_so() {
    let mut cut = whole("anthropic", r#"{"sum": 4"#);
    cut["stop_reason"] = "max_tokens".into();
    let mut refused = whole("anthropic", "");
    refused["stop_reason"] = "refusal".into();
    let mut incomplete = whole("responses", r#"{"sum": 4"#);
    incomplete["status"] = "incomplete".into();
    incomplete["incomplete_details"] = json!({"reason": "max_output_tokens"});
    let mut refusal = whole("responses", "");
    refusal["output"][1]["content"] = json!([{"type": "refusal", "refusal": "I will not."}]);
    let mut long = whole("gemini", r#"{"sum": 4"#);
    long["candidates"][0]["finishReason"] = "MAX_TOKENS".into();
    let blocked = json!({"promptFeedback": {"blockReason": "SAFETY"},
        "usageMetadata": {"promptTokenCount": 160, "totalTokenCount": 160}});
    let mut filtered = whole("gemini", "");
    filtered["candidates"][0]["finishReason"] = "RECITATION".into();
    for (model, path, answer, says) in [
        (MODELS[3].1, MODELS[3].2, cut, "cut off at"),
        (MODELS[3].1, MODELS[3].2, refused, "refused"),
        (MODELS[1].1, MODELS[1].2, incomplete, "cut off at"),
        (MODELS[1].1, MODELS[1].2, refusal, "I will not."),
        (MODELS[4].1, MODELS[4].2, long, "cut off at"),
        (MODELS[4].1, MODELS[4].2, blocked, "SAFETY"),
        (MODELS[4].1, MODELS[4].2, filtered, "RECITATION"),
    ] {
        let (report, _) = asked((model, path), vec![ok(&answer)]).await;
        let error = report.output.unwrap_err();
        assert!(!error.retryable, "{model}: {error}");
        let (_, name) = model.split_once('/').unwrap();
        for part in [says, name] {
            assert!(
                error.message.contains(part),
                "{model}: {error} lacks {part}"
            );
        }
        // What was billed counts.
        assert!(report.cost.unwrap().pico() > 0, "{model}");
    }
}

#[tokio::test]
async fn an_error_names_the_provider_the_model_and_the_remedy() {
    let context = json!({"error": {"code": "context_length_exceeded", "message": "too long"}});
    let prompt = json!({"type": "error", "error": {"type": "invalid_request_error",
        "message": "prompt is too long: 210042 tokens > 200000 maximum"}});
    let key = json!({"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}});
    let quota = json!({"error": {"code": "insufficient_quota", "message": "You exceeded your current quota"}});
    for (at, status, answer, remedy) in [
        (0, 400, context, "larger context window"),
        (
            0,
            401,
            json!({"error": {"message": "no"}}),
            "OPENAI_API_KEY",
        ),
        (0, 429, quota, "credit"),
        (
            2,
            404,
            json!({"error": {"code": "DeploymentNotFound"}}),
            "deployment",
        ),
        (3, 400, prompt, "larger context window"),
        (
            3,
            401,
            json!({"type": "error", "error": {"message": "invalid x-api-key"}}),
            "ANTHROPIC_API_KEY",
        ),
        (4, 400, key, "GEMINI_API_KEY or GOOGLE_API_KEY"),
        (
            4,
            404,
            json!({"error": {"message": "models/x is not found"}}),
            "have this model",
        ),
    ] {
        let (_, model, path) = MODELS[at];
        let answer = ResponseTemplate::new(status).set_body_json(answer);
        let (report, _) = asked((model, path), vec![answer]).await;
        let error = report.output.unwrap_err();
        assert!(!error.retryable, "{error}");
        for part in [model, remedy] {
            assert!(error.message.contains(part), "{error} lacks {part}");
        }
        assert_eq!(report.cost.unwrap().pico(), 0, "{model}");
    }
}

#[tokio::test]
async fn the_wait_that_a_provider_asks_for_is_read_in_its_own_way() {
    let details = json!({"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}]}});
    let gemini = ResponseTemplate::new(429).set_body_json(details);
    let limited = ResponseTemplate::new(429)
        .insert_header("x-ratelimit-remaining-tokens", "0")
        .insert_header("x-ratelimit-reset-tokens", "1m2s")
        .set_body_json(json!({"error": {"message": "Rate limit reached"}}));
    let overloaded = ResponseTemplate::new(529)
        .insert_header("retry-after", "7")
        .set_body_json(json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}));
    for (at, answer, seconds) in [(4, gemini, 34), (0, limited, 62), (3, overloaded, 7)] {
        let (_, model, path) = MODELS[at];
        let (report, _) = asked((model, path), vec![answer]).await;
        let error = report.output.unwrap_err();
        assert!(error.retryable, "{error}");
        assert_eq!(
            error.retry_after,
            Some(Duration::from_secs(seconds)),
            "{model}"
        );
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_counts_with_its_bound() {
    for (format, model, path) in MODELS {
        let whole_stream = streamed(format, TEXT);
        // Without its last event, or the last two.
        let events: Vec<&str> = whole_stream.split_inclusive("\n\n").collect();
        let kept = events.len()
            - if format == "chat" || format == "azure" {
                2
            } else {
                1
            };
        let cut = events[..kept].concat();
        let answer = ResponseTemplate::new(200).set_body_raw(cut, "text/event-stream");
        let (report, _) = asked((model, path), vec![answer]).await;
        let error = report.output.unwrap_err();
        assert!(
            error.retryable && error.message.contains(model),
            "{format}: {error}"
        );
        let price = Prices::default().get(model).unwrap();
        let least = price.cost(Tokens::plain(0, 1000));
        assert!(report.cost.unwrap() > least, "{format}");
        assert!(
            report.charges.iter().any(|charge| charge.upper_bound),
            "{format}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_says_nothing_after_a_failure_is_an_error() {
    let empty = r#"{"sum": 0, "note": "", "lines": [""]}"#;
    // As the first answer it may be what the text says.
    let (report, _) = asked((MODELS[0].1, "/v1"), vec![ok(&whole("chat", empty))]).await;
    assert!(report.output.is_ok());
    let bad = ok(&whole("chat", "I cannot read this."));
    let answers = vec![bad, ok(&whole("chat", empty))];
    let (report, _) = asked((MODELS[0].1, "/v1"), answers).await;
    let error = report.output.unwrap_err();
    assert!(
        error.message.contains("every text in it is empty"),
        "{error}"
    );

    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ok(&whole("chat", empty)))
        .mount(&server)
        .await;
    let tool = tool(&server, MODELS[0].1, "/v1", &invoice());
    let mut second = call(json!({})).0;
    second.attempt = 2;
    let error = tool.call(second).await.output.unwrap_err();
    assert!(
        error.message.contains("every text in it is empty"),
        "{error}"
    );
}

#[tokio::test]
async fn thoughts_in_the_text_are_kept_apart() {
    let text = format!("<think>\nPerhaps {{\"sum\": 1}}?\n</think>\n{TEXT}");
    let mut answer = whole("chat", &text);
    answer["choices"][0]["message"]["reasoning_content"] = Value::Null;
    let (report, _) = asked((MODELS[0].1, "/v1"), vec![ok(&answer)]).await;
    assert_eq!(report.answer.as_deref(), Some(TEXT));
    assert_eq!(report.reasoning.as_deref(), Some("Perhaps {\"sum\": 1}?"));
}

#[tokio::test]
async fn every_request_stays_within_its_reservation() {
    for (format, model, path) in MODELS {
        let server = MockServer::start().await;
        let tool = tool(&server, model, path, &invoice());
        let input = json!({"text": "Tea 4.50"});
        let reserved = tool.reservation(&input, None).max.unwrap();
        let price = Prices::default().get(model).unwrap();
        Mock::given(any())
            .respond_with(ok(&whole(format, TEXT)))
            .mount(&server)
            .await;
        let report = run(&tool, input).await;
        let sent = &server.received_requests().await.unwrap()[0];
        // JSON and English have three bytes or more for a token.
        let tokens = Tokens::plain(sent.body.len() as u64 / 3, 1000);
        assert!(reserved > price.cost(tokens), "{format}");
        assert!(report.cost.unwrap() < reserved, "{format}");
    }
}

#[tokio::test]
async fn a_gemini_server_without_streams_is_asked_for_a_whole_answer() {
    let gemini = ("gemini/gemini-2.5-flash-lite", "");
    let error = |status: u16, message: &str| {
        ResponseTemplate::new(status)
            .set_body_json(json!({"error": {"code": status, "message": message}}))
    };
    for absent in [
        error(
            404,
            "Unknown path: /v1beta/models/gemini-2.5-flash-lite:streamGenerateContent",
        ),
        ResponseTemplate::new(405).set_body_string("Method Not Allowed"),
        ResponseTemplate::new(501),
    ] {
        let answers = vec![absent, ok(&whole("gemini", TEXT))];
        let (report, requests) = asked(gemini, answers).await;
        assert_eq!(
            *report.output.unwrap(),
            json!({"sum": 4.5, "lines": ["Tea"]})
        );
        let paths: Vec<&str> = requests.iter().map(|request| request.url.path()).collect();
        let [streamed, plain] = paths[..] else {
            panic!("{paths:?}");
        };
        assert!(streamed.ends_with(":streamGenerateContent"), "{streamed}");
        assert!(plain.ends_with(":generateContent"), "{plain}");
        assert_eq!(body(&requests[0]), body(&requests[1]));
        assert_eq!(report.first_token, None);
    }
    // A model that does not exist has no whole answer either.
    let missing = error(
        404,
        "models/gemini-2.5-flash-lite is not found for API version v1beta",
    );
    let (report, requests) = asked(gemini, vec![missing]).await;
    assert_eq!(requests.len(), 1);
    assert!(report.output.unwrap_err().message.contains("is not found"));
}
