//! Reading catalogs.

use crate::common::toolbox::{catalog, faults};
use plandeck::plan::Source;
use plandeck::plan::ToolSchemas;
use plandeck::tools::Catalog;
use plandeck::tools::catalog::{JqSettings, ModelSettings, ProcessSettings, Rules};
use serde_json::{Value, json};
use std::time::Duration;

/// As ToolWeaver writes it.
const TOOLWEAVER: &str = r#"{
  "source": "test", "version": "1.0", "metadata": {"a": 1},
  "tools": {
    "receipt_ocr": {
      "name": "receipt_ocr", "type": "mcp", "description": "Reads text off a picture.", "provider": "mcp",
      "parameters": [{"name": "image_uri", "type": "string", "description": "Where it is.", "required": true}],
      "output_schema": {"type": "object", "properties": {"text": {"type": "string"}}},
      "metadata": {"calls": 3}, "source": "azure", "version": "1.0", "defer_loading": false, "domain": "general",
      "examples": [{"scenario": "a bill", "input": {"image_uri": "x"}, "output": {"text": "y"}}]
    },
    "add": {
      "name": "add", "type": "function", "description": "Adds.",
      "parameters": [
        {"name": "a", "type": "integer", "description": "One.", "required": true},
        {"name": "mode", "type": "string", "description": "How.", "enum": ["fast", "exact"], "default": "fast"},
        {"name": "list", "type": "array", "description": "More.", "items": {"type": "number"}}
      ]
    }
  }
}"#;

#[test]
fn a_toolweaver_catalog_is_read_whole() {
    let catalog = catalog(TOOLWEAVER);
    assert_eq!(
        catalog
            .names()
            .iter()
            .map(|name| &**name)
            .collect::<Vec<_>>(),
        ["receipt_ocr", "add"]
    );
    assert_eq!(catalog.extra["source"], "test");
    assert!(catalog.warnings.is_empty(), "{:?}", catalog.warnings);
    let ocr = catalog.get("receipt_ocr").unwrap();
    assert_eq!(ocr.kind().name, "mcp");
    assert_eq!(
        (
            ocr.examples.len(),
            &ocr.metadata["calls"],
            &ocr.extra["domain"]
        ),
        (1, &json!(3), &json!("general"))
    );
    assert_eq!(catalog.get("add").unwrap().kind().name, "model");
    assert_eq!(
        *catalog.schema("add").unwrap(),
        json!({"type": "object", "required": ["a"], "properties": {
            "a": {"type": "integer", "description": "One."},
            "mode": {"type": "string", "description": "How.", "enum": ["fast", "exact"], "default": "fast"},
            "list": {"type": "array", "description": "More.", "items": {"type": "number"}}
        }})
    );
    assert_eq!(catalog.schema("nobody"), None);
}

#[test]
fn yaml_lists_and_implied_kinds() {
    let catalog = catalog(
        "mcpServers: {files: {command: npx}}
tools:
  - name: a
    command: grep -c 'a b'
    timeout_s: 2.5
    cost_usd: 0.0001
    read_only: true
  - {name: b, type: tool, url: 'http://x/{{id}}', cache: false}
  - {name: c, type: function, filter: .a, idempotent: true}
  - {name: d, code: 'output = 1'}
  - {name: e, type: model, prompt: 'Say {{x}}', model: gpt-4o, max_tokens: 9, offline: {code: 'output = 2'}}
  - {name: f}
",
    );
    let kinds: Vec<&str> = catalog
        .tools()
        .iter()
        .map(|tool| tool.kind().name)
        .collect();
    assert_eq!(
        kinds,
        ["process", "http", "jq", "code_exec", "model", "model"]
    );
    let a = catalog.get("a").unwrap();
    assert_eq!(
        (a.timeout, a.cost.pico(), a.read_only),
        (Some(Duration::from_millis(2500)), 100_000_000, true)
    );
    let process = a.settings::<ProcessSettings>().unwrap();
    assert_eq!(
        process
            .command
            .iter()
            .map(|word| &**word)
            .collect::<Vec<_>>(),
        ["grep", "-c", "a b"]
    );
    let e = catalog.get("e").unwrap();
    let model = e.settings::<ModelSettings>().unwrap();
    assert_eq!(
        (model.options.max_tokens, &model.offline),
        (Some(9), &Some(Rules::Code("output = 2".into())))
    );
    assert_eq!(catalog.mcp_servers["files"]["command"], "npx");
}

