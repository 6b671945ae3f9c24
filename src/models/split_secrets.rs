//! Secrets that a stream carries in pieces: no single piece is one, and together they are.

use crate::text::secrets::{REDACTED, Secrets};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What begins a line with data.
const DATA: &str = "data:";

/// What some servers write after the last event.
const DONE: &str = "[DONE]";

/// Where in an event a text stands.
type Path = Vec<String>;

/// A stream of server-sent events with every text replaced that stands where the texts of all events, put together, have
/// a secret. Data that is not JSON is replaced as well: it cannot be told what of it belongs together.
pub(super) fn mask(stream: &str, secrets: &Secrets) -> String {
    let mut texts = BTreeMap::<Path, String>::new();
    for line in stream.lines() {
        if let Some(event) = event(line) {
            visit(&event, &mut Vec::new(), &mut |path, text| {
                texts.entry(path.to_vec()).or_default().push_str(text);
            });
        }
    }
    let with_secret = texts.into_iter().filter(|(_, text)| secrets.is_in(text));
    let masked: BTreeSet<Path> = with_secret.map(|(path, _)| path).collect();
    let lines = stream.split_inclusive('\n').map(|line| {
        let content = line.trim_end_matches(['\r', '\n']);
        let ending = &line[content.len()..];
        let Some(data) = content.strip_prefix(DATA) else {
            return line.to_owned();
        };
        match event(content) {
            Some(mut event) => {
                if replace(&mut event, &mut Vec::new(), &masked) {
                    format!("{DATA} {event}{ending}")
                } else {
                    line.to_owned()
                }
            }
            None if matches!(data.trim(), "" | DONE) => line.to_owned(),
            None => format!("{DATA} {REDACTED}{ending}"),
        }
    });
    lines.collect()
}

fn event(line: &str) -> Option<Value> {
    serde_json::from_str(line.strip_prefix(DATA)?).ok()
}

/// Calls `take` with every text in `value` and its place.
fn visit(value: &Value, path: &mut Path, take: &mut impl FnMut(&[String], &str)) {
    match value {
        Value::String(text) => take(path, text),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                path.push(at.to_string());
                visit(item, path, take);
                path.pop();
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                path.push(name.clone());
                visit(member, path, take);
                path.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Replaces the texts at these places; whether there were any.
fn replace(value: &mut Value, path: &mut Path, places: &BTreeSet<Path>) -> bool {
    match value {
        Value::String(text) => {
            let hides = !text.is_empty() && places.contains(path);
            if hides {
                REDACTED.clone_into(text);
            }
            hides
        }
        Value::Array(items) => {
            let mut any = false;
            for (at, item) in items.iter_mut().enumerate() {
                path.push(at.to_string());
                any |= replace(item, path, places);
                path.pop();
            }
            any
        }
        Value::Object(members) => {
            let mut any = false;
            for (name, member) in members {
                path.push(name.clone());
                any |= replace(member, path, places);
                path.pop();
            }
            any
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_a_secret_together_is_replaced() {
        let mut secrets = Secrets::new();
        secrets.add("plum-4471-jam");
        let stream = ": hello\r\n\r\nevent: delta\r\ndata: {\"id\":\"a\",\"parts\":[{\"text\":\"the plum-\"},{\"text\":\"other\"}]}\r\n\r\n\
            data: {\"id\":\"a\",\"parts\":[{\"text\":\"4471-\"}]}\n\ndata: {\"id\":\"a\",\"parts\":[{\"text\":\"jam\"}],\"n\":7}\n\n\
            data: half {\n\ndata: [DONE]\n\n";
        let masked = mask(stream, &secrets);
        assert_eq!(
            masked,
            ": hello\r\n\r\nevent: delta\r\ndata: {\"id\":\"a\",\"parts\":[{\"text\":\"[redacted]\"},{\"text\":\"other\"}]}\r\n\r\n\
            data: {\"id\":\"a\",\"parts\":[{\"text\":\"[redacted]\"}]}\n\ndata: {\"id\":\"a\",\"parts\":[{\"text\":\"[redacted]\"}],\"n\":7}\n\n\
            data: [redacted]\n\ndata: [DONE]\n\n"
        );
    }
}
