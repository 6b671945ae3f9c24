//! Edits of rows that do not exist yet, and rows that ask their model otherwise.

use super::Reuse;
use crate::plan::StepIx;
use crate::run::{EventKind, GivenCall, RunCommand};
use std::sync::Arc;

impl Reuse {
    /// A row with this id asks its model otherwise from now on than with what the user had given it `before`.
    pub(in crate::engine) fn call_changed(
        &mut self,
        id: &Arc<str>,
        before: Option<Box<GivenCall>>,
    ) {
        self.kept.call_changed(id, before);
    }

    /// The event with which a run that goes on takes an edit back, or makes it again.
    pub(in crate::engine) fn takes_back(&self) -> Option<EventKind> {
        self.resume.as_ref()?.takes_back.clone()
    }

    /// The id of the row whose edit that is.
    pub(in crate::engine) fn goes_back_to(&self) -> Option<&Arc<str>> {
        let edited = self.resume.as_ref()?.takes_back.as_ref()?;
        edited.step().map(|step| &step.id)
    }

    /// Whether there are edits of rows that do not exist yet.
    pub(in crate::engine) fn has_edits(&self) -> bool {
        !self.edits.is_empty()
    }

    /// The edits of a row that now exists, as commands.
    pub(in crate::engine) fn take_edits(&mut self, row: StepIx, id: &Arc<str>) -> Vec<RunCommand> {
        let edits = self.edits.extract_if(.., |edit| edit.step() == id);
        edits.map(|edit| edit.command(row)).collect()
    }
}