#[test]
fn function_calling_formats_are_read() {
    let catalog = catalog(
        r#"[{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}},
            {"name": "m", "inputSchema": {"type": "object"}, "outputSchema": {"type": "string"}}]"#,
    );
    assert_eq!(
        catalog.schema("f").unwrap()["properties"]["a"]["type"],
        "string"
    );
    assert_eq!(&*catalog.get("f").unwrap().description, "d");
    assert!(catalog.get("m").unwrap().output_schema.is_some());
}

#[test]
fn every_fault_is_found_at_once_with_its_tool() {
    let text = "tools:
  a: {type: modle}
  b: {type: process}
  c: {type: jq, filter: '.a |'}
  d: {output_schema: {type: nonsense}}
  e: {cost_usd: -1, timeout_s: soon, max_tokens: 0}
  f: {offline: {both: 1}}
  g: 7
  h: {parameters: [{type: string}]}
  i: {prompt: '@missing.txt'}
  j: {command: \"sh -c 'x\"}
  k: {price: {input: 1, ouput: 2}}
  l: {price: 0.5}
";
    let found = faults(text);
    for part in [
        "tool \"a\": the type \"modle\"",
        "tool \"b\": a process tool needs a `command`",
        "tool \"c\": `filter` is not a valid jq filter",
        "tool \"d\": `output_schema` is not a valid JSON Schema",
        "tool \"e\": `cost_usd`",
        "tool \"e\": `timeout_s`",
        "tool \"e\": `max_tokens`",
        "tool \"f\": `offline`",
        "tool \"g\": a tool is an object, not a number",
        "tool \"h\": the parameter at place 1 has no name",
        "tool \"i\": `prompt` names the file missing.txt",
        "tool \"j\": `command`: a ' is not closed",
        "tool \"k\": `price.ouput` is not a class of tokens; did you mean `output`?",
        "tool \"l\": `price` must be an object",
    ] {
        assert!(
            found.iter().any(|fault| fault.starts_with(part)),
            "{part}: {found:#?}"
        );
    }
    let source = Source {
        name: "x".into(),
        text: text.into(),
    };
    let faults = Catalog::parse(&source, None).unwrap_err();
    let first = &faults.diagnostics[0];
    assert_eq!(first.help.as_deref(), Some("did you mean `model`?"));
    assert_eq!(
        first.span.as_ref().map(|span| &text[span.clone()]),
        Some("a")
    );
}

#[test]
fn oddities_are_warnings_and_unknown_fields_are_kept() {
    let catalog =
        catalog("tools: {a: {type: jq, filter: ., promt: x, url: 'http://x', owner: me}}");
    let tool = catalog.get("a").unwrap();
    assert_eq!(tool.extra["owner"], "me");
    let warnings: Vec<(&str, Option<&str>)> = catalog
        .warnings
        .iter()
        .map(|warning| (warning.message.as_str(), warning.help.as_deref()))
        .collect();
    assert!(
        warnings
            .iter()
            .any(|(message, help)| message.contains("`promt`")
                && *help == Some("did you mean `prompt`?")),
        "{warnings:?}"
    );
    assert!(
        warnings
            .iter()
            .any(|(message, _)| message.contains("`url` has no effect on a jq tool")),
        "{warnings:?}"
    );
}

#[test]
fn broken_text_has_a_place() {
    for (text, at) in [("{\"tools\": {\"a\" 1}}", 15), ("tools:\n  a: [1,\n", 0)] {
        let source = Source {
            name: "x".into(),
            text: text.into(),
        };
        let faults = Catalog::parse(&source, None).unwrap_err();
        let span = faults.diagnostics[0].span.clone().unwrap();
        assert!(
            span.start >= at && span.end <= text.len(),
            "{text}: {faults:?}"
        );
    }
    for text in [
        "",
        "7",
        "{}",
        "tools: 7",
        "[1]",
        "tools: [{}]",
        "\u{0}",
        "{\"tools\": [[[[",
    ] {
        assert!(!faults(text).is_empty(), "{text}");
    }
    assert!(!faults(&"[".repeat(200_000)).is_empty());
    assert!(!faults(&format!("a: {}", "[".repeat(200_000))).is_empty());
    assert!(!faults(&"- ".repeat(100_000)).is_empty());
}

#[test]
fn of_several_catalogs_the_last_counts() {
    let mut first = catalog("tools: {a: {description: one}, b: {}}");
    first.merge(catalog(
        "tools: {a: {description: two}, c: {}}\nmcpServers: {s: {command: x}}",
    ));
    assert_eq!(&*first.get("a").unwrap().description, "two");
    assert_eq!(first.tools().len(), 3);
    assert!(
        first
            .warnings
            .iter()
            .any(|warning| warning.message.contains("\"a\""))
    );
    assert!(first.mcp_servers.contains_key("s"));
}

#[test]
fn files_are_read_from_the_catalogs_folder() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("p.txt", "Say {{x}}.");
    write("f.jq", ".a");
    write(
        "tools.yaml",
        "tools:\n  a: {prompt: '@p.txt'}\n  b: {filter: '@f.jq'}\n  c: {filter: '@base64 \"\\(.)\"'}\n",
    );
    let catalog = Catalog::load(&folder.path().join("tools.yaml")).unwrap();
    let a = catalog.get("a").unwrap();
    let model = a.settings::<ModelSettings>().unwrap();
    assert_eq!(model.prompt.as_deref(), Some("Say {{x}}."));
    assert_eq!(
        catalog.get("b").unwrap().settings(),
        Some(&JqSettings {
            filter: ".a".into()
        })
    );
    let missing = Catalog::load(&folder.path().join("no.yaml")).unwrap_err();
    assert!(missing.diagnostics[0].message.contains("cannot be read"));
    std::fs::write(folder.path().join("bytes.yaml"), [0xff, 0xfe]).unwrap();
    let bytes = Catalog::load(&folder.path().join("bytes.yaml")).unwrap_err();
    assert!(bytes.diagnostics[0].message.contains("UTF-8"));
}

