//! Where the dashboard's events come from, and where its commands go.

use super::history::{HistoryAnswer, HistoryQuery};
use crate::run::{CommandError, FoldedRun, LiveAnswers, RunCommand, RunEvent};
use crate::units::Micros;
use futures::future::BoxFuture;

/// A live run, or a recorded one: the dashboard sees no difference.
pub trait Feed: Send {
    /// Appends the events that came since the last call to `into`, at most `most` of them, without waiting.
    fn take(&mut self, into: &mut Vec<RunEvent>, most: usize);

    /// Ends when there may be something to take: at once where something was left by the last call of
    /// [`Feed::take`], and never once no more events will come.
    fn changed(&mut self) -> BoxFuture<'_, ()>;

    /// Passes a command on without waiting.
    fn command(&mut self, command: RunCommand) -> Result<(), CommandError>;

    /// What arrived of the answers of models since the last call. A feed of a recorded run has none.
    fn live_answers(&mut self) -> LiveAnswers {
        LiveAnswers::new()
    }

    /// What the user is to be told since the last call: a command that was refused, a run that is out of reach.
    fn notices(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// How much of a long record is read, in percent, while there is more of it to come at once.
    fn read_percent(&self) -> Option<u8> {
        None
    }

    /// The run as a whole, where what was taken of it so far was only to have something to look at: it takes the place of
    /// that. Asked for after [`Feed::take`], which gives nothing that comes after it.
    fn whole(&mut self) -> Option<Box<FoldedRun>> {
        None
    }

    /// The time since the start of the run.
    fn now(&self) -> Micros;

    /// Asks for something that is on record, without waiting for it: [`Feed::changed`] ends when there is an
    /// answer. Gives back what it cannot answer; a feed without a record answers nothing.
    fn ask(&mut self, query: HistoryQuery) -> Option<HistoryQuery> {
        Some(query)
    }

    /// The answers that have come since the last call.
    fn answers(&mut self) -> Vec<HistoryAnswer> {
        Vec::new()
    }
}
