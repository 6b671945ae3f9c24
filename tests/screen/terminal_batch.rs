//! The view of a batch in a real terminal: while it runs, from a second terminal, and afterwards.

use crate::common::program::{command, folder, signal};
use crate::common::terminal::Terminal;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// `first` → `wait` → `last`; `wait` lasts until the file `go`, or `go-N` for item N, is there, and item 3 fails at the
/// end.
fn desk(items: u64) -> TempDir {
    let tools = serde_json::json!({"tools": {
        "same": {"type": "jq", "filter": "."},
        "wait": {
            "type": "process",
            "command": ["sh", "-c", "n=$(tr -dc 0-9); until [ -e go ] || [ -e go-$n ]; do sleep 0.02; done; echo $n"],
            "cwd": ".",
        },
        "odd": {"type": "jq", "filter": "if .n == 3 then error(\"too odd: 3\") else . end"},
    }});
    let plan = serde_json::json!({"name": "slow", "steps": [
        {"id": "first", "tool": "same", "parameters": {"n": "{{n}}"}},
        {"id": "wait", "tool": "wait", "parameters": {"of": "{{first.n}}"}},
        {"id": "last", "tool": "odd", "parameters": {"n": "{{n}}"}, "depends_on": ["wait"]},
    ]});
    let folder = folder("plan.json", &plan.to_string(), &tools.to_string());
    let item = |n: u64| serde_json::json!({"key": format!("item-{n}"), "context": {"n": n}});
    let lines: String = (0..items).map(|n| item(n).to_string() + "\n").collect();
    std::fs::write(folder.path().join("in.jsonl"), lines).unwrap();
    folder
}

const BATCH: [&str; 8] = [
    "batch",
    "plan.json",
    "--inputs",
    "in.jsonl",
    "--worker",
    "offline",
    "-o",
    "out.jsonl",
];

fn terminal(folder: &Path, arguments: &[&str]) -> Terminal {
    let home = folder.join("home");
    let home = [("PLANDECK_HOME", home.to_str().unwrap())];
    Terminal::start_as(folder, arguments, 120, 36, &home)
}

fn lines(folder: &Path) -> usize {
    let text = std::fs::read_to_string(folder.join("out.jsonl")).unwrap();
    text.lines().count()
}

#[test]
fn a_batch_on_a_terminal_is_watched_and_an_item_is_opened() {
    let folder = desk(6);
    let mut view = terminal(folder.path(), &BATCH);
    view.wait_for("0/6");
    view.wait_for("item-0");
    // The run of an item that is running.
    view.press("\r");
    view.wait_for("RUNNING");
    std::fs::write(folder.path().join("go"), "").unwrap();
    view.wait_for("SUCCEEDED");
    view.press("q");
    view.wait_for("5/6");
    view.wait_for("some failed");
    view.wait_for("too odd: #");
    // The failures first, and the run of the one that failed.
    view.press("s\r");
    view.wait_for("FAILED");
    view.press("\u{1b}");
    view.wait_for("failed first");
    view.press("q");
    assert_eq!(view.wait_for_end(), 1);
    assert!(view.wait_for("6 of 6 items").contains("1 failed"));
    assert_eq!(lines(folder.path()), 6);
}

