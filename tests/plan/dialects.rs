//! Every dialect becomes the same thing.

use plandeck::plan::{
    Dialect, ExecutionPlan, FINAL_SYNTHESIS, Mode, Severity, Template, Trigger, parse,
};
use serde_json::{Value, json};
use std::time::Duration;

fn fixture(name: &str) -> ExecutionPlan {
    let path = format!("{}/tests/fixtures/plans/{name}", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&path).unwrap();
    let plan = parse(&path, &bytes).and_then(|draft| draft.check(None, None));
    plan.unwrap_or_else(|faults| panic!("{name}: {:#?}", faults.diagnostics))
}

/// Ids, tools, what each waits for by id, and the parameters as text.
fn outline(plan: &ExecutionPlan) -> Value {
    plan.steps
        .iter()
        .map(|step| {
            let waits: Vec<&str> = step
                .depends_on
                .iter()
                .map(|ix| &*plan.steps[ix.at()].id)
                .collect();
            json!([&*step.id, &*step.tool, waits, step.parameters.source()])
        })
        .collect()
}

#[test]
fn documented() {
    let plan = fixture("documented.json");
    assert_eq!(plan.dialect, Dialect::Documented);
    assert_eq!(&*plan.name, "expenses");
    assert_eq!(
        outline(&plan),
        json!([
            ["1", "extract", [], {"text": "{{receipt}}"}],
            ["2", "categorize", ["1"], {"merchant": "{{steps[1].output.merchant}}", "limit": 3}],
            ["3", "report", ["1", "2"], {
                "lines": ["{{steps[2].output.items[0].name}}", "total: {{steps[1].output.total}}"],
                "flag": true
            }],
        ])
    );
    let names: Vec<&str> = plan.context_names.iter().map(|name| &**name).collect();
    assert_eq!(names, ["receipt", "flagged"]);
    assert!(plan.steps[2].run_if.is_some());
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
}

#[test]
fn runtime() {
    let plan = fixture("runtime.json");
    assert_eq!(plan.dialect, Dialect::Runtime);
    assert_eq!(&*plan.name, "req-7");
    assert_eq!(
        outline(&plan),
        json!([
            ["step-1", "receipt_ocr", [], {"image_uri": "mock://receipt.jpg"}],
            ["step-2", "line_item_parser", ["step-1"], {"text": "step:step-1"}],
            ["step-3", "agent_auditor", ["step-2"], {
                "task": "check {{step-2.total}}",
                "context": {"step-2": "step:step-2"}
            }],
            [FINAL_SYNTHESIS, FINAL_SYNTHESIS, ["step-3"], {
                "prompt_template": "Say what was bought: {{steps}}",
                "meta": {"expose_inputs_to_reasoner": false}
            }],
        ])
    );
    let second = &plan.steps[1];
    let retry = second.settings.retry.unwrap();
    assert_eq!((retry.attempts, retry.backoff), (3, Duration::from_secs(1)));
    assert_eq!(second.settings.idempotency_key.as_deref(), Some("k"));
    assert_eq!(second.settings.mode, Mode::Sequential);
    assert_eq!(
        plan.steps[2].settings.timeout,
        Some(Duration::from_millis(2500))
    );
    assert_eq!(plan.steps[3].settings.trigger, Trigger::NoneFailed);
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
}

#[test]
fn template_in_yaml() {
    let plan = fixture("template.yaml");
    assert_eq!(plan.dialect, Dialect::Template);
    assert_eq!(&*plan.name, "release");
    assert_eq!(
        outline(&plan),
        json!([
            ["s1", "tool_a", [], {"repo": "{{repo}}"}],
            ["s2", "tool_b", ["s1"], {"d": "{{s1.result}}", "text": "got {{s1.count}} of ${s1.total}"}],
        ])
    );
    // `retry_count` counts the attempts after the first.
    assert_eq!(plan.steps[1].settings.retry.unwrap().attempts, 3);
    assert_eq!(plan.steps[1].settings.timeout, Some(Duration::from_secs(5)));
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
}

#[test]
fn llmcompiler() {
    let plan = fixture("llmcompiler.txt");
    assert_eq!(plan.dialect, Dialect::LlmCompiler);
    assert_eq!(&*plan.name, "llmcompiler");
    assert_eq!(
        outline(&plan),
        json!([
            ["1", "search", [], {"input": "height of the tower", "limit": 3}],
            ["2", "math", ["1"], {"args": ["half of the height in meter?", ["$1"]]}],
            ["3", "combine", ["1", "2"], {"args": ["$1", "${2} meters", {"exact": true}]}],
        ])
    );
    assert_eq!(
        plan.steps[0].settings.description.as_deref(),
        Some("two facts are needed.")
    );
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
}

