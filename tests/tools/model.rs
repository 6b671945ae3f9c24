//! `model` tools against a server that speaks the chat-completions format.

use crate::common::process::assert_stopped_in_time;
use crate::common::program::HANG;
use crate::common::toolbox::{call, catalog, environment, output, refusal, run, toolbox_with};
use futures::FutureExt;
use plandeck::models::{Environment, Price, SmallModelWorker, SpendAuthorizer};
use plandeck::run::ErrorKind;
use plandeck::tools::{Call, CostBasis, Tool, Toolbox};
use plandeck::units::{ModelOptions, Money};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

const KEY: &str = "sk-very-secret";

fn variables() -> Environment {
    environment(&[("OPENAI_API_KEY", KEY)])
}

fn worker(server: &MockServer) -> SmallModelWorker {
    SmallModelWorker::new("gpt-4o-mini")
        .environment(variables())
        .base_url(&format!("{}/v1", server.uri()))
}

fn model_with(worker: &SmallModelWorker, fields: &Value) -> Arc<dyn Tool> {
    let catalog = catalog(&json!({"tools": {"t": fields}}).to_string());
    toolbox_with(&catalog, worker, environment(&[]))
        .tool("t")
        .unwrap()
}

fn model(server: &MockServer, fields: &Value) -> Arc<dyn Tool> {
    model_with(&worker(server), fields)
}

fn completion(text: &str, input: u64, cached: u64, output: u64) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": input, "completion_tokens": output, "prompt_tokens_details": {"cached_tokens": cached}}
    }))
}

async fn answers(server: &MockServer, respond: impl Respond + 'static) {
    Mock::given(method("POST"))
        .and(path("/v1/chat/completions"))
        .and(header("authorization", format!("Bearer {KEY}").as_str()))
        .respond_with(respond)
        .mount(server)
        .await;
}

/// One answer after the other.
async fn answers_in_turn(server: &MockServer, answers_in_turn: Vec<ResponseTemplate>) {
    let turns = std::sync::Mutex::new(answers_in_turn.into_iter());
    answers(server, move |_: &Request| {
        turns.lock().unwrap().next().expect("no further request")
    })
    .await;
}

async fn asked(server: &MockServer) -> Vec<Value> {
    let requests = server.received_requests().await.unwrap();
    requests
        .iter()
        .map(|request| request.body_json().unwrap())
        .collect()
}

fn receipt() -> Value {
    json!({"description": "Reads a receipt.", "output_schema": {"type": "object",
        "properties": {"total": {"type": "number"}}, "required": ["total"]}})
}

#[tokio::test]
async fn the_model_plays_the_tool_and_its_use_is_paid_exactly() {
    let server = MockServer::start().await;
    answers(&server, completion("{\"total\": 4.5}", 310, 100, 45)).await;
    let report = run(&model(&server, &receipt()), json!({"text": "Milk 4.50"})).await;
    assert_eq!(*report.output.unwrap(), json!({"total": 4.5}));
    assert_eq!(
        report.cost.unwrap().pico(),
        210 * 150_000 + 100 * 75_000 + 45 * 600_000
    );
    let tokens = report.tokens.unwrap();
    assert_eq!(
        (tokens.input, tokens.cached_input, tokens.output),
        (310, 100, 45)
    );
    assert_eq!(report.model.as_deref(), Some("gpt-4o-mini"));
    assert_eq!(report.answer.as_deref(), Some("{\"total\": 4.5}"));
    let prompt = report.prompt.unwrap();
    assert!(
        prompt.contains("Reads a receipt.") && prompt.contains("Milk 4.50"),
        "{prompt}"
    );
    let request = &asked(&server).await[0];
    assert_eq!(
        (
            &request["model"],
            &request["temperature"],
            &request["max_tokens"]
        ),
        (&json!("gpt-4o-mini"), &json!(0), &json!(1000))
    );
    assert_eq!(request["response_format"]["json_schema"]["strict"], true);
    assert_eq!(
        request["response_format"]["json_schema"]["schema"]["additionalProperties"],
        false
    );
}

#[tokio::test]
async fn a_quote_covers_what_a_call_costs() {
    let server = MockServer::start().await;
    answers_in_turn(
        &server,
        vec![
            completion("no", 400, 0, 1000),
            completion("{\"total\": 1}", 1600, 0, 1000),
        ],
    )
    .await;
    let tool = model(&server, &receipt());
    let input = json!({"text": "Milk 4.50"});
    let quote = tool.quote(&input, None).max.unwrap();
    let cost = run(&tool, input).await.cost.unwrap();
    assert!(quote >= cost, "{quote} < {cost}");
    assert_eq!(
        tool.quote(&json!({}), Some("a-model-without-a-price")).max,
        None
    );
    let priced = worker(&server);
    assert!(
        model_with(&priced, &json!({"max_tokens": 10}))
            .quote(&json!({}), None)
            .max
            .unwrap()
            < quote
    );
}

