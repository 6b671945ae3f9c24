//! How well a value fits a parameter: by its name, its type, and where it comes from. Lower is better.

use super::literals::{Kind, Literal};
use super::types::{Fit, fit, properties, types};
use super::values::Offer;
use crate::planner::words::{name_stems, stems, words};
use crate::tools::ToolDefinition;
use serde_json::Value;

/// Where a value comes from, from the cheapest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Context,
    Planned,
    NewStep,
}

/// Parameters that take a question in plain words.
const QUESTIONS: [&str; 8] = [
    "query",
    "question",
    "prompt",
    "task",
    "instruction",
    "instructions",
    "request",
    "topic",
];

/// A parameter that needs a value.
pub(super) struct Want<'s> {
    pub schema: &'s Value,
    name: Vec<String>,
    description: Vec<String>,
}

impl<'s> Want<'s> {
    pub(super) fn new(name: &str, schema: &'s Value) -> Self {
        let description = schema.get("description").and_then(Value::as_str);
        Self {
            schema,
            name: name_stems(name),
            description: description.map(stems).unwrap_or_default(),
        }
    }
}

/// The tool that gives a value.
pub(super) struct Owner {
    name: Vec<String>,
    words: Vec<String>,
}

impl Owner {
    pub(super) fn of(tool: &ToolDefinition) -> Self {
        let name = name_stems(&tool.name);
        let mut words = stems(&tool.description);
        words.extend(name.iter().cloned());
        words.extend(stems(&tool.name));
        Self { name, words }
    }
}

/// The cost of taking `offer` for a parameter; `None` where it does not fit. `owner` is `None` for a context value.
pub(super) fn cost_of(
    offer: &Offer<'_>,
    origin: Origin,
    owner: Option<&Owner>,
    want: &Want<'_>,
) -> Option<u32> {
    let fit = fit(offer.schema, want.schema)?;
    let has = name_stems(&offer.name);
    let shared = want.name.iter().filter(|stem| has.contains(stem)).count();
    let is_whole = !offer.is_named && offer.path.is_empty() && offer.list.is_none();
    let by_name = match owner.filter(|_| is_whole) {
        // `totals` takes the output of `extract_totals`; `report`, described as the check of the sums, that of
        // `check_sums`.
        Some(owner) if want.name.iter().any(|stem| owner.name.contains(stem)) => 10,
        Some(owner)
            if owner.name.len() > 1
                && owner
                    .name
                    .iter()
                    .all(|stem| want.description.contains(stem)) =>
        {
            12
        }
        Some(_) => return None,
        None if !want.name.is_empty() && want.name == has => 0,
        // `text` takes `receipt_text`.
        None if shared == want.name.len() && shared > 0 && origin == Origin::Context => 11,
        None if shared == want.name.len() && shared > 0 => 14,
        None if shared > 0 => 22,
        None => return None,
    };
    let by_origin = match origin {
        Origin::Context => 0,
        Origin::Planned => 8,
        Origin::NewStep => 18,
    };
    let by_fit = if fit == Fit::Open { 3 } else { 0 };
    let by_list = if offer.list.is_some() { 4 } else { 0 };
    let by_depth = offer.path.matches('.').count() as u32;
    let cost = by_name + by_origin + by_fit + by_list + by_depth;
    Some(owner.map_or(cost, |owner| described(cost, offer, owner, want)))
}

/// The cost after the description of the parameter: of outputs with one name, it takes the one that has what the
/// description asks for.
fn described(cost: u32, offer: &Offer<'_>, owner: &Owner, want: &Want<'_>) -> u32 {
    let asked = want.description.len();
    if asked == 0 {
        return cost;
    }
    let mut members = Vec::new();
    names(offer.schema, 0, &mut members);
    let has = |stem: &&String| members.contains(*stem) || owner.words.contains(*stem);
    let found = want.description.iter().filter(has).count();
    if found == asked && asked > 1 {
        return cost.saturating_sub(9);
    }
    cost + 12 * (asked - found) as u32 / asked as u32
}

/// The stems of the names of all members of a schema.
fn names(schema: &Value, depth: usize, found: &mut Vec<String>) {
    if depth > 4 {
        return;
    }
    for (name, member) in properties(schema).into_iter().flatten() {
        found.extend(stems(name));
        names(member, depth + 1, found);
    }
    if let Some(items) = schema.get("items") {
        names(items, depth + 1, found);
    }
}

/// The cost of taking a value of the task; `None` where it does not fit. `is_here`: whether it stands in the part of the
/// task that the tool is wanted for.
pub(super) fn cost_of_literal(
    literal: &Literal,
    is_used: bool,
    is_here: bool,
    name: &str,
    schema: &Value,
) -> Option<u32> {
    let kinds = types(schema);
    let takes = |kind: &str| kinds.is_empty() || kinds.contains(&kind);
    let said = words(name);
    let format = schema
        .get("format")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let is_near = name_stems(name)
        .iter()
        .any(|stem| literal.near.contains(stem));
    let is_whole = literal.value.as_i64().is_some();
    let again = if is_used { 30 } else { 0 };
    if literal.kind == Kind::Number {
        let fits = kinds.contains(&"number") || (kinds.contains(&"integer") && is_whole);
        let cost = if is_near { 5 } else { 12 } + if is_here { 0 } else { 10 };
        return fits.then_some(cost + again);
    }
    if !takes("string") {
        return None;
    }
    // What a parameter of a certain kind takes.
    let meant = MEANINGS.iter().find(|(_, names, formats)| {
        names.iter().any(|one| said.iter().any(|word| word == one)) || formats.contains(&format)
    });
    let cost = match (literal.kind, meant) {
        (kind, Some((wanted, ..))) if kind == *wanted => 2,
        (Kind::Quoted, _) if is_near => 5,
        // A quoted text is for what stands beside it.
        (Kind::Quoted, _) if !is_here || is_used => return None,
        (Kind::Quoted, Some(_)) => 20,
        (Kind::Quoted, None) => 15,
        (_, Some(_)) => return None,
        (_, None) if is_near => 6,
        (_, None) => 24,
    };
    Some(cost + again)
}

/// Kinds of values, with the words in the names of parameters that take them, and their formats.
const MEANINGS: [(Kind, &[&str], &[&str]); 4] = [
    (
        Kind::Url,
        &["url", "uri", "link", "href", "endpoint"],
        &["uri", "url"],
    ),
    (
        Kind::Path,
        &["path", "file", "filename", "filepath"],
        &["path"],
    ),
    (
        Kind::Email,
        &["email", "mail", "recipient", "to", "sender"],
        &["email"],
    ),
    (Kind::Date, &["date", "day", "since", "until"], &["date"]),
];

/// The value of an enumeration that the task names.
pub(super) fn named_choice<'s>(schema: &'s Value, task_words: &[String]) -> Option<&'s Value> {
    let choices = schema.get("enum")?.as_array()?;
    choices.iter().find(|choice| {
        let choice = choice.as_str().map(words).unwrap_or_default();
        !choice.is_empty() && choice.iter().all(|word| task_words.contains(word))
    })
}

/// Whether a parameter takes a question in plain words.
pub(super) fn takes_a_question(name: &str, schema: &Value) -> bool {
    let said = words(name);
    types(schema).contains(&"string")
        && said.last().is_some_and(|last| QUESTIONS.contains(&&**last))
}
