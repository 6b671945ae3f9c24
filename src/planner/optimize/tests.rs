//! What is rewritten, and what is not.

use super::*;
use crate::planner::validate::answer;
use serde_json::{Value, json};

fn catalog() -> Catalog {
    let tools = json!({"tools": {
        "pure": {"type": "jq", "filter": "."},
        "look": {"type": "http", "url": "http://127.0.0.1/", "read_only": true},
        "send": {"type": "process", "command": ["true"]},
        "talk": {"type": "model"}}});
    Catalog::from_value(&tools, &answer("tools"), None).unwrap()
}

fn optimized(steps: &Value) -> (Value, Vec<String>) {
    let plan = ExecutionPlan::from_value(json!({"steps": steps})).unwrap();
    let done = optimize_plan(&plan, &catalog());
    let said = done
        .rewrites
        .iter()
        .map(|one| format!("{} {} {}", one.kind.word(), one.step, one.other));
    (done.plan.to_value()["steps"].clone(), said.collect())
}

fn ids(steps: &Value) -> Vec<&str> {
    steps
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["id"].as_str().unwrap())
        .collect()
}

#[test]
fn equal_calls_are_made_once_and_both_outputs_are_one() {
    let (steps, said) = optimized(&json!([
        {"id": "a", "tool": "talk", "parameters": {"x": "{{c}}", "y": 1}},
        {"id": "b", "tool": "talk", "parameters": {"y": 1, "x": "{{c}}"}},
        {"id": "c1", "tool": "pure", "parameters": {"of": "{{steps[a].output.n}}"}},
        {"id": "c2", "tool": "pure", "parameters": {"of": "{{b.n}}"}},
        {"id": "end", "tool": "send", "parameters": {"all": ["{{c1}}", "got {{steps[c2].output}} and {{steps[b].output.m[0]}}"]}}
    ]));
    assert_eq!(said, ["merge_calls b a", "merge_calls c2 c1"]);
    assert_eq!(ids(&steps), ["a", "c1", "end"]);
    assert_eq!(
        steps[2]["parameters"]["all"][1],
        "got {{steps[c1].output}} and {{steps[a].output.m[0]}}"
    );
    assert_eq!(steps[2]["depends_on"], json!(["a", "c1"]));
}

#[test]
fn calls_that_differ_in_anything_are_made() {
    for (what, one, other) in [
        (
            "a side effect",
            json!({"tool": "send"}),
            json!({"tool": "send"}),
        ),
        (
            "read at two moments",
            json!({"tool": "look"}),
            json!({"tool": "look"}),
        ),
        (
            "no reuse",
            json!({"tool": "pure", "cache": false}),
            json!({"tool": "pure", "cache": false}),
        ),
        (
            "a model",
            json!({"tool": "talk", "model": "x"}),
            json!({"tool": "talk"}),
        ),
        (
            "a condition",
            json!({"tool": "pure", "run_if": "{{c}}"}),
            json!({"tool": "pure"}),
        ),
        (
            "a parameter",
            json!({"tool": "pure", "parameters": {"n": 1}}),
            json!({"tool": "pure", "parameters": {"n": 1.5}}),
        ),
    ] {
        let mut steps = json!([{"id": "a", "parameters": {}}, {"id": "b", "parameters": {}},
            {"id": "end", "tool": "pure", "parameters": {"x": "{{a}}", "y": "{{b}}"}}]);
        for (at, more) in [(0, one), (1, other)] {
            steps[at]
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
        }
        let (_, said) = optimized(&steps);
        assert!(said.is_empty(), "{what}: {said:?}");
    }
}

#[test]
fn what_is_a_result_or_stands_in_an_expression_is_not_merged() {
    let twins = |end: Value| {
        optimized(&json!([{"id": "a", "tool": "pure", "parameters": {}}, {"id": "b", "tool": "pure", "parameters": {}}, end])).1
    };
    assert!(twins(json!({"id": "end", "tool": "pure", "parameters": {"x": "{{a}}"}})).is_empty());
    assert!(twins(json!({"id": "end", "tool": "pure", "parameters": {"x": "{{a}}", "y": "{{steps[b].output + 1}}"}})).is_empty());
}

