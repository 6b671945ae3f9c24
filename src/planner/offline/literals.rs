//! The values that stand in a task: quoted texts, addresses, paths, dates and numbers.

use crate::planner::words::{is_telling, name_stems, words};
use serde_json::{Number, Value};
use std::ops::Range;

/// What a value in a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Quoted,
    Url,
    Email,
    Date,
    Path,
    Number,
}

/// A value that stands in a task.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Literal {
    pub kind: Kind,
    pub value: Value,
    /// The stems of the words just before and after it.
    pub near: Vec<String>,
    /// Where it stands in the task.
    pub at: usize,
}

/// Quotation marks: what opens and what closes.
const QUOTES: [(char, char); 6] = [
    ('"', '"'),
    ('\'', '\''),
    ('`', '`'),
    ('“', '”'),
    ('‘', '’'),
    ('«', '»'),
];

/// Words between the parts of a task.
pub(super) const BREAKS: [&str; 5] = ["and", "then", "afterwards", "finally", "&"];

/// How many words before and after a value say what it is.
const NEAR: usize = 3;

/// The values in a task in order, and the task with blanks in their places.
pub(super) fn find(task: &str) -> (Vec<Literal>, String) {
    let mut found: Vec<(Range<usize>, Kind, Value)> = quoted(task);
    let mut rest = blanked(task, found.iter().map(|(place, ..)| place.clone()));
    for place in tokens(&rest) {
        if let Some((kind, value)) = value(&rest[place.clone()]) {
            found.push((place, kind, value));
        }
    }
    found.sort_by_key(|(place, ..)| place.start);
    // A number may be a part of a tool's name.
    let lasting = found.iter().filter(|(_, kind, _)| *kind != Kind::Number);
    rest = blanked(&rest, lasting.map(|(place, ..)| place.clone()));
    let literals = found.into_iter().map(|(place, kind, value)| {
        let is_inside = |word: &String| !BREAKS.contains(&&**word);
        let before = words(&rest[..place.start]).into_iter().rev();
        let after = words(&rest[place.end..]).into_iter();
        let mut near: Vec<String> = before
            .take_while(is_inside)
            .filter(|word| is_telling(word))
            .take(NEAR)
            .collect();
        near.extend(
            after
                .take_while(is_inside)
                .filter(|word| is_telling(word))
                .take(NEAR),
        );
        let near = near.iter().flat_map(|word| name_stems(word)).collect();
        let at = place.start;
        Literal {
            kind,
            value,
            near,
            at,
        }
    });
    let literals = literals.collect();
    (literals, rest)
}

/// Quoted texts. An apostrophe within a word opens none.
fn quoted(task: &str) -> Vec<(Range<usize>, Kind, Value)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some((at, open)) = task[from..].char_indices().next() {
        let at = from + at;
        from = at + open.len_utf8();
        let Some((_, close)) = QUOTES.iter().find(|(one, _)| *one == open) else {
            continue;
        };
        if task[..at]
            .chars()
            .next_back()
            .is_some_and(char::is_alphanumeric)
        {
            continue;
        }
        let end = task[from..].char_indices().find(|(end, c)| {
            let after = task[from + end + c.len_utf8()..].chars().next();
            c == close && !after.is_some_and(char::is_alphanumeric)
        });
        let Some((length, c)) = end.filter(|(length, _)| *length > 0) else {
            continue;
        };
        let text = &task[from..from + length];
        let kind = match value(text) {
            Some((kind, _)) if kind != Kind::Number => kind,
            _ => Kind::Quoted,
        };
        found.push((at..from + length + c.len_utf8(), kind, text.into()));
        from += length + c.len_utf8();
    }
    found
}

/// What stands between blanks, without punctuation around it.
fn tokens(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let start = text.as_ptr() as usize;
    for token in text.split_whitespace() {
        let inner = token.trim_matches(|c| {
            matches!(
                c,
                '(' | ')' | '[' | ']' | '<' | '>' | ',' | ';' | ':' | '!' | '?'
            )
        });
        let inner = inner.trim_end_matches('.');
        let at = inner.as_ptr() as usize - start;
        found.push(at..at + inner.len());
    }
    found
}

/// The value that a token is.
fn value(token: &str) -> Option<(Kind, Value)> {
    let text = || Value::from(token);
    let lower = token.to_ascii_lowercase();
    if ["http://", "https://", "ftp://", "file://"]
        .iter()
        .any(|scheme| lower.starts_with(scheme))
    {
        return Some((Kind::Url, text()));
    }
    if token.contains(char::is_whitespace) {
        return None;
    }
    if token.parse::<jiff::civil::Date>().is_ok() && token.contains('-') {
        return Some((Kind::Date, text()));
    }
    let plain = token
        .trim_start_matches(['$', '€', '£', '#'])
        .trim_end_matches('%');
    if plain.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
        if let Ok(whole) = plain.parse::<i64>() {
            return Some((Kind::Number, whole.into()));
        }
        if let Some(number) = plain.parse::<f64>().ok().and_then(Number::from_f64) {
            return Some((Kind::Number, Value::Number(number)));
        }
    }
    if let Some((name, host)) = token.split_once('@')
        && !name.is_empty()
        && host.contains('.')
    {
        return Some((Kind::Email, text()));
    }
    let is_rooted = ["/", "./", "../", "~/"]
        .iter()
        .any(|root| token.starts_with(root));
    let extension = token.rsplit_once('.');
    let extension = extension.filter(|(_, end)| end.starts_with(|c: char| c.is_ascii_alphabetic()));
    let extension = extension.map(|(stem, end)| (stem, end.len()));
    let has_extension = extension.is_some_and(|(stem, length)| {
        !stem.is_empty()
            && (1..=5).contains(&length)
            && stem.ends_with(|c: char| c.is_alphanumeric() || c == '_')
            && token.ends_with(|c: char| c.is_ascii_alphanumeric())
            && stem.contains(char::is_alphabetic)
            && !matches!(&*lower, "e.g" | "i.e")
    });
    ((is_rooted && token.len() > 2) || has_extension).then(|| (Kind::Path, text()))
}

/// `text` with blanks in these places.
fn blanked(text: &str, places: impl Iterator<Item = Range<usize>>) -> String {
    let mut text = text.to_owned();
    for place in places {
        let blanks = " ".repeat(place.len());
        text.replace_range(place, &blanks);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_of_every_kind_are_found_and_prose_is_not() {
        let task = "Fetch https://example.org/a?b=1, take 3 rows of ./in/data.csv since 2026-02-01 with a 2.5% cut and/or v1.2, don't stop, \
                    and mail \"all's well\" to ada@example.org (e.g. today).";
        let (found, rest) = find(task);
        let found: Vec<(Kind, Value)> =
            found.into_iter().map(|one| (one.kind, one.value)).collect();
        assert_eq!(
            found,
            [
                (Kind::Url, json!("https://example.org/a?b=1")),
                (Kind::Number, json!(3)),
                (Kind::Path, json!("./in/data.csv")),
                (Kind::Date, json!("2026-02-01")),
                (Kind::Number, json!(2.5)),
                (Kind::Quoted, json!("all's well")),
                (Kind::Email, json!("ada@example.org")),
            ]
        );
        assert!(rest.contains("don't stop") && !rest.contains("example"));
    }

    #[test]
    fn the_words_around_a_value_say_what_it_is() {
        let (found, _) = find("Give me the top 7 within 30 miles");
        assert!(found[0].near.contains(&"top".to_owned()));
        assert!(found[1].near.contains(&"mile".to_owned()));
    }
}
