//! Forks: another run from a recorded one, with something changed, through the program itself and the engine.

use crate::common::program::plandeck;
use crate::common::store::{Echo, Only, engine, plan, run, step};
use plandeck::engine::{Edit, ResumeState, definitions};
use plandeck::plan::{Step, StepSettings};
use plandeck::run::{RerunReason, RunState, StepSource, StepStatus};
use plandeck::store::{Journal, JournalOptions, RunMeta, Store, StoreError};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;
use std::sync::Arc;

/// `a` and `c` read, `b` and `d` may change something; each gives its input back and is counted outside.
fn reading_and_writing() -> Value {
    let echo = json!([
        "sh",
        "-c",
        "x=$(cat); printf '%s\\n' \"$x\" >> calls.log; printf %s \"$x\""
    ]);
    json!({
        "name": "forked",
        "steps": [
            {"id": "a", "tool": "read", "parameters": {"text": "{{text}}"}},
            {"id": "b", "tool": "write", "parameters": {"of": "{{a}}"}},
            {"id": "c", "tool": "read", "parameters": {"other": "{{other}}"}},
            {"id": "d", "tool": "write", "parameters": {"b": "{{b}}", "c": "{{c}}"}},
        ],
        "tools": {
            "read": {"type": "process", "command": echo, "read_only": true},
            "write": {"type": "process", "command": echo},
        },
    })
}

struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plan = reading_and_writing().to_string();
        std::fs::write(folder.path().join("plan.json"), plan).unwrap();
        Self(folder)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = plandeck();
        command
            .current_dir(self.0.path())
            .env("PLANDECK_HOME", self.0.path().join("home"))
            .args(arguments);
        command.output().unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("no JSON; standard error: {error}"))
    }

    fn text(&self, arguments: &[&str]) -> String {
        String::from_utf8(self.run(arguments).stdout).unwrap()
    }

    fn calls(&self) -> usize {
        let log = std::fs::read_to_string(self.0.path().join("calls.log")).unwrap();
        log.lines().filter(|line| !line.is_empty()).count()
    }

    fn blobs(&self) -> i64 {
        let file = self.0.path().join("home/plandeck.db");
        let connection = rusqlite::Connection::open(file).unwrap();
        connection
            .query_row("SELECT count(*) FROM blobs", [], |row| row.get(0))
            .unwrap()
    }
}

fn of_steps(result: &Value, field: &str) -> Vec<String> {
    let steps = result["steps"].as_array().unwrap();
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    steps.iter().map(|step| text(&step[field])).collect()
}

fn hashes(result: &Value) -> Vec<String> {
    let outputs = of_steps(result, "output");
    let hash = |output: &String| blake3::hash(output.as_bytes()).to_string();
    outputs.iter().map(hash).collect()
}

