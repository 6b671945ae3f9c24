//! References: how one step names another's output, or a context value.

use super::evaluation::Evaluation;
use super::ids::StepIx;
use super::named::Named;
use super::names::type_name;
use super::path::{Segment, step_into};
use super::step_input::{InputObject, InputPart, StepInput};
use crate::text::{BoundedText, visible};
use serde_json::Value;
use std::sync::Arc;

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
    /// What is known of the step's own call, in the expressions that are asked about it.
    Own(Own),
}

/// A value of a step's own call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Own {
    /// The resolved parameters that it is called with.
    Input,
    /// What the call made.
    Output,
    /// What it cost, in dollars.
    Cost,
    /// The number of the attempt, from 1.
    Attempt,
}

impl Own {
    /// What expressions call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::Cost => "cost",
            Self::Attempt => "attempt",
        }
    }
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
    /// The object of the context values, where a step's input may share it.
    fn shared_context(&self) -> Option<&Arc<Value>> {
        None
    }
    /// The element and its position, inside a `for_each` step.
    fn item(&self) -> Option<(&Arc<Value>, usize)>;
    /// A value of the step's own call.
    fn own(&self, _own: Own) -> Option<&Value> {
        None
    }
    /// The value of an expression that is not certain to be small and quick: for a condition whether it holds, else a
    /// list of the value, which is empty where it is undefined. The error says what is wrong.
    fn evaluate(&self, _evaluation: Evaluation) -> Result<Value, String> {
        Err("its value is computed when it runs".to_owned())
    }
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
    /// The part at the end of a path of a value that is shared.
    Part(&'s Arc<Value>, &'s [Segment], &'s Value),
    /// A value that is not shared.
    Alone(&'s Value),
    /// A value that was computed for it.
    Made(Value),
}

impl Reference {
    /// The value that it names. Where it is a part of one, a large part is shared and a small one copied.
    pub(super) fn input(&self, scope: &dyn Scope) -> Result<StepInput, ReferenceError> {
        match self.find(scope)? {
            Found::Whole(value) => Ok(Arc::clone(value).into()),
            _ => self.part(scope).map(StepInput::from),
        }
    }

    /// The value that it names, as a part of a step's input.
    pub(super) fn part(&self, scope: &dyn Scope) -> Result<InputPart, ReferenceError> {
        if self.root == Root::Outputs && self.path.is_empty() {
            let mut all = InputObject::default();
            for (id, output) in outputs(scope) {
                all.push(id, InputPart::of(output));
            }
            return Ok(all.done());
        }
        Ok(match self.find(scope)? {
            Found::Whole(value) => InputPart::of(value),
            Found::Part(root, path, value) => InputPart::part_of(root, value, || path.into()),
            Found::Alone(value) => match (scope.shared_context(), &self.root) {
                (Some(root), Root::Context(name)) => InputPart::part_of(root, value, || {
                    let name = Segment::Field(Arc::clone(name));
                    [&[name], &*self.path].concat().into()
                }),
                _ => InputPart::Own(value.clone()),
            },
            Found::Made(value) => InputPart::Own(value),
        })
    }

    /// Calls `visit` with what it names of outputs and of the element.
    pub(super) fn named(&self, scope: &dyn Scope, visit: &mut dyn FnMut(&Named<'_>)) {
        let of = |step, value| Named {
            step,
            value,
            source: &self.source,
            computed: false,
        };
        match &self.root {
            Root::Step(step) => {
                if let Some(output) = scope.output(*step) {
                    of(Some(*step), output).follow(output_path(output, &self.path), visit);
                }
            }
            Root::Item => {
                if let Some((item, _)) = scope.item() {
                    of(None, item).follow(&self.path, visit);
                }
            }
            Root::Outputs => named_outputs(scope, &self.path, &of, visit),
            Root::Context(_) | Root::Index | Root::Own(_) => {}
        }
    }

    /// The value it names, copied.
    pub(super) fn copy(&self, scope: &dyn Scope) -> Result<Value, ReferenceError> {
        Ok(match self.find(scope)? {
            Found::Whole(value) => Value::clone(value),
            Found::Part(_, _, value) | Found::Alone(value) => value.clone(),
            Found::Made(value) => value,
        })
    }

    /// Writes the value it names at the end of `text`: a string as it is, null as nothing, any other value as compact
    /// JSON.
    /// Returns whether it fits.
    pub(super) fn write(
        &self,
        scope: &dyn Scope,
        text: &mut BoundedText,
    ) -> Result<bool, ReferenceError> {
        Ok(match self.find(scope)? {
            Found::Whole(value) => text.push_value(value),
            Found::Part(_, _, value) | Found::Alone(value) => text.push_value(value),
            Found::Made(value) => text.push_value(&value),
        })
    }

    fn find<'s>(&'s self, scope: &'s dyn Scope) -> Result<Found<'s>, ReferenceError> {
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
                self.follow(value, &self.path, named).map(Found::Alone)
            }
            Root::Item => {
                let (item, _) = self.item(scope)?;
                self.within(item, &self.path, || "the item".to_owned())
            }
            Root::Index => {
                let (_, index) = self.item(scope)?;
                self.made(Value::from(index), "the index")
            }
            Root::Outputs => self.of_outputs(scope),
            Root::Own(own) => {
                let value = scope.own(*own);
                let value = value.ok_or_else(|| self.error("the step has not been called"))?;
                let named = || format!("the {} of the step", own.name());
                self.follow(value, &self.path, named).map(Found::Alone)
            }
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

    fn of_outputs<'s>(&'s self, scope: &'s dyn Scope) -> Result<Found<'s>, ReferenceError> {
        if let Some((step, path)) = self.path.split_first()
            && let Some((id, output)) = outputs(scope).find(|(id, _)| is_named(id, step))
        {
            return self.within(output, path, || {
                format!("the output of step {}", visible(id, 80))
            });
        }
        let all = outputs(scope).map(|(id, output)| (id.to_owned(), Value::clone(output)));
        self.made(Value::Object(all.collect()), "the object of all outputs")
    }

    fn within<'s>(
        &self,
        root: &'s Arc<Value>,
        path: &'s [Segment],
        named: impl Fn() -> String,
    ) -> Result<Found<'s>, ReferenceError> {
        if path.is_empty() {
            return Ok(Found::Whole(root));
        }
        let part = self.follow(root, path, named)?;
        Ok(Found::Part(root, path, part))
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
fn outputs(scope: &dyn Scope) -> impl Iterator<Item = (&str, &Arc<Value>)> {
    let steps = (0..scope.steps() as u32).map(StepIx);
    steps.filter_map(|ix| Some((scope.id(ix), scope.output(ix)?)))
}

/// Calls `visit` with what a path into the object of all outputs names.
pub(super) fn named_outputs<'v>(
    scope: &'v dyn Scope,
    path: &[Segment],
    of: &dyn Fn(Option<StepIx>, &'v Value) -> Named<'v>,
    visit: &mut dyn FnMut(&Named<'_>),
) {
    for step in (0..scope.steps() as u32).map(StepIx) {
        let Some(output) = scope.output(step) else {
            continue;
        };
        match path.split_first() {
            None => visit(&of(Some(step), output)),
            Some((id, rest)) if is_named(scope.id(step), id) => {
                of(Some(step), output).follow(rest, visit);
            }
            Some(_) => {}
        }
    }
}

fn is_named(id: &str, segment: &Segment) -> bool {
    match segment {
        Segment::Field(field) => **field == *id,
        Segment::Index(index) => index.to_string() == id,
    }
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
