//! The plan as it is put together.

use super::LeftOut;
use super::template::{plain_name, quoted};
use crate::text::message::quote;
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};

/// Words that expressions and plans have for something else.
const TAKEN: [&str; 30] = [
    "and",
    "attempt",
    "context",
    "cost",
    "dict",
    "else",
    "false",
    "if",
    "in",
    "index",
    "input",
    "is",
    "item",
    "loop",
    "namespace",
    "none",
    "not",
    "null",
    "or",
    "output",
    "outputs",
    "range",
    "self",
    "steps",
    "true",
    "for",
    "set",
    "macro",
    "final_synthesis",
    "previous",
];

/// Tools that every plan has.
const BUILT_IN: [&str; 3] = ["function_call", "code_exec", "final_synthesis"];

/// The most that is listed as left out.
const MOST_LEFT_OUT: usize = 1_000;

/// A plan that is being made.
pub(super) struct PlanBuilder {
    pub name: String,
    pub description: String,
    context: Map<String, Value>,
    tools: Map<String, Value>,
    steps: Vec<Value>,
    names: HashSet<String>,
    /// The number that the next name of this beginning gets.
    numbers: HashMap<String, usize>,
    /// The names of tools by the name that was wanted and what they are.
    known_tools: HashMap<String, String>,
    left_out: Vec<LeftOut>,
    /// The ids of the steps that were added.
    ended: HashSet<String>,
}

