//! References: how one step names another's output, or a context value.

use super::ids::StepIx;
use super::names::type_name;
use crate::text::visible;
use serde_json::{Map, Value};
use std::fmt::Write as _;
use std::sync::Arc;

/// One segment of a path into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// A member of an object.
    Field(Arc<str>),
    /// An element of a list; from the end where negative.
    Index(i64),
}

/// What a reference starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    /// The output of a step.
    Step(StepIx),
    /// A context value.
    Context(Arc<str>),
    /// The element of the list that a `for_each` step runs for.
    Item,
    /// The position of that element.
    Index,
    /// An object of all outputs by step id.
    Outputs,
}

/// A plain reference: a root and a path into its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// What it starts from.
    pub root: Root,
    /// The path from there.
    pub path: Box<[Segment]>,
    /// As the plan has it, for messages.
    pub source: Arc<str>,
}

/// The status word of a step that did not run, whose output is `null` for what refers to it.
const SKIPPED: &str = "skipped";

/// What the references of one step see when they are resolved.
pub trait Scope {
    /// The output of a step that succeeded.
    fn output(&self, step: StepIx) -> Option<&Arc<Value>>;
    /// The status word of a step (`succeeded`, `failed`, `skipped`, …), for expressions.
    fn status(&self, step: StepIx) -> &'static str;
    /// A step's id.
    fn id(&self, step: StepIx) -> &str;
    /// How many steps the plan has.
    fn steps(&self) -> usize;
    /// A context value.
    fn context(&self, name: &str) -> Option<&Value>;
    /// The element and its position, inside a `for_each` step.
    fn item(&self) -> Option<(&Arc<Value>, usize)>;
}

/// Why a reference or an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ReferenceError {
    /// What is missing, naming the reference, for instance
    /// `{{steps[1].output.merchant}}: the output of step 1 has no field "merchant" (it has: total, date)`.
    pub message: String,
}

/// What a reference names.
enum Found<'s> {
    /// The whole of a value that is shared.
    Whole(&'s Arc<Value>),
    /// A part of a value, or a value that is not shared.
    Part(&'s Value),
    /// A value that was computed for it.
    Made(Value),
}

impl Reference {
    /// The value that it names. A whole output or item is shared; a part of a value is copied.
    pub fn resolve(&self, scope: &dyn Scope) -> Result<Arc<Value>, ReferenceError> {
        Ok(match self.find(scope)? {
            Found::Whole(value) => Arc::clone(value),
            Found::Part(value) => Arc::new(value.clone()),
            Found::Made(value) => Arc::new(value),
        })
    }

    /// The value it names, copied.
    pub(super) fn copy(&self, scope: &dyn Scope) -> Result<Value, ReferenceError> {
        Ok(match self.find(scope)? {
            Found::Whole(value) => Value::clone(value),
            Found::Part(value) => value.clone(),
            Found::Made(value) => value,
        })
    }

    /// Writes the value it names at the end of `text`: a string as it is, null as nothing, any other value as compact
    /// JSON.
    pub(super) fn write(&self, scope: &dyn Scope, text: &mut String) -> Result<(), ReferenceError> {
        match self.find(scope)? {
            Found::Whole(value) => write_value(value, text),
            Found::Part(value) => write_value(value, text),
            Found::Made(value) => write_value(&value, text),
        }
        Ok(())
    }

    fn find<'s>(&self, scope: &'s dyn Scope) -> Result<Found<'s>, ReferenceError> {
        match &self.root {
            Root::Step(step) => {
                let Some(output) = scope.output(*step) else {
                    // The trigger let the step run without it.
                    if scope.status(*step) == SKIPPED {
                        return Ok(Found::Made(Value::Null));
                    }
                    return Err(self.error(&format!(
                        "step {} has no output (it is {})",
                        visible(scope.id(*step), 80),
                        scope.status(*step)
                    )));
                };
                self.within(output, output_path(output, &self.path), || {
                    format!("the output of step {}", visible(scope.id(*step), 80))
                })
            }
            Root::Context(name) => {
                let value = scope.context(name).ok_or_else(|| {
                    self.error(&format!(
                        "the context value {} is not given",
                        visible(name, 80)
                    ))
                })?;
                let named = || format!("the context value {}", visible(name, 80));
                self.follow(value, &self.path, named).map(Found::Part)
            }
            Root::Item => {
                let (item, _) = self.item(scope)?;
                self.within(item, &self.path, || "the item".to_owned())
            }
            Root::Index => {
                let (_, index) = self.item(scope)?;
                self.made(Value::from(index), "the index")
            }
            Root::Outputs => self.made(outputs(scope), "the object of all outputs"),
        }
    }

    fn item<'s>(&self, scope: &'s dyn Scope) -> Result<(&'s Arc<Value>, usize), ReferenceError> {
        scope
            .item()
            .ok_or_else(|| self.error("it is only known inside a `for_each` step"))
    }

    fn error(&self, what: &str) -> ReferenceError {
        ReferenceError {
            message: format!("{}: {what}", visible(&self.source, 200)),
        }
    }

    fn made<'s>(&self, value: Value, named: &str) -> Result<Found<'s>, ReferenceError> {
        if self.path.is_empty() {
            return Ok(Found::Made(value));
        }
        let part = self.follow(&value, &self.path, || named.to_owned())?;
        Ok(Found::Made(part.clone()))
    }

    fn within<'s>(
        &self,
        root: &'s Arc<Value>,
        path: &[Segment],
        named: impl Fn() -> String,
    ) -> Result<Found<'s>, ReferenceError> {
        if path.is_empty() {
            return Ok(Found::Whole(root));
        }
        self.follow(root, path, named).map(Found::Part)
    }

    fn follow<'s>(
        &self,
        root: &'s Value,
        path: &[Segment],
        named: impl Fn() -> String,
    ) -> Result<&'s Value, ReferenceError> {
        let mut value = root;
        for (at, segment) in path.iter().enumerate() {
            value = step_into(value, segment).ok_or_else(|| {
                let mut place = named();
                if at > 0 {
                    place = format!("{} in {place}", shown_path(&path[..at]));
                }
                self.error(&missing(value, segment, &place))
            })?;
        }
        Ok(value)
    }
}

