//! Looking back through the program: replays of runs and of files, damaged files, and differences.

use crate::common::program::plandeck;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;

/// The program with a home inside `folder`.
fn at(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = plandeck();
    command
        .current_dir(folder)
        .env("PLANDECK_HOME", folder.join("home"))
        .args(arguments);
    command.output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A step that another depends on, and one beside them; all take numbers from the context.
fn folder() -> TempDir {
    let plan = json!({
        "name": "sums",
        "steps": [
            {"id": "last", "tool": "add", "parameters": {"n": "{{first}}", "by": 1}},
            {"id": "first", "tool": "add", "parameters": {"n": "{{start}}", "by": 1}},
            {"id": "beside", "tool": "add", "parameters": {"n": 1, "by": "{{by}}"}},
        ],
        "tools": {"add": {"type": "jq", "filter": "if .n > 100 then error(\"too large\") else .n + .by end"}},
    });
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    folder
}

/// Runs the plan, with its events in `events.jsonl`; the run's id.
fn run(folder: &Path, start: i32, by: i32) -> String {
    let (start, by) = (format!("start={start}"), format!("by={by}"));
    let output = at(
        folder,
        &[
            "run",
            "plan.json",
            "--json",
            "--fresh",
            "-c",
            &start,
            "-c",
            &by,
            "--events",
            "events.jsonl",
        ],
    );
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    result["run_id"].as_str().unwrap().to_owned()
}

fn diff(folder: &Path, a: &str, b: &str) -> (Value, String) {
    let as_json = at(folder, &["diff", a, b, "--json"]);
    let as_text = at(folder, &["diff", a, b]);
    assert_eq!(
        (as_json.status.code(), as_text.status.code()),
        (Some(0), Some(0))
    );
    (
        serde_json::from_slice(&as_json.stdout).unwrap(),
        out(&as_text),
    )
}

#[test]
fn two_runs_part_at_the_first_step_along_the_dag_and_not_in_the_file() {
    let folder = folder();
    let first = run(folder.path(), 1, 1);
    let again = run(folder.path(), 1, 1);
    let other = run(folder.path(), 2, 1);
    let (alike, text) = diff(folder.path(), &first, &again);
    assert_eq!(
        (&alike["first_divergence"], &alike["steps"], &alike["same"]),
        (&Value::Null, &json!([]), &json!(3))
    );
    assert!(
        text.contains("nothing but the time they took differs"),
        "{text}"
    );

    let (apart, text) = diff(folder.path(), &first, &other);
    assert_eq!(apart["first_divergence"], "first");
    assert_eq!(
        apart["context"],
        json!([{"path": "start", "before": 1, "after": 2}])
    );
    let steps: Vec<(&str, Vec<&str>)> = apart["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            let differs = step["differs"].as_array().unwrap().iter();
            (
                step["id"].as_str().unwrap(),
                differs.map(|what| what.as_str().unwrap()).collect(),
            )
        })
        .collect();
    assert_eq!(
        steps,
        [
            ("last", vec!["input", "output"]),
            ("first", vec!["input", "output"])
        ]
    );
    for says in [
        "context.start: 1 → 2",
        "they part at first: it was given something else, though nothing that it depends on differs",
        "input.n: 2 → 3",
    ] {
        assert!(text.contains(says), "{says}:\n{text}");
    }
}

#[test]
fn a_failure_is_a_difference_in_status_and_error() {
    let folder = folder();
    let well = run(folder.path(), 1, 1);
    let badly = run(folder.path(), 101, 1);
    let (apart, text) = diff(folder.path(), &well, &badly);
    assert_eq!(apart["status"], json!(["succeeded", "failed"]));
    let step = |id: &str| {
        let steps = apart["steps"].as_array().unwrap().iter();
        steps.clone().find(|step| step["id"] == id).unwrap().clone()
    };
    assert_eq!(step("first")["status"], json!(["succeeded", "failed"]));
    assert_eq!(step("first")["error"][0], Value::Null);
    assert!(
        step("first")["error"][1]
            .as_str()
            .unwrap()
            .contains("too large")
    );
    assert_eq!(step("last")["status"], json!(["succeeded", "skipped"]));
    assert!(
        text.contains("error: none → ") && text.contains("succeeded → failed"),
        "{text}"
    );
}

