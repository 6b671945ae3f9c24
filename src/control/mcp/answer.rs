//! What a tool answers.

use crate::control::error::ControlError;
use serde_json::Value;

/// What a tool answers: a JSON value, or why it refuses.
pub(super) type Answer = Result<Value, ControlError>;
