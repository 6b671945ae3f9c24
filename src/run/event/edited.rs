//! What events record of edits: what the user has given a step, before and after.

use crate::run::given_call::GivenCall;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// What the user has given a step instead of what plan and catalog have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepGiven {
    /// The input instead of its parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Arc<Value>>,
    /// How it asks its model.
    #[serde(flatten)]
    pub call: GivenCall,
    /// Whether it has the output that follows instead of being called.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub supplied: bool,
    /// That output; `None` for null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Arc<Value>>,
    /// Whether it is not run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skipped: bool,
}

/// Whether an edit was made, taken back, or made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EditWay {
    /// The user made it.
    Done,
    /// The user took it back.
    Undone,
    /// The user made it again after it was taken back.
    Redone,
}
