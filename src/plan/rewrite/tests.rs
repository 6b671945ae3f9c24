//! Files that are changed, beside what they hold and how they are written then.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn path(text: &str) -> Vec<Segment> {
    text.split('.')
        .filter(|part| !part.is_empty())
        .map(|part| match part.parse() {
            Ok(at) => Segment::Index(at),
            Err(_) => Segment::Field(part.into()),
        })
        .collect()
}

/// The text after a change.
fn after(text: &str, at: &str, value: &Value) -> String {
    let mut document = Document::read(text).unwrap();
    document.set(&path(at), value).unwrap();
    assert_eq!(document.get(&path(at)).as_ref(), Some(value));
    document.text().to_owned()
}

const YAML: &str = "# A plan\nname: p # its name\nsteps:\n  - id: a\n    tool: 'one'\n    parameters:\n      # the text\n      text: \"old\"   # kept\n      n: 3\n\n  # about b\n  - id: b\n    tool: two\n    parameters: {x: 1, y: [1, 2]} # flow\n    prompt: |\n      First.\n      # not a comment\n\n# end\n";

#[test]
fn one_line_changes_and_the_rest_stays() {
    for (at, value, old, new) in [
        (
            "steps.0.parameters.text",
            json!("new \"one\""),
            "\"old\"",
            "\"new \\\"one\\\"\"",
        ),
        ("steps.0.tool", json!("it's"), "'one'", "'it''s'"),
        ("steps.1.tool", json!("three"), "tool: two", "tool: three"),
        (
            "steps.1.tool",
            json!("yes: no"),
            "tool: two",
            "tool: \"yes: no\"",
        ),
        ("steps.1.tool", json!("12"), "tool: two", "tool: \"12\""),
        ("steps.0.parameters.n", json!(4.5), "n: 3", "n: 4.5"),
        ("steps.1.parameters.y.1", json!(null), "[1, 2]", "[1, null]"),
        (
            "steps.1.parameters",
            json!({"x": 1, "y": [1, 2], "z": {"a b": true}}),
            "[1, 2]}",
            "[1, 2], z: {\"a b\": true}}",
        ),
        ("steps.1.parameters", json!({"y": [1, 2]}), "{x: 1, y", "{y"),
        (
            "steps.1.parameters",
            json!({"x": 1}),
            "{x: 1, y: [1, 2]}",
            "{x: 1}",
        ),
        ("steps.0.model", json!("m"), "n: 3\n", "n: 3\n"),
        (
            "steps.1.prompt",
            json!("Second.\n\n  Third."),
            "|\n      First.\n      # not a comment",
            "|-\n      Second.\n\n        Third.",
        ),
        (
            "steps.1.prompt",
            json!("short"),
            "prompt: |\n      First.\n      # not a comment",
            "prompt: short",
        ),
        (
            "steps.0.parameters.text",
            json!("a\nb\n"),
            "\"old\"   # kept",
            "|   # kept\n        a\n        b",
        ),
    ] {
        let changed = after(YAML, at, &value);
        if at == "steps.0.model" {
            let wanted = YAML.replace("    tool: 'one'\n", "    tool: 'one'\n    model: m\n");
            assert_eq!(changed, wanted);
        } else {
            assert!(YAML.contains(old), "{old}");
            assert_eq!(changed, YAML.replacen(old, new, 1), "{at}");
        }
    }
}

#[test]
fn objects_and_lists_are_written_as_blocks_in_yaml() {
    let text = "a:\n  x: 1\nb:\n- 1\n- 2\nc:\n";
    assert_eq!(after(text, "b", &json!([3])), "a:\n  x: 1\nb:\n- 3\nc:\n");
    assert_eq!(
        after(text, "c", &json!("z")),
        "a:\n  x: 1\nb:\n- 1\n- 2\nc: z\n"
    );
    assert_eq!(
        after(text, "a.y.z", &json!("deep")),
        "a:\n  x: 1\n  y:\n    z: deep\nb:\n- 1\n- 2\nc:\n"
    );
    assert_eq!(
        after(text, "a", &json!({"k": 2})),
        "a:\n  k: 2\nb:\n- 1\n- 2\nc:\n"
    );
    assert_eq!(after("a: {}\n", "a", &json!({"y": 2})), "a: {\"y\": 2}\n");
}

