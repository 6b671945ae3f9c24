//! The fields of a step that every JSON and YAML dialect shares, under all their names.

use super::agent::Agent;
use super::field;
use crate::plan::diagnostic::{Collector, Diagnostic, Severity, shown};
use crate::plan::draft_plan::DraftStep;
use crate::plan::model::{Mode, RetryPolicy, Trigger};
use crate::plan::names::closest;
use crate::plan::node::{Kind, Member, Node};
use std::sync::Arc;
use std::time::Duration;

/// Reads the members of a step into `step`.
pub(super) fn read(members: Vec<Member>, step: &mut DraftStep, collector: &mut Collector) {
    // Faults name the step, so its id is read first.
    if let Some(member) = members
        .iter()
        .find(|member| matches!(&*member.key, "id" | "step_id"))
    {
        step.id = field::read_id(&member.value, collector);
    }
    let id = step.id.as_ref().map(|id| Arc::clone(&id.value));
    let id = id.as_ref();
    given_twice(&members, id, collector);
    let mut agent = Agent::default();
    let mut has_parameters = false;
    for member in members {
        let value = &member.value;
        match &*member.key {
            "id" | "step_id" => {}
            "tool" | "tool_name" => {
                step.tool = field::text(value, "tool", id, collector)
                    .map(|tool| field::clean(tool, "a tool's name", collector));
            }
            "parameters" | "input" if !has_parameters => match value.kind {
                Kind::Object(_) => {
                    has_parameters = true;
                    step.parameters = member.value;
                }
                Kind::Null => {}
                _ => field::wrong(&member.key, "an object", value, id, collector),
            },
            "depends_on" => step.depends_on = field::dependencies(value, id, collector),
            "run_if" | "condition" => match value.kind {
                Kind::Null => {}
                Kind::Text(_) | Kind::Bool(_) => step.run_if = Some(member.value),
                _ => field::wrong(&member.key, "an expression", value, id, collector),
            },
            "for_each" => match value.kind {
                Kind::Null => {}
                Kind::Text(_) | Kind::List(_) => step.for_each = Some(member.value),
                _ => field::wrong(
                    "for_each",
                    "a list or a reference to one",
                    value,
                    id,
                    collector,
                ),
            },
            "expect" => match value.kind {
                Kind::Null => {}
                Kind::Text(_) | Kind::List(_) | Kind::Object(_) => step.expect = Some(member.value),
                _ => field::wrong("expect", EXPECT, value, id, collector),
            },
            "approve" => match value.kind {
                Kind::Null | Kind::Bool(false) => {}
                Kind::Text(_) | Kind::Bool(true) => step.approve = Some(member.value),
                _ => field::wrong("approve", "true or an expression", value, id, collector),
            },
            "trigger" => {
                let words = ["all_success", "all_done", "one_success", "none_failed"];
                step.settings_mut().trigger =
                    match field::word(value, "trigger", &words, id, collector) {
                        Some("all_done") => Trigger::AllDone,
                        Some("one_success") => Trigger::OneSuccess,
                        Some("none_failed") => Trigger::NoneFailed,
                        _ => Trigger::AllSuccess,
                    };
            }
            "mode" => {
                step.settings_mut().mode =
                    match field::word(value, "mode", &["parallel", "sequential"], id, collector) {
                        Some("sequential") => Mode::Sequential,
                        _ => Mode::Parallel,
                    };
            }
            "timeout_s" | "timeout_seconds" => {
                step.settings_mut().timeout =
                    field::seconds(value, &member.key, false, id, collector);
            }
            "retry_policy" => {
                step.settings_mut().retry =
                    field::retry_policy(value, id, collector).or(step.settings.retry);
            }
            "retry_count" => {
                if let Some(count) = field::count(value, "retry_count", id, collector) {
                    let backoff = step
                        .settings
                        .retry
                        .map_or(Duration::from_secs(1), |retry| retry.backoff);
                    step.settings_mut().retry = Some(RetryPolicy {
                        attempts: count.saturating_add(1),
                        backoff,
                    });
                }
            }
            "cache" => match value.kind {
                Kind::Bool(cache) => step.settings_mut().cache = Some(cache),
                Kind::Null => {}
                _ => field::wrong("cache", "true or false", value, id, collector),
            },
            "model" => {
                step.settings_mut().model =
                    field::text(value, "model", id, collector).map(|placed| placed.value);
            }
            "idempotency_key" => {
                step.settings_mut().idempotency_key =
                    field::text(value, "idempotency_key", id, collector).map(|placed| placed.value);
            }
            "description" => {
                step.settings_mut().description =
                    field::text(value, "description", id, collector).map(|placed| placed.value);
            }
            "type" if value.as_text() == Some("agent") => agent.declared = true,
            "agent_id" => {
                agent.id = field::text(value, "agent_id", id, collector)
                    .map(|id| field::clean(id, "an agent's id", collector));
            }
            "task" => agent.task = Some(member),
            "inputs" => agent.inputs = Some(member),
            "context" => agent.context = Some(member),
            _ => unknown(member, step, collector),
        }
    }
    if agent.declared || (agent.id.is_some() && step.tool.is_none()) {
        agent.join(step, collector);
    } else {
        if let Some(agent_id) = agent.id {
            let key_span = agent_id.span.clone();
            let value = Node::text(&*agent_id.value, agent_id.span);
            unknown(
                Member {
                    key: "agent_id".into(),
                    key_span,
                    value,
                },
                step,
                collector,
            );
        }
        for member in [agent.task, agent.inputs, agent.context]
            .into_iter()
            .flatten()
        {
            unknown(member, step, collector);
        }
    }
}

