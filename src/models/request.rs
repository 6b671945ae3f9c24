//! The request to a model and its answer, independent of the protocol.

use super::http::RequestError;
use crate::units::Tokens;
use serde_json::Value;

/// The author of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Instructions.
    System,
    /// The input.
    User,
    /// An earlier answer of the model.
    Assistant,
}

impl Role {
    /// `system`, `user`, `assistant`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// A request to a model.
#[derive(Clone, Debug)]
pub(crate) struct ChatRequest<'a> {
    /// The model, as the server names it.
    pub(crate) model: &'a str,
    /// The messages so far.
    pub(crate) messages: &'a [(Role, String)],
    /// The JSON Schema of the answer, with an object at its root.
    pub(crate) schema: Option<&'a Value>,
    /// The maximum of tokens in the answer.
    pub(crate) max_tokens: u32,
}

/// The answer of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChatAnswer {
    /// The text.
    pub(crate) text: String,
    /// The tokens used; `None` where the server reports none.
    pub(crate) tokens: Option<Tokens>,
    /// Whether the answer ends because it reached `max_tokens`.
    pub(crate) cut_off: bool,
}

/// A failed exchange, with the tokens that it used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub(crate) struct ChatError {
    /// What went wrong.
    pub(crate) error: RequestError,
    /// The tokens used, where the server reports them with the error.
    pub(crate) tokens: Option<Tokens>,
    /// Whether the request was sent and its answer did not arrive whole, so that it may be billed.
    pub(crate) lost: bool,
}

impl From<RequestError> for ChatError {
    fn from(error: RequestError) -> Self {
        Self {
            error,
            tokens: None,
            lost: false,
        }
    }
}

impl ChatError {
    /// An exchange whose answer did not arrive whole.
    pub(crate) fn lost(error: RequestError) -> Self {
        Self {
            lost: true,
            ..Self::from(error)
        }
    }
}
