//! The resolved parameters of a step: JSON whose large parts are shared with what they refer to.
//!
//! A hundred steps that refer to an output of a megabyte need one megabyte and not a hundred: where a reference
//! names something large, the input holds on to the output and does not copy it. Small values are copied, because a
//! copy of those is cheaper than a part of its own.

use super::path::{Segment, follow};
use crate::text::json::footprint;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// What takes about this many bytes of memory is shared.
const SHARED_FROM: usize = 1024;

/// The resolved parameters of a step. A copy costs a count.
///
/// As JSON, and compared with others, it is the value that it stands for, whatever it shares.
#[derive(Clone)]
pub struct StepInput(Node);

#[derive(Clone)]
enum Node {
    /// A value of its own, or the whole of one that is shared.
    Whole(Arc<Value>),
    /// A value that shares parts with others.
    Shares(Arc<Shares>),
}

struct Shares {
    parts: Parts,
    /// The copy that was made of it, as long as somebody holds it.
    copy: Mutex<Weak<Value>>,
}

enum Parts {
    /// A part of a value.
    Part(Arc<Value>, Box<[Segment]>),
    List(Box<[StepInput]>),
    Object(Box<[(Arc<str>, StepInput)]>),
}

/// What a [`StepInput`] consists of.
#[derive(Clone, Copy, Debug)]
pub enum View<'a> {
    /// A value as a whole.
    Value(&'a Value),
    /// A list with shared parts somewhere in it.
    List(&'a [StepInput]),
    /// An object with shared parts somewhere in it; no name is given twice.
    Object(&'a [(Arc<str>, StepInput)]),
}

impl StepInput {
    /// A part of a shared value.
    fn part(root: Arc<Value>, path: Box<[Segment]>) -> Self {
        Self::sharing(Parts::Part(root, path))
    }

    fn sharing(parts: Parts) -> Self {
        let copy = Mutex::new(Weak::new());
        Self(Node::Shares(Arc::new(Shares { parts, copy })))
    }

    /// Its parts. They nest no deeper than the parameters of a plan or its record.
    pub fn view(&self) -> View<'_> {
        match &self.0 {
            Node::Whole(value) => View::Value(value),
            Node::Shares(shares) => match &shares.parts {
                Parts::Part(root, path) => View::Value(follow(root, path).unwrap_or(&Value::Null)),
                Parts::List(items) => View::List(items),
                Parts::Object(members) => View::Object(members),
            },
        }
    }

    /// The value. One that shares only parts with others is copied, once for all who hold the copy at a time.
    pub fn to_value(&self) -> Arc<Value> {
        match &self.0 {
            Node::Whole(value) => Arc::clone(value),
            Node::Shares(shares) => {
                // A panic in between leaves the old copy.
                let mut last = shares.copy.lock().unwrap_or_else(PoisonError::into_inner);
                last.upgrade().unwrap_or_else(|| {
                    let copy = Arc::new(self.copy());
                    *last = Arc::downgrade(&copy);
                    copy
                })
            }
        }
    }

    fn copy(&self) -> Value {
        match self.view() {
            View::Value(value) => value.clone(),
            View::List(items) => items.iter().map(Self::copy).collect(),
            View::Object(members) => {
                let members = members.iter();
                Value::Object(
                    members
                        .map(|(name, part)| (name.to_string(), part.copy()))
                        .collect(),
                )
            }
        }
    }

    /// The memory that a copy of it takes, in bytes, where that is `min` or more.
    pub(crate) fn footprint_from(&self, min: usize) -> Option<usize> {
        if let Node::Whole(value) = &self.0
            && !is_large(value)
        {
            return None;
        }
        Some(self.footprint()).filter(|size| *size >= min)
    }

    fn footprint(&self) -> usize {
        match self.view() {
            View::Value(value) => footprint(value),
            View::List(items) => items.iter().map(Self::footprint).sum(),
            View::Object(members) => {
                let parts = members.iter();
                parts
                    .map(|(name, part)| name.len() + part.footprint())
                    .sum()
            }
        }
    }

    fn is(&self, value: &Value) -> bool {
        match (self.view(), value) {
            (View::Value(part), value) => std::ptr::eq(part, value) || part == value,
            (View::List(items), Value::Array(values)) => {
                items.len() == values.len() && items.iter().zip(values).all(|(a, b)| a.is(b))
            }
            (View::Object(members), Value::Object(values)) => {
                let same = |(name, part): &(Arc<str>, Self)| {
                    values.get(&**name).is_some_and(|value| part.is(value))
                };
                members.len() == values.len() && members.iter().all(same)
            }
            _ => false,
        }
    }
}

impl From<Arc<Value>> for StepInput {
    fn from(value: Arc<Value>) -> Self {
        Self(Node::Whole(value))
    }
}

impl From<Value> for StepInput {
    fn from(value: Value) -> Self {
        Arc::new(value).into()
    }
}

impl Default for StepInput {
    fn default() -> Self {
        Value::Null.into()
    }
}

impl PartialEq for StepInput {
    fn eq(&self, other: &Self) -> bool {
        match (self.view(), other.view()) {
            (View::Value(value), _) => other.is(value),
            (_, View::Value(value)) => self.is(value),
            (View::List(a), View::List(b)) => a == b,
            (View::Object(a), View::Object(b)) => {
                let same = |(at, (name, part)): (usize, &(Arc<str>, Self))| {
                    // Mostly they are in the same order.
                    let mut likely = b.get(at).into_iter().chain(b);
                    likely.any(|(other, value)| name == other && part == value)
                };
                a.len() == b.len() && a.iter().enumerate().all(same)
            }
            _ => false,
        }
    }
}

impl PartialEq<Value> for StepInput {
    fn eq(&self, other: &Value) -> bool {
        self.is(other)
    }
}

impl fmt::Debug for StepInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.view() {
            View::Value(value) => value.fmt(f),
            View::List(items) => f.debug_list().entries(items).finish(),
            View::Object(members) => {
                let members = members.iter().map(|(name, part)| (name, part));
                f.debug_map().entries(members).finish()
            }
        }
    }
}

