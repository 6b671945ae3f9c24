//! What another system recorded of one operation.

use crate::units::{Money, Tokens};
use serde_json::Value;
use std::sync::Arc;

/// What an operation is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpanKind {
    /// A model was asked.
    Model,
    /// A tool was called, or something was looked up.
    Tool,
    /// It holds others together: an agent, a chain, a node of a graph.
    #[default]
    Group,
    /// Something below the level of steps: a request, a query.
    Inner,
}

/// One operation.
#[derive(Clone, Debug, Default)]
pub struct Span {
    /// The trace it is of; empty where there is only one.
    pub trace: Arc<str>,
    /// Its id, unique in the trace.
    pub id: Arc<str>,
    /// The id of the operation inside of which it happened.
    pub parent: Option<Arc<str>>,
    /// Its name.
    pub name: Arc<str>,
    /// What it is.
    pub kind: SpanKind,
    /// The word that its system has for that.
    pub word: Arc<str>,
    /// When it started, in microseconds since 1970.
    pub start: u64,
    /// When it ended; `None` where that is not on record.
    pub end: Option<u64>,
    /// The ids of operations that it waited for, where they are on record.
    pub after: Vec<Arc<str>>,
    /// What it was given.
    pub input: Option<Arc<Value>>,
    /// What it gave.
    pub output: Option<Arc<Value>>,
    /// The model that answered.
    pub model: Option<Arc<str>>,
    /// Tokens of a model.
    pub tokens: Option<Tokens>,
    /// What it cost, where its system says so.
    pub cost: Option<Money>,
    /// Why it failed.
    pub error: Option<Arc<str>>,
}

impl Span {
    /// Its end; its start where the end is not on record.
    pub(super) fn ended(&self) -> u64 {
        self.end.unwrap_or(self.start).max(self.start)
    }
}