/// What `expect` may be.
const EXPECT: &str = "an expression, a list of expressions, or a JSON Schema";

/// Names that mean the same field.
const SYNONYMS: [&[&str]; 6] = [
    &["id", "step_id"],
    &["tool", "tool_name"],
    &["depends_on"],
    &["run_if", "condition"],
    &["timeout_s", "timeout_seconds"],
    &["parameters", "input"],
];

/// Reports a field that is given twice, under two names or one, with different values: one of them would be lost.
fn given_twice(members: &[Member], id: Option<&Arc<str>>, collector: &mut Collector) {
    for names in SYNONYMS {
        let mut given = members
            .iter()
            .filter(|member| names.contains(&&*member.key) && !member.value.is_null());
        let Some(first) = given.next() else { continue };
        if let Some(other) = given.find(|other| other.value.to_value() != first.value.to_value()) {
            collector.push(
                Diagnostic::new(
                    Severity::Error,
                    "duplicate_field",
                    format!(
                        "{} is given already, as {}",
                        shown(&other.key),
                        shown(&first.key)
                    ),
                )
                .at(other.key_span.clone())
                .step(id),
            );
        }
    }
}

pub(super) fn unknown(member: Member, step: &mut DraftStep, collector: &mut Collector) {
    let known = [
        "id",
        "tool",
        "parameters",
        "input",
        "depends_on",
        "run_if",
        "condition",
        "for_each",
        "expect",
        "approve",
        "trigger",
        "timeout_s",
        "retry_policy",
        "idempotency_key",
        "description",
        "model",
        "cache",
        "mode",
    ];
    let mut diagnostic = Diagnostic::new(
        Severity::Warning,
        "unknown_field",
        format!(
            "{} is not a field of a step; it is kept and has no effect",
            shown(&member.key)
        ),
    )
    .at(member.key_span)
    .step(step.id.as_ref().map(|id| &id.value));
    if let Some(near) = closest(&member.key, known) {
        diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
    }
    collector.push(diagnostic);
    step.settings_mut()
        .extra
        .insert(member.key.to_string(), member.value.to_value());
}
