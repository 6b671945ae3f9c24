//! Agent steps: a call of the tool `agent_<agent_id>`.

use super::field;
use crate::plan::diagnostic::{Collector, Diagnostic, Severity};
use crate::plan::draft_plan::{DraftStep, Placed};
use crate::plan::node::{Kind, Member, Node};
use std::sync::Arc;

/// The fields that only an agent step has.
#[derive(Default)]
pub(super) struct Agent {
    pub declared: bool,
    pub id: Option<Placed<Arc<str>>>,
    pub task: Option<Member>,
    pub inputs: Option<Member>,
    pub context: Option<Member>,
}

impl Agent {
    /// An agent step is a call of the tool `agent_<agent_id>` with a task and a context; what `inputs` names goes
    /// into the context under the same names.
    pub(super) fn join(self, step: &mut DraftStep, collector: &mut Collector) {
        let Some(agent_id) = self.id else {
            collector.push(
                Diagnostic::new(
                    Severity::Error,
                    "missing_agent_id",
                    "an agent step needs an `agent_id`",
                )
                .at(step.place())
                .step(step.id.as_ref().map(|id| &id.value)),
            );
            return;
        };
        let span = agent_id.span.clone();
        let mut context = Vec::new();
        if let Some(inputs) = self.inputs {
            match inputs.value.kind {
                Kind::List(names) => {
                    for name in names {
                        let Some(key) = field::id_text(&name) else {
                            field::wrong("inputs", "a list of step ids", &name, None, collector);
                            continue;
                        };
                        context.push(Member {
                            value: Node::text(format!("step:{key}"), name.span.clone()),
                            key,
                            key_span: name.span,
                        });
                    }
                }
                Kind::Object(members) => context.extend(members),
                Kind::Null => {}
                _ => field::wrong(
                    "inputs",
                    "a list of step ids",
                    &inputs.value,
                    None,
                    collector,
                ),
            }
        }
        let mut whole = None;
        if let Some(inline) = self.context {
            match inline.value.kind {
                Kind::Object(members) => {
                    for member in members {
                        context.retain(|other: &Member| *other.key != *member.key);
                        context.push(member);
                    }
                }
                Kind::Null => {}
                _ if context.is_empty() => whole = Some(inline.value),
                _ => field::wrong("context", "an object", &inline.value, None, collector),
            }
        }
        let parameters_span = step.parameters.span.clone();
        let mut members = match std::mem::replace(&mut step.parameters.kind, Kind::Null) {
            Kind::Object(members) => members,
            _ => Vec::new(),
        };
        let mut default = |key: &str, value: Node| {
            if !members.iter().any(|member| *member.key == *key) {
                members.push(Member {
                    key: key.into(),
                    key_span: value.span.clone(),
                    value,
                });
            }
        };
        default(
            "task",
            self.task.map_or_else(
                || Node::text(format!("agent:{}", agent_id.value), span.clone()),
                |task| task.value,
            ),
        );
        default(
            "context",
            whole.unwrap_or_else(|| Node::object(context, span.clone())),
        );
        step.parameters = Node::object(members, parameters_span);
        step.tool = Some(Placed::new(
            format!("agent_{}", agent_id.value).into(),
            span,
        ));
    }
}
