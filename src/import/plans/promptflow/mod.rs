//! promptflow's `flow.dag.yaml`: nodes that call models, render prompts and run Python.

mod node;
mod prompt;

use super::Fault;
use super::builder::PlanBuilder;
use super::place::Place;
use super::source::Source;
use super::template::Part;
use crate::text::message::quote;
use node::{Flow, Reference, reference};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};

/// Whether a document is one.
pub(super) fn is(value: &Value) -> bool {
    let is_node = |node: &Value| {
        node["name"].is_string()
            && (node["type"].is_string()
                || node["source"].is_object()
                || node["use_variants"] == true)
    };
    let nodes = value["nodes"].as_array();
    nodes.is_some_and(|nodes| !nodes.is_empty() && nodes.iter().all(is_node))
}

/// Converts a flow.
pub(super) fn convert(source: &Source<'_>, builder: &mut PlanBuilder) -> Result<(), Fault> {
    let document = &source.documents[0];
    let root = &document.value;
    let whole = Place::default();
    if let Some(name) = root["name"]
        .as_str()
        .or_else(|| root["display_name"].as_str())
    {
        name.clone_into(&mut builder.name);
    }
    root["description"]
        .as_str()
        .unwrap_or_default()
        .clone_into(&mut builder.description);
    for (field, remedy) in [
        (
            "environment",
            "install what its Python needs, for instance with `pip install -r requirements.txt`",
        ),
        ("additional_includes", "put the files beside the plan"),
        ("environment_variables", "give them to tools in `env`"),
    ] {
        if root.get(field).is_some_and(|value| !value.is_null()) {
            let words = format!("`{field}` has no counterpart: {remedy}");
            builder.leave_out(document.line(&whole.field(field)), words);
        }
    }
    let nodes = chosen_nodes(root, builder, document);
    let mut ids = HashMap::new();
    for (node, place) in &nodes {
        let name = node["name"].as_str().unwrap_or_default();
        if ids.insert(name.to_owned(), builder.id(name)).is_some() {
            let words = format!("two nodes are called {}", quote(name, 80));
            return Err(document.fault(place, words));
        }
    }
    let mut inputs = HashMap::new();
    for (name, input) in root["inputs"].as_object().into_iter().flatten() {
        let context = builder.value_name(name);
        let place = whole.field("inputs").field(name);
        if context != *name {
            let words = format!(
                "the input {} is the context value {context}",
                quote(name, 80)
            );
            builder.leave_out(document.line(&place), words);
        }
        if let Some(default) = input.get("default") {
            builder.value(&context, default.clone());
        }
        inputs.insert(name.clone(), Part::Reference(context));
    }
    let mut flow = Flow {
        source,
        document,
        ids,
        inputs,
        may_skip: HashSet::new(),
        is_many: HashSet::new(),
    };
    let nodes = node::sorted(nodes);
    for (node, place) in &nodes {
        flow.add(node, place, builder);
    }
    let mut values = Map::new();
    let mut last = Vec::new();
    for (name, output) in root["outputs"].as_object().into_iter().flatten() {
        let place = whole.field("outputs").field(name);
        let written = output["reference"].as_str().unwrap_or_default();
        let found = match reference(written) {
            Some(Reference::Node(node, _)) if !flow.ids.contains_key(node) => None,
            Some(found) => flow.part(found),
            None => Some(Part::Constant(written.into())),
        };
        if let Some(Reference::Node(node, _)) = reference(written) {
            last.extend(flow.ids.get(node).cloned());
        }
        let part = found.unwrap_or_else(|| {
            let words = format!(
                "the output {} refers to {}, which is not there; it is null",
                quote(name, 80),
                quote(written, 80)
            );
            builder.leave_out(document.line(&place), words);
            Part::NULL
        });
        values.insert(name.clone(), part.to_value());
    }
    last.sort();
    last.dedup();
    if !values.is_empty() {
        builder.result(&values, &last);
    }
    Ok(())
}

/// The nodes with the variants that are the default, and where each stands.
fn chosen_nodes(
    root: &Value,
    builder: &mut PlanBuilder,
    document: &super::source::Document,
) -> Vec<(Value, Place)> {
    let whole = Place::default();
    let list = root["nodes"].as_array().into_iter().flatten().enumerate();
    list.map(|(at, node)| {
        let place = whole.field("nodes").item(at);
        let name = node["name"].as_str().unwrap_or_default();
        let variants = &root["node_variants"][name];
        let default = variants["default_variant_id"].as_str().unwrap_or_default();
        let chosen = &variants["variants"][default]["node"];
        let mut node = node.clone();
        if node["use_variants"] != true {
            return (node, place);
        }
        let others = variants["variants"].as_object().into_iter().flatten();
        let others: Vec<String> = others
            .filter(|(id, _)| *id != default)
            .map(|(id, _)| quote(id, 60))
            .collect();
        if !others.is_empty() {
            let words = format!(
                "of its variants the default {} is taken; not carried over: {}",
                quote(default, 60),
                others.join(", ")
            );
            builder.leave_out(document.line_of(&place, name), words);
        }
        if let (Some(members), Some(more)) = (node.as_object_mut(), chosen.as_object()) {
            for (field, value) in more {
                members.insert(field.clone(), value.clone());
            }
            members.insert("name".to_owned(), name.into());
        }
        (node, place)
    })
    .collect()
}
