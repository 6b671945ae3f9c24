//! Edits of steps: their order, and what they made out of date.

use super::RunState;
use crate::run::{EditRecord, EditWay, EventKind, RunEvent, StepGiven, StepKey, StepState};
use crate::units::Micros;
use std::sync::Arc;

impl RunState {
    /// Takes in an event about an edit of a step; any other changes nothing.
    pub(super) fn take_in_edit(&mut self, event: &RunEvent) {
        match &event.kind {
            EventKind::StepInputSet { step, input } => {
                self.with(step, |row| row.details_mut().given.clone_from(input));
            }
            EventKind::StepCallSet { step, call } => {
                let given = (!call.is_empty()).then(|| Box::new(call.clone()));
                self.with(step, |row| row.details_mut().given_call = given);
            }
            EventKind::StepEdited {
                step,
                edit,
                before,
                after,
            } => self.edited(event.at, step, *edit, (before, after)),
            _ => {}
        }
    }

    /// A step was edited, or an edit of it was taken back or made again.
    fn edited(
        &mut self,
        at: Micros,
        step: &StepKey,
        way: EditWay,
        (before, after): (&StepGiven, &StepGiven),
    ) {
        self.last_edit = Some((at, step.ix));
        self.edits.note(
            way,
            EditRecord {
                step: step.ix,
                before: before.clone(),
                after: after.clone(),
            },
        );
    }

    /// The id of the step because of whose edit what a row came to is out of date, until the row has run again.
    pub fn stale_because(&self, row: &StepState) -> Option<&Arc<str>> {
        Some(&self.steps.get(row.stale?.at())?.info.id)
    }

    /// A step is about to be taken back: where that comes with an edit, what it came to is out of date because of it.
    pub(super) fn note_stale(&mut self, at: Micros, step: &StepKey) {
        let Some((_, edited)) = self.last_edit.filter(|(edited_at, _)| *edited_at == at) else {
            return;
        };
        if let Some(row) = self.steps.get_mut(step.ix.at())
            && row.status.has_ended()
        {
            row.details_mut().stale = Some(edited);
        }
    }
}
