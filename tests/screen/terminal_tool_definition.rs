//! The definition of a tool is edited with keys in a real terminal: of a run that has ended, of one that is running, and of
//! one of another process.

use crate::common::terminal::Terminal;
use std::path::Path;

/// `read` waits for the file `go`; `write` waits for it, and `beside` for nothing. A call writes down its step and the word
/// of its tool.
const PLAN: &str = r#"name: defined
tools:
  hold: {type: process, command: [sh, FOLDER/log.sh, hold]}
  work: {type: process, command: [sh, FOLDER/log.sh, old]}
steps:
  - {id: read, tool: hold, parameters: {}}
  - {id: write, tool: work, parameters: {of: "{{read.is}}"}}
  - {id: beside, tool: hold, parameters: {go: true}}
"#;

const SCRIPT: &str = r#"x=$(cat)
step=$(echo "$PLANDECK_ATTEMPT" | sed 's,.*/\(.*\)/.*,\1,')
echo "$step $1" >> FOLDER/calls.log
case "$1$x" in *go*) ;; hold*) until [ -e FOLDER/go ]; do sleep 0.02; done;; esac
printf '{"is": "%s"}' "$1"
"#;

fn write_plan(folder: &Path) {
    let path = folder.display().to_string();
    std::fs::write(folder.join("plan.yaml"), PLAN.replace("FOLDER", &path)).unwrap();
    std::fs::write(folder.join("log.sh"), SCRIPT.replace("FOLDER", &path)).unwrap();
}

fn open(folder: &Path, arguments: &[&str], size: (u16, u16), editor: &str) -> Terminal {
    let home = folder.join("home");
    let variables = [
        ("PLANDECK_HOME", home.to_str().unwrap()),
        ("EDITOR", editor),
    ];
    Terminal::start_as(folder, arguments, size.0, size.1, &variables)
}

const RUN: [&str; 4] = ["run", "plan.yaml", "--worker", "offline"];

/// Opens the definition of the tool of `write`.
fn edit(terminal: &mut Terminal) {
    terminal.press("/write\r");
    terminal.press(":");
    terminal.press("edit-tool");
    terminal.wait_for("definition of the selected");
    terminal.press("\r");
    terminal.wait_for("the tool work of write");
}

fn calls(folder: &Path) -> Vec<String> {
    let log = std::fs::read_to_string(folder.join("calls.log")).unwrap_or_default();
    let mut calls: Vec<String> = log.lines().map(str::to_owned).collect();
    calls.sort_unstable();
    calls
}

fn leave(mut terminal: Terminal) {
    terminal.press("qq");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn a_run_that_has_ended_is_forked_with_the_definition() {
    for size in [(80, 24), (120, 36)] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write_plan(folder);
        std::fs::write(folder.join("go"), "").unwrap();
        let script = folder.join("editor.sh");
        std::fs::write(&script, "sed -i 's/old/new/' \"$1\"\n").unwrap();
        let editor = format!("sh {}", script.display());
        let mut terminal = open(folder, &RUN, size, &editor);
        terminal.wait_for("SUCCEEDED");
        edit(&mut terminal);
        terminal.press("\x0f");
        terminal.wait_for("new");
        terminal.press("\x13");
        terminal.wait_for("A fork of this run");
        // Nothing runs before the user says yes.
        assert_eq!(calls(folder), ["beside hold", "read hold", "write old"]);
        terminal.press("\r");
        terminal.wait_until("the fork has ended", |screen| {
            screen.contents().contains("SUCCEEDED") && calls(folder).len() == 4
        });
        let wanted = ["beside hold", "read hold", "write new", "write old"];
        assert_eq!(calls(folder), wanted);
        leave(terminal);
    }
}

#[test]
fn a_run_that_is_running_hands_over_and_what_is_refused_is_edited_again() {
    for size in [(80, 24), (120, 36)] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write_plan(folder);
        let mut terminal = open(folder, &RUN, size, "false");
        terminal.wait_for("RUNNING");
        edit(&mut terminal);
        terminal.press("timeout_s: soon\r");
        terminal.wait_for("valid YAML");
        terminal.press("\x13");
        let refused = terminal.wait_for("leave the plan as it is");
        assert!(refused.contains("timeout_s"), "{refused}");
        terminal.press("e");
        terminal.wait_for("timeout_s: soon");
        terminal.press("\x05\x7f\x7f\x7f\x7f");
        terminal.press("30");
        terminal.wait_for("timeout_s: 30");
        terminal.press("\x13");
        terminal.wait_for("Another run goes on");
        terminal.press("\r");
        terminal.wait_for("the edit of the plan (define tool write)");
        std::fs::write(folder.join("go"), "").unwrap();
        terminal.wait_for("SUCCEEDED");
        assert_eq!(calls(folder), ["beside hold", "read hold", "write old"]);
        leave(terminal);
    }
}

#[test]
fn an_edit_is_taken_back_and_a_viewer_makes_one() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_plan(folder);
    let mut terminal = open(folder, &RUN, (120, 36), "false");
    terminal.wait_for("RUNNING");
    let mut viewer = open(folder, &["attach", "last"], (120, 36), "false");
    viewer.wait_for("RUNNING");
    edit(&mut viewer);
    viewer.press("cost_usd: 0.25\r");
    viewer.press("\x13");
    viewer.wait_for("Another run goes on");
    viewer.press("\r");
    terminal.wait_for("the edit of the plan (define tool write)");
    // What is edited next is what was defined by now.
    edit(&mut terminal);
    terminal.wait_for("cost_usd: 0.25");
    terminal.press("\x1b");
    terminal.wait_until("it is left", |screen| {
        !screen.contents().contains("valid YAML")
    });
    terminal.press("\x15");
    terminal.wait_for("the plan stays as it is");
    std::fs::write(folder.join("go"), "").unwrap();
    terminal.wait_for("SUCCEEDED");
    assert_eq!(calls(folder), ["beside hold", "read hold", "write old"]);
    viewer.press("q");
    assert_eq!(viewer.wait_for_end(), 0);
    leave(terminal);
}
