//! Whatever a file contains, reading it ends soon, with a plan or with a fault that has a place.

use plandeck::plan::{PlanFaults, parse};
use plandeck::report::diagnostics::{DiagnosticStyle, render_faults};
use plandeck::text::find_unsafe;
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// Reads, checks and draws; gives the code of the first error.
fn outcome(bytes: &[u8]) -> Result<usize, String> {
    let read = parse("hostile", bytes).and_then(|draft| draft.check(None, None));
    match read {
        Ok(plan) => Ok(plan.steps.len()),
        Err(faults) => {
            sound(&faults);
            Err(faults.errors().next().unwrap().code.to_owned())
        }
    }
}

fn sound(faults: &PlanFaults) {
    let text = &faults.source_text.text;
    assert!(faults.errors().next().is_some());
    for diagnostic in &faults.diagnostics {
        if let Some(span) = &diagnostic.span {
            assert!(text.get(span.clone()).is_some(), "{diagnostic:?}");
        }
        let help = diagnostic.help.clone().unwrap_or_default();
        for written in [&diagnostic.message, &help] {
            assert_eq!(find_unsafe(written), None, "{written:?}");
            assert!(written.len() < 20_000, "{} bytes", written.len());
        }
    }
    let drawn = render_faults(faults, DiagnosticStyle::default());
    assert_eq!(drawn.lines().find_map(find_unsafe), None, "{drawn:?}");
}

/// A guard against reading that hangs: what costs the square of its size takes minutes.
const HANG: Duration = Duration::from_mins(1);

/// The outcome, which must come soon.
fn quickly(name: &str, bytes: &[u8]) -> Result<usize, String> {
    let start = Instant::now();
    let outcome = outcome(bytes);
    let took = start.elapsed();
    assert!(took < HANG, "{name} took {took:?}");
    eprintln!("{name}: {outcome:?} in {took:?}");
    outcome
}

