//! A plan that fails because one of its prompts is wrong, and the model that answers it: the same for every way in which
//! its run is taken to success.

use super::model_server::{Answer, ModelServer};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// The prompt with which the answer is of use.
pub(crate) const RIGHT: &str = "TOTAL. Add up {{lines}}. Answer with the number in cents alone.";
/// What the model says to the one of the plan.
pub(crate) const SAYS: &str = "about twelve euros";

/// Writes the plan into a folder: `lines` reads a receipt, `total` adds it up, `report` says it; `shop` stands apart.
pub(crate) fn write(folder: &Path) -> Value {
    let cents = json!({"type": "object", "properties": {"cents": {"type": "integer"}}, "required": ["cents"]});
    let plan = json!({
        "name": "misread",
        "tools": {
            "read": {"type": "model", "prompt": "LINES. Read {{text}}.", "cache": false},
            "add-up": {
                "type": "model", "prompt": "TOTAL. Add up {{lines}}. Answer in words.", "cache": false,
                "output_schema": cents,
            },
            "say": {"type": "model", "prompt": "REPORT. Say {{cents}} in a sentence.", "cache": false},
            "shop": {"type": "jq", "filter": ".name"},
        },
        "steps": [
            {"id": "lines", "tool": "read", "parameters": {"text": "bread 4.50, cheese 7.50"}},
            {"id": "total", "tool": "add-up", "parameters": {"lines": "{{lines}}"}, "retry_policy": {"retries": 1}},
            {"id": "report", "tool": "say", "parameters": {"cents": "{{total.cents}}"}},
            {"id": "shop", "tool": "shop", "parameters": {"name": "Corner"}},
        ],
    });
    std::fs::write(folder.join("plan.json"), plan.to_string()).unwrap();
    plan
}

/// The model.
pub(crate) fn model() -> ModelServer {
    let answer = |to: &str, says: Value| Answer {
        to: to.to_owned(),
        says,
        after: Duration::from_millis(20),
    };
    ModelServer::start(vec![
        answer("LINES.", json!(["bread 450", "cheese 750"])),
        answer("cents alone", json!({"cents": 1200})),
        answer("TOTAL.", json!(SAYS)),
        answer("REPORT.", json!("It came to 12 euros.")),
    ])
}

/// How often the model was asked for the lines, for the total with the wrong and with the right prompt, and for the
/// report.
pub(crate) fn asked(model: &ModelServer) -> [usize; 4] {
    let mut counts = [0; 4];
    for (_, body) in model.requests() {
        let text = body["messages"].to_string();
        let at = ["LINES.", "in words", "cents alone", "REPORT."];
        let at = at.iter().position(|mark| text.contains(mark)).unwrap();
        counts[at] += 1;
    }
    counts
}

/// The options that name the model.
pub(crate) fn worker(model: &ModelServer) -> [String; 4] {
    let of = ["--worker", "openai/gpt-4o-mini", "--base-url", &model.url()];
    of.map(str::to_owned)
}
