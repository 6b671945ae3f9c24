//! Calls that the code of a running row makes: rows that appear while it runs.
//!
//! Such a row is queued, reserved for, called, retried and ended by the rules that hold for every row, so that limits,
//! rates, breakpoints and commands need no second copy. Four things alone are its own, and they are in this file.
//!
//! - It is *opened* by [`Input::Called`](super::Input::Called) and not by the plan, and *answered* to the code when it
//!   ends: it has no dependents, and its failure is the code's to handle, not the run's.
//! - A caller that can do nothing but wait gives its slot back ([`Input::Waits`](super::Input::Waits)), so that its calls
//!   never wait for a slot that it holds. Answers reach it with its next slot. Callers that have an answer come before
//!   everything that starts, and calls come before other rows: what has begun is finished first.
//! - Calls that are open when their caller's attempt ends are abandoned.
//! - Nothing else overlaps a caller that runs alone. Its calls do: they are a part of it.
//!
//! Whether the code really waits is known only to its process, and answers may be on the way there. So it says how many
//! answers it has seen, and is believed where these are all that were given.

use super::call_row::{CallRow, CodeCall};
use super::rows::{EndedBy, Stage};
use super::waiting::WaitFor;
use super::{Action, Scheduler, Turn};
use crate::plan::StepIx;
use crate::run::{EventKind, RunError, SkipReason, StepInfo, StepStatus};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// A row whose code makes calls.
#[derive(Debug, Default)]
struct Caller {
    /// Its calls of all attempts, by what they are called.
    rows: HashMap<Arc<str>, StepIx>,
    /// Those of the present attempt that have not ended.
    open: Vec<StepIx>,
    /// How many answers the code was given in this attempt, and the call of the last one.
    answered: u32,
    last_answer: Option<StepIx>,
    /// Calls that have ended while the code had no slot.
    kept: Vec<StepIx>,
}

/// The callers of a run.
#[derive(Debug, Default)]
pub(super) struct Callers {
    all: HashMap<StepIx, Caller>,
    /// Suspended callers that have an answer, in the order in which they got it.
    returning: VecDeque<StepIx>,
    /// Abandoned calls of steps that run alone, until they have ended.
    alone: usize,
}

impl Callers {
    /// The code of a row made a call of this name in an earlier process.
    pub(super) fn know(&mut self, caller: StepIx, id: &Arc<str>, row: StepIx) {
        let caller = self.all.entry(caller).or_default();
        caller.rows.insert(Arc::clone(id), row);
    }
}

impl Scheduler {
    /// Whether the code of a row may make a call of this name: it is running, and no call of that name is open.
    pub(crate) fn may_call(&self, caller: StepIx, id: &Arc<str>) -> bool {
        let is_running = self
            .rows
            .get(caller)
            .is_some_and(super::rows::Row::is_calling);
        let known = self.callers.all.get(&caller).and_then(|c| c.rows.get(id));
        is_running && known.is_none_or(|row| self.rows[*row].is_over() || self.is_dormant(*row))
    }

    /// How many calls, one from the code of the other, are above a row.
    pub(crate) fn depth(&self, row: StepIx) -> usize {
        let callers =
            std::iter::successors(Some(row), |row| Some(self.elements.call(*row)?.caller));
        callers.count() - 1
    }

    /// The row of the call of this name that the code of a row has made, in whichever attempt.
    pub(crate) fn row_of_call(&self, caller: StepIx, id: &str) -> Option<StepIx> {
        let caller = self.callers.all.get(&caller)?;
        caller.rows.get(id).copied()
    }

    /// The call that a row is.
    pub(crate) fn code_call(&self, row: StepIx) -> Option<&CodeCall> {
        self.elements.call(row).map(|row| &row.call)
    }

    /// The row whose code made the call that a row is; `None` where it is none.
    pub(crate) fn caller(&self, row: StepIx) -> Option<StepIx> {
        self.elements.call(row).map(|call| call.caller)
    }

    /// The row of the plan, or the element, whose code made a call, through the code of other calls or itself.
    pub(crate) fn first_caller(&self, row: StepIx) -> StepIx {
        let mut row = row;
        while let Some(call) = self.elements.call(row) {
            row = call.caller;
        }
        row
    }

