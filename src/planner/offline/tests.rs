//! Which plans the search finds, and what it says where it finds none.

use super::*;
use crate::planner::validate::answer;
use serde_json::json;

fn catalog(tools: &Value) -> Catalog {
    Catalog::from_value(&json!({"tools": tools}), &answer("tools"), None).unwrap()
}

fn parameter(name: &str, kind: &str) -> Value {
    json!({"name": name, "type": kind, "required": true})
}

fn office() -> Catalog {
    catalog(&json!({
        "fetch_page": {"type": "http", "url": "{{url}}", "description": "Downloads a web page.",
            "parameters": [parameter("url", "string")],
            "output_schema": {"type": "object", "properties": {"html": {"type": "string"}}}},
        "extract_links": {"type": "jq", "filter": ".", "description": "Lists the links of a page.",
            "parameters": [parameter("html", "string"), {"name": "limit", "type": "integer"}],
            "output_schema": {"type": "object", "properties": {"urls": {"type": "array", "items": {"type": "string"}}}}},
        "translate": {"type": "model", "description": "Translates a text into another language.",
            "parameters": [parameter("text", "string"), {"name": "language", "type": "string", "enum": ["German", "Swahili"], "required": true}],
            "output_schema": {"type": "object", "properties": {"translated_text": {"type": "string"}}}},
        "book_flight": {"type": "http", "url": "http://127.0.0.1/", "description": "Books a flight for a traveller.",
            "parameters": [parameter("passport", "object")]}
    }))
}

fn steps(task: &str, catalog: &Catalog, context: &Value) -> Value {
    let (plan, _) = super::plan(task, catalog, context.as_object().unwrap()).unwrap();
    plan.to_value()["steps"].clone()
}

#[test]
fn it_chains_backwards_to_a_value_of_the_task() {
    let steps = steps(
        "List the 5 first links of https://example.org/news.html",
        &office(),
        &json!({}),
    );
    assert_eq!(steps[0]["tool"], "fetch_page");
    assert_eq!(
        steps[0]["parameters"]["url"],
        "https://example.org/news.html"
    );
    assert_eq!(steps[1]["tool"], "extract_links");
    assert_eq!(
        steps[1]["parameters"]["html"],
        "{{steps[fetch_page].output.html}}"
    );
    assert_eq!(steps[1]["depends_on"], json!(["fetch_page"]));
}

#[test]
fn context_values_are_found_by_name_and_by_type() {
    let steps = steps(
        "translate the speech into Swahili",
        &office(),
        &json!({"speech": "Habari", "year": 2026}),
    );
    assert_eq!(steps.as_array().unwrap().len(), 1);
    assert_eq!(
        steps[0]["parameters"],
        json!({"text": "{{speech}}", "language": "Swahili"})
    );
}

#[test]
fn a_list_is_run_through() {
    let steps = steps(
        "download every web page",
        &office(),
        &json!({"urls": ["http://a.example", "http://b.example"]}),
    );
    assert_eq!(steps[0]["for_each"], "{{urls}}");
    assert_eq!(steps[0]["parameters"]["url"], "{{item}}");
}

#[test]
fn what_cannot_be_reached_is_named() {
    let failed = super::plan("book a flight", &office(), &Map::new()).unwrap_err();
    let said = failed.to_string();
    assert!(
        said.contains("book_flight") && said.contains("`passport`") && said.contains("--context"),
        "{said}"
    );
    let failed = super::plan("knit a jumper", &office(), &Map::new()).unwrap_err();
    assert!(failed.to_string().contains("no tool"), "{failed}");
    // What is asked for besides is left out, and said.
    let context = json!({"speech": "Habari"});
    let task = "translate the text of the speech into another language, German, and book it";
    let (plan, notes) = super::plan(task, &office(), context.as_object().unwrap()).unwrap();
    assert_eq!(plan.steps.len(), 1);
    assert!(notes.iter().any(|note| note.contains("book")), "{notes:?}");
}

#[test]
fn a_circle_of_needs_ends() {
    let catalog = catalog(&json!({
        "hen": {"type": "jq", "filter": ".", "description": "Raises a hen.", "parameters": [parameter("egg", "object")],
            "output_schema": {"type": "object", "properties": {"hen": {"type": "object"}}}},
        "egg": {"type": "jq", "filter": ".", "description": "Lays an egg.", "parameters": [parameter("hen", "object")],
            "output_schema": {"type": "object", "properties": {"egg": {"type": "object"}}}}
    }));
    let failed = super::plan("raise a hen", &catalog, &Map::new()).unwrap_err();
    assert!(failed.to_string().contains("`egg`"), "{failed}");
}

