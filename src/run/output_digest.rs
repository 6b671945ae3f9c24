//! A short digest of a value: equal values have equal digests, whatever the order of the fields of their objects.

use serde_json::Value;

/// How deep the order of fields does not matter: what is deeper is taken as it is written.
const DEPTH: usize = 64;

/// The digest; never 0.
pub(super) fn output_digest(value: &Value) -> u64 {
    let mut hasher = blake3::Hasher::new();
    feed(value, &mut hasher, 0);
    let mut short = [0; 8];
    short.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(short).max(1)
}

fn feed(value: &Value, hasher: &mut blake3::Hasher, depth: usize) {
    match value {
        Value::Object(fields) if depth < DEPTH => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort_unstable();
            hasher.update(b"{");
            hasher.update(&(names.len() as u64).to_le_bytes());
            for name in names {
                hasher.update(&(name.len() as u64).to_le_bytes());
                hasher.update(name.as_bytes());
                feed(&fields[name], hasher, depth + 1);
            }
        }
        Value::Array(items) if depth < DEPTH => {
            hasher.update(b"[");
            hasher.update(&(items.len() as u64).to_le_bytes());
            for item in items {
                feed(item, hasher, depth + 1);
            }
        }
        Value::String(text) => {
            hasher.update(b"\"");
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        other => {
            hasher.update(b"=");
            hasher.update(other.to_string().as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_order_of_fields_makes_no_difference_and_everything_else_does() {
        let value = json!({"a": [1, {"x": null, "y": "z"}], "b": 2.5});
        let same = json!({"b": 2.5, "a": [1, {"y": "z", "x": null}]});
        assert_eq!(output_digest(&value), output_digest(&same));
        let others = [
            json!({"a": [1, {"x": null, "y": "z"}], "b": "2.5"}),
            json!({"a": [{"x": null, "y": "z"}, 1], "b": 2.5}),
            json!({"a": [1], "b": 2.5}),
            json!(null),
            json!(["ab", "c"]),
            json!(["a", "bc"]),
            json!("null"),
        ];
        for (at, other) in others.iter().enumerate() {
            assert_ne!(output_digest(&value), output_digest(other), "{other}");
            for more in &others[at + 1..] {
                assert_ne!(output_digest(other), output_digest(more), "{other} {more}");
            }
        }
    }
}
