//! Expressions and references, evaluated in a run.

use super::{assert_sound, run_to_end};
use crate::Target;
use plandeck::{Execution, SmallModelWorker, plan::parse};
use serde_json::{Value, json};

/// The target.
pub const TARGET: Target = Target {
    name: "expression",
    run,
    words: &[
        "{{",
        "}}",
        "a.n",
        "a",
        "steps[a].output",
        "steps[a].status",
        "text",
        "flag",
        "list",
        "item",
        "index",
        " and ",
        " or ",
        "not ",
        " in ",
        " is ",
        " if ",
        " else ",
        "==",
        "!=",
        "<",
        ">=",
        " + ",
        " - ",
        " * ",
        " / ",
        " // ",
        " % ",
        " ** ",
        " ~ ",
        "|length",
        "|join(',')",
        "|sort",
        "|tojson",
        "|default(1)",
        "|map(attribute='n')",
        "range(1000000)",
        "null",
        "none",
        "true",
        "'x'",
        "[0]",
        ".n",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "9999999999999999999",
        "1e308",
        "-0.0",
        "defined",
        "${a}",
        "$1",
        "#E1",
        "step:a",
        "\u{202e}",
        "\n",
        "\\",
    ],
};

/// Checks a plan that has the text as a condition, as a parameter and as a list, and runs it.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let plan = json!({
        "steps": [
            {"id": "a", "tool": "same", "parameters": {"n": 3, "s": "three", "list": [1, "b", null, {"n": 2}]}},
            {"id": "b", "tool": "same", "parameters": {"x": text}, "depends_on": ["a"], "run_if": text},
            {"id": "c", "tool": "same", "parameters": {"deep": [{"x": text}]}, "depends_on": ["a"]},
            {"id": "d", "tool": "same", "parameters": {"x": "{{item}}"}, "depends_on": ["a"], "for_each": text},
        ]
    });
    let context = json!({"text": "some text", "flag": true, "list": [3, 1, 2], "half": 0.5});
    let Value::Object(given) = &context else {
        return;
    };
    let draft = parse("plan", plan.to_string().as_bytes());
    match draft.and_then(|draft| draft.check(None, Some(given))) {
        Err(faults) => assert_sound(&faults),
        Ok(plan) => {
            let execution = Execution::new(&plan)
                .worker(&SmallModelWorker::offline())
                .function("same", |parameters| Ok(parameters.clone()))
                .context(context.clone());
            run_to_end(execution);
        }
    }
}
