//! Words for messages: what was probably meant by a name, and what kind of value stands somewhere.

use serde_json::Value;

/// The candidate that `given` was probably meant to be.
pub(crate) fn closest<'a>(
    given: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let length = given.chars().count();
    if length == 0 || length > 100 {
        return None;
    }
    let lowered = given.to_lowercase();
    candidates
        .into_iter()
        .take(20_000)
        .filter(|candidate| candidate.len().abs_diff(given.len()) <= 12)
        .map(|candidate| (likeness(&lowered, &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness >= 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

fn likeness(given: &str, candidate: &str) -> f64 {
    let edits = strsim::normalized_damerau_levenshtein(given, candidate);
    // `extract` for `extract_text`: a part of the name is a likely slip too.
    let contained = given.len() >= 4
        && candidate.len() >= 4
        && (candidate.contains(given) || given.contains(candidate));
    // `aa` for `a`: of a short name one character more or less is a large part.
    let begins = given.starts_with(candidate) || candidate.starts_with(given);
    let one_more = begins && given.chars().count().abs_diff(candidate.chars().count()) == 1;
    if contained || one_more {
        edits.max(0.75)
    } else {
        edits
    }
}

/// How much the likeliest candidate looks like `given`, from 0 to 1.
pub(super) fn likeness_to<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> f64 {
    closest(given, candidates).map_or(0.0, |near| {
        strsim::normalized_damerau_levenshtein(&given.to_lowercase(), &near.to_lowercase())
    })
}

/// What a value is, with its article.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
