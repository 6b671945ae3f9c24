//! A task that is typed on the home screen and becomes a plan and a run, with models behind a server, in a real terminal.

use crate::common::model_server::{Answer, ModelServer};
use crate::common::raw_server::{Act, RawServer, STREAM, chunk, end, sse};
use crate::common::terminal::Terminal;
use serde_json::{Value, json};
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
    // (Escape leads back to the home screen.)
    terminal.press("i");
    let page = terminal.wait_for("what the plan saves");
    assert!(page.contains("once, recorded"), "{page}");
    assert_eq!(terminal.leave_by_home(), 0);
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

/// What a model says when it streams this plan: a step, a wait for the test, the next step.
fn dripping(name: &str, steps: &[Value]) -> Vec<Act> {
    let say = |text: &str| Act::Say(sse(&chunk(text)));
    let mut acts = vec![
        Act::Say(STREAM.to_owned()),
        say(&format!("{{\"name\": \"{name}\", \"steps\": [")),
    ];
    for (at, step) in steps.iter().enumerate() {
        let step = format!("{}{step}", if at == 0 { "" } else { ", " });
        let (first, last) = step.split_at(step.len() / 2);
        acts.extend([say(first), Act::Wait, say(last), Act::Wait]);
    }
    acts.push(say("]}"));
    let usage: String = end("stop", 900, 120).iter().map(sse).collect();
    acts.push(Act::Say(format!("{usage}data: [DONE]\n\n")));
    acts
}

fn greeting_steps() -> [Value; 3] {
    [
        json!({"id": "written", "tool": "greet", "parameters": {"name": "Ada"}, "depends_on": []}),
        json!({"id": "loud", "tool": "shout", "parameters": {"text": "{{steps[written].output.greeting}}"}, "depends_on": []}),
        json!({"id": "louder", "tool": "shout", "parameters": {"text": "{{steps[loud].output}}"}, "depends_on": ["loud"]}),
    ]
}

#[test]
fn the_graph_grows_while_the_plan_streams_in() {
    let answer = [
        vec![chunk("{\"greeting\": \"Dear Ada\"}")],
        end("stop", 60, 7).to_vec(),
    ]
    .concat();
    let server = RawServer::start(vec![
        dripping("greeting", &greeting_steps()),
        vec![Act::Say(crate::common::raw_server::stream(&answer))],
    ]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tools.yaml"), TOOLS).unwrap();
    let home = folder.path().join("home");
    let variables = [
        ("PLANDECK_HOME", home.to_str().unwrap()),
        ("OPENAI_API_KEY", "k-of-nobody"),
    ];
    let url = format!("{}/v1", server.url());
    let arguments = [
        "--worker",
        "openai/gpt-4o-mini",
        "--planner",
        "openai/gpt-4o",
        "--base-url",
        &url,
    ];
    let mut terminal = Terminal::start_as(folder.path(), &arguments, 120, 40, &variables);
    terminal.wait_for("none yet");
    terminal.press("\u{14}");
    terminal.wait_for("what should it do?");
    terminal.press("Greet Ada and shout it\r");
    terminal.wait_for("0 steps so far");
    for (at, id) in ["written", "loud", "louder"].into_iter().enumerate() {
        let card = format!("· {id} ");
        assert!(!terminal.text().contains(&card), "{}", terminal.text());
        server.go_on();
        let grown = terminal.wait_for(&card);
        let steps = if at == 0 {
            "1 step"
        } else {
            &format!("{} steps", at + 1)
        };
        assert!(grown.contains("the planner works"), "{grown}");
        assert!(grown.contains(&format!("{steps} so far, about")), "{grown}");
        assert!(grown.contains("about $0.00"), "{grown}");
        server.go_on();
    }
    // The plan in words, and its graph beside it.
    let made = terminal.wait_for("the plan is ready");
    assert!(
        made.contains("planned by") && made.contains("· louder "),
        "{made}"
    );
    terminal.press("\r");
    terminal.wait_for("SUCCEEDED");
    assert_eq!(terminal.leave_by_home(), 0);
}

#[test]
fn the_command_line_says_how_far_a_plan_has_come() {
    let server = RawServer::start(vec![dripping("greeting", &greeting_steps())]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tools.yaml"), TOOLS).unwrap();
    let url = format!("{}/v1", server.url());
    let arguments = [
        "plan",
        "Greet Ada and shout it",
        "--planner",
        "openai/gpt-4o",
        "--base-url",
        &url,
        "-o",
        "made.json",
    ];
    let variables = [("OPENAI_API_KEY", "k-of-nobody")];
    let mut terminal = Terminal::start_as(folder.path(), &arguments, 100, 30, &variables);
    terminal.wait_for("0 steps so far");
    for steps in ["1 step so far", "2 steps so far", "3 steps so far"] {
        server.go_on();
        terminal.wait_for(steps);
        server.go_on();
    }
    assert_eq!(terminal.wait_for_end(), 0);
    // What passed is replaced by what it came to.
    let after = terminal.text();
    assert!(!after.contains("so far"), "{after}");
    assert!(after.contains("request 1: asking openai/gpt-4o"), "{after}");
    assert!(folder.path().join("made.json").exists());
}
