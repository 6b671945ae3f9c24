//! JSON from outside, read in bounded memory.
//!
//! A value takes more memory than its text: `0,` is two bytes of text and 72 of memory, and an object of one member
//! takes about 480. So the memory is computed from the text before a value is built, and text that would take too
//! much is refused.

use super::held_memory::{CallMemory, MAX_HELD, SMALL};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use std::io::Write;

/// The maximum memory of a value that is read from outside, in bytes: four times the text for 40 MB.
pub(crate) const MAX_FOOTPRINT: usize = 160 << 20;

/// Deeper nesting is refused by the reader. What is deeper is not measured either.
const MAX_DEPTH: usize = 127;

/// The size of one value inside a list, and of one member inside an object (with its name's header and its hash).
const VALUE: usize = size_of::<Value>();
const MEMBER: usize = VALUE + size_of::<String>() + size_of::<usize>();

/// The allocator takes a list of this size from the system, which gives only the part that is used.
const LARGE: usize = 128 << 10;

/// Why a text is not read as a value.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JsonError {
    /// It is not valid JSON.
    #[error("not valid JSON: {0}")]
    NotJson(serde_json::Error),
    /// It is nested too deep.
    #[error("JSON that is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// Its value would take too much memory; so many bytes.
    #[error("JSON whose values would take {} MB of memory (the maximum is {} MB); give less at once, or the path of a file", .0 >> 20, MAX_FOOTPRINT >> 20)]
    TooLarge(usize),
    /// Its value would take so many bytes, and the outputs of the run take so many already.
    #[error("JSON whose values would take {} MB of memory, and the outputs of a run may take {} MB together, of which {} MB are used; let tools give less, or the paths of files", .size >> 20, MAX_HELD >> 20, .held >> 20)]
    NoRoom {
        /// What it would take.
        size: usize,
        /// What the others take.
        held: usize,
    },
}

impl JsonError {
    /// Whether the text is JSON, but not one that is read.
    pub(crate) const fn is_refusal(&self) -> bool {
        !matches!(self, Self::NotJson(_))
    }
}

/// The value that `text` is, in at most [`MAX_FOOTPRINT`] bytes of memory, and in a call in no more than its run has left.
///
/// # Errors
/// Where it is not valid JSON, or is but would be too deep or too large as a value.
pub(crate) fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, JsonError> {
    let held = CallMemory::of_this_call().held();
    if held == 0 {
        return read_within(text, MAX_FOOTPRINT);
    }
    let room = MAX_HELD.saturating_sub(held).max(SMALL);
    read_within(text, room).map_err(|error| match error {
        JsonError::TooLarge(size) if size <= MAX_FOOTPRINT => JsonError::NoRoom { size, held },
        error => error,
    })
}

fn read_within<T: DeserializeOwned>(text: &[u8], max: usize) -> Result<T, JsonError> {
    // Shorter text cannot exceed the bound: lists of one value, `[[[0]]]`, take the most.
    let size = if text.len() > max / 160 {
        footprint_of_text(text)
    } else {
        0
    };
    if size > max {
        // Plain text may look like a long list; only JSON is refused.
        return Err(match serde_json::from_slice::<IgnoredAny>(text) {
            Ok(_) => JsonError::TooLarge(size),
            Err(error) => fault(error),
        });
    }
    serde_json::from_slice(text).map_err(fault)
}

fn fault(error: serde_json::Error) -> JsonError {
    if error.to_string().contains("recursion limit") {
        JsonError::TooDeep
    } else {
        JsonError::NotJson(error)
    }
}

/// The memory that a value takes, in bytes.
pub(crate) fn footprint(value: &Value) -> usize {
    VALUE + held(value)
}

/// What a value holds outside of itself.
fn held(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => allocation(text.len()),
        Value::Array(items) => list(items.len()) + items.iter().map(held).sum::<usize>(),
        Value::Object(members) => {
            let inside = members
                .iter()
                .map(|(name, value)| allocation(name.len()) + held(value));
            object(members.len()) + inside.sum::<usize>()
        }
    }
}

/// A list or an object that has begun.
#[derive(Default)]
struct Open {
    is_list: bool,
    /// Whether anything is in it.
    filled: bool,
    commas: usize,
}

/// The memory that the value of a JSON text takes, in bytes. For any other text it is some number.
fn footprint_of_text(text: &[u8]) -> usize {
    let mut size = VALUE;
    let mut open: Vec<Open> = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' => continue,
            b',' => {
                if let Some(open) = open.last_mut() {
                    open.commas += 1;
                }
                continue;
            }
            b']' | b'}' => {
                if let Some(closed) = open.pop() {
                    size += closed.size();
                }
                continue;
            }
            _ => {}
        }
        if let Some(open) = open.last_mut() {
            open.filled = true;
        }
        match byte {
            b'"' => {
                let length = string(&text[at..]);
                size += allocation(length);
                at += length + 1;
            }
            b'[' | b'{' => {
                if open.len() > MAX_DEPTH {
                    return size;
                }
                open.push(Open {
                    is_list: *byte == b'[',
                    ..Open::default()
                });
            }
            _ => {}
        }
    }
    size + open.iter().map(Open::size).sum::<usize>()
}