#[test]
fn a_second_terminal_shows_the_same_and_its_death_touches_nothing() {
    let folder = desk(4);
    let mut batch: Command = command();
    batch
        .current_dir(folder.path())
        .env("PLANDECK_HOME", folder.path().join("home"))
        .args(BATCH)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut batch = batch.spawn().unwrap();
    let begun = || {
        let mut runs: Command = command();
        runs.current_dir(folder.path())
            .env("PLANDECK_HOME", folder.path().join("home"))
            .args(["runs", "--batch", "last", "--json"]);
        let output = runs.output().unwrap();
        let runs: Vec<serde_json::Value> =
            serde_json::from_slice(&output.stdout).unwrap_or_default();
        runs.len()
    };
    while begun() < 4 {}
    let attached = || {
        let view = terminal(folder.path(), &["attach", "last"]);
        view.wait_for("4 ●");
        view
    };
    let first = attached();
    signal("KILL", first.process());
    let mut second = attached();
    std::fs::write(folder.path().join("go"), "").unwrap();
    second.wait_for("3/4");
    second.wait_for("some failed");
    assert_eq!(batch.wait().unwrap().code(), Some(1));
    second.press("q");
    assert_eq!(second.wait_for_end(), 0);
    assert_eq!(lines(folder.path()), 4);
    // Afterwards it is the same.
    let mut later = terminal(folder.path(), &["show", "last"]);
    later.wait_for("3/4");
    later.press("d");
    later.wait_for("no earlier batch of this plan is on record");
    let mut again: Command = command();
    again
        .current_dir(folder.path())
        .env("PLANDECK_HOME", folder.path().join("home"))
        .args(BATCH)
        .arg("--headless");
    assert_eq!(again.output().unwrap().status.code(), Some(1));
    let mut other = terminal(folder.path(), &["show", "last"]);
    other.wait_for("3/4");
    other.press("d");
    other.wait_for("0 items changed, 4 the same");
    other.press("\u{1b}");
    other.wait_until("the comparison is closed", |screen| {
        !screen.contents().contains("items changed")
    });
    other.press("q");
    assert_eq!(other.wait_for_end(), 0);
    later.press("q");
    assert_eq!(later.wait_for_end(), 0);
}

#[test]
fn leaving_asks_and_a_batch_that_is_stopped_can_be_resumed() {
    let folder = desk(4);
    let mut view = terminal(folder.path(), &BATCH);
    view.wait_for("4 ●");
    view.press("q");
    view.wait_for("stop the batch?");
    view.press("y");
    view.wait_for("interrupted");
    view.press("q");
    view.wait_for_end();
    view.wait_for("to run the rest: plandeck batch --resume");
    std::fs::write(folder.path().join("go"), "").unwrap();
    let mut again = terminal(
        folder.path(),
        &[
            "batch",
            "--resume",
            "last",
            "-o",
            "out.jsonl",
            "--unknown",
            "rerun",
        ],
    );
    again.wait_for("3/4");
    again.wait_for("some failed");
    again.press("q");
    assert_eq!(again.wait_for_end(), 1);
    assert_eq!(lines(folder.path()), 4);
}

/// What a view shows below its head, in which the time goes on.
fn figures(screen: &str) -> Vec<String> {
    let lines = screen
        .lines()
        .skip(1)
        .map(|line| line.trim_end().to_owned());
    lines.collect()
}

#[test]
fn two_views_of_a_live_batch_agree_in_every_figure() {
    let folder = desk(8);
    let mut own = terminal(folder.path(), &BATCH);
    own.wait_for("8 ●");
    let mut other = terminal(folder.path(), &["attach", "last"]);
    other.wait_for("8 ●");
    let agree = |own: &Terminal, other: &Terminal, counts: [&str; 3]| {
        for view in [own, other] {
            view.wait_until("the counts", |screen| {
                counts.iter().all(|part| screen.contents().contains(part))
            });
        }
        // What is read last may come to one of them a moment later.
        own.wait_until("what the other view shows", |screen| {
            figures(&screen.contents()) == figures(&other.text())
        });
    };
    for go in 0..5 {
        std::fs::write(folder.path().join(format!("go-{go}")), "").unwrap();
    }
    agree(&own, &other, ["4/8 ✔", "3 ●", "1 ✖"]);
    // Sorted alike they agree in the order too.
    own.press("s");
    other.press("s");
    agree(&own, &other, ["failed first", "3 ●", "too odd: #"]);
    std::fs::write(folder.path().join("go"), "").unwrap();
    agree(&own, &other, ["7/8 ✔", "some failed", "1 ✖"]);
    for view in [&mut other, &mut own] {
        view.press("q");
    }
    assert_eq!((other.wait_for_end(), own.wait_for_end()), (0, 1));
}
