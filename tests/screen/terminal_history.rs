//! Looking back in a real terminal: time travel in a run, a replay, and a run compared with another.

use crate::common::program::{folder, plandeck};
use crate::common::terminal::Terminal;
use std::path::Path;

const HOME: &str = "\x1b[H";
const END: &str = "\x1b[F";

fn open(folder: &Path, arguments: &[&str]) -> Terminal {
    let home = folder.join("home");
    let home = home.to_str().unwrap();
    Terminal::start_as(folder, arguments, 100, 30, &[("PLANDECK_HOME", home)])
}

/// A plan whose last step fails on its first try and takes a number from the context.
fn plan() -> tempfile::TempDir {
    let folder = folder(
        "plan.yaml",
        r#"
name: looking-back
steps:
  - {id: first, tool: add, parameters: {n: "{{start}}"}}
  - {id: second, tool: add, parameters: {n: "{{first}}"}}
  - {id: third, tool: moody, parameters: {n: "{{second}}"}, retry_policy: {retries: 2, backoff_s: 0.01}}
"#,
        r#"
tools:
  add: {type: jq, filter: ".n + 1", cache: false}
  moody: {type: process, command: [sh, moody.sh]}
"#,
    );
    let moody = "read input\nif [ -e been ]; then rm been; echo '\"well\"'; else touch been; echo 'not today' >&2; exit 1; fi\n";
    std::fs::write(folder.path().join("moody.sh"), moody).unwrap();
    folder
}

fn run_arguments(start: &str) -> Vec<String> {
    let arguments = ["run", "plan.yaml", "--worker", "offline", "-c"];
    let mut arguments: Vec<String> = arguments.map(str::to_owned).to_vec();
    arguments.push(format!("start={start}"));
    arguments
}

#[test]
fn a_run_is_looked_back_at_and_its_attempts_and_runs_are_compared() {
    let folder = plan();
    let mut before = plandeck();
    before
        .current_dir(folder.path())
        .env("PLANDECK_HOME", folder.path().join("home"))
        .args(run_arguments("1"))
        .arg("--json");
    assert!(before.output().unwrap().status.success());

    let arguments = run_arguments("5");
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut terminal = open(folder.path(), &arguments);
    terminal.wait_for("SUCCEEDED");
    terminal.press("[");
    terminal.wait_for("◀ event ");
    terminal.press(HOME);
    terminal.wait_for("◀ event 1 of ");
    terminal.press("}");
    terminal.wait_for("1/3 ✔");
    terminal.press("r");
    terminal.wait_for("retry needs the run as it is now");
    terminal.press(END);
    terminal.wait_until("now again", |screen| {
        let text = screen.contents();
        text.contains("SUCCEEDED") && !text.contains("◀ event")
    });
    // The last step has two attempts.
    terminal.press("Gd");
    // A frame may be looked at while it is being drawn.
    terminal.wait_until("both attempts", |screen| {
        let text = screen.contents();
        ["attempt 1", "attempt 2", "not today"]
            .iter()
            .all(|part| text.contains(part))
    });
    // Another run of the plan, from the record.
    terminal.press("\t");
    terminal.wait_for("compare with another run");
    // Its count of steps stands before its id; the inspector below says "succeeded" too.
    terminal.wait_for("3/3  0");
    terminal.press("\r");
    terminal.wait_for("they part at first");
    terminal.press("d");
    terminal.wait_until("both runs", |screen| {
        let text = screen.contents();
        text.contains("this run") && text.contains("run of 20")
    });
    terminal.press("\x1b");
    terminal.wait_for("inspect");
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn a_recorded_run_is_played_held_and_looked_back_at() {
    let folder = plan();
    let mut run = plandeck();
    run.current_dir(folder.path())
        .env("PLANDECK_HOME", folder.path().join("home"))
        .args(run_arguments("1"))
        .args(["--json", "--events", "events.jsonl"]);
    assert!(run.output().unwrap().status.success());
    // The program is not needed any more: a replay calls nothing.
    std::fs::remove_file(folder.path().join("moody.sh")).unwrap();
    for what in ["last", "events.jsonl"] {
        let mut terminal = open(folder.path(), &["replay", what, "--speed", "0.0625"]);
        terminal.wait_for("REPLAY");
        terminal.wait_for("0.0625×");
        terminal.press(" ");
        terminal.wait_for("‖ event");
        terminal.press(">");
        terminal.wait_for("0.125×");
        terminal.press(END);
        terminal.wait_for("SUCCEEDED");
        terminal.press("{");
        terminal.wait_for("RUNNING");
        terminal.press("r");
        terminal.wait_for("this is a replay");
        terminal.press("q");
        assert_eq!(terminal.wait_for_end(), 0, "{what}");
    }
}

#[test]
fn leaving_a_fork_leads_back_to_the_run_that_it_was_made_in() {
    let folder = plan();
    let arguments = run_arguments("3");
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut terminal = open(folder.path(), &arguments);
    terminal.wait_for("SUCCEEDED");
    // The first key only closes what came out.
    terminal.press("G");
    terminal.press("G");
    terminal.press("F");
    terminal.wait_for("fork from here?");
    terminal.press("y");
    terminal.wait_until("the fork has ended", |screen| {
        let text = screen.contents();
        text.contains("fork of ") && text.contains(" at third") && text.contains("SUCCEEDED")
    });
    terminal.press("q");
    terminal.wait_until("the parent", |screen| {
        let text = screen.contents();
        !text.contains("fork of ") && text.contains("SUCCEEDED") && text.contains("third")
    });
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn a_running_run_that_is_left_for_the_home_screen_ends_there() {
    let folder = folder(
        "plan.yaml",
        "name: endless\nsteps:\n  - {id: tide, tool: wait}\n",
        "tools:\n  wait: {type: process, command: [sleep, \"600\"]}\n",
    );
    let home = folder.path().join("home");
    let home = home.to_str().unwrap();
    let variables = [("PLANDECK_HOME", home), ("PLANDECK_TRUST", "1")];
    let mut terminal = Terminal::start_as(folder.path(), &[], 100, 30, &variables);
    terminal.wait_for("endless");
    terminal.press("endless\r");
    terminal.wait_for("RUNNING");
    terminal.press("q");
    terminal.wait_for("back to the home screen?");
    terminal.press("y");
    terminal.wait_until("the home screen", |screen| {
        let text = screen.contents();
        text.contains("plans and runs") && !text.contains("RUNNING")
    });
    terminal.press("\u{3}");
    assert_eq!(terminal.wait_for_end(), 0);
}
