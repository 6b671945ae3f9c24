//! Whether a value of one schema can be the value of another.

use serde_json::{Map, Value, json};

/// How well a value fits where it is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// It has the type.
    Exact,
    /// One of both is not known, or it may be null.
    Open,
}

/// How well a value of the schema `from` fits a parameter of the schema `to`; `None` where it does not.
pub(super) fn fit(from: &Value, to: &Value) -> Option<Fit> {
    let (has, wants) = (types(from), types(to));
    if has.is_empty() || wants.is_empty() {
        return Some(Fit::Open);
    }
    let suits = |one: &str| {
        wants
            .iter()
            .any(|wanted| *wanted == one || (*wanted == "number" && one == "integer"))
    };
    if !has.iter().any(|one| suits(one)) {
        return None;
    }
    let mut fit = if has.iter().all(|one| suits(one)) {
        Fit::Exact
    } else {
        Fit::Open
    };
    if let (Some(has), Some(wants)) = (from.get("items"), to.get("items")) {
        fit = fit.max(self::fit(has, wants)?);
    }
    let (has, wants) = (properties(from), properties(to));
    if let (Some(has), Some(wants)) = (has, wants) {
        for name in required(to) {
            match (has.get(name), wants.get(name)) {
                (Some(one), Some(other)) => fit = fit.max(self::fit(one, other)?),
                (Some(_), None) => {}
                (None, _) => return None,
            }
        }
    }
    Some(fit)
}

/// The schema of a value.
pub(super) fn schema_of(value: &Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(_) => json!({"type": "boolean"}),
        Value::Number(number) if number.is_f64() => json!({"type": "number"}),
        Value::Number(_) => json!({"type": "integer"}),
        Value::String(_) => json!({"type": "string"}),
        Value::Array(list) => match list.first() {
            Some(first) => json!({"type": "array", "items": schema_of(first)}),
            None => json!({"type": "array"}),
        },
        Value::Object(members) => {
            let members: Map<String, Value> = members
                .iter()
                .map(|(name, member)| (name.clone(), schema_of(member)))
                .collect();
            json!({"type": "object", "properties": members})
        }
    }
}

/// The types that a schema names.
pub(super) fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

pub(super) fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    schema.get("properties")?.as_object()
}

fn required(schema: &Value) -> impl Iterator<Item = &str> {
    let names = schema.get("required").and_then(Value::as_array);
    names.into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_fits_where_every_value_of_it_does() {
        let of = |kind: &str| json!({"type": kind});
        assert_eq!(fit(&of("integer"), &of("number")), Some(Fit::Exact));
        assert_eq!(fit(&of("number"), &of("integer")), None);
        assert_eq!(fit(&of("string"), &json!({})), Some(Fit::Open));
        assert_eq!(
            fit(&json!({"type": ["string", "null"]}), &of("string")),
            Some(Fit::Open)
        );
        let list = |items: &str| json!({"type": "array", "items": {"type": items}});
        assert_eq!(fit(&list("string"), &list("string")), Some(Fit::Exact));
        assert_eq!(fit(&list("string"), &list("object")), None);
        let wants =
            json!({"type": "object", "properties": {"kg": {"type": "number"}}, "required": ["kg"]});
        assert_eq!(
            fit(&schema_of(&json!({"kg": 2, "of": "x"})), &wants),
            Some(Fit::Exact)
        );
        assert_eq!(fit(&schema_of(&json!({"of": "x"})), &wants), None);
    }
}