#[test]
fn a_catalog_inside_a_plan_is_read_from_its_value() {
    let text = r#"{"tools": [{"name": "a", "type": "jq", "filter": "."}], "steps": []}"#;
    let value: Value = serde_json::from_str(text).unwrap();
    let source = Source {
        name: "plan.json".into(),
        text: text.into(),
    };
    let catalog = Catalog::from_value(&json!({"tools": value["tools"]}), &source, None).unwrap();
    assert_eq!(catalog.names().len(), 1);
}

#[test]
fn yaml_is_read_as_it_is_in_plans() {
    let catalog = catalog(
        "tools:\n  t:\n    description: no\n    parameters:\n      - {name: n, type: integer}\n      - {name: y, enum: [yes, off]}\n",
    );
    let tool = catalog.get("t").unwrap();
    assert_eq!(&*tool.description, "no");
    let properties = &tool.input_schema.as_deref().unwrap()["properties"];
    assert_eq!(properties["n"]["type"], "integer");
    assert_eq!(properties["y"]["enum"], json!(["yes", "off"]));
}

#[test]
fn a_tool_given_twice_is_a_fault_at_its_place() {
    let text =
        r#"{"tools": {"a": {"type": "jq", "filter": "."}, "a": {"type": "jq", "filter": ".x"}}}"#;
    let source = Source {
        name: "x".into(),
        text: text.into(),
    };
    let faults = Catalog::parse(&source, None).unwrap_err();
    assert_eq!(faults.diagnostics[0].code, "duplicate_key");
    assert_eq!(faults.diagnostics[0].span, Some(47..50));
}

#[test]
fn every_fault_has_a_place() {
    for text in ["", "7", "{}", "tools: 7", "[1]", "\n tools: [{}]", "\u{0}"] {
        let source = Source {
            name: "x".into(),
            text: text.into(),
        };
        let faults = Catalog::parse(&source, None).unwrap_err();
        assert!(
            faults.diagnostics.iter().all(|fault| fault.span.is_some()),
            "{text}: {faults:?}"
        );
    }
}

#[test]
fn what_is_null_was_not_given() {
    let catalog = catalog(
        r#"{"tools": {"t": {"type": "mcp", "description": "d", "input_schema": null, "output_schema": null, "prompt": null}}}"#,
    );
    assert!(catalog.warnings.is_empty(), "{:?}", catalog.warnings);
}
