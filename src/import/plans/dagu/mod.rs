//! Dagu workflow files: commands, in their order or by what they depend on.
//!
//! A step becomes a `process` tool that a shell runs. Parameters, environment and captured outputs are variables of the
//! program, as they are there. A workflow that a step calls is put in its place.

mod command;
mod conditions;
mod executors;
mod left_out;
mod order;
mod outputs;
mod params;
mod script;
mod step;
mod surroundings;
mod variables;
mod workflow;

use super::Fault;
use super::builder::PlanBuilder;
use super::source::Source;
use serde_json::Value;
use workflow::Workflows;

/// What a step can be called with, of which one is enough to tell the format.
const CALLS: [&str; 14] = [
    "command",
    "script",
    "exec",
    "call",
    "run",
    "executor",
    "container",
    "messages",
    "depends",
    "continue_on",
    "continueOn",
    "preconditions",
    "retry_policy",
    "with",
];

/// Fields of steps that only Plandeck and its dialects have.
const OTHERS: [&str; 6] = [
    "tool",
    "tool_name",
    "agent_id",
    "parameters",
    "stepId",
    "step_id",
];

/// Whether a document is one.
pub(super) fn is(value: &Value) -> bool {
    let is_step = |step: &Value| match step {
        Value::String(_) => true,
        Value::Object(members) => {
            CALLS.iter().any(|call| members.contains_key(*call))
                && !OTHERS.iter().any(|other| members.contains_key(*other))
        }
        Value::Array(group) => !group.is_empty(),
        _ => false,
    };
    let is_other = ["arazzo", "nodes", "request_id", "jobs", "on"];
    if is_other.iter().any(|key| value.get(key).is_some()) {
        return false;
    }
    match &value["steps"] {
        Value::Array(list) => !list.is_empty() && list.iter().all(is_step),
        Value::Object(members) => {
            !members.is_empty()
                && members
                    .values()
                    .all(|step| step.is_object() && is_step(step))
        }
        _ => false,
    }
}

/// Converts the first document, with those that it calls.
pub(super) fn convert(source: &Source<'_>, builder: &mut PlanBuilder) -> Result<(), Fault> {
    let mut workflows = Workflows::new(source, builder);
    workflows.outermost()
}
