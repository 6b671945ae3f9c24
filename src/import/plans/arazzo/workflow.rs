//! Workflows: their inputs, the order of their steps, and those that steps call.

use super::apis::Apis;
use super::call::Caller;
use super::expression::{OwnCall, Scope};
use super::{Ended, Outputs, reused};
use crate::import::plans::Fault;
use crate::import::plans::builder::PlanBuilder;
use crate::import::plans::place::Place;
use crate::import::plans::source::Document;
use crate::import::plans::template::Part;
use crate::text::message::quote;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

/// How deep workflows may call each other.
const MOST_DEPTH: usize = 16;

/// The most steps of a plan.
const MOST_STEPS: usize = 5_000;

/// The workflows of a document, as they are put into a plan.
pub(super) struct Workflows<'c> {
    pub document: &'c Document,
    pub builder: &'c mut PlanBuilder,
    pub apis: &'c Apis,
    /// The context values of inputs, by the name of the input.
    inputs: BTreeMap<String, Part>,
    /// The outputs of workflows that ran before others.
    ended: Outputs,
    /// The workflows that are being converted, the outermost first.
    open: Vec<usize>,
    steps: usize,
}

/// A step and where it stands.
pub(super) struct Placed<'s> {
    pub step: &'s Value,
    pub place: Place,
    /// Its id in the plan.
    pub id: String,
    /// Its id in the workflow.
    pub name: &'s str,
}

impl<'c> Workflows<'c> {
    pub(super) fn new(
        document: &'c Document,
        builder: &'c mut PlanBuilder,
        apis: &'c Apis,
    ) -> Self {
        Self {
            document,
            builder,
            apis,
            inputs: BTreeMap::new(),
            ended: HashMap::new(),
            open: Vec::new(),
            steps: 0,
        }
    }

