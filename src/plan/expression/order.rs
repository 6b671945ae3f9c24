//! Which values can be put in order, and how.

use minijinja::value::{Value, ValueKind};
use minijinja::{Error, ErrorKind};
use std::cmp::Ordering;

/// How deep lists in lists are compared.
const MAX_DEPTH: usize = 100;

/// The order of two values of one kind: numbers, texts, booleans, and lists element by element. `None` where one
/// of them is undefined: nothing holds for it, as in a condition.
///
/// # Errors
/// The kinds of the two values that have no order: text and a number, null and anything, objects.
pub(super) fn order(a: &Value, b: &Value) -> Result<Option<Ordering>, (ValueKind, ValueKind)> {
    order_within(a, b, MAX_DEPTH)
}

fn order_within(
    a: &Value,
    b: &Value,
    depth: usize,
) -> Result<Option<Ordering>, (ValueKind, ValueKind)> {
    use ValueKind::{Bool, Iterable, Number, Seq, String, Undefined};
    match (a.kind(), b.kind()) {
        (Undefined, _) | (_, Undefined) => Ok(None),
        (Number, Number) | (String, String) | (Bool, Bool) => Ok(Some(a.cmp(b))),
        (Seq | Iterable, Seq | Iterable) if depth > 0 => lists(a, b, depth),
        kinds => Err(kinds),
    }
}

fn lists(a: &Value, b: &Value, depth: usize) -> Result<Option<Ordering>, (ValueKind, ValueKind)> {
    let kinds = || (a.kind(), b.kind());
    let mut left = a.try_iter().map_err(|_| kinds())?;
    let mut right = b.try_iter().map_err(|_| kinds())?;
    loop {
        match (left.next(), right.next()) {
            (Some(one), Some(other)) if one == other => {}
            (Some(one), Some(other)) => return order_within(&one, &other, depth - 1),
            (one, other) => return Ok(Some(one.is_some().cmp(&other.is_some()))),
        }
    }
}

/// Whether `a SIGN b` holds, where the sign is one that asks for an order.
pub(super) fn holds(a: &Value, sign: &str, b: &Value) -> Result<bool, Error> {
    let order = order(a, b).map_err(|kinds| {
        Error::new(
            ErrorKind::InvalidOperation,
            format!("`{sign}` compares {}", refusal(kinds)),
        )
    })?;
    Ok(order.is_some_and(|order| match sign {
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        _ => order.is_ge(),
    }))
}

/// Refuses to sort values that have no order, before `filter` does.
pub(super) fn check_all(filter: &str, keys: &[Value]) -> Result<(), Error> {
    for pair in keys.windows(2) {
        order(&pair[0], &pair[1]).map_err(|kinds| {
            Error::new(
                ErrorKind::InvalidOperation,
                format!("`{filter}` compares {}", refusal(kinds)),
            )
        })?;
    }
    Ok(())
}

/// What was compared with what, and what to do about it.
fn refusal((a, b): (ValueKind, ValueKind)) -> String {
    let remedy = match (a, b) {
        (ValueKind::None, _) | (_, ValueKind::None) => {
            "; give the value a default, as in `(x or 0)`, or ask whether it `is none` first"
        }
        (ValueKind::String, ValueKind::Number) | (ValueKind::Number, ValueKind::String) => {
            "; convert one of them with `|int`, `|float` or `|string`"
        }
        _ => "",
    };
    format!("{} with {}{remedy}", name(a), name(b))
}

/// What a kind of value is called in messages, with its article.
pub(super) fn name(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Undefined => "what is undefined",
        ValueKind::None => "null",
        ValueKind::Bool => "true or false",
        ValueKind::Number => "a number",
        ValueKind::String => "text",
        ValueKind::Seq | ValueKind::Iterable => "a list",
        ValueKind::Map => "an object",
        _ => "a value of another kind",
    }
}