impl Serialize for StepInput {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.view() {
            View::Value(value) => value.serialize(serializer),
            View::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            View::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, part) in members {
                    map.serialize_entry(&**name, part)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for StepInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from)
    }
}

/// A part of an input that is being put together.
pub(crate) enum InputPart {
    /// A value of its own.
    Own(Value),
    /// What is or has something shared.
    Shared(StepInput),
}

impl InputPart {
    /// A shared value, or a copy of it where it is small.
    pub(crate) fn of(value: &Arc<Value>) -> Self {
        if is_large(value) {
            Self::Shared(Arc::clone(value).into())
        } else {
            Self::Own(Value::clone(value))
        }
    }

    /// The part `value` of `root`, or a copy of it where it is small. `path` leads there.
    pub(super) fn part_of(
        root: &Arc<Value>,
        value: &Value,
        path: impl FnOnce() -> Box<[Segment]>,
    ) -> Self {
        if is_large(value) {
            Self::Shared(StepInput::part(Arc::clone(root), path()))
        } else {
            Self::Own(value.clone())
        }
    }
}

impl From<InputPart> for StepInput {
    fn from(part: InputPart) -> Self {
        match part {
            InputPart::Own(value) => value.into(),
            InputPart::Shared(input) => input,
        }
    }
}

/// A list that is being put together: of values as long as nothing in it is shared.
pub(crate) enum InputList {
    Own(Vec<Value>),
    Shares(Vec<StepInput>),
}

impl InputList {
    /// An empty list with room for `count` elements.
    pub(crate) fn with_capacity(count: usize) -> Self {
        Self::Own(Vec::with_capacity(count))
    }

    /// One more element.
    pub(crate) fn push(&mut self, part: InputPart) {
        match (&mut *self, part) {
            (Self::Own(items), InputPart::Own(value)) => items.push(value),
            (Self::Shares(items), part) => items.push(part.into()),
            (Self::Own(items), InputPart::Shared(input)) => {
                let before = std::mem::take(items).into_iter().map(StepInput::from);
                *self = Self::Shares(before.chain([input]).collect());
            }
        }
    }

    /// The list.
    pub(crate) fn done(self) -> InputPart {
        match self {
            Self::Own(items) => InputPart::Own(Value::Array(items)),
            Self::Shares(items) => shared(Parts::List(items.into())),
        }
    }
}

/// An object that is being put together: of values as long as nothing in it is shared. No name may come twice.
pub(crate) enum InputObject {
    Own(Map<String, Value>),
    Shares(Vec<(Arc<str>, StepInput)>),
}

impl Default for InputObject {
    fn default() -> Self {
        Self::with_capacity(0)
    }
}

impl InputObject {
    /// An empty object with room for `count` members; no room is taken for none.
    pub(crate) fn with_capacity(count: usize) -> Self {
        Self::Own(Map::with_capacity(count))
    }