#[test]
fn hugginggpt() {
    let plan = fixture("hugginggpt.json");
    assert_eq!(plan.dialect, Dialect::HuggingGpt);
    assert_eq!(
        outline(&plan),
        json!([
            ["0", "pose-detection", [], {"image": "/e.jpg"}],
            ["1", "image-to-text", ["0"], {"image": "<GENERATED>-0", "caption": "of <GENERATED>-0"}],
        ])
    );
    let Template::Object(members) = &plan.steps[1].parameters else {
        panic!("{:?}", plan.steps[1].parameters);
    };
    assert!(matches!(members[0].1, Template::Reference(_)));
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
}

#[test]
fn rewoo() {
    let plan = fixture("rewoo.txt");
    assert_eq!(plan.dialect, Dialect::ReWoo);
    assert_eq!(
        outline(&plan),
        json!([
            ["E1", "Google", [], {"input": "author of the book [first edition]"}],
            ["E2", "LLM", ["E1"], {"input": "Who is it? Given context: #E1"}],
            ["E3", "Calculator", ["E2"], {"expression": "#E2"}],
        ])
    );
    assert_eq!(
        plan.steps[2].settings.description.as_deref(),
        Some("Count.")
    );
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
}

#[test]
fn every_dialect_survives_being_written_and_read_again() {
    for name in [
        "documented.json",
        "runtime.json",
        "template.yaml",
        "llmcompiler.txt",
        "hugginggpt.json",
        "rewoo.txt",
    ] {
        let plan = fixture(name);
        let value = plan.to_value();
        let again = ExecutionPlan::from_value(value.clone())
            .unwrap_or_else(|faults| panic!("{name}: {:#?}\n{value:#}", faults.diagnostics));
        assert_eq!(again.to_value(), value, "{name}");
        for (one, other) in plan.steps.iter().zip(again.steps.iter()) {
            assert_eq!(
                (&one.id, &one.tool, &one.depends_on),
                (&other.id, &other.tool, &other.depends_on)
            );
        }
        assert_eq!(plan.steps.len(), again.steps.len());
        assert_eq!(plan.context_names, again.context_names);
    }
}

#[test]
fn sloppy_plans_are_repaired_and_reported() {
    let steps = r#"{"steps": [{"id": 1, "tool": "a", "parameters": {"x": "[y]"}}]}"#;
    let cases = [
        (
            format!("Here is the [first] plan:\n```json\n{steps}\n```\nGood luck!"),
            "code_fence",
        ),
        (format!("Sure, here it is: {steps}"), "text_before"),
        (format!("{steps}\nI hope this helps."), "text_after"),
        (steps.replace("}]}", "},]}"), "trailing_comma"),
        (steps.replace("}}]}", "}}]"), "missing_bracket"),
        (
            format!("```json\n{}\n```", steps.replace("}}]}", "}}")),
            "missing_bracket",
        ),
        (steps.replace('"', "'"), "quotes"),
        (steps.replace("\"id\"", "id"), "quotes"),
        (steps.replace("\"id\": 1,", "\"id\": 1"), "missing_comma"),
        (steps.replace("\"[y]\"", "True"), "keyword"),
        (
            steps.replace("\"id\": 1,", "\"id\": 1, // the first\n"),
            "repaired",
        ),
        (
            "```yaml\nsteps:\n  - {id: 1, tool: a}\n```".to_string(),
            "code_fence",
        ),
        (format!("Plan: {steps}"), "text_before"),
        (format!("Note: mind the order\n{steps}"), "text_before"),
        (
            format!("- first I look\n- then I act\n\n{steps}"),
            "text_before",
        ),
        (
            "Sure!\nname: x\nsteps:\n  - {id: 1, tool: a}\n".to_string(),
            "text_before",
        ),
        (
            "steps:\n- id: 1\n  tool: a\n\nThis should work.".to_string(),
            "text_after",
        ),
    ];
    for (text, code) in cases {
        let plan = parse("x.txt", text.as_bytes())
            .and_then(|draft| draft.check(None, None))
            .unwrap_or_else(|faults| panic!("{text}: {:#?}", faults.diagnostics));
        assert_eq!(plan.steps.len(), 1, "{text}");
        assert_eq!(
            (&*plan.steps[0].id, &*plan.steps[0].tool),
            ("1", "a"),
            "{text}"
        );
        let repairs: Vec<_> = plan
            .warnings
            .iter()
            .filter(|warning| warning.severity == Severity::Repaired)
            .collect();
        assert!(
            repairs
                .iter()
                .any(|repair| repair.code == code && repair.span.is_some()),
            "{text}: {repairs:#?}"
        );
    }
}
