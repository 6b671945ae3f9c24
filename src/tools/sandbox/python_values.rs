//! Values of JSON in Python, and values of Python as JSON.

use monty_types::{DictPairs, MontyObject};
use serde_json::{Map, Number, Value};

/// Deeper outputs could not be read back as JSON.
const MAX_DEPTH: usize = 120;

/// The approximate maximum size of an output as JSON, in bytes.
const MAX_OUTPUT_BYTES: usize = 64 << 20;

/// A JSON value in Python.
pub(super) fn from_json(value: &Value) -> MontyObject {
    match value {
        Value::Null => MontyObject::None,
        Value::Bool(flag) => MontyObject::Bool(*flag),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(n), _) => MontyObject::Int(n),
            (None, Some(n)) => MontyObject::BigInt(n.into()),
            (None, None) => MontyObject::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => MontyObject::String(text.clone()),
        Value::Array(items) => MontyObject::List(items.iter().map(from_json).collect()),
        Value::Object(members) => MontyObject::Dict(
            members
                .iter()
                .map(|(name, value)| (MontyObject::String(name.clone()), from_json(value)))
                .collect(),
        ),
    }
}

/// Tuples, sets and the like become lists, named tuples and instances objects, dates and times ISO 8601 text,
/// a time span seconds, bytes text, an exception its text; NaN is `null`. Any other type is an error.
pub(super) fn to_json(
    object: MontyObject,
    size: &mut usize,
    depth: usize,
) -> Result<Value, String> {
    if depth > MAX_DEPTH {
        return Err(format!("`output` is nested deeper than {MAX_DEPTH} levels"));
    }
    *size += match &object {
        MontyObject::String(text) => text.len() + 2,
        MontyObject::Bytes(bytes) => bytes.len() + 2,
        _ => 2,
    };
    if *size > MAX_OUTPUT_BYTES {
        return Err(format!(
            "`output` is larger than {} MB",
            MAX_OUTPUT_BYTES >> 20
        ));
    }
    Ok(match object {
        MontyObject::None | MontyObject::Ellipsis => Value::Null,
        MontyObject::Bool(flag) => Value::Bool(flag),
        MontyObject::Int(n) => Value::from(n),
        MontyObject::BigInt(n) => {
            let text = n.to_string();
            // Beyond 64 bits JSON numbers lose digits in most readers; text keeps them.
            text.parse::<u64>().map_or(Value::String(text), Value::from)
        }
        MontyObject::Float(float) => Number::from_f64(float).map_or(Value::Null, Value::Number),
        MontyObject::String(text) | MontyObject::Path(text) => Value::String(text),
        MontyObject::Bytes(bytes) => Value::String(String::from_utf8(bytes).map_err(|_| {
            "`output` holds bytes that are not valid UTF-8; encode them first".to_owned()
        })?),
        MontyObject::List(items)
        | MontyObject::Tuple(items)
        | MontyObject::Set(items)
        | MontyObject::FrozenSet(items) => items
            .into_iter()
            .map(|item| to_json(item, size, depth + 1))
            .collect::<Result<_, _>>()?,
        MontyObject::NamedTuple {
            field_names,
            values,
            ..
        } => Value::Object(
            field_names
                .into_iter()
                .zip(values)
                .map(|(name, value)| Ok((name, to_json(value, size, depth + 1)?)))
                .collect::<Result<_, String>>()?,
        ),
        MontyObject::Dict(pairs) => object_of(pairs, size, depth)?,
        MontyObject::ClassInstance(instance) => object_of(instance.attrs, size, depth)?,
        MontyObject::Date(date) => Value::String(format!(
            "{:04}-{:02}-{:02}",
            date.year, date.month, date.day
        )),
        MontyObject::DateTime(at) => Value::String(format!(
            "{:04}-{:02}-{:02}T{}{}",
            at.year,
            at.month,
            at.day,
            clock(at.hour, at.minute, at.second, at.microsecond),
            at.offset_seconds.map_or(String::new(), offset)
        )),
        MontyObject::Time(at) => Value::String(format!(
            "{}{}",
            clock(at.hour, at.minute, at.second, at.microsecond),
            at.offset_seconds.map_or(String::new(), offset)
        )),
        MontyObject::TimeDelta(span) => {
            let seconds = f64::from(span.days) * 86_400.0
                + f64::from(span.seconds)
                + f64::from(span.microseconds) / 1e6;
            Number::from_f64(seconds).map_or(Value::Null, Value::Number)
        }
        MontyObject::Exception { exc_type, arg } => Value::String(
            arg.map_or_else(|| exc_type.to_string(), |arg| format!("{exc_type}: {arg}")),
        ),
        MontyObject::Cycle(..) => return Err("`output` contains itself".to_owned()),
        other => return Err(format!("`output` holds {other}, which has no JSON form")),
    })
}

fn object_of(pairs: DictPairs, size: &mut usize, depth: usize) -> Result<Value, String> {
    let mut object = Map::new();
    for (name, value) in pairs {
        let name = match to_json(name, size, depth + 1)? {
            Value::String(text) => text,
            other => other.to_string(),
        };
        object.insert(name, to_json(value, size, depth + 1)?);
    }
    Ok(Value::Object(object))
}

fn clock(hour: u8, minute: u8, second: u8, micros: u32) -> String {
    if micros == 0 {
        format!("{hour:02}:{minute:02}:{second:02}")
    } else {
        format!("{hour:02}:{minute:02}:{second:02}.{micros:06}")
    }
}

fn offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}
