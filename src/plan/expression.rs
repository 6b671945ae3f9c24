//! Expressions: what stands in `run_if`, and in `{{ }}` where it is no plain reference.

use super::{ReferenceError, Root, Scope};
use serde_json::Value;
use std::sync::Arc;

/// A parsed expression; its language is Jinja's.
#[derive(Clone, Debug)]
pub struct Expression {
    /// As the plan has it.
    pub source: Arc<str>,
    /// What it refers to.
    pub roots: Box<[Root]>,
}

impl Expression {
    /// Its value in `scope`. What is undefined is `null`; evaluation is bounded in steps.
    pub fn evaluate(&self, _scope: &dyn Scope) -> Result<Value, ReferenceError> {
        Err(ReferenceError {
            message: format!("{}: not evaluated", self.source),
        })
    }

    /// Whether it is true in `scope`, as Jinja sees truth: nothing, zero and what is empty are not.
    pub fn holds(&self, scope: &dyn Scope) -> Result<bool, ReferenceError> {
        self.evaluate(scope).map(|value| !value.is_null())
    }
}