#[test]
fn json_keeps_its_layout() {
    let text = "{\n    \"steps\": [\n        {\"id\": 1, \"tool\": \"t\",\n         \"parameters\": {\"a\": [1,  2]}},\n        {\"id\": 2}\n    ]\n}\n";
    assert_eq!(
        after(text, "steps.0.parameters.a.0", &json!("x")),
        text.replace("[1,", "[\"x\",")
    );
    assert_eq!(
        after(text, "steps.0.model", &json!("m")),
        text.replace("2]}}", "2]},\n         \"model\": \"m\"}")
    );
    assert_eq!(
        after(text, "steps.1.model", &json!("m")),
        text.replace("\"id\": 2}", "\"id\": 2, \"model\": \"m\"}")
    );
    assert_eq!(
        after(text, "steps.0", &json!({"id": 1, "tool": "t"})),
        text.replace(",\n         \"parameters\": {\"a\": [1,  2]}", "")
    );
    assert_eq!(after("{\"a\":{}}", "a.b", &json!(1)), "{\"a\":{\"b\": 1}}");
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_stay() {
    let text = "\u{feff}a: 1\r\nb: |\r\n  x\r\n";
    assert_eq!(
        after(text, "b", &json!("y\nz\n")),
        "\u{feff}a: 1\r\nb: |\r\n  y\r\n  z\r\n"
    );
    assert_eq!(
        after(text, "c", &json!("d")),
        "\u{feff}a: 1\r\nc: d\r\nb: |\r\n  x\r\n"
    );
}

#[test]
fn what_would_change_something_else_is_not_written() {
    let text = "a: &x {n: 1}\nb: *x\nc: &y old\nd: *y\n";
    for at in ["a.n", "b.n", "c"] {
        let mut document = Document::read(text).unwrap();
        assert!(document.set(&path(at), &json!(2)).is_err(), "{at}");
        assert_eq!(document.text(), text);
    }
    assert_eq!(after(text, "d", &json!("new")), text.replace("*y", "new"));
    assert!(Document::read("{\"steps\": [1").is_err_and(|why| why.contains("repaired")));
    assert!(Document::read("1. a()\n2. join()\n").is_err());
}

#[test]
fn a_step_is_found_in_every_form() {
    for (text, wanted) in [
        ("steps: [{id: 1}, {id: b}]", "steps.1"),
        (
            "plan:\n  steps:\n  - {step_id: a}\n  - {step_id: b}\n",
            "plan.steps.1",
        ),
        ("[{\"task\": \"t\", \"id\": \"b\"}]", "0"),
    ] {
        let document = Document::read(text).unwrap();
        assert_eq!(document.step("b"), Some(path(wanted)), "{text}");
        assert_eq!(document.step("c"), None);
    }
}

/// The text after the items of its steps have changed.
fn with_steps(text: &str, change: impl FnOnce(&mut Vec<Value>)) -> String {
    let mut document = Document::read(text).unwrap();
    let path = document.steps().unwrap();
    let mut wanted = document.get(&path).unwrap();
    change(wanted.as_array_mut().unwrap());
    document.set(&path, &wanted).unwrap();
    assert_eq!(document.get(&path), Some(wanted));
    document.text().to_owned()
}

const STEPS: &str = "name: p\nsteps:\n  # about a\n  - id: a # first\n    tool: t\n\n  # about b\n  - id: b\n    tool: t\n    parameters: {x: 1} # flow\n\n  # about c\n  - {id: c, tool: t}\n# end\n";

#[test]
fn steps_come_and_go_in_yaml_and_the_others_stay_as_they_are() {
    let new = || json!({"id": "new", "tool": "t", "parameters": {"z": [1]}});
    let lines = "  - id: new\n    tool: t\n    parameters:\n      z:\n      - 1\n";
    for (at, before) in [
        (0, "  # about a\n"),
        (1, "\n  # about b\n"),
        (2, "\n  # about c\n"),
    ] {
        let wanted = match at {
            0 => STEPS.replace(before, &format!("{lines}\n{before}")),
            _ => STEPS.replace(before, &format!("\n{lines}{before}")),
        };
        assert_eq!(
            with_steps(STEPS, |steps| steps.insert(at, new())),
            wanted,
            "{at}"
        );
    }
    let wanted = STEPS.replace("# end", &format!("\n{lines}# end"));
    assert_eq!(with_steps(STEPS, |steps| steps.push(new())), wanted);

    let (a, b, c) = (
        "  - id: a # first\n    tool: t\n",
        "\n  # about b\n  - id: b\n    tool: t\n    parameters: {x: 1} # flow\n",
        "\n  # about c\n  - {id: c, tool: t}\n",
    );
    for (at, gone) in [a, b, c].iter().enumerate() {
        let wanted = STEPS.replace(gone, "");
        let changed = with_steps(STEPS, |steps| drop(steps.remove(at)));
        assert_eq!(changed, wanted, "{at}");
    }
    // Several at once, with a change of one that stays.
    let changed = with_steps(STEPS, |steps| {
        steps.remove(0);
        steps[0]["tool"] = json!("u");
        steps.insert(1, new());
    });
    assert!(
        changed.contains("# about b") && changed.contains("# about c"),
        "{changed}"
    );

    let flow = "steps: [{id: a}, {id: b}] # both\n";
    assert_eq!(
        with_steps(flow, |steps| steps.insert(1, json!({"id": "n"}))),
        "steps: [{id: a}, {\"id\": \"n\"}, {id: b}] # both\n"
    );
    assert_eq!(
        with_steps(flow, |steps| steps.insert(0, json!({"id": "n"}))),
        "steps: [{\"id\": \"n\"}, {id: a}, {id: b}] # both\n"
    );
    assert_eq!(
        with_steps(flow, |steps| drop(steps.remove(0))),
        "steps: [{id: b}] # both\n"
    );
    assert_eq!(
        with_steps(flow, |steps| drop(steps.pop())),
        "steps: [{id: a}] # both\n"
    );
    let at_the_margin = "# A plan\n- id: a\n- id: b\n";
    assert_eq!(
        with_steps(at_the_margin, |steps| steps.insert(0, json!({"id": "new"}))),
        "# A plan\n- id: new\n- id: a\n- id: b\n"
    );
}

#[test]
fn steps_come_and_go_in_json_and_the_others_stay_as_they_are() {
    let text =
        "{\n  \"steps\": [\n    {\"id\": \"a\",  \"tool\": \"t\"},\n    {\"id\": \"b\"}\n  ]\n}\n";
    let new = || json!({"id": "n"});
    let n = "{\"id\": \"n\"}";
    assert_eq!(
        with_steps(text, |steps| steps.insert(1, new())),
        text.replace("{\"id\": \"b\"}", &format!("{n},\n    {{\"id\": \"b\"}}"))
    );
    assert_eq!(
        with_steps(text, |steps| steps.insert(0, new())),
        text.replace("{\"id\": \"a\"", &format!("{n},\n    {{\"id\": \"a\""))
    );
    assert_eq!(
        with_steps(text, |steps| steps.push(new())),
        text.replace("\"b\"}", &format!("\"b\"}},\n    {n}"))
    );
    assert_eq!(
        with_steps(text, |steps| drop(steps.remove(0))),
        text.replace("{\"id\": \"a\",  \"tool\": \"t\"},\n    ", "")
    );
    assert_eq!(
        with_steps(text, |steps| drop(steps.pop())),
        text.replace(",\n    {\"id\": \"b\"}", "")
    );
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..9).prop_map(Value::from),
        "[ab:# \"'{}\\[\\]\n|>&*!%@`,-]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 3, |part| {
        prop_oneof![
            prop::collection::vec(part.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[abc]|a b|'x", part, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn the_file_holds_what_it_is_to_hold_and_its_comments(a in value(), b in value(), c in value()) {
        let whole = json!({"first": 1, "changed": a, "last": c});
        let pretty = serde_json::to_string_pretty(&whole).unwrap();
        let yaml = format!("# head\n{}# end\n", serde_saphyr::to_string(&whole).unwrap());
        for text in [pretty, whole.to_string(), yaml] {
            // What the writer of YAML makes of some texts is not what they were.
            let Ok(mut document) = Document::read(&text) else { continue };
            let before = document.get(&[]).unwrap();
            if document.set(&path("changed"), &b).is_err() {
                prop_assert_eq!(document.text(), &text);
                prop_assert!(text.starts_with('#'), "{}", text);
                continue;
            }
            let mut wanted = before;
            wanted["changed"] = b.clone();
            prop_assert_eq!(document.get(&[]).unwrap(), wanted);
            if text.starts_with('#') {
                prop_assert!(document.text().starts_with("# head\n"));
                prop_assert!(document.text().ends_with("# end\n"));
            }
        }
    }

    #[test]
    fn items_come_and_go_and_comments_stay(
        items in prop::collection::vec(value(), 1..5),
        more in prop::collection::vec(value(), 0..3),
        places in prop::collection::vec(any::<prop::sample::Index>(), 8),
    ) {
        let whole = json!({"first": 1, "steps": items, "last": 2});
        let mut wanted = items.clone();
        if places[0].index(2) == 0 && wanted.len() > 1 {
            wanted.remove(places[1].index(wanted.len()));
        }
        for (at, item) in more.into_iter().enumerate() {
            wanted.insert(places[at + 2].index(wanted.len() + 1), item);
        }
        let wanted = Value::from(wanted);
        let pretty = serde_json::to_string_pretty(&whole).unwrap();
        let yaml = format!("# head\n{}# end\n", serde_saphyr::to_string(&whole).unwrap());
        for text in [pretty, whole.to_string(), yaml] {
            let Ok(mut document) = Document::read(&text) else { continue };
            let before = document.get(&[]).unwrap();
            if document.set(&path("steps"), &wanted).is_err() {
                prop_assert_eq!(document.text(), &text);
                prop_assert!(text.starts_with('#'), "{}", text);
                continue;
            }
            let mut all = before;
            all["steps"] = wanted.clone();
            prop_assert_eq!(document.get(&[]).unwrap(), all);
            if text.starts_with('#') {
                prop_assert!(document.text().starts_with("# head\n"));
                prop_assert!(document.text().ends_with("# end\n"));
            }
        }
    }
}
