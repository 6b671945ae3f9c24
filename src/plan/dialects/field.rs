//! The values of fields, each read or reported: ids, texts, words, counts, seconds.

use crate::plan::diagnostic::{Collector, Diagnostic, Severity, shown};
use crate::plan::draft_plan::{Placed, first_byte};
use crate::plan::model::RetryPolicy;
use crate::plan::names::closest;
use crate::plan::node::{Kind, Node};
use crate::text::{find_unsafe, name_of_unsafe};
use std::sync::Arc;
use std::time::Duration;

/// The longest time that a plan can ask for, in seconds: a hundred years, which no clock arithmetic minds.
const MAX_SECONDS: f64 = 3_155_760_000.0;

/// An id: text, or an integer as text.
pub(in crate::plan) fn id_text(node: &Node) -> Option<Arc<str>> {
    match &node.kind {
        Kind::Text(text) => Some(Arc::clone(text)),
        Kind::Number(number) if !number.is_f64() => Some(number.to_string().into()),
        _ => None,
    }
}

pub(super) fn read_id(node: &Node, collector: &mut Collector) -> Option<Placed<Arc<str>>> {
    match id_text(node) {
        Some(id) if !id.trim().is_empty() => Some(clean(
            Placed::new(id, node.span.clone()),
            "an id",
            collector,
        )),
        Some(_) => None,
        None if node.is_null() => None,
        None => {
            wrong("id", "text or an integer", node, None, collector);
            // It was given, so it is not missing as well; the place says which step is meant.
            Some(Placed::new(
                format!("(at byte {})", node.span.start).into(),
                node.span.clone(),
            ))
        }
    }
}

pub(super) fn dependencies(
    node: &Node,
    id: Option<&Arc<str>>,
    collector: &mut Collector,
) -> Vec<Placed<Arc<str>>> {
    let alone = std::slice::from_ref(node);
    let list = match &node.kind {
        Kind::Null => return Vec::new(),
        Kind::List(list) => list.as_slice(),
        Kind::Text(_) | Kind::Number(_) => alone,
        _ => {
            wrong("depends_on", "a list of step ids", node, id, collector);
            return Vec::new();
        }
    };
    list.iter()
        .filter_map(|element| {
            let text = id_text(element);
            if text.is_none() {
                wrong("depends_on", "a list of step ids", element, id, collector);
            }
            text.map(|text| Placed::new(text, element.span.clone()))
        })
        .collect()
}

pub(super) fn retry_policy(
    node: &Node,
    id: Option<&Arc<str>>,
    collector: &mut Collector,
) -> Option<RetryPolicy> {
    let members = match &node.kind {
        Kind::Object(members) => members,
        Kind::Null => return None,
        _ => {
            wrong("retry_policy", "an object", node, id, collector);
            return None;
        }
    };
    let mut policy = RetryPolicy {
        attempts: 1,
        backoff: Duration::from_secs(1),
    };
    for member in members {
        match &*member.key {
            "retries" => {
                if let Some(count) = count(&member.value, "retries", id, collector) {
                    policy.attempts = count.max(1);
                }
            }
            "backoff_s" => {
                if let Some(backoff) = seconds(&member.value, "backoff_s", true, id, collector) {
                    policy.backoff = backoff;
                }
            }
            _ => collector.push(
                Diagnostic::new(
                    Severity::Warning,
                    "unknown_field",
                    format!("{} is not a field of a retry policy", shown(&member.key)),
                )
                .at(member.key_span.clone())
                .step(id),
            ),
        }
    }
    Some(policy)
}

pub(super) fn count(
    node: &Node,
    field: &str,
    id: Option<&Arc<str>>,
    collector: &mut Collector,
) -> Option<u32> {
    match &node.kind {
        Kind::Null => None,
        Kind::Number(number) if number.as_u64().is_some_and(|count| count <= 1_000_000) => {
            number.as_u64().map(|count| count as u32)
        }
        _ => {
            wrong(field, "an integer from 0 to 1000000", node, id, collector);
            None
        }
    }
}

pub(super) fn seconds(
    node: &Node,
    field: &str,
    may_be_nothing: bool,
    id: Option<&Arc<str>>,
    collector: &mut Collector,
) -> Option<Duration> {
    let number = match &node.kind {
        Kind::Null => return None,
        Kind::Number(number) => number.as_f64().unwrap_or(f64::NAN),
        _ => f64::NAN,
    };
    let sound = number > 0.0 || (may_be_nothing && number == 0.0);
    if sound && number <= MAX_SECONDS {
        return Duration::try_from_secs_f64(number).ok();
    }
    let what = if may_be_nothing {
        "a number of seconds"
    } else {
        "a number of seconds above 0"
    };
    wrong(field, what, node, id, collector);
    None
}

pub(super) fn word<'a>(
    node: &Node,
    field: &str,
    words: &[&'a str],
    id: Option<&Arc<str>>,
    collector: &mut Collector,
) -> Option<&'a str> {
    if node.is_null() {
        return None;
    }
    let given = node.as_text().unwrap_or_default();
    let found = words.iter().copied().find(|word| *word == given);
    if found.is_none() {
        let near = closest(given, words.iter().copied());
        let mut diagnostic = fault(field, &format!("one of {}", words.join(", ")), node, id);
        if let Some(near) = near {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        }
        collector.push(diagnostic);
    }
    found
}

/// Text, or an integer as text.
pub(super) fn text(
    node: &Node,
    field: &str,
    id: Option<&Arc<str>>,
    collector: &mut Collector,
) -> Option<Placed<Arc<str>>> {
    if node.is_null() {
        return None;
    }
    let text = id_text(node);
    if text.is_none() {
        wrong(field, "text", node, id, collector);
    }
    text.map(|text| Placed::new(text, node.span.clone()))
}

/// A name of the whole plan, without unsafe characters.
pub(super) fn name(node: &Node, what: &str, collector: &mut Collector) -> Option<Arc<str>> {
    if node.is_null() {
        return None;
    }
    let Some(text) = id_text(node) else {
        wrong("name", "text", node, None, collector);
        return None;
    };
    let placed = clean(Placed::new(text, node.span.clone()), what, collector);
    Some(placed.value).filter(|name| !name.trim().is_empty())
}

/// Reports unsafe characters in a name, which is shown everywhere.
pub(super) fn clean(
    placed: Placed<Arc<str>>,
    what: &str,
    collector: &mut Collector,
) -> Placed<Arc<str>> {
    if let Some(found) = find_unsafe(&placed.value) {
        collector.error(
            "control_character",
            format!(
                "{what} holds {}: {}",
                name_of_unsafe(found),
                shown(&placed.value)
            ),
            &placed.span,
        );
    }
    placed
}

fn fault(field: &str, wanted: &str, node: &Node, id: Option<&Arc<str>>) -> Diagnostic {
    let given = match &node.kind {
        Kind::Text(text) => shown(text),
        Kind::Number(number) => number.to_string(),
        Kind::Bool(truth) => truth.to_string(),
        _ => node.type_name().to_owned(),
    };
    let span = match node.kind {
        Kind::List(_) | Kind::Object(_) => first_byte(&node.span),
        _ => node.span.clone(),
    };
    Diagnostic::new(
        Severity::Error,
        "bad_field",
        format!("`{field}` must be {wanted}, not {given}"),
    )
    .at(span)
    .step(id)
}

pub(super) fn wrong(
    field: &str,
    wanted: &str,
    node: &Node,
    id: Option<&Arc<str>>,
    collector: &mut Collector,
) {
    collector.push(fault(field, wanted, node, id));
}
