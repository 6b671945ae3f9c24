//! Equal calls: the same tool with the same parameters, computed from its input alone.

use super::purity::is_repeatable;
use super::{RewriteKind, Work};
use crate::plan::{Expectation, FINAL_SYNTHESIS, Part, Reference, Root, Step, StepIx, Template};
use crate::tools::Catalog;
use serde_json::Value;
use std::fmt::Write;

/// Merges one call into an equal one before it; false where there is none.
pub(super) fn merge_one(work: &mut Work, catalog: &Catalog) -> bool {
    let found = work.steps().find_map(|(ix, step)| {
        if !can_go(work, catalog, ix, step) {
            return None;
        }
        let twin = work
            .steps()
            .take_while(|(at, _)| *at < ix)
            .find(|(_, one)| are_equal(one, step));
        twin.map(|(twin, _)| (ix, twin))
    });
    let Some((ix, twin)) = found else {
        return false;
    };
    let before = work.longest_path();
    let id = work.steps[twin.at()].id.clone();
    for step in &mut work.steps {
        if !step.depends_on.contains(&ix) {
            continue;
        }
        let mut depends_on: Vec<StepIx> = step
            .depends_on
            .iter()
            .map(|of| if *of == ix { twin } else { *of })
            .collect();
        depends_on.sort_unstable();
        depends_on.dedup();
        step.depends_on = depends_on.into();
        renamed(&mut step.parameters, ix, twin, &id);
        if let Some(list) = &mut step.for_each {
            renamed(list, ix, twin, &id);
        }
    }
    work.removed[ix.at()] = true;
    let tool = work.steps[ix.at()].tool.clone();
    let reason =
        format!("both call {tool} with the same parameters, and its output depends on them alone");
    work.record(RewriteKind::MergeCalls, ix, twin, reason, before);
    true
}

/// Whether everything that a step's output goes to can take it from another step.
fn can_go(work: &Work, catalog: &Catalog, ix: StepIx, step: &Step) -> bool {
    if !is_repeatable(step, catalog)
        || &*step.id == FINAL_SYNTHESIS
        || !step.settings.extra.is_empty()
        || !step.expect.is_empty()
        || step.approve.is_some()
    {
        return false;
    }
    // What ends without a dependent is a part of the result.
    if work.dependents(ix).next().is_none() {
        return false;
    }
    work.steps().all(|(_, other)| {
        // A name in an expression is text, and `outputs` has every id.
        let mut plain = true;
        let mut visit = |root: &Root| plain &= *root != Root::Outputs;
        other.parameters.roots(&mut visit);
        let expected = other.expect.iter().filter_map(Expectation::as_expression);
        let asked = [&other.run_if, &other.approve].into_iter().flatten();
        let mut expressions = asked.map(|one| &**one).chain(expected);
        plain &= expressions.all(|one| !names(&one.roots, ix));
        plain &= has_plain_references(&other.parameters, ix);
        plain
            && other
                .for_each
                .as_ref()
                .is_none_or(|list| has_plain_references(list, ix))
    })
}

fn names(roots: &[Root], ix: StepIx) -> bool {
    roots
        .iter()
        .any(|root| *root == Root::Step(ix) || *root == Root::Outputs)
}

fn has_plain_references(template: &Template, ix: StepIx) -> bool {
    match template {
        Template::Expression(expression) => !names(&expression.roots, ix),
        Template::Text(parts) => parts.iter().all(|part| match part {
            Part::Expression(expression) => !names(&expression.roots, ix),
            Part::Text(_) | Part::Reference(_) => true,
        }),
        Template::List(list) => list.iter().all(|one| has_plain_references(one, ix)),
        Template::Object(members) => members.iter().all(|(_, one)| has_plain_references(one, ix)),
        Template::Literal(_) | Template::Reference(_) => true,
    }
}

/// Whether two steps do the same under the same conditions. Their purposes may be told differently.
fn are_equal(one: &Step, other: &Step) -> bool {
    let condition = |step: &Step| {
        step.run_if
            .as_ref()
            .map(|one| (one.source.clone(), one.roots.clone()))
    };
    let settings = |step: &Step| {
        let settings = &step.settings;
        format!(
            "{:?}",
            (
                settings.trigger,
                settings.mode,
                settings.timeout,
                settings.retry,
                settings.cache,
                &settings.model,
                &settings.idempotency_key,
                &settings.extra
            )
        )
    };
    one.tool == other.tool
        && one.depends_on == other.depends_on
        && condition(one) == condition(other)
        && settings(one) == settings(other)
        && canonical(&one.parameters) == canonical(&other.parameters)
        && one.for_each.as_deref().map(canonical) == other.for_each.as_deref().map(canonical)
}

/// A template with references by position, so that two spellings of one reference are equal.
fn canonical(template: &Template) -> Value {
    let reference = |one: &Reference| Value::String(format!("\u{0}{:?}", (&one.root, &one.path)));
    match template {
        Template::Literal(value) => Value::clone(value),
        Template::Reference(one) => reference(one),
        Template::Expression(one) => Value::String(format!("\u{0}{}{:?}", one.source, one.roots)),
        Template::Text(parts) => parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => Value::from(&**text),
                Part::Reference(one) => reference(one),
                Part::Expression(one) => {
                    Value::String(format!("\u{0}{}{:?}", one.source, one.roots))
                }
            })
            .collect(),
        Template::List(list) => Value::Array(vec![list.iter().map(canonical).collect()]),
        Template::Object(members) => {
            let mut members: Vec<(String, Value)> = members
                .iter()
                .map(|(name, one)| (name.to_string(), canonical(one)))
                .collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(members.into_iter().collect())
        }
    }
}

/// Lets references to the step `from` refer to `to`.
fn renamed(template: &mut Template, from: StepIx, to: StepIx, id: &str) {
    let rename = |reference: &mut Reference| {
        if reference.root == Root::Step(from) {
            reference.root = Root::Step(to);
            reference.source = spelled(id, reference).into();
        }
    };
    match template {
        Template::Reference(reference) => rename(reference),
        Template::Text(parts) => {
            for part in parts {
                if let Part::Reference(reference) = part {
                    rename(reference);
                }
            }
        }
        Template::List(list) => list.iter_mut().for_each(|one| renamed(one, from, to, id)),
        Template::Object(members) => members
            .iter_mut()
            .for_each(|(_, one)| renamed(one, from, to, id)),
        Template::Literal(_) | Template::Expression(_) => {}
    }
}

/// A reference to the output of the step `id`, in the documented form.
fn spelled(id: &str, reference: &Reference) -> String {
    let mut text = format!("{{{{steps[{id}].output");
    for segment in &reference.path {
        let _ = match segment {
            crate::plan::Segment::Field(field) => write!(text, ".{field}"),
            crate::plan::Segment::Index(index) => write!(text, "[{index}]"),
        };
    }
    text.push_str("}}");
    text
}