#[test]
fn bytes_that_are_not_text() {
    assert_eq!(quickly("empty", b"").unwrap_err(), "empty");
    assert_eq!(quickly("blank", b" \n\t ").unwrap_err(), "empty");
    assert_eq!(
        quickly("nul", b"{\"steps\": [\0]}").unwrap_err(),
        "not_text"
    );
    assert_eq!(
        quickly("latin", b"{\"steps\": \"\xe9\"}").unwrap_err(),
        "not_text"
    );
    assert_eq!(
        quickly("utf-16", b"\xff\xfe{\0}\0").unwrap_err(),
        "not_text"
    );
    assert_eq!(
        quickly("elf", b"\x7fELF\x02\x01\x01\0\0\0").unwrap_err(),
        "not_text"
    );
    let noise: Vec<u8> = (0..1_000_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    quickly("noise", &noise).unwrap_err();
    assert_eq!(
        quickly(
            "bom",
            "\u{feff}{\"steps\": [{\"id\": 1, \"tool\": \"a\"}]}".as_bytes()
        ),
        Ok(1)
    );
}

#[test]
fn depth_never_overflows() {
    for (open, close) in [
        ("[", "]"),
        ("{\"a\":", "}"),
        ("{", "}"),
        ("{a: ", "}"),
        ("- ", ""),
        ("? ", ""),
        ("(", ")"),
    ] {
        let deep = open.repeat(200_000);
        quickly(&format!("200,000 {open:?}"), deep.as_bytes()).unwrap_err();
        let closed = format!("{deep}1{}", close.repeat(200_000));
        quickly(&format!("200,000 {open:?} closed"), closed.as_bytes()).unwrap_err();
        let inside = format!("steps: {closed}");
        quickly(&format!("steps: 200,000 {open:?}"), inside.as_bytes()).unwrap_err();
        let call = format!("1. tool({deep}");
        let _ = quickly(&format!("a call of 200,000 {open:?}"), call.as_bytes());
        let evidence = format!("#E1 = tool[{deep}");
        let _ = quickly(
            &format!("an evidence of 200,000 {open:?}"),
            evidence.as_bytes(),
        );
    }
    let quoted = format!("{{\"steps\": \"{}", "[".repeat(200_000));
    quickly("a string of 200,000 brackets", quoted.as_bytes()).unwrap_err();
    for (name, text) in [
        ("parentheses", "(".repeat(5_000)),
        ("signs", format!("{}1", "not ".repeat(2_000))),
        ("indices", format!("1 + x{}", "[0]".repeat(3_000))),
        ("a sum", format!("1{}", "+1".repeat(4_900))),
        ("members", format!("x is y{}", ".a".repeat(4_900))),
        ("as long as is read", format!("1{}", "+1".repeat(249))),
    ] {
        for template in [
            r#"{"steps": [{"id": 1, "tool": "a", "parameters": {"x": "{{ TEXT }}"}}]}"#,
            r#"{"steps": [{"id": 1, "tool": "a", "run_if": "TEXT"}]}"#,
        ] {
            let outcome = quickly(name, template.replace("TEXT", &text).as_bytes());
            assert_eq!(
                outcome.is_ok(),
                name == "as long as is read",
                "{name}: {outcome:?}"
            );
        }
    }
    let mut indented = String::from("steps:\n");
    for level in 0..2_000 {
        indented.push_str(&" ".repeat(level));
        indented.push_str("a:\n");
    }
    quickly("indented", indented.as_bytes()).unwrap_err();
}

#[test]
fn as_deep_as_is_read_is_borne() {
    let deep = |levels: usize| {
        format!(
            r#"{{"steps": [{{"id": 1, "tool": "a", "parameters": {{"x": {}"{{{{y}}}}"{}}}}}]}}"#,
            "[".repeat(levels),
            "]".repeat(levels)
        )
    };
    assert_eq!(outcome(deep(96).as_bytes()), Ok(1));
    assert_eq!(outcome(deep(97).as_bytes()).unwrap_err(), "too_deep");
    let yaml = |levels: usize| {
        format!(
            "steps:\n  - id: 1\n    tool: a\n    parameters:\n      x: {}'{{{{y}}}}'{}",
            "[".repeat(levels),
            "]".repeat(levels)
        )
    };
    assert_eq!(outcome(yaml(90).as_bytes()), Ok(1));
    assert_eq!(outcome(yaml(120).as_bytes()).unwrap_err(), "too_deep");
}

#[test]
fn size_is_borne() {
    let line = "x".repeat(50_000_000);
    quickly("a line of 50 MB", line.as_bytes()).unwrap_err();
    quickly(
        "50 MB of JSON that is cut",
        format!("{{\"a\": \"{line}").as_bytes(),
    )
    .unwrap_err();
    drop(line);
    let line = "x".repeat(5_000_000);
    let long = format!(
        "{{\"steps\": [{{\"id\": 1, \"tool\": \"a\", \"parameters\": {{\"x\": \"{line}\"}}}}]}}"
    );
    assert_eq!(quickly("a text of 5 MB", long.as_bytes()), Ok(1));
    let long =
        format!("{{\"steps\": [{{\"id\": 1, \"tool\": \"a\", \"depends_on\": [\"{line}\"]}}]}}");
    assert_eq!(
        quickly("an id of 5 MB", long.as_bytes()).unwrap_err(),
        "unknown_dependency"
    );
    let faulty = format!(
        "{{\"steps\": [{}]}}",
        vec!["{\"id\": 1, \"tool\": \"a\", \"depends_on\": [\"q\"]}"; 20_000].join(",")
    );
    assert_eq!(
        quickly("40,000 faults", faulty.as_bytes()).unwrap_err(),
        "duplicate_id"
    );
}

#[test]
fn no_text_costs_its_square() {
    let inside = |text: &str| {
        let text = serde_json::to_string(text).unwrap();
        format!(
            "{{\"steps\": [{{\"id\": 1, \"tool\": \"a\", \"parameters\": {{\"x\": {text}}}}}]}}"
        )
    };
    let many = 60_000;
    for (name, text) in [
        ("{{", inside(&"{{".repeat(many))),
        ("{{ '", inside(&"{{ '".repeat(many))),
        ("{{ ' … }}", inside(&format!("{}}}}}", "{{ '".repeat(many)))),
        ("${", inside(&"${".repeat(many))),
        ("{{a}}", inside(&"{{a}}".repeat(many / 10))),
        ("a.b.c", inside(&format!("{{{{{}}}}}", "a.".repeat(many)))),
        ("[ in a text", "[".repeat(10) + &"text [ ".repeat(many)),
        ("fences", "```\n".repeat(many)),
        ("calls", "1. a(\n".repeat(many / 3)),
        ("open quotes", "1. a('\n".repeat(many / 3)),
        ("evidences", "#E1 = a[\n".repeat(many / 3)),
        ("evidences in a line", "#E1 = a[".repeat(many / 3)),
        ("{'a',", "{'a',".repeat(many / 3)),
        ("[1,", format!("[{}", "1,".repeat(many))),
        ("\"", "\"".repeat(many)),
        ("{ and prose", "{ and prose ".repeat(many)),
        (
            "digits in a call",
            format!("1. a(\"$1 {}\")\n2. join()\n", "9".repeat(5 * many)),
        ),
        (
            "line breaks in a call",
            format!("1. a(\"{}\")\n2. join()\n", "\n".repeat(5 * many)),
        ),
        (
            "templates before a plan",
            "{{ x }}".repeat(3 * many) + "\n" + &inside("y"),
        ),
        ("yaml keys", "a: b\n".repeat(many)),
        ("yaml quotes", "steps: '\n".repeat(many)),
        (
            "comments",
            format!("{{\"steps\": [{}]}}", "/* x */ // y\n".repeat(many / 3)),
        ),
    ] {
        let _ = quickly(name, text.as_bytes());
    }
}

#[test]
fn yaml_bombs_and_oddities() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let before = format!("*a{}, ", level - 1).repeat(9);
        let line = format!("a{level}: &a{level} [{}]\n", before.trim_end_matches(", "));
        bomb.push_str(&line);
    }
    bomb.push_str("steps: *a11\n");
    quickly("a bomb of anchors", bomb.as_bytes()).unwrap_err();
    quickly("a cycle of anchors", b"steps: &a [*a]\n").unwrap_err();
    quickly("an unknown anchor", b"steps: *unknown\n").unwrap_err();
    assert_eq!(
        quickly("a key twice", b"steps: []\nsteps: []\n").unwrap_err(),
        "duplicate_key"
    );
    quickly("two documents", b"steps: []\n---\nsteps: []\n").unwrap_err();
    quickly("tabs", b"steps:\n\t- id: 1\n").unwrap_err();
    quickly(
        "infinity",
        b"steps:\n - id: 1\n   tool: a\n   timeout_s: .inf\n",
    )
    .unwrap_err();
    quickly("a tag", b"steps: !!python/object:os.system [x]\n").unwrap_err();
    quickly("an include", b"steps: !include /etc/passwd\n").unwrap_err();
    let merged = "base: &b {tool: a}\nsteps:\n  - id: 1\n    <<: *b\n  - id: 2\n    <<: *b\n";
    assert_eq!(quickly("merge keys", merged.as_bytes()), Ok(2));
    let lax = b"{\"steps\": [{\"id\":1 2, \"tool\": \"a\"}], }";
    quickly("json that yaml would take", lax).unwrap_err();
}

