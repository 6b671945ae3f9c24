//! What the calls that code makes change.

use super::RunState;
use crate::plan::StepIx;
use crate::run::row_info::RowInfo;
use crate::run::{StepInfo, StepKey, StepState, Suspension};
use crate::units::Micros;

impl RunState {
    /// The code of a row calls a tool: the call is a new row, or one that an earlier attempt had.
    pub(super) fn called(&mut self, step: &StepKey, row: StepIx, call: &StepInfo) {
        let Some(caller) = self.steps.get(step.ix.at()) else {
            return;
        };
        let parent = caller.info.parent.unwrap_or(step.ix);
        if row.at() == self.steps.len() {
            let info = StepInfo {
                parent: Some(parent),
                ..call.clone()
            };
            let mut state = StepState::new(RowInfo::from(info));
            state.details_mut().caller = Some(step.ix);
            self.steps.extend([state]);
        }
        let known = self.steps.get(row.at());
        if known.is_none_or(|known| known.caller != Some(step.ix)) {
            return;
        }
        self.with(step, |caller| caller.add_call(row));
        self.callable += 1;
        self.most_callable = self.most_callable.max(self.callable);
    }

    /// Another attempt of a row makes calls of its own.
    pub(super) fn forget_calls(&mut self, step: &StepKey) {
        let row = self.steps.get(step.ix.at());
        if row.is_none_or(|row| row.calls().is_empty()) {
            return;
        }
        let row = self.steps.get_mut(step.ix.at());
        let count = row.map_or(0, StepState::forget_calls);
        self.callable = self.callable.saturating_sub(count);
    }

    /// The code of an attempt waits for its calls, without a slot.
    pub(super) fn suspend(&mut self, at: Micros, step: &StepKey, attempt: u32) {
        let row = self.steps.get_mut(step.ix.at());
        let Some(row) = row.filter(|row| row.paced_since.is_none()) else {
            return;
        };
        let running = row.attempts.iter_mut().rfind(|one| one.number == attempt);
        if let Some(running) = running.filter(|one| one.end.is_none() && !one.is_suspended()) {
            running.extras_mut().suspensions.push(Suspension {
                from: at,
                until: None,
                slot: None,
            });
            self.running = self.running.saturating_sub(1);
        }
    }

    /// The code of an attempt continues in this slot.
    pub(super) fn go_on(&mut self, at: Micros, step: &StepKey, attempt: u32, slot: u32) {
        let row = self.steps.get_mut(step.ix.at());
        let running = row.and_then(|row| {
            let mut all = row.attempts.iter_mut();
            all.rfind(|one| one.number == attempt && one.is_suspended())
        });
        if let Some(running) = running {
            running.end_suspension(at, Some(slot));
            self.running += 1;
            self.most_callable = self.most_callable.max(self.running);
        }
    }

    /// The row of the plan, or the element, whose code made the call that a row is, itself or through the code of other
    /// calls; the row itself where it is no call.
    pub fn first_caller(&self, row: StepIx) -> StepIx {
        let mut first = row;
        // A journal is not trusted: it may nest calls in a circle.
        for _ in 0..self.steps.len() {
            match self.steps.get(first.at()).and_then(|row| row.caller) {
                Some(caller) => first = caller,
                None => return first,
            }
        }
        row
    }

    /// The rows under a step of the plan: the elements that its list has, each followed by the calls that its code has
    /// made, and the calls of those.
    pub fn under(&self, step: StepIx) -> Vec<StepIx> {
        let Some(row) = self.steps.get(step.at()) else {
            return Vec::new();
        };
        if row.elements().is_empty() && row.calls().is_empty() {
            return Vec::new();
        }
        let children = |row: &StepState| {
            let rows = row.elements().iter().chain(row.calls()).rev();
            rows.copied().collect::<Vec<StepIx>>()
        };
        let mut left = children(row);
        let mut found = Vec::with_capacity(left.len());
        while let Some(next) = left.pop() {
            // A journal is not trusted: what it nests in a circle is listed once.
            if found.len() >= self.steps.len() {
                break;
            }
            found.push(next);
            if let Some(row) = self.steps.get(next.at()) {
                left.extend(children(row));
            }
        }
        found
    }
}
