//! The verbs of the command line: on a live run over its socket, and on a recorded one, which goes on under its own id.

use crate::common::control::{run_so_far, socket_in};
use crate::common::model_server::{Answer, ModelServer};
use crate::common::process::{start, wait_until};
use crate::common::program::{code, json, plandeck, signal, stderr, step};
use plandeck::report::result_of;
use plandeck::run::{RunEvent, RunState};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Output;
use std::time::Duration;
use tempfile::TempDir;

struct Desk(TempDir);

impl Desk {
    fn new(plan: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
        Self(folder)
    }

    fn home(&self) -> PathBuf {
        self.0.path().join("home")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = plandeck();
        command
            .current_dir(self.0.path())
            .env("PLANDECK_HOME", self.home())
            .env("PLANDECK_WORKER", "offline")
            .args(arguments);
        command.output().unwrap()
    }

    /// Runs a command that exits with `expected` and prints JSON.
    fn json(&self, expected: i32, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert_eq!(
            code(&output),
            expected,
            "{arguments:?}: {}",
            stderr(&output)
        );
        json(&output)
    }

    fn calls(&self) -> String {
        let log = std::fs::read_to_string(self.0.path().join("calls.log"));
        let log = log.unwrap_or_default();
        let mut calls: Vec<&str> = log.lines().collect();
        // Steps that do not depend on each other run side by side.
        calls.sort_unstable();
        calls.join(" ")
    }

    /// The events on record, which are numbered without a gap and fold to what `show` prints.
    fn events(&self, run: &str) -> Vec<Value> {
        let output = self.run(&["export", run, "--format", "jsonl"]);
        let text = String::from_utf8(output.stdout).unwrap();
        let events: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let folded: Vec<RunEvent> = events
            .iter()
            .map(|event| serde_json::from_value(event.clone()).unwrap())
            .collect();
        assert!(
            folded
                .iter()
                .enumerate()
                .all(|(at, event)| event.seq == at as u64)
        );
        assert!(folded.windows(2).all(|pair| pair[0].at <= pair[1].at));
        let shown = self.json(0, &["show", run, "--json"]);
        let status = shown["status"].as_str().unwrap();
        assert_eq!(result_of(&RunState::from_events(&folded), status), shown);
        events
    }
}

/// `a` → `b` → `c` and `d` → `e`; `b` and `d` fail while their input says so. Calls are written down.
fn plan() -> Value {
    let tool = |repeat: bool| {
        let script = "x=$(cat); echo \"$PLANDECK_ATTEMPT\" | sed 's,.*/\\(.*/.*\\),\\1,' >> calls.log; \
                      case \"$x\" in *bad*) echo broken >&2; exit 1;; esac; printf %s \"$x\"";
        json!({"type": "process", "command": ["sh", "-c", script], "idempotent": repeat})
    };
    json!({
        "name": "stored",
        "tools": {"work": tool(false)},
        "steps": [
            {"id": "a", "tool": "work", "parameters": {"n": 1}},
            {"id": "b", "tool": "work", "parameters": {"of": "{{a.n}}", "is": "bad"}},
            {"id": "c", "tool": "work", "parameters": {"of": "{{b}}"}},
            {"id": "d", "tool": "work", "parameters": {"is": "bad"}},
            {"id": "e", "tool": "work", "parameters": {"of": "{{d}}"}},
        ],
    })
}

