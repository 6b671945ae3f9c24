//! Every fault of a plan, with its place, and how it is shown.

use plandeck::plan::{Diagnostic, ExecutionPlan, PlanFaults, Severity, ToolSchemas, parse};
use plandeck::report::diagnostics::{DiagnosticStyle, render_faults, to_json};
use serde_json::{Map, Value, json};

struct Catalog(Map<String, Value>);

impl ToolSchemas for Catalog {
    fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    fn has(&self, tool: &str) -> bool {
        self.0.contains_key(tool)
    }

    fn schema(&self, tool: &str) -> Option<&Value> {
        self.0.get(tool).filter(|schema| !schema.is_null())
    }
}

fn catalog() -> Catalog {
    let tools = json!({
        "extract": {
            "type": "object",
            "properties": {
                "text": {"type": "string"},
                "limit": {"type": "integer"},
                "mode": {"type": "string", "enum": ["fast", "exact"]},
                "lines": {"type": "array", "items": {
                    "type": "object", "properties": {"n": {"type": "number"}}, "required": ["n"]
                }},
                "level": {"type": "integer", "default": 1}
            },
            "required": ["text", "level"]
        },
        "fetch": null,
        "agent_auditor": null
    });
    match tools {
        Value::Object(tools) => Catalog(tools),
        _ => unreachable!(),
    }
}

fn check(text: &str) -> Result<ExecutionPlan, PlanFaults> {
    let context = json!({"receipt": "r", "user": {"name": "n"}});
    parse("plan.json", text.as_bytes())?.check(Some(&catalog()), context.as_object())
}

fn faults(text: &str) -> PlanFaults {
    match check(text) {
        Ok(plan) => panic!("{text} has no fault: {plan:#?}"),
        Err(faults) => faults,
    }
}

