//! Messages that the home screen receives, and effects that it asks for.

use super::item::{Answer, Request};
use super::model::Choice;
use crate::tui::terminal::screen::{TerminalEffect, TerminalEvent};

/// Something that happened.
#[derive(Debug)]
pub enum Message {
    /// The terminal or the system said something.
    Terminal(TerminalEvent),
    /// Something was found out.
    Answer(Answer),
    /// It is this time, in seconds since 1970.
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
    /// Find this out.
    Ask(Request),
    /// This was chosen: leave and open it.
    Choose(Choice),
    /// Ask this of the terminal.
    Terminal(TerminalEffect),
}
