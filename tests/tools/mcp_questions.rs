//! Servers that ask the user something in the middle of a call.

use crate::common::scripted_mcp::{Scripted, error};
use crate::common::toolbox::{call, run};
use plandeck::run::{Answer, Question};
use plandeck::tools::{Asker, Call};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// A call whose user gives this answer, and what was asked.
fn answered(input: Value, answer: Answer) -> (Call, Arc<Mutex<Vec<Question>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&asked);
    let user = Asker::of(move |question| {
        kept.lock().unwrap().push(question);
        let answer = answer.clone();
        Box::pin(async move { Ok(answer) })
    });
    let call = Call {
        asker: user,
        ..call(input).0
    };
    (call, asked)
}

fn accept(content: Value) -> Answer {
    Answer::Accept(Arc::new(content))
}

#[tokio::test]
async fn a_question_is_asked_and_the_answer_goes_to_the_server() {
    for mode in ["old", "new"] {
        let scripted = Scripted::new(mode);
        for (answer, got) in [
            (
                accept(json!({"n": "Ada"})),
                json!({"action": "accept", "content": {"n": "Ada"}}),
            ),
            (Answer::Decline, json!({"action": "decline"})),
            (Answer::Cancel, json!({"action": "cancel"})),
        ] {
            let (call, asked) = answered(json!({}), answer);
            let report = scripted.tool("asks").call(call).await;
            assert_eq!(*report.output.unwrap(), got, "{mode}");
            let asked = asked.lock().unwrap().clone();
            assert_eq!(asked.len(), 1, "{mode}");
            assert_eq!(&*asked[0].message, "Your name?");
            let schema = asked[0].schema.as_ref().unwrap();
            assert_eq!(schema["properties"]["n"]["minLength"], 2, "{mode}");
            assert_eq!(schema["required"], json!(["n"]));
        }
        scripted.ends().await;
    }
}

#[tokio::test]
async fn an_address_is_shown_and_no_values_are_sent() {
    for mode in ["old", "new"] {
        let scripted = Scripted::new(mode);
        let (call, asked) = answered(json!({}), accept(json!({})));
        let report = scripted.tool("asks_at").call(call).await;
        assert_eq!(
            *report.output.unwrap(),
            json!({"action": "accept"}),
            "{mode}"
        );
        let asked = asked.lock().unwrap().clone();
        assert_eq!(asked[0].url.as_deref(), Some("https://sign.example/7"));
        assert!(asked[0].schema.is_none());
    }
}

#[tokio::test]
async fn a_call_that_is_refused_until_the_user_was_at_an_address_is_made_after_that() {
    for mode in ["old", "new"] {
        let scripted = Scripted::new(mode);
        let (call, asked) = answered(json!({}), accept(json!({})));
        let report = scripted.tool("after_address").call(call).await;
        // What the user did there is no value for the server.
        assert_eq!(*report.output.unwrap(), json!({"got": null}), "{mode}");
        let asked = asked.lock().unwrap().clone();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].url.as_deref(), Some("https://sign.example/7"));
        let scripted = Scripted::new(mode);
        let (call, _) = answered(json!({}), Answer::Decline);
        let report = scripted.tool("after_address").call(call).await;
        let failed = error(report);
        let says = "asks \"Sign here.\" during the call of \"after_address\", and there is no answer: it was declined";
        assert!(
            !failed.retryable && failed.message.contains(says),
            "{failed}"
        );
    }
}

#[tokio::test]
async fn where_nobody_answers_the_call_fails_with_the_question() {
    for mode in ["old", "new"] {
        for (tool, input) in [("asks", json!({})), ("task", json!({"asks": true}))] {
            let scripted = Scripted::new(mode);
            let failed = error(run(&scripted.tool(tool), input).await);
            assert!(!failed.retryable);
            let says = format!(
                "\"scripted\" asks \"Your name?\" during the call of \"{tool}\", and there is no answer: nobody is asked here"
            );
            assert!(failed.message.contains(&says), "{mode} {tool}: {failed}");
            assert!(failed.message.contains("--answer STEP=JSON"), "{failed}");
            scripted.ends().await;
        }
    }
}

#[tokio::test]
async fn a_task_that_needs_input_asks_and_goes_on() {
    for mode in ["old", "new"] {
        let scripted = Scripted::new(mode);
        let (call, asked) = answered(json!({"asks": true}), accept(json!({"n": "Ada"})));
        let report = scripted.tool("task").call(call).await;
        let output = report.output.unwrap();
        let given = json!({"action": "accept", "content": {"n": "Ada"}});
        assert_eq!(output["answer"], given, "{mode}: {output}");
        assert_eq!(asked.lock().unwrap().len(), 1, "{mode}: it is asked once");
        scripted.ends().await;
    }
}

#[tokio::test]
async fn a_question_of_a_task_goes_to_the_step_that_waits_for_it() {
    let scripted = Scripted::new("old");
    let (other, others) = answered(json!({"polls": 1_000_000}), Answer::Decline);
    let stop = other.cancel.clone();
    let waiting = tokio::spawn(scripted.tool("task").call(other));
    scripted
        .until("the task", |it| !it.noted("tasks").is_empty())
        .await;
    let (call, asked) = answered(json!({"asks": true}), accept(json!({"n": "Bob"})));
    let report = scripted.tool("task").call(call).await;
    assert_eq!(report.output.unwrap()["answer"]["content"]["n"], "Bob");
    assert_eq!(asked.lock().unwrap().len(), 1);
    assert!(others.lock().unwrap().is_empty());
    stop.cancel();
    waiting.await.unwrap();
    scripted.ends().await;
}
