//! Runs that other systems recorded, and their plans.

use super::{assert_safe, assert_sound};
use crate::Target;
use plandeck::import::imported;
use plandeck::import::plans::{ConvertError, ConvertOptions, converted, recognized};
use plandeck::plan::parse;
use plandeck::run::RunState;
use plandeck::tools::Catalog;

/// The target.
pub const TARGET: Target = Target {
    name: "import",
    run,
    words: &[
        "\"resourceSpans\"",
        "\"scopeSpans\"",
        "\"spans\"",
        "\"traceId\"",
        "\"startTimeUnixNano\"",
        "\"attributes\"",
        "\"flow_runs\"",
        "\"node_runs\"",
        "\"child_runs\"",
        "\"sessionId\"",
        "\"message\"",
        "arazzo: 1.0.1\n",
        "workflows:\n",
        "- workflowId: a\n",
        "  steps:\n",
        "  - stepId: a\n",
        "operationId: lookUp",
        "$inputs.a",
        "$steps.a.outputs.b",
        "$response.body#/a/0",
        "{$inputs.a}",
        "$statusCode == 200",
        "successCriteria",
        "onFailure",
        "nodes:\n",
        "type: python",
        "type: llm",
        "${inputs.a}",
        "${a.output}",
        "activate: {when: a, is: true}",
        "steps:\n",
        "- command: echo $A\n",
        "depends: [a]",
        "preconditions",
        "continue_on: failed",
        "params: A=1",
        "env: {A: \"1\"}",
        "call: inner",
        "\n---\n",
        "\"tasks\": [",
        "\"title\": \"a\"",
        "\"subtasks\"",
        "\"dependencies\": [1]",
        "\"status\": \"done\"",
        "{{a}}",
        "step:a",
        "\u{202e}",
        "null",
        "1e999",
        "[",
        "]",
        "{",
        "}",
        ":",
        "- ",
        "\n",
        "  ",
    ],
};

const API: &str = "openapi: 3.0.0\ninfo: {title: A}\nservers: [{url: 'https://a.example'}]\npaths:\n  /a/{id}:\n    get: \
    {operationId: lookUp, parameters: [{name: id, in: path, required: true}]}\n";

fn file(name: &str) -> Result<String, String> {
    Ok(match name.rsplit('.').next() {
        Some("jinja2") => "Hi {{a}}",
        Some("py") => "def a(x): return x",
        Some("yaml") if name.starts_with("inner") => {
            "steps: [{name: in, command: 'echo $X', output: Y}]"
        }
        Some("yaml" | "json") => API,
        _ => return Err("there is none".to_owned()),
    }
    .to_owned())
}

/// Opens a text as a run, and as a plan.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match imported("file", &text, None, &|_, _| None) {
        Ok(found) => {
            let state = RunState::from_events(&found.events);
            assert!(state.header.is_some(), "a run without a start");
        }
        Err(error) => assert!(!error.to_string().is_empty(), "refused without a reason"),
    }
    let options = ConvertOptions {
        name: "file",
        workflow: None,
        format: None,
        open_api: &[],
        files: &file,
    };
    match converted(&text, &options) {
        Ok(found) => {
            let plan = found.plan.to_string();
            let draft = match parse("plan.json", plan.as_bytes()) {
                Ok(draft) => draft,
                Err(faults) => return assert_sound(&faults),
            };
            let catalog = Catalog::from_value(&found.plan, draft.source(), None);
            let catalog = catalog.expect("a plan that was converted has a sound catalog");
            let plan = draft.check(Some(&catalog), None);
            let plan = plan.expect("a plan that was converted passes the check");
            assert!(!plan.steps.is_empty(), "a plan without steps");
            for left in &found.left_out {
                assert_safe(&left.to_string());
            }
        }
        Err(ConvertError::Unknown(_)) => assert_eq!(recognized(&text), None),
        Err(error) => assert_safe(&error.to_string()),
    }
}
