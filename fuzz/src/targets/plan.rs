//! Plans in every dialect, and texts that are none.

use super::assert_sound;
use crate::Target;
use plandeck::plan::parse;
use plandeck::tools::Catalog;

/// The target.
pub const TARGET: Target = Target {
    name: "plan",
    run,
    words: &[
        "\"steps\"",
        "\"id\"",
        "\"tool\"",
        "\"parameters\"",
        "\"depends_on\"",
        "\"run_if\"",
        "\"for_each\"",
        "{{",
        "}}",
        "{{steps[1].output.a}}",
        "{{item}}",
        "step:1",
        "$1",
        "#E1",
        "<GENERATED>-0",
        "Plan: ",
        "#E2 = ",
        "1. ",
        "join()",
        "<END_OF_PLAN>",
        "```json\n",
        "```",
        "<think>",
        "</think>",
        "- id: ",
        "&a ",
        "*a",
        "<<: *a",
        "!!binary ",
        "null",
        "true",
        "\"final_synthesis\"",
        "\"request_id\"",
        "\"tool_name\"",
        "\"args\": {",
        "\"dep\": [0]",
        "\u{202e}",
        "\u{e0041}",
        "\u{feff}",
        "99999999999999999999999",
        "-0",
        "1e999",
        "\"\"",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "\n",
        "\t",
        "  ",
        "\\u0000",
        "\\ud800",
    ],
};

/// Reads a plan, and checks it with its own catalog where it has one.
pub fn run(data: &[u8]) {
    let draft = match parse("plan", data) {
        Ok(draft) => draft,
        Err(faults) => return assert_sound(&faults),
    };
    let own = draft.catalog().cloned();
    let catalog = match own.map(|own| Catalog::from_value(&own, draft.source(), None)) {
        Some(Err(faults)) => return assert_sound(&faults),
        Some(Ok(catalog)) => Some(catalog),
        None => None,
    };
    let checked = draft.check(catalog.as_ref().map(|catalog| catalog as _), None);
    match checked {
        Ok(plan) => assert!(!plan.steps.is_empty(), "a plan without steps is sound"),
        Err(faults) => assert_sound(&faults),
    }
}
