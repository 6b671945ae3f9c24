//! JSON values and texts: exact, without recursion, large parts outside of the record.
//!
//! A part that is large is replaced by its hash from the inside outwards, so that a large text inside an
//! input and the same text as an earlier output are one blob.

use super::{Cursor, DecodeError, Decoder, Encoder, Hash};
use crate::plan::{InputList, InputObject, InputPart, StepInput, View};
use serde_json::{Map, Number, Value};
use std::sync::Arc;

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const UNSIGNED: u8 = 3;
const SIGNED: u8 = 4;
const FLOAT: u8 = 5;
const TEXT: u8 = 6;
const LIST: u8 = 7;
const OBJECT: u8 = 8;
/// What follows is the hash of a blob that holds the value.
pub(super) const BLOB: u8 = 9;

/// A list or an object that is being written.
enum Open<'a> {
    List(std::slice::Iter<'a, Value>, usize),
    Object(serde_json::map::Iter<'a>, usize),
}

impl Encoder {
    /// Writes a text.
    pub(crate) fn text(&mut self, text: &str) {
        let start = self.out.len();
        self.byte(TEXT);
        self.bytes(text.as_bytes());
        self.outline(start);
    }

    /// Writes a value.
    pub(crate) fn value(&mut self, value: &Value) {
        let mut open: Vec<Open<'_>> = Vec::new();
        self.leaf(value, &mut open);
        while let Some(top) = open.last_mut() {
            let next = match top {
                Open::List(items, _) => items.next(),
                Open::Object(members, _) => members.next().map(|(name, value)| {
                    self.bytes(name.as_bytes());
                    value
                }),
            };
            match (next, top) {
                (Some(value), _) => self.leaf(value, &mut open),
                (None, Open::List(_, start) | Open::Object(_, start)) => {
                    let start = *start;
                    open.pop();
                    self.outline(start);
                }
            }
        }
    }

    /// Writes a step's input as the value that it stands for. It nests no deeper than a plan.
    pub(crate) fn input(&mut self, input: &StepInput) {
        let start = self.out.len();
        match input.view() {
            View::Value(value) => return self.value(value),
            View::List(items) => {
                self.byte(LIST);
                self.number(items.len() as u64);
                for item in items {
                    self.input(item);
                }
            }
            View::Object(members) => {
                self.byte(OBJECT);
                self.number(members.len() as u64);
                for (name, member) in members {
                    self.bytes(name.as_bytes());
                    self.input(member);
                }
            }
        }
        self.outline(start);
    }

    /// Writes a value without parts, or opens one that has some.
    fn leaf<'a>(&mut self, value: &'a Value, open: &mut Vec<Open<'a>>) {
        let start = self.out.len();
        match value {
            Value::Null => self.byte(NULL),
            Value::Bool(false) => self.byte(FALSE),
            Value::Bool(true) => self.byte(TRUE),
            Value::Number(number) => self.json_number(number),
            Value::String(text) => self.text(text),
            Value::Array(items) => {
                self.byte(LIST);
                self.number(items.len() as u64);
                open.push(Open::List(items.iter(), start));
            }
            Value::Object(members) => {
                self.byte(OBJECT);
                self.number(members.len() as u64);
                open.push(Open::Object(members.iter(), start));
            }
        }
    }

    fn json_number(&mut self, number: &Number) {
        if let Some(number) = number.as_u64() {
            self.byte(UNSIGNED);
            self.number(number);
        } else if let Some(number) = number.as_i64() {
            self.byte(SIGNED);
            self.signed(number);
        } else {
            self.byte(FLOAT);
            let bits = number.as_f64().unwrap_or_default().to_bits();
            self.out.extend_from_slice(&bits.to_le_bytes());
        }
    }
}

/// A list or an object that is being read: what it has, how many parts are missing, the name of the next one.
enum Building {
    List(Vec<Value>, u64),
    Object(Map<String, Value>, u64, String),
}

/// The next piece of a value.
enum Part {
    Whole(Value),
    List(u64),
    Object(u64),
    Blob(Hash),
}

/// A blob that is being read: how far, and how many lists and objects were open around it.
struct Inside {
    bytes: Arc<[u8]>,
    at: usize,
    around: usize,
}

/// Inputs share what is a blob in them down to this depth, which is more than a plan has. Below it they are values.
const MAX_INPUT_DEPTH: usize = 110;
/// Lists are not given more room in advance than for this many elements.
const MOST_IN_ADVANCE: u64 = 1024;

