//! What the dashboard is told, and what it asks for in return.

use super::history::{Answer, Inquiry};
use crate::plan::StepIx;
use crate::run::{CommandError, RunCommand, RunEvent};
use crate::units::Micros;
use crossterm::event::{KeyEvent, MouseEvent};

/// Something that happened.
#[derive(Debug)]
pub enum Message {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size now: columns, rows.
    Resize(u16, u16),
    /// The run went on.
    Events(Vec<RunEvent>),
    /// The record answers.
    Answer(Answer),
    /// Time went on; sent before anything else that depends on it.
    Tick(Micros),
    /// The run did not take a command.
    Refused(CommandError),
    /// The process was asked to end, by this signal.
    Signal(i32),
}

/// Something to be done outside of the model.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send this to the run.
    Command(RunCommand),
    /// Ask this of the runs on record.
    Ask(Inquiry),
    /// Put this text on the clipboard of the terminal.
    Copy(String),
    /// Give the terminal back and stop, as any program does on ctrl-z.
    Suspend,
    /// Draw every cell again, whatever the terminal is thought to show.
    Redraw,
    /// Leave.
    Leave(Outcome),
}

/// Why the dashboard was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A person left it.
    Quit,
    /// A person wants a run of its own that runs again from this row.
    Fork(StepIx),
    /// The process was asked to end, by this signal.
    Signal(i32),
    /// The terminal went away.
    TerminalLost,
}