#[test]
fn a_file_of_events_is_played_as_the_run_is() {
    let folder = folder();
    let id = run(folder.path(), 1, 1);
    let of_run = at(folder.path(), &["replay", &id, "--speed", "0"]);
    let of_file = at(folder.path(), &["replay", "events.jsonl", "--speed", "0"]);
    assert_eq!(
        (of_run.status.code(), of_file.status.code()),
        (Some(0), Some(0))
    );
    assert_eq!(out(&of_run), out(&of_file));
    assert!(
        out(&of_run).ends_with("run succeeded\n"),
        "{}",
        out(&of_run)
    );
}

#[test]
fn a_file_whose_times_are_out_of_order_is_played_to_its_end() {
    let folder = folder();
    run(folder.path(), 1, 1);
    let file = folder.path().join("events.jsonl");
    let whole = std::fs::read_to_string(&file).unwrap();
    let wrong = |(at, line): (usize, &str)| {
        let mut event: serde_json::Value = serde_json::from_str(line).unwrap();
        match at {
            1 => event["at_ms"] = 4.0e12.into(),
            2 => event["at_ms"] = 0.into(),
            _ => {}
        }
        format!("{event}\n")
    };
    std::fs::write(
        &file,
        whole.lines().enumerate().map(wrong).collect::<String>(),
    )
    .unwrap();
    for speed in ["0", "1", "nan", "1e300"] {
        let played = at(folder.path(), &["replay", "events.jsonl", "--speed", speed]);
        assert_eq!(played.status.code(), Some(0), "{speed}");
        assert!(out(&played).ends_with("run succeeded\n"), "{speed}");
    }
}

