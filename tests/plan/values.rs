//! Values as they are written: scalars of YAML, large integers, ids, and what a schema asks of literal values.

use plandeck::plan::{Diagnostic, ExecutionPlan, PlanFaults, ToolSchemas, parse};
use serde_json::{Value, json};

/// One tool, `t`, with this schema.
struct Tool(Value);

impl ToolSchemas for Tool {
    fn names(&self) -> Vec<&str> {
        vec!["t"]
    }

    fn has(&self, tool: &str) -> bool {
        tool == "t"
    }

    fn schema(&self, _: &str) -> Option<&Value> {
        Some(&self.0)
    }
}

fn read(text: &str) -> Result<ExecutionPlan, PlanFaults> {
    parse("p.yaml", text.as_bytes())?.check(None, None)
}

fn faults(text: &str) -> Vec<Diagnostic> {
    read(text).unwrap_err().diagnostics
}

/// The one parameter of a YAML plan that is written like this.
fn scalar(written: &str) -> Result<Value, Vec<Diagnostic>> {
    let text = format!("steps:\n  - id: a\n    tool: t\n    parameters:\n      v: {written}\n");
    match read(&text) {
        Ok(plan) => Ok(plan.steps[0].parameters.source()["v"].clone()),
        Err(faults) => Err(faults.diagnostics),
    }
}

