//! Answers that arrive in pieces, and streams that go wrong.

use crate::common::raw_server::{Act, RawServer, STREAM, chunk, end, sse, stream};
use crate::common::toolbox::{call, catalog, environment, run, toolbox_with};
use plandeck::models::{AnswerListener, AnswerPart, SmallModelWorker};
use plandeck::run::ErrorKind;
use plandeck::tools::{Call, CallReport, CostBasis, Tool, ToolError, Toolbox};
use serde_json::{Value, json};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const KEY: &str = "key-1f6e-and-more";

fn worker(server: &RawServer) -> SmallModelWorker {
    SmallModelWorker::new("gpt-4o-mini")
        .environment(environment(&[("OPENAI_API_KEY", KEY)]))
        .base_url(&format!("{}/v1", server.url()))
}

fn tool_of(worker: &SmallModelWorker, definition: &Value) -> Arc<dyn Tool> {
    let catalog = catalog(&json!({"tools": {"t": definition}}).to_string());
    let toolbox = toolbox_with(&catalog, worker, environment(&[]));
    toolbox.tool("t").unwrap()
}

/// A model tool whose answers are text.
fn tool(server: &RawServer) -> Arc<dyn Tool> {
    tool_of(&worker(server), &json!({"type": "model"}))
}

/// A call, and what its listener is told.
fn followed() -> (Call, Receiver<(&'static str, String)>) {
    let (told, follow) = channel();
    let told = Mutex::new(told);
    let listener = AnswerListener::new(move |part| {
        let part = match part {
            AnswerPart::Asked => ("asked", String::new()),
            AnswerPart::Text(text) => ("text", text.to_owned()),
            AnswerPart::Reasoning(text) => ("reasoning", text.to_owned()),
        };
        let _ = told.lock().unwrap().send(part);
    });
    let call = Call {
        listener: Some(listener),
        ..call(json!({"text": "Tea 4.50"})).0
    };
    (call, follow)
}

/// What a call of `definition` comes to where the server does this, with what it cost.
async fn fails(definition: &Value, acts: Vec<Act>) -> (ToolError, CallReport) {
    let server = RawServer::start(vec![acts]);
    let report = run(
        &tool_of(&worker(&server), definition),
        json!({"text": "Tea"}),
    )
    .await;
    let error = report.output.clone().unwrap_err();
    assert!(error.message.contains("(openai/gpt-4o-mini)"), "{error}");
    assert!(report.cost.unwrap().pico() > 0, "it was billed: {error}");
    (error, report)
}

fn say(text: impl Into<String>) -> Act {
    Act::Say(text.into())
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_there_before_the_answer_has_ended() {
    let thought = json!({"choices": [{"delta": {"reasoning_content": "Hm."}}]});
    let server = RawServer::start(vec![vec![
        say(format!("{STREAM}{}", sse(&thought))),
        Act::Wait,
        say(sse(&chunk("Four "))),
        Act::Wait,
        say(sse(&chunk("fifty"))),
        say(end("stop", 20, 7).iter().map(sse).collect::<String>()),
    ]]);
    let (call, follow) = followed();
    let work = tokio::spawn(tool(&server).call(call));
    let follow = tokio::task::spawn_blocking(move || {
        let told = |kind: &str| {
            let (found, text) = follow.recv().unwrap();
            assert_eq!(found, kind);
            text
        };
        told("asked");
        assert_eq!(told("reasoning"), "Hm.");
        server.go_on();
        assert_eq!(told("text"), "Four ");
        server.go_on();
        assert_eq!(told("text"), "fifty");
        assert_eq!(server.bodies()[0]["stream"], true);
        assert_eq!(
            server.bodies()[0]["stream_options"],
            json!({"include_usage": true})
        );
    });
    follow.await.unwrap();
    let report = work.await.unwrap();
    assert_eq!(*report.output.unwrap(), json!("Four fifty"));
    assert_eq!(report.reasoning.as_deref(), Some("Hm."));
    assert_eq!(report.tokens.unwrap().output, 7);
    assert_eq!(report.basis, CostBasis::Billed);
    assert!(
        report.first_token.is_some() && report.tokens_per_second.is_some_and(|rate| rate > 0.0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_two_pieces_is_shown_in_none() {
    let (one, two) = KEY.split_at(9);
    let server = RawServer::start(vec![vec![say(stream(&[
        chunk("it is "),
        chunk(one),
        chunk(two),
        chunk(" he said"),
        end("stop", 9, 9)[0].clone(),
    ]))]]);
    let (call, follow) = followed();
    let report = tool(&server).call(call).await;
    let shown: String = follow.try_iter().map(|(_, text)| text).collect();
    assert_eq!(shown, "it is [redacted] he said");
    assert_eq!(report.answer.as_deref(), Some("it is [redacted] he said"));
}

#[tokio::test]
async fn a_stream_that_stalls_ends_with_what_had_come() {
    let definition = json!({"type": "model", "stall_timeout_s": 0.4});
    let begun = format!("{STREAM}{}", sse(&chunk("Four fif")));
    let (error, report) = fails(&definition, vec![say(begun), Act::Hang]).await;
    assert_eq!(error.kind, ErrorKind::TimeoutError);
    assert!(error.retryable);
    for part in ["stall_timeout_s = 0.4", "the 8 bytes", "raise"] {
        assert!(error.message.contains(part), "{error}");
    }
    assert_eq!(report.answer.as_deref(), Some("Four fif"));
    assert_eq!(report.basis, CostBasis::UpperBound);
    // A server that says nothing at all stalls as well, where the user chose the time.
    let (error, report) = fails(&definition, vec![Act::Hang]).await;
    assert!(error.message.contains("stall_timeout_s = 0.4"), "{error}");
    assert_eq!((error.kind, report.answer), (ErrorKind::TimeoutError, None));
}

#[tokio::test]
async fn a_stall_timeout_of_the_worker_holds_for_every_tool() {
    let server = RawServer::start(vec![vec![say(STREAM), say(": hi\n\n"), Act::Hang]]);
    let worker = worker(&server).stall_timeout(Some(Duration::from_millis(300)));
    let report = run(&tool_of(&worker, &json!({"type": "model"})), json!({})).await;
    let error = report.output.unwrap_err();
    assert!(error.message.contains("stall_timeout_s = 0.3"), "{error}");
}

#[tokio::test]
async fn a_stream_that_says_nothing_ends_at_the_time_limit() {
    let definition = json!({"type": "model", "timeout_s": 0.6});
    let pause = Duration::from_millis(20);
    for endless in [": keep-alive\n\n", "d", "data: {\"choices\": []}\n\n"] {
        let acts = vec![say(STREAM), Act::Repeat(endless.to_owned(), pause)];
        let (error, report) = fails(&definition, acts).await;
        assert_eq!(error.kind, ErrorKind::TimeoutError, "{endless:?}: {error}");
        assert!(error.message.contains("timeout_s = 0.6"), "{error}");
        assert_eq!(report.basis, CostBasis::UpperBound);
    }
    let acts = vec![say(STREAM), Act::Repeat(sse(&chunk("on ")), pause)];
    let (error, report) = fails(&definition, acts).await;
    assert!(error.message.contains("kept with the attempt"), "{error}");
    assert!(report.answer.unwrap().starts_with("on on "));
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_an_error_with_what_had_come() {
    let definition = json!({"type": "model"});
    let begun = format!("{STREAM}{}", sse(&chunk("Half of")));
    let (error, report) = fails(&definition, vec![say(begun)]).await;
    assert!(error.retryable);
    assert!(
        error.message.contains("ends before the answer does"),
        "{error}"
    );
    assert!(error.message.contains("stream = false"), "{error}");
    assert_eq!(report.answer.as_deref(), Some("Half of"));
    assert_eq!(report.basis, CostBasis::UpperBound);
    // The connection says that more is to come.
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let event = sse(&chunk("Half"));
    let begun = format!("{head}{:x}\r\n{event}\r\n", event.len());
    let (error, report) = fails(&definition, vec![say(begun)]).await;
    assert!(error.retryable);
    assert!(error.message.contains("connection broke"), "{error}");
    assert_eq!(report.answer.as_deref(), Some("Half"));
}

#[tokio::test]
async fn an_error_inside_a_stream_is_an_error() {
    let fault = json!({"error": {"message": "Overloaded, come back later"}});
    let begun = format!("{STREAM}{}{}", sse(&chunk("So")), sse(&fault));
    let (error, report) = fails(&json!({"type": "model"}), vec![say(begun)]).await;
    assert!(
        error.message.contains("Overloaded, come back later"),
        "{error}"
    );
    assert!(error.retryable);
    assert_eq!(report.answer.as_deref(), Some("So"));
}

#[tokio::test]
async fn more_text_than_a_model_writes_is_an_error() {
    let definition = json!({"type": "model", "timeout_s": 120});
    let piece = sse(&chunk(&"word ".repeat(20_000)));
    let endless = vec![say(STREAM), Act::Repeat(piece, Duration::ZERO)];
    let (error, _) = fails(&definition, endless).await;
    assert!(error.message.contains("larger than 4 MB"), "{error}");
    assert!(!error.retryable);
    let line = sse(&chunk(&"x".repeat(10 << 20)));
    let (error, _) = fails(&definition, vec![say(format!("{STREAM}{line}"))]).await;
    assert!(error.message.contains("larger than 4 MB"), "{error}");
    let line = Act::Repeat("y".repeat(1 << 20), Duration::ZERO);
    let (error, _) = fails(&definition, vec![say(STREAM), say("data: "), line]).await;
    assert!(error.message.contains("larger than 16 MB"), "{error}");
}

/// An answer that comes in one piece has the same bounds, and is counted as what it was billed, or at its upper bound.
#[tokio::test]
async fn a_whole_answer_has_bounds_as_well() {
    let definition = json!({"type": "model", "timeout_s": 120});
    let whole = |status: &str, body: &str| {
        let length = body.len();
        say(format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
    };
    let answer = |text: &str| {
        json!({"choices": [{"message": {"content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 1_000}})
        .to_string()
    };
    let written = answer(&"zig ".repeat((4 << 20) / 4 + 1));
    let (error, report) = fails(&definition, vec![whole("200 OK", &written)]).await;
    assert!(error.message.contains("larger than 4 MB"), "{error}");
    assert_eq!(report.basis, CostBasis::Billed);
    assert_eq!(report.tokens.unwrap().output, 1_000);
    // Most of it is no text.
    let padded = format!("{}{}", answer("zag"), " ".repeat(16 << 20));
    let (error, report) = fails(&definition, vec![whole("200 OK", &padded)]).await;
    assert!(error.message.contains("larger than 16 MB"), "{error}");
    assert_eq!(report.basis, CostBasis::UpperBound);
    assert!(report.cost.unwrap().pico() > 0);
    // Of a refusal that is larger still the status is enough.
    let (error, _) = fails(&definition, vec![whole("400 Bad Request", &padded)]).await;
    assert!(error.message.contains("400"), "{error}");
    assert!(error.message.len() < 2_000, "{}", error.message.len());
}

#[tokio::test]
async fn a_stream_without_usage_costs_its_upper_bound() {
    let last = end("stop", 0, 0)[0].clone();
    let server = RawServer::start(vec![vec![say(stream(&[chunk("fine"), last]))]]);
    let report = run(&tool(&server), json!({})).await;
    assert_eq!(*report.output.unwrap(), json!("fine"));
    assert_eq!((report.basis, report.tokens), (CostBasis::UpperBound, None));
    assert!(report.cost.unwrap().pico() > 0);
}

#[tokio::test]
async fn an_answer_that_its_max_tokens_cut_off_says_so_and_is_counted() {
    let definition =
        json!({"type": "model", "max_tokens": 12, "output_schema": {"type": "object"}});
    let mut events = vec![chunk("{\"sum\": 4")];
    events.extend(end("length", 50, 12));
    let (error, report) = fails(&definition, vec![say(stream(&events))]).await;
    assert!(error.message.contains("cut off at 12 tokens"), "{error}");
    assert!(error.message.contains("max_tokens"), "{error}");
    assert_eq!(report.tokens.unwrap().output, 12);
    assert_eq!(report.answer.as_deref(), Some("{\"sum\": 4"));
}

#[tokio::test]
async fn a_server_that_keeps_the_connection_open_is_not_waited_for() {
    let mut events = vec![chunk("done")];
    events.extend(end("stop", 5, 1));
    let server = RawServer::start(vec![vec![say(stream(&events)), Act::Hang]]);
    let report = run(&tool(&server), json!({})).await;
    assert_eq!(*report.output.unwrap(), json!("done"));
    assert_eq!(report.tokens.unwrap().input, 5);
}

fn refusal(message: &str) -> String {
    let body = json!({"error": {"message": message}}).to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn what_a_server_refuses_of_a_stream_is_remembered() {
    let unknown_usage = [chunk("yes"), end("stop", 0, 0)[0].clone()];
    let whole = json!({"choices": [{"message": {"content": "whole"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1}})
    .to_string();
    let whole = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{whole}",
        whole.len()
    );
    let server = RawServer::start(vec![
        vec![say(refusal(
            "Unrecognized request argument supplied: stream_options",
        ))],
        vec![say(stream(&unknown_usage))],
        vec![say(whole)],
    ]);
    let tool = tool(&server);
    let first = run(&tool, json!({})).await;
    assert_eq!(*first.output.unwrap(), json!("yes"));
    // A stream whose cost is not known is not asked for again.
    let second = run(&tool, json!({})).await;
    assert_eq!(second.basis, CostBasis::Billed);
    let bodies = server.bodies();
    assert_eq!(bodies.len(), 3);
    assert!(bodies[0]["stream_options"].is_object());
    assert_eq!(bodies[1]["stream"], true);
    assert!(bodies[1]["stream_options"].is_null());
    assert_eq!(bodies[2]["stream"], false);
}

#[tokio::test]
async fn streams_can_be_turned_off() {
    let server = RawServer::start(vec![vec![say(stream(&[
        chunk("x"),
        end("stop", 1, 1)[0].clone(),
    ]))]]);
    let worker = worker(&server).streaming(false);
    let report = run(&tool_of(&worker, &json!({"type": "model"})), json!({})).await;
    // What a server streams unasked is read all the same.
    assert_eq!(*report.output.unwrap(), json!("x"));
    assert_eq!(server.bodies()[0]["stream"], false);
    assert!(server.bodies()[0]["stream_options"].is_null());
}
