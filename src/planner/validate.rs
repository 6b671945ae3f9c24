//! Reads an answer as a plan and checks it as every plan is checked, and beyond that what only a planner can be told:
//! references to output fields that no tool gives.

use super::created_plan::fault;
use crate::plan::{
    Diagnostic, Draft, ExecutionPlan, Part, PlanFaults, Reference, Root, Segment, Severity, Source,
    Template, parse,
};
use crate::text::visible;
use crate::tools::Catalog;
use serde_json::{Map, Value};

/// The maximum of steps that a planner may write.
pub(super) const MAX_STEPS: usize = 500;

/// Reads and checks a plan. With `context`, a value that is referred to and not given is a fault.
///
/// # Errors
/// Every fault at once.
pub(super) fn validate(
    name: &str,
    text: &str,
    catalog: &Catalog,
    context: Option<&Map<String, Value>>,
) -> Result<ExecutionPlan, PlanFaults> {
    let draft: Draft = parse(name, text.as_bytes())?;
    let source = draft.source().clone();
    if draft.len() > MAX_STEPS {
        let steps = draft.len();
        return Err(fault(
            &source,
            "too_many_steps",
            format!(
                "the plan has {steps} steps, more than the {MAX_STEPS} that a planner may write: run a step once for each \
                 element of a list with `for_each`"
            ),
        ));
    }
    let mut plan = draft.check(Some(catalog), context)?;
    let diagnostics = unknown_fields(&plan, catalog);
    if !diagnostics.is_empty() {
        return Err(PlanFaults {
            source_text: source,
            diagnostics,
        });
    }
    // The tools are those of the user's catalog; what a model says of them would count where the plan is read again.
    plan.catalog = None;
    Ok(plan)
}

/// An answer without a plan, for a fault that is not one of the text.
pub(super) fn answer(name: &str) -> Source {
    Source {
        name: name.into(),
        text: "".into(),
    }
}

/// References to members that the output schema of a tool does not have.
fn unknown_fields(plan: &ExecutionPlan, catalog: &Catalog) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    for step in plan.steps.iter() {
        let mut check = |reference: &Reference| {
            let Root::Step(of) = reference.root else {
                return;
            };
            let Some(of) = plan.step(of) else { return };
            let Some(schema) = catalog
                .get(&of.tool)
                .and_then(|tool| tool.output_schema.as_deref())
            else {
                return;
            };
            if of.for_each.is_some() {
                return;
            }
            let Err((field, known)) = follow(schema, &reference.path) else {
                return;
            };
            let mut fault = Diagnostic::new(
                Severity::Error,
                "unknown_output",
                format!(
                    "{}: the output of `{}` has no field `{}`",
                    visible(&reference.source, 120),
                    visible(&of.tool, 80),
                    visible(field, 80)
                ),
            );
            fault.span.clone_from(&step.span);
            fault.step = Some(step.id.clone());
            fault.help = Some(format!("it has {}", known.join(", ")));
            faults.push(fault);
        };
        visit(&step.parameters, &mut check);
        if let Some(list) = &step.for_each {
            visit(list, &mut check);
        }
    }
    faults
}

/// Follows a path through a schema; the error is the field that it does not have, with those that it has. What a
/// schema leaves open may be anything.
fn follow<'p, 's>(
    mut schema: &'s Value,
    path: &'p [Segment],
) -> Result<(), (&'p str, Vec<&'s str>)> {
    // `output` may stand between the step and the path.
    let path = match path {
        [Segment::Field(first), rest @ ..] if &**first == "output" && !has(schema, "output") => {
            rest
        }
        path => path,
    };
    for segment in path {
        let next = match segment {
            Segment::Field(field) => {
                let Some(members) = schema.get("properties").and_then(Value::as_object) else {
                    return Ok(());
                };
                match members.get(&**field) {
                    Some(member) => member,
                    None if schema.get("type") == Some(&Value::from("object"))
                        && !schema
                            .get("additionalProperties")
                            .is_some_and(|open| *open != Value::Bool(false)) =>
                    {
                        return Err((field, members.keys().map(String::as_str).collect()));
                    }
                    None => return Ok(()),
                }
            }
            Segment::Index(_) => match schema.get("items") {
                Some(items) => items,
                None => return Ok(()),
            },
        };
        schema = next;
    }
    Ok(())
}

fn has(schema: &Value, name: &str) -> bool {
    schema
        .get("properties")
        .is_some_and(|members| members.get(name).is_some())
}

/// Calls `visit` with every plain reference of a template.
fn visit(template: &Template, check: &mut dyn FnMut(&Reference)) {
    match template {
        Template::Reference(reference) => check(reference),
        Template::Text(parts) => {
            for part in parts {
                if let Part::Reference(reference) = part {
                    check(reference);
                }
            }
        }
        Template::List(list) => list.iter().for_each(|one| visit(one, check)),
        Template::Object(members) => members.iter().for_each(|(_, one)| visit(one, check)),
        Template::Literal(_) | Template::Expression(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn catalog() -> Catalog {
        let tools = json!({"tools": {
            "weigh": {"type": "jq", "filter": ".", "output_schema":
                {"type": "object", "properties": {"kg": {"type": "number"}, "parts": {"type": "array", "items":
                    {"type": "object", "properties": {"name": {"type": "string"}}}}}}},
            "open": {"type": "jq", "filter": ".", "output_schema": {"type": "object", "additionalProperties": true,
                "properties": {"a": {}}}},
            "show": {"type": "jq", "filter": "."}}});
        Catalog::from_value(&tools, &answer("tools"), None).unwrap()
    }

    fn refers_to(path: &str) -> Result<ExecutionPlan, PlanFaults> {
        let plan = json!({"steps": [{"id": "w", "tool": "weigh", "parameters": {}},
            {"id": "o", "tool": "open", "parameters": {}},
            {"id": "s", "tool": "show", "parameters": {"x": [format!("{{{{{path}}}}}")]}}]});
        validate("answer", &plan.to_string(), &catalog(), None)
    }

    #[test]
    fn fields_that_no_tool_gives_are_faults() {
        for path in [
            "steps[w].output",
            "steps[w].output.kg",
            "w.parts[0].name",
            "steps[o].output.z",
            "w.output.kg",
        ] {
            assert!(
                refers_to(path).is_ok(),
                "{path}: {:?}",
                refers_to(path).err()
            );
        }
        for path in ["steps[w].output.pounds", "w.parts[0].weight"] {
            let faults = refers_to(path).unwrap_err();
            assert_eq!(
                faults.diagnostics[0].step.as_deref(),
                Some("s"),
                "{path}: {faults}"
            );
        }
        let faults = refers_to("steps[w].output.pounds").unwrap_err();
        assert!(faults.diagnostics[0].help.as_ref().unwrap().contains("kg"));
    }

    #[test]
    fn a_model_brings_no_tools_and_no_thousands_of_steps() {
        let plan = json!({"tools": {"show": {"type": "process", "command": ["rm"]}},
            "steps": [{"id": 1, "tool": "show", "parameters": {}}]});
        assert!(
            validate("answer", &plan.to_string(), &catalog(), None)
                .unwrap()
                .catalog
                .is_none()
        );
        let steps: Vec<Value> = (0..=MAX_STEPS)
            .map(|id| json!({"id": id, "tool": "show", "parameters": {}}))
            .collect();
        let faults = validate(
            "answer",
            &json!({"steps": steps}).to_string(),
            &catalog(),
            None,
        )
        .unwrap_err();
        assert_eq!(faults.diagnostics[0].code, "too_many_steps");
    }
}