impl Decoder<'_> {
    /// Reads a text.
    pub(crate) fn text(&mut self) -> Result<Arc<str>, DecodeError> {
        match self.raw.byte()? {
            TEXT => {
                let text = self.raw.str()?;
                Ok(self.memory.text(text))
            }
            BLOB => {
                let hash = self.raw.hash()?;
                if let Some(known) = self.memory.texts.get(&hash) {
                    return Ok(Arc::clone(known));
                }
                let bytes = self.blobs.bytes(&hash)?;
                let mut inner = Cursor(&bytes);
                if inner.byte()? != TEXT {
                    return Err(DecodeError::Malformed);
                }
                let text: Arc<str> = inner.str()?.into();
                self.memory.texts.insert(hash, Arc::clone(&text));
                Ok(text)
            }
            _ => Err(DecodeError::Malformed),
        }
    }

    /// Reads a value; one that is a blob as a whole is shared by everything that refers to it.
    pub(crate) fn value(&mut self) -> Result<Arc<Value>, DecodeError> {
        if self.raw.0.first() != Some(&BLOB) {
            return self.tree().map(Arc::new);
        }
        self.raw.byte()?;
        let hash = self.raw.hash()?;
        if let Some(known) = self.memory.values.get(&hash) {
            return Ok(Arc::clone(known));
        }
        let bytes = self.blobs.bytes(&hash)?;
        let value = Decoder::new(&bytes, self.memory, self.blobs).tree()?;
        let value = Arc::new(value);
        self.memory.values.insert(hash, Arc::clone(&value));
        Ok(value)
    }

    /// Reads a step's input. What is a blob in it is shared with whatever else refers to that.
    pub(crate) fn input(&mut self) -> Result<StepInput, DecodeError> {
        Ok(match self.input_part(0)? {
            InputPart::Own(value) => value.into(),
            InputPart::Shared(input) => input,
        })
    }

    fn input_part(&mut self, depth: usize) -> Result<InputPart, DecodeError> {
        if depth > MAX_INPUT_DEPTH {
            return self.value().map(|value| InputPart::Shared(value.into()));
        }
        match self.raw.0.first() {
            Some(&LIST) => {
                self.raw.byte()?;
                let count = self.raw.number()?;
                let mut list = InputList::with_capacity(count.min(MOST_IN_ADVANCE) as usize);
                for _ in 0..count {
                    list.push(self.input_part(depth + 1)?);
                }
                Ok(list.done())
            }
            Some(&OBJECT) => {
                self.raw.byte()?;
                let mut object = InputObject::default();
                for _ in 0..self.raw.number()? {
                    let name = self.raw.str()?;
                    object.push(name, self.input_part(depth + 1)?);
                }
                Ok(object.done())
            }
            Some(&BLOB) => {
                self.raw.byte()?;
                let hash = self.raw.hash()?;
                if let Some(known) = self.memory.values.get(&hash) {
                    return Ok(InputPart::Shared(Arc::clone(known).into()));
                }
                if let Some(known) = self.memory.inputs.get(&hash) {
                    return Ok(InputPart::Shared(known.clone()));
                }
                let bytes = self.blobs.bytes(&hash)?;
                let mut blob = Decoder::new(&bytes, self.memory, self.blobs);
                let input = match blob.input_part(depth + 1)? {
                    InputPart::Own(value) => {
                        let value = Arc::new(value);
                        self.memory.values.insert(hash, Arc::clone(&value));
                        value.into()
                    }
                    InputPart::Shared(input) => {
                        self.memory.inputs.insert(hash, input.clone());
                        input
                    }
                };
                Ok(InputPart::Shared(input))
            }
            _ => self.tree().map(InputPart::Own),
        }
    }

    fn tree(&mut self) -> Result<Value, DecodeError> {
        let mut open: Vec<Building> = Vec::new();
        let mut inside: Vec<Inside> = Vec::new();
        loop {
            let mut whole = match at(&mut self.raw, &mut inside, part)? {
                Part::Whole(value) => Some(value),
                Part::List(0) => Some(Value::Array(Vec::new())),
                Part::Object(0) => Some(Value::Object(Map::new())),
                Part::List(count) => {
                    let room = count.min(MOST_IN_ADVANCE) as usize;
                    open.push(Building::List(Vec::with_capacity(room), count));
                    None
                }
                Part::Object(count) => {
                    let name = at(&mut self.raw, &mut inside, member_name)?;
                    open.push(Building::Object(Map::new(), count, name));
                    None
                }
                Part::Blob(hash) => {
                    inside.push(Inside {
                        bytes: self.blobs.bytes(&hash)?,
                        at: 0,
                        around: open.len(),
                    });
                    None
                }
            };
            while let Some(value) = whole.take() {
                // It was the whole of the blobs that were entered for it.
                while inside.last().is_some_and(|blob| blob.around == open.len()) {
                    inside.pop();
                }
                match open.pop() {
                    None => return Ok(value),
                    Some(Building::List(mut items, left)) => {
                        items.push(value);
                        match left - 1 {
                            0 => whole = Some(Value::Array(items)),
                            left => open.push(Building::List(items, left)),
                        }
                    }
                    Some(Building::Object(mut members, left, name)) => {
                        members.insert(name, value);
                        match left - 1 {
                            0 => whole = Some(Value::Object(members)),
                            left => {
                                let name = at(&mut self.raw, &mut inside, member_name)?;
                                open.push(Building::Object(members, left, name));
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Reads with `read` from the innermost blob, or from the record itself.
fn at<T>(
    raw: &mut Cursor<'_>,
    inside: &mut [Inside],
    read: impl FnOnce(&mut Cursor<'_>) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let Some(blob) = inside.last_mut() else {
        return read(raw);
    };
    let mut cursor = Cursor(&blob.bytes[blob.at..]);
    let value = read(&mut cursor)?;
    blob.at = blob.bytes.len() - cursor.0.len();
    Ok(value)
}

fn member_name(raw: &mut Cursor<'_>) -> Result<String, DecodeError> {
    raw.str().map(str::to_owned)
}

fn part(raw: &mut Cursor<'_>) -> Result<Part, DecodeError> {
    let value = match raw.byte()? {
        NULL => Value::Null,
        FALSE => Value::Bool(false),
        TRUE => Value::Bool(true),
        UNSIGNED => raw.number()?.into(),
        SIGNED => raw.signed()?.into(),
        FLOAT => {
            let bits = raw
                .slice(8)?
                .try_into()
                .map_err(|_| DecodeError::Malformed)?;
            let number = f64::from_bits(u64::from_le_bytes(bits));
            Value::Number(Number::from_f64(number).ok_or(DecodeError::Malformed)?)
        }
        TEXT => Value::String(raw.str()?.to_owned()),
        LIST => return raw.number().map(Part::List),
        OBJECT => return raw.number().map(Part::Object),
        BLOB => return raw.hash().map(Part::Blob),
        _ => return Err(DecodeError::Malformed),
    };
    Ok(Part::Whole(value))
}
