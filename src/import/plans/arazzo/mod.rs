//! Arazzo 1.0 and 1.1: workflows over operations of APIs.
//!
//! A step becomes an `http` tool of its operation, made from the OpenAPI document; steps keep their order, each waiting
//! for the one before. Workflows that a step calls are put in its place. Actions (`goto`, `end`) have no counterpart.

mod apis;
mod call;
mod condition;
mod criteria;
mod expression;
mod workflow;

use super::Fault;
use super::builder::PlanBuilder;
use super::place::Place;
use super::source::Source;
use super::template::Part;
use crate::text::message::quote;
use apis::Apis;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use workflow::Workflows;

/// Whether a document is one.
pub(super) fn is(value: &Value) -> bool {
    value["arazzo"].is_string() && value["workflows"].is_array()
}

/// Converts one workflow.
pub(super) fn convert(source: &Source<'_>, builder: &mut PlanBuilder) -> Result<(), Fault> {
    let document = &source.documents[0];
    let root = &document.value;
    let version = root["arazzo"].as_str().unwrap_or_default();
    if !version.starts_with("1.") {
        let version = quote(version, 40);
        let what = format!("its version is {version}; Arazzo 1.0 and 1.1 are read");
        return Err(document.fault(&Place::default().field("arazzo"), what));
    }
    let all: Vec<&Value> = root["workflows"].as_array().into_iter().flatten().collect();
    let names = || {
        let names = all.iter().filter_map(|one| one["workflowId"].as_str());
        names
            .map(|name| quote(name, 80))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let place = Place::default().field("workflows");
    let at = match source.options.workflow {
        Some(id) => all
            .iter()
            .position(|one| one["workflowId"] == id)
            .ok_or_else(|| {
                let id = quote(id, 80);
                document.fault(
                    &place,
                    format!("it has no workflow {id}; it has: {}", names()),
                )
            })?,
        None => 0,
    };
    let Some(chosen) = all.get(at) else {
        return Err(document.fault(&place, "it has no workflows"));
    };
    if source.options.workflow.is_none() && all.len() > 1 {
        let id = quote(chosen["workflowId"].as_str().unwrap_or_default(), 80);
        let what = format!(
            "this is the workflow {id} of several; --workflow ID takes another one: {}",
            names()
        );
        builder.leave_out(document.line(&place), what);
    }
    let name = chosen["workflowId"].as_str();
    name.unwrap_or(source.options.name)
        .clone_into(&mut builder.name);
    for text in [&chosen["summary"], &chosen["description"]] {
        let text = text.as_str().unwrap_or_default().trim();
        if !text.is_empty() && !builder.description.contains(text) {
            builder.description = format!("{}\n{text}", builder.description);
        }
    }
    let apis = Apis::read(source, document);
    let mut workflows = Workflows::new(document, builder, &apis);
    let ended = workflows.all(at)?;
    if !builder.has_steps() {
        return Err(document.fault(&place.item(at), "the workflow has no steps"));
    }
    if !ended.outputs.is_empty() {
        let values: Map<String, Value> = ended
            .outputs
            .iter()
            .map(|(name, part)| (name.clone(), part.to_value()))
            .collect();
        builder.result(&values, &ended.last);
    }
    Ok(())
}

/// How a workflow ended.
#[derive(Default)]
struct Ended {
    outputs: BTreeMap<String, Part>,
    /// The steps that have to be waited for.
    last: Vec<String>,
}

/// The outputs of steps or workflows, by their names.
type Outputs = HashMap<String, BTreeMap<String, Part>>;

/// What a reusable object refers to among the components, with its own value where it has one.
fn reused(root: &Value, object: &Value) -> Option<Value> {
    let Some(reference) = object["reference"].as_str() else {
        return Some(object.clone());
    };
    let (kind, name) = reference.strip_prefix("$components.")?.split_once('.')?;
    let mut found = root["components"].get(kind)?.get(name)?.clone();
    if let (Some(value), Some(members)) = (object.get("value"), found.as_object_mut()) {
        members.insert("value".to_owned(), value.clone());
    }
    Some(found)
}