    /// One more member.
    pub(crate) fn push(&mut self, name: &str, part: InputPart) {
        match (&mut *self, part) {
            (Self::Own(members), InputPart::Own(value)) => {
                members.insert(name.to_owned(), value);
            }
            (Self::Shares(members), part) => members.push((name.into(), part.into())),
            (Self::Own(members), InputPart::Shared(input)) => {
                let before = std::mem::take(members).into_iter();
                let before = before.map(|(name, value)| (name.into(), value.into()));
                *self = Self::Shares(before.chain([(name.into(), input)]).collect());
            }
        }
    }

    /// The object.
    pub(crate) fn done(self) -> InputPart {
        match self {
            Self::Own(members) => InputPart::Own(Value::Object(members)),
            Self::Shares(members) => shared(Parts::Object(members.into())),
        }
    }
}

fn shared(parts: Parts) -> InputPart {
    InputPart::Shared(StepInput::sharing(parts))
}

/// Whether a value takes [`SHARED_FROM`] bytes or more. It looks no further than that, and so no deeper.
fn is_large(value: &Value) -> bool {
    fn rest(value: &Value, left: usize) -> Option<usize> {
        let left = left.checked_sub(size_of::<Value>())?;
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => Some(left),
            Value::String(text) => left.checked_sub(text.len()),
            Value::Array(items) => items.iter().try_fold(left, |left, item| rest(item, left)),
            Value::Object(members) => members.iter().try_fold(left, |left, (name, value)| {
                rest(value, left.checked_sub(size_of::<String>() + name.len())?)
            }),
        }
    }
    rest(value, SHARED_FROM).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn mixed(name: &str) -> (Arc<Value>, StepInput) {
        let output = Arc::new(json!({"text": "long ".repeat(1000), "n": 1}));
        let path = |name: &str| -> Box<[Segment]> { [Segment::Field(name.into())].into() };
        let mut list = InputList::with_capacity(2);
        list.push(InputPart::Own(json!(1)));
        list.push(InputPart::part_of(&output, &output["text"], || {
            path("text")
        }));
        list.push(InputPart::Own(json!([])));
        let mut object = InputObject::with_capacity(3);
        object.push(name, InputPart::Own(json!({"b": null})));
        object.push("list", list.done());
        object.push("whole", InputPart::of(&output));
        object.push("n", InputPart::part_of(&output, &output["n"], || path("n")));
        (output, object.done().into())
    }

    fn plain(name: &str, output: &Value) -> Value {
        json!({name: {"b": null}, "list": [1, output["text"], []], "whole": output, "n": 1})
    }

    #[test]
    fn what_is_large_is_shared_and_what_is_small_is_not() {
        let (output, input) = mixed("a");
        assert_eq!(Arc::strong_count(&output), 3);
        let another = input.clone();
        assert_eq!(Arc::strong_count(&output), 3);
        drop((input, another));
        assert_eq!(Arc::strong_count(&output), 1);
        let mut small = InputObject::with_capacity(1);
        small.push("n", InputPart::of(&Arc::new(json!([1, 2]))));
        let small: StepInput = small.done().into();
        assert!(matches!(small.view(), View::Value(value) if *value == json!({"n": [1, 2]})));
    }

    #[test]
    fn it_is_the_value_that_it_stands_for() {
        let (output, input) = mixed("a");
        let value = plain("a", &output);
        assert_eq!(*input.to_value(), value);
        let copy = input.to_value();
        assert!(Arc::ptr_eq(&copy, &input.to_value()));
        assert_eq!(serde_json::to_string(&input).unwrap(), value.to_string());
        assert_eq!(
            format!("{input:?}").len(),
            format!("{:?}", mixed("b").1).len()
        );
        let read: StepInput = serde_json::from_value(value.clone()).unwrap();
        for same in [&read, &mixed("a").1] {
            assert_eq!(*same, input);
            assert_eq!(input, *same);
        }
        assert!(input == value && input != plain("b", &output));
        for other in [
            mixed("b").1,
            plain("b", &output).into(),
            output.into(),
            StepInput::default(),
        ] {
            assert_ne!(other, input);
            assert_ne!(input, other);
        }
        // The order of members is no difference.
        let mut turned = InputObject::with_capacity(4);
        let members = ["n", "whole", "list", "a"].map(|name| (name, Arc::new(value[name].clone())));
        for (name, member) in &members {
            turned.push(name, InputPart::of(member));
        }
        let turned: StepInput = turned.done().into();
        assert!(matches!(turned.view(), View::Object(_)));
        assert_eq!(turned, input);
        assert_eq!(input, turned);
    }

    #[test]
    fn depth_is_no_danger() {
        let mut deep = Value::Null;
        for _ in 0..3000 {
            deep = Value::Array(vec![deep]);
        }
        assert!(is_large(&deep) && !is_large(&json!([[[[]]]])));
    }
}
