//! The structure of a plan is edited with keys in a real terminal: of a run that is running, and of one that has ended.

use crate::common::terminal::Terminal;
use std::path::Path;

/// `read` waits for the file `go`; `trim` and `write` wait for it.
const PLAN: &str = r#"name: edited
tools:
  work:
    type: process
    command: [sh, -c, 'x=$(cat); step=$(echo "$PLANDECK_ATTEMPT" | sed "s,.*/\(.*\)/.*,\1,"); echo "$step" >> calls.log; case "$x" in *wait*) until [ -e go ]; do sleep 0.02; done;; esac; printf %s "$x"']
steps:
  - {id: read, tool: work, parameters: {is: wait}}
  - {id: trim, tool: work, parameters: {of: "{{read.is}}"}}
  - {id: write, tool: work, parameters: {of: "{{read.is}}"}, depends_on: [trim]}
"#;

fn open(folder: &Path, size: (u16, u16), editor: &str) -> Terminal {
    let text = PLAN
        .replace("-e go", &format!("-e {}/go", folder.display()))
        .replace(">> calls", &format!(">> {}/calls", folder.display()));
    std::fs::write(folder.join("plan.yaml"), text).unwrap();
    let home = folder.join("home");
    let variables = [
        ("PLANDECK_HOME", home.to_str().unwrap()),
        ("EDITOR", editor),
    ];
    let arguments = ["run", "plan.yaml", "--worker", "offline"];
    Terminal::start_as(folder, &arguments, size.0, size.1, &variables)
}

/// Selects a step.
fn select(terminal: &mut Terminal, step: &str) {
    terminal.press(&format!("/{step}\r"));
    terminal.wait_until("it is selected", |screen| {
        let text = screen.contents();
        !text.contains("enter") || text.contains(step)
    });
}

/// Takes an action from the list of all.
fn act(terminal: &mut Terminal, words: &str) {
    terminal.press(":");
    terminal.press(words);
    terminal.wait_until("the action", |screen| screen.contents().contains(words));
    terminal.press("\r");
}

fn calls(folder: &Path) -> Vec<String> {
    let log = std::fs::read_to_string(folder.join("calls.log")).unwrap();
    log.lines().map(str::to_owned).collect()
}

#[test]
fn a_step_is_taken_out_of_a_run_that_is_running() {
    for size in [(80, 24), (120, 36), (200, 60)] {
        let folder = tempfile::tempdir().unwrap();
        let mut terminal = open(folder.path(), size, "false");
        terminal.wait_for("RUNNING");
        select(&mut terminal, "trim");
        act(&mut terminal, "take the selected step out");
        let preview = terminal.wait_for("Another run goes on");
        assert!(preview.contains("╭ remove trim"), "{preview}");
        terminal.press("\r");
        terminal.wait_for("the edit of the plan (remove trim)");
        std::fs::write(folder.path().join("go"), "").unwrap();
        terminal.wait_for("SUCCEEDED");
        assert_eq!(calls(folder.path()), ["read", "write"]);
        terminal.press("qq");
        assert_eq!(terminal.wait_for_end(), 0);
    }
}

#[test]
fn an_edit_of_a_running_plan_is_taken_back_before_it_takes_effect() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = open(folder.path(), (120, 36), "false");
    terminal.wait_for("RUNNING");
    select(&mut terminal, "trim");
    act(&mut terminal, "take the selected step out");
    terminal.wait_for("Another run goes on");
    terminal.press("\r");
    terminal.wait_for("the edit of the plan (remove trim)");
    terminal.press("\x15");
    terminal.wait_for("the plan stays as it is");
    std::fs::write(folder.path().join("go"), "").unwrap();
    terminal.wait_for("SUCCEEDED");
    assert_eq!(calls(folder.path()), ["read", "trim", "write"]);
    terminal.press("qq");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn a_step_is_put_into_the_plan_of_a_run_that_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let editor = folder.path().join("editor.sh");
    let step = "id: check\ntool: work\nparameters: {checks: \"{{trim.of}}\"}\n";
    let script = format!("#!/bin/sh\ncat > \"$1\" <<'END'\n{step}END\n");
    std::fs::write(&editor, script).unwrap();
    let editor = format!("sh {}", editor.display());
    std::fs::write(folder.path().join("go"), "").unwrap();
    let mut terminal = open(folder.path(), (120, 36), &editor);
    terminal.wait_for("SUCCEEDED");
    select(&mut terminal, "write");
    act(&mut terminal, "before the selected one");
    let preview = terminal.wait_for("A fork of this run");
    assert!(preview.contains("╭ a step before write"), "{preview}");
    terminal.press("\r");
    terminal.wait_until("the fork has ended", |screen| {
        let text = screen.contents();
        text.contains("SUCCEEDED") && calls(folder.path()).len() == 5
    });
    assert_eq!(
        calls(folder.path()),
        ["read", "trim", "write", "check", "write"]
    );
    terminal.press("qq");
    assert_eq!(terminal.wait_for_end(), 0);
}
