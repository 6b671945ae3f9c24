//! Commands of the user, and edits that wait for their rows to exist.

use super::Driver;
use crate::engine::Input;
use crate::engine::edited_steps::EditedStep;
use crate::plan::StepIx;
use crate::run::{EditWay, EventKind, GivenCall, RunCommand};

impl Driver {
    /// Applies the edits of rows that now exist, from this one on.
    pub(super) fn apply_edits(&mut self, from: usize) {
        let mut row = from;
        while self.reuse.has_edits() && row < self.emitter.state().steps.len() {
            let ix = StepIx(row as u32);
            row += 1;
            if self.scheduler.is_dormant(ix) {
                // The list may have this element again.
                continue;
            }
            let id = self.scheduler.key(ix).id;
            // What goes back to an earlier edit is none itself.
            let is_edit = self.reuse.goes_back_to() != Some(&id);
            for command in self.reuse.take_edits(ix, &id) {
                self.give(command, is_edit);
            }
        }
    }

    /// From now on a row asks its model as `call` has it.
    pub(super) fn edit(&mut self, row: StepIx, call: &GivenCall) {
        // What is changed is what the plan has, or the code.
        self.edited.set(row, None);
        let instance = self.instance(row);
        let (step, tool) = if instance.code_call().is_some() {
            (instance.step(), instance.tool())
        } else {
            let plan_step = instance.plan_step();
            (self.plan.step(plan_step), self.tools.get(plan_step.at()))
        };
        let step = step.filter(|_| !call.is_empty());
        let edited = step.map(|step| EditedStep::new(step, tool, call));
        self.edited.set(row, edited);
    }

    /// Whether the command was [`RunCommand::Close`].
    pub(super) fn take_command(&mut self, command: RunCommand) -> bool {
        let closes = matches!(command, RunCommand::Close);
        if !closes {
            self.command(command);
        }
        closes
    }

    pub(super) fn command(&mut self, command: RunCommand) {
        if let Some(way) = command.edit_way() {
            return self.go_through_edits(way);
        }
        self.give(command, true);
    }

    /// Gives a command; whether it is recorded as an edit where it is one.
    fn give(&mut self, command: RunCommand, is_edit: bool) {
        if let RunCommand::Pin(row, pinned) = command {
            return self.pin(row, pinned);
        }
        if let RunCommand::Answer(row, answer) = command {
            return self.answer(row, &answer);
        }
        if let RunCommand::Breakpoint(breakpoint, on) = &command
            && !self.break_conditions.note(&self.plan, breakpoint, *on)
        {
            return;
        }
        self.reuse.note(&command, &self.plan, &self.scheduler);
        self.read_clock();
        if is_edit {
            self.record_edit(&command);
        }
        self.input_now(Input::Command(command));
    }

    /// Records what an edit that is about to be made changes, at the time read last.
    fn record_edit(&mut self, command: &RunCommand) {
        let (RunCommand::SetInput(ix, _)
        | RunCommand::SetCall(ix, _)
        | RunCommand::SetOutput(ix, _)
        | RunCommand::Skip(ix)) = command
        else {
            return;
        };
        let state = self.emitter.state();
        let Some(row) = state.steps.get(ix.at()) else {
            return;
        };
        let before = row.what_is_given();
        let Some(after) = row.given_with(command) else {
            return;
        };
        // A run that goes on is given again what it has.
        let is_known = after == before || state.edits.has_given(*ix, &after);
        if is_known || command.refusal(state).is_some() {
            return;
        }
        let edited = EventKind::StepEdited {
            step: self.scheduler.key(*ix),
            edit: EditWay::Done,
            before: Box::new(before),
            after: Box::new(after),
        };
        self.emitter.emit(self.now, edited);
    }

    /// Takes the last edit back, or makes it again.
    fn go_through_edits(&mut self, way: EditWay) {
        let state = self.emitter.state();
        let command = match way {
            EditWay::Redone => RunCommand::Redo,
            _ => RunCommand::Undo,
        };
        if command.refusal(state).is_some() {
            return;
        }
        let commands = state.edit_commands(way);
        let Some(edited) = state.edit_event(way) else {
            return;
        };
        self.read_clock();
        self.emitter.emit(self.now, edited);
        for command in commands {
            // What was made before by the same call is used again.
            if !matches!(command, RunCommand::Retry(_)) {
                self.reuse.note(&command, &self.plan, &self.scheduler);
            }
            self.input_now(Input::Command(command));
        }
    }
}
