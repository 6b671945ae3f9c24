//! JSON as indented text, written without recursion and with a bound.
//!
//! Outputs may be nested far deeper than a stack reaches and longer than anyone reads; `serde_json`'s writer
//! recurses and has no bound.

use serde_json::{Map, Value};
use std::fmt::Write as _;

/// The text of `value`, two spaces of indentation a level, and whether it is whole: it stops soon after
/// `most` bytes.
pub(crate) fn pretty(value: &Value, most: usize) -> (String, bool) {
    let mut writer = Writer {
        text: String::new(),
        most,
    };
    let whole = writer.write(value);
    (writer.text, whole)
}

enum Open<'a> {
    List(std::slice::Iter<'a, Value>),
    Object(serde_json::map::Iter<'a>),
}

struct Writer {
    text: String,
    most: usize,
}

impl Writer {
    fn write(&mut self, value: &Value) -> bool {
        let mut open: Vec<Open<'_>> = Vec::new();
        self.begin(value, &mut open);
        while let Some(innermost) = open.last_mut() {
            if self.text.len() > self.most {
                return false;
            }
            let first = matches!(self.text.as_bytes().last(), Some(b'[' | b'{'));
            let next = match innermost {
                Open::List(rest) => rest.next().map(|value| (None, value)),
                Open::Object(rest) => rest.next().map(|(key, value)| (Some(key), value)),
            };
            let closing = match innermost {
                Open::List(_) => ']',
                Open::Object(_) => '}',
            };
            let Some((key, value)) = next else {
                open.pop();
                self.line(open.len());
                self.text.push(closing);
                continue;
            };
            if !first {
                self.text.push(',');
            }
            self.line(open.len());
            if let Some(key) = key {
                self.string(key);
                self.text.push_str(": ");
            }
            self.begin(value, &mut open);
        }
        self.text.len() <= self.most
    }

    /// Writes a plain value whole, and the opening of a list or an object that has members.
    fn begin<'a>(&mut self, value: &'a Value, open: &mut Vec<Open<'a>>) {
        match value {
            Value::Array(list) if !list.is_empty() => {
                self.text.push('[');
                open.push(Open::List(list.iter()));
            }
            Value::Object(members) if !members.is_empty() => {
                self.text.push('{');
                open.push(Open::Object(members.iter()));
            }
            Value::String(text) => self.string(text),
            plain => self.text.push_str(&plain.to_string()),
        }
    }

    /// A string as JSON has it, read only as far as the bound.
    fn string(&mut self, text: &str) {
        let most = text.floor_char_boundary(self.most.saturating_add(1));
        let quoted = Value::from(&text[..most]).to_string();
        self.text.push_str(&quoted);
    }

    /// Indentation is bounded too: beyond 40 levels it says nothing to the eye.
    fn line(&mut self, depth: usize) {
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n("  ", depth.min(40)));
    }
}

/// What a closed list or object holds, in a word: `3 members`, `1 element`.
pub(crate) fn size(value: &Value) -> String {
    match value {
        Value::Array(list) => crate::text::format::count(list.len(), "element"),
        Value::Object(members) => crate::text::format::count(Map::len(members), "member"),
        _ => String::new(),
    }
}

/// What a list or an object holds, with keys where there are any.
pub(crate) fn members(value: &Value) -> Box<dyn Iterator<Item = (Option<&str>, &Value)> + '_> {
    match value {
        Value::Array(list) => Box::new(list.iter().map(|value| (None, value))),
        Value::Object(members) => Box::new(
            members
                .iter()
                .map(|(key, value)| (Some(key.as_str()), value)),
        ),
        _ => Box::new(std::iter::empty()),
    }
}

/// Levels of a preview.
const PREVIEW_DEPTH: usize = 3;

/// The beginning of a value on one line of about `room` characters, its keys without quotes: `{id: 0, tags: [2]}`.
pub(crate) fn preview(value: &Value, room: usize) -> String {
    let mut line = String::new();
    write_preview(value, room, PREVIEW_DEPTH, &mut line);
    line
}

/// Whether there was room.
fn write_preview(value: &Value, room: usize, depth: usize, line: &mut String) -> bool {
    match value {
        Value::String(text) => {
            let end = text.floor_char_boundary(room.saturating_sub(line.len()).max(8));
            let cut = if end < text.len() { "…" } else { "" };
            line.push('"');
            line.extend(crate::text::clean(&text[..end]));
            line.push_str(cut);
            line.push('"');
        }
        Value::Array(list) if depth == 0 && !list.is_empty() => {
            let _ = write!(line, "[{}]", list.len());
        }
        Value::Object(members) if depth == 0 && !members.is_empty() => line.push_str("{…}"),
        Value::Array(list) => {
            line.push('[');
            let inside = list.iter().enumerate();
            for (at, value) in inside {
                if at > 0 {
                    line.push_str(", ");
                }
                if line.len() >= room || !write_preview(value, room, depth - 1, line) {
                    line.push('…');
                    return false;
                }
            }
            line.push(']');
        }
        Value::Object(members) => {
            line.push('{');
            for (at, (key, value)) in members.iter().enumerate() {
                if at > 0 {
                    line.push_str(", ");
                }
                if line.len() >= room {
                    line.push('…');
                    return false;
                }
                line.push_str(&crate::text::fit(key, 30));
                line.push_str(": ");
                if !write_preview(value, room, depth - 1, line) {
                    line.push('…');
                    return false;
                }
            }
            line.push('}');
        }
        plain => line.push_str(&plain.to_string()),
    }
    line.len() <= room
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn depth_does_not_reach_the_stack() {
        let mut deep = json!(1);
        for _ in 0..100_000 {
            deep = Value::Array(vec![deep]);
        }
        let (text, whole) = pretty(&deep, 10_000);
        assert!(!whole);
        assert!(text.len() < 10_200);
        // Dropping a value recurses; take it apart by hand.
        while let Value::Array(mut list) = deep {
            deep = list.pop().unwrap_or_default();
        }
    }

    #[test]
    fn a_preview_is_one_line_of_bounded_length() {
        let value = json!({"id": 0, "name": "two\nlines", "tags": ["a", {"b": [{"c": [1, 2]}]}], "none": []});
        let whole = "{id: 0, name: \"two↵lines\", tags: [\"a\", {b: [1]}], none: []}";
        assert_eq!(preview(&value, 200), whole);
        for room in 0..80 {
            let line = preview(&value, room);
            assert!(line.chars().count() <= room + 48, "{room}: {line}");
        }
        let many = Value::from(vec![json!({"text": "x".repeat(500)}); 100_000]);
        assert!(preview(&many, 60).chars().count() < 120);
        assert_eq!(preview(&json!("\u{1b}[31m\u{202e}"), 60), "\"␛[31m\"");
    }

    #[test]
    fn length_is_bounded() {
        let (text, whole) = pretty(&json!("x".repeat(1_000_000)), 100);
        assert!(!whole);
        assert!(text.len() < 300);
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((".{0,4}", inner), 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_writes_what_serde_json_writes(value in value()) {
            let (text, whole) = pretty(&value, usize::MAX - 1);
            prop_assert!(whole);
            prop_assert_eq!(text, serde_json::to_string_pretty(&value).unwrap());
        }
    }
}
