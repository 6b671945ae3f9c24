//! HuggingGPT's task list: `{"task", "id", "dep", "args"}`, a `dep` of -1 meaning none, and
//! `<GENERATED>-0` naming what task 0 made.

use super::fields;
use crate::plan::Dialect;
use crate::plan::diagnostic::Collector;
use crate::plan::draft::{DraftPlan, DraftStep, first_byte};
use crate::plan::node::{Kind, Node};

pub(super) fn recognises(root: &Node) -> bool {
    root.as_list().is_some_and(|tasks| {
        tasks.iter().any(|task| {
            task.get("task").is_some() && (task.get("dep").is_some() || task.get("args").is_some())
        })
    })
}

pub(super) fn read(root: Node, collector: &mut Collector) -> DraftPlan {
    let mut plan = DraftPlan::new(Dialect::HuggingGpt, root.span);
    let Kind::List(tasks) = root.kind else {
        return plan;
    };
    for task in tasks {
        let span = task.span.clone();
        let Kind::Object(members) = task.kind else {
            plan.unreadable = true;
            collector.error("bad_step", "a task must be an object", &first_byte(&span));
            continue;
        };
        let mut step = DraftStep::new(span);
        // The other fields a step may have are read as everywhere; these three have names of their own.
        let mut rest = Vec::new();
        for mut member in members {
            match member.key.as_str() {
                "task" => "tool".clone_into(&mut member.key),
                "args" => "parameters".clone_into(&mut member.key),
                "dep" => {
                    "depends_on".clone_into(&mut member.key);
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
        fields::read_step(rest, &mut step, collector);
        plan.steps.push(step);
    }
    plan
}

/// `-1`: depends on nothing.
fn is_none(dependency: &Node) -> bool {
    match &dependency.kind {
        Kind::Number(number) => number.as_i64() == Some(-1),
        Kind::Text(text) => text == "-1",
        _ => false,
    }
}
