//! How two JSON values differ, as lines of text.

use crate::run::Change;
use crate::text::fit;
use serde_json::Value;

/// Cells that a place or a value takes in a line.
const SHOWN: usize = 48;

/// A change in one line: `input.text: "a…" → "b…"`, where `of` is `input`.
pub(super) fn line(change: &Change, of: &str) -> String {
    let place = match (&*change.path, change.path.starts_with('[')) {
        ("", _) => of.to_owned(),
        (path, true) => format!("{of}{path}"),
        (path, false) => format!("{of}.{path}"),
    };
    let shown = |value: &Option<Value>| match value {
        Some(value) => fit(&value.to_string(), SHOWN),
        None => "nothing".to_owned(),
    };
    format!(
        "{}: {} → {}",
        fit(&place, SHOWN),
        shown(&change.before),
        shown(&change.after)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::changes;
    use serde_json::json;

    #[test]
    fn each_place_is_named() {
        let before = json!({"text": "a", "items": [1, {"price": 2}, 3], "gone": null});
        let after = json!({"text": "b", "items": [1, {"price": 2.5}], "new": true});
        let lines: Vec<String> = changes(&before, &after, 9)
            .iter()
            .map(|change| line(change, "input"))
            .collect();
        assert_eq!(
            lines,
            [
                r#"input.text: "a" → "b""#,
                "input.items[1].price: 2 → 2.5",
                "input.items[2]: 3 → nothing",
                "input.gone: null → nothing",
                "input.new: nothing → true",
            ]
        );
        assert_eq!(
            line(&changes(&json!("x"), &json!(["x"]), 9)[0], "output"),
            r#"output: "x" → ["x"]"#
        );
        assert_eq!(changes(&before, &after, 2).len(), 2);
    }
}