const SEED: &str = r#"{"name": "n", "steps": [
  {"id": "a", "tool": "t", "parameters": {"x": "{{c}}", "l": [1, 2.5, null, true, "é\n"]}},
  {"id": "b-1", "tool": "t", "input": {"y": "${a.x[0]} and {{steps[a].output.z}}"}, "depends_on": ["a"],
   "run_if": "{{a.ok}} == true", "for_each": "step:a", "retry_policy": {"retries": 2}}],
 "final_synthesis": {"prompt_template": "{{steps}}"}}"#;

const TEXTS: [&str; 4] = [
    SEED,
    "Plan: x\n#E1 = T[a [b] c]\nPlan: y #E2 = LLM[{\"q\": \"#E1\"}]",
    "Thought: x\n1. a(\"b $1\", [1, {'k': None}], z=3)\n2. join($1)",
    "name: x\nsteps:\n  - step_id: s1\n    tool_name: t\n    parameters: &p {a: '{{b}}', c: [1, ~]}\n  - step_id: s2\n    tool_name: t\n    parameters: *p\n    condition: \"{{s1.ok}} == true\"\n",
];

fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let edit = (
        any::<prop::sample::Index>(),
        0_usize..8,
        prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            "\"",
            "'",
            ",",
            ":",
            "{{",
            "}}",
            "${",
            "$",
            "#E1",
            "\n",
            "\t",
            "-",
            "\\",
            "\u{202e}",
            "\u{1b}[",
            "é",
            "0",
            "1e400",
            "&a",
            "*a",
            "null",
            "steps",
            "- ",
            "```",
            "(",
            ")",
            "|",
            ".",
            "<GENERATED>-0",
        ]),
    );
    (
        prop::sample::select(TEXTS.to_vec()),
        prop::collection::vec(edit, 1..6),
    )
        .prop_map(|(text, edits)| {
            let mut text = text.to_owned();
            for (at, gone, put) in edits {
                let places: Vec<usize> = text
                    .char_indices()
                    .map(|(at, _)| at)
                    .chain([text.len()])
                    .collect();
                let start = at.index(places.len());
                let end = (start + gone).min(places.len() - 1);
                text.replace_range(places[start]..places[end], put);
            }
            text.into_bytes()
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = outcome(&bytes);
    }

    #[test]
    fn random_text_never_panics(text in "\\PC{0,120}") {
        let _ = outcome(text.as_bytes());
        let _ = outcome(format!("steps: {text}").as_bytes());
        let _ = outcome(format!("1. a({text})\n2. b($1)").as_bytes());
        let _ = outcome(format!("#E1 = a[{text}]").as_bytes());
        let quoted = serde_json::to_string(&text).unwrap();
        let step = format!(r#"{{"steps": [{{"id": "a", "tool": "t", "run_if": {quoted}, "parameters": {{"x": {quoted}}}}}]}}"#);
        let _ = outcome(step.as_bytes());
    }

    #[test]
    fn mutated_plans_never_panic(bytes in mutated()) {
        let _ = outcome(&bytes);
    }
}
