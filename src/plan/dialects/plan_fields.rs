//! The fields of a plan that every JSON and YAML dialect shares.

use super::{field, step_fields};
use crate::plan::diagnostic::{Collector, Diagnostic, Severity, shown};
use crate::plan::draft_plan::{DraftPlan, DraftStep, Placed, first_byte};
use crate::plan::model::{Dialect, FINAL_SYNTHESIS, Trigger};
use crate::plan::node::{Kind, Member, Node};
use serde_json::{Map, Value};
use std::ops::Range;
use std::sync::Arc;

/// The steps of an object with `steps`, or of a bare list of them.
pub(super) fn steps(root: &Node) -> Option<&[Node]> {
    match &root.kind {
        Kind::Object(_) => root.get("steps")?.as_list(),
        _ => root.as_list(),
    }
}

/// Reads an object with `steps`, or a bare list of steps.
pub(super) fn read(root: Node, dialect: Dialect, collector: &mut Collector) -> DraftPlan {
    let mut plan = DraftPlan::new(dialect, root.span.clone());
    let members = match root.kind {
        Kind::Object(members) => members,
        kind => {
            read_steps(Node::new(kind, root.span), &mut plan, collector);
            return plan;
        }
    };
    let mut request_id = None;
    let mut synthesis = None;
    let mut catalog = Map::new();
    for member in members {
        let Member {
            key,
            key_span,
            value,
        } = member;
        match &*key {
            "steps" => read_steps(value, &mut plan, collector),
            "name" => plan.name = field::name(&value, "the plan's name", collector),
            "request_id" => request_id = field::name(&value, "the request id", collector),
            "final_synthesis" => synthesis = Some((key_span, value)),
            "context" | "variables" => match value.kind {
                Kind::Object(members) => {
                    for member in members {
                        plan.context
                            .insert(member.key.to_string(), member.value.to_value());
                    }
                }
                Kind::Null => {}
                _ => field::wrong(&key, "an object", &value, None, collector),
            },
            "tools" | "mcpServers" => {
                if !value.is_null() {
                    catalog.insert(key.to_string(), value.to_value());
                }
            }
            "description"
            | "version"
            | "metadata"
            | "created_at"
            | "tags"
            | "author"
            | "task"
            | "estimated_cost"
            | "estimated_latency_ms" => {}
            _ => collector.push(
                Diagnostic::new(
                    Severity::Warning,
                    "unknown_field",
                    format!("{} is not a field of a plan; it has no effect", shown(&key)),
                )
                .at(key_span),
            ),
        }
    }
    plan.name = plan.name.or(request_id);
    plan.catalog = (!catalog.is_empty()).then_some(Value::Object(catalog));
    if let Some((key_span, value)) = synthesis
        && let Some(step) = final_synthesis(&key_span, value, collector)
    {
        plan.steps.push(step);
    }
    plan
}

fn read_steps(steps: Node, plan: &mut DraftPlan, collector: &mut Collector) {
    let list = match steps.kind {
        Kind::List(list) => list,
        Kind::Null => return,
        _ => {
            plan.unreadable = true;
            field::wrong("steps", "a list", &steps, None, collector);
            return;
        }
    };
    plan.steps.reserve(list.len() + 1);
    for node in list {
        let span = node.span.clone();
        if let Kind::Object(members) = node.kind {
            let mut step = DraftStep::new(span);
            step_fields::read(members, &mut step, collector);
            plan.steps.push(step);
        } else {
            plan.unreadable = true;
            collector.error(
                "bad_step",
                format!("a step must be an object, not {}", node.type_name()),
                &first_byte(&span),
            );
        }
    }
}

fn final_synthesis(
    key_span: &Range<usize>,
    value: Node,
    collector: &mut Collector,
) -> Option<DraftStep> {
    let span = value.span.clone();
    let mut step = DraftStep::new(span.clone());
    step.id = Some(Placed::new(FINAL_SYNTHESIS.into(), key_span.clone()));
    step.tool = Some(Placed::new(FINAL_SYNTHESIS.into(), key_span.clone()));
    step.settings_mut().trigger = Trigger::NoneFailed;
    step.synthesis = true;
    let id: Arc<str> = FINAL_SYNTHESIS.into();
    let mut parameters = Vec::new();
    match value.kind {
        Kind::Null => return None,
        Kind::Text(_) => parameters.push(Member {
            key: "prompt_template".into(),
            key_span: key_span.clone(),
            value,
        }),
        Kind::Object(members) => {
            if members.is_empty() {
                return None;
            }
            for member in members {
                match &*member.key {
                    "prompt_template" if member.value.as_text().is_some() => {
                        parameters.push(member);
                    }
                    "prompt_template" => {
                        field::wrong(
                            "prompt_template",
                            "text",
                            &member.value,
                            Some(&id),
                            collector,
                        );
                    }
                    "meta" => {
                        if !member.value.is_null() {
                            parameters.push(member);
                        }
                    }
                    "model" => {
                        step.settings_mut().model =
                            field::text(&member.value, "model", Some(&id), collector)
                                .map(|placed| placed.value);
                    }
                    _ => step_fields::unknown(member, &mut step, collector),
                }
            }
            if !parameters
                .iter()
                .any(|member| *member.key == *"prompt_template")
            {
                collector.push(
                    Diagnostic::new(
                        Severity::Error,
                        "missing_parameter",
                        "`final_synthesis` needs a `prompt_template`",
                    )
                    .at(key_span.clone())
                    .step(Some(&id)),
                );
            }
        }
        _ => {
            field::wrong("final_synthesis", "an object", &value, Some(&id), collector);
            return None;
        }
    }
    step.parameters = Node::object(parameters, span);
    Some(step)
}
