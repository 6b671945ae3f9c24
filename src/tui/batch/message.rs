//! Messages that the view of a batch receives, and effects that it asks for.

use crate::run::{BatchHeader, ItemRecord};
use crate::tui::terminal::screen::{TerminalEffect, TerminalEvent};
use std::sync::Arc;

/// What was read of a batch.
#[derive(Clone, Debug)]
pub enum BatchNews {
    /// What is known of it as a whole has changed.
    Header(BatchHeader),
    /// These runs have changed, and whether more are to be read at once.
    Records(Vec<ItemRecord>, bool),
    /// It cannot be read, and why.
    Fault(String),
    /// How it differs from the one before it, as text, or why that cannot be said.
    Compared(Result<String, String>),
}

/// Something that happened.
#[derive(Debug)]
pub enum Message {
    /// The terminal or the system said something.
    Terminal(TerminalEvent),
    /// Something was read.
    News(BatchNews),
    /// It is this time, in milliseconds since 1970.
    Tick(i64),
}

impl From<TerminalEvent> for Message {
    fn from(event: TerminalEvent) -> Self {
        Self::Terminal(event)
    }
}

/// Something to be done outside of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Leave, and open this run.
    Open(Arc<str>),
    /// Compare the batch with the one before it of the same plan.
    Compare,
    /// Stop the batch: items that are running are left to be resumed.
    Stop,
    /// Ask this of the terminal.
    Terminal(TerminalEffect),
}
