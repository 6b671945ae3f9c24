//! The dialects in which planners write a plan, a file each. All of them are read into the same draft.
//!
//! To add one, write its file, and add it to [`DIALECTS`] and to the names in [`model::Dialect`].

mod agent;
mod dialect;
mod documented;
mod field;
mod hugginggpt;
mod llmcompiler;
mod plan_fields;
mod python;
mod rewoo;
mod runtime;
mod step_fields;
mod template;
mod text_lines;

use super::diagnostic::{Collector, Diagnostic, Severity, shown};
use super::draft_plan::{DraftPlan, first_byte};
use super::model;
use super::node::{Kind, Member, Node};
use super::reference_syntax::own::ReferenceSyntax;
use super::written::{NO_PLAN_HELP, Written};
use dialect::Dialect;
pub(super) use field::id_text;

/// Every dialect. The first that recognises a plan reads it, so the more specific come first.
static DIALECTS: [&dyn Dialect; 6] = [
    &hugginggpt::HuggingGpt,
    &template::Template,
    &runtime::Runtime,
    &documented::Documented,
    &rewoo::ReWoo,
    &llmcompiler::LlmCompiler,
];

/// The dialect that a plan is written in.
fn recognise(plan: &Written<'_>) -> Option<&'static dyn Dialect> {
    DIALECTS
        .into_iter()
        .find(|dialect| dialect.recognises(plan))
}

/// The plan in what was read, or `None` where there is none, which is reported.
pub(super) fn read(plan: Written<'_>, notices: &mut Collector) -> Option<DraftPlan> {
    let plan = match plan {
        Written::Value(root) => Written::Value(unwrap(root, notices)),
        text @ Written::Text { .. } => text,
    };
    if let Some(dialect) = recognise(&plan) {
        return Some(dialect.read(plan, notices));
    }
    let root = plan.into_value();
    let what = root.type_name();
    let article = if what.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    };
    let place = match root.kind {
        Kind::List(_) | Kind::Object(_) => first_byte(&root.span),
        _ => root.span,
    };
    notices.push(
        Diagnostic::new(
            Severity::Error,
            "not_a_plan",
            format!("this is {article} {what}, not a plan"),
        )
        .at(place)
        .help(NO_PLAN_HELP),
    );
    None
}

/// Whether a text that is neither JSON nor YAML is a plan of some dialect.
pub(super) fn is_planners_text(text: &str) -> bool {
    let part = 0..text.len();
    recognise(&Written::Text { source: text, part }).is_some()
}

/// How the references of a dialect are written.
pub(super) fn references(name: model::Dialect) -> &'static ReferenceSyntax {
    DIALECTS
        .into_iter()
        .find(|dialect| dialect.name() == name)
        .map_or(&ReferenceSyntax::COMMON, Dialect::references)
}

/// Whether a reference is written in a way that one dialect alone has.
pub(super) fn is_own_reference(source: &str) -> bool {
    let mut own = DIALECTS
        .into_iter()
        .filter_map(|dialect| dialect.references().own.as_ref());
    own.any(|own| own.find(source, 0).is_some())
}

/// What is said of a member that stands beside a plan in an object, and not in the plan.
fn beside(member: &Member) -> Diagnostic {
    let belongs_to_plan = matches!(
        &*member.key,
        "final_synthesis"
            | "context"
            | "variables"
            | "tools"
            | "mcpServers"
            | "tasks"
            | "workflow"
            | "plan"
            | "execution_plan"
    ) && !member.value.is_null();
    let diagnostic = if belongs_to_plan {
        Diagnostic::new(
            Severity::Error,
            "stray_part",
            format!("{} stands beside the plan, not in it", shown(&member.key)),
        )
        .help("move it next to `steps`")
    } else {
        Diagnostic::new(
            Severity::Warning,
            "unknown_field",
            format!(
                "{} stands beside the plan; it has no effect",
                shown(&member.key)
            ),
        )
    };
    diagnostic.at(member.key_span.clone())
}

/// The plan inside an object such as `{"plan": …}`.
fn unwrap(root: Node, notices: &mut Collector) -> Node {
    if root.get("steps").is_some() {
        return root;
    }
    let Kind::Object(members) = root.kind else {
        return root;
    };
    let inner = members.iter().position(|member| {
        matches!(
            &*member.key,
            "plan" | "execution_plan" | "workflow" | "tasks"
        ) && (member.value.get("steps").is_some() || hugginggpt::is_task_list(&member.value))
    });
    match inner {
        Some(at) => {
            for member in members.iter().enumerate().filter(|(other, _)| *other != at) {
                notices.push(beside(member.1));
            }
            members
                .into_iter()
                .nth(at)
                .map_or_else(|| Node::new(Kind::Null, 0..0), |member| member.value)
        }
        None => Node::new(Kind::Object(members), root.span),
    }
}
