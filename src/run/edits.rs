//! What edits give steps, and the commands that take them back and make them again.

use super::{
    CallEdit, EditWay, EventKind, RunCommand, RunState, StepGiven, StepKey, StepSource, StepState,
};
use crate::plan::StepIx;
use std::sync::Arc;

impl StepState {
    /// What the user has given it.
    pub fn what_is_given(&self) -> StepGiven {
        let output = self.output.as_ref();
        let output =
            output.filter(|_| self.source == Some(StepSource::Mock) && !self.is_expanded());
        StepGiven {
            input: self.given.clone(),
            call: self.given_call.as_deref().cloned().unwrap_or_default(),
            supplied: output.is_some(),
            output: output.filter(|output| !output.is_null()).cloned(),
            skipped: self.skipped_by_hand,
        }
    }

    /// What the user has given it once this command was taken; `None` where the command gives it nothing.
    pub(crate) fn given_with(&self, command: &RunCommand) -> Option<StepGiven> {
        let mut given = self.what_is_given();
        match command {
            RunCommand::SetInput(_, input) => {
                given.input.clone_from(input);
                given.runs();
            }
            RunCommand::SetCall(_, edit) => {
                if let Some(input) = &edit.input {
                    given.input.clone_from(input);
                }
                edit.apply(&mut given.call);
                given.runs();
            }
            RunCommand::SetOutput(_, output) => {
                given.runs();
                given.supplied = true;
                given.output = Some(Arc::clone(output)).filter(|output| !output.is_null());
            }
            RunCommand::Skip(_) => {
                given.runs();
                given.skipped = true;
            }
            _ => return None,
        }
        Some(given)
    }

    /// The commands after which the row `ix`, which this is, has what is `wanted`.
    fn commands_to(&self, ix: StepIx, wanted: &StepGiven) -> Vec<RunCommand> {
        let now = self.what_is_given();
        let edit = CallEdit {
            input: (now.input != wanted.input).then(|| wanted.input.clone()),
            ..CallEdit::between(&now.call, &wanted.call)
        };
        let mut commands = Vec::new();
        if !edit.is_empty() {
            commands.push(RunCommand::SetCall(ix, Box::new(edit)));
        } else if self.status.has_ended() && (now != *wanted) {
            commands.push(RunCommand::Retry(ix));
        }
        if wanted.supplied {
            let output = wanted.output.clone().unwrap_or_default();
            commands.push(RunCommand::SetOutput(ix, output));
        } else if wanted.skipped {
            commands.push(RunCommand::Skip(ix));
        }
        commands
    }
}

impl StepGiven {
    /// It is neither skipped nor has an output from the user.
    fn runs(&mut self) {
        self.supplied = false;
        self.output = None;
        self.skipped = false;
    }

    /// All that it says of the calls of its step, whatever they were given before.
    pub(crate) fn call(&self) -> CallEdit {
        CallEdit {
            input: Some(self.input.clone()),
            ..CallEdit::to(&self.call)
        }
    }
}

impl RunState {
    /// The commands that take the last edit back, or make it again, in their order; none where there is no such edit.
    pub fn edit_commands(&self, way: EditWay) -> Vec<RunCommand> {
        let found = self.edits.next(way);
        let found = found.and_then(|(ix, wanted)| Some((self.steps.get(ix.at())?, ix, wanted)));
        found.map_or_else(Vec::new, |(row, ix, wanted)| row.commands_to(ix, wanted))
    }

    /// The event of taking the last edit back, or of making it again.
    pub(crate) fn edit_event(&self, way: EditWay) -> Option<EventKind> {
        let edit = self.edits.record(way)?;
        let id = &self.steps.get(edit.step.at())?.info.id;
        Some(EventKind::StepEdited {
            step: StepKey {
                ix: edit.step,
                id: Arc::clone(id),
            },
            edit: way,
            before: Box::new(edit.before.clone()),
            after: Box::new(edit.after.clone()),
        })
    }

    /// The id of the step whose edit is taken back or made again next.
    pub fn next_edit(&self, way: EditWay) -> Option<&Arc<str>> {
        let (ix, _) = self.edits.next(way)?;
        Some(&self.steps.get(ix.at())?.info.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::StepInfo;
    use serde_json::json;

    fn given(input: i64) -> StepGiven {
        StepGiven {
            input: Some(Arc::new(json!(input))),
            ..StepGiven::default()
        }
    }

    #[test]
    fn a_skipped_step_that_has_run_since_is_skipped_again() {
        let info = json!({"id": "a", "tool": "t", "kind": "jq", "depends_on": []});
        let info: StepInfo = serde_json::from_value(info).unwrap();
        let mut row = StepState::new(info.into());
        let skipped = StepGiven {
            skipped: true,
            ..given(1)
        };
        let ix = StepIx(0);
        let names = |row: &StepState, wanted: &StepGiven| {
            let commands = row.commands_to(ix, wanted).into_iter();
            let names = commands.map(|command| match command {
                RunCommand::Retry(_) => "retry",
                RunCommand::Skip(_) => "skip",
                RunCommand::SetCall(..) => "edit",
                RunCommand::SetOutput(..) => "set",
                _ => "other",
            });
            names.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(&row, &skipped), "edit skip");
        row.details_mut().given = Some(Arc::new(json!(1)));
        assert_eq!(names(&row, &skipped), "skip");
        row.status = crate::run::StepStatus::Succeeded;
        assert_eq!(names(&row, &skipped), "retry skip");
        assert_eq!(names(&row, &given(1)), "");
        row.output = Some(Arc::new(json!(null)));
        row.source = Some(StepSource::Mock);
        assert_eq!(names(&row, &given(1)), "retry");
        assert_eq!(
            names(
                &row,
                &StepGiven {
                    supplied: true,
                    ..StepGiven::default()
                }
            ),
            "edit set"
        );
    }
}
