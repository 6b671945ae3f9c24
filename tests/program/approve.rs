//! Calls that need an approval: asked, answered, made once.

use crate::common::program::plandeck;
use plandeck::run::{
    Answers, Approval, DecidedBy, EventKind, RunCommand, RunEvent, RunOutcome, StepStatus,
    VoidReason,
};
use plandeck::{Execution, ExecutionPlan};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The program with a home inside `folder`.
fn at(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = plandeck();
    command
        .current_dir(folder)
        .env("PLANDECK_HOME", folder.join("home"))
        .args(arguments);
    command.output().unwrap()
}

fn json_of(output: &Output) -> Value {
    let error = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("no JSON; standard error: {error}"))
}

/// `send` needs an approval; `other` goes on without it, and `last` waits for `send`.
fn plan(approve: &Value) -> Value {
    json!({
        "name": "sending",
        "steps": [
            {"id": "write", "tool": "same", "parameters": {"out": {"to": "ada", "amount": 70}}},
            {"id": "send", "tool": "effect", "parameters": {"mail": "{{write}}"}, "approve": approve},
            {"id": "other", "tool": "same", "parameters": {"out": "{{write.to}}"}},
            {"id": "last", "tool": "same", "parameters": {"out": "{{send}}"}},
        ],
        "tools": {
            "same": {"type": "jq", "filter": ".out"},
            "effect": {"type": "process", "command": ["sh", "-c", "echo x >> sent; cat"]},
        },
    })
}

fn folder(approve: &Value) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plan.json"), plan(approve).to_string()).unwrap();
    folder
}

fn sent(folder: &Path) -> usize {
    let lines = std::fs::read_to_string(folder.join("sent")).unwrap_or_default();
    lines.lines().count()
}

fn statuses(result: &Value) -> Vec<String> {
    let steps = result["steps"].as_array().unwrap().iter();
    steps
        .map(|step| {
            format!(
                "{} {}",
                step["id"].as_str().unwrap(),
                step["status"].as_str().unwrap()
            )
        })
        .collect()
}

#[cfg(unix)]
#[test]
fn without_an_answer_the_rest_goes_on_and_the_run_waits_to_be_resumed() {
    let folder = folder(&json!(true));
    let first = at(folder.path(), &["run", "plan.json", "--json"]);
    let result = json_of(&first);
    assert_eq!(
        (first.status.code(), &result["status"]),
        (Some(4), &json!("waiting"))
    );
    assert_eq!(
        statuses(&result),
        [
            "write succeeded",
            "send ready",
            "other succeeded",
            "last pending"
        ]
    );
    assert_eq!(sent(folder.path()), 0);
    let words = String::from_utf8_lossy(&first.stderr);
    assert!(
        words.contains("waits     send for an approval: --approve send=yes"),
        "{words}"
    );
    let listed = json_of(&at(folder.path(), &["runs", "--json"]));
    assert_eq!(listed[0]["status"], json!("waiting"));
    let shown = String::from_utf8(at(folder.path(), &["show", "last"]).stdout).unwrap();
    assert!(
        shown.contains("--approve STEP=yes") && shown.contains("waits for an approval"),
        "{shown}"
    );
    // Resumed with an answer it makes the call, once, and nothing that had ended runs again.
    let second = at(
        folder.path(),
        &["run", "--resume", "last", "--approve", "send=yes", "--json"],
    );
    let result = json_of(&second);
    assert_eq!(
        (second.status.code(), &result["status"]),
        (Some(0), &json!("succeeded"))
    );
    assert_eq!(sent(folder.path()), 1);
    assert_eq!(result["steps"][0]["source"], json!("recorded"));
    assert_eq!(
        result["result"],
        json!({"other": "ada", "last": {"mail": {"to": "ada", "amount": 70}}})
    );
    let explained =
        String::from_utf8(at(folder.path(), &["explain", "last", "send"]).stdout).unwrap();
    assert!(
        explained.contains("its call was approved by --approve"),
        "{explained}"
    );
}

#[cfg(unix)]
#[test]
fn whoever_runs_the_plan_again_is_told_of_the_run_that_waits() {
    let folder = folder(&json!(true));
    let first = json_of(&at(folder.path(), &["run", "plan.json", "--json"]));
    let again = at(folder.path(), &["run", "plan.json", "--json"]);
    let said = String::from_utf8_lossy(&again.stderr);
    let words = format!(
        "the last run of this plan waits for an approval; to resume it: plandeck run --resume {}",
        first["run_id"].as_str().unwrap()
    );
    assert!(said.contains(&words), "{said}");
}