    /// The code of a row calls a tool.
    pub(super) fn called(&mut self, caller: StepIx, call: CodeCall, turn: &mut Turn<'_>) {
        let is_stopping = self.outcome.is_stopping() || self.rows[caller].begins_again();
        if is_stopping || !self.may_call(caller, &call.id) {
            return;
        }
        let parent = self.plan_step(caller);
        let entry = self.callers.all.entry(caller).or_default();
        let depends_on = match entry.last_answer {
            Some(last) => Arc::new([last]),
            None => match self.elements.call(caller) {
                Some(call) => Arc::clone(&call.depends_on),
                None => Arc::clone(&self.steps.get(parent).depends_on),
            },
        };
        let info = StepInfo {
            id: Arc::clone(&call.id),
            tool: Arc::clone(&call.step.tool),
            kind: Arc::clone(&call.kind),
            depends_on: Arc::clone(&depends_on),
            description: None,
            parent: Some(parent),
            parameters: None,
            not_reused: None,
            sequential: false,
            price: call.price.clone(),
            checks: None,
        };
        let known = entry.rows.get(&call.id).copied();
        let row = known.unwrap_or_else(|| self.rows.add_element(&call.step));
        entry.rows.insert(Arc::clone(&call.id), row);
        entry.open.push(row);
        let added = CallRow {
            caller,
            parent,
            call,
            depends_on,
            is_open: true,
            is_alone: false,
            error: None,
        };
        self.elements.set_call(row, added);
        turn.emit(EventKind::StepCalled {
            step: self.key(caller),
            row,
            call: Box::new(info),
        });
        self.rows.unfinished += 1;
        if known.is_some() {
            self.rows[row].stage = Stage::Idle;
            self.clear(row, turn);
        }
        self.make_ready(row, turn);
    }

    /// The code of a row can do nothing until one of its calls ends; it has seen so many answers.
    pub(super) fn waits(&mut self, row: StepIx, answered: u32, turn: &mut Turn<'_>) {
        let caller = self.callers.all.get(&row);
        if caller.is_none_or(|caller| caller.answered != answered || caller.open.is_empty()) {
            return;
        }
        let Some(Stage::Calling(call)) = self.rows.stage_mut(row) else {
            return;
        };
        let Some(slot) = call.slot.take() else {
            return;
        };
        if self.resources.paced.contains(&row) {
            call.slot = Some(slot);
            return;
        }
        let reserved = call.upper_bound;
        self.resources.suspend(slot, reserved);
        // From its first wait on it is none of the calls at once of a pool: a call of that pool could wait for it for ever.
        self.resources.rates.end(row);
        let (step, attempt) = (self.key(row), self.rows[row].attempts);
        turn.emit(EventKind::AttemptSuspended { step, attempt });
    }

    /// A call ended: its code gets the answer, at once or with its next slot.
    pub(super) fn call_ended(&mut self, row: StepIx, turn: &mut Turn<'_>) {
        let Some(call) = self.elements.call_mut(row) else {
            return;
        };
        self.callers.alone -= usize::from(std::mem::take(&mut call.is_alone));
        if !call.is_open {
            return;
        }
        call.is_open = false;
        let caller = call.caller;
        let Some(entry) = self.callers.all.get_mut(&caller) else {
            return;
        };
        entry.open.retain(|open| *open != row);
        let has_slot = match self.rows.stage(caller) {
            Stage::Calling(call) => call.slot.is_some(),
            _ => return,
        };
        if has_slot {
            self.answer(row, turn);
            return;
        }
        if entry.kept.is_empty() {
            self.callers.returning.push_back(caller);
        }
        entry.kept.push(row);
    }

    /// Gives free slots to suspended callers that have an answer.
    pub(super) fn give_slots_back(&mut self, turn: &mut Turn<'_>) {
        while self.resources.slots.any_free()
            && let Some(row) = self.callers.returning.pop_front()
        {
            let Some(Stage::Calling(call)) = self.rows.stage_mut(row) else {
                continue;
            };
            if call.slot.is_some() {
                continue;
            }
            let Some(slot) = self.resources.resume(call.upper_bound) else {
                return;
            };
            call.slot = Some(slot);
            let (step, attempt) = (self.key(row), self.rows[row].attempts);
            turn.emit(EventKind::AttemptContinued {
                step,
                attempt,
                slot,
            });
            let entry = self.callers.all.get_mut(&row);
            let kept = entry.map(|entry| std::mem::take(&mut entry.kept));
            for answer in kept.unwrap_or_default() {
                self.answer(answer, turn);
            }
        }
    }

