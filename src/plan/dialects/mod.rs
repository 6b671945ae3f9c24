//! The ways in which planners write a plan, a file each. All of them become the same draft.

mod documented;
mod fields;
mod hugginggpt;
pub(super) mod llmcompiler;
pub(super) mod rewoo;
mod runtime;
mod template;

use super::Dialect;
use super::diagnostic::{Collector, Diagnostic, Severity};
use super::draft::{DraftPlan, first_byte};
use super::node::{Kind, Node};

/// The plan in a JSON or YAML value, or `None` where there is none to be seen (and that is reported).
pub(super) fn read_value(root: Node, collector: &mut Collector) -> Option<DraftPlan> {
    let root = unwrap(root);
    if hugginggpt::recognises(&root) {
        return Some(hugginggpt::read(root, collector));
    }
    let steps = match &root.kind {
        Kind::Object(_) => root.get("steps"),
        Kind::List(list) if list.iter().any(|step| step.as_object().is_some()) => Some(&root),
        _ => {
            let what = root.type_name();
            collector.push(
                Diagnostic::new(
                    Severity::Error,
                    "not_a_plan",
                    format!(
                        "this is {what_article} {what}, not a plan",
                        what_article = article(what)
                    ),
                )
                .at(first_line_span(&root))
                .help(super::read::NO_PLAN_HELP),
            );
            return None;
        }
    };
    let dialect = if steps.is_some_and(template::recognises) {
        Dialect::Template
    } else if runtime::recognises(&root, steps) {
        Dialect::Runtime
    } else {
        Dialect::Documented
    };
    Some(match dialect {
        Dialect::Template => template::read(root, collector),
        Dialect::Runtime => runtime::read(root, collector),
        _ => documented::read(root, collector),
    })
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    }
}

fn first_line_span(node: &Node) -> std::ops::Range<usize> {
    match node.kind {
        Kind::List(_) | Kind::Object(_) => first_byte(&node.span),
        _ => node.span.clone(),
    }
}

/// A plan inside an object that says so.
fn unwrap(root: Node) -> Node {
    if root.get("steps").is_some() {
        return root;
    }
    let Kind::Object(members) = root.kind else {
        return root;
    };
    let inner = members.iter().position(|member| {
        matches!(
            member.key.as_str(),
            "plan" | "execution_plan" | "workflow" | "tasks"
        ) && (member.value.get("steps").is_some() || hugginggpt::recognises(&member.value))
    });
    match inner {
        Some(at) => members
            .into_iter()
            .nth(at)
            .map_or_else(|| Node::new(Kind::Null, 0..0), |member| member.value),
        None => Node::new(Kind::Object(members), root.span),
    }
}
