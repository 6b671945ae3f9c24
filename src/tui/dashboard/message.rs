//! Messages that the dashboard receives, and effects that it asks for.

use super::history::{HistoryAnswer, HistoryQuery};
use crate::run::{CommandError, FoldedRun, LiveAnswers, RunCommand, RunEvent};
use crate::tui::terminal::screen::{TerminalEffect, TerminalEvent};
use crate::units::Micros;

/// Something that happened.
#[derive(Debug)]
pub enum Message {
    /// The terminal or the system said something.
    Terminal(TerminalEvent),
    /// The run went on.
    Events(Vec<RunEvent>),
    /// The run as a whole takes the place of what was shown of it.
    Whole(Box<FoldedRun>),
    /// So many percent of the record are read; `None` once it is.
    Read(Option<u8>),
    /// Answers of models went on.
    Live(LiveAnswers),
    /// The record answers.
    Answer(HistoryAnswer),
    /// Time went on; sent before anything else that depends on it.
    Tick(Micros),
    /// Something that the user is to be told.
    Notice(String),
    /// The run did not take a command.
    Refused(CommandError),
}

impl From<TerminalEvent> for Message {
    fn from(event: TerminalEvent) -> Self {
        Self::Terminal(event)
    }
}

/// Something to be done outside of the model.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send this to the run.
    Command(RunCommand),
    /// Ask this of the runs on record.
    Ask(HistoryQuery),
    /// Ask this of the terminal.
    Terminal(TerminalEffect),
}
