//! HuggingGPT's task list: `{"task", "id", "dep", "args"}`, a `dep` of -1 meaning none, and
//! `<GENERATED>-0` naming what task 0 made.

use super::dialect::Dialect;
use super::step_fields;
use crate::plan::diagnostic::Collector;
use crate::plan::draft_plan::{DraftPlan, DraftStep, first_byte};
use crate::plan::model;
use crate::plan::node::{Kind, Node};
use crate::plan::reference_syntax::own::{OwnReference, ReferenceSyntax};
use crate::plan::written::Written;

pub(super) struct HuggingGpt;

impl Dialect for HuggingGpt {
    fn name(&self) -> model::Dialect {
        model::Dialect::HuggingGpt
    }

    fn recognises(&self, plan: &Written<'_>) -> bool {
        plan.value().is_some_and(is_task_list)
    }

    fn read(&self, plan: Written<'_>, notices: &mut Collector) -> DraftPlan {
        let root = plan.into_value();
        let mut plan = DraftPlan::new(self.name(), root.span);
        let Kind::List(tasks) = root.kind else {
            return plan;
        };
        for task in tasks {
            let span = task.span.clone();
            let Kind::Object(members) = task.kind else {
                plan.unreadable = true;
                notices.error("bad_step", "a task must be an object", &first_byte(&span));
                continue;
            };
            let mut step = DraftStep::new(span);
            // The other fields a step may have are read as everywhere; these three have names of their own.
            let mut rest = Vec::new();
            for mut member in members {
                match &*member.key {
                    "task" => member.key = "tool".into(),
                    "args" => member.key = "parameters".into(),
                    "dep" => {
                        member.key = "depends_on".into();
                        if let Kind::List(list) = &mut member.value.kind {
                            list.retain(|dependency| !is_none(dependency));
                        } else if is_none(&member.value) {
                            member.value.kind = Kind::Null;
                        }
                    }
                    _ => {}
                }
                rest.push(member);
            }
            step_fields::read(rest, &mut step, notices);
            plan.steps.push(step);
        }
        plan
    }

    fn references(&self) -> &'static ReferenceSyntax {
        &ReferenceSyntax {
            own: Some(OwnReference {
                // The second stands in the planner's own examples.
                forms: &[("<GENERATED>-", ""), ("<GENERATED-", ">")],
                id_prefix: "",
                may_be_amount: false,
                has_path: false,
                placeholder: Some("<GENERATED"),
            }),
            declare: true,
        }
    }
}

pub(super) fn is_task_list(root: &Node) -> bool {
    root.as_list().is_some_and(|tasks| {
        tasks.iter().any(|task| {
            task.get("task").is_some() && (task.get("dep").is_some() || task.get("args").is_some())
        })
    })
}

/// `-1`: depends on nothing.
fn is_none(dependency: &Node) -> bool {
    match &dependency.kind {
        Kind::Number(number) => number.as_i64() == Some(-1),
        Kind::Text(text) => &**text == "-1",
        _ => false,
    }
}
