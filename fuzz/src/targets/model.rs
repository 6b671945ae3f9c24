//! What a model answers: the text that an output is read from.

use super::{SERVER, run_to_end};
use crate::Target;
use crate::server::json_answer;
use plandeck::{Execution, ExecutionPlan, SmallModelWorker};
use serde_json::{Value, json};
use std::sync::Arc;

/// The target.
pub const TARGET: Target = Target {
    name: "model",
    run,
    words: &[
        "```json\n",
        "```",
        "<think>",
        "</think>",
        "{\"total\": 3, \"items\": []}",
        "\"total\"",
        "\"items\"",
        "{\"output\":",
        "null",
        "true",
        "\\\"",
        "\\n",
        "\\u202e",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "'",
        "1e999",
        "-0",
        "99999999999999999999",
        "None",
        "True",
        "// x\n",
        "\u{202e}",
        "\u{feff}",
        "\u{1b}]0;",
        "Here is the JSON:\n",
        "\n\n",
    ],
};

/// Lets a model tool with an output schema, and one without, be answered with this text.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let body = json!({
        "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20},
    });
    ask(body.to_string().as_bytes());
}

/// Runs a plan of model tools against a server whose answers have this body.
pub(super) fn ask(body: &[u8]) -> Option<plandeck::run::RunState> {
    SERVER.answers(json_answer(body));
    let schema = json!({"type": "object", "required": ["total"],
        "properties": {"total": {"type": "number"}, "items": {"type": "array", "items": {"type": "string"}}}});
    let plan = ExecutionPlan::from_value(json!({
        "tools": {
            "read": {"type": "model", "description": "Reads a receipt.", "output_schema": schema, "max_tokens": 50},
            "tell": {"type": "model", "description": "Tells about it.", "max_tokens": 50},
        },
        "steps": [
            {"id": "a", "tool": "read", "parameters": {"text": "milk 3"}, "retry_policy": {"retries": 0, "backoff_s": 0}},
            {"id": "b", "tool": "tell", "parameters": {"text": "milk 3"}, "retry_policy": {"retries": 0, "backoff_s": 0}},
        ],
    }))
    .expect("the plan is sound");
    let key = |name: &str| (name == "OPENAI_API_KEY").then(|| "not-a-key".to_owned());
    let worker = SmallModelWorker::new("openai/gpt-4o-mini")
        .base_url(SERVER.address())
        .environment(Arc::new(key));
    run_to_end(Execution::new(&plan).worker(&worker).context(Value::Null))
}
