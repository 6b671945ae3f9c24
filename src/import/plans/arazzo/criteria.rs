//! The criteria of success of a step: the statuses that its tool takes, and expectations of its output.

use super::condition::{Condition, exists, matched, ranges, read};
use super::expression::{OwnCall, Scope};
use crate::text::message::quote;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The field that has them.
const FIELD: &str = "successCriteria";

/// What the end of a call is judged by.
#[derive(Default)]
pub(super) struct Judged {
    /// The `status` of the tool, where it is not the usual one.
    pub status: Option<Value>,
    /// Whether the answer is needed as a whole.
    pub is_whole: bool,
    pub expect: Vec<String>,
}

/// Reads the criteria of a step. `own` gets the names that they have for the answer, which the caller replaces.
pub(super) fn judged(
    root: &Value,
    step: &Value,
    scope: &Scope<'_>,
    own: &mut OwnCall,
    faults: &mut Vec<(&'static str, String)>,
) -> Judged {
    let mut judged = Judged::default();
    let mut statuses: Option<BTreeSet<u16>> = None;
    let mut conditions = Vec::new();
    let mut paths = Vec::new();
    let criteria = step[FIELD].as_array();
    for criterion in criteria.into_iter().flatten() {
        let Some(criterion) = super::reused(root, criterion) else {
            continue;
        };
        let text = criterion["condition"].as_str().unwrap_or_default();
        let context = criterion["context"].as_str();
        let kind = &criterion["type"];
        let kind = kind
            .get("type")
            .unwrap_or(kind)
            .as_str()
            .unwrap_or("simple");
        let allowed = match (kind, context) {
            ("simple", _) => match read(text) {
                Some(condition) => {
                    conditions.extend(condition.parts());
                    continue;
                }
                None => None,
            },
            ("regex", Some("$statusCode")) => matched(text),
            ("jsonpath", Some(context)) => {
                paths.push((text.to_owned(), context.to_owned()));
                continue;
            }
            _ => None,
        };
        match allowed {
            Some(allowed) => keep(&mut statuses, allowed),
            None => faults.push((FIELD, not_checked(text))),
        }
    }
    let mut others = Vec::new();
    for condition in conditions {
        match condition.statuses() {
            Some(allowed) => keep(&mut statuses, allowed),
            None => others.push(condition),
        }
    }
    judged.is_whole = needs_whole(&step["outputs"]) || others.iter().any(mentions_head);
    let body = if judged.is_whole {
        "output.body"
    } else {
        "output"
    };
    body.clone_into(&mut own.body);
    own.whole = judged.is_whole.then(|| "output".to_owned());
    let scope = Scope {
        call: Some(own),
        ..*scope
    };
    for condition in others {
        match condition.expression(&scope) {
            Ok(expression) => judged.expect.push(expression),
            Err(fault) => faults.push((FIELD, format!("a criterion is not checked: {fault}"))),
        }
    }
    for (path, context) in paths {
        let found = scope
            .expression(&context)
            .ok()
            .and_then(|part| exists(&path, &part));
        match found {
            Some(expression) => judged.expect.push(expression),
            None => faults.push((FIELD, not_checked(&path))),
        }
    }
    let usual: BTreeSet<u16> = (200..300).collect();
    match statuses {
        Some(allowed) if allowed.is_empty() => {
            faults.push((
                FIELD,
                "no status meets all criteria; they are not checked".to_owned(),
            ));
        }
        Some(allowed) => {
            if allowed.iter().any(|status| (300..400).contains(status)) {
                faults.push((
                    FIELD,
                    "a redirect is followed where it can be, so that its status is not seen"
                        .to_owned(),
                ));
            }
            judged.status = (allowed != usual).then(|| json!(ranges(&allowed)));
        }
        None => {}
    }
    judged
}

fn keep(statuses: &mut Option<BTreeSet<u16>>, allowed: BTreeSet<u16>) {
    *statuses = Some(match statuses.take() {
        Some(known) => known.intersection(&allowed).copied().collect(),
        None => allowed,
    });
}

fn not_checked(criterion: &str) -> String {
    let criterion = quote(criterion, 160);
    format!("the criterion {criterion} is not checked; write it as `expect` of the step")
}

/// Whether outputs name the head of an answer.
fn needs_whole(outputs: &Value) -> bool {
    let is_head = |text: &str| text.contains("$response.header") || text.contains("$statusCode");
    match outputs {
        Value::String(text) => is_head(text),
        Value::Array(list) => list.iter().any(needs_whole),
        Value::Object(members) => members.values().any(needs_whole),
        _ => false,
    }
}

fn mentions_head(condition: &Condition) -> bool {
    let is_head = |text: &str| text.starts_with("$response.header");
    condition.has_status()
        || match condition {
            Condition::Any(all) | Condition::All(all) => all.iter().any(mentions_head),
            Condition::Not(inner) => mentions_head(inner),
            Condition::Compared(left, _, right) => mentions_head(left) || mentions_head(right),
            Condition::Expression(text) => is_head(text),
            _ => false,
        }
}
