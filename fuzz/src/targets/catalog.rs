//! Catalogs of tools.

use super::{assert_safe, assert_sound};
use crate::Target;
use plandeck::models::SmallModelWorker;
use plandeck::plan::{Source, parse};
use plandeck::tools::{Catalog, CatalogToolbox, ToolOptions};
use serde_json::json;

/// The target.
pub const TARGET: Target = Target {
    name: "catalog",
    run,
    words: &[
        "tools:",
        "\"tools\":",
        "type: ",
        "http",
        "process",
        "jq",
        "model",
        "mcp",
        "code_exec",
        "agent",
        "filter: ",
        "'.a'",
        "command: [",
        "url: ",
        "http://127.0.0.1:1/{{a}}",
        "headers:",
        "${HOME}",
        "${A:-b}",
        "${",
        "parameters:",
        "- {name: a, type: string}",
        "input_schema:",
        "output_schema:",
        "{\"$ref\": \"#\"}",
        "\"$defs\"",
        "{\"type\": \"object\"}",
        "enum: [",
        "default: ",
        "cost_usd: ",
        "-1",
        "1e400",
        "timeout_s: ",
        "mcpServers:",
        "&a ",
        "*a",
        "required: true",
        "read_only: yes",
        "metadata: {",
        "\u{202e}",
        "\u{e0041}",
        "\n  ",
        "{",
        "}",
        "[",
        "]",
        ": ",
        "\"",
        "'",
        "|",
        ">",
        "#",
        "!!int ",
    ],
};

/// Reads a catalog, prepares its tools, and checks a plan that calls each.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let source = Source {
        name: "tools.yaml".into(),
        text: text.into(),
    };
    let catalog = match Catalog::parse(&source, None) {
        Ok(catalog) => catalog,
        Err(faults) => return assert_sound(&faults),
    };
    for warning in &catalog.warnings {
        assert_safe(&warning.message);
    }
    let worker = SmallModelWorker::offline();
    let _ = CatalogToolbox::new(&catalog, &worker, ToolOptions::default());
    let names = catalog.tools().iter().take(20).map(|tool| &*tool.name);
    let steps: Vec<_> = names
        .enumerate()
        .map(|(id, name)| json!({"id": id + 1, "tool": name, "parameters": {"a": 1}}))
        .collect();
    if steps.is_empty() {
        return;
    }
    let plan = json!({ "steps": steps }).to_string();
    let checked = parse("plan", plan.as_bytes()).and_then(|plan| plan.check(Some(&catalog), None));
    if let Err(faults) = checked {
        assert_sound(&faults);
    }
}
