//! The text of a plan's file with another plan in it: comments, quotes, order and layout of the rest stay.

use crate::plan::{Document, ExecutionPlan, FINAL_SYNTHESIS, Segment, ToolSchemas, parse};
use serde_json::{Map, Value};

/// The names under which files have the parameters of a step.
const PARAMETERS: [&str; 3] = ["parameters", "input", "args"];

/// The text of the file `name` with `after` where `before` stands; `None` where it cannot be written without rewriting the
/// file, as in text that is no JSON or YAML.
pub(super) fn corrected_text(
    (name, text): (&str, &str),
    before: &ExecutionPlan,
    after: &ExecutionPlan,
    catalog: Option<&dyn ToolSchemas>,
) -> Option<String> {
    let (before, wanted) = (before.to_value(), after.to_value());
    // Where a reference says what a step depends on, nothing else has to.
    let mut ways = [false, true].into_iter().filter_map(|explicit| {
        let mut document = Document::read(text).ok()?;
        change_plan(&mut document, &before, &wanted)?;
        change_steps(&mut document, steps(&before), steps(&wanted), explicit)?;
        Some(document.text().to_owned())
    });
    // What is written is what was meant, or it is not written so.
    ways.find(|text| {
        let read = parse(name, text.as_bytes()).ok();
        let read = read.and_then(|draft| draft.check(catalog, None).ok());
        read.is_some_and(|mut read| {
            read.catalog.clone_from(&after.catalog);
            read.to_value() == wanted
        })
    })
}

fn steps(plan: &Value) -> &[Value] {
    plan["steps"].as_array().map_or(&[], Vec::as_slice)
}

fn field(key: &str) -> Segment {
    Segment::Field(key.into())
}

/// Changes what stands beside the steps.
fn change_plan(document: &mut Document, before: &Value, wanted: &Value) -> Option<()> {
    for key in ["name", "context", FINAL_SYNTHESIS] {
        if before.get(key) == wanted.get(key) {
            continue;
        }
        let mut path = document.plan();
        let mut plan = document.get(&path)?;
        if let Some(value) = wanted.get(key) {
            path.push(field(key));
            document.set(&path, value).ok()?;
        } else {
            plan.as_object_mut()?.shift_remove(key)?;
            document.set(&path, &plan).ok()?;
        }
    }
    Some(())
}

/// Changes the steps: one by one where they are the same ones, else as a list of those that are written there and new ones.
fn change_steps(
    document: &mut Document,
    before: &[Value],
    wanted: &[Value],
    explicit: bool,
) -> Option<()> {
    let id = |step: &Value| step["id"].as_str().map(str::to_owned);
    let mut written = Vec::new();
    for step in wanted {
        let id = id(step)?;
        let known = before.iter().find(|known| known["id"] == *id);
        let path = document.step(&id);
        let (Some(known), Some(path)) = (known, path) else {
            written.push(step.clone());
            continue;
        };
        if known != step {
            let here = document.get(&path)?;
            document
                .set(&path, &changed(&here, known, step, explicit)?)
                .ok()?;
        }
        written.push(document.get(&path)?);
    }
    if before.iter().map(id).eq(wanted.iter().map(id)) {
        return Some(());
    }
    let mut path = document.plan();
    if document.get(&path)?.is_object() {
        path.push(field("steps"));
    }
    document.set(&path, &Value::Array(written)).ok()
}

/// A step as it is written, with the fields that differ between two plans as the second has them.
fn changed(here: &Value, before: &Value, wanted: &Value, explicit: bool) -> Option<Value> {
    let mut members: Map<String, Value> = here.as_object()?.clone();
    let (before, wanted) = (before.as_object()?, wanted.as_object()?);
    let keys = before.keys().chain(wanted.keys());
    for key in keys.filter(|key| before.get(*key) != wanted.get(*key)) {
        if key == "depends_on" && !explicit && !members.contains_key(key) {
            continue;
        }
        let own = |name: &&&str| members.contains_key(**name);
        let name = match PARAMETERS.iter().find(own) {
            Some(name) if key == "parameters" => (*name).to_owned(),
            _ => key.clone(),
        };
        match wanted.get(key) {
            Some(value) => {
                members.insert(name, value.clone());
            }
            None => {
                members.shift_remove(&name);
            }
        }
    }
    Some(Value::Object(members))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TEXT: &str = r#"# How many words a letter has.
name: letter   # ours
tools:
  split: {type: jq, filter: "."}
  count: {type: jq, filter: ". | length"}
steps:
  # The words of it.
  - id: split
    tool: split
    input: {text: "{{letter}}", by: " "}   # one blank
  - id: count
    tool: count
    # Of the first sentence alone.
    input:
      words: "{{split.words[0]}}"
    depends_on: [split]
"#;

    fn plan(text: &str) -> ExecutionPlan {
        let draft = parse("plan.yaml", text.as_bytes()).unwrap();
        draft.check(None, None).unwrap()
    }

    fn corrected(change: impl FnOnce(&mut Value)) -> Option<String> {
        let before = plan(TEXT);
        let mut value = before.to_value();
        change(&mut value);
        let after = ExecutionPlan::from_value(value).unwrap();
        corrected_text(("plan.yaml", TEXT), &before, &after, None)
    }

    #[test]
    fn a_changed_step_leaves_the_rest_as_it_is_written() {
        let text = corrected(|plan| {
            plan["steps"][1]["parameters"]["words"] = json!("{{split.words}}");
        });
        let expected = TEXT.replace("{{split.words[0]}}", "{{split.words}}");
        assert_eq!(text.as_deref(), Some(&*expected));
        let text = corrected(|plan| plan["steps"][0]["retry_policy"] = json!({"retries": 2}));
        let text = text.unwrap();
        assert!(
            text.contains("# one blank")
                && text.contains("# Of the first")
                && text.contains("retries: 2"),
            "{text}"
        );
    }

    #[test]
    fn steps_come_and_go() {
        let text = corrected(|plan| {
            let steps = plan["steps"].as_array_mut().unwrap();
            steps.insert(
                1,
                json!({"id": "trim", "tool": "split", "parameters": {"text": "x"}}),
            );
        });
        let text = text.unwrap();
        let new = "  - id: trim\n    tool: split\n    parameters:\n      text: x\n";
        // What is there stays as it is written.
        let without = text.replace(new, "").replace("    depends_on: []\n", "");
        assert_eq!(without, TEXT, "{text}");
        assert_eq!(plan(&text).steps.len(), 3);
        let text = corrected(|plan| {
            plan["steps"].as_array_mut().unwrap().pop();
        });
        assert_eq!(plan(&text.unwrap()).steps.len(), 1);
        assert_eq!(corrected(|_| {}).as_deref(), Some(TEXT));
    }
}
