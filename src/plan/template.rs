//! Parameters with references in them, parsed once and resolved for every attempt.

use super::expression::Expression;
use super::reference::{Reference, ReferenceError, Root, Scope, write_value};
use serde_json::{Map, Value};
use std::sync::Arc;

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
        match self {
            Self::Literal(value) => Ok(Arc::clone(value)),
            Self::Reference(reference) => reference.resolve(scope),
            other => other.value(scope).map(Arc::new),
        }
    }

    fn value(&self, scope: &dyn Scope) -> Result<Value, ReferenceError> {
        match self {
            Self::Literal(value) => Ok(Value::clone(value)),
            Self::Reference(reference) => reference.copy(scope),
            Self::Expression(expression) => expression.value(scope),
            Self::Text(parts) => text(parts, scope).map(Value::String),
            Self::List(list) => list
                .iter()
                .map(|element| element.value(scope))
                .collect::<Result<Vec<_>, _>>()
                .map(Value::Array),
            Self::Object(members) => members
                .iter()
                .map(|(key, member)| Ok((key.to_string(), member.value(scope)?)))
                .collect::<Result<Map<_, _>, _>>()
                .map(Value::Object),
        }
    }

    /// The value as the plan has it: references and expressions as text.
    pub fn source(&self) -> Value {
        match self {
            Self::Literal(value) => Value::clone(value),
            Self::Reference(reference) => Value::String(reference.source.to_string()),
            Self::Expression(expression) => Value::String(expression.source.to_string()),
            Self::Text(parts) => Value::String(
                parts
                    .iter()
                    .map(|part| match part {
                        Part::Text(text) => &**text,
                        Part::Reference(reference) => &*reference.source,
                        Part::Expression(expression) => &*expression.source,
                    })
                    .collect(),
            ),
            Self::List(list) => Value::Array(list.iter().map(Self::source).collect()),
            Self::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(key, member)| (key.to_string(), member.source()))
                    .collect(),
            ),
        }
    }

    /// The value as far as `scope` knows what it refers to. `open` is called with every other root, whose value is
    /// left empty.
    pub fn known(&self, scope: &dyn Scope, open: &mut dyn FnMut(&Root)) -> Value {
        match self {
            Self::Literal(value) => Value::clone(value),
            Self::Reference(reference) => known_reference(reference, scope, open),
            Self::Expression(expression) => known_expression(expression, scope, open),
            Self::Text(parts) => Value::String(
                parts
                    .iter()
                    .map(|part| match part {
                        Part::Text(text) => text.to_string(),
                        Part::Reference(reference) => {
                            inserted(known_reference(reference, scope, open))
                        }
                        Part::Expression(expression) => {
                            inserted(known_expression(expression, scope, open))
                        }
                    })
                    .collect(),
            ),
            Self::List(list) => list.iter().map(|part| part.known(scope, open)).collect(),
            Self::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(key, member)| (key.to_string(), member.known(scope, open)))
                    .collect(),
            ),
        }
    }

    /// Calls `visit` with everything that it refers to.
    pub fn roots(&self, visit: &mut dyn FnMut(&Root)) {
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

/// A value inside a longer string; empty where it is not known.
fn inserted(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn text(parts: &[Part], scope: &dyn Scope) -> Result<String, ReferenceError> {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Text(piece) => text.push_str(piece),
            Part::Reference(reference) => reference.write(scope, &mut text)?,
            Part::Expression(expression) => write_value(&expression.value(scope)?, &mut text),
        }
    }
    Ok(text)
}
