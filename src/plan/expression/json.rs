//! Values of expressions from JSON, and back.

use crate::text::visible;
use minijinja::value::{Value as Jinja, ValueKind};
use serde_json::{Map, Number, Value};

pub(super) fn read(value: &Value) -> Jinja {
    match value {
        Value::Null => Jinja::from(()),
        Value::Bool(truth) => Jinja::from(*truth),
        Value::Number(number) => {
            if let Some(integer) = number.as_i64() {
                Jinja::from(integer)
            } else if let Some(integer) = number.as_u64() {
                Jinja::from(integer)
            } else {
                Jinja::from(number.as_f64().unwrap_or(f64::NAN))
            }
        }
        Value::String(text) => Jinja::from(text.as_str()),
        Value::Array(list) => Jinja::from(list.iter().map(read).collect::<Vec<_>>()),
        Value::Object(map) => {
            Jinja::from_pairs(map.iter().map(|(key, value)| (key.as_str(), read(value))))
        }
    }
}

/// The result as JSON. What JSON has no kind for becomes text, and what is undefined inside a list or an object
/// becomes `null`.
///
/// # Errors
/// A number that JSON here cannot hold as it is: an integer beyond 64 bits, infinity, NaN.
pub(super) fn write(value: &Jinja) -> Result<Value, String> {
    Ok(match value.kind() {
        ValueKind::Undefined | ValueKind::None => Value::Null,
        ValueKind::Bool => Value::Bool(value.is_true()),
        ValueKind::Number => Value::Number(number(value)?),
        ValueKind::Seq | ValueKind::Iterable => match value.try_iter() {
            Ok(elements) => elements
                .map(|element| write(&element))
                .collect::<Result<_, _>>()
                .map(Value::Array)?,
            Err(_) => Value::Null,
        },
        ValueKind::Map => {
            let mut map = Map::new();
            if let Ok(keys) = value.try_iter() {
                for key in keys {
                    let member = value.get_item(&key).unwrap_or(Jinja::UNDEFINED);
                    map.insert(key.to_string(), write(&member)?);
                }
            }
            Value::Object(map)
        }
        _ => Value::String(value.to_string()),
    })
}

fn number(value: &Jinja) -> Result<Number, String> {
    if value.is_integer() {
        return value
            .as_i64()
            .map(Number::from)
            .or_else(|| u64::try_from(value.clone()).ok().map(Number::from))
            .ok_or_else(|| {
                format!(
                    "the integer {} is beyond 64 bits; make it text with `|string`",
                    visible(&value.to_string(), 60)
                )
            });
    }
    f64::try_from(value.clone())
        .ok()
        .and_then(Number::from_f64)
        .ok_or_else(|| format!("{value} is not a number that JSON has"))
}