impl Open {
    fn size(&self) -> usize {
        let count = if self.filled { self.commas + 1 } else { 0 };
        if self.is_list {
            list(count)
        } else {
            object(count)
        }
    }
}

/// The length of a string whose opening quote has been read, up to its closing one.
fn string(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

/// What the allocator takes for so many bytes.
fn allocation(bytes: usize) -> usize {
    match bytes {
        0 => 0,
        _ => (bytes + 8).next_multiple_of(16).max(32),
    }
}

/// A list grows by doubling from four values.
fn list(count: usize) -> usize {
    if count == 0 || count * VALUE > LARGE {
        return count * VALUE;
    }
    allocation(count.next_power_of_two().max(4) * VALUE)
}

/// The members of an object stand in a list, and their places in a table of at most seven eighths.
fn object(count: usize) -> usize {
    let buckets = match count {
        0 => return 0,
        1..=3 => 4,
        4..=7 => 8,
        _ => (count * 8 / 7 + 1).next_power_of_two(),
    };
    let capacity = if buckets == 4 { 3 } else { buckets / 8 * 7 };
    let members = if count * MEMBER > LARGE {
        count
    } else {
        capacity
    };
    allocation(members * MEMBER) + allocation(buckets * 9 + 16)
}

/// The beginning of a value as JSON text, of at most so many bytes.
pub(crate) fn beginning(value: &Value, most: usize) -> String {
    struct Bounded(Vec<u8>, usize);
    impl Write for Bounded {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let room = self.1 - self.0.len();
            if room == 0 {
                return Err(std::io::ErrorKind::WriteZero.into());
            }
            let taken = &bytes[..bytes.len().min(room)];
            self.0.extend_from_slice(taken);
            Ok(taken.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut text = Bounded(Vec::new(), most);
    // It ends with an error where the value is longer.
    let _ = serde_json::to_writer(&mut text, value);
    String::from_utf8_lossy(&text.0).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 60, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..9).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..9)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn what_would_take_too_much_is_refused_and_text_is_not() {
        let zeros = format!("[{}0]", "0,".repeat(100_000));
        let error = read_within::<Value>(zeros.as_bytes(), 1 << 20).unwrap_err();
        assert!(matches!(error, JsonError::TooLarge(7_200_000..)), "{error}");
        assert!(read_within::<Value>(zeros.as_bytes(), 8 << 20).is_ok());
        let members = format!("[{}0]", "{\"a\":1},".repeat(10_000));
        assert!(read_within::<Value>(members.as_bytes(), 4 << 20).is_err());
        let table = &zeros[1..zeros.len() - 1];
        assert!(matches!(
            read_within::<Value>(table.as_bytes(), 1 << 20),
            Err(JsonError::NotJson(_))
        ));
        // Long strings take little more than their text.
        let long = json!(vec!["x".repeat(1000); 1000]).to_string();
        assert!(read_within::<Value>(long.as_bytes(), 2 << 20).is_ok());
    }

    #[test]
    fn depth_costs_no_stack_and_no_memory() {
        for text in [
            "[".repeat(1 << 20) + &"]".repeat(1 << 20),
            "{\"a\":".repeat(1 << 20),
        ] {
            assert!(matches!(
                read_within::<Value>(text.as_bytes(), 1 << 20),
                Err(JsonError::TooDeep)
            ));
        }
        let fits = "[".repeat(MAX_DEPTH) + &"]".repeat(MAX_DEPTH);
        assert!(read::<Value>(fits.as_bytes()).is_ok());
    }

    proptest! {
        #[test]
        fn the_text_and_its_value_are_measured_alike(value in any_json()) {
            let text = serde_json::to_string_pretty(&value).unwrap();
            // An escape is longer in the text than in the value.
            prop_assert!(footprint_of_text(text.as_bytes()) >= footprint(&value));
            if !text.contains('\\') {
                prop_assert_eq!(footprint_of_text(text.as_bytes()), footprint(&value));
            }
            prop_assert_eq!(read_within::<Value>(text.as_bytes(), footprint_of_text(text.as_bytes())).unwrap(), value);
        }

        #[test]
        fn no_text_panics(text in prop::collection::vec(any::<u8>(), 0..200)) {
            footprint_of_text(&text);
            let _ = read_within::<Value>(&text, 10);
        }
    }
}