#[test]
fn what_a_fork_leaves_as_it_was_is_not_called_for_and_is_proved_the_same() {
    let desk = Desk::new();
    let long = format!("text={}", "x".repeat(5000));
    let first = desk.json(&["run", "plan.json", "--json", "-c", &long, "-c", "other=o"]);
    let id = first["run_id"].as_str().unwrap();
    assert_eq!(
        (desk.calls(), first["status"].as_str()),
        (4, Some("succeeded"))
    );
    let blobs = desk.blobs();

    // Any number of times, and nothing is called.
    for _ in 0..2 {
        let same = desk.json(&["fork", id, "--json"]);
        assert_eq!(of_steps(&same, "source"), ["recorded"; 4]);
        assert_eq!(hashes(&same), hashes(&first));
        assert_eq!((desk.calls(), same["cost"].as_f64()), (4, Some(0.0)));
        assert_ne!(same["run_id"], first["run_id"]);
    }
    assert_eq!(desk.blobs(), blobs, "what is large is there once");

    let context = desk.json(&["fork", id, "--json", "-c", "text=z"]);
    assert_eq!(
        of_steps(&context, "source"),
        ["call", "call", "recorded", "call"]
    );
    assert_eq!(desk.calls(), 7);
    assert_eq!(hashes(&context)[2], hashes(&first)[2]);
    assert_eq!(context["result"]["b"]["of"]["text"], "z");
    assert_eq!(context["result"]["c"]["other"], "o");

    let from = desk.json(&["fork", id, "--json", "--from", "b"]);
    assert_eq!(
        of_steps(&from, "source"),
        ["recorded", "call", "recorded", "call"]
    );
    assert_eq!((desk.calls(), hashes(&from)), (9, hashes(&first)));

    let output = desk.json(&["fork", id, "--json", "--output", r#"b={"made":"up"}"#]);
    assert_eq!(
        of_steps(&output, "source"),
        ["recorded", "mock", "recorded", "call"]
    );
    assert_eq!(
        (desk.calls(), &output["result"]["b"]),
        (10, &json!({"made": "up"}))
    );

    let input = desk.json(&["fork", id, "--json", "--input", r#"b={"of":"edited"}"#]);
    assert_eq!(
        of_steps(&input, "source"),
        ["recorded", "call", "recorded", "call"]
    );
    assert_eq!(desk.calls(), 12);
    assert_eq!(input["result"]["b"], json!({"of": "edited"}));

    // A fork of a fork keeps what that was given.
    let again = desk.json(&["fork", "last", "--json", "--from", "d"]);
    assert_eq!(
        of_steps(&again, "source"),
        ["recorded", "recorded", "recorded", "call"]
    );
    assert_eq!((desk.calls(), &again["result"]), (13, &input["result"]));
    let shown = desk.text(&["show", "last"]);
    let forked = input["run_id"].as_str().unwrap();
    assert!(
        shown.contains(&format!("forked from run {forked}")) && shown.contains("(recorded: "),
        "{shown}"
    );
}

#[test]
fn why_a_step_was_called_is_explained() {
    let desk = Desk::new();
    let run = |text: &str| {
        let text = format!("text={text}");
        desk.json(&["run", "plan.json", "--json", "-c", &text, "-c", "other=o"])
    };
    run("first");
    assert!(
        desk.text(&["explain", "last", "a"])
            .contains("never made before")
    );
    let second = run("second");
    assert_eq!(
        of_steps(&second, "source"),
        ["call", "call", "cache", "call"]
    );
    let text = desk.text(&["explain", "last", "a"]);
    assert!(
        text.contains(r#"input.text changed: "first" → "second""#)
            && text.contains("context text: value differs"),
        "{text}"
    );
    let text = desk.text(&["explain", "last", "c"]);
    assert!(
        text.contains("a cached output of the same call") && text.contains("saved "),
        "{text}"
    );
    let text = desk.text(&["explain", "last", "b"]);
    assert!(text.contains("a call may change something"), "{text}");
    let text = desk.json(&["explain", "last", "a", "--json"]);
    assert_eq!(text["why"]["miss"]["reason"], "differs");
    assert_eq!(text["why"]["miss"]["changes"][0]["path"], "text");
    let shown = desk.text(&["show", "last"]);
    assert!(
        shown.contains("1 output from the cache, saved ") && shown.contains("(from the cache: "),
        "{shown}"
    );

    let id = second["run_id"].as_str().unwrap();
    desk.json(&["fork", id, "--json", "--input", r#"a={"text":"third"}"#]);
    let text = desk.text(&["explain", "last", "a"]);
    assert!(
        text.contains(r#""second" → "third""#) && text.contains("the user set its input"),
        "{text}"
    );
    let text = desk.text(&["explain", "last", "b"]);
    assert!(text.contains("upstream a: "), "{text}");
    let output = desk.run(&["explain", "last", "aa"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.code() == Some(2) && error.contains("did you mean"),
        "{error}"
    );
}

#[test]
fn a_fork_of_what_is_not_there_is_refused() {
    let desk = Desk::new();
    desk.json(&[
        "run",
        "plan.json",
        "--json",
        "-c",
        "text=t",
        "-c",
        "other=o",
    ]);
    let refused = [
        (vec!["fork", "last", "--from", "e"], "there is no step"),
        (vec!["fork", "last", "--input", "b"], "STEP=JSON"),
        (vec!["fork", "last", "--input", "b={"], "not valid JSON"),
        (
            vec!["fork", "last", "--resume", "last"],
            "forked or resumed",
        ),
        (vec!["fork", "nothing"], "no run is called"),
        (vec!["run", "plan.json", "--unknown", "skip"], "--unknown"),
    ];
    for (arguments, why) in refused {
        let output = desk.run(&arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            output.status.code() == Some(2) && error.contains(why),
            "{arguments:?}: {error}"
        );
    }
    assert_eq!(desk.calls(), 4);
}

#[test]
fn kept_outputs_are_listed_pinned_and_removed() {
    let desk = Desk::new();
    assert_eq!(desk.json(&["cache", "list", "--json"]), json!([]));
    let run = || {
        desk.json(&[
            "run",
            "plan.json",
            "--json",
            "--fresh",
            "-c",
            "text=t",
            "-c",
            "other=o",
        ])
    };
    run();
    let kept = desk.json(&["cache", "list", "--json"]);
    assert_eq!(kept.as_array().unwrap().len(), 2, "what only reads");
    let of_a = |list: &Value| {
        let mut kept = list.as_array().unwrap().iter();
        kept.find(|kept| kept["step"] == "a").unwrap().clone()
    };
    let key = of_a(&kept)["key"].as_str().unwrap().to_owned();
    assert_eq!(
        desk.run(&["cache", "pin", &key[..12]]).status.code(),
        Some(0)
    );
    assert_eq!(
        of_steps(&run(), "source"),
        ["cache", "call", "call", "call"]
    );
    assert_eq!(desk.run(&["cache", "clear"]).status.code(), Some(0));
    let kept = desk.json(&["cache", "list", "--json"]);
    assert_eq!(
        (kept.as_array().unwrap().len(), &of_a(&kept)["pinned"]),
        (1, &json!(true))
    );
    let table = desk.text(&["cache", "list", "--pinned"]);
    assert!(
        table.lines().count() == 2 && table.contains(&key[..12]),
        "{table}"
    );
    assert_eq!(
        desk.run(&["cache", "unpin", "--all"]).status.code(),
        Some(0)
    );
    assert_eq!(of_steps(&run(), "source"), ["call"; 4]);
    assert_eq!(desk.run(&["cache", "pin", "zz"]).status.code(), Some(2));
}

fn resume_state(home: &Path, steps: &[Step]) -> ResumeState {
    let store = Store::at(home).unwrap();
    let run = store.find("last").unwrap();
    let plan = plan(steps.to_vec());
    let definitions = definitions(&plan, &Only(Arc::default()));
    store
        .fork(&run)
        .unwrap()
        .resume_state(&plan, &definitions)
        .unwrap()
}

async fn on_record(
    home: &Path,
    steps: &[Step],
    echo: &Arc<Echo>,
    resume_state: Option<ResumeState>,
) -> RunState {
    let mut engine = engine(steps.to_vec(), echo);
    let mut meta = RunMeta {
        definitions: definitions(&plan(steps.to_vec()), &Only(Arc::default())).into(),
        ..RunMeta::default()
    };
    if let Some(mut resume_state) = resume_state {
        resume_state.fork(engine.run_id());
        meta.forked_from = resume_state.forked_from().cloned();
        engine = engine.with_resume_state(resume_state);
    }
    let journal = Journal::begin(home, engine.run_id(), meta, JournalOptions::default()).unwrap();
    run(engine.with_sink(journal)).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_new_for_what_is_called_again() {
    let home = tempfile::tempdir().unwrap();
    let steps = [
        step("a", json!({"n": 1}), &[]),
        Step {
            settings: Arc::new(StepSettings {
                idempotency_key: Some("given".into()),
                ..StepSettings::default()
            }),
            ..step("b", json!({"n": 2}), &[0])
        },
    ];
    let first = Arc::new(Echo::default());
    on_record(home.path(), &steps, &first, None).await;
    let second = Arc::new(Echo::default());
    let mut taken = resume_state(home.path(), &steps);
    taken.run_again(&"a".into());
    let state = on_record(home.path(), &steps, &second, Some(taken)).await;
    let keys = |echo: &Arc<Echo>| echo.keys.lock().unwrap().clone();
    let (first, second) = (keys(&first), keys(&second));
    assert_eq!((first.len(), second.len(), &*first[1]), (2, 2, "given"));
    let id = &state.header.as_ref().unwrap().run_id;
    assert_eq!(second, [format!("{id}/a/1"), format!("given:{id}")]);
    assert_eq!(
        state.steps[0].why().unwrap().rerun,
        Some(RerunReason::Asked)
    );
    assert!(
        matches!(&state.steps[1].why().unwrap().rerun, Some(RerunReason::Upstream { steps }) if &*steps[0] == "a")
    );
    let store = Store::at(home.path()).unwrap();
    let fork = store.find("last").unwrap();
    assert_ne!(fork.forked_from, None);
    assert!(fork.resumed_from.is_none() && store.resume(&fork).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supplied_output_and_an_edited_input_are_kept_by_a_fork() {
    let home = tempfile::tempdir().unwrap();
    let steps = [
        step("a", json!({"n": 1}), &[]),
        step("b", json!({"n": 2}), &[0]),
        step("c", json!({"n": 3}), &[1]),
    ];
    on_record(home.path(), &steps, &Arc::default(), None).await;
    let mut taken = resume_state(home.path(), &steps);
    taken
        .edits
        .push(Edit::Input("a".into(), Arc::new(json!({"n": 9}))));
    taken
        .edits
        .push(Edit::Output("b".into(), Arc::new(json!("given"))));
    let echo = Arc::new(Echo::default());
    let state = on_record(home.path(), &steps, &echo, Some(taken)).await;
    let sources: Vec<_> = state.steps.iter().map(|row| row.source).collect();
    assert_eq!(
        sources,
        [StepSource::Call, StepSource::Mock, StepSource::Call].map(Some)
    );
    assert_eq!(state.steps[0].attempts[0].input, json!({"n": 9}));
    assert!(
        matches!(&state.steps[0].why().unwrap().rerun, Some(RerunReason::Input { changes }) if changes.len() == 1)
    );

    // Nothing is called in a fork of that, although `a` has changed: the user has decided what `b` is.
    let mut taken = resume_state(home.path(), &steps);
    taken.run_again(&"a".into());
    let echo = Arc::new(Echo::default());
    let state = on_record(home.path(), &steps, &echo, Some(taken)).await;
    assert_eq!((echo.calls_of("a"), echo.total()), (1, 1));
    assert_eq!(state.steps[0].attempts[0].input, json!({"n": 9}));
    assert!(
        state
            .steps
            .iter()
            .all(|row| row.status == StepStatus::Succeeded)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_run_is_not_forked() {
    let home = tempfile::tempdir().unwrap();
    let steps = [step("a", json!({"n": 1}), &[])];
    let engine = engine(steps.to_vec(), &Arc::default());
    let mut journal = Journal::begin(
        home.path(),
        engine.run_id(),
        RunMeta::default(),
        JournalOptions::default(),
    )
    .unwrap();
    let (_, events) = run(crate::common::store::engine(
        steps.to_vec(),
        &Arc::default(),
    ))
    .await;
    let mut begun = events[..1].to_vec();
    if let plandeck::run::EventKind::RunStarted(header) = &mut begun[0].kind {
        Arc::make_mut(header).run_id = engine.run_id().clone();
    }
    plandeck::engine::EventSink::accept(&mut journal, &begun);
    plandeck::engine::EventSink::sync(&mut journal).unwrap();
    let store = Store::at(home.path()).unwrap();
    let run = store.find("last").unwrap();
    assert!(matches!(store.fork(&run), Err(StoreError::Running(_))));
    drop(journal);
    assert!(store.fork(&store.find("last").unwrap()).is_ok());
}

#[test]
fn forks_stand_below_their_parents_in_the_list() {
    let desk = Desk::new();
    let first = desk.json(&[
        "run",
        "plan.json",
        "--json",
        "-c",
        "text=x",
        "-c",
        "other=y",
    ]);
    let id = |run: &Value| run["run_id"].as_str().unwrap().to_owned();
    let root = id(&first);
    let fork = id(&desk.json(&["fork", &root, "--json", "--from", "b"]));
    let deeper = id(&desk.json(&["fork", &fork, "--json", "--from", "d"]));
    let other = desk.json(&[
        "run",
        "plan.json",
        "--json",
        "-c",
        "text=z",
        "-c",
        "other=y",
    ]);
    let tree = desk.json(&["runs", "--tree", "--json"]);
    assert_eq!(id(&tree[0]), id(&other));
    assert_eq!(id(&tree[1]), root);
    assert_eq!(id(&tree[1]["forks"][0]), fork);
    assert_eq!(id(&tree[1]["forks"][0]["forks"][0]), deeper);
    assert_eq!(tree.as_array().unwrap().len(), 2);
    let text = desk.run(&["runs", "--tree"]).stdout;
    let text = String::from_utf8(text).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[2].starts_with(&root), "{text}");
    assert!(lines[3].starts_with(&format!("└ {fork}")), "{text}");
    assert!(lines[4].starts_with(&format!("  └ {deeper}")), "{text}");
}
