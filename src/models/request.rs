//! The request to a model and its answer, independent of the protocol.

use super::http::RequestError;
use super::structured_output::SentSchema;
use super::usage::Usage;
use crate::units::Temperature;

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
    /// The JSON Schema of the answer.
    pub(crate) schema: Option<&'a SentSchema>,
    /// The temperature, where the model takes one.
    pub(crate) temperature: Temperature,
    /// The maximum of tokens in the answer.
    pub(crate) max_tokens: u32,
    /// The name of this request, by which a provider sees that it had it before.
    pub(crate) key: Option<String>,
}

/// The answer of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChatAnswer {
    /// The text.
    pub(crate) text: String,
    /// What the model thought before it answered, where the server gives that apart from the text.
    pub(crate) reasoning: String,
    /// The tokens used, as far as the server reports them.
    pub(crate) usage: Usage,
    /// Whether the answer ends because it reached `max_tokens`.
    pub(crate) cut_off: bool,
}

/// A failed exchange, with the tokens that it used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub(crate) struct ChatError {
    /// What went wrong.
    pub(crate) error: RequestError,
    /// The tokens used, as far as they are known; `None` where nothing was billed.
    pub(crate) usage: Option<Usage>,
}

impl From<RequestError> for ChatError {
    fn from(error: RequestError) -> Self {
        Self { error, usage: None }
    }
}

impl ChatError {
    /// An exchange that was billed with `usage`, or may have been.
    pub(crate) fn billed(error: RequestError, usage: Usage) -> Self {
        Self {
            error,
            usage: Some(usage),
        }
    }
}
