//! Plans in the answers of models: found whole, or refused with the place.

use plandeck::plan::{Diagnostic, ExecutionPlan, parse};
use serde_json::{Value, json};

fn read(text: &str) -> ExecutionPlan {
    let plan = parse("answer.txt", text.as_bytes()).and_then(|draft| draft.check(None, None));
    plan.unwrap_or_else(|faults| panic!("{text}: {:#?}", faults.diagnostics))
}

fn parameters(text: &str) -> Vec<Value> {
    let plan = read(text);
    plan.steps
        .iter()
        .map(|step| step.parameters.source())
        .collect()
}

/// The first error of a plan that is refused, and the text at its place.
fn refused(text: &str) -> (Diagnostic, String) {
    let plan = parse("answer.txt", text.as_bytes()).and_then(|draft| draft.check(None, None));
    let faults = plan.err().unwrap_or_else(|| panic!("{text} is read"));
    let error = faults.errors().next().unwrap().clone();
    let place = text[error.span.clone().unwrap()].to_owned();
    (error, place)
}

fn codes(text: &str) -> Vec<&'static str> {
    read(text)
        .warnings
        .iter()
        .map(|notice| notice.code)
        .collect()
}

#[test]
fn what_was_cut_off_is_refused_with_the_step() {
    let whole = r#"{"steps": [{"id": "look", "tool": "a"}, {"id": "erase", "tool": "b", "run_if": "look.ok"}]}"#;
    for (text, message) in [
        (&whole[..whole.len() - 1], ""),
        (
            &whole[..whole.len() - 2],
            "the plan is cut off after step erase",
        ),
        (
            &whole[..whole.len() - 20],
            "the plan is cut off in step erase",
        ),
        (
            &whole[..whole.find(", {").unwrap()],
            "the plan is cut off after step look",
        ),
        (
            &whole[..whole.find(", {").unwrap() + 3],
            "the plan is cut off after step look",
        ),
        ("1. a(\"x\")\n2. b(\"eras", "the plan is cut off in step 2"),
        (
            "1. a(\"x\")\n2. b(\"y\")\n",
            "the plan is cut off after step 2",
        ),
        (
            "Plan: x\n#E1 = A[x]\nPlan: y\n#E2 = B[the old",
            "the plan is cut off in step E2",
        ),
        (
            "Plan: x\n#E1 = A[x]\nPlan: then",
            "the plan is cut off after step E1",
        ),
        (
            "Plan: x\n#E1 = A[x]\nPl",
            "the plan is cut off after step E1",
        ),
        (
            "steps:\n- id: 1\n  tool: a\n  run_if:",
            "the plan is cut off",
        ),
        (
            "```yaml\nsteps:\n- id: 1\n  tool: a\n",
            "the plan is cut off",
        ),
    ] {
        if message.is_empty() {
            assert_eq!(read(text).steps.len(), 2, "{text}");
            continue;
        }
        let (error, _) = refused(text);
        assert_eq!(error.code, "cut_off", "{text}: {error:?}");
        assert!(error.message.starts_with(message), "{text}: {error:?}");
    }
}

#[test]
fn a_draft_is_not_the_plan() {
    let plan = |word: &str| {
        json!({"steps": [{"id": 1, "tool": "a", "parameters": {"x": word}}]}).to_string()
    };
    let (draft, last) = (plan("draft"), plan("last"));
    for text in [
        format!("<think>\n{draft}\n</think>\n{last}"),
        format!("{draft}\n</think>\n```json\n{last}\n```"),
        "<think>1. a(\"draft\")\n</think>\nPlan:\n1. a(x=\"last\")\n2. join()".to_owned(),
        format!("<think>hm</think>\n{last}\nOnce more:\n{last}"),
    ] {
        assert_eq!(parameters(&text), [json!({"x": "last"})], "{text}");
        assert!(codes(&text).contains(&"thoughts"), "{text}");
    }
    for text in [
        format!("{draft}\n\n{last}"),
        format!("```json\n{draft}\n```\nBetter:\n```json\n{last}\n```"),
        "1. a(\"draft\")\n2. join()\n\n1. a(\"last\")\n2. join()".to_owned(),
        format!("```\n1. a(\"draft\")\n2. join()\n```\n```json\n{last}\n```"),
    ] {
        assert_eq!(refused(&text).0.code, "two_plans", "{text}");
    }
    let kept = plan("a </think> tag");
    assert_eq!(parameters(&kept), [json!({"x": "a </think> tag"})]);
    assert!(parse("x", format!("<think>{draft}").as_bytes()).is_err());
}