#[test]
fn a_file_that_is_no_record_of_a_run_is_refused_with_its_line() {
    let folder = folder();
    run(folder.path(), 1, 1);
    let whole = std::fs::read_to_string(folder.path().join("events.jsonl")).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let cut = &whole[..whole.len() - 20];
    let deep = "[".repeat(200_000);
    let cases: [(&str, String, &str); 9] = [
        ("empty", String::new(), "holds no events of a run"),
        ("foreign", "{\"a\": 1}\n".to_owned(), "line 1: not an event"),
        (
            "text",
            "Dear reader,\nhello\n".to_owned(),
            "line 1: not an event",
        ),
        ("deep", deep, "line 1: not an event"),
        (
            "cut",
            cut.to_owned(),
            &format!("line {}: not an event", lines.len()),
        ),
        (
            "headless",
            lines[1..].join("\n"),
            "line 1: the start of the run is missing",
        ),
        (
            "gap",
            [lines[0], lines[2]].join("\n"),
            "line 2: found event 2, expected 1",
        ),
        (
            "twice",
            format!("{whole}{whole}"),
            &format!("line {}: another run starts here", lines.len() + 1),
        ),
        ("escape", "\u{1b}[2J{\n".to_owned(), "line 1: not an event"),
    ];
    for (name, content, says) in cases {
        std::fs::write(folder.path().join("bad.jsonl"), content).unwrap();
        let output = at(folder.path(), &["replay", "bad.jsonl", "--speed", "0"]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{name}: {error}");
        assert!(
            error.contains(says) && error.contains("bad.jsonl"),
            "{name}: {error}"
        );
        assert!(
            !error.contains('\u{1b}') && !error.contains("panicked"),
            "{name}: {error}"
        );
        assert!(out(&output).is_empty(), "{name}");
    }
    std::fs::write(folder.path().join("bytes.jsonl"), [0xff, 0xfe, 0, 10, 200]).unwrap();
    let output = at(folder.path(), &["replay", "bytes.jsonl"]);
    assert_eq!(output.status.code(), Some(2));
    let output = at(folder.path(), &["replay", "nowhere/events.jsonl"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no such file"));
}

#[test]
fn a_run_that_was_cut_short_is_told_as_one_in_every_format() {
    let plan = json!({
        "name": "cut",
        "steps": [
            {"id": "quick", "tool": "quick", "parameters": {}},
            {"id": "slow", "tool": "slow", "parameters": {"after": "{{quick}}"}},
        ],
        "tools": {
            "quick": {"type": "jq", "filter": "1"},
            "slow": {"type": "process", "command": ["sh", "-c", "echo > begun; sleep 60"]},
        },
    });
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    let mut child = crate::common::program::command()
        .args(["run", "plan.json", "--json"])
        .current_dir(folder.path())
        .env("PLANDECK_HOME", folder.path().join("home"))
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let deadline = std::time::Instant::now() + crate::common::program::HANG;
    while !folder.path().join("begun").exists() {
        assert!(
            std::time::Instant::now() < deadline,
            "the slow step never began"
        );
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let of = |arguments: &[&str]| {
        let output = at(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        out(&output)
    };
    let shown: Value = serde_json::from_str(&of(&["show", "last", "--json"])).unwrap();
    assert_eq!(shown["status"], "interrupted");
    assert_eq!(shown["steps"][1]["status"], "unknown");
    assert!(of(&["show", "last"]).contains("unknown"));
    assert!(of(&["export", "last", "--format", "csv"]).contains("slow,slow,process,unknown,"));
    let trace: Value = serde_json::from_str(&of(&["export", "last", "--format", "trace"])).unwrap();
    let spans = trace["traceEvents"].as_array().unwrap().iter();
    let slow = spans.clone().find(|span| span["name"] == "slow").unwrap();
    assert_eq!(slow["args"]["status"], "unknown");
    std::fs::write(
        folder.path().join("run.jsonl"),
        of(&["export", "last", "--format", "jsonl"]),
    )
    .unwrap();
    assert!(of(&["replay", "run.jsonl", "--speed", "0"]).contains("started   slow"));
    assert!(of(&["diff", "last", "last"]).starts_with(shown["run_id"].as_str().unwrap()));
}

/// A file stays as long as an output names it, of a run or in the cache.
#[test]
fn files_that_outputs_name_go_with_their_runs() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("home/files");
    std::fs::create_dir_all(&files).unwrap();
    let hour = std::time::Duration::from_hours(1);
    let keep = |name: &str, age: std::time::Duration| {
        let file = std::fs::File::create(files.join(name)).unwrap();
        let then = std::time::SystemTime::now() - age;
        file.set_modified(then).unwrap();
    };
    let (image, other) = (
        "0123456789abcdef0123456789abcdef.png",
        "fedcba9876543210fedcba9876543210.bin",
    );
    keep(image, hour * 2);
    keep(other, hour * 2);
    keep("new.bin", hour / 2);
    let output = json!({"file": files.join(image)}).to_string();
    let tool = json!({"type": "process", "command": ["echo", output], "read_only": true});
    let plan = json!({"tools": {"t": tool}, "steps": [{"id": "a", "tool": "t"}]});
    std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    let command = |arguments: &[&str]| {
        let output = plandeck()
            .args(arguments)
            .current_dir(folder.path())
            .env("PLANDECK_HOME", folder.path().join("home"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let left = || {
        let entries = std::fs::read_dir(&files).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    command(&["run", "plan.json", "--headless", "--worker", "offline"]);
    assert!(command(&["runs", "prune", "--keep", "1"]).contains("1 file"));
    assert_eq!(left(), [image, "new.bin"], "the run names it");
    command(&["runs", "prune", "--keep", "0"]);
    assert_eq!(left(), [image, "new.bin"], "the cache names it");
    command(&["cache", "clear"]);
    command(&["runs", "prune", "--keep", "0"]);
    assert_eq!(left(), ["new.bin"]);
}
