//! Commands of the user, and edits that wait for their rows to exist.

use super::Driver;
use crate::engine::Input;
use crate::engine::edited_steps::EditedStep;
use crate::plan::StepIx;
use crate::run::RunCommand;
use std::sync::Arc;

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
            for command in self.reuse.take_edits(ix, &id) {
                self.command(command);
            }
        }
    }

    /// From now on a row is called with this prompt and this model, as far as they are given.
    pub(super) fn edit(
        &mut self,
        row: StepIx,
        prompt: Option<&Arc<str>>,
        model: Option<&Arc<str>>,
    ) {
        // What is changed is what the plan has, or the code.
        self.edited.set(row, None);
        let instance = self.instance(row);
        let (step, tool) = if instance.code_call().is_some() {
            (instance.step(), instance.tool())
        } else {
            let plan_step = instance.plan_step();
            (self.plan.step(plan_step), self.tools.get(plan_step.at()))
        };
        let is_edited = prompt.is_some() || model.is_some();
        let step = step.filter(|_| is_edited);
        let edited = step.map(|step| EditedStep::new(step, tool, prompt, model));
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
        self.input(Input::Command(command));
    }
}
