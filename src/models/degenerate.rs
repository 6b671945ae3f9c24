//! Answers that have the right form and say nothing.
//!
//! A model that cannot do a task, and is asked again because its answer was not valid, often fills the schema with empty
//! texts or with one text everywhere. Such an answer is valid, so only its texts tell.

use serde_json::Value;

/// What is wrong with an output whose texts are all empty, or three or more and all alike; `None` where they say
/// something, or where it has none.
pub(super) fn fault(output: &Value) -> Option<String> {
    let mut texts = Texts::default();
    texts.read(output);
    let first = texts.first?;
    if texts.all_empty {
        Some("it says nothing: every text in it is empty".to_owned())
    } else if texts.all_alike && texts.count > 2 && !texts.has_others {
        let first = crate::text::message::quote(first, 100);
        Some(format!("it says nothing: every text in it is {first}"))
    } else {
        None
    }
}

struct Texts<'a> {
    first: Option<&'a str>,
    count: usize,
    all_empty: bool,
    all_alike: bool,
    /// Whether there are numbers or truth values beside the texts.
    has_others: bool,
}

impl Default for Texts<'_> {
    fn default() -> Self {
        Self {
            first: None,
            count: 0,
            all_empty: true,
            all_alike: true,
            has_others: false,
        }
    }
}

impl<'a> Texts<'a> {
    fn read(&mut self, value: &'a Value) {
        match value {
            Value::String(text) => {
                let text = text.trim();
                self.count += 1;
                self.all_empty &= text.is_empty();
                self.all_alike &= *self.first.get_or_insert(text) == text;
            }
            Value::Array(items) => items.iter().for_each(|item| self.read(item)),
            Value::Object(members) => members.values().for_each(|member| self.read(member)),
            Value::Number(_) | Value::Bool(_) => self.has_others = true,
            Value::Null => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_that_are_empty_or_alike_say_nothing() {
        for output in [
            json!(""),
            json!({"shop": " ", "lines": [{"name": ""}]}),
            json!({"shop": "", "total": 0}),
            json!({"a": "unknown", "b": "unknown", "c": ["unknown "]}),
        ] {
            assert!(fault(&output).is_some(), "{output}");
        }
        for output in [
            json!({"shop": "Aldi", "city": ""}),
            json!({"total": 0}),
            json!({}),
            json!(["a", "a"]),
            json!({"kind": "till", "also": "till"}),
            json!([{"name": "egg", "price": 1}, {"name": "egg", "price": 1}, {"name": "egg", "price": 1}]),
        ] {
            assert_eq!(fault(&output), None, "{output}");
        }
    }
}