#[tokio::test]
async fn a_tool_may_have_prices_of_its_own() {
    let server = MockServer::start().await;
    answers(&server, completion("{\"total\": 4.5}", 310, 100, 45)).await;
    let mut fields = receipt();
    fields["price"] = json!({"input": 1.25, "cached": 0.5, "output": "9.5"});
    fields["model"] = json!("house-model");
    let tool = model(&server, &fields);
    let report = run(&tool, json!({"text": "Milk 4.50"})).await;
    let cost = report.cost.unwrap();
    assert_eq!(
        cost.pico(),
        210 * 1_250_000 + 100 * 500_000 + 45 * 9_500_000
    );
    let input = json!({"text": "Milk 4.50"});
    assert!(tool.quote(&input, None).max.unwrap() >= cost);
    assert!(tool.reservation(&input, None).max.unwrap() >= cost);
    assert_eq!(
        tool.quote(&input, Some("house-model")),
        tool.quote(&input, None)
    );
    // They are those of the tool's model; a step that asks for another one pays for that.
    let elsewhere = tool.quote(&input, Some("gpt-4o-mini"));
    assert_ne!(elsewhere, tool.quote(&input, None));
    assert_eq!(
        tool.quote(&input, Some("a-model-without-a-price")).max,
        None
    );
}

#[tokio::test]
async fn a_gateway_states_the_bill_in_a_header() {
    let server = MockServer::start().await;
    let answer = completion("{\"total\": 4.5}", 310, 0, 45)
        .insert_header("x-litellm-response-cost", "0.00081");
    answers(&server, answer).await;
    let report = run(&model(&server, &receipt()), json!({"text": "Milk 4.50"})).await;
    assert_eq!(report.cost, Some(Money::from_usd(0.000_81)));
    // It is the only thing that is known of the cost of a model without a price.
    let mut unpriced = receipt();
    unpriced["model"] = json!("openai/a-model-without-a-price");
    let report = run(&model(&server, &unpriced), json!({})).await;
    assert_eq!(report.cost, Some(Money::from_usd(0.000_81)));
}

#[tokio::test]
async fn a_bad_answer_is_repaired_once_and_both_turns_are_paid() {
    let server = MockServer::start().await;
    answers_in_turn(
        &server,
        vec![
            completion("{\"total\": \"four\"}", 100, 0, 10),
            completion("```json\n{\"total\": 4}\n```", 150, 0, 10),
        ],
    )
    .await;
    let report = run(&model(&server, &receipt()), json!({})).await;
    assert_eq!(*report.output.unwrap(), json!({"total": 4}));
    assert_eq!(report.cost.unwrap().pico(), 250 * 150_000 + 20 * 600_000);
    assert_eq!(report.tokens.unwrap().input, 250);
    let second = &asked(&server).await[1]["messages"];
    assert_eq!(second.as_array().unwrap().len(), 4);
    assert!(
        second[3]["content"].as_str().unwrap().contains("/total"),
        "{second}"
    );
    let prompt = report.prompt.unwrap();
    assert!(
        prompt.contains("[assistant]") && prompt.contains("/total"),
        "{prompt}"
    );
}

/// An authorizer that grants or refuses, and notes what it is asked for.
fn spend_authorizer(granted: bool) -> (SpendAuthorizer, Arc<Mutex<Vec<Money>>>) {
    let asked = Arc::<Mutex<Vec<Money>>>::default();
    let notes = Arc::clone(&asked);
    let spend_authorizer = SpendAuthorizer::of(move |total| {
        notes.lock().unwrap().push(total);
        async move { granted }.boxed()
    });
    (spend_authorizer, asked)
}

#[tokio::test]
async fn a_repair_is_paid_for_when_it_is_needed() {
    let bad = || completion("{\"total\": \"four\"}", 100, 0, 10);
    let spent = Money::from_pico(100 * 150_000 + 10 * 600_000);
    for granted in [true, false] {
        let server = MockServer::start().await;
        let good = completion("{\"total\": 4}", 150, 0, 10);
        answers_in_turn(&server, vec![bad(), good]).await;
        let tool = model(&server, &receipt());
        let (spend_authorizer, asked_for) = spend_authorizer(granted);
        let (call, _) = call(json!({"text": "Milk 4"}));
        let reservation = tool.reservation(&call.input, None);
        assert!(reservation.estimated);
        let report = tool
            .call(Call {
                spend_authorizer,
                ..call.clone()
            })
            .await;
        let total = asked_for.lock().unwrap()[0];
        assert!(
            total > spent + reservation.max.unwrap(),
            "the second turn is longer"
        );
        assert!(total <= tool.quote(&call.input, None).max.unwrap());
        if granted {
            assert_eq!(*report.output.unwrap(), json!({"total": 4}));
            assert!(report.cost.unwrap() <= total);
        } else {
            assert_eq!(asked(&server).await.len(), 1);
            assert_eq!(report.cost, Some(spent));
            let error = report.output.unwrap_err();
            assert!(error.message.contains("/total"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_failure_that_says_what_it_used_is_paid() {
    let server = MockServer::start().await;
    let usage = json!({"prompt_tokens": 100, "completion_tokens": 3});
    let body = json!({"error": {"message": "overloaded"}, "usage": usage});
    answers(&server, ResponseTemplate::new(500).set_body_json(body)).await;
    let report = run(&model(&server, &receipt()), json!({})).await;
    assert_eq!(report.cost.unwrap().pico(), 100 * 150_000 + 3 * 600_000);
    assert!(report.output.unwrap_err().retryable);
}

/// The provider bills the call although its answer did not arrive.
#[tokio::test]
async fn an_answer_lost_on_its_way_counts_with_its_bound() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = [0; 8192];
            let _ = socket.read(&mut request).await;
            let _ = socket
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{\"choices\": [")
                .await;
        }
    });
    let worker = SmallModelWorker::new("gpt-4o-mini")
        .environment(variables())
        .base_url(&format!("http://{address}/v1"));
    let tool = model_with(&worker, &receipt());
    let report = run(&tool, json!({})).await;
    assert_eq!(report.cost, tool.reservation(&json!({}), None).max);
    assert!(report.output.unwrap_err().retryable);
    // No server listens there, so nothing was sent.
    let no_server = worker.base_url("http://127.0.0.1:9/v1");
    let report = run(&model_with(&no_server, &receipt()), json!({})).await;
    assert_eq!(report.cost, Some(Money::ZERO));
}

/// A server that accepts, sends `head` when it has been asked, and then nothing.
async fn silent_server(head: &'static str) -> SmallModelWorker {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = [0; 8192];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(head.as_bytes()).await;
            open.push(socket);
        }
    });
    SmallModelWorker::new("gpt-4o-mini")
        .environment(variables())
        .base_url(&format!("http://{address}/v1"))
}

