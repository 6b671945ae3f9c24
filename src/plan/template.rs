//! Parameters with references in them, parsed once and resolved for every attempt.

use super::expression::Expression;
use super::named::Named;
use super::reference::{Reference, ReferenceError, Root, Scope};
use super::step_input::{InputList, InputObject, InputPart, StepInput};
use crate::text::BoundedText;
use crate::text::json::footprint;
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::sync::Arc;

/// The most that is built for one input: longer strings and values of expressions, in bytes. What is shared does not
/// count.
const MAX_BUILT: usize = 32 << 20;

/// A JSON value in which strings may refer to outputs and context values.
#[derive(Clone, Debug)]
pub enum Template {
    /// A value without any reference.
    Literal(Arc<Value>),
    /// A string that is exactly one reference: the value itself, with its type.
    Reference(Box<Reference>),
    /// A string that is exactly one expression: its value, with its type.
    Expression(Box<Expression>),
    /// A longer string: strings are inserted as they are, any other value as compact JSON.
    Text(Box<[Part]>),
    /// A list with references somewhere in it.
    List(Box<[Template]>),
    /// An object with references somewhere in it, in the plan's order.
    Object(Box<[(Arc<str>, Template)]>),
}

/// A piece of a longer string.
#[derive(Clone, Debug)]
pub enum Part {
    /// Text as it stands.
    Text(Arc<str>),
    /// A reference inside the text.
    Reference(Reference),
    /// An expression inside the text.
    Expression(Expression),
}

impl Template {
    /// The value in `scope`. A literal, and a whole value that exactly one reference names, is shared, not copied.
    pub fn resolve(&self, scope: &dyn Scope) -> Result<Arc<Value>, ReferenceError> {
        self.input(scope).map(|input| input.to_value())
    }

    /// The value in `scope`, as the input of a step: what is large is shared, not copied.
    pub fn input(&self, scope: &dyn Scope) -> Result<StepInput, ReferenceError> {
        match self {
            Self::Literal(value) => Ok(Arc::clone(value).into()),
            Self::Reference(reference) => reference.input(scope),
            other => {
                let mut left = MAX_BUILT;
                other.part(scope, &mut left).map(StepInput::from)
            }
        }
    }

    /// `left` is how many bytes may still be built for the input.
    fn part(&self, scope: &dyn Scope, left: &mut usize) -> Result<InputPart, ReferenceError> {
        Ok(match self {
            Self::Literal(value) => InputPart::of(value),
            Self::Reference(reference) => reference.part(scope)?,
            Self::Expression(expression) => {
                let value = expression.value(scope)?;
                *left = left.checked_sub(footprint(&value)).ok_or_else(too_large)?;
                InputPart::Own(value)
            }
            Self::Text(parts) => InputPart::Own(Value::String(text(parts, scope, left)?)),
            Self::List(items) => {
                let mut list = InputList::with_capacity(items.len());
                for item in items {
                    list.push(item.part(scope, left)?);
                }
                list.done()
            }
            Self::Object(members) => {
                let mut object = InputObject::with_capacity(members.len());
                for (name, member) in members {
                    object.push(name, member.part(scope, left)?);
                }
                object.done()
            }
        })
    }

