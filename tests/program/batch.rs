//! `plandeck batch` from outside: what comes in and out, limits that all runs share, and resuming.

use crate::common::program::{HANG, code, command, plandeck, signal, stderr};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PLAN: &str = r#"
steps:
  - {id: double, tool: double, parameters: {n: "{{n}}"}}
  - {id: check, tool: small, parameters: {n: "{{double.n}}"}}
"#;

/// Numbers above 100 fail.
const TOOLS: &str = r#"
tools:
  double: {type: jq, filter: "{n: (.n * 2)}"}
  small: {type: jq, filter: "if .n > 100 then error(\"too large: \\(.n)\") else .n end"}
"#;

fn folder(plan: &str, tools: &str) -> TempDir {
    crate::common::program::folder("plan.yaml", plan, tools)
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

fn batch(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = plandeck();
    command.current_dir(folder);
    command.env("PLANDECK_HOME", folder.join("home"));
    command.arg("batch").args(arguments);
    command.args(["--worker", "offline"]).output().unwrap()
}

fn lines_of(text: &[u8]) -> Vec<Value> {
    let lines = text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

fn keys(lines: &[Value]) -> Vec<&str> {
    lines
        .iter()
        .map(|line| line["key"].as_str().unwrap())
        .collect()
}

fn batch_id(output: &Output) -> String {
    let text = stderr(output);
    let mut lines = text.lines();
    let first = lines.find_map(|line| line.strip_prefix("batch "));
    first
        .unwrap_or_else(|| panic!("no batch in {text}"))
        .to_owned()
}

#[test]
fn json_lines_in_and_out_in_order_with_the_shape_of_the_contract() {
    let folder = folder(PLAN, TOOLS);
    let inputs: String = (0..40)
        .map(|n| json!({"n": n}).to_string() + "\n")
        .collect();
    write(folder.path(), "in.jsonl", &inputs);
    let output = batch(
        folder.path(),
        &["plan.yaml", "--inputs", "in.jsonl", "--in-order"],
    );
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let lines = lines_of(&output.stdout);
    assert_eq!(lines.len(), 40);
    for (index, line) in lines.iter().enumerate() {
        let fields: Vec<&String> = line.as_object().unwrap().keys().collect();
        let expected = [
            "key",
            "index",
            "run_id",
            "status",
            "result",
            "error",
            "cost",
            "latency_ms",
            "attempts",
        ];
        assert_eq!(fields, expected);
        assert_eq!(line["key"], index.to_string());
        assert_eq!(line["index"], index);
        assert_eq!(
            (&line["status"], &line["result"]),
            (&json!("succeeded"), &json!(2 * index))
        );
        assert_eq!(
            (&line["error"], &line["attempts"]),
            (&Value::Null, &json!(2))
        );
    }
    assert!(stderr(&output).starts_with("batch "), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("40 of 40 items"),
        "{}",
        stderr(&output)
    );
    // Each item is a run of its own, and a list of runs stays short.
    let run = lines[3]["run_id"].as_str().unwrap();
    let home = folder.path().join("home");
    let show = plandeck()
        .env("PLANDECK_HOME", &home)
        .args(["show", run, "--json"])
        .output()
        .unwrap();
    assert_eq!(lines_of(&show.stdout)[0]["result"], 6);
    let list = |more: &[&str]| {
        let mut command = plandeck();
        let output = command
            .env("PLANDECK_HOME", &home)
            .arg("runs")
            .args(more)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(list(&[]).contains("40 succeeded"), "{}", list(&[]));
    assert_eq!(list(&["--json"]).trim(), "[]");
    let of_batch: Vec<Value> = serde_json::from_str(&list(&["--batch", "last", "--json"])).unwrap();
    assert_eq!(of_batch.len(), 40);
}

#[test]
fn failures_are_lines_with_errors_and_are_grouped_at_the_end() {
    let folder = folder(PLAN, TOOLS);
    let mut csv = "name,n\n".to_owned();
    for n in 0..30 {
        csv += "item ";
        csv += &n.to_string();
        csv += ",";
        csv += &(n * 3).to_string();
        csv += "\n";
    }
    write(folder.path(), "in.csv", &csv);
    let arguments = [
        "plan.yaml",
        "--inputs",
        "in.csv",
        "--key",
        "name",
        "-o",
        "out.jsonl",
        "--json",
    ];
    let output = batch(folder.path(), &arguments);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    assert!(output.stdout.is_empty());
    let lines = lines_of(&std::fs::read(folder.path().join("out.jsonl")).unwrap());
    let failed = lines
        .iter()
        .filter(|line| line["status"] == "failed")
        .count();
    assert_eq!((lines.len(), failed), (30, 13));
    assert_eq!(keys(&lines).iter().collect::<BTreeSet<_>>().len(), 30);
    let text = stderr(&output);
    let summary: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(summary["counts"]["failed"], 13);
    assert_eq!(summary["failures"].as_array().unwrap().len(), 1);
    assert_eq!(
        (
            &summary["failures"][0]["count"],
            &summary["failures"][0]["step"]
        ),
        (&json!(13), &json!("check"))
    );
}

#[test]
fn a_folder_is_a_file_for_each_item_and_standard_input_is_json_lines() {
    let plan =
        r#"{"steps": [{"id": "len", "tool": "len", "parameters": {"text": "{{receipt}}"}}]}"#;
    let folder = crate::common::program::folder(
        "plan.json",
        plan,
        "tools:\n  len: {type: jq, filter: \".text | length\"}\n",
    );
    let files = folder.path().join("files");
    std::fs::create_dir(&files).unwrap();
    for (name, text) in [("a.txt", "four"), ("b.txt", "seven!!")] {
        write(&files, name, text);
    }
    let output = batch(
        folder.path(),
        &["plan.json", "--inputs", "files", "--in-order"],
    );
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let lines = lines_of(&output.stdout);
    assert_eq!(keys(&lines), ["a.txt", "b.txt"]);
    assert_eq!(
        (&lines[0]["result"], &lines[1]["result"]),
        (&json!(4), &json!(7))
    );
    let mut command = plandeck();
    let output = command
        .current_dir(folder.path())
        .args(["batch", "plan.json", "--inputs", "-", "--worker", "offline"])
        .write_stdin("{\"key\": \"k\", \"context\": {\"receipt\": \"ab\"}}\n")
        .output()
        .unwrap();
    let lines = lines_of(&output.stdout);
    assert_eq!(
        (&lines[0]["key"], &lines[0]["result"]),
        (&json!("k"), &json!(2))
    );
}

#[test]
fn bad_inputs_are_all_named_with_their_lines_and_nothing_runs() {
    let folder = folder(PLAN, TOOLS);
    for (text, expected) in [
        (
            "{\"n\": 1}\n{n: 2}\n[3]\n{\"m\": 4}\n",
            &[
                "in.jsonl:2: it is not valid JSON",
                "in.jsonl:3: it is not a JSON object",
                "in.jsonl:4: item 3 has no n",
            ][..],
        ),
        (
            "{\"key\": \"a\", \"context\": {\"n\": 1}}\n{\"key\": \"a\", \"context\": {\"n\": 2}}\n",
            &["in.jsonl:2: the key a stands for item 0 already"][..],
        ),
        ("", &["it has no items"][..]),
    ] {
        write(folder.path(), "in.jsonl", text);
        let output = batch(folder.path(), &["plan.yaml", "--inputs", "in.jsonl"]);
        assert_eq!(code(&output), 2, "{}", stderr(&output));
        assert!(output.stdout.is_empty());
        for expected in expected {
            assert!(stderr(&output).contains(expected), "{}", stderr(&output));
        }
        assert!(
            stderr(&output).contains("nothing ran"),
            "{}",
            stderr(&output)
        );
    }
    let output = batch(folder.path(), &["plan.yaml", "--inputs", "missing.jsonl"]);
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("missing.jsonl"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn bad_lines_of_standard_input_are_named_as_such_and_a_pipe_is_read_whole() {
    let folder = folder(PLAN, TOOLS);
    let home = folder.path().join("home");
    let output = plandeck()
        .current_dir(folder.path())
        .env("PLANDECK_HOME", &home)
        .args(["batch", "plan.yaml", "--inputs", "-", "--worker", "offline"])
        .write_stdin("{\"n\": 1}\nnothing\n")
        .output()
        .unwrap();
    assert_eq!(code(&output), 2);
    let said = stderr(&output);
    assert!(
        said.contains("standard input:2: it is not valid JSON"),
        "{said}"
    );
    assert_eq!(std::fs::read_dir(home.join("batches")).unwrap().count(), 0);

    let made = std::process::Command::new("mkfifo")
        .current_dir(folder.path())
        .arg("pipe")
        .status();
    assert!(made.unwrap().success());
    let pipe = folder.path().join("pipe");
    let writer = std::thread::spawn(move || std::fs::write(pipe, "{\"n\": 1}\n{\"n\": 2}\n"));
    let output = batch(folder.path(), &["plan.yaml", "--inputs", "pipe"]);
    writer.join().unwrap().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(keys(&lines_of(&output.stdout)).len(), 2);
}

/// Each call takes a moment, costs a dollar, and notes outside when it began and ended.
const COSTLY: &str = r#"
tools:
  pay:
    type: process
    cost_usd: 1
    command: ["sh", "-c", "read -r line; echo begin >> log; sleep 0.05; echo end >> log; echo '\"paid\"'"]
    parameters: [{name: of, required: true}, {name: after, required: false}]
"#;

const TWO_PAYMENTS: &str = r#"
steps:
  - {id: first, tool: pay, parameters: {of: "{{n}} first"}}
  - {id: second, tool: pay, parameters: {of: "{{n}} second", after: "{{first}}"}}
"#;

fn numbers(folder: &Path, count: usize) {
    let inputs: String = (0..count)
        .map(|n| json!({"n": n}).to_string() + "\n")
        .collect();
    write(folder, "in.jsonl", &inputs);
}

/// How many calls were made, and how many at once at most.
fn calls(folder: &Path) -> (usize, usize) {
    let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    let (mut begun, mut running, mut most) = (0, 0_usize, 0);
    for line in log.lines() {
        if line == "begin" {
            begun += 1;
            running += 1;
            most = most.max(running);
        } else {
            running -= 1;
        }
    }
    (begun, most)
}

#[test]
fn one_budget_and_one_set_of_slots_hold_for_all_runs_and_the_rest_is_left_out() {
    let folder = folder(TWO_PAYMENTS, COSTLY);
    numbers(folder.path(), 30);
    let budget = [
        "--max-total-cost-usd",
        "9",
        "--max-concurrent",
        "3",
        "--max-runs",
        "6",
    ];
    let arguments = [
        &["plan.yaml", "--inputs", "in.jsonl", "-o", "out.jsonl"][..],
        &budget,
    ]
    .concat();
    let output = batch(folder.path(), &arguments);
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    let (begun, at_once) = calls(folder.path());
    assert_eq!(begun, 9);
    assert!(at_once <= 3, "{at_once} at once");
    let lines = || lines_of(&std::fs::read(folder.path().join("out.jsonl")).unwrap());
    let first = lines();
    assert_eq!(first.len(), 30);
    let of = |lines: &[Value], status: &str| {
        lines.iter().filter(|line| line["status"] == status).count()
    };
    assert_eq!(of(&first, "succeeded") + of(&first, "limit_exceeded"), 30);
    assert!(of(&first, "succeeded") <= 4);
    assert!(
        stderr(&output).contains("plandeck batch --resume"),
        "{}",
        stderr(&output)
    );
    // With more money the rest runs, and nothing is paid twice.
    let id = batch_id(&output);
    let more = [
        "--resume",
        &id,
        "-o",
        "out.jsonl",
        "--max-total-cost-usd",
        "60",
    ];
    let output = batch(folder.path(), &more);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(calls(folder.path()).0, 60);
    let all = lines();
    assert_eq!((all.len(), of(&all, "succeeded")), (30, 30));
    assert_eq!(keys(&all).iter().collect::<BTreeSet<_>>().len(), 30);
    let output = batch(folder.path(), &["--resume", &id, "-o", "out.jsonl"]);
    assert_eq!(
        (code(&output), calls(folder.path()).0, lines().len()),
        (0, 60, 30)
    );
}

#[test]
fn the_number_of_calls_and_a_rate_hold_for_all_runs() {
    let folder = folder(TWO_PAYMENTS, COSTLY);
    numbers(folder.path(), 12);
    let output = batch(
        folder.path(),
        &[
            "plan.yaml",
            "--inputs",
            "in.jsonl",
            "--max-tool-calls",
            "7",
            "--max-total-cost-usd",
            "none",
        ],
    );
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    assert_eq!(calls(folder.path()).0, 7);
    assert_eq!(lines_of(&output.stdout).len(), 12);
    std::fs::remove_file(folder.path().join("log")).unwrap();
    // Five calls a minute, and no more before the time is over.
    let tools = format!("{COSTLY}    pool: shop\n");
    write(folder.path(), "tools.yaml", &tools);
    let limits = [
        "--rate",
        "shop=5",
        "--timeout-seconds",
        "2",
        "--max-total-cost-usd",
        "none",
        "--fresh",
    ];
    let arguments = [&["plan.yaml", "--inputs", "in.jsonl"][..], &limits].concat();
    let output = batch(folder.path(), &arguments);
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    assert_eq!(calls(folder.path()).0, 5);
    assert_eq!(lines_of(&output.stdout).len(), 12);
}

/// A call fails until its item was tried twice.
const FLAKY: &str = r#"
tools:
  note:
    type: process
    command: ["sh", "-c", "read -r line; echo x >> first; echo 1"]
    parameters: [{name: n, required: true}]
  flaky:
    type: process
    command: ["sh", "-c", "n=$(cat); f=tries-$(echo \"$n\" | tr -dc 0-9); echo x >> $f; [ $(wc -l < $f) -ge 3 ] || exit 1; echo 2"]
    parameters: [{name: n, required: true}, {name: after, required: false}]
"#;

#[test]
fn an_item_that_failed_runs_again_from_its_failure() {
    let plan = r#"
steps:
  - {id: note, tool: note, parameters: {n: "{{n}}"}}
  - {id: flaky, tool: flaky, parameters: {n: "{{n}}"}, depends_on: [note]}
"#;
    let folder = folder(plan, FLAKY);
    numbers(folder.path(), 4);
    let output = batch(
        folder.path(),
        &[
            "plan.yaml",
            "--inputs",
            "in.jsonl",
            "--retries",
            "1",
            "--in-order",
        ],
    );
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    let id = batch_id(&output);
    let count = |name: &str| {
        std::fs::read_to_string(folder.path().join(name))
            .unwrap()
            .lines()
            .count()
    };
    assert_eq!((count("first"), count("tries-2")), (4, 2));
    let output = batch(folder.path(), &["--resume", &id]);
    assert_eq!(
        (code(&output), count("tries-2")),
        (1, 2),
        "{}",
        stderr(&output)
    );
    let output = batch(folder.path(), &["--resume", &id, "--retry-failed"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!((count("first"), count("tries-2")), (4, 3));
    assert_eq!(lines_of(&output.stdout).len(), 4);
}

/// Each call notes its item and step outside, once before it works and once after.
const EFFECTS: &str = r#"
tools:
  effect:
    type: process
    command: ["sh", "-c", "line=$(cat); id=$(echo \"$line\" | tr -dc 0-9ab); echo begin $id >> effects; sleep 0.01; echo end $id >> effects; echo 1"]
    parameters: [{name: id, required: true}, {name: after, required: false}]
"#;

const EFFECT_PLAN: &str = r#"
steps:
  - {id: a, tool: effect, parameters: {id: "{{n}}a"}}
  - {id: b, tool: effect, parameters: {id: "{{n}}b"}, depends_on: [a]}
"#;

fn start(folder: &Path, arguments: &[&str]) -> Child {
    let mut command = command();
    command
        .current_dir(folder)
        .env("PLANDECK_HOME", folder.join("home"))
        .arg("batch")
        .args(arguments)
        .args(["--worker", "offline", "--fresh", "-o", "out.jsonl"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn effects(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("effects")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn wait_for_effects(folder: &Path, child: &mut Child, count: usize) {
    let begin = Instant::now();
    while effects(folder).len() < count && child.try_wait().unwrap().is_none() {
        assert!(begin.elapsed() < HANG);
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn killed_at_any_moment_a_batch_is_resumed_and_nothing_is_lost_or_done_twice() {
    let mut random = fastrand::Rng::with_seed(14);
    for trial in 0..4 {
        let folder = folder(EFFECT_PLAN, EFFECTS);
        numbers(folder.path(), 25);
        let mut child = start(folder.path(), &["plan.yaml", "--inputs", "in.jsonl"]);
        wait_for_effects(folder.path(), &mut child, random.usize(1..80));
        child.kill().unwrap();
        let killed = child.wait_with_output().unwrap();
        // What it started ends by itself, or with it.
        let mut before = effects(folder.path());
        loop {
            std::thread::sleep(Duration::from_millis(60));
            let now = effects(folder.path());
            if now == before {
                break;
            }
            before = now;
        }
        let ended = lines_of_whole(&std::fs::read(folder.path().join("out.jsonl")).unwrap());
        let id = batch_id(&killed);
        let child = start(folder.path(), &["--resume", &id, "--unknown", "rerun"]);
        let output = child.wait_with_output().unwrap();
        assert_eq!(code(&output), 0, "trial {trial}: {}", stderr(&output));
        let lines = lines_of(&std::fs::read(folder.path().join("out.jsonl")).unwrap());
        assert_eq!(lines.len(), 25, "trial {trial}");
        assert!(lines.iter().all(|line| line["status"] == "succeeded"));
        assert_eq!(keys(&lines).iter().collect::<BTreeSet<_>>().len(), 25);
        assert_eq!(&lines[..ended.len()], ended);
        // Only what was running at the kill may have happened twice, and it was asked for.
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for line in effects(folder.path()) {
            *counts.entry(line).or_default() += 1;
        }
        let again = counts
            .iter()
            .filter(|(line, count)| line.starts_with("end") && **count > 1);
        assert!(again.count() <= 5, "trial {trial}: {counts:?}");
        let done = counts.keys().filter(|line| line.starts_with("end"));
        assert_eq!(done.count(), 50);
        for line in &ended {
            for step in ["a", "b"] {
                let effect = format!("end {}{step}", line["key"].as_str().unwrap());
                assert_eq!(counts[&effect], 1, "trial {trial}");
            }
        }
    }
}

/// The whole lines: the last one may be cut.
fn lines_of_whole(text: &[u8]) -> Vec<Value> {
    let end = text
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    lines_of(&text[..end])
}

#[test]
fn a_signal_stops_the_batch_and_says_how_it_is_resumed() {
    let folder = folder(EFFECT_PLAN, EFFECTS);
    numbers(folder.path(), 200);
    let mut child = start(folder.path(), &["plan.yaml", "--inputs", "in.jsonl"]);
    wait_for_effects(folder.path(), &mut child, 20);
    signal("INT", child.id());
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 130, "{}", stderr(&output));
    let id = batch_id(&output);
    let hint = format!("plandeck batch --resume {id} -o out.jsonl");
    assert!(stderr(&output).contains(&hint), "{}", stderr(&output));
    let before = lines_of(&std::fs::read(folder.path().join("out.jsonl")).unwrap());
    assert!(before.len() < 200);
    assert!(before.iter().all(|line| line["status"] == "succeeded"));
    // A last line that was cut off is written again.
    let mut text = std::fs::read(folder.path().join("out.jsonl")).unwrap();
    text.extend(b"{\"key\": \"199\", \"ind");
    std::fs::write(folder.path().join("out.jsonl"), text).unwrap();
    let output = start(folder.path(), &["--resume", &id])
        .wait_with_output()
        .unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let lines = lines_of(&std::fs::read(folder.path().join("out.jsonl")).unwrap());
    assert_eq!((lines.len(), &lines[..before.len()]), (200, &before[..]));
}

#[test]
fn a_secret_that_all_items_use_is_not_recorded_and_given_again() {
    const TOKEN: &str = "tok-5d41402abc4b2a76b971";
    let tools = r#"
tools:
  echo: {type: process, command: [cat], env: {TOKEN: "${BATCH_TOKEN}"}}
"#;
    let plan = r#"
steps:
  - {id: echo, tool: echo, parameters: {n: "{{n}}", key: "{{token}}", kept: "{{kept}}"}}
"#;
    let folder = folder(plan, tools);
    write(folder.path(), "in.jsonl", "{\"n\": 1}\n");
    let run = |arguments: &[&str]| {
        let mut command = plandeck();
        command.current_dir(folder.path());
        command.env("PLANDECK_HOME", folder.path().join("home"));
        command.env("BATCH_TOKEN", TOKEN);
        command.arg("batch").args(arguments).output().unwrap()
    };
    let token = format!("token={TOKEN}");
    let given = ["-c", &token, "-c", "kept=plain"];
    let output = run(&[&["plan.yaml", "--inputs", "in.jsonl"], &given[..]].concat());
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    for file in ["plandeck.db", "plandeck.db-wal"] {
        let bytes = std::fs::read(folder.path().join("home").join(file)).unwrap_or_default();
        let has = |text: &str| {
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        assert!(!has(TOKEN), "{file}");
    }
    let id = batch_id(&output);
    let output = run(&["--resume", &id]);
    assert_eq!(code(&output), 2, "{}", stderr(&output));
    let said = stderr(&output);
    assert!(said.contains("token") && !said.contains("kept"), "{said}");
    let output = run(&["--resume", &id, "-c", &token]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
}
