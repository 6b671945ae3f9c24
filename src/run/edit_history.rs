//! The edits of a run in their order, those that were taken back included.

use super::{EditWay, StepGiven};
use crate::plan::StepIx;
use serde_json::Value;

/// One edit of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct EditRecord {
    /// The row.
    pub step: StepIx,
    /// What the user had given it before.
    pub before: StepGiven,
    /// What the user has given it with the edit.
    pub after: StepGiven,
}

/// The edits of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EditHistory {
    done: Vec<EditRecord>,
    undone: Vec<EditRecord>,
}

impl EditHistory {
    /// Takes in an edit that was made, taken back or made again.
    pub(super) fn note(&mut self, way: EditWay, edit: EditRecord) {
        match way {
            EditWay::Done => {
                self.done.push(edit);
                self.undone.clear();
            }
            EditWay::Undone => self.undone.extend(self.done.pop()),
            EditWay::Redone => self.done.extend(self.undone.pop()),
        }
    }

    /// Whether the last edit of a row gave it this.
    pub(crate) fn has_given(&self, step: StepIx, given: &StepGiven) -> bool {
        let mut done = self.done.iter().rev();
        let last = done.find(|edit| edit.step == step);
        last.is_some_and(|edit| edit.after == *given)
    }

    /// Whether an edit gave a row this input.
    pub(crate) fn gave_input(&self, step: StepIx, input: &Value) -> bool {
        let mut edits = self.done.iter().chain(&self.undone);
        edits.any(|edit| edit.step == step && edit.after.input.as_deref() == Some(input))
    }

    /// The edit that is taken back next, or made again next, and what its step is to have then.
    pub fn next(&self, way: EditWay) -> Option<(StepIx, &StepGiven)> {
        let edit = self.record(way)?;
        let wanted = match way {
            EditWay::Undone => &edit.before,
            _ => &edit.after,
        };
        Some((edit.step, wanted))
    }

    pub(super) fn record(&self, way: EditWay) -> Option<&EditRecord> {
        match way {
            EditWay::Done => None,
            EditWay::Undone => self.done.last(),
            EditWay::Redone => self.undone.last(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Arc;

    fn given(input: i64) -> StepGiven {
        StepGiven {
            input: Some(Arc::new(json!(input))),
            ..StepGiven::default()
        }
    }

    fn record(before: &StepGiven, after: &StepGiven) -> EditRecord {
        EditRecord {
            step: StepIx(0),
            before: before.clone(),
            after: after.clone(),
        }
    }

    #[test]
    fn edits_are_taken_back_in_their_order_and_made_again_until_there_is_another() {
        let (none, one, two) = (StepGiven::default(), given(1), given(2));
        let mut history = EditHistory::default();
        history.note(EditWay::Done, record(&none, &one));
        history.note(EditWay::Done, record(&one, &two));
        assert_eq!(history.next(EditWay::Undone), Some((StepIx(0), &one)));
        history.note(EditWay::Undone, record(&one, &two));
        assert_eq!(history.next(EditWay::Undone), Some((StepIx(0), &none)));
        assert_eq!(history.next(EditWay::Redone), Some((StepIx(0), &two)));
        history.note(EditWay::Redone, record(&one, &two));
        assert!(history.has_given(StepIx(0), &two));
        history.note(EditWay::Undone, record(&one, &two));
        history.note(EditWay::Done, record(&one, &given(3)));
        assert_eq!(history.next(EditWay::Redone), None);
        // What a log says that never happened changes nothing.
        EditHistory::default().note(EditWay::Redone, record(&none, &one));
    }
}