/// A plan of one step with these members.
fn step(members: &str) -> String {
    format!(r#"{{"steps": [{{"id": "a", "tool": "fetch", {members}}}]}}"#)
}

/// The one error of a plan, which stands at `place`.
fn only(text: &str, code: &str, place: &str) -> Diagnostic {
    let faults = faults(text);
    let errors: Vec<&Diagnostic> = faults.errors().collect();
    assert_eq!(errors.len(), 1, "{text}: {errors:#?}");
    assert_eq!(errors[0].code, code, "{text}: {errors:#?}");
    let span = errors[0].span.clone().unwrap();
    assert_eq!(&text[span], place, "{text}: {errors:#?}");
    errors[0].clone()
}

#[test]
fn each_fault_has_a_code_and_a_place() {
    let cases: &[(&str, &str, &str)] = &[
        (r#"{"steps": []}"#, "no_steps", "{"),
        (r#"{"name": "x"}"#, "no_steps", "{"),
        (r#"{"steps": 3}"#, "bad_field", "3"),
        (
            r#"{"steps": [{"tool": "fetch"}]}"#,
            "missing_id",
            "\"fetch\"",
        ),
        (
            r#"{"steps": [{"id": "", "tool": "fetch"}]}"#,
            "missing_id",
            "\"fetch\"",
        ),
        (
            r#"{"steps": [{"id": 1.5, "tool": "fetch"}]}"#,
            "bad_field",
            "1.5",
        ),
        (
            r#"{"steps": [{"id": 1, "tool": "fetch"}, {"id": "1", "tool": "fetch"}]}"#,
            "duplicate_id",
            "\"1\"",
        ),
        (r#"{"steps": [{"id": 1}]}"#, "missing_tool", "1"),
        (
            r#"{"steps": [{"id": 1, "tool": "extrct", "parameters": {"text": ""}}]}"#,
            "unknown_tool",
            "\"extrct\"",
        ),
        (
            r#"{"steps": [{"id": 1, "tool": "fetch", "depends_on": [2]}]}"#,
            "unknown_dependency",
            "2",
        ),
        (
            r#"{"steps": [{"id": 1, "tool": "fetch", "depends_on": [1]}]}"#,
            "cycle",
            "1",
        ),
        (
            r#"{"steps": [{"id": 1, "tool": "fetch", "depends_on": {"x": 1}}]}"#,
            "bad_field",
            "{",
        ),
        (
            r#"{"steps": [{"id": 1, "tool": "fetch", "depends_on": [true]}]}"#,
            "bad_field",
            "true",
        ),
        (
            r#"{"steps": [{"id": 1, "tool": "fetch", "id": 2}]}"#,
            "duplicate_key",
            "\"id\"",
        ),
        (r#"{"steps": ["fetch"]}"#, "bad_step", "\""),
        (
            r#"{"steps": [{"id": 1, "tool": "extract"}]}"#,
            "missing_parameter",
            "\"extract\"",
        ),
        (
            r#"{"steps": [{"id": 1, "tool": "extract", "parameters": {"text": 5}}]}"#,
            "wrong_type",
            "5",
        ),
        (
            r#"{"steps": [{"id": 1, "tool": "extract", "parameters": {"text": "", "limit": "5"}}]}"#,
            "wrong_type",
            "\"5\"",
        ),
        (
            r#"{"steps": [{"id": 1, "tool": "extract", "parameters": {"text": "", "limit": 1.5}}]}"#,
            "wrong_type",
            "1.5",
        ),
        (
            r#"{"steps": [{"id": 1, "tool": "extract", "parameters": {"text": "", "mode": "exakt"}}]}"#,
            "not_in_enum",
            "\"exakt\"",
        ),
        (
            r#"{"steps": [{"id": 1, "tool": "extract", "parameters": {"text": "", "lines": [{"n": 1}, {}]}}]}"#,
            "missing_parameter",
            "{",
        ),
        (
            r#"{"steps": [{"id": 1, "tool": "extract", "parameters": {"text": "", "lines": [{"n": "{{receipt}}"}, {"n": []}]}}]}"#,
            "wrong_type",
            "[",
        ),
        (
            r#"{"steps": [{"id": 1, "tool": "function_call", "parameters": {"args": {}}}]}"#,
            "missing_parameter",
            "\"function_call\"",
        ),
        (
            r#"{"steps": [{"id": 1, "tool": "function_call", "parameters": {"name": "nothing"}}]}"#,
            "unknown_tool",
            "\"nothing\"",
        ),
        (
            r#"{"steps": [{"id": 1, "tool": "code_exec", "parameters": {"input_data": 1}}]}"#,
            "missing_parameter",
            "1",
        ),
        (
            r#"{"steps": [{"id": 1, "type": "agent", "agent_id": "ghost"}]}"#,
            "unknown_tool",
            "\"ghost\"",
        ),
        (
            r#"{"steps": [{"id": "\u001b[2J", "tool": "fetch"}]}"#,
            "control_character",
            "\"\\u001b[2J\"",
        ),
        (
            r#"{"name": "a\u0007", "steps": [{"id": 1, "tool": "fetch"}]}"#,
            "control_character",
            "\"a\\u0007\"",
        ),
        (
            r#"{"steps": [{"id": 1, "tool": "fetch", "parameters": {"n": 1e999}}]}"#,
            "bad_number",
            "1e999",
        ),
        (
            r#"{"steps": [{"id": 1, "tool": "fetch"}], "final_synthesis": {"meta": {}}}"#,
            "missing_parameter",
            "\"final_synthesis\"",
        ),
        ("[1, 2]", "not_a_plan", "["),
        ("nothing of the kind", "not_a_plan", "nothing of the kind"),
    ];
    for (text, code, place) in cases {
        only(text, code, place);
    }
}

#[test]
fn each_fault_of_a_field_has_a_place() {
    let cases: &[(&str, &str, &str)] = &[
        (r#""parameters": []"#, "bad_field", "["),
        (r#""run_if": 3"#, "bad_field", "3"),
        (
            r#""run_if": "{{receipt >}}""#,
            "bad_expression",
            "\"{{receipt >}}\"",
        ),
        (
            r#""run_if": "steps[9].output.total > 1""#,
            "unknown_reference",
            "\"steps[9].output.total > 1\"",
        ),
        (r#""for_each": "some text""#, "bad_field", "\"some text\""),
        (r#""for_each": 7"#, "bad_field", "7"),
        (r#""trigger": "all_sucess""#, "bad_field", "\"all_sucess\""),
        (r#""mode": "serial""#, "bad_field", "\"serial\""),
        (r#""timeout_s": -1"#, "bad_field", "-1"),
        (r#""timeout_s": "5""#, "bad_field", "\"5\""),
        (r#""retry_policy": {"retries": 1.5}"#, "bad_field", "1.5"),
        (r#""retry_policy": 3"#, "bad_field", "3"),
        (r#""cache": "yes""#, "bad_field", "\"yes\""),
        (
            r#""parameters": {"x": ["a", {"y": "see {{steps[b].output}}."}]}"#,
            "unknown_reference",
            "{{steps[b].output}}",
        ),
        (
            r#""parameters": {"x": "step:b"}"#,
            "unknown_reference",
            "step:b",
        ),
        (
            r#""parameters": {"x": "${b.field}"}"#,
            "unknown_reference",
            "${b.field}",
        ),
        (
            r#""parameters": {"x": "{{steps}}"}"#,
            "unknown_reference",
            "{{steps}}",
        ),
        (
            r#""parameters": {"x": "a {{budget}}"}"#,
            "missing_context",
            "{{budget}}",
        ),
        (
            r#""parameters": {"x": "{{item}}"}"#,
            "missing_context",
            "{{item}}",
        ),
        (
            r#""parameters": {"x": "{{ 1 + }}"}"#,
            "bad_expression",
            "{{ 1 + }}",
        ),
        (
            r#""parameters": {"x": "{{steps[a].output}}"}"#,
            "cycle",
            "\"a\"",
        ),
        (r#""run_if": "steps[a].output""#, "cycle", "\"a\""),
    ];
    for (members, code, place) in cases {
        only(&step(members), code, place);
    }
}

#[test]
fn likely_repairs_are_named() {
    let cases: &[(&str, &str)] = &[
        (
            r#"{"steps": [{"id": "x", "tool": "extrct", "parameters": {"text": ""}}]}"#,
            "did you mean `extract`?",
        ),
        (
            r#"{"steps": [{"id": "load", "tool": "fetch"}, {"id": "b", "tool": "fetch", "depends_on": ["laod"]}]}"#,
            "did you mean `load`?",
        ),
        (
            r#"{"steps": [{"id": "load", "tool": "fetch"}, {"id": "b", "tool": "fetch", "parameters": {"x": "{{laod.y}}"}}]}"#,
            "did you mean `load`?",
        ),
        (
            r#"{"steps": [{"id": "step_1", "tool": "fetch"}, {"id": "b", "tool": "fetch", "parameters": {"x": "{{steps[step_7].output}}"}}]}"#,
            "did you mean `step_1`?",
        ),
        (
            r#"{"steps": [{"id": "a", "tool": "fetch", "parameters": {"x": "{{reciept}}"}}]}"#,
            "did you mean `receipt`?",
        ),
        (
            r#"{"steps": [{"id": "a", "tool": "fetch", "trigger": "all_sucess"}]}"#,
            "did you mean `all_success`?",
        ),
        (
            r#"{"steps": [{"id": "a", "tool": "extract", "parameters": {"txt": "x"}}]}"#,
            "did you mean `text` by `txt`?",
        ),
        (
            r#"{"steps": [{"id": "a", "tool": "extract", "parameters": {"text": "x", "limit": "5"}}]}"#,
            "write 5 without quotes",
        ),
        (
            r#"{"steps": [{"id": "a", "tool": "zzzz"}]}"#,
            "it has `extract`, `fetch`, `agent_auditor`",
        ),
    ];
    for (text, help) in cases {
        let faults = faults(text);
        assert!(
            faults
                .errors()
                .any(|error| error.help.as_deref() == Some(help)),
            "{help}: {:#?}",
            faults.diagnostics
        );
    }
}

#[test]
fn all_faults_come_at_once_in_the_order_of_their_places() {
    let text = r#"{"steps": [
  {"id": "a", "tool": "nope", "depends_on": ["b"]},
  {"id": "b", "tool": "extract", "parameters": {"limit": "x"}, "depends_on": ["a", "q"]},
  {"id": "c", "tool": "fetch", "parameters": {"x": "{{gone}}"}}
]}"#;
    let faults = faults(text);
    let codes: Vec<&str> = faults.errors().map(|error| error.code).collect();
    assert_eq!(
        codes,
        [
            "cycle",
            "unknown_tool",
            "missing_parameter",
            "wrong_type",
            "unknown_dependency",
            "missing_context"
        ]
    );
    assert!(faults.to_string().starts_with("plan.json: "));
    assert!(faults.to_string().ends_with("(and 5 more faults)"));
}

#[test]
fn a_cycle_is_named_whole_and_once() {
    let text = r#"{"steps": [
  {"id": "a", "tool": "fetch", "depends_on": ["c"]},
  {"id": "b", "tool": "fetch", "depends_on": ["a"]},
  {"id": "c", "tool": "fetch", "parameters": {"x": "{{steps[b].output}}"}},
  {"id": "d", "tool": "fetch", "depends_on": ["e"]},
  {"id": "e", "tool": "fetch", "depends_on": ["d", "a"]}
]}"#;
    let faults = faults(text);
    let messages: Vec<&str> = faults
        .errors()
        .map(|error| error.message.as_str())
        .collect();
    assert_eq!(
        messages,
        [
            "these steps wait for each other: a → b → c → a",
            "these steps wait for each other: d → e → d"
        ]
    );
}

#[test]
fn oddities_are_warnings_and_the_plan_runs() {
    let text = r#"{"colour": 1, "steps": [
  {"id": "a", "tool": "fetch", "retries": 3},
  {"id": "b", "tool": "extract", "parameters": {"text": "step:a", "extra": 1}}
]}"#;
    let plan = check(text).unwrap();
    let codes: Vec<&str> = plan.warnings.iter().map(|warning| warning.code).collect();
    assert_eq!(
        codes,
        [
            "unknown_field",
            "unknown_field",
            "undeclared_dependency",
            "unknown_parameter"
        ]
    );
    assert!(
        plan.warnings
            .iter()
            .all(|warning| warning.severity == Severity::Warning)
    );
    assert_eq!(plan.steps[0].settings.extra["retries"], json!(3));
}

#[test]
fn calls_by_name_call_the_tool() {
    let text = r#"{"steps": [
  {"id": "a", "tool": "function_call", "parameters": {"name": "extract", "args": {"text": "{{receipt}}"}}},
  {"id": "b", "tool": "code_exec", "parameters": {"code": "output = {{}}\nx = {k: {{v}} }\ny = f'{{z}} {{receipt}}'", "input_data": "step:a"}, "depends_on": ["a"]},
  {"id": "c", "tool": "agent_auditor", "parameters": {"task": "t"}}
]}"#;
    let plan = check(text).unwrap();
    assert_eq!(&*plan.steps[0].tool, "extract");
    assert_eq!(
        plan.steps[0].parameters.source(),
        json!({"text": "{{receipt}}", "level": 1})
    );
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
    let names: Vec<&str> = plan.context_names.iter().map(|name| &**name).collect();
    assert_eq!(names, ["receipt"]);
}

#[test]
fn arguments_by_position_get_the_catalogs_names() {
    let text = "1. extract(\"abc\", 3)\n2. extract(\"$1\", mode=\"fast\")\n3. join()";
    let plan = check(text).unwrap();
    assert_eq!(
        plan.steps[0].parameters.source(),
        json!({"text": "abc", "limit": 3, "level": 1})
    );
    assert_eq!(
        plan.steps[1].parameters.source(),
        json!({"text": "$1", "mode": "fast", "level": 1})
    );
    let faults = faults("1. extract(1, 2, 3, 4, 5, 6)");
    assert!(
        faults
            .errors()
            .any(|error| error.code == "too_many_arguments")
    );
}

#[test]
fn an_unknown_step_is_distinguished_from_a_context_value() {
    let text = r#"{"steps": [
  {"id": "extract", "tool": "fetch"},
  {"id": "b", "tool": "fetch", "parameters": {"x": "{{extrct.total}}", "y": "{{customer.name}}"}}
]}"#;
    let faults = parse("plan.json", text.as_bytes())
        .unwrap()
        .check(None, None)
        .unwrap_err();
    let errors: Vec<&Diagnostic> = faults.errors().collect();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert_eq!(errors[0].help.as_deref(), Some("did you mean `extract`?"));
    let fixed = text.replace("extrct", "extract");
    let plan = parse("plan.json", fixed.as_bytes())
        .unwrap()
        .check(None, None)
        .unwrap();
    assert_eq!(plan.context_names.len(), 1);
    assert_eq!(&*plan.context_names[0], "customer");
}

#[test]
fn machines_get_lines_and_columns_in_characters() {
    let text = "{\"steps\": [\n  {\"id\": \"é\", \"tool\": \"nope\"}\n]}";
    let faults = faults(text);
    let listed = to_json(&faults.source_text, &faults.diagnostics);
    assert_eq!(
        listed,
        json!([{
            "severity": "error", "code": "unknown_tool", "message": "the catalog has no tool `nope`",
            "help": "it has `extract`, `fetch`, `agent_auditor`",
            "file": "plan.json", "line": 2, "column": 23, "step": "é"
        }])
    );
}

fn drawn(text: &str, style: DiagnosticStyle) -> String {
    render_faults(&faults(text), style)
}

const TWO_FAULTS: &str = r#"{
  "name": "receipt",
  "steps": [
    {"id": "extract", "tool": "extrct", "parameters": {"text": "{{receipt}}"}},
    {"id": "sum", "tool": "fetch", "parameters": {"total": "of {{extract.total}} and {{budget}}"}, "depends_on": ["extract"]}
  ]
}"#;

#[test]
fn drawn_with_lines() {
    insta::assert_snapshot!(drawn(
        TWO_FAULTS,
        DiagnosticStyle {
            width: 80,
            ..Default::default()
        }
    ));
}

#[test]
fn drawn_in_ascii() {
    let style = DiagnosticStyle {
        unicode: false,
        width: 60,
        ..Default::default()
    };
    insta::assert_snapshot!(drawn(TWO_FAULTS, style));
}

#[test]
fn told_in_sentences() {
    let style = DiagnosticStyle {
        narrated: true,
        ..Default::default()
    };
    insta::assert_snapshot!(drawn(TWO_FAULTS, style));
}

#[test]
fn drawn_without_anything_a_terminal_could_obey() {
    let text = format!(
        "{{\"steps\": [{{\"id\": \"a\", \"tool\": \"\u{9b}2J\u{202e}x\",\t\"parameters\": {{\"p\": \"{}\"}}}}, {}]}}",
        "long ".repeat(2000),
        "{\"id\": \"b\", \"tool\": \"nope\"}"
    );
    for style in [
        DiagnosticStyle::default(),
        DiagnosticStyle {
            narrated: true,
            ..Default::default()
        },
    ] {
        let drawn = drawn(&text, style);
        assert!(
            drawn
                .chars()
                .all(|c| c == '\n' || !plandeck::text::is_unsafe(c)),
            "{drawn:?}"
        );
        assert!(
            drawn.lines().all(|line| line.chars().count() <= 110),
            "{drawn}"
        );
        assert!(drawn.contains("nope"));
    }
    let coloured = DiagnosticStyle {
        colour: true,
        ..Default::default()
    };
    assert!(render_faults(&faults(&text), coloured).contains("\u{1b}["));
    insta::assert_snapshot!(drawn(
        &text,
        DiagnosticStyle {
            width: 70,
            ..Default::default()
        }
    ));
}

#[test]
fn faults_of_the_form_of_yaml_have_their_line() {
    for (text, line) in [
        ("steps:\n  - id: a\n\ttool: fetch\n", 3),
        ("name: x\nsteps: [\n", 2),
        ("steps:\n  - {id: a, tool: fetch}\n bad\n", 3),
    ] {
        let faults = faults(text);
        let fault = faults.errors().next().unwrap();
        let start = fault.span.clone().unwrap().start;
        assert_eq!(text[..start].matches('\n').count() + 1, line, "{fault:?}");
    }
}

#[test]
fn parameters_that_are_not_given_take_the_catalogs_default() {
    for parameters in [r#"{"text": "x"}"#, r#"{"text": "{{receipt}}"}"#] {
        let plan = check(&format!(
            r#"{{"steps": [{{"id": 1, "tool": "extract", "parameters": {parameters}}}]}}"#
        ))
        .unwrap();
        assert_eq!(plan.steps[0].parameters.source()["level"], 1);
    }
    let plan = check(
        r#"{"steps": [{"id": 1, "tool": "extract", "parameters": {"text": "x", "level": 2}}]}"#,
    )
    .unwrap();
    assert_eq!(plan.steps[0].parameters.source()["level"], 2);
}

#[test]
fn joiners_belong_to_ids_where_they_do_not_hide() {
    for id in ["👨‍👩‍👧", "❤️‍🔥"] {
        let plan = check(&format!(
            r#"{{"steps": [{{"id": "{id}", "tool": "fetch"}}]}}"#
        ))
        .unwrap();
        assert_eq!(&*plan.steps[0].id, id);
    }
    for id in [
        "a\u{200d}b",
        "\u{200d}👧",
        "👧\u{200d}",
        "👧\u{200d}\u{200d}👧",
    ] {
        let text = format!(r#"{{"steps": [{{"id": "{id}", "tool": "fetch"}}]}}"#);
        assert_eq!(
            faults(&text).diagnostics[0].code,
            "control_character",
            "{id:?}"
        );
    }
}
