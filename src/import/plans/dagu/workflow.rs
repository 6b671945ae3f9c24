//! Workflows: their parameters, environment and steps, and those that steps call.

use super::conditions::Asked;
use super::order::{Ordered, ordered};
use super::params::{folder, parameters};
use super::script::Names;
use super::step::{Ended, Next, StepMaker};
use super::surroundings::{Surroundings, Variable, environment};
use super::variables::has_commands;
use super::{conditions, left_out};
use crate::import::plans::Fault;
use crate::import::plans::builder::PlanBuilder;
use crate::import::plans::place::Place;
use crate::import::plans::source::{Document, Source, documents};
use crate::import::plans::template::{Part, is_identifier};
use crate::text::message::quote;
use serde_json::Value;
use std::collections::BTreeMap;

/// How deep workflows may call each other.
const MOST_DEPTH: usize = 16;

/// The most steps of a plan.
const MOST_STEPS: usize = 5_000;

/// A file with its workflows.
pub(super) struct Workflows<'c> {
    source: &'c Source<'c>,
    builder: &'c mut PlanBuilder,
    /// The names of the workflows that are being converted.
    open: Vec<String>,
    steps: usize,
}

impl<'c> Workflows<'c> {
    pub(super) fn new(source: &'c Source<'c>, builder: &'c mut PlanBuilder) -> Self {
        Self {
            source,
            builder,
            open: Vec::new(),
            steps: 0,
        }
    }

    /// Converts the first workflow of the file, or the one that is asked for.
    pub(super) fn outermost(&mut self) -> Result<(), Fault> {
        let all = &self.source.documents;
        let name = |document: &Document| document.value["name"].as_str().map(str::to_owned);
        let chosen = match self.source.options.workflow {
            None => &all[0],
            Some(id) => all
                .iter()
                .find(|document| document.value["name"] == id)
                .ok_or_else(|| {
                    let names: Vec<String> = all.iter().filter_map(name).collect();
                    let (id, names) = (quote(id, 80), quote(&names.join(", "), 400));
                    let what = format!("it has no workflow {id}; it has: {names}");
                    all[0].fault(&Place::default(), what)
                })?,
        };
        let root = &chosen.value;
        if let Some(name) = name(chosen) {
            self.builder.name = name;
        }
        root["description"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut self.builder.description);
        self.converted(chosen, None, &BTreeMap::new(), &[], None)?;
        if self.builder.has_steps() {
            return Ok(());
        }
        Err(chosen.fault(
            &Place::default().field("steps"),
            "the workflow has no steps",
        ))
    }

    /// Converts the steps of a workflow. `given` are parameters; `after` are the steps that have to end before.
    fn converted(
        &mut self,
        document: &Document,
        prefix: Option<&str>,
        given: &BTreeMap<String, Part>,
        after: &[String],
        run_if: Option<String>,
    ) -> Result<Ended, Fault> {
        let root = &document.value;
        let Ordered { steps, faults } = ordered(root);
        for (place, what) in faults {
            self.builder.leave_out(document.line(&place), what);
        }
        let ids: Vec<String> = steps
            .iter()
            .map(|step| match prefix {
                Some(prefix) => self.builder.id(&format!("{prefix}-{}", step.name)),
                None => self.builder.id(&step.name),
            })
            .collect();
        self.steps += ids.len();
        if self.steps > MOST_STEPS {
            let what = format!(
                "there are more than {MOST_STEPS} steps, with those of workflows that are called"
            );
            return Err(document.fault(&Place::default(), what));
        }
        let around = self.surroundings(document, given, prefix.is_some());
        for field in root.as_object().into_iter().flat_map(serde_json::Map::keys) {
            if let Some(remedy) = left_out::of_workflow(field) {
                let place = Place::default().field(field);
                let field = quote(field, 60);
                self.builder.leave_out(
                    document.line(&place),
                    format!("`{field}` has no counterpart: {remedy}"),
                );
            }
        }
        let mut after = after.to_vec();
        let mut run_if = run_if;
        for field in ["preconditions", "precondition"] {
            let place = Place::default().field(field);
            let none = BTreeMap::new();
            let names = Names {
                around: &around,
                outputs: &none,
            };
            let asked = Asked {
                document,
                place: &place,
                name: "workflow",
                names,
            };
            let met = conditions::met(self.builder, &root[field], asked, &after, run_if.as_ref());
            if let Some(met) = met {
                after = met.after;
                run_if = conditions::both(run_if, Some(met.expression));
            }
        }
        let mut maker = StepMaker::new(document, &steps, &ids, around, (after, run_if));
        while let Some(next) = maker.next(self.builder) {
            if let Next::Call(call) = next {
                let ended = if call.is_refused() {
                    None
                } else {
                    self.called(
                        &call.name,
                        &call.prefix,
                        &call.given,
                        &call.after,
                        call.run_if.clone(),
                    )?
                };
                maker.called(self.builder, *call, ended);
            }
        }
        Ok(maker.ended())
    }