    /// The value as the plan has it: references and expressions as text.
    pub fn source(&self) -> Value {
        match self {
            Self::Literal(value) => Value::clone(value),
            Self::Reference(reference) => Value::String(reference.source.to_string()),
            Self::Expression(expression) => Value::String(expression.source.to_string()),
            Self::Text(parts) => Value::String(parts.iter().map(Part::source).collect()),
            Self::List(list) => Value::Array(list.iter().map(Self::source).collect()),
            Self::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(key, member)| (key.to_string(), member.source()))
                    .collect(),
            ),
        }
    }

    /// The text of a member, where there is no reference and no expression in it.
    pub(crate) fn literal_text(&self, member: &str) -> Option<Arc<str>> {
        let value = match self {
            Self::Literal(value) => value.get(member)?,
            Self::Object(members) => {
                let (_, found) = members.iter().find(|(name, _)| **name == *member)?;
                let Self::Literal(value) = found else {
                    return None;
                };
                value
            }
            _ => return None,
        };
        value.as_str().map(Arc::from)
    }

    /// The value as far as `scope` knows what it refers to. `open` is called with every other root, whose value is
    /// left empty.
    pub fn known(&self, scope: &dyn Scope, open: &mut dyn FnMut(&Root)) -> Value {
        match self {
            Self::Literal(value) => Value::clone(value),
            Self::Reference(reference) => known_reference(reference, scope, open),
            Self::Expression(expression) => known_expression(expression, scope, open),
            Self::Text(parts) => {
                let mut text = BoundedText::new(MAX_BUILT);
                for part in parts {
                    // What does not fit is left out: the step will fail before it costs anything.
                    let _ = match part {
                        Part::Text(piece) => text.push(piece),
                        Part::Reference(reference) => {
                            text.push_value(&known_reference(reference, scope, open))
                        }
                        Part::Expression(expression) => {
                            text.push_value(&known_expression(expression, scope, open))
                        }
                    };
                }
                Value::String(text.into_string())
            }
            Self::List(list) => list.iter().map(|part| part.known(scope, open)).collect(),
            Self::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(key, member)| (key.to_string(), member.known(scope, open)))
                    .collect(),
            ),
        }
    }

    /// Calls `visit` with every value that it names of outputs and of the element, as far as `scope` has them.
    pub fn named(&self, scope: &dyn Scope, visit: &mut dyn FnMut(&Named<'_>)) {
        match self {
            Self::Literal(_) => {}
            Self::Reference(reference) => reference.named(scope, visit),
            Self::Expression(expression) => expression.named(scope, visit),
            Self::Text(parts) => {
                for part in parts {
                    match part {
                        Part::Text(_) => {}
                        Part::Reference(reference) => reference.named(scope, visit),
                        Part::Expression(expression) => expression.named(scope, visit),
                    }
                }
            }
            Self::List(list) => list.iter().for_each(|part| part.named(scope, visit)),
            Self::Object(members) => {
                members
                    .iter()
                    .for_each(|(_, part)| part.named(scope, visit));
            }
        }
    }

    /// Calls `visit` with everything that it refers to.
    pub(crate) fn roots(&self, visit: &mut dyn FnMut(&Root)) {
        match self {
            Self::Literal(_) => {}
            Self::Reference(reference) => visit(&reference.root),
            Self::Expression(expression) => expression.roots.iter().for_each(visit),
            Self::Text(parts) => {
                for part in parts {
                    match part {
                        Part::Text(_) => {}
                        Part::Reference(reference) => visit(&reference.root),
                        Part::Expression(expression) => {
                            expression.roots.iter().for_each(&mut *visit);
                        }
                    }
                }
            }
            Self::List(list) => list.iter().for_each(|element| element.roots(visit)),
            Self::Object(members) => members.iter().for_each(|(_, member)| member.roots(visit)),
        }
    }
}

impl Part {
    /// As the plan has it.
    fn source(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Reference(reference) => &reference.source,
            Self::Expression(expression) => &expression.source,
        }
    }
}

/// Writes [`Template::source`] without making it a value first.
impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Literal(value) => value.serialize(serializer),
            Self::Reference(reference) => serializer.serialize_str(&reference.source),
            Self::Expression(expression) => serializer.serialize_str(&expression.source),
            Self::Text(parts) => {
                serializer.serialize_str(&parts.iter().map(Part::source).collect::<String>())
            }
            Self::List(list) => serializer.collect_seq(list.iter()),
            Self::Object(members) => {
                serializer.collect_map(members.iter().map(|(name, member)| (&**name, member)))
            }
        }
    }
}

fn known_reference(reference: &Reference, scope: &dyn Scope, open: &mut dyn FnMut(&Root)) -> Value {
    reference.copy(scope).unwrap_or_else(|_| {
        open(&reference.root);
        Value::Null
    })
}

/// An expression may have a value before everything that it names is known, but not its final one.
fn known_expression(
    expression: &Expression,
    scope: &dyn Scope,
    open: &mut dyn FnMut(&Root),
) -> Value {
    let is_known = |root: &Root| match root {
        Root::Step(step) => scope.output(*step).is_some(),
        Root::Context(name) => scope.context(name).is_some(),
        Root::Item | Root::Index => scope.item().is_some(),
        Root::Own(own) => scope.own(*own).is_some(),
        Root::Outputs => false,
    };
    let mut all = true;
    for root in expression.roots.iter().filter(|root| !is_known(root)) {
        open(root);
        all = false;
    }
    let value = all.then(|| expression.value(scope).ok());
    value.flatten().unwrap_or_default()
}

fn text(parts: &[Part], scope: &dyn Scope, left: &mut usize) -> Result<String, ReferenceError> {
    let mut text = BoundedText::new(*left);
    for part in parts {
        let fits = match part {
            Part::Text(piece) => text.push(piece),
            Part::Reference(reference) => reference.write(scope, &mut text)?,
            Part::Expression(expression) => text.push_value(&expression.value(scope)?),
        };
        if !fits {
            return Err(too_large());
        }
    }
    *left = text.left();
    Ok(text.into_string())
}

fn too_large() -> ReferenceError {
    ReferenceError {
        message: format!(
            "the texts and values that are built for its parameters take more than {} MB; let a parameter be one \
             reference alone, which is not copied, or insert less",
            MAX_BUILT >> 20
        ),
    }
}
