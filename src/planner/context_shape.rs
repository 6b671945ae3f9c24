//! The names and types of context values, without the values: a prompt needs no more, and they may be private.

use serde_json::{Map, Value};
use std::fmt::Write;

/// The maximum depth that is shown.
const MAX_DEPTH: usize = 4;
/// The maximum of members of one object that are shown.
const MAX_MEMBERS: usize = 40;

/// One line for each value: its name and its type, as `{a: string, b: [number]}`.
pub(super) fn lines(context: &Map<String, Value>) -> String {
    let mut text = String::new();
    for (name, value) in context {
        let _ = writeln!(text, "- {name}: {}", shape(value, MAX_DEPTH));
    }
    text
}

/// The type of a value.
fn shape(value: &Value, depth: usize) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "boolean".to_owned(),
        Value::Number(number) if number.is_f64() => "number".to_owned(),
        Value::Number(_) => "integer".to_owned(),
        Value::String(_) => "string".to_owned(),
        Value::Array(_) if depth == 0 => "array".to_owned(),
        Value::Array(list) => match list.first() {
            Some(first) => format!("array of {}", shape(first, depth - 1)),
            None => "array (empty)".to_owned(),
        },
        Value::Object(_) if depth == 0 => "object".to_owned(),
        Value::Object(members) => {
            let shown = members.iter().take(MAX_MEMBERS);
            let mut shown: Vec<String> = shown
                .map(|(name, member)| format!("{name}: {}", shape(member, depth - 1)))
                .collect();
            if members.len() > shown.len() {
                shown.push("…".to_owned());
            }
            format!("{{{}}}", shown.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn types_are_shown_and_values_are_not() {
        let context = json!({"who": "Ada", "lines": [{"name": "milk", "amount": 2.5}], "none": []});
        let text = lines(context.as_object().unwrap());
        assert_eq!(
            text,
            "- who: string\n- lines: array of {name: string, amount: number}\n- none: array (empty)\n"
        );
    }
}