    /// The workflow that a step calls, in its place.
    fn called(
        &mut self,
        name: &str,
        prefix: &str,
        given: &BTreeMap<String, Part>,
        after: &[String],
        run_if: Option<String>,
    ) -> Result<Option<Ended>, Fault> {
        let source = self.source;
        let is_open = self.open.iter().any(|open| open == name);
        if is_open || self.open.len() >= MOST_DEPTH {
            let what = format!("the workflow {} calls itself", quote(name, 80));
            return Err(source.documents[0].fault(&Place::default(), what));
        }
        let own = source
            .documents
            .iter()
            .find(|document| document.value["name"] == name);
        let beside;
        let document = if let Some(own) = own {
            own
        } else {
            let names = [
                name.to_owned(),
                format!("{name}.yaml"),
                format!("{name}.yml"),
            ];
            let files = names.iter().filter(|name| name.contains('.'));
            let mut read = files.filter_map(|name| (source.options.files)(name).ok());
            let Some(found) = read.find_map(|text| {
                let mut found = documents(&text).ok()?;
                super::is(&found[0].value).then(|| found.swap_remove(0))
            }) else {
                return Ok(None);
            };
            beside = found;
            &beside
        };
        self.open.push(name.to_owned());
        let ended = self.converted(document, Some(prefix), given, after, run_if);
        self.open.pop();
        ended.map(Some)
    }

    /// What the workflow brings for its steps: parameters as context values, or as they are given.
    fn surroundings(
        &mut self,
        document: &Document,
        given: &BTreeMap<String, Part>,
        is_called: bool,
    ) -> Surroundings {
        let root = &document.value;
        let mut around = Surroundings {
            shell: root.get("shell").cloned(),
            elsewhere: ["container", "ssh", "kubernetes"]
                .into_iter()
                .find(|field| root.get(*field).is_some_and(|value| !value.is_null())),
            folder: folder(root, ["working_dir", "workingDir"]),
            defaults: root["defaults"].clone(),
            ..Surroundings::default()
        };
        let place = Place::default().field("params");
        let (parameters, faults) = parameters(&root["params"]);
        for fault in faults {
            self.builder.leave_out(document.line(&place), fault);
        }
        for (name, default) in parameters {
            let is_position = name.starts_with(|c: char| c.is_ascii_digit());
            let variable = if is_position {
                format!("ARG_{name}")
            } else {
                name.clone()
            };
            if default
                .as_ref()
                .and_then(Value::as_str)
                .is_some_and(has_commands)
            {
                let words = format!(
                    "the parameter {} is the output of a command; give it with -c",
                    quote(&name, 80)
                );
                self.builder.leave_out(document.line(&place), words);
            }
            let part = match given.get(&name) {
                Some(part) => part.clone(),
                None if is_called => Part::Constant(default.unwrap_or_default()),
                None => {
                    let context = self.builder.value_name(&variable);
                    if context != variable {
                        let words = format!(
                            "the parameter {} is the context value {context}",
                            quote(&name, 80)
                        );
                        self.builder.leave_out(document.line(&place), words);
                    }
                    if let Some(default) = default {
                        self.builder.value(&context, default);
                    }
                    Part::Reference(context)
                }
            };
            if is_position {
                around.positions.push(variable.clone());
            }
            around.variables.insert(variable, Variable::Part(part));
        }
        // What is given and not declared is a parameter too.
        for (name, part) in given {
            let known = around.variables.entry(name.clone());
            known.or_insert_with(|| Variable::Part(part.clone()));
        }
        for secret in root["secrets"].as_array().into_iter().flatten() {
            let place = Place::default().field("secrets");
            let (name, key) = (secret["name"].as_str(), secret["key"].as_str());
            match (name, key, secret["provider"].as_str()) {
                (Some(name), Some(key), Some("env"))
                    if is_identifier(name) && is_identifier(key) =>
                {
                    let value = Variable::Environment(format!("${{{key}}}"));
                    around.variables.insert(name.to_owned(), value);
                }
                (name, ..) => {
                    let name = quote(name.unwrap_or_default(), 80);
                    let words = format!(
                        "the secret {name} is not read: put it into the environment, and give tools `env: {{{name}: \"${{{name}}}\"}}`"
                    );
                    self.builder.leave_out(document.line(&place), words);
                }
            }
        }
        let place = Place::default().field("env");
        environment(self.builder, document, &root["env"], &place, &mut around);
        around
    }
}
