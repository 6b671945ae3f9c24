//! The fields of a query or a form.

use crate::tools::template::plain;
use serde_json::Value;

/// Adds a field. A list of plain values is repeated under its name; `null` is left out.
pub(super) fn add_query(query: &mut Vec<(String, String)>, name: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::Array(items)
            if items
                .iter()
                .all(|item| !item.is_object() && !item.is_array()) =>
        {
            query.extend(items.iter().map(|item| (name.to_owned(), plain(item))));
        }
        other => query.push((name.to_owned(), plain(other))),
    }
}
