//! Nodes as steps.

use super::prompt;
use crate::import::plans::builder::PlanBuilder;
use crate::import::plans::place::Place;
use crate::import::plans::source::{Document, Source};
use crate::import::plans::template::{Part, dotted, quoted};
use crate::text::message::quote;
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};

/// Runs the function of a file that `@tool` marks, with what comes on standard input; without promptflow too.
const RUN: &str = include_str!("run.py");

/// Renders a template with what comes on standard input.
const RENDER: &str = include_str!("render.py");

/// Inputs of a node that say how its model is asked.
const OF_THE_MODEL: [&str; 16] = [
    "deployment_name",
    "model",
    "temperature",
    "max_tokens",
    "response_format",
    "stop",
    "top_p",
    "n",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "user",
    "suffix",
    "logprobs",
    "echo",
    "best_of",
];

/// What a text refers to.
#[derive(Clone, Copy)]
pub(super) enum Reference<'t> {
    Input(&'t str),
    /// A node, and the path into its output.
    Node(&'t str, &'t str),
}

/// What a text refers to, where it is `${…}`.
pub(super) fn reference(text: &str) -> Option<Reference<'_>> {
    let inner = text.trim().strip_prefix("${")?.strip_suffix('}')?.trim();
    let input = inner
        .strip_prefix("inputs.")
        .or_else(|| inner.strip_prefix("flow."));
    if let Some(input) = input {
        return Some(Reference::Input(input));
    }
    let (node, rest) = inner.split_once('.').unwrap_or((inner, "output"));
    let path = rest
        .strip_prefix("output")
        .filter(|path| path.is_empty() || path.starts_with(['.', '[']));
    Some(Reference::Node(node, path.unwrap_or(rest)))
}

/// A flow whose nodes are added.
pub(super) struct Flow<'s> {
    pub source: &'s Source<'s>,
    pub document: &'s Document,
    /// The ids of the nodes in the plan.
    pub ids: HashMap<String, String>,
    pub inputs: HashMap<String, Part>,
    /// The nodes that a condition may skip.
    pub may_skip: HashSet<String>,
    /// The nodes that look at all lines of a batch together.
    pub is_many: HashSet<String>,
}

/// Nodes with each after those that it refers to.
pub(super) fn sorted(nodes: Vec<(Value, Place)>) -> Vec<(Value, Place)> {
    let mut left = nodes;
    let mut done: Vec<(Value, Place)> = Vec::with_capacity(left.len());
    let mut names: HashSet<String> = HashSet::new();
    let all: HashSet<String> = left
        .iter()
        .filter_map(|(node, _)| node["name"].as_str().map(str::to_owned))
        .collect();
    while !left.is_empty() {
        let is_ready = |node: &Value, names: &HashSet<String>| {
            needed(node)
                .iter()
                .all(|name| names.contains(*name) || !all.contains(*name))
        };
        let (ready, rest): (Vec<_>, Vec<_>) = left
            .into_iter()
            .partition(|(node, _)| is_ready(node, &names));
        if ready.is_empty() {
            // A circle, which the check names.
            done.extend(rest);
            break;
        }
        names.extend(
            ready
                .iter()
                .filter_map(|(node, _)| node["name"].as_str().map(str::to_owned)),
        );
        done.extend(ready);
        left = rest;
    }
    done
}

/// The nodes that a node refers to.
fn needed(node: &Value) -> Vec<&str> {
    let inputs = node["inputs"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(_, value)| value);
    let texts = inputs
        .chain([&node["activate"]["when"]])
        .filter_map(Value::as_str);
    let found = texts
        .filter_map(reference)
        .filter_map(|reference| match reference {
            Reference::Node(node, _) => Some(node),
            Reference::Input(_) => None,
        });
    let mut found: Vec<&str> = found.collect();
    found.sort_unstable();
    found.dedup();
    found
}