    fn answer(&mut self, row: StepIx, turn: &mut Turn<'_>) {
        let Some(call) = self.elements.call(row) else {
            return;
        };
        let outcome = match (self.rows[row].status, self.output(row), &call.error) {
            (StepStatus::Succeeded, Some(output), _) => Ok(Arc::clone(output)),
            (_, _, Some(error)) => Err(Arc::clone(&error.message)),
            (StepStatus::Skipped, ..) => Err("the call was skipped".into()),
            _ => Err("the call was cancelled".into()),
        };
        let (caller, number) = (call.caller, call.call.number);
        if let Some(entry) = self.callers.all.get_mut(&caller) {
            entry.answered += 1;
            entry.last_answer = Some(row);
        }
        turn.act(Action::Answer {
            caller,
            number,
            outcome,
        });
    }

    /// An attempt of a row begins: it makes calls of its own.
    pub(super) fn begin_calls(&mut self, row: StepIx) {
        if let Some(caller) = self.callers.all.get_mut(&row) {
            let rows = std::mem::take(&mut caller.rows);
            *caller = Caller {
                rows,
                ..Caller::default()
            };
        }
    }

    /// The attempt of a row has ended: nobody waits for its open calls any more.
    pub(super) fn abandon_calls(&mut self, caller: StepIx, turn: &mut Turn<'_>) {
        let Some(entry) = self.callers.all.get_mut(&caller) else {
            return;
        };
        entry.kept.clear();
        self.callers.returning.retain(|row| *row != caller);
        for row in std::mem::take(&mut entry.open) {
            if let Some(call) = self.elements.call_mut(row) {
                call.is_open = false;
            }
            if self.rows[row].is_over() {
                continue;
            }
            if self.rows[row].is_calling() {
                let is_alone = self.rows[self.first_caller(row)].sequential;
                if let Some(call) = self.elements.call_mut(row) {
                    call.is_alone = is_alone;
                    self.callers.alone += usize::from(is_alone);
                }
                turn.act(Action::Cancel(row));
                continue;
            }
            if let Some(error) = self.decisions.take_question(row) {
                self.leave(row);
                self.stay_unknown(row, error);
                continue;
            }
            let is_running = self.rows[row].status == StepStatus::Running;
            self.leave(row);
            if is_running {
                self.cancel(row, turn);
            } else {
                self.skip(row, SkipReason::Upstream, Some(caller), turn);
                self.rows[row].ended_by = EndedBy::Itself;
            }
        }
    }

    /// Whether it is a call that no code waits for any more.
    pub(super) fn is_abandoned(&self, row: StepIx) -> bool {
        self.elements.call(row).is_some_and(|call| !call.is_open)
    }

    /// Whether a row could continue by itself: what waits for a row that runs alone could not.
    pub(super) fn could_go_on(&self, row: StepIx) -> bool {
        let waits = || self.runs_alone() && self.elements.call(row).is_none();
        let is_aside = *self.rows.stage(row) == Stage::Aside;
        self.rows[row].can_continue() && !is_aside && !waits()
    }

    /// Calls that were held when the run ended for that are held no longer: the code that made them begins again.
    pub(super) fn abandon_held_calls(&mut self, turn: &mut Turn<'_>) {
        let has_open = |(row, caller): (&StepIx, &Caller)| {
            let is_left = !caller.open.is_empty() && !self.rows[*row].is_calling();
            is_left.then_some(*row)
        };
        let mut callers: Vec<StepIx> = self.callers.all.iter().filter_map(has_open).collect();
        callers.sort_unstable();
        if callers.is_empty() {
            return;
        }
        for caller in callers {
            self.abandon_calls(caller, turn);
        }
        // What depends on the code that was stopped for them does not know of it yet.
        for row in self.steps.positions() {
            self.consider(row, None, turn);
        }
    }

    /// Takes note of why a call failed. Whether it is one.
    pub(super) fn note_call_error(&mut self, row: StepIx, error: &RunError) -> bool {
        let call = self.elements.call_mut(row);
        call.map(|call| call.error = Some(Box::new(error.clone())))
            .is_some()
    }

    /// Whether something runs alone: then only its calls may start.
    pub(super) fn runs_alone(&self) -> bool {
        self.waiting.exclusive.running.is_some() || self.callers.alone > 0
    }

    /// How a row without a slot waits for one.
    pub(super) fn wait_for_slot(&self, row: StepIx) -> WaitFor {
        if self.elements.call(row).is_some() {
            return WaitFor::SlotOfCall;
        }
        let of = self.plan_step(row);
        WaitFor::Slot { of }
    }
}