impl PlanBuilder {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            description: String::new(),
            context: Map::new(),
            tools: Map::new(),
            steps: Vec::new(),
            names: TAKEN.iter().map(|word| (*word).to_owned()).collect(),
            numbers: HashMap::new(),
            known_tools: HashMap::new(),
            left_out: Vec::new(),
            ended: HashSet::new(),
        }
    }

    /// Says that something is not carried over, and what to do about it.
    pub(super) fn leave_out(&mut self, place: impl Into<String>, what: impl AsRef<str>) {
        let found = LeftOut {
            place: place.into(),
            what: quote(what.as_ref(), 1_000),
        };
        if self.left_out.len() < MOST_LEFT_OUT && !self.left_out.contains(&found) {
            self.left_out.push(found);
        }
    }

    /// An id for a step that is called so elsewhere.
    pub(super) fn id(&mut self, wanted: &str) -> String {
        self.free(&plain_name(wanted, true))
    }

    /// The same for an id of numbers and dots.
    pub(super) fn exact_id(&mut self, wanted: &str) -> String {
        let is_plain = wanted.split('.').all(|part| part.parse::<u32>().is_ok());
        if is_plain {
            self.free(wanted)
        } else {
            self.id(wanted)
        }
    }

    /// The name of a context value that is called so elsewhere; ids of steps are taken before.
    pub(super) fn value_name(&mut self, wanted: &str) -> String {
        let plain = plain_name(wanted, false);
        if self.names.contains(&plain) {
            return self.free(&format!("{plain}_value"));
        }
        self.free(&plain)
    }

    fn free(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        while !self.names.insert(name.clone()) {
            let number = self.numbers.entry(wanted.to_owned()).or_insert(1);
            *number += 1;
            name = format!("{wanted}_{number}");
        }
        name
    }

    /// Gives a context value that runs may replace.
    pub(super) fn value(&mut self, name: &str, value: Value) {
        self.context.insert(name.to_owned(), value);
    }

    /// Adds a tool; one that is there already in all its fields is used again. Returns its name.
    pub(super) fn tool(&mut self, wanted: &str, tool: &Map<String, Value>) -> String {
        let wanted = plain_name(wanted, true);
        let mut tool = tool.clone();
        let mut ordered = Map::new();
        for name in ["type", "description"] {
            ordered.extend(
                tool.shift_remove(name)
                    .map(|value| (name.to_owned(), value)),
            );
        }
        ordered.extend(tool);
        ordered.retain(|_, value| is_said(value));
        let tool = ordered;
        let known = format!("{wanted} {}", Value::Object(tool.clone()));
        if let Some(name) = self.known_tools.get(&known) {
            return name.clone();
        }
        let mut name = wanted.clone();
        while self.tools.contains_key(&name) || BUILT_IN.contains(&&*name) {
            // A blank is in no name of a step.
            let number = self.numbers.entry(format!("tool {wanted}")).or_insert(1);
            *number += 1;
            name = format!("{wanted}_{number}");
        }
        self.known_tools.insert(known, name.clone());
        self.tools.insert(name.clone(), Value::Object(tool));
        name
    }

    /// A tool for a step that cannot be called: it fails and says why.
    pub(super) fn missing(&mut self, wanted: &str, why: &str) -> String {
        let message = format!("this step was not carried over: {}", quote(why, 400));
        let filter = format!("error({})", quoted(&message));
        let tool = json!({"type": "jq", "description": message, "filter": filter});
        let tool = tool.as_object().cloned().unwrap_or_default();
        self.tool(wanted, &tool)
    }

    /// Adds a step, without the members that are null or empty. It waits for the steps before that it refers to.
    pub(super) fn step(&mut self, mut step: Value) {
        let Some(members) = step.as_object_mut() else {
            return;
        };
        let mut ordered = Map::new();
        for name in ["id", "description", "tool"] {
            ordered.extend(
                members
                    .shift_remove(name)
                    .map(|value| (name.to_owned(), value)),
            );
        }
        ordered.extend(std::mem::take(members));
        let mut needed = ordered.shift_remove("depends_on").unwrap_or_default();
        if let Some(list) = needed.as_array_mut() {
            for field in ["parameters", "run_if", "for_each"] {
                self.referred(ordered.get(field), list);
            }
        }
        ordered.insert("depends_on".to_owned(), needed);
        ordered.retain(|_, value| is_said(value));
        let id = ordered
            .get("id")
            .and_then(Value::as_str)
            .unwrap_or_default();
        self.ended.insert(id.to_owned());
        self.steps.push(ordered.into());
    }

    /// Adds the steps to `list` that the references of a value name.
    fn referred(&self, value: Option<&Value>, list: &mut Vec<Value>) {
        match value {
            Some(Value::String(text)) => {
                for part in text.split("steps[").skip(1) {
                    let id = part.split(']').next().unwrap_or_default();
                    if self.ended.contains(id) && !list.iter().any(|known| known == id) {
                        list.push(id.into());
                    }
                }
            }
            Some(Value::Array(values)) => {
                for value in values {
                    self.referred(Some(value), list);
                }
            }
            Some(Value::Object(members)) => {
                for value in members.values() {
                    self.referred(Some(value), list);
                }
            }
            _ => {}
        }
    }

    /// Adds a last step whose output is the object of these values.
    pub(super) fn result(&mut self, values: &Map<String, Value>, depends_on: &[String]) {
        let tool =
            json!({"type": "jq", "description": "The outputs of the workflow", "filter": "."});
        let tool = tool.as_object().cloned().unwrap_or_default();
        let tool = self.tool("outputs", &tool);
        let id = self.id("result");
        self.step(json!({"id": id, "tool": tool, "parameters": values, "depends_on": depends_on}));
    }

    pub(super) fn has_steps(&self) -> bool {
        !self.steps.is_empty()
    }

    /// The plan, and what it lacks.
    pub(super) fn finish(self) -> (Value, Vec<LeftOut>) {
        let mut plan = Map::new();
        plan.insert("name".to_owned(), self.name.into());
        if !self.description.trim().is_empty() {
            plan.insert("description".to_owned(), self.description.trim().into());
        }
        if !self.context.is_empty() {
            plan.insert("context".to_owned(), self.context.into());
        }
        plan.insert("tools".to_owned(), self.tools.into());
        plan.insert("steps".to_owned(), self.steps.into());
        (plan.into(), self.left_out)
    }
}

/// Whether a member says anything.
fn is_said(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => true,
    }
}
