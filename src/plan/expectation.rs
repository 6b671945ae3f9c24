//! What a step's output has to be like.

use super::expression::Expression;
use super::reference::{Own, Scope};
use crate::text::schema::{self, Place, Schema, SchemaError, Verdict, shortened};
use crate::text::secrets::Secrets;
use crate::text::visible;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// One thing that a step's output has to be like.
#[derive(Clone)]
pub struct Expectation(Kind);

#[derive(Clone)]
enum Kind {
    Expression(Box<Expression>),
    Schema(Arc<Schema>),
}

/// What comes of looking at an output.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Judged {
    /// It is as expected.
    Met,
    /// It is not; which expectation it does not meet, and the values.
    Unmet(String),
    /// It has to be validated where that can be ended.
    Validate(Validation),
}

/// A value that is validated against a schema.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Validation {
    /// The schema.
    pub schema: Arc<Value>,
    /// The value.
    pub value: Value,
}

impl Expectation {
    /// It holds for the output.
    pub(super) fn expression(expression: Expression) -> Self {
        Self(Kind::Expression(Box::new(expression)))
    }

    /// The output is valid against this.
    ///
    /// # Errors
    /// What is wrong with the schema.
    pub(super) fn schema(schema: &Value) -> Result<Self, SchemaError> {
        Ok(Self(Kind::Schema(Arc::new(Schema::new(schema)?))))
    }

    /// As a plan has it: the text of an expression, or a JSON Schema.
    pub fn source(&self) -> Value {
        match &self.0 {
            Kind::Expression(expression) => Value::from(&*expression.source),
            Kind::Schema(schema) => Value::clone(schema.value()),
        }
    }

    /// The same as a text, for readers.
    pub(crate) fn words(&self) -> Arc<str> {
        match &self.0 {
            Kind::Expression(expression) => Arc::clone(&expression.source),
            Kind::Schema(schema) => schema.value().to_string().into(),
        }
    }

    /// What it refers to, where it is an expression.
    pub fn as_expression(&self) -> Option<&Expression> {
        match &self.0 {
            Kind::Expression(expression) => Some(expression),
            Kind::Schema(_) => None,
        }
    }

    /// Whether the output that `scope` has of the step's own call is as expected. One that cannot be evaluated is not
    /// met. Words about it are without `secrets`.
    pub(crate) fn judge(&self, scope: &dyn Scope, secrets: &Secrets) -> Judged {
        match &self.0 {
            Kind::Expression(expression) => match expression.is_true(scope) {
                Ok(true) => Judged::Met,
                Ok(false) => Judged::Unmet(format!(
                    "expect: {} does not hold{}",
                    visible(&expression.source, 200),
                    expression.values_in_words(scope, secrets)
                )),
                Err(error) => Judged::Unmet(format!("expect: {}", error.message)),
            },
            Kind::Schema(schema) => {
                let value = scope.own(Own::Output).unwrap_or(&Value::Null);
                let verdict = match schema.place(value) {
                    Place::Inline(validator) => schema::validate(validator, value),
                    Place::Thread(_) | Place::Process => Verdict::Undecided,
                };
                match verdict {
                    Verdict::Valid => Judged::Met,
                    Verdict::Invalid(violations) => Judged::Unmet(invalid(&violations, secrets)),
                    Verdict::Undecided => Judged::Validate(Validation {
                        schema: Arc::clone(schema.value()),
                        value: value.clone(),
                    }),
                }
            }
        }
    }
}

/// What an output that is not valid does not meet; `violations` has one a line.
pub(crate) fn invalid(violations: &str, secrets: &Secrets) -> String {
    let violations = shortened(&secrets.redact(violations));
    format!("expect: the output is not valid against the schema: {violations}")
}

impl fmt::Debug for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expectation").field(&self.words()).finish()
    }
}