#[test]
fn the_same_question_has_the_same_answer() {
    let mut tools = Map::new();
    for n in 0..200 {
        tools.insert(format!("tool_{n}"), json!({"type": "jq", "filter": ".", "description": format!("Turns part {n} of the machine."),
            "parameters": [parameter(&format!("part_{}", n + 1), "string")],
            "output_schema": {"type": "object", "properties": {format!("part_{n}"): {"type": "string"}}}}));
    }
    let catalog = catalog(&Value::Object(tools));
    let context = json!({"part_108": "x"});
    let first = steps("turn part 100 of the machine", &catalog, &context);
    assert_eq!(first.as_array().unwrap().len(), 8, "{first:#}");
    for _ in 0..3 {
        assert_eq!(
            steps("turn part 100 of the machine", &catalog, &context),
            first
        );
    }
}

/// Tools whose outputs the catalog does not describe are found by the descriptions of what takes them.
#[test]
fn descriptions_decide_between_outputs() {
    let described = |name: &str, kind: &str, description: &str| json!({"name": name, "type": kind, "description": description, "required": true});
    let catalog = catalog(&json!({
        "list_trees": {"type": "model", "description": "Lists the trees of a forest.", "parameters": [parameter("survey", "string")],
            "output_schema": {"type": "object", "properties": {"rows": {"type": "array", "items": {"type": "object",
                "properties": {"species": {"type": "string"}}}}}}},
        "measure_trees": {"type": "model", "description": "Measures each tree.", "parameters": [described("rows", "array", "The trees with their species")],
            "output_schema": {"type": "object", "properties": {"rows": {"type": "array", "items": {"type": "object",
                "properties": {"species": {"type": "string"}, "height": {"type": "number"}}}}}}},
        "audit_heights": {"type": "jq", "filter": ".", "description": "Audits what was measured.",
            "parameters": [described("rows", "array", "The trees with species and height")]},
        "write_letter": {"type": "model", "description": "Writes a letter to the forester.",
            "parameters": [described("finding", "object", "What the audit of the heights found")]}
    }));
    let steps = steps(
        "Write a letter to the forester",
        &catalog,
        &json!({"forest_survey": "oak, beech"}),
    );
    let tools: Vec<&str> = steps
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["tool"].as_str().unwrap())
        .collect();
    assert_eq!(
        tools,
        [
            "list_trees",
            "measure_trees",
            "audit_heights",
            "write_letter"
        ]
    );
    assert_eq!(
        steps[3]["parameters"]["finding"],
        "{{steps[audit_heights].output}}"
    );
}

/// What stands in one part of a task is not taken for another, and "it" is the result of the part before.
#[test]
fn parts_of_a_task_speak_of_each_other() {
    let catalog = catalog(&json!({
        "shorten": {"type": "model", "description": "Shortens a text.", "parameters": [parameter("text", "string"), {"name": "max_words", "type": "integer"}],
            "output_schema": {"type": "object", "properties": {"gist": {"type": "string"}}}},
        "render": {"type": "model", "description": "Renders a text in a dialect.", "parameters": [parameter("text", "string"), parameter("dialect", "string")],
            "output_schema": {"type": "object", "properties": {"rendering": {"type": "string"}}}},
        "post_letter": {"type": "process", "command": ["cat"], "description": "Posts a letter to a recipient.",
            "parameters": [parameter("recipient", "string"), parameter("subject", "string"), parameter("body", "string")]},
        "raise": {"type": "jq", "filter": ".", "description": "Raises a number to a power.", "parameters": [parameter("base", "number"), parameter("power", "number")],
            "output_schema": {"type": "number"}},
        "halve": {"type": "jq", "filter": ".", "description": "Halves a number.", "parameters": [parameter("number", "number")], "output_schema": {"type": "number"}}
    }));
    let context = json!({"memo": "x", "footnote": "y"});
    let steps_of = |task: &str| steps(task, &catalog, &context);
    let found = steps_of("Shorten the memo to 30 words and render it in the dialect \"Bernese\"");
    assert_eq!(
        found[0]["parameters"],
        json!({"text": "{{memo}}", "max_words": 30})
    );
    assert_eq!(
        found[1]["parameters"],
        json!({"text": "{{steps[shorten].output.gist}}", "dialect": "Bernese"})
    );
    let found =
        steps_of("post a letter to ada@example.org with subject \"Hi\" and body \"All is well\"");
    assert_eq!(
        found[0]["parameters"],
        json!({"recipient": "ada@example.org", "subject": "Hi", "body": "All is well"})
    );
    let found = steps_of("raise 2.5 to the power 3 and halve the result");
    assert_eq!(found[0]["parameters"], json!({"base": 2.5, "power": 3}));
    assert_eq!(
        found[1]["parameters"],
        json!({"number": "{{steps[raise].output}}"})
    );
    // A quoted text of another part is not the text that is missing here.
    let failed = super::plan(
        "Shorten a text and render it in \"Bernese\"",
        &catalog,
        &Map::new(),
    )
    .unwrap_err();
    assert!(failed.to_string().contains("`text`"), "{failed}");
}