#[test]
fn every_numbered_call_is_a_step() {
    for text in [
        "1. a(\"x\") 2. b(\"$1\") 3. join() <END_OF_PLAN>",
        "Plan: 1. a(\"x\")\n2. b(\"$1\")\n3. join()",
        "<PLAN> 1. a(\"x\"), 2. b(\"$1\")\n3. join()\n</PLAN>",
        "**1.** a(\"x\");\n- 2) b(\"$1\")\nThought: done.\njoin()",
    ] {
        let plan = read(text);
        let ids: Vec<&str> = plan.steps.iter().map(|step| &*step.id).collect();
        assert_eq!(ids, ["1", "2"], "{text}");
        assert_eq!(plan.steps[1].depends_on.len(), 1, "{text}");
    }
    for (text, place) in [
        ("1. a(\"x\")\nfirst 2. b(\"y\")\n3. join()", "2. b(\"y\")"),
        ("1. a(\"x\")\n2. b \"y\"\n3. join()", "2. b \"y\""),
        ("1. a(\"x\")\nb(\"y\")\n3. join()", "b(\"y\")"),
        ("1. a(\"x\"))\n2. join()", ")"),
        ("1. a(\"x\" 3)\n2. join()", "\"x\" 3"),
        ("1. a(\"x\", 3\n2. join()", "1. a(\"x\", 3"),
        (
            "1. a({\"k\": 1, \"k\": 2})\n2. join()",
            "{\"k\": 1, \"k\": 2}",
        ),
    ] {
        assert_eq!(refused(text).1, place, "{text}");
    }
    let text =
        "1. a(\"x\")\n2. join()<END_OF_PLAN>\nQuestion: more?\n1. b(\"y\")\n2. join()<END_OF_PLAN>";
    assert_eq!(read(text).steps.len(), 1);
    assert_eq!(codes(text), ["text_after"]);
}

#[test]
fn arguments_are_python_literals() {
    let text = r#"1. a(x="""say "so"
twice""", r=r"\w+\.\d", n=10_000, h=0x1F, f=.5, j="one " 'two', c=“curly”, t=(1, 2), g=("one"), s={1, 2}, e="\x41\u00e9\101\q")
2. join()"#;
    assert_eq!(
        parameters(text),
        [
            json!({"x": "say \"so\"\ntwice", "r": "\\w+\\.\\d", "n": 10000, "h": 31, "f": 0.5, "j": "one two", "c": "curly",
            "t": [1, 2], "g": "one", "s": [1, 2], "e": "AéA\\q"})
        ]
    );
    assert_eq!(codes(text), ["joined_strings"]);
    assert_eq!(
        parameters("1. find(what's the height)\n2. join()"),
        [json!({"input": "what's the height"})]
    );
}

#[test]
fn fields_of_outputs_and_amounts_of_money() {
    let text = "1. a(\"x\")\n2. b([$1.name, $1[0]], \"${1}.name costs $1,041 or $1.50, see $1[0].\")\n3. join()";
    let plan = read(text);
    let value = plan.to_value();
    assert_eq!(
        value["steps"][1]["parameters"],
        json!({"args": [["{{steps[1].output.name}}", "{{steps[1].output[0]}}"],
            "{{steps[1].output.name}} costs $1,041 or $1.50, see {{steps[1].output}}[0]."]})
    );
    assert_eq!(codes(text), ["not_a_reference"; 3]);
    let text = r#"[{"task": "a", "id": 0, "dep": [-1], "args": {"x": 1}},
        {"task": "b", "id": 1, "dep": [0], "args": {"x": "<GENERATED-0>", "y": "<GENERATED>"}}]"#;
    let value = read(text).to_value();
    assert_eq!(
        value["steps"][1]["parameters"],
        json!({"x": "{{steps[0].output}}", "y": "<GENERATED>"})
    );
    assert_eq!(codes(text), ["not_a_reference"]);
}

#[test]
fn evidences_keep_their_whole_input() {
    let text = "**Plan 1:** find it\n**#E1** = Find[a [b] c]\nPlan: ask\n#E2 = Ask[which of x[1]] is #E1?]\nThat is all.";
    let plan = read(text);
    assert_eq!(
        plan.steps[0].settings.description.as_deref(),
        Some("find it")
    );
    let inputs: Vec<Value> = plan
        .steps
        .iter()
        .map(|step| step.parameters.source())
        .collect();
    assert_eq!(
        inputs,
        [
            json!({"input": "a [b] c"}),
            json!({"input": "which of x[1]] is #E1?"})
        ]
    );
    assert_eq!(plan.steps[1].depends_on.len(), 1);
    assert_eq!(codes(text), ["brackets", "text_around"]);
    for (text, place) in [
        ("#E1 = A[x]]\n", "x]]"),
        ("#E1 = A[x]\n#E2 = B\n", "#E2 = B"),
        ("#E1 = A[x]\nE2 = B[y]\n", "E2 = B[y]"),
        ("Plan: p\nPlan: q\n#E1 = A[x]\n", "Plan: p"),
        ("#E1 = A[x\n#E2 = B[y]\n", "x"),
        ("#E1 = A[{\"k\": \"x}]\n", "{\"k\": \"x}"),
        ("#E1 = A[\"x]\n", "\"x"),
    ] {
        assert_eq!(refused(text).1, place, "{text}");
    }
}

#[test]
fn no_field_is_given_twice_under_two_names() {
    let step = |members: &str| format!(r#"{{"steps": [{{"id": 1, "tool": "a", {members}}}]}}"#);
    let (error, place) = refused(&step(r#""run_if": "x", "condition": "y""#));
    assert_eq!(
        (error.code, place.as_str()),
        ("duplicate_field", "\"condition\"")
    );
    assert_eq!(
        refused(&step(r#""tool_name": "b""#)).0.code,
        "duplicate_field"
    );
    assert_eq!(
        read(&step(r#""run_if": "x", "condition": "x""#))
            .steps
            .len(),
        1
    );
    let wrapped = r#"{"plan": {"steps": [{"id": 1, "tool": "a"}]}, "final_synthesis": {"prompt_template": "x"}}"#;
    assert_eq!(refused(wrapped).0.code, "stray_part");
    let wrapped = r#"{"plan": {"steps": [{"id": 1, "tool": "a"}]}, "reasoning": "short"}"#;
    assert_eq!(codes(wrapped), ["unknown_field"]);
}