impl Flow<'_> {
    /// What a reference names in the plan.
    pub(super) fn part(&self, reference: Reference<'_>) -> Option<Part> {
        match reference {
            Reference::Input(name) => {
                let known = self.inputs.get(name).cloned();
                known.or_else(|| {
                    let (name, path) = name.split_once('.')?;
                    Some(self.inputs.get(name)?.at(&dotted(path)?))
                })
            }
            Reference::Node(node, path) => {
                let id = self.ids.get(node)?;
                Some(Part::Reference(format!("steps[{id}].output")).at(&dotted(path)?))
            }
        }
    }

    /// Adds a node as a step.
    pub(super) fn add(&mut self, node: &Value, place: &Place, builder: &mut PlanBuilder) {
        let name = node["name"].as_str().unwrap_or_default();
        let Some(id) = self.ids.get(name).cloned() else {
            return;
        };
        let leave_out = |builder: &mut PlanBuilder, field: &str, what: &str| {
            builder.leave_out(self.document.line_of(&place.field(field), name), what);
        };
        let mut faults: Vec<(&str, String)> = Vec::new();
        let is_many = node["aggregation"] == true || node["reduce"] == true;
        let mut inputs = Map::new();
        for (input, value) in node["inputs"].as_object().into_iter().flatten() {
            let part = match value.as_str().and_then(reference) {
                None => Part::Constant(value.clone()),
                Some(reference) => {
                    let of_one = matches!(reference, Reference::Node(node, _) if !self.is_many.contains(node));
                    let part = self.part(reference).unwrap_or_else(|| {
                        let shown = quote(value.as_str().unwrap_or_default(), 80);
                        faults.push((
                            "inputs",
                            format!(
                                "the input {} refers to {shown}, which is not there; it is null",
                                quote(input, 80)
                            ),
                        ));
                        Part::NULL
                    });
                    if is_many && of_one {
                        Part::Template(json!([part.to_value()]))
                    } else {
                        part
                    }
                }
            };
            inputs.insert(input.clone(), part.to_value());
        }
        if is_many {
            self.is_many.insert(name.to_owned());
            faults.push(("aggregation", "it looks at all lines of a batch together: here it gets lists of one element; aggregate the output of `plandeck batch` instead".to_owned()));
        }
        let before = needed(node);
        let mut depends_on: Vec<String> = before
            .iter()
            .filter_map(|name| self.ids.get(*name).cloned())
            .collect();
        let activate = &node["activate"];
        let mut run_if = None;
        let may_skip: Vec<&str> = before
            .iter()
            .copied()
            .filter(|name| self.may_skip.contains(*name))
            .collect();
        if activate.is_object() {
            run_if = self.activated(activate, &mut faults);
            if run_if.is_some() {
                self.may_skip.insert(name.to_owned());
            }
        } else if !before.is_empty() && may_skip.len() == before.len() {
            // It is skipped with all that it refers to.
            let skipped = depends_on
                .iter()
                .map(|id| format!("steps[{}].status == \"skipped\"", quoted(id)));
            run_if = Some(format!(
                "not ({})",
                skipped.collect::<Vec<_>>().join(" and ")
            ));
            self.may_skip.insert(name.to_owned());
        }
        let trigger = (!may_skip.is_empty()).then_some("none_failed");
        let mut step = Map::new();
        step.insert("id".to_owned(), id.clone().into());
        step.insert("description".to_owned(), node["comment"].as_str().into());
        let made = self.tool(node, &inputs, &mut faults);
        let made = made.map(|made| match made {
            Made::Direct(tool, parameters) => (tool, parameters),
            Made::Rendered(render, tool) => {
                let before = builder.id(&format!("{id}-prompt"));
                let render = builder.tool(&before, &render);
                builder.step(json!({"id": before, "tool": render, "parameters": inputs, "run_if": run_if, "trigger": trigger, "depends_on": depends_on}));
                let parameters = json!({"prompt": format!("{{{{steps[{before}].output}}}}")});
                depends_on.push(before);
                (tool, parameters.as_object().cloned().unwrap_or_default())
            }
        });
        match made {
            Ok((tool, parameters)) => {
                step.insert("tool".to_owned(), builder.tool(name, &tool).into());
                step.insert("parameters".to_owned(), parameters.into());
            }
            Err(why) => {
                step.insert("tool".to_owned(), builder.missing(name, &why).into());
                faults.push(("source", why));
            }
        }
        step.insert("run_if".to_owned(), json!(run_if));
        step.insert("trigger".to_owned(), json!(trigger));
        if node["enable_cache"] == true {
            step.insert("cache".to_owned(), true.into());
        }
        step.insert("depends_on".to_owned(), json!(depends_on));
        for (field, fault) in faults {
            leave_out(builder, field, &fault);
        }
        builder.step(step.into());
    }

    fn activated(&self, activate: &Value, faults: &mut Vec<(&str, String)>) -> Option<String> {
        let when = activate["when"].as_str().unwrap_or_default();
        let part = reference(when).and_then(|reference| self.part(reference));
        let part = part.and_then(|part| part.to_expression());
        let is = Part::Constant(activate["is"].clone()).to_expression();
        let found = part.zip(is).map(|(part, is)| format!("{part} == {is}"));
        if found.is_none() {
            let when = quote(when, 80);
            faults.push(("activate", format!("the condition on {when} has no counterpart, and the step always runs: give it a `run_if`")));
        }
        found
    }

    /// The tool of a node.
    fn tool(
        &self,
        node: &Value,
        inputs: &Map<String, Value>,
        faults: &mut Vec<(&'static str, String)>,
    ) -> Result<Made, String> {
        let source = &node["source"];
        let kind = node["type"].as_str().unwrap_or_default();
        if source["type"].as_str().is_some_and(|kind| kind != "code") {
            let tool = quote(source["tool"].as_str().unwrap_or_default(), 120);
            return Err(format!(
                "its tool {tool} comes with a package; put a tool that does the same in its place"
            ));
        }
        let path = source["path"].as_str().unwrap_or_default();
        let path = path.strip_prefix("./").unwrap_or(path);
        let read = || (self.source.options.files)(path);
        match kind {
            "python" => {
                if path.is_empty() {
                    return Err("it has no source".to_owned());
                }
                match read() {
                    Err(why) => faults.push(("source", format!("its source is not there: {why}"))),
                    Ok(text) if text.contains("Connection") => faults.push(("source", "it uses a connection, which is not carried over: read the key from the environment, and name it in `env` of the tool".to_owned())),
                    Ok(_) => {}
                }
                let tool = json!({"type": "process", "command": ["python3", "-c", RUN, path]});
                Ok(Made::Direct(object(tool), inputs.clone()))
            }
            "prompt" => {
                let text = read().map_err(|why| format!("its template is not there: {why}"))?;
                let Some(template) = prompt::plain(&text) else {
                    faults.push(("source", needs_jinja(path)));
                    return Ok(Made::Direct(render(path), inputs.clone()));
                };
                let part = |name: &str| {
                    inputs.get(name).map(|value| match value {
                        Value::String(text) => match text
                            .strip_prefix("{{")
                            .and_then(|text| text.strip_suffix("}}"))
                        {
                            Some(reference) if !reference.contains("{{") => {
                                Part::Reference(reference.to_owned())
                            }
                            _ => Part::Template(value.clone()),
                        },
                        other => Part::Template(other.clone()),
                    })
                };
                let text = template.filled(inputs, &part);
                let tool = json!({"type": "jq", "filter": ".text"});
                Ok(Made::Direct(object(tool), object(json!({"text": text}))))
            }
            "llm" => {
                let text = read().map_err(|why| format!("its template is not there: {why}"))?;
                let mut tool = model(node, faults);
                let Some(template) = prompt::plain(&text) else {
                    faults.push(("source", needs_jinja(path)));
                    tool.insert("prompt".to_owned(), "{{prompt}}".into());
                    return Ok(Made::Rendered(render(path), tool));
                };
                let (prompt, named) = template.prompt(inputs);
                tool.insert("prompt".to_owned(), prompt.into());
                let parameters = inputs.iter().filter(|(name, _)| named.contains(name));
                let parameters = parameters.map(|(name, value)| (name.clone(), value.clone()));
                Ok(Made::Direct(tool, parameters.collect()))
            }
            kind => Err(format!(
                "its type {} has no counterpart; put a tool that does the same in its place",
                quote(kind, 60)
            )),
        }
    }
}