#[test]
fn waiting_without_a_need_ends() {
    let (steps, said) = optimized(&json!([
        {"id": "a", "tool": "talk", "parameters": {}},
        {"id": "b", "tool": "talk", "parameters": {"n": 2}, "depends_on": ["a"]},
        {"id": "end", "tool": "send", "parameters": {"x": "{{a}}", "y": "{{b}}"}}
    ]));
    assert_eq!(said, ["drop_dependency b a"]);
    assert_eq!(steps[1]["depends_on"], json!([]));
}

#[test]
fn order_that_could_matter_stays() {
    for (what, steps) in [
        (
            "effects",
            json!([{"id": "a", "tool": "send", "parameters": {}},
            {"id": "b", "tool": "talk", "parameters": {}, "depends_on": ["a"]},
            {"id": "end", "tool": "pure", "parameters": {"x": ["{{a}}", "{{b}}"]}}]),
        ),
        (
            "a gate",
            json!([{"id": "a", "tool": "talk", "parameters": {}},
            {"id": "b", "tool": "send", "parameters": {}, "depends_on": ["a"]},
            {"id": "end", "tool": "pure", "parameters": {"x": ["{{a}}", "{{b}}"]}}]),
        ),
        (
            "a step that may be skipped",
            json!([{"id": "a", "tool": "talk", "parameters": {}, "run_if": "{{c}}"},
            {"id": "b", "tool": "talk", "parameters": {"n": 1}, "depends_on": ["a"]},
            {"id": "end", "tool": "pure", "parameters": {"x": ["{{a}}", "{{b}}"]}}]),
        ),
        (
            "a result",
            json!([{"id": "a", "tool": "talk", "parameters": {}},
            {"id": "b", "tool": "talk", "parameters": {"n": 1}, "depends_on": ["a"]}]),
        ),
        (
            "a trigger",
            json!([{"id": "a", "tool": "talk", "parameters": {}},
            {"id": "b", "tool": "talk", "parameters": {"n": 1}, "depends_on": ["a"], "trigger": "all_done"},
            {"id": "end", "tool": "pure", "parameters": {"x": ["{{a}}", "{{b}}"]}}]),
        ),
    ] {
        let (_, said) = optimized(&steps);
        assert!(said.is_empty(), "{what}: {said:?}");
    }
}

#[test]
fn a_condition_holds_for_what_only_its_step_needs() {
    let (steps, said) = optimized(&json!([
        {"id": "load", "tool": "look", "parameters": {}},
        {"id": "read", "tool": "talk", "parameters": {"x": "{{load}}"}},
        {"id": "mail", "tool": "send", "parameters": {"text": "{{read}}"}, "run_if": "{{wanted and steps[load].output.n > 2}}"}
    ]));
    assert_eq!(said, ["move_condition read mail"]);
    assert!(steps[1]["run_if"].as_str().unwrap().contains("wanted"));
    assert_eq!(steps[2]["run_if"], steps[1]["run_if"]);
}

#[test]
fn a_condition_does_not_move_where_it_would_be_waited_for_or_seen() {
    for (what, steps) in [
        (
            "another takes the output",
            json!([{"id": "a", "tool": "talk", "parameters": {}},
            {"id": "b", "tool": "pure", "parameters": {"x": "{{a}}"}, "run_if": "{{c}}"},
            {"id": "d", "tool": "pure", "parameters": {"y": "{{a}}"}}]),
        ),
        (
            "the condition is known later",
            json!([{"id": "a", "tool": "talk", "parameters": {}},
            {"id": "late", "tool": "talk", "parameters": {"n": 1}},
            {"id": "b", "tool": "pure", "parameters": {"x": "{{a}}"}, "run_if": "{{steps[late].output.ok}}"}]),
        ),
        (
            "an effect",
            json!([{"id": "a", "tool": "send", "parameters": {}},
            {"id": "b", "tool": "pure", "parameters": {"x": "{{a}}"}, "run_if": "{{c}}"}]),
        ),
        (
            "its own output",
            json!([{"id": "a", "tool": "talk", "parameters": {}},
            {"id": "b", "tool": "pure", "parameters": {"x": "{{a}}"}, "run_if": "{{steps[a].output.ok}}"}]),
        ),
    ] {
        let (_, said) = optimized(&steps);
        assert!(said.is_empty(), "{what}: {said:?}");
    }
}
