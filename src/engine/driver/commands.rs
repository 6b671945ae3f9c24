//! Commands of the user, and edits that wait for their rows to exist.

use super::Driver;
use crate::engine::Input;
use crate::plan::StepIx;
use crate::run::RunCommand;

impl Driver {
    /// Applies the edits of rows that now exist, from this one on.
    pub(super) fn apply_edits(&mut self, from: usize) {
        let mut row = from;
        while self.reuse.has_edits() && row < self.emitter.state().steps.len() {
            let ix = StepIx(row as u32);
            let id = self.scheduler.key(ix).id;
            for command in self.reuse.take_edits(ix, &id) {
                self.command(command);
            }
            row += 1;
        }
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
        if let RunCommand::Breakpoint(breakpoint, on) = &command
            && !self.break_conditions.note(&self.plan, breakpoint, *on)
        {
            return;
        }
        self.reuse.note(&command, &self.plan, &self.scheduler);
        self.input(Input::Command(command));
    }
}