/// What is made of a node.
enum Made {
    /// A tool and its parameters.
    Direct(Map<String, Value>, Map<String, Value>),
    /// A tool that renders the prompt of another one.
    Rendered(Map<String, Value>, Map<String, Value>),
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn render(path: &str) -> Map<String, Value> {
    object(
        json!({"type": "process", "read_only": true, "command": ["python3", "-c", RENDER, path]}),
    )
}

fn needs_jinja(path: &str) -> String {
    format!(
        "the template {} has statements or filters of Jinja: python3 renders it, with the package jinja2",
        quote(path, 80)
    )
}

/// The tool of a node that asks a model, without its prompt.
fn model(node: &Value, faults: &mut Vec<(&'static str, String)>) -> Map<String, Value> {
    let inputs = &node["inputs"];
    let mut tool = Map::new();
    tool.insert("type".to_owned(), "model".into());
    let number = |name: &str| {
        let value = &inputs[name];
        value
            .as_f64()
            .or_else(|| value.as_str()?.trim().parse().ok())
    };
    let temperature = number("temperature").filter(|one| (0.0..=2.0).contains(one));
    tool.insert("temperature".to_owned(), json!(temperature));
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is a small number"
    )]
    let tokens = number("max_tokens")
        .filter(|one| (1.0..1e6).contains(one))
        .map(|one| one as u64);
    tool.insert("max_tokens".to_owned(), json!(tokens));
    let text = |name: &str| {
        inputs[name]
            .as_str()
            .filter(|text| !text.is_empty() && !text.starts_with("${"))
    };
    if let Some(model) = text("model") {
        tool.insert("model".to_owned(), model.into());
    }
    if let Some(deployment) = text("deployment_name") {
        let deployment = quote(deployment, 80);
        faults.push(("inputs", format!("the deployment {deployment} is not carried over: run it with --worker azure/{deployment}, or any other model")));
    }
    if let Some(connection) = node["connection"].as_str().filter(|name| !name.is_empty()) {
        let connection = quote(connection, 80);
        faults.push(("connection", format!("the connection {connection} is not carried over: the worker's key comes from the environment")));
    }
    for name in &OF_THE_MODEL[4..] {
        let value = &inputs[*name];
        let is_said =
            !value.is_null() && value != "" && value.as_array().is_none_or(|list| !list.is_empty());
        if is_said && *name != "n" {
            faults.push(("inputs", format!("`{name}` of a model has no counterpart")));
        }
    }
    tool
}
