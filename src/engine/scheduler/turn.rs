//! One input's turn: its moment, its random number, and what is to be done because of it.

use super::Action;
use crate::run::EventKind;
use crate::units::Micros;

/// What every rule needs while one input is handled.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    /// The moment of the input.
    pub now: Micros,
    /// The random number of the input, for the jitter of a backoff.
    pub random: u64,
    /// What is to be done, in order.
    pub out: &'a mut Vec<Action>,
}

impl Turn<'_> {
    /// Something is to be done after everything so far.
    pub(super) fn act(&mut self, action: Action) {
        self.out.push(action);
    }

    /// Something has happened that everybody is to know.
    pub(super) fn emit(&mut self, kind: EventKind) {
        self.act(Action::Emit(kind));
    }
}