fn receipt_within(seconds: f64) -> Value {
    let mut fields = receipt();
    fields["timeout_s"] = json!(seconds);
    fields
}

#[tokio::test]
async fn a_silent_server_ends_as_a_timeout_and_counts_with_its_bound() {
    let tool = model_with(&silent_server("").await, &receipt_within(0.3));
    let report = run(&tool, json!({})).await;
    assert_eq!(report.cost, tool.reservation(&json!({}), None).max);
    let error = report.output.unwrap_err();
    assert_eq!(error.kind, ErrorKind::TimeoutError);
    assert!(error.retryable);
    assert!(
        error.message.starts_with("http://127.0.0.1:")
            && error.message.ends_with("no answer within timeout_s = 0.3"),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_that_stops_in_its_middle_ends_as_a_timeout() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{\"choices\": [";
    let tool = model_with(&silent_server(head).await, &receipt_within(0.3));
    let report = run(&tool, json!({})).await;
    assert_eq!(report.cost, tool.reservation(&json!({}), None).max);
    let error = report.output.unwrap_err();
    assert_eq!(error.kind, ErrorKind::TimeoutError);
    assert!(error.retryable, "{error}");
}

/// The caller ends such a call itself: the limit of a step may be longer than that of its tool.
#[tokio::test]
async fn a_limit_that_the_caller_keeps_replaces_that_of_the_tool() {
    let server = MockServer::start().await;
    let answer = completion("{\"total\": 4.5}", 310, 100, 45);
    answers(&server, answer.set_delay(Duration::from_millis(600))).await;
    let tool = model(&server, &receipt_within(0.1));
    let (mut call, _) = call(json!({}));
    call.time_limit = Some(Duration::from_mins(1));
    assert!(tool.call(call).await.output.is_ok());
    assert!(run(&tool, json!({})).await.output.is_err());
}

/// Some gateways stream whatever they are asked.
#[tokio::test]
async fn an_answer_that_is_streamed_unasked_is_read() {
    let stream = |chunks: &[Value], end: &str| {
        let mut body = String::from(": keep-alive\n\n");
        for chunk in chunks {
            body += "data: ";
            body += &chunk.to_string();
            body += "\n\n";
        }
        ResponseTemplate::new(200).set_body_raw(body + end, "text/event-stream; charset=utf-8")
    };
    let delta = |text: &str| json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]});
    let stop = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 310, "completion_tokens": 45}});
    let server = MockServer::start().await;
    answers_in_turn(
        &server,
        vec![
            stream(
                &[delta("{\"total\""), delta(": 4.5}"), stop, usage],
                "data: [DONE]\n\n",
            ),
            stream(&[delta("{\"total\"")], ""),
            stream(
                &[delta("{"), json!({"error": {"message": "overloaded"}})],
                "",
            ),
        ],
    )
    .await;
    let tool = model(&server, &receipt());
    let report = run(&tool, json!({})).await;
    assert_eq!(*report.output.unwrap(), json!({"total": 4.5}));
    assert_eq!(report.cost.unwrap().pico(), 310 * 150_000 + 45 * 600_000);
    let report = run(&tool, json!({})).await;
    assert_eq!(report.cost, tool.reservation(&json!({}), None).max);
    assert!(report.output.unwrap_err().retryable);
    let error = run(&tool, json!({})).await.output.unwrap_err();
    assert!(
        error.retryable && error.message.contains("overloaded"),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_that_stays_bad_is_a_permanent_error() {
    let server = MockServer::start().await;
    answers_in_turn(
        &server,
        vec![
            completion("I cannot.", 100, 0, 10),
            completion("Sorry.", 100, 0, 10),
        ],
    )
    .await;
    let report = run(&model(&server, &receipt()), json!({})).await;
    let error = report.output.unwrap_err();
    assert!(
        !error.retryable && error.message.contains("bad output after repair"),
        "{error}"
    );
    assert_eq!(report.cost.unwrap().pico(), 200 * 150_000 + 20 * 600_000);
}

#[tokio::test]
async fn an_answer_that_is_cut_off_says_so() {
    let server = MockServer::start().await;
    let mut cut = json!({"choices": [{"message": {"content": "{\"total\": 4"}, "finish_reason": "length"}], "usage": {"prompt_tokens": 1, "completion_tokens": 9}});
    answers(
        &server,
        ResponseTemplate::new(200).set_body_json(cut.take()),
    )
    .await;
    assert!(
        refusal(&model(&server, &receipt()), json!({}))
            .await
            .contains("max_tokens")
    );
}

#[tokio::test]
async fn failures_say_whether_to_try_again_and_never_show_the_key() {
    for (status, retryable) in [
        (400, false),
        (401, false),
        (403, false),
        (408, true),
        (429, true),
        (500, true),
        (529, true),
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(status)
            .insert_header("retry-after", "2")
            .set_body_json(json!({"error": {"message": format!("no, {KEY}, not now")}}));
        answers(&server, answer).await;
        let report = run(&model(&server, &json!({})), json!({})).await;
        assert!(!format!("{report:?}").contains(KEY));
        let error = report.output.unwrap_err();
        assert_eq!(
            (error.retryable, error.retry_after),
            (retryable, Some(Duration::from_secs(2))),
            "{status}: {error}"
        );
        assert!(error.message.contains("not now"), "{error}");
        assert_eq!(report.cost.unwrap().pico(), 0);
    }
}

#[tokio::test]
async fn a_request_that_is_refused_for_itself_is_made_once() {
    let server = MockServer::start().await;
    let refused = json!({"error": {"message": "the prompt is too long"}});
    answers(&server, ResponseTemplate::new(400).set_body_json(refused)).await;
    let message = refusal(&model(&server, &receipt()), json!({})).await;
    assert!(message.contains("the prompt is too long"), "{message}");
    assert_eq!(asked(&server).await.len(), 1);
}

#[tokio::test]
async fn an_answer_that_is_no_completion_is_worth_another_try() {
    for body in ["<html>busy</html>", "{}", "{\"choices\": []}"] {
        let server = MockServer::start().await;
        answers(&server, ResponseTemplate::new(200).set_body_string(body)).await;
        let error = run(&model(&server, &json!({})), json!({}))
            .await
            .output
            .unwrap_err();
        assert!(error.retryable, "{body}: {error}");
    }
    let server = MockServer::start().await;
    let refused = json!({"choices": [{"message": {"content": null, "refusal": "I will not."}}], "usage": {"prompt_tokens": 10, "completion_tokens": 5}});
    answers(&server, ResponseTemplate::new(200).set_body_json(refused)).await;
    let report = run(&model(&server, &json!({})), json!({})).await;
    assert_eq!(report.cost.unwrap().pico(), 10 * 150_000 + 5 * 600_000);
    assert!(report.output.unwrap_err().message.contains("I will not."));
}

#[tokio::test]
async fn a_server_without_schemas_is_asked_without_them_and_that_is_remembered() {
    let server = MockServer::start().await;
    answers(&server, |request: &Request| {
        let body: Value = request.body_json().unwrap();
        match body["response_format"]["type"].as_str() {
            Some("json_schema") => ResponseTemplate::new(400).set_body_json(
                json!({"error": {"message": "response_format json_schema is not supported"}}),
            ),
            _ => completion("{\"total\": 1}", 10, 0, 1),
        }
    })
    .await;
    let tool = model(&server, &receipt());
    output(&tool, json!({})).await;
    let first = asked(&server).await.len();
    assert!(first >= 2);
    output(&tool, json!({})).await;
    let asked = asked(&server).await;
    assert_eq!(asked.len(), first + 1);
    assert_eq!(
        asked.last().unwrap()["response_format"],
        json!({"type": "json_object"})
    );
}

#[tokio::test]
async fn parameters_that_a_server_refuses_are_replaced() {
    let server = MockServer::start().await;
    answers(&server, |request: &Request| {
        let body: Value = request.body_json().unwrap();
        if body.get("max_tokens").is_some() {
            return ResponseTemplate::new(400).set_body_json(json!({"error": {"message": "Use 'max_completion_tokens' instead of 'max_tokens'."}}));
        }
        if body.get("temperature").is_some() {
            return ResponseTemplate::new(400).set_body_json(json!({"error": {"message": "'temperature' is not supported."}}));
        }
        completion("fine", 1, 0, 1)
    })
    .await;
    assert_eq!(
        output(&model(&server, &json!({})), json!({})).await,
        json!("fine")
    );
    assert_eq!(asked(&server).await.len(), 3);
}

fn options(temperature: &str, max_tokens: u32) -> ModelOptions {
    ModelOptions {
        temperature: temperature.parse().ok(),
        max_tokens: Some(max_tokens),
    }
}

#[tokio::test]
async fn a_temperature_of_the_catalog_or_of_a_step_is_sent() {
    let server = MockServer::start().await;
    answers(&server, completion("fine", 1, 0, 1)).await;
    let tool = model(&server, &json!({"temperature": 0.25, "max_tokens": 20}));
    output(&tool, json!({})).await;
    assert_eq!(tool.own_options(), Some(options("0.25", 20)));
    let given = ModelOptions {
        max_tokens: None,
        ..options("1", 1)
    };
    output(&tool.with_options(given).unwrap(), json!({})).await;
    output(&tool.with_options(options("0", 7)).unwrap(), json!({})).await;
    let asked = asked(&server).await;
    let sent = asked.iter();
    let sent = sent.map(|body| json!([body["temperature"], body["max_tokens"]]));
    assert_eq!(
        sent.collect::<Value>(),
        json!([[0.25, 20], [1, 20], [0, 7]])
    );
    // What it costs at most follows from how long an answer may be.
    let costs = |tool: &Arc<dyn Tool>| tool.quote(&json!({}), None).max.unwrap();
    assert!(costs(&tool.with_options(options("0", 900)).unwrap()) > costs(&tool));
    // A tool with a fixed price per call can be asked otherwise too.
    let priced = model(&server, &json!({"cost_usd": 1, "prompt": "p"}));
    let other = priced.with_options(options("0", 7)).unwrap();
    assert_eq!(other.own_options(), Some(options("0", 7)));
    assert!(other.quote(&json!({}), None).min >= Money::from_usd(1.0));
    assert!(priced.with_prompt(&"q".into()).is_some());
}

#[tokio::test]
async fn a_model_that_takes_no_temperature_says_what_to_do() {
    let server = MockServer::start().await;
    answers(&server, |request: &Request| {
        let body: Value = request.body_json().unwrap();
        if body.get("temperature").is_some() {
            return ResponseTemplate::new(400)
                .set_body_json(json!({"error": {"message": "'temperature' is not supported."}}));
        }
        completion("fine", 1, 0, 1)
    })
    .await;
    let remedy = |error: &str| {
        assert!(
            error.contains("takes no temperature, and 0.5 is asked for"),
            "{error}"
        );
        assert!(
            error.contains("--temperature default") && error.contains("another model"),
            "{error}"
        );
    };
    // A reasoning model is known by its name, and not asked.
    let known = model(&server, &json!({"model": "o3", "temperature": 0.5}));
    remedy(&refusal(&known, json!({})).await);
    assert!(asked(&server).await.is_empty());
    // Another one says so.
    let own = model(&server, &json!({"temperature": 0.5}));
    remedy(&refusal(&own, json!({})).await);
    assert_eq!(
        asked(&server).await.len(),
        1,
        "it is not asked in another form"
    );
    // The default is asked for of any.
    let default = own.with_options(options("0", 9)).unwrap();
    assert_eq!(output(&default, json!({})).await, json!("fine"));
    let known = known.with_options(options("0", 9)).unwrap();
    assert_eq!(output(&known, json!({})).await, json!("fine"));
}

#[tokio::test]
async fn a_list_is_asked_for_inside_an_object() {
    let server = MockServer::start().await;
    answers(&server, completion("{\"output\": [1, 2]}", 1, 0, 1)).await;
    let tool = model(
        &server,
        &json!({"output_schema": {"type": "array", "items": {"type": "integer"}}}),
    );
    assert_eq!(output(&tool, json!({})).await, json!([1, 2]));
    assert_eq!(
        asked(&server).await[0]["response_format"]["json_schema"]["schema"]["type"],
        "object"
    );
}

#[tokio::test]
async fn a_prompt_of_the_tools_own_and_a_model_of_the_step_count() {
    let server = MockServer::start().await;
    answers(&server, completion("Bonjour", 10, 0, 2)).await;
    let tool = model(
        &server,
        &json!({"prompt": "Say {{what}} in {{language}}, {{unknown}}please.", "model": "gpt-4o", "max_tokens": 50}),
    );
    let input = json!({"what": "hello", "language": "French"});
    let report = run(&tool, input.clone()).await;
    assert_eq!(*report.output.unwrap(), json!("Bonjour"));
    assert_eq!(report.cost.unwrap().pico(), 10 * 2_500_000 + 2 * 10_000_000);
    let of_step = Call {
        model: Some("openai/my-model".into()),
        ..call(input).0
    };
    let report = tool.call(of_step).await;
    assert_eq!(
        (report.model.as_deref(), report.cost),
        (Some("my-model"), None)
    );
    let asked = asked(&server).await;
    assert_eq!(
        asked[0]["messages"],
        json!([{"role": "user", "content": "Say hello in French, please."}])
    );
    assert_eq!(
        (
            &asked[0]["model"],
            &asked[0]["max_tokens"],
            &asked[1]["model"]
        ),
        (&json!("gpt-4o"), &json!(50), &json!("my-model"))
    );
}

/// The most that one request of a tool can cost, by its own reservation.
fn bound(tool: &Arc<dyn Tool>) -> i64 {
    tool.reservation(&json!({}), None).max.unwrap().pico()
}

#[tokio::test]
async fn usage_that_is_not_reported_counts_with_its_bound_but_a_free_model_is_free() {
    let server = MockServer::start().await;
    answers(
        &server,
        ResponseTemplate::new(200)
            .set_body_json(json!({"choices": [{"message": {"content": "x"}}]})),
    )
    .await;
    let tool = model(&server, &json!({}));
    let report = run(&tool, json!({})).await;
    assert!(report.output.is_ok());
    assert_eq!(report.cost.unwrap().pico(), bound(&tool));
    assert_eq!(report.basis, CostBasis::UpperBound);
    assert_eq!(report.tokens, None);
    let own = worker(&server)
        .prices(plandeck::models::Prices::default().with("gpt-4o-mini", Price::FREE));
    assert_eq!(
        run(&model_with(&own, &json!({})), json!({}))
            .await
            .cost
            .unwrap()
            .pico(),
        0
    );
    let unpriced = Call {
        model: Some("openai/my-model".into()),
        ..call(json!({})).0
    };
    assert_eq!(tool.call(unpriced).await.cost, None);
}

/// What came is billed, whether it can be used or not.
#[tokio::test]
async fn an_answer_that_cannot_be_used_counts_with_its_bound() {
    for body in [
        "<html><body>Welcome</body></html>",
        "",
        "{}",
        "[]",
        "{\"choices\": []}",
        "{\"error\": {\"message\": \"the engine is gone\"}}",
        "{\"choices\": [{\"message\": {\"content\": \"4.2\"}}], \"usage\": {\"prompt_tokens\": NaN}}",
        "{\"choices\": [{\"message\": {\"content\": \"4.",
        "{\"choices\": [{\"message\": {\"refusal\": \"I had rather not.\"}}]}",
        "data: {\"choices\": [{\"delta\": {\"content\": \"half\"}}]}\n\n",
        "data: {\"choices\": [{\"delta\": {\"content\": \"half\"\n\n",
        "data: {\"error\": {\"message\": \"the engine is gone\"}}\n\n",
    ] {
        let server = MockServer::start().await;
        answers(&server, ResponseTemplate::new(200).set_body_string(body)).await;
        let tool = model(&server, &json!({"max_tokens": 70}));
        let report = run(&tool, json!({})).await;
        assert!(report.output.is_err(), "{body}");
        assert_eq!(report.cost.unwrap().pico(), bound(&tool), "{body}");
    }
}

#[tokio::test]
async fn a_whole_answer_in_one_event_is_read() {
    let server = MockServer::start().await;
    let event = json!({"choices": [{"message": {"content": "Ciao"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 31, "completion_tokens": 2}});
    answers(
        &server,
        ResponseTemplate::new(200).set_body_raw(
            format!("data: {event}\n\ndata: [DONE]\n\n"),
            "text/event-stream",
        ),
    )
    .await;
    let report = run(&model(&server, &json!({})), json!({})).await;
    assert_eq!(*report.output.unwrap(), json!("Ciao"));
    assert_eq!(report.cost.unwrap().pico(), 31 * 150_000 + 2 * 600_000);
}

#[tokio::test]
async fn a_stream_that_breaks_off_counts_at_least_what_it_reported() {
    let server = MockServer::start().await;
    let event = json!({"choices": [{"delta": {"content": "Ci"}}],
        "usage": {"prompt_tokens": 5_000, "completion_tokens": 1}});
    let body = format!("data: {event}\n\n");
    answers(
        &server,
        ResponseTemplate::new(200).set_body_raw(body, "text/event-stream"),
    )
    .await;
    let report = run(&model(&server, &json!({"max_tokens": 70})), json!({})).await;
    assert_eq!(report.cost.unwrap().pico(), 5_000 * 150_000 + 70 * 600_000);
}

#[tokio::test]
async fn usage_that_is_no_number_of_tokens_counts_with_its_bound() {
    for odd in [
        json!("31"),
        json!("a few"),
        json!(30.5),
        json!(-4),
        json!(4e18),
        json!(null),
    ] {
        let server = MockServer::start().await;
        let body = json!({"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 12, "completion_tokens": odd}});
        answers(&server, ResponseTemplate::new(200).set_body_json(body)).await;
        let tool = model(&server, &json!({"max_tokens": 70}));
        let report = run(&tool, json!({})).await;
        assert!(report.output.is_ok());
        let cost = report.cost.unwrap().pico();
        assert_eq!(cost, 12 * 150_000 + 70 * 600_000, "{odd}");
    }
}

/// A failure is free unless it says what it used, or the report of it is lost.
#[tokio::test]
async fn failures_count_what_they_say_that_they_used() {
    let usage = json!({"prompt_tokens": 900, "completion_tokens": 3});
    let said = Some(900 * 150_000 + 3 * 600_000);
    for (status, body, cost) in [
        (429, json!({"error": {"message": "no"}}), Some(0)),
        (
            429,
            json!({"error": {"message": "no"}, "usage": null}),
            Some(0),
        ),
        (
            429,
            json!({"error": {"message": "no"}, "usage": usage}),
            said,
        ),
        (
            403,
            json!({"error": {"message": "no", "usage": usage}}),
            said,
        ),
        (
            500,
            json!({"error": {"message": "no"}, "usage": "much"}),
            None,
        ),
        (500, json!("no \"usage\": 7"), Some(0)),
        (502, json!({"error": {"message": "no"}}), None),
        (504, json!("no"), None),
        (524, json!("no"), None),
    ] {
        let server = MockServer::start().await;
        answers(&server, ResponseTemplate::new(status).set_body_json(&body)).await;
        let tool = model(&server, &json!({"max_tokens": 70}));
        let report = run(&tool, json!({})).await;
        assert!(report.output.is_err());
        let cost = cost.unwrap_or_else(|| bound(&tool));
        assert_eq!(report.cost.unwrap().pico(), cost, "{status} {body}");
    }
}

/// A refused parameter may be billed; each refusal is counted before the request is made in another form.
#[tokio::test]
async fn refusals_on_the_way_to_an_answer_count() {
    let server = MockServer::start().await;
    let refused = |message: &str, tokens: u64| {
        ResponseTemplate::new(422).set_body_json(json!({"error": {"message": message},
            "usage": {"prompt_tokens": tokens, "completion_tokens": 0}}))
    };
    answers_in_turn(
        &server,
        vec![
            refused("response_format: json_schema is not known here", 700),
            refused("response_format is not known here", 650),
            completion("{\"total\": 3}", 90, 0, 6),
        ],
    )
    .await;
    let report = run(&model(&server, &receipt()), json!({})).await;
    assert_eq!(*report.output.unwrap(), json!({"total": 3}));
    let cost = report.cost.unwrap().pico();
    assert_eq!(cost, (700 + 650 + 90) * 150_000 + 6 * 600_000);
    assert_eq!(report.basis, CostBasis::Billed);
}

#[tokio::test]
async fn a_billed_refusal_is_not_followed_by_a_request_that_could_pass_the_budget() {
    let server = MockServer::start().await;
    answers(&server, |_: &Request| {
        ResponseTemplate::new(400).set_body_json(json!({"error": {"message": "no json_schema"},
            "usage": {"prompt_tokens": 700, "completion_tokens": 0}}))
    })
    .await;
    let refusing = SpendAuthorizer::of(|_| async { false }.boxed());
    let call = Call {
        spend_authorizer: refusing,
        ..call(json!({})).0
    };
    let report = model(&server, &receipt()).call(call).await;
    assert_eq!(report.cost.unwrap().pico(), 700 * 150_000);
    let error = report.output.unwrap_err();
    assert!(error.message.contains("more than is left"), "{error}");
    assert_eq!(asked(&server).await.len(), 1);
}

#[tokio::test]
async fn a_request_that_never_left_costs_nothing() {
    // Nothing listens there any more.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let worker = SmallModelWorker::new("gpt-4o-mini")
        .environment(variables())
        .base_url(&format!("http://{address}/v1"));
    let report = run(&model_with(&worker, &json!({"cost_usd": 0.5})), json!({})).await;
    assert!(report.output.unwrap_err().retryable);
    assert_eq!(
        (report.cost, report.basis),
        (Some(Money::ZERO), CostBasis::NotSent)
    );
}

#[tokio::test]
async fn the_final_synthesis_is_text() {
    let server = MockServer::start().await;
    answers(&server, completion(" {\"a\": 1} ", 10, 0, 2)).await;
    let toolbox = toolbox_with(
        &catalog("tools: {none: {}}"),
        &worker(&server),
        environment(&[]),
    );
    let tool = toolbox.tool("final_synthesis").unwrap();
    assert_eq!(
        output(&tool, json!({"prompt_template": "Sum up: 3 items."})).await,
        json!("{\"a\": 1}")
    );
    assert!(
        asked(&server).await[0]
            .to_string()
            .contains("Sum up: 3 items.")
    );
}

#[tokio::test]
async fn a_fixed_price_comes_on_top() {
    let server = MockServer::start().await;
    answers(&server, completion("x", 10, 0, 1)).await;
    let tool = model(&server, &json!({"cost_usd": 0.001}));
    assert_eq!(
        run(&tool, json!({})).await.cost.unwrap().pico(),
        1_000_000_000 + 10 * 150_000 + 600_000
    );
    assert_eq!(tool.quote(&json!({}), None).min.pico(), 1_000_000_000);
}

#[tokio::test]
async fn cancelling_drops_the_request() {
    let server = MockServer::start().await;
    answers(&server, completion("x", 1, 0, 1).set_delay(2 * HANG)).await;
    let (call, _) = call(json!({}));
    let cancel = call.cancel.clone();
    let running = tokio::spawn(model(&server, &json!({})).call(call));
    while server.received_requests().await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let cancelled = std::time::Instant::now();
    cancel.cancel();
    let report = tokio::time::timeout(HANG, running).await.unwrap().unwrap();
    assert_stopped_in_time("the call", cancelled.elapsed());
    assert!(report.output.is_err());
    // The server answers, and bills, all the same.
    assert_eq!(
        report.cost.unwrap().pico(),
        bound(&model(&server, &json!({})))
    );
}

#[tokio::test]
async fn cancelling_a_repair_counts_both_requests() {
    let server = MockServer::start().await;
    let turns = std::sync::atomic::AtomicUsize::new(0);
    answers(&server, move |_: &Request| {
        let delay = match turns.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => Duration::ZERO,
            _ => 2 * HANG,
        };
        completion("neither", 40, 0, 5).set_delay(delay)
    })
    .await;
    let tool = model(&server, &receipt());
    let (call, _) = call(json!({}));
    let cancel = call.cancel.clone();
    let running = tokio::spawn(tool.call(call));
    while asked(&server).await.len() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    cancel.cancel();
    let report = tokio::time::timeout(HANG, running).await.unwrap().unwrap();
    let cost = report.cost.unwrap().pico();
    let first = 40 * 150_000 + 5 * 600_000;
    assert!(cost > first + bound(&tool), "{cost}");
    assert!(cost <= tool.quote(&json!({}), None).max.unwrap().pico());
}

#[tokio::test]
async fn a_call_that_is_cancelled_before_it_starts_costs_nothing() {
    let server = MockServer::start().await;
    let (call, _) = call(json!({}));
    call.cancel.cancel();
    let report = model(&server, &json!({})).call(call).await;
    assert_eq!(report.cost, Some(Money::ZERO));
    assert_eq!(asked(&server).await.len(), 0);
}

#[tokio::test]
async fn a_worker_is_chosen_by_name() {
    let nobody = [
        "OLLAMA_HOST",
        "LLAMACPP_BASE_URL",
        "LMSTUDIO_BASE_URL",
        "VLLM_BASE_URL",
    ]
    .map(|name| (name, "http://127.0.0.1:9"));
    let none = || environment(&nobody);
    let choose = |choice: &'static str, base: Option<&'static str>, environment| async move {
        SmallModelWorker::choose(choice, base, environment)
            .await
            .map(|worker| worker.name())
    };
    assert_eq!(choose("auto", None, none()).await.unwrap(), "offline");
    assert_eq!(
        choose("auto", None, variables()).await.unwrap(),
        "openai/gpt-4o-mini"
    );
    assert_eq!(
        choose("auto", Some("http://127.0.0.1:9/v1"), none())
            .await
            .unwrap(),
        "openai/gpt-4o-mini"
    );
    let anthropic = environment(&[("ANTHROPIC_API_KEY", "k")]);
    assert!(
        choose("auto", None, anthropic)
            .await
            .unwrap()
            .starts_with("anthropic/claude")
    );
    assert_eq!(
        choose("offline", None, variables()).await.unwrap(),
        "offline"
    );
    assert_eq!(
        choose("simulated", None, none()).await.unwrap(),
        "simulated"
    );
    assert_eq!(
        choose("gpt-4o", None, variables()).await.unwrap(),
        "openai/gpt-4o"
    );
    assert_eq!(
        choose("ollama/qwen3:4b", None, none()).await.unwrap(),
        "ollama/qwen3:4b"
    );
    assert_eq!(
        choose("some/model", Some("http://127.0.0.1:9"), none())
            .await
            .unwrap(),
        "openai/some/model"
    );
    let error = choose("groq/llama-3.1-8b-instant", None, none())
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("GROQ_API_KEY") && error.to_string().contains("offline"),
        "{error}"
    );
    assert!(
        choose("ollama/", None, none())
            .await
            .unwrap_err()
            .to_string()
            .contains("ollama/MODEL")
    );
    assert!(choose("simulated:x", None, none()).await.is_err());
}

#[tokio::test]
async fn a_local_ollama_is_found() {
    let server = MockServer::start().await;
    Mock::given(path("/api/tags"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({"models": [{"name": "qwen3:4b"}]})),
        )
        .mount(&server)
        .await;
    Mock::given(path("/v1/chat/completions"))
        .respond_with(completion("hi", 10, 0, 2))
        .mount(&server)
        .await;
    let host = server.uri();
    let environment: Environment = Arc::new(move |name| match name {
        "OLLAMA_HOST" => Some(host.clone()),
        // A busy machine may take its time.
        "PLANDECK_PROBE_MS" => Some("20000".to_owned()),
        _ => None,
    });
    let worker = SmallModelWorker::choose("auto", None, environment)
        .await
        .unwrap();
    assert_eq!(worker.name(), "ollama/qwen3:4b");
    let report = run(&model_with(&worker, &json!({})), json!({})).await;
    assert_eq!(*report.output.unwrap(), json!("hi"));
    assert_eq!(report.cost.unwrap().pico(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_simulated_worker_touches_nothing_and_invents_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let marker = folder.path().join("touched");
    let text = r#"{"tools": {
        "m": {"type": "model", "output_schema": {"type": "object", "properties": {"merchant": {"type": "string"}, "n": {"enum": [1, 2]}}, "required": ["merchant", "n"]}},
        "p": {"type": "process", "command": ["sh", "-c", "touch MARKER"], "cost_usd": 0.5},
        "h": {"type": "http", "url": "http://127.0.0.1:9/"},
        "x": {"type": "mcp", "server": "s"},
        "j": {"type": "jq", "filter": ".a"}
    }}"#;
    let text = &text.replace("MARKER", &marker.display().to_string());
    let outputs = |seed| async move {
        let toolbox = toolbox_with(
            &catalog(text),
            &SmallModelWorker::simulated(seed),
            environment(&[]),
        );
        let mut reports = Vec::new();
        for name in ["m", "p", "h", "x", "j"] {
            let tool = toolbox.tool(name).unwrap();
            // A second attempt never fails.
            let again = Call {
                attempt: 2,
                ..call(json!({"a": 1})).0
            };
            let report = tool.call(again).await;
            reports.push((report.output.unwrap(), report.cost));
        }
        reports
    };
    let first = outputs(1).await;
    assert_eq!(first, outputs(1).await);
    assert_ne!(first, outputs(2).await);
    assert!(first[0].0["merchant"].is_string() && first[0].1.unwrap().pico() > 0);
    assert_eq!(first[1].1.unwrap().pico(), 500_000_000_000);
    assert_eq!(*first[4].0, json!(1));
    assert!(!marker.exists());
    let started = tokio::time::Instant::now();
    let toolbox = toolbox_with(
        &catalog(text),
        &SmallModelWorker::simulated(1),
        environment(&[]),
    );
    run(&toolbox.tool("m").unwrap(), json!({})).await;
    assert!((150..=901).contains(&started.elapsed().as_millis()));
}

#[tokio::test]
async fn an_agent_is_found_by_its_id_and_a_missing_one_is_named() {
    let toolbox = crate::common::toolbox::toolbox(
        "tools: {b: {type: agent, url: 'not an address'}, n: {type: agent}}",
    );
    assert!(toolbox.tool("c").is_none());
    // An agent step calls `agent_ID`; the catalog may list the agent by its id alone.
    for name in ["b", "agent_b"] {
        let message = refusal(&toolbox.tool(name).unwrap(), json!({})).await;
        assert!(message.contains("not an address"), "{message}");
    }
    let message = refusal(&toolbox.tool("n").unwrap(), json!({})).await;
    assert!(message.contains("needs a `url`"), "{message}");
    let message = refusal(&toolbox.tool("agent_stranger").unwrap(), json!({})).await;
    assert!(message.contains("no agent"), "{message}");
}
