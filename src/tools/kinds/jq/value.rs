//! Converts between JSON values and jaq's.

use jaq_json::{Map, Num, Val};
use serde_json::{Number, Value};

/// Deeper outputs could not be read back as JSON.
const MAX_DEPTH: usize = 120;

/// The maximum size of a value as text, in bytes.
pub(super) const MAX_TEXT_BYTES: usize = 64 << 20;

/// Whole numbers below this are exact as floating point.
const EXACT: f64 = 9_007_199_254_740_992.0;

pub(super) fn read(value: &Value) -> Val {
    match value {
        Value::Null => Val::Null,
        Value::Bool(flag) => Val::Bool(*flag),
        Value::Number(number) => Val::Num(match (number.as_i64(), number.as_u64()) {
            (Some(n), _) => Num::from_integral(n),
            (None, Some(n)) => Num::from_integral(n),
            (None, None) => Num::Float(number.as_f64().unwrap_or(f64::NAN)),
        }),
        Value::String(text) => Val::utf8_str(text.clone().into_bytes()),
        Value::Array(items) => items.iter().map(read).collect(),
        Value::Object(members) => Val::obj(
            members
                .iter()
                .map(|(name, value)| (Val::utf8_str(name.clone().into_bytes()), read(value)))
                .collect::<Map>(),
        ),
    }
}

/// `size` is the approximate size of the outputs so far, in bytes, at most `max`.
pub(super) fn write(value: &Val, size: &mut usize, max: usize) -> Result<Value, String> {
    write_at(value, size, max, 0)
}

fn write_at(value: &Val, size: &mut usize, max: usize, depth: usize) -> Result<Value, String> {
    if depth > MAX_DEPTH {
        return Err(format!(
            "the output is nested deeper than {MAX_DEPTH} levels"
        ));
    }
    *size += match value {
        Val::TStr(text) | Val::BStr(text) => text.len() + 2,
        _ => 2,
    };
    if *size > max {
        return Err(format!("the output is larger than {} MB", max >> 20));
    }
    Ok(match value {
        Val::Null => Value::Null,
        Val::Bool(flag) => Value::Bool(*flag),
        Val::Num(number) => write_number(number)?,
        Val::TStr(text) | Val::BStr(text) => {
            Value::String(String::from_utf8_lossy(text).into_owned())
        }
        Val::Arr(items) => items
            .iter()
            .map(|item| write_at(item, size, max, depth + 1))
            .collect::<Result<_, _>>()?,
        Val::Obj(members) => {
            let mut object = serde_json::Map::with_capacity(members.len());
            for (name, value) in members.iter() {
                let name = match write_at(name, size, max, depth + 1)? {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                object.insert(name, write_at(value, size, max, depth + 1)?);
            }
            Value::Object(object)
        }
    })
}

/// Numbers as jq prints them: NaN is `null`, infinity the largest number, and a whole result has no fraction. An
/// integer that a value cannot hold is an error, where jq would round it.
fn write_number(number: &Num) -> Result<Value, String> {
    if let Some(n) = number.as_isize() {
        return Ok(Value::from(n as i64));
    }
    let float = match number {
        Num::Float(float) => *float,
        Num::Int(n) => *n as f64,
        Num::BigInt(n) => {
            let text = n.to_string();
            return text.parse::<u64>().map(Value::from).map_err(|_| {
                format!("the integer {text} is beyond 64 bits; make it text with `tostring`")
            });
        }
        Num::Dec(text) => text.parse().unwrap_or(f64::NAN),
    };
    Ok(if float.is_nan() {
        Value::Null
    } else if float.fract() == 0.0 && float.abs() < EXACT {
        Value::from(float as i64)
    } else {
        Number::from_f64(float.clamp(f64::MIN, f64::MAX)).map_or(Value::Null, Value::Number)
    })
}

/// Text as a value.
pub(super) fn text_value(text: String) -> Val {
    Val::utf8_str(text.into_bytes())
}

/// A value in an error message.
pub(super) fn shown(value: &Val) -> String {
    let json =
        write(value, &mut 0, MAX_TEXT_BYTES).map_or_else(|error| error, |json| json.to_string());
    let short: String = json.chars().take(40).collect();
    let name = match value {
        Val::Null => "null",
        Val::Bool(_) => "boolean",
        Val::Num(_) => "number",
        Val::BStr(_) | Val::TStr(_) => "string",
        Val::Arr(_) => "array",
        Val::Obj(_) => "object",
    };
    format!("{name} ({short})")
}

/// A number as floating point.
pub(super) fn float(number: &Num) -> f64 {
    match number {
        Num::Int(n) => *n as f64,
        Num::Float(float) => *float,
        other => other.to_string().parse().unwrap_or(f64::NAN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn back(value: &Value) -> Value {
        write(&read(value), &mut 0, 1 << 20).unwrap()
    }

    #[test]
    fn numbers_keep_their_value() {
        for number in [
            json!(0),
            json!(-1),
            json!(i64::MIN),
            json!(u64::MAX),
            json!(0.1),
            json!(1e300),
        ] {
            assert_eq!(back(&number), number);
        }
        assert_eq!(back(&json!(2.0)), json!(2));
        assert_eq!(
            write(&Val::Num(Num::Float(f64::NAN)), &mut 0, 9).unwrap(),
            json!(null)
        );
    }

    #[test]
    fn size_and_depth_are_bounded() {
        assert!(write(&read(&json!("x".repeat(100))), &mut 0, 50).is_err());
        let mut deep = Val::Null;
        for _ in 0..200 {
            deep = [deep].into_iter().collect();
        }
        assert!(
            write(&deep, &mut 0, 1 << 20)
                .unwrap_err()
                .contains("nested")
        );
    }

    proptest! {
        #[test]
        fn text_and_structure_survive(list in prop::collection::vec(any::<String>(), 0..5), n in any::<i64>()) {
            let value = json!({"list": list, "n": n, "flag": true, "none": null});
            prop_assert_eq!(back(&value), value);
        }
    }
}
