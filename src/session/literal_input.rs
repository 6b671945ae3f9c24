//! Inputs whose values are taken as they are, whatever marks of references they have in them.

use serde_json::{Map, Value};

/// The parameters that give a step this input, and the context values that they refer to. The names of those begin with
/// `prefix`.
pub(super) fn literal_input(
    input: &Map<String, Value>,
    prefix: &str,
) -> (Map<String, Value>, Map<String, Value>) {
    let names = (0..input.len()).map(|at| format!("{prefix}_{at}"));
    let reference = |name: &String| Value::from(format!("{{{{{name}}}}}"));
    let parameters = input.keys().zip(names.clone());
    let parameters = parameters.map(|(key, name)| (key.clone(), reference(&name)));
    let context = names.zip(input.values().cloned());
    (parameters.collect(), context.collect())
}
