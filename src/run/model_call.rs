//! What the calls of a step ask a model with.

use crate::units::ModelOptions;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What the calls of a step ask a model with, before the user gives it anything else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelCall {
    /// Whether the user can give it another prompt.
    pub takes_prompt: bool,
    /// The prompt of its tool, with `{{name}}` for parameters; `None` where one is made from the tool's description.
    pub prompt: Option<Arc<str>>,
    /// Whether the user can give it another temperature and another maximum of tokens.
    #[serde(default)]
    pub takes_options: bool,
    /// The temperature and the maximum of tokens in an answer.
    #[serde(flatten)]
    pub options: ModelOptions,
    /// The model, by the name that it is chosen by; `None` where that is not known.
    pub model: Option<Arc<str>>,
}