/// Writes a value into a longer text: a string as it is, null as nothing, any other value as compact JSON.
pub(super) fn write_value(value: &Value, text: &mut String) {
    match value {
        Value::Null => {}
        Value::String(piece) => text.push_str(piece),
        other => {
            // Writing to a string cannot fail.
            let _ = write!(text, "{other}");
        }
    }
}

/// `{{ID.output}}` may mean the output as a whole or a field of that name; where the output has the field it
/// is the field, as in ToolWeaver.
pub(super) fn output_path<'p>(output: &Value, path: &'p [Segment]) -> &'p [Segment] {
    match path.split_first() {
        Some((Segment::Field(field), rest))
            if &**field == "output" && output.get("output").is_none() =>
        {
            rest
        }
        _ => path,
    }
}

/// The outputs of all steps that have one, by id, in the plan's order.
fn outputs(scope: &dyn Scope) -> Value {
    let mut all = Map::new();
    for ix in (0..scope.steps() as u32).map(StepIx) {
        if let Some(output) = scope.output(ix) {
            all.insert(scope.id(ix).to_owned(), Value::clone(output));
        }
    }
    Value::Object(all)
}

fn step_into<'v>(value: &'v Value, segment: &Segment) -> Option<&'v Value> {
    match (value, segment) {
        (Value::Object(map), Segment::Field(field)) => map.get(&**field),
        (Value::Object(map), Segment::Index(index)) => map.get(&index.to_string()),
        (Value::Array(list), Segment::Index(index)) => element(list, *index),
        (Value::Array(list), Segment::Field(field)) => element(list, field.parse().ok()?),
        _ => None,
    }
}

fn element(list: &[Value], index: i64) -> Option<&Value> {
    let at = if index < 0 {
        list.len()
            .checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?
    } else {
        usize::try_from(index).ok()?
    };
    list.get(at)
}

/// Why a value does not have the segment, and what it has instead.
fn missing(value: &Value, segment: &Segment, place: &str) -> String {
    match (value, segment) {
        (Value::Object(map), _) => {
            let wanted = match segment {
                Segment::Field(field) => visible(field, 80),
                Segment::Index(index) => index.to_string(),
            };
            let has: Vec<String> = map.keys().take(12).map(|key| visible(key, 40)).collect();
            let more = if map.len() > has.len() { ", …" } else { "" };
            if has.is_empty() {
                format!("{place} has no field \"{wanted}\" (it is empty)")
            } else {
                format!(
                    "{place} has no field \"{wanted}\" (it has: {}{more})",
                    has.join(", ")
                )
            }
        }
        (Value::Array(list), Segment::Index(index)) => {
            format!("{place} has no element {index} (it has {})", list.len())
        }
        (Value::Array(list), Segment::Field(field)) => format!(
            "{place} has no field \"{}\" (it is a list of {})",
            visible(field, 80),
            list.len()
        ),
        (other, segment) => {
            let what = type_name(other);
            let wanted = match segment {
                Segment::Field(field) => format!("field \"{}\"", visible(field, 80)),
                Segment::Index(index) => format!("element {index}"),
            };
            format!("{place} has no {wanted} (it is {what})")
        }
    }
}

fn shown_path(path: &[Segment]) -> String {
    let mut shown = String::new();
    for segment in path {
        match segment {
            Segment::Field(field) => {
                if !shown.is_empty() {
                    shown.push('.');
                }
                shown.push_str(&visible(field, 40));
            }
            Segment::Index(index) => {
                shown.push('[');
                shown.push_str(&index.to_string());
                shown.push(']');
            }
        }
    }
    shown
}
