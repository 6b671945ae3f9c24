//! An expression that is handed over, with the values that it needs.

use serde_json::{Map, Value};
use std::sync::Arc;

/// An expression that is evaluated in a sandbox, because its value may be large or take long.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// As the plan has it.
    pub source: Arc<str>,
    /// As it is compiled.
    pub text: Arc<str>,
    /// The values of its variables.
    pub variables: Map<String, Value>,
    /// Whether it is asked only whether it holds.
    pub is_condition: bool,
}