    fn list(&self) -> &'c [Value] {
        let list = self.document.value["workflows"].as_array();
        list.map_or(&[], Vec::as_slice)
    }

    fn place(at: usize) -> Place {
        Place::default().field("workflows").item(at)
    }

    fn named(&self, id: &str) -> Option<usize> {
        self.list().iter().position(|one| one["workflowId"] == id)
    }

    /// Converts a workflow, after those that it depends on.
    pub(super) fn all(&mut self, at: usize) -> Result<Ended, Fault> {
        // The ids of its own steps stay as they are, whatever inputs are called.
        let ids = self.ids(at, None);
        let mut after = Vec::new();
        let needed = self.list()[at]["dependsOn"].as_array();
        for id in needed.into_iter().flatten().filter_map(Value::as_str) {
            let place = Self::place(at).field("dependsOn");
            match self.named(id).filter(|needed| *needed != at) {
                Some(needed) => {
                    let ids = self.ids(needed, Some(id));
                    let inputs = self.context_inputs(needed);
                    let ended = self.converted(needed, &ids, &inputs, after)?;
                    after = ended.last;
                    self.ended.insert(id.to_owned(), ended.outputs);
                }
                None => self.builder.leave_out(
                    self.document.line(&place),
                    format!(
                        "the workflow {} that has to end before is not in this document",
                        quote(id, 80)
                    ),
                ),
            }
        }
        let inputs = self.context_inputs(at);
        self.converted(at, &ids, &inputs, after)
    }

    /// The ids of the steps of a workflow in the plan.
    fn ids(&mut self, at: usize, prefix: Option<&str>) -> Vec<String> {
        let steps = self.list()[at]["steps"].as_array();
        let names = steps.into_iter().flatten();
        names
            .map(|step| {
                let name = step["stepId"].as_str().unwrap_or("step");
                match prefix {
                    Some(prefix) => self.builder.id(&format!("{prefix}-{name}")),
                    None => self.builder.id(name),
                }
            })
            .collect()
    }

    /// The inputs of a workflow as context values.
    fn context_inputs(&mut self, at: usize) -> BTreeMap<String, Part> {
        let schema = self.schema(&self.list()[at]["inputs"]).clone();
        let mut found = BTreeMap::new();
        let required: Vec<&str> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for (name, described) in schema["properties"].as_object().into_iter().flatten() {
            if let Some(known) = self.inputs.get(name) {
                found.insert(name.clone(), known.clone());
                continue;
            }
            let described = self.schema(described);
            let alias = self.builder.value_name(name);
            if alias != *name {
                let place = Self::place(at).field("inputs");
                let words = format!("the input {} is the context value {alias}", quote(name, 80));
                self.builder.leave_out(self.document.line(&place), words);
            }
            match described.get("default") {
                Some(default) => self.builder.value(&alias, default.clone()),
                None if required.contains(&name.as_str()) => {}
                None => self.builder.value(&alias, Value::Null),
            }
            let part = Part::Reference(alias);
            self.inputs.insert(name.clone(), part.clone());
            found.insert(name.clone(), part);
        }
        found
    }

    /// What a schema refers to in this document.
    fn schema(&self, schema: &'c Value) -> &'c Value {
        let mut schema = schema;
        for _ in 0..8 {
            let reference = schema["$ref"]
                .as_str()
                .and_then(|text| text.strip_prefix('#'));
            match reference.and_then(|pointer| self.document.value.pointer(pointer)) {
                Some(found) => schema = found,
                None => break,
            }
        }
        schema
    }

    /// Converts the steps of a workflow. `after` are the steps that the first one waits for.
    fn converted(
        &mut self,
        at: usize,
        ids: &[String],
        inputs: &BTreeMap<String, Part>,
        after: Vec<String>,
    ) -> Result<Ended, Fault> {
        let workflow = &self.list()[at];
        let place = Self::place(at);
        if self.open.contains(&at) || self.open.len() >= MOST_DEPTH {
            return Err(self.document.fault(&place, "the workflow calls itself"));
        }
        self.open.push(at);
        let steps = workflow["steps"].as_array().map_or(&[][..], Vec::as_slice);
        let mut outputs: Outputs = HashMap::new();
        let mut known_ids: HashMap<&str, String> = HashMap::new();
        let mut last = after;
        for (number, (step, id)) in steps.iter().zip(ids).enumerate() {
            self.steps += 1;
            let placed = Placed {
                step,
                place: place.field("steps").item(number),
                id: id.clone(),
                name: step["stepId"].as_str().unwrap_or("step"),
            };
            if self.steps > MOST_STEPS {
                let what = format!(
                    "the workflow has more than {MOST_STEPS} steps, with those that it calls"
                );
                return Err(self.document.fault(&placed.place, what));
            }
            let mut depends_on = last.clone();
            for needed in step["dependsOn"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
            {
                match known_ids.get(needed) {
                    Some(id) if !depends_on.contains(id) => depends_on.push(id.clone()),
                    Some(_) => {}
                    None => self.leave_out(
                        &placed,
                        "dependsOn",
                        &format!("the step {} that has to end before does not come before it in this workflow", quote(needed, 80)),
                    ),
                }
            }
            let ended = match step["workflowId"].as_str() {
                Some(id) => self.called(&placed, id, workflow, (inputs, &outputs), depends_on)?,
                None => self.step(
                    &placed,
                    workflow,
                    (inputs, &outputs),
                    &depends_on,
                    number + 1 == steps.len(),
                ),
            };
            known_ids.insert(placed.name, ended.last.last().cloned().unwrap_or_default());
            outputs.insert(placed.name.to_owned(), ended.outputs);
            last = ended.last;
        }
        self.open.pop();
        let scope = Scope {
            inputs: Some(inputs),
            steps: Some(&outputs),
            workflows: Some(&self.ended),
            ..Scope::default()
        };
        let mut faults = Vec::new();
        let found = named_outputs(&scope, &workflow["outputs"], &mut faults);
        for fault in faults {
            let place = place.field("outputs");
            self.builder
                .leave_out(self.document.line(&place), format!("output {fault}"));
        }
        Ok(Ended {
            outputs: found,
            last,
        })
    }

    fn leave_out(&mut self, placed: &Placed<'_>, field: &str, what: &str) {
        let place = placed.place.field(field);
        self.builder
            .leave_out(self.document.line_of(&place, placed.name), what);
    }

    /// The steps of a workflow that a step calls, in its place.
    fn called(
        &mut self,
        placed: &Placed<'_>,
        id: &str,
        around: &Value,
        (inputs, outputs): (&BTreeMap<String, Part>, &Outputs),
        after: Vec<String>,
    ) -> Result<Ended, Fault> {
        let Some(at) = self.named(id) else {
            let why = format!(
                "the workflow {} is not in this document; put its steps here",
                quote(id, 80)
            );
            self.leave_out(placed, "workflowId", &why);
            let tool = self.builder.missing(id, &why);
            self.builder
                .step(json!({"id": placed.id, "tool": tool, "depends_on": after}));
            return Ok(Ended {
                last: vec![placed.id.clone()],
                ..Ended::default()
            });
        };
        let scope = Scope {
            inputs: Some(inputs),
            steps: Some(outputs),
            workflows: Some(&self.ended),
            ..Scope::default()
        };
        let mut faults = Vec::new();
        let mut given = BTreeMap::new();
        for parameter in self.parameters(around, placed.step) {
            let Some(name) = parameter["name"].as_str() else {
                continue;
            };
            given.insert(
                name.to_owned(),
                scope.value(&parameter["value"], &mut faults),
            );
        }
        let schema = self.schema(&self.list()[at]["inputs"]);
        for (name, described) in schema["properties"].as_object().into_iter().flatten() {
            let default = self
                .schema(described)
                .get("default")
                .cloned()
                .unwrap_or_default();
            given.entry(name.clone()).or_insert(Part::Constant(default));
        }
        for fault in faults {
            self.leave_out(placed, "parameters", &fault);
        }
        for field in ["successCriteria", "onSuccess", "onFailure", "timeout"] {
            // A status is that of the last call, which its own step looks at.
            let is_status = |one: &Value| {
                one["condition"]
                    .as_str()
                    .is_some_and(|text| text.contains("$statusCode"))
            };
            let list = placed.step[field].as_array();
            let is_worth_it = list.map_or(!placed.step[field].is_null(), |list| {
                !list.iter().all(is_status)
            });
            if is_worth_it {
                self.leave_out(placed, field, &format!("`{field}` of a step that calls a workflow has no counterpart; the steps of the workflow have their own"));
            }
        }
        let ids = self.ids(at, Some(placed.name));
        let ended = self.converted(at, &ids, &given, after)?;
        let scope = Scope {
            inputs: Some(inputs),
            steps: Some(outputs),
            workflows: Some(&self.ended),
            outputs: Some(&ended.outputs),
            call: None,
        };
        let mut faults = Vec::new();
        let mut own = named_outputs(&scope, &placed.step["outputs"], &mut faults);
        for fault in faults {
            self.leave_out(placed, "outputs", &format!("output {fault}"));
        }
        for (name, part) in ended.outputs {
            own.entry(name).or_insert(part);
        }
        Ok(Ended {
            outputs: own,
            last: ended.last,
        })
    }

    /// The parameters of a step: those of the workflow, replaced by its own.
    pub(super) fn parameters(&self, workflow: &Value, step: &Value) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        for list in [&workflow["parameters"], &step["parameters"]] {
            for parameter in list.as_array().into_iter().flatten() {
                let Some(parameter) = reused(&self.document.value, parameter) else {
                    continue;
                };
                let is_same = |other: &Value| {
                    other["name"] == parameter["name"] && other["in"] == parameter["in"]
                };
                match all.iter().position(is_same) {
                    Some(at) => all[at] = parameter,
                    None => all.push(parameter),
                }
            }
        }
        all
    }

    /// A step that calls an operation.
    fn step(
        &mut self,
        placed: &Placed<'_>,
        workflow: &Value,
        (inputs, outputs): (&BTreeMap<String, Part>, &Outputs),
        depends_on: &[String],
        is_last: bool,
    ) -> Ended {
        let parameters = self.parameters(workflow, placed.step);
        let scope = Scope {
            inputs: Some(inputs),
            steps: Some(outputs),
            workflows: Some(&self.ended),
            ..Scope::default()
        };
        let mut caller = Caller {
            root: &self.document.value,
            workflow,
            step: placed.step,
            is_last,
            faults: Vec::new(),
        };
        let made = caller.made(&placed.id, self.apis, &parameters, &scope);
        let faults = caller.faults;
        for (field, fault) in faults {
            self.leave_out(placed, field, &fault);
        }
        let (mut step, tool, own) = match made {
            Ok(made) => made,
            Err(why) => {
                self.leave_out(placed, "operationId", &why);
                let words = placed.step["operationId"].as_str().unwrap_or(placed.name);
                let tool = self.builder.missing(words, &why);
                let own = OwnCall {
                    body: format!("steps[{}].output", placed.id),
                    whole: Some(format!("steps[{}].output", placed.id)),
                    ..OwnCall::default()
                };
                (json!({"tool": tool}), None, own)
            }
        };
        if let Some((name, tool)) = tool {
            step["tool"] = self.builder.tool(&name, &tool).into();
        }
        step["id"] = placed.id.clone().into();
        step["description"] = placed.step["description"].as_str().map(str::trim).into();
        step["depends_on"] = json!(depends_on);
        self.builder.step(step);
        let scope = Scope {
            inputs: Some(inputs),
            steps: Some(outputs),
            workflows: Some(&self.ended),
            call: Some(&own),
            ..Scope::default()
        };
        let mut faults = Vec::new();
        let found = named_outputs(&scope, &placed.step["outputs"], &mut faults);
        for fault in faults {
            self.leave_out(placed, "outputs", &format!("output {fault}"));
        }
        Ended {
            outputs: found,
            last: vec![placed.id.clone()],
        }
    }
}

/// Outputs by name. What names nothing is null, and said in `faults`.
fn named_outputs(
    scope: &Scope<'_>,
    outputs: &Value,
    faults: &mut Vec<String>,
) -> BTreeMap<String, Part> {
    let outputs = outputs.as_object().into_iter().flatten();
    outputs
        .map(|(name, value)| {
            let mut own = Vec::new();
            let part = scope.value(value, &mut own);
            let shown = quote(name, 80);
            faults.extend(own.into_iter().map(|fault| format!("{shown}: {fault}")));
            (name.clone(), part)
        })
        .collect()
}