#[test]
fn scalars_of_yaml_keep_their_zeros() {
    for (written, value) in [
        ("08915", json!("08915")),
        ("-012", json!("-012")),
        ("00", json!("00")),
        ("04.50", json!("04.50")),
        ("[0711, 12, {k: 0049}]", json!(["0711", 12, {"k": "0049"}])),
        ("0", json!(0)),
        ("0.25", json!(0.25)),
        ("-0.5", json!(-0.5)),
        ("120", json!(120)),
        ("1e3", json!(1000.0)),
        ("0x1F", json!(31)),
        ("0xFFFFFFFFFFFFFFFFFF", json!("0xFFFFFFFFFFFFFFFFFF")),
        ("\"08915\"", json!("08915")),
        ("18446744073709551615", json!(u64::MAX)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("0.1234567890123456789012", json!(0.123_456_789_012_345_68)),
        ("true", json!(true)),
        ("~", json!(null)),
        ("no", json!("no")),
    ] {
        assert_eq!(scalar(written).ok(), Some(value), "{written}");
    }
    let plan = read("steps:\n  - {id: 0012, tool: t}\n  - {id: b, tool: t, depends_on: [0012], parameters: {1e2: x, 03: y, 7: z}}\n").unwrap();
    assert_eq!(&*plan.steps[0].id, "0012");
    assert_eq!(
        plan.steps[1].parameters.source(),
        json!({"1e2": "x", "03": "y", "7": "z"})
    );
    assert_eq!(
        read("context: {&n zip: &z 01067}\nsteps:\n  - {id: a, tool: t, parameters: {v: *z}}\n")
            .unwrap()
            .steps[0]
            .parameters
            .source()["v"],
        "01067"
    );
    let twice = faults("steps:\n  - {id: a, tool: t, parameters: {1: a, \"1\": b}}\n");
    assert_eq!(twice[0].code, "duplicate_key");
}

#[test]
fn integers_beyond_64_bits_are_refused_with_their_place() {
    let digits = "340282366920938463463374607431768211456";
    for written in [digits, "-9223372036854775809", "[1, 99999999999999999999]"] {
        let faults = scalar(written).unwrap_err();
        assert_eq!(faults[0].code, "bad_number", "{written}: {faults:?}");
    }
    let text = format!(
        r#"{{"steps": [{{"id": "a", "tool": "t", "parameters": {{"v": [1, {digits}]}}}}]}}"#
    );
    let faults = faults(&text);
    assert_eq!(faults[0].code, "bad_number");
    assert_eq!(&text[faults[0].span.clone().unwrap()], digits);
    assert!(faults[0].help.as_ref().unwrap().contains("in quotes"));
    let text = text.replace(digits, "1e30");
    assert!(read(&text).is_ok());
}

#[test]
fn an_id_is_not_that_of_an_element() {
    let faults = faults(
        "steps:\n  - {id: \"all[3]\", tool: t}\n  - {id: all, tool: t, for_each: [1]}\n  - {id: \"all[x]\", tool: t}\n",
    );
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!(faults[0].code, "duplicate_id");
    assert!(faults[0].message.contains("all[3]"));
    assert!(read("steps:\n  - {id: \"all[3]\", tool: t}\n  - {id: all, tool: t}\n").is_ok());
}

#[test]
fn ids_may_have_the_joiners_of_their_script() {
    let id = "نمی\u{200c}دانم";
    let plan = read(&format!(
        "steps:\n  - {{id: {id}, tool: t}}\n  - {{id: b, tool: t, parameters: {{v: \"{{{{{id}.n}}}}\", w: \"{{{{ {id}.n + 1 }}}}\"}}}}\n"
    ))
    .unwrap();
    assert_eq!(&*plan.steps[0].id, id);
    assert_eq!(plan.steps[1].depends_on.len(), 1);
    let hidden = faults("steps:\n  - {id: \"a\\u200bb\", tool: t}\n");
    assert!(
        hidden[0].message.contains("the invisible character U+200B"),
        "{hidden:?}"
    );
}

/// The faults of these parameters against a schema: code and message of each.
fn against(schema: &Value, parameters: &Value) -> Vec<(String, String)> {
    let plan =
        json!({"steps": [{"id": "a", "tool": "t", "parameters": parameters}], "context": {"c": 1}});
    let draft = parse("p.json", plan.to_string().as_bytes()).unwrap();
    match draft.check(Some(&Tool(schema.clone())), None) {
        Ok(_) => Vec::new(),
        Err(faults) => faults
            .errors()
            .map(|fault| (fault.code.to_owned(), fault.message.clone()))
            .collect(),
    }
}

fn schema() -> Value {
    json!({
        "type": "object",
        "$defs": {"tree": {
            "type": "object",
            "required": ["name"],
            "properties": {"name": {"type": "string", "minLength": 2}, "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}
        }},
        "properties": {
            "tree": {"$ref": "#/$defs/tree"},
            "code": {"type": "string", "pattern": "^[A-Z]{2}[0-9]+$"},
            "share": {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
            "day": {"type": "string", "format": "date"},
            "tags": {"type": "array", "minItems": 1, "uniqueItems": true, "items": {"type": "string"}},
            "either": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "limits": {"type": "object", "additionalProperties": {"type": "integer"}}
        }
    })
}

#[test]
fn every_keyword_of_a_schema_counts() {
    for (parameters, code, says) in [
        (
            json!({"tree": {"name": "ab", "children": [{"name": "cd"}, {"name": 7}]}}),
            "wrong_type",
            "`tree.children[1].name` of `t` must be string, not 7",
        ),
        (
            json!({"tree": {"name": "ab", "children": [{}]}}),
            "missing_parameter",
            "`tree.children[0]` of `t` needs `name`",
        ),
        (
            json!({"tree": {"name": "a"}}),
            "invalid_parameter",
            "at least 2 characters",
        ),
        (
            json!({"code": "de1"}),
            "invalid_parameter",
            "match the pattern `^[A-Z]{2}[0-9]+$`, not the text \"de1\"",
        ),
        (
            json!({"share": -0.1}),
            "invalid_parameter",
            "`share` of `t` must be at least 0, not -0.1",
        ),
        (json!({"share": 1}), "invalid_parameter", "below 1"),
        (
            json!({"day": "tomorrow"}),
            "invalid_parameter",
            "have the format `date`",
        ),
        (
            json!({"tags": []}),
            "invalid_parameter",
            "at least 1 element",
        ),
        (
            json!({"tags": ["a", "a"]}),
            "invalid_parameter",
            "the same element twice",
        ),
        (
            json!({"either": "x"}),
            "invalid_parameter",
            "`either` of `t`",
        ),
        (
            json!({"limits": {"cpu": "1"}}),
            "wrong_type",
            "`limits.cpu` of `t` must be integer",
        ),
        (
            json!({"tags": ["a", 5]}),
            "wrong_type",
            "`tags[1]` of `t` must be string",
        ),
    ] {
        let faults = against(&schema(), &parameters);
        assert_eq!(faults.len(), 1, "{parameters}: {faults:?}");
        assert_eq!(faults[0].0, code, "{parameters}: {faults:?}");
        assert!(faults[0].1.contains(says), "{parameters}: {faults:?}");
    }
    for parameters in [
        json!({}),
        json!({"tree": {"name": "ab", "children": []}, "code": "DE1", "share": 0.5, "day": "2026-11-28", "tags": ["a", "b"], "either": null}),
        json!({"share": null, "code": null}),
    ] {
        assert_eq!(against(&schema(), &parameters), Vec::new(), "{parameters}");
    }
}

#[test]
fn what_depends_on_a_reference_is_left_to_the_run() {
    for parameters in [
        json!({"tree": "{{c}}", "share": "{{c}}", "code": "x{{c}}", "day": "{{ c + 1 }}"}),
        json!({"tree": {"name": "{{c}}", "children": ["{{c}}"]}, "tags": ["{{c}}", "{{c}}"], "either": "{{c}}"}),
        json!({"limits": {"cpu": "{{c}}"}}),
    ] {
        assert_eq!(against(&schema(), &parameters), Vec::new(), "{parameters}");
    }
    let faults = against(
        &schema(),
        &json!({"tree": {"children": ["{{c}}", {"name": 1}]}}),
    );
    assert_eq!(faults.len(), 2, "{faults:?}");
    let conditional = json!({"type": "object", "properties": {"mode": {"type": "string"}},
        "if": {"properties": {"mode": {"const": "a"}}}, "then": {"required": ["x"]}, "else": {"required": ["y"]}});
    assert_eq!(against(&conditional, &json!({"mode": "{{c}}"})), Vec::new());
    assert_eq!(against(&conditional, &json!({"mode": "a"})).len(), 1);
}

#[test]
fn a_schema_without_an_end_is_not_followed() {
    let mut definitions = serde_json::Map::new();
    for at in 0..60 {
        let next = json!({"$ref": format!("#/$defs/d{}", at + 1)});
        definitions.insert(format!("d{at}"), json!({"allOf": [next.clone(), next]}));
    }
    definitions.insert("d60".to_owned(), json!({"type": "integer"}));
    let schema = json!({"type": "object", "$defs": definitions, "properties": {"v": {"$ref": "#/$defs/d0"}}});
    assert_eq!(against(&schema, &json!({"v": "x"})), Vec::new());
    let circle = json!({"type": "object", "properties": {"v": {"$ref": "#/$defs/a"}},
        "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "null"}]}}});
    assert_eq!(against(&circle, &json!({"v": 1})), Vec::new());
    let doubling = json!({"type": "object", "properties": {"v": {"$ref": "#/$defs/n"}},
        "$defs": {"n": {"allOf": [{"$ref": "#/$defs/m"}, {"$ref": "#/$defs/m"}]}, "m": {"properties": {"n": {"$ref": "#/$defs/n"}}}}});
    let mut deep = json!(1);
    for _ in 0..60 {
        deep = json!({"n": deep});
    }
    assert_eq!(against(&doubling, &json!({"v": deep})), Vec::new());
    // It is said that these values are not checked.
    for (schema, value) in [
        (&schema, json!("x")),
        (&circle, json!(1)),
        (&doubling, deep),
    ] {
        let plan = json!({"steps": [{"id": "a", "tool": "t", "parameters": {"v": value}}]});
        let draft = parse("p.json", plan.to_string().as_bytes()).unwrap();
        let plan = draft.check(Some(&Tool(schema.clone())), None).unwrap();
        let codes: Vec<_> = plan.warnings.iter().map(|warning| warning.code).collect();
        assert_eq!(codes, ["not_validated"]);
    }
    assert_eq!(
        against(&doubling, &json!({"v": {"n": {"n": 1}}})),
        Vec::new()
    );
}
