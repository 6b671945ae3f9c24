//! Outputs of steps, by the names that later steps have for them.

use super::order::Written;
use super::params::text_of;
use crate::import::plans::template::{Part, dotted};
use crate::text::message::quote;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The output of a step; of one that may not have succeeded, null then.
pub(super) fn own_output(id: &str, may_fail: bool) -> Part {
    Part::Reference(if may_fail {
        format!("(steps[\"{id}\"].output if steps[\"{id}\"].status == \"succeeded\" else none)")
    } else {
        format!("steps[{id}].output")
    })
}

/// The name of a variable, which may be written as one that is read.
pub(super) fn plain(name: &str) -> String {
    name.trim()
        .trim_start_matches('$')
        .trim_matches(['{', '}'])
        .to_owned()
}

/// Adds the names that later steps have for the output of a step.
pub(super) fn named_outputs(
    written: &Written,
    step: &Value,
    own: &Part,
    outputs: &mut BTreeMap<String, Part>,
    faults: &mut Vec<String>,
) {
    match &step["output"] {
        Value::String(name) => drop(outputs.insert(plain(name), own.clone())),
        Value::Object(members)
            if members.get("name").is_some_and(Value::is_string) && members.len() <= 3 =>
        {
            let name = text_of(&members["name"]);
            outputs.insert(plain(&name), own.clone());
        }
        Value::Object(members) => {
            let mut found = Map::new();
            for (name, entry) in members {
                let select = entry["select"].as_str().unwrap_or_default();
                let part = match (entry["from"].as_str(), entry.get("value")) {
                    (Some("stdout"), _) => dotted(select).map(|path| own.at(&path)),
                    (None, Some(value)) => Some(Part::Constant(value.clone())),
                    (None, None) => Some(Part::Constant(entry.clone())),
                    _ => None,
                };
                let part = part.unwrap_or_else(|| {
                    faults.push(format!(
                        "the output {} is not read from there; print it",
                        quote(name, 80)
                    ));
                    Part::NULL
                });
                found.insert(name.clone(), part.to_value());
            }
            let part = Part::Template(json!({"output": found, "outputs": found}));
            outputs.extend(written.id.clone().map(|id| (id, part.clone())));
            outputs.insert(written.name.clone(), part);
        }
        _ => {}
    }
}
