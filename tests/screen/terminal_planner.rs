//! A task that is typed on the home screen and becomes a plan and a run, with models behind a server, in a real terminal.

use crate::common::model_server::{Answer, ModelServer};
use crate::common::terminal::Terminal;
use serde_json::json;
use std::time::Duration;

const TOOLS: &str = "tools:\n  greet: {type: model, description: Writes a greeting to somebody., parameters: [{name: name, type: string, required: true}], output_schema: {type: object, properties: {greeting: {type: string}}, required: [greeting]}}\n  shout: {type: jq, description: Puts a text in capitals., filter: '.text | ascii_upcase', parameters: [{name: text, type: string, required: true}], output_schema: {type: string}}\n";

/// Types a task on the home screen, runs the plan that comes, and looks at the page of the run.
fn typed_planned_and_run(base_url: &str) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tools.yaml"), TOOLS).unwrap();
    let home = folder.path().join("home");
    let variables = [
        ("PLANDECK_HOME", home.to_str().unwrap()),
        ("OPENAI_API_KEY", "k-of-nobody"),
    ];
    let arguments = [
        "--worker",
        "openai/gpt-4o-mini",
        "--planner",
        "openai/gpt-4o",
        "--base-url",
        base_url,
    ];
    let mut terminal = Terminal::start_as(folder.path(), &arguments, 120, 40, &variables);
    terminal.wait_for("none yet");
    terminal.press("\u{14}");
    terminal.wait_for("what should it do?");
    terminal.press("Greet Grace and shout it\r");
    terminal.wait_for("the plan is ready");
    let made = terminal.wait_for("shout");
    assert!(made.contains("greet"), "{made}");
    terminal.press("\r");
    terminal.wait_for("SUCCEEDED");
    // The page of the run: planning once, and executing often.
    terminal.press("\u{1b}");
    let page = terminal.wait_for("what the plan saves");
    assert!(page.contains("once, recorded"), "{page}");
    terminal.press("q");
    assert_eq!(terminal.wait_for_end(), 0);
    let after = terminal.text();
    assert!(after.contains("2 of 2 steps"), "{after}");
}

#[test]
fn a_typed_task_is_planned_by_a_model_and_runs() {
    let plan = json!({"name": "greeting", "steps": [
        {"id": "written", "tool": "greet", "parameters": {"name": "Grace"}, "depends_on": []},
        {"id": "loud", "tool": "shout", "parameters": {"text": "{{steps[written].output.greeting}}"}, "depends_on": ["written"]}]});
    let answer = |to: &str, says| Answer {
        to: to.to_owned(),
        says,
        after: Duration::ZERO,
    };
    let server = ModelServer::start(vec![
        answer("Greet Grace and shout it", plan),
        answer("Grace", json!({"greeting": "Dear Grace"})),
    ]);
    typed_planned_and_run(&server.url());
}

/// The same against a server that others wrote, which `.ci/planner` starts.
#[test]
#[ignore = "needs the server that .ci/planner starts"]
fn a_typed_task_is_planned_by_a_counterpart_and_runs() {
    let url = std::env::var("PLANDECK_COUNTERPART").expect("PLANDECK_COUNTERPART is not set");
    typed_planned_and_run(&url);
}
