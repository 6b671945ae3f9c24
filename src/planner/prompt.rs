//! The messages that ask a model for a plan. The rules are in `prompt.txt`; they and the tools come first, so that a
//! provider's prompt cache can hold them.

use super::context_shape;
use crate::models::Role;
use crate::plan::ExecutionPlan;
use crate::text::visible;
use crate::tools::ToolDefinition;
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::sync::Arc;

const RULES: &str = include_str!("prompt.txt");

/// The maximum of examples of one tool, and the maximum length of one, in bytes.
const MAX_EXAMPLES: usize = 2;
const MAX_EXAMPLE: usize = 600;

/// What a plan is wanted for.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlanningTask<'a> {
    /// The task, or the instruction that changes a plan.
    pub text: &'a str,
    /// The plan to change.
    pub change: Option<&'a ExecutionPlan>,
    /// The context values.
    pub context: &'a Map<String, Value>,
}

/// The messages of the first request.
pub(super) fn messages(
    planning: PlanningTask<'_>,
    tools: &[&Arc<ToolDefinition>],
) -> Vec<(Role, String)> {
    let mut shown = String::new();
    for tool in tools {
        let _ = writeln!(shown, "{}", described(tool));
    }
    let rules = RULES.trim_end().replacen("%tools%", shown.trim_end(), 1);
    let mut task = String::new();
    if planning.context.is_empty() {
        task.push_str("No context values are given yet. Where the task needs data that it does not state, refer to it as \
             \"{{NAME}}\" with a telling name; the user gives it when the plan runs.\n");
    } else {
        task.push_str("Context values, with their types:\n");
        task.push_str(&context_shape::lines(planning.context));
    }
    match planning.change {
        None => {
            let _ = write!(task, "\nTask: {}", planning.text.trim());
        }
        Some(plan) => {
            let _ = write!(
                task,
                "\nThis plan exists:\n{}\n\nChange it as follows, keep everything else as it is, and answer with the whole \
                 changed plan.\nChange: {}",
                plan.to_value(),
                planning.text.trim()
            );
        }
    }
    vec![(Role::System, rules), (Role::User, task)]
}

/// A tool as one line of JSON: name, description, schemas, examples.
fn described(tool: &ToolDefinition) -> Value {
    let mut line = json!({"name": &*tool.name, "description": tool.description.trim()});
    if let Some(schema) = &tool.input_schema {
        line["parameters"] = Value::clone(schema);
    }
    if let Some(schema) = &tool.output_schema {
        line["output"] = Value::clone(schema);
    }
    let examples = tool.examples.iter().take(MAX_EXAMPLES);
    let examples: Vec<Value> = examples
        .map(|example| {
            let text = example.to_string();
            if text.len() <= MAX_EXAMPLE {
                example.clone()
            } else {
                visible(&text, MAX_EXAMPLE).into()
            }
        })
        .collect();
    if !examples.is_empty() {
        line["examples"] = examples.into();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Source;
    use crate::tools::Catalog;

    #[test]
    fn the_prompt_has_tools_types_and_task_and_no_values() {
        let source = Source {
            name: "tools".into(),
            text: "".into(),
        };
        let tools = json!({"tools": {"weigh": {"type": "jq", "filter": ".", "description": "Weighs %tools% {{x}}",
            "parameters": [{"name": "load", "type": "object", "required": true}],
            "output_schema": {"type": "object", "properties": {"kg": {"type": "number"}}},
            "examples": [{"scenario": "a full cart"}]}}});
        let catalog = Catalog::from_value(&tools, &source, None).unwrap();
        let shown: Vec<_> = catalog.tools().iter().collect();
        let context = json!({"cart": {"owner": "Grete", "boxes": [1, 2]}});
        let planning = PlanningTask {
            text: "Weigh the cart",
            change: None,
            context: context.as_object().unwrap(),
        };
        let [(Role::System, rules), (Role::User, task)] = &messages(planning, &shown)[..] else {
            panic!("two messages");
        };
        for part in [
            "\"weigh\"",
            "Weighs %tools% {{x}}",
            "\"load\"",
            "\"kg\"",
            "a full cart",
        ] {
            assert!(rules.contains(part), "{part} is not in {rules}");
        }
        assert!(task.contains("Weigh the cart"));
        assert!(task.contains("cart: {owner: string, boxes: array of integer}"));
        assert!(!task.contains("Grete"));
    }
}
