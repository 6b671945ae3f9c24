//! The planner corrects the plan of a failed run, with keys alone in a real terminal.

use crate::common::model_server::{Answer, ModelServer};
use crate::common::terminal::Terminal;
use serde_json::json;
use std::path::Path;
use std::time::Duration;

const REPAIR: &str = "\x06";
const PLAN: &str = r#"# How long the words of a letter are.
name: letter
tools:
  split: {type: jq, filter: '{words: (.text | split(" "))}', description: Splits a text.}
  count:
    type: jq
    description: Counts words.
    filter: 'if (.words | type) == "array" then (.words | length) else error("cannot count") end'
steps:
  - id: words
    tool: split
    parameters: {text: "Dear Ada"}   # the letter
  - id: number
    tool: count
    parameters: {words: "{{words.words[0]}}"}   # all of them
"#;

fn open(folder: &Path, variables: &[(&str, &str)]) -> Terminal {
    let arguments = ["run", "plan.yaml", "--worker", "offline"];
    let home = folder.join("home");
    let home = [("PLANDECK_HOME", home.to_str().unwrap())];
    let mut terminal = Terminal::start_as(
        folder,
        &arguments,
        120,
        36,
        &[&home[..], variables].concat(),
    );
    terminal.wait_for("FAILED");
    // The first key closes what came of the run.
    terminal.press("n");
    terminal.press("n");
    terminal.wait_for("✖ number ─");
    terminal.press(REPAIR);
    terminal
}

#[test]
fn a_failed_plan_is_corrected_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plan.yaml"), PLAN).unwrap();
    let corrected = json!({"name": "letter", "steps": [
        {"id": "words", "tool": "split", "parameters": {"text": "Dear Ada"}, "depends_on": []},
        {"id": "number", "tool": "count", "parameters": {"words": "{{words.words}}"}, "depends_on": ["words"]},
    ]});
    let model = ModelServer::start(vec![Answer {
        to: "cannot count".to_owned(),
        says: corrected,
        after: Duration::ZERO,
    }]);
    let url = model.url();
    let variables = [("OPENAI_API_KEY", "sk-none"), ("OPENAI_BASE_URL", &*url)];
    let mut terminal = open(folder.path(), &variables);
    terminal.wait_for("enter ask it");
    assert!(model.requests().is_empty());
    terminal.press("\r");
    let shown = terminal.wait_for("enter write it and run again");
    for words in [
        "{{words.words[0]}}",
        "{{words.words}}",
        "# all of them",
        "1 step keeps its output",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert_eq!(
        std::fs::read_to_string(folder.path().join("plan.yaml")).unwrap(),
        PLAN
    );
    terminal.press("\r");
    terminal.wait_for("SUCCEEDED");
    // What nobody corrected stays as it is written.
    let text = std::fs::read_to_string(folder.path().join("plan.yaml")).unwrap();
    assert_eq!(text, PLAN.replace("words.words[0]", "words.words"));
    terminal.press("q");
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn a_plan_is_corrected_while_it_is_running() {
    let folder = tempfile::tempdir().unwrap();
    let go = folder.path().join("go");
    let wait = format!(
        "  wait: {{type: process, description: Waits., command: [sh, -c, 'until [ -e {} ]; do sleep 0.02; done; echo 1']}}\nsteps:\n  - {{id: slow, tool: wait}}\n",
        go.display()
    );
    let plan = PLAN.replace("steps:\n", &wait);
    std::fs::write(folder.path().join("plan.yaml"), &plan).unwrap();
    let corrected = json!({"name": "letter", "steps": [
        {"id": "slow", "tool": "wait", "parameters": {}, "depends_on": []},
        {"id": "words", "tool": "split", "parameters": {"text": "Dear Ada"}, "depends_on": []},
        {"id": "number", "tool": "count", "parameters": {"words": "{{words.words}}"}, "depends_on": ["words"]},
    ]});
    let model = ModelServer::start(vec![Answer {
        to: "cannot count".to_owned(),
        says: corrected,
        after: Duration::ZERO,
    }]);
    let home = folder.path().join("home");
    let url = model.url();
    let variables = [
        ("PLANDECK_HOME", home.to_str().unwrap()),
        ("OPENAI_API_KEY", "sk-none"),
        ("OPENAI_BASE_URL", &*url),
    ];
    let arguments = ["run", "plan.yaml", "--worker", "offline"];
    let mut terminal = Terminal::start_as(folder.path(), &arguments, 120, 36, &variables);
    terminal.wait_for("✖ number");
    terminal.press("/number\r");
    terminal.wait_for("✖ number ─");
    terminal.press(REPAIR);
    terminal.wait_for("enter ask it");
    terminal.press("\r");
    let shown = terminal.wait_for("Another run goes on");
    for words in [
        "{{words.words[0]}}",
        "{{words.words}}",
        "has corrected the plan",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    terminal.press("\r");
    terminal.wait_for("the edit of the plan (repair number)");
    std::fs::write(&go, "").unwrap();
    terminal.wait_for("SUCCEEDED");
    let text = std::fs::read_to_string(folder.path().join("plan.yaml")).unwrap();
    assert_eq!(text, plan, "nothing is written");
    terminal.press("qq");
    assert_eq!(terminal.wait_for_end(), 0);
}

#[test]
fn a_planner_out_of_reach_is_said_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plan.yaml"), PLAN).unwrap();
    let mut terminal = open(folder.path(), &[("OPENAI_API_KEY", "")]);
    let said = terminal.wait_for("no model is there to ask");
    assert!(said.contains("OPENAI_API_KEY"), "{said}");
    terminal.press("\x1b");
    terminal.wait_until("it is left", |screen| {
        !screen.contents().contains("no model is there")
    });

    let nobody = [
        ("OPENAI_API_KEY", "sk-none"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:9/v1"),
    ];
    let mut terminal = open(folder.path(), &nobody);
    terminal.wait_for("enter ask it");
    terminal.press("\r");
    terminal.wait_until("why there is no correction", |screen| {
        let text = screen.contents();
        text.contains("127.0.0.1:9") && text.contains("esc back")
    });
    terminal.press("\x1b");
    terminal.wait_for("FAILED");
}
