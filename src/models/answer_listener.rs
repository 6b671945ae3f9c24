//! Who follows an answer while it arrives.

use std::fmt;
use std::sync::Arc;

/// A part of an answer, in the order in which they arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerPart<'a> {
    /// A request is sent: what follows is a new answer.
    Asked,
    /// Text of the answer, without the credentials of the server that it came from. Thoughts between `<think>` tags are
    /// part of it.
    Text(&'a str),
    /// What the model thinks before it answers, where the server gives that apart from the text.
    Reasoning(&'a str),
}

/// Is given the parts of answers as they arrive, where they are streamed. It must not block.
#[derive(Clone)]
pub struct AnswerListener(Arc<dyn Fn(AnswerPart<'_>) + Send + Sync>);

impl AnswerListener {
    /// Calls `take` with each part.
    pub fn new(take: impl Fn(AnswerPart<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }

    /// Passes a part on.
    pub(crate) fn take(&self, part: AnswerPart<'_>) {
        (self.0)(part);
    }
}

impl fmt::Debug for AnswerListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnswerListener")
    }
}
