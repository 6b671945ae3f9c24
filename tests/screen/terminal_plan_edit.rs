//! The plan in the user's editor, and running again what changed, with the program in a real terminal.

use crate::common::program::folder;
use crate::common::terminal::Terminal;
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The lines of a file of the folder.
fn lines(folder: &Path, name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// An editor that does what the file `edit` says, and keeps what it was started with.
fn editor(folder: &Path) -> String {
    let path = folder.join("editor.sh");
    let script =
        "#!/bin/sh\nprintf '%s\\n' \"$@\" > started\nfor file; do :; done\nsh edit \"$file\"\n";
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    path.display().to_string()
}

#[test]
fn what_an_edit_changed_runs_again_and_faults_are_named() {
    let script = "read -r line; echo \"$line\" >> calls; echo '{\"weighed\": true}'";
    let tools = json!({"tools": {
        "weigh": {"type": "process", "command": ["sh", "-c", script], "cwd": ".", "cost_usd": 0.01},
    }});
    let plan = json!({"steps": [
        {"id": "boat", "tool": "weigh", "parameters": {"what": "boat"}},
        {"id": "catch", "tool": "weigh", "parameters": {"what": "herring"}},
        {"id": "sum", "tool": "weigh", "parameters": {"what": "sum", "of": "step:catch"}},
    ]});
    // A line for each step, so that the line tells.
    let plan = serde_json::to_string_pretty(&plan).unwrap();
    let project = folder("plan.json", &plan, &tools.to_string());
    let here = project.path();
    let (editor, home) = (editor(here), here.join("home"));
    let variables = [
        ("VISUAL", ""),
        ("EDITOR", editor.as_str()),
        ("PLANDECK_HOME", home.to_str().unwrap()),
    ];
    let mut terminal = Terminal::start_as(here, &["run", "plan.json"], 110, 32, &variables);
    terminal.wait_for("SUCCEEDED");
    assert_eq!(lines(here, "calls").len(), 3);

    // A fault is named with its place, and what was saved stays.
    std::fs::write(here.join("edit"), "sed -i 's/step:catch/step:cach/' \"$1\"").unwrap();
    terminal.press("x");
    terminal.press("\x05");
    let text = terminal.wait_for("the edited plan cannot run");
    assert!(
        text.contains("plan.json:") && text.contains("cach"),
        "{text}"
    );
    let started = lines(here, "started");
    assert!(
        started.last().unwrap().ends_with("plan.json"),
        "{started:?}"
    );
    assert!(
        lines(here, "plan.json")
            .iter()
            .any(|line| line.contains("step:cach\""))
    );

    // Edited again, from there: the fault and one step.
    std::fs::write(
        here.join("edit"),
        "sed -i 's/step:cach/step:catch/; s/herring/cod/' \"$1\"",
    )
    .unwrap();
    terminal.press("e");
    let text = terminal.wait_for("run again what changed");
    for said in ["catch, sum", "1 step keeps its output", "$0.0200"] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert_eq!(
        lines(here, "calls").len(),
        3,
        "nothing runs before the answer"
    );
    terminal.press("y");
    terminal.wait_for("$0.0200 of");
    terminal.wait_for("SUCCEEDED");
    let calls = lines(here, "calls");
    assert_eq!(calls.len(), 5, "{calls:?}");
    assert!(calls[3].contains("cod"), "{calls:?}");
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);
}