#[test]
fn asked_decided_and_executed_are_three_events_bound_to_the_call() {
    let folder = folder(&json!("{{ input.mail.amount > 50 }}"));
    let output = at(
        folder.path(),
        &["run", "plan.json", "--events", "-", "--approve", "*=yes"],
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let events: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |kind: &str| -> Vec<&Value> {
        events
            .iter()
            .filter(|event| event["type"] == *kind)
            .collect()
    };
    let (asked, decided, used) = (
        of("approval_asked"),
        of("approval_decided"),
        of("approval_used"),
    );
    assert_eq!((asked.len(), decided.len(), used.len()), (1, 1, 1));
    assert_eq!(
        asked[0]["input"],
        json!({"mail": {"to": "ada", "amount": 70}})
    );
    assert_eq!(
        (&decided[0]["granted"], &decided[0]["by"]),
        (&json!(true), &json!("flag"))
    );
    assert!(asked[0]["call"].as_str().unwrap().len() == 32);
    assert_eq!(
        (&decided[0]["call"], &used[0]["call"]),
        (&asked[0]["call"], &asked[0]["call"])
    );
    assert_eq!(used[0]["attempt"], json!(1));
    let started = events
        .iter()
        .find(|event| event["type"] == "attempt_started" && event["step"] == "send")
        .unwrap();
    assert_eq!(
        started["seq"].as_u64(),
        used[0]["seq"].as_u64().map(|seq| seq + 1)
    );
}

#[cfg(unix)]
#[test]
fn a_refused_step_is_skipped_and_a_call_that_needs_no_approval_is_made() {
    let refused = folder(&json!(true));
    let output = at(
        refused.path(),
        &[
            "run",
            "plan.json",
            "--json",
            "--approve",
            "*=yes",
            "--approve",
            "send=no",
        ],
    );
    let result = json_of(&output);
    assert_eq!((output.status.code(), sent(refused.path())), (Some(0), 0));
    assert_eq!(statuses(&result)[1], "send skipped");
    assert_eq!(
        (&result["steps"][1]["reason"], &result["steps"][3]["reason"]),
        (&json!("user"), &json!("upstream"))
    );
    let small = folder(&json!("input.mail.amount > 100"));
    let output = at(small.path(), &["run", "plan.json", "--json"]);
    assert_eq!((output.status.code(), sent(small.path())), (Some(0), 1));
    let broken = folder(&json!("input.mail.amount > 'x'"));
    let output = at(broken.path(), &["run", "plan.json", "--json"]);
    let message = json_of(&output)["steps"][1]["error"]["message"].clone();
    assert!(
        message.as_str().unwrap().starts_with("approve: "),
        "{message}"
    );
    assert_eq!((output.status.code(), sent(broken.path())), (Some(1), 0));
}

#[test]
fn answers_that_make_no_sense_are_refused_before_anything_runs() {
    let folder = folder(&json!(true));
    for (answer, message) in [
        ("send", "STEP=yes or STEP=no"),
        ("send=maybe", "yes or no"),
        ("=yes", "STEP=yes or STEP=no"),
        ("nobody=yes", "the plan has no step nobody"),
        ("other=yes", "step other needs no approval"),
    ] {
        let output = at(
            folder.path(),
            &["run", "plan.json", "--headless", "--approve", answer],
        );
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{words}");
        assert!(words.contains(message), "{answer}: {words}");
    }
    for approve in [json!(7), json!("output > 1"), json!("input.x >")] {
        let plan = plan(&approve).to_string();
        std::fs::write(folder.path().join("bad.json"), plan).unwrap();
        let output = at(folder.path(), &["run", "bad.json", "--headless"]);
        assert_eq!(output.status.code(), Some(2), "{approve}");
    }
}

/// Every event of a run, as they come.
type Seen = Arc<Mutex<Vec<RunEvent>>>;

fn started(execution: Execution) -> (plandeck::session::LiveRun, Seen) {
    let seen = Seen::default();
    let keeps = Arc::clone(&seen);
    let execution = execution.on_event(move |event| keeps.lock().unwrap().push(event.clone()));
    (execution.prepare().unwrap().start(), seen)
}

/// Waits until so many events of a kind have been seen, and gives the last of them.
async fn seen_of(seen: &Seen, count: usize, is: fn(&EventKind) -> bool) -> RunEvent {
    let found = async {
        loop {
            {
                let seen = seen.lock().unwrap();
                let found: Vec<&RunEvent> = seen.iter().filter(|event| is(&event.kind)).collect();
                if found.len() >= count {
                    return found[count - 1].clone();
                }
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(50), found)
        .await
        .expect("it happens")
}

fn is_asked(kind: &EventKind) -> bool {
    matches!(kind, EventKind::ApprovalAsked { .. })
}

fn approve(event: &RunEvent, granted: bool, call: Option<&str>) -> RunCommand {
    RunCommand::Approve(Approval {
        step: event.kind.step().unwrap().ix,
        granted,
        call: call.map(Into::into),
        by: DecidedBy::Other,
    })
}

fn library_plan() -> ExecutionPlan {
    ExecutionPlan::from_value(json!({"steps": [
        {"id": "a", "tool": "same", "parameters": {"n": 1}},
        {"id": "b", "tool": "same", "parameters": {"n": "{{a}}"}, "approve": true},
    ]}))
    .unwrap()
}

fn library() -> Execution {
    Execution::new(&library_plan()).function("same", |input| Ok(input["n"].clone()))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_counts_for_the_call_that_was_shown_and_only_once() {
    let (mut live, seen) = started(library().interactive(true));
    let first = seen_of(&seen, 1, is_asked).await;
    // An answer to another call changes nothing; neither does one for a step that is not asked about.
    live.commands()
        .send(approve(&first, true, Some("another")))
        .unwrap();
    let step = first.kind.step().unwrap().ix;
    // Edited first: the question comes again, for the call as it would be made now.
    live.commands()
        .send(RunCommand::SetInput(step, Some(Arc::new(json!({"n": 5})))))
        .unwrap();
    let second = seen_of(&seen, 2, is_asked).await;
    let call = |event: &RunEvent| match &event.kind {
        EventKind::ApprovalAsked { call, .. } => Arc::clone(call),
        _ => unreachable!(),
    };
    assert_ne!(call(&first), call(&second));
    live.commands()
        .send(approve(&second, true, Some(&call(&first))))
        .unwrap();
    live.commands()
        .send(approve(&second, true, Some(&call(&second))))
        .unwrap();
    let ended = |kind: &EventKind| matches!(kind, EventKind::RunEnded { .. });
    seen_of(&seen, 1, ended).await;
    // Run again it is asked about again.
    live.commands().send(RunCommand::Retry(step)).unwrap();
    let third = seen_of(&seen, 3, is_asked).await;
    live.commands().send(approve(&third, false, None)).unwrap();
    seen_of(&seen, 2, ended).await;
    live.commands().send(RunCommand::Close).unwrap();
    let state = live.ended().await.unwrap();
    assert_eq!(state.steps[1].status, StepStatus::Skipped);
    let seen = seen.lock().unwrap();
    let used = seen
        .iter()
        .filter(|event| matches!(event.kind, EventKind::ApprovalUsed { .. }));
    assert_eq!(used.count(), 1);
    let decided = seen
        .iter()
        .filter(|event| matches!(event.kind, EventKind::ApprovalDecided { .. }));
    assert_eq!(decided.count(), 2, "an answer to another call is none");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_approved_too_long_ago_is_asked_about_again() {
    let run = library()
        .interactive(true)
        .approval_lifetime(Some(Duration::ZERO));
    let (mut live, seen) = started(run);
    let first = seen_of(&seen, 1, is_asked).await;
    live.commands().send(approve(&first, true, None)).unwrap();
    let second = seen_of(&seen, 2, is_asked).await;
    let EventKind::ApprovalAsked { void, .. } = second.kind else {
        unreachable!()
    };
    assert_eq!(void, Some(VoidReason::Expired));
    live.commands().send(RunCommand::Stop).unwrap();
    live.commands().send(RunCommand::Close).unwrap();
    live.ended().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_library_run_waits_or_takes_its_answers_beforehand() {
    let error = library().run().await.unwrap_err();
    assert_eq!(error.to_string(), "the run waits for an answer about b");
    assert_eq!(error.result().unwrap().status, RunOutcome::Waiting);
    let answers = Answers::new([("b".into(), true)]);
    let result = library().answers(answers).run().await.unwrap();
    assert_eq!(*result.result, json!(1));
}

#[test]
fn the_elements_of_a_list_are_asked_about_one_by_one() {
    let plan = json!({
        "name": "each",
        "steps": [{
            "id": "pay", "tool": "same", "for_each": [10, 20, 3000], "parameters": {"out": "{{item}}"},
            "approve": "item > 15",
        }],
        "tools": {"same": {"type": "jq", "filter": ".out"}},
    });
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    let output = at(
        folder.path(),
        &[
            "run",
            "plan.json",
            "--json",
            "--approve",
            "pay=yes",
            "--approve",
            "pay[2]=no",
        ],
    );
    let result = json_of(&output);
    assert_eq!(result["result"], json!([10, 20, null]));
    let output = at(folder.path(), &["run", "plan.json", "--json", "--fresh"]);
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(
        statuses(&json_of(&output)),
        [
            "pay running",
            "pay[0] succeeded",
            "pay[1] ready",
            "pay[2] ready"
        ]
    );
}
