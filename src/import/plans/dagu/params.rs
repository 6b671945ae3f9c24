//! Parameters and environments, in all their notations.

use crate::import::plans::template::is_identifier;
use crate::text::message::quote;
use serde_json::Value;

/// A folder that is plain text.
pub(super) fn folder<const N: usize>(object: &Value, names: [&str; N]) -> Option<String> {
    let text = names.iter().find_map(|name| object[*name].as_str())?;
    (!text.trim().is_empty()).then(|| text.to_owned())
}

/// A scalar as the text of a variable.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The pairs of an `env`: an object, a list of objects, or a list of `NAME=value`.
pub(super) fn pairs(env: &Value) -> Vec<(String, String)> {
    match env {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), text_of(value)))
            .collect(),
        Value::Array(list) => list.iter().flat_map(pairs).collect(),
        Value::String(text) => text
            .split_once('=')
            .map(|(name, value)| (name.trim().to_owned(), value.to_owned()))
            .into_iter()
            .collect(),
        _ => Vec::new(),
    }
}

/// Parameters with their defaults, in their order; those without a name are numbered from 1.
pub(super) fn parameters(params: &Value) -> (Vec<(String, Option<Value>)>, Vec<String>) {
    let mut found = Vec::new();
    let mut faults = Vec::new();
    match params {
        Value::String(text) => {
            for word in shlex::split(text).unwrap_or_else(|| vec![text.clone()]) {
                let named = word.split_once('=').filter(|(name, _)| is_identifier(name));
                match named {
                    Some((name, value)) => found.push((name.to_owned(), Some(value.into()))),
                    None => found.push(((found.len() + 1).to_string(), Some(word.into()))),
                }
            }
        }
        Value::Array(list) => {
            for item in list {
                match item {
                    Value::Object(members)
                        if members.get("name").is_some_and(Value::is_string)
                            && members.len() > 1 =>
                    {
                        let name = text_of(&members["name"]);
                        let is_required = members.get("required") == Some(&Value::Bool(true));
                        let default = members.get("default").cloned();
                        let default = default.or_else(|| (!is_required).then(|| "".into()));
                        found.push((name, default));
                    }
                    Value::Object(members) => {
                        let named = members.iter();
                        found
                            .extend(named.map(|(name, value)| (name.clone(), Some(value.clone()))));
                    }
                    other => {
                        let (more, _) = parameters(&Value::String(text_of(other)));
                        for (name, value) in more {
                            let is_position = name.starts_with(|c: char| c.is_ascii_digit());
                            let name = if is_position {
                                (found.len() + 1).to_string()
                            } else {
                                name
                            };
                            found.push((name, value));
                        }
                    }
                }
            }
        }
        Value::Object(members) => {
            let properties = members.get("properties").and_then(Value::as_object);
            if let Some(properties) = properties {
                let required = members.get("required").and_then(Value::as_array);
                for (name, schema) in properties {
                    let is_required =
                        required.is_some_and(|list| list.iter().any(|one| one == name));
                    let default = schema.get("default").cloned();
                    found.push((
                        name.clone(),
                        default.or_else(|| (!is_required).then(|| "".into())),
                    ));
                }
            } else if members.get("schema").is_some_and(Value::is_string) {
                faults.push(
                    "the schema of the parameters is in another file; give their values with -c"
                        .to_owned(),
                );
                found.extend(
                    pairs(&members.get("values").cloned().unwrap_or_default())
                        .into_iter()
                        .map(|(name, value)| (name, Some(value.into()))),
                );
            } else {
                found.extend(
                    members
                        .iter()
                        .map(|(name, value)| (name.clone(), Some(value.clone()))),
                );
            }
        }
        _ => {}
    }
    found.retain(|(name, _)| {
        let is_fine = is_identifier(name) || name.parse::<u32>().is_ok();
        if !is_fine {
            faults.push(format!(
                "the parameter {} cannot be the name of a variable",
                quote(name, 80)
            ));
        }
        is_fine
    });
    (found, faults)
}