fn statuses(result: &Value) -> String {
    let steps = result["steps"].as_array().unwrap().iter();
    let words = steps.map(|step| step["status"].as_str().unwrap()[..2].to_owned());
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_failed_run_is_brought_to_success_by_commands_alone() {
    let desk = Desk::new(&plan());
    let first = desk.json(1, &["run", "plan.json", "--headless", "--json"]);
    assert_eq!(
        (&*statuses(&first), &*desk.calls()),
        ("su fa sk fa sk", "a/1 b/1 d/1")
    );
    let run = first["run_id"].as_str().unwrap();

    // One step is called with another input: what it depends on is kept, and the other failure stays.
    let edited = desk.json(
        1,
        &["edit", "last", "b", "--input", "{\"of\": 1}", "--json"],
    );
    assert_eq!(
        (&*statuses(&edited), &edited["run_id"]),
        ("su su su fa sk", &first["run_id"])
    );
    assert_eq!(desk.calls(), "a/1 b/1 b/2 c/1 d/1");
    assert_eq!(
        (
            &step(&edited, "b")["attempts"],
            &step(&edited, "a")["source"]
        ),
        (&json!(2), &json!("recorded"))
    );

    // The other is given its output.
    let done = desk.json(
        0,
        &[
            "set",
            &run[..13],
            "d",
            "--output",
            "{\"by\": \"hand\"}",
            "--json",
        ],
    );
    assert_eq!(
        (&*statuses(&done), &done["run_id"]),
        ("su su su su su", &first["run_id"])
    );
    assert_eq!(desk.calls(), "a/1 b/1 b/2 c/1 d/1 e/1");
    assert_eq!(step(&done, "d")["source"], "mock");

    let events = desk.events(run);
    let ends = events
        .iter()
        .filter(|event| event["type"] == "run_ended")
        .count();
    assert_eq!(
        (
            ends,
            desk.json(0, &["runs", "--json"]).as_array().unwrap().len()
        ),
        (3, 1)
    );

    // What ran again counts its attempts on.
    let again = desk.json(0, &["refresh", "last", "c", "--json"]);
    assert_eq!(
        (&*desk.calls(), &step(&again, "c")["attempts"]),
        ("a/1 b/1 b/2 c/1 c/2 d/1 e/1", &json!(2))
    );
    assert_eq!(step(&again, "d")["output"], json!({"by": "hand"}));
    desk.events(run);
}

#[test]
fn resume_runs_everything_that_failed_and_retry_only_what_it_names() {
    let desk = Desk::new(&plan());
    desk.json(1, &["run", "plan.json", "--headless", "--json"]);
    desk.json(1, &["retry", "last", "d", "--json"]);
    assert_eq!(desk.calls(), "a/1 b/1 d/1 d/2");
    let resumed = desk.json(1, &["resume", "last", "--json"]);
    assert_eq!(
        (&*statuses(&resumed), &*desk.calls()),
        ("su fa sk fa sk", "a/1 b/1 b/2 d/1 d/2 d/3")
    );
}

#[test]
fn what_makes_no_sense_for_a_recorded_run_is_refused() {
    let desk = Desk::new(&plan());
    desk.json(1, &["run", "plan.json", "--headless", "--json"]);
    for (arguments, says) in [
        (&["pause", "last"][..], "needs a live one"),
        (&["step", "last"], "needs a live one"),
        (&["break", "last", "b"], "needs a live one"),
        (&["approve", "last", "b"], "needs a live one"),
        (&["stop", "last"], "needs a live one"),
        (&["skip", "last", "a"], "has ended"),
        (&["retry", "last", "x"], "no step \"x\""),
        (&["retry", "nobody"], "nobody"),
        (
            &["edit", "last", "b", "--prompt", "p"],
            "only model tools have a prompt",
        ),
    ] {
        let output = desk.run(arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(
            stderr(&output).contains(says),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
    let error = desk.json(2, &["pause", "last", "--json"]);
    assert_eq!(error["error"]["type"], "NotPossibleNow");
    // The plan has another step: what is recorded does not belong to it.
    let mut other = plan();
    other["steps"]
        .as_array_mut()
        .unwrap()
        .push(json!({"id": "f", "tool": "work", "parameters": {}}));
    std::fs::write(desk.0.path().join("plan.json"), other.to_string()).unwrap();
    let output = desk.run(&["retry", "last", "b"]);
    assert!(
        stderr(&output).contains("plandeck fork"),
        "{}",
        stderr(&output)
    );
    assert_eq!(desk.calls(), "a/1 b/1 d/1");
}

#[test]
fn a_corrected_tool_runs_again_and_the_rest_is_kept() {
    let desk = Desk::new(&plan());
    desk.json(1, &["run", "plan.json", "--headless", "--json"]);
    let mut fixed = plan();
    let script = fixed["tools"]["work"]["command"][2].as_str().unwrap();
    fixed["tools"]["work"]["command"][2] = json!(script.replace("*bad*", "*worse*"));
    std::fs::write(desk.0.path().join("plan.json"), fixed.to_string()).unwrap();
    // Every step calls the tool that has changed.
    let done = desk.json(0, &["resume", "last", "--json"]);
    assert_eq!(statuses(&done), "su su su su su");
    let calls = desk.calls();
    desk.json(0, &["resume", "last", "--json"]);
    assert_eq!(
        desk.calls(),
        calls,
        "the record has the definitions that the run went on with"
    );
}

#[test]
fn elements_of_a_list_keep_their_places() {
    let plan = json!({
        "tools": {"work": plan()["tools"]["work"]},
        "steps": [
            {"id": "before", "tool": "work", "for_each": "{{[1, 2]}}", "parameters": {"n": "{{item}}"}},
            {"id": "each", "tool": "work", "for_each": "{{['x', 'bad', 'z']}}", "parameters": {"n": "{{item}}", "of": "{{before}}"}},
            {"id": "all", "tool": "work", "parameters": {"of": "{{each}}"}},
        ],
    });
    let desk = Desk::new(&plan);
    desk.json(
        1,
        &[
            "run",
            "plan.json",
            "--headless",
            "--json",
            "--max-concurrent",
            "1",
        ],
    );
    let done = desk.json(
        0,
        &["edit", "last", "each[1]", "--input", "{\"n\": 2}", "--json"],
    );
    assert_eq!(
        desk.calls(),
        "all/1 before[0]/1 before[1]/1 each[0]/1 each[1]/1 each[1]/2 each[2]/1"
    );
    assert_eq!(step(&done, "each")["output"][1], json!({"n": 2}));
    desk.json(0, &["retry", "last", "each[2]", "--json"]);
    assert_eq!(
        desk.calls(),
        "all/1 before[0]/1 before[1]/1 each[0]/1 each[1]/1 each[1]/2 each[2]/1 each[2]/2",
        "the list came to the same: what depends on it stays as it is"
    );
    desk.events("last");
}

#[test]
fn a_killed_run_goes_on_under_its_id_and_its_socket_is_cleared_away() {
    let plan = json!({
        "tools": {
            "work": plan()["tools"]["work"],
            "slow": {"type": "process", "idempotent": true, "command": ["sh", "-c",
                "echo \"$PLANDECK_ATTEMPT\" | sed 's,.*/\\(.*/.*\\),\\1,' >> calls.log; test -e go || sleep 1000; cat"]},
        },
        "steps": [
            {"id": "a", "tool": "work", "parameters": {"n": 1}},
            {"id": "b", "tool": "slow", "parameters": {"of": "{{a}}"}},
        ],
    });
    let desk = Desk::new(&plan);
    let mut child = start(desk.0.path(), &desk.home(), &[]);
    let socket = socket_in(&desk.home());
    let run = run_so_far(&socket)["run_id"].as_str().unwrap().to_owned();
    wait_until("b to be called", || desk.calls() == "a/1 b/1");
    signal("KILL", child.id());
    child.wait().unwrap();
    assert!(socket.exists());
    let pause = desk.run(&["pause", "last"]);
    assert!(stderr(&pause).contains("not live"), "{}", stderr(&pause));
    assert!(!socket.exists());
    std::fs::write(desk.0.path().join("go"), "").unwrap();
    let done = desk.json(0, &["resume", "last", "--json"]);
    assert_eq!(done["run_id"], json!(run));
    // The call that was interrupted is made again under its own name.
    assert_eq!(
        (&*desk.calls(), &step(&done, "b")["attempts"]),
        ("a/1 b/1 b/1", &json!(2))
    );
    let events = desk.events(&run);
    let reopened = events
        .iter()
        .position(|event| event["type"] == "run_reopened")
        .unwrap();
    assert_eq!(events[reopened - 1]["type"], "attempt_ended");
    desk.json(0, &["retry", "last", "b", "--json"]);
    assert_eq!(desk.calls(), "a/1 b/1 b/1 b/3");
}

#[test]
fn the_verbs_steer_a_live_run_and_what_the_user_skipped_stays_so() {
    let desk = Desk::new(&plan());
    let detached = desk.json(0, &["run", "plan.json", "--detach", "--paused", "--json"]);
    let run = detached["run_id"].as_str().unwrap();
    let socket = socket_in(&desk.home());
    wait_until("the run to be paused", || {
        run_so_far(&socket)["paused"] == true
    });
    for arguments in [
        &["skip", run, "d"][..],
        &["edit", run, "b", "--input", "{\"n\": 2}"],
        &["set", run, "--max-concurrent", "1"],
        &["step", run, "a"],
    ] {
        let answer = desk.json(0, &[arguments, &["--json"]].concat());
        assert_eq!(answer["accepted"], true, "{arguments:?}");
    }
    wait_until("a to end", || {
        step(&run_so_far(&socket), "a")["status"] == "succeeded"
    });
    let refused = desk.json(2, &["skip", run, "a", "--json"]);
    let why = refused["error"]["message"].as_str().unwrap();
    assert!(why.contains("has ended"), "{why}");
    desk.json(0, &["resume", run, "--json"]);
    wait_until("the run to end", || !socket.exists());
    let shown = desk.json(0, &["show", run, "--json"]);
    assert_eq!(
        (&*statuses(&shown), &*desk.calls()),
        ("su su su sk sk", "a/1 b/1 c/1")
    );
    // A recorded run that goes on does not run it either.
    let again = desk.json(0, &["refresh", run, "c", "--json"]);
    assert_eq!(
        (&*statuses(&again), &*desk.calls()),
        ("su su su sk sk", "a/1 b/1 c/1 c/2")
    );
    assert!(desk.home().join("log").join(format!("{run}.log")).exists());
}

#[test]
fn a_detached_run_that_cannot_start_says_why() {
    let desk = Desk::new(&json!({"steps": []}));
    let output = desk.run(&["run", "plan.json", "--detach"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("no steps"), "{}", stderr(&output));
}

#[test]
fn a_corrected_prompt_is_sent_is_on_record_and_decides_what_is_cached() {
    let answer = |to: &str, says: Value| Answer {
        to: to.to_owned(),
        says,
        after: Duration::ZERO,
    };
    let server = ModelServer::start(vec![
        answer("Please add up", json!({"total": 7})),
        answer("Sum", json!({"wrong": true})),
        answer("Shout", json!({"text": "7!"})),
    ]);
    let plan = json!({
        "tools": {
            "add": {"type": "model", "prompt": "Sum {{note}}", "output_schema": {"type": "object", "required": ["total"], "properties": {"total": {"type": "number"}}}},
            "shout": {"type": "model", "prompt": "Shout {{n}}", "output_schema": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}},
        },
        "steps": [
            {"id": "first", "tool": "shout", "parameters": {"n": 1}},
            {"id": "total", "tool": "add", "parameters": {"note": "3 and 4"}, "depends_on": ["first"], "retry_policy": {"retries": 1, "backoff_s": 0}},
            {"id": "last", "tool": "shout", "parameters": {"n": "{{total.total}}"}},
        ],
    });
    let desk = Desk::new(&plan);
    let run = |expected: i32, arguments: &[&str]| {
        let mut command = plandeck();
        command
            .current_dir(desk.0.path())
            .env("PLANDECK_HOME", desk.home())
            .env("OPENAI_API_KEY", "sk-test-of-prompts")
            .args(arguments)
            .args([
                "--worker",
                "gpt-4o-mini",
                "--base-url",
                &server.url(),
                "--json",
            ]);
        let output = command.output().unwrap();
        assert_eq!(code(&output), expected, "{}", stderr(&output));
        json(&output)
    };
    run(1, &["run", "plan.json", "--headless"]);
    let asked = || server.requests().len();
    let before = asked();
    let edit = [
        "edit",
        "last",
        "total",
        "--prompt",
        "Please add up {{note}}",
    ];
    let done = run(0, &edit);
    assert_eq!(step(&done, "total")["output"], json!({"total": 7}));
    // The corrected step and what depends on it are called, and nothing else.
    assert_eq!(asked() - before, 2);
    let sent = server.requests()[before].1["messages"].to_string();
    assert!(
        sent.contains("Please add up 3 and 4") && !sent.contains("Sum"),
        "{sent}"
    );
    let events = desk.events("last");
    let changed = events
        .iter()
        .find(|event| event["type"] == "step_call_set")
        .unwrap();
    assert_eq!(
        (&changed["step"], &changed["prompt"]),
        (&json!("total"), &json!("Please add up {{note}}"))
    );
    let explained = desk.run(&["explain", "last", "total"]);
    assert!(String::from_utf8_lossy(&explained.stdout).contains("the user set its prompt"));
    // It holds when the run goes on.
    let before = asked();
    run(0, &["refresh", "last", "total"]);
    assert!(
        server.requests()[before].1["messages"]
            .to_string()
            .contains("Please add up")
    );
    // Once the prompt stands in the catalog, what the corrected step gave is used again; under the old one it is not.
    let before = asked();
    run(1, &["run", "plan.json", "--headless"]);
    assert!(asked() > before, "the old prompt has no output");
    let mut corrected = plan;
    corrected["tools"]["add"]["prompt"] = json!("Please add up {{note}}");
    std::fs::write(desk.0.path().join("plan.json"), corrected.to_string()).unwrap();
    let before = asked();
    let cached = run(0, &["run", "plan.json", "--headless"]);
    assert_eq!(
        (asked() - before, &step(&cached, "total")["source"]),
        (0, &json!("cache"))
    );
}

/// `a` → `half` → `c`: what `a` gives is halved and rounded, so that a change of it may go no further.
#[test]
fn a_recorded_run_stops_where_an_output_is_the_same_again() {
    let script = "x=$(cat); echo \"$PLANDECK_ATTEMPT\" | sed 's,.*/\\(.*/.*\\),\\1,' >> calls.log; \
                  n=$(printf %s \"$x\" | sed 's/[^0-9]//g'); echo $((n / BY))";
    let tool = |by: u32| {
        let command = script.replace("BY", &by.to_string());
        json!({"type": "process", "command": ["sh", "-c", command]})
    };
    let desk = Desk::new(&json!({
        "name": "halved",
        "tools": {"one": tool(1), "half": tool(2)},
        "steps": [
            {"id": "a", "tool": "one", "parameters": {"n": 4}},
            {"id": "half", "tool": "half", "parameters": {"n": "{{a}}"}},
            {"id": "c", "tool": "one", "parameters": {"n": "{{half}}"}},
        ],
    }));
    desk.json(0, &["run", "plan.json", "--headless", "--json"]);
    assert_eq!(desk.calls(), "a/1 c/1 half/1");
    let edited = desk.json(0, &["edit", "last", "a", "--input", "{\"n\": 5}", "--json"]);
    assert_eq!(desk.calls(), "a/1 a/2 c/1 half/1 half/2");
    assert_eq!(edited["result"], 2);
    // The same step with the same outcome: nothing follows from it.
    desk.json(0, &["retry", "last", "a", "--json"]);
    assert_eq!(desk.calls(), "a/1 a/2 a/3 c/1 half/1 half/2");
    // Where everything was asked for, all of it is called.
    desk.json(0, &["refresh", "last", "a", "--json"]);
    assert_eq!(desk.calls(), "a/1 a/2 a/3 a/4 c/1 c/2 half/1 half/2 half/3");
    desk.json(0, &["set", "last", "a", "--output", "9", "--json"]);
    assert_eq!(
        desk.calls(),
        "a/1 a/2 a/3 a/4 c/1 c/2 c/3 half/1 half/2 half/3 half/4"
    );
}
