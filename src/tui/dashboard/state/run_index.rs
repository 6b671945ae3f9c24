//! What the dashboard keeps beside the run's state so that no frame has to look at every row: which rows
//! are running, held or failed, and what waits for each.

use crate::plan::StepIx;
use crate::run::{EventKind, RerunReason, RunEvent, RunState, StepState, StepStatus};
use crate::units::Micros;
use std::collections::{BTreeSet, HashMap};

/// Most rows visited to count the dependents of one.
const REACH: usize = 300;
/// Most running rows that are compared to find what the run waits for.
const COMPARED: usize = 200;

/// Indexes over the rows of one run.
#[derive(Debug, Default)]
pub struct RunIndex {
    running: BTreeSet<StepIx>,
    held: BTreeSet<StepIx>,
    failed: BTreeSet<StepIx>,
    unknown: BTreeSet<StepIx>,
    unapproved: BTreeSet<StepIx>,
    asking: BTreeSet<StepIx>,
    dependents: Vec<Vec<StepIx>>,
    reach: HashMap<StepIx, usize>,
    /// The status of each row that a call is made for, as it is counted.
    counted: Vec<Option<StepStatus>>,
    calls: [usize; 8],
    can_cost: bool,
    /// In a fork: the step that the user wanted to run again.
    forked_at: Option<StepIx>,
}

impl RunIndex {
    /// Takes in an event that `run` has applied; whether the shape of the run changed.
    pub fn after(&mut self, event: &RunEvent, run: &RunState) -> bool {
        match &event.kind {
            EventKind::RunStarted(_) => {
                *self = Self::default();
                self.connect(run);
                return true;
            }
            EventKind::StepsAdded { .. } => {
                self.connect(run);
                return true;
            }
            EventKind::StepExpanded { step, .. } | EventKind::StepCalled { step, .. } => {
                self.connect(run);
                self.touch(step.ix, run);
                return true;
            }
            _ => {}
        }
        if let Some(step) = event.kind.step() {
            self.touch(step.ix, run);
            // What happens to an element may take its `for_each` step up again.
            if let Some(parent) = run.steps.get(step.ix.at()).and_then(|row| row.info.parent) {
                self.touch(parent, run);
            }
        }
        false
    }

    /// Takes in that `run` is shown in the place of another state, `before`; whether the shape is another.
    pub fn moved(&mut self, before: &RunState, run: &RunState) -> bool {
        let same = match (&before.header, &run.header) {
            (Some(before), Some(now)) => before.is_of_same_run(now),
            _ => false,
        };
        if !same {
            *self = Self::default();
        }
        let reshaped = !same || self.dependents.len() < run.steps.len();
        if reshaped {
            self.connect(run);
        }
        // Rows that are not there any more, or not yet.
        let end = StepIx(run.steps.len() as u32);
        for at in run.steps.len()..self.counted.len() {
            self.recount(at, None);
        }
        for rows in [
            &mut self.running,
            &mut self.held,
            &mut self.failed,
            &mut self.unknown,
            &mut self.unapproved,
            &mut self.asking,
        ] {
            rows.split_off(&end);
        }
        let nothing = RunState::default();
        let before = if same { before } else { &nothing };
        for at in run.steps.apart(&before.steps) {
            self.touch(StepIx(at as u32), run);
        }
        reshaped
    }

    /// Adds the rows that came since the last time.
    fn connect(&mut self, run: &RunState) {
        let known = self.dependents.len();
        if known == 0 {
            self.can_cost = run.can_cost();
        }
        self.dependents.resize(run.steps.len(), Vec::new());
        self.reach.clear();
        for (at, row) in run.steps.iter().enumerate().skip(known) {
            let ix = StepIx(at as u32);
            for before in row.info.depends_on.iter() {
                if let Some(after) = self.dependents.get_mut(before.at()) {
                    after.push(ix);
                }
            }
            if let (Some(parent), Some(after)) = (row.info.parent, self.dependents.get_mut(at)) {
                after.push(parent);
            }
            self.recount(at, counted(row));
        }
    }

    /// Counts the row under its status as it is now.
    fn recount(&mut self, at: usize, now: Option<StepStatus>) {
        if self.counted.len() <= at {
            self.counted.resize(at + 1, None);
        }
        let before = std::mem::replace(&mut self.counted[at], now);
        if let Some(before) = before {
            self.calls[before as usize] -= 1;
        }
        if let Some(now) = now {
            self.calls[now as usize] += 1;
        }
    }

    /// How many rows have each status, in the order of [`StepStatus::ALL`]: the plan's steps, with elements instead of
    /// their `for_each` step.
    pub fn calls(&self) -> [usize; 8] {
        self.calls
    }

    /// Whether anything in the run can cost money.
    pub(crate) fn can_cost(&self) -> bool {
        self.can_cost
    }

    fn touch(&mut self, ix: StepIx, run: &RunState) {
        let Some(row) = run.steps.get(ix.at()) else {
            return;
        };
        self.recount(ix.at(), counted(row));
        keep(&mut self.running, ix, row.status == StepStatus::Running);
        keep(&mut self.held, ix, row.waiting.is_some());
        keep(
            &mut self.failed,
            ix,
            row.status == StepStatus::Failed && row.caller.is_none(),
        );
        keep(&mut self.unknown, ix, row.status == StepStatus::Unknown);
        keep(&mut self.unapproved, ix, row.asked_approval().is_some());
        keep(&mut self.asking, ix, row.open_question().is_some());
        let why = row
            .attempts
            .first()
            .and_then(|attempt| attempt.why.as_ref());
        if why.is_some_and(|why| why.rerun == Some(RerunReason::Asked)) {
            // Of several the first in the plan.
            self.forked_at = Some(self.forked_at.map_or(ix, |known| known.min(ix)));
        }
    }

    /// In a fork, the step that it was forked at, once that is running.
    pub(crate) fn forked_at(&self) -> Option<StepIx> {
        self.forked_at
    }

    /// The rows that wait for this one.
    pub(crate) fn dependents(&self, ix: StepIx) -> &[StepIx] {
        self.dependents.get(ix.at()).map_or(&[], Vec::as_slice)
    }

    /// The rows that something beside slots and pause holds.
    pub fn held(&self) -> &BTreeSet<StepIx> {
        &self.held
    }

    /// The rows whose calls need an approval.
    pub fn unapproved(&self) -> &BTreeSet<StepIx> {
        &self.unapproved
    }

    /// The rows whose result is unknown.
    pub fn unknown(&self) -> &BTreeSet<StepIx> {
        &self.unknown
    }

    /// The rows whose running call asks the user something.
    pub fn asking(&self) -> &BTreeSet<StepIx> {
        &self.asking
    }

    /// How many rows failed, elements of `for_each` steps included, but not calls that code made: whether it minds is its
    /// own business.
    pub fn failures(&self) -> usize {
        self.failed.len()
    }

    /// The failed row after `from`, or before it, going around; `None` where none failed.
    pub fn failure(&self, from: Option<StepIx>, forward: bool) -> Option<StepIx> {
        let first = self.failed.first().copied();
        let last = self.failed.last().copied();
        let Some(from) = from else {
            return if forward { first } else { last };
        };
        if forward {
            let after = self.failed.range(StepIx(from.0.saturating_add(1))..);
            after.copied().next().or(first)
        } else {
            self.failed.range(..from).copied().next_back().or(last)
        }
    }

    /// The running row that the most rows wait for; among equals, the one that has run longest.
    pub(crate) fn blocker(&mut self, run: &RunState) -> Option<StepIx> {
        let calling = |ix: &StepIx| {
            let started = run.steps.get(ix.at())?.running_attempt()?.started;
            Some((*ix, started))
        };
        let candidates: Vec<_> = self
            .running
            .iter()
            .filter_map(calling)
            .take(COMPARED)
            .collect();
        candidates
            .into_iter()
            .map(|(ix, started)| ((self.reach(ix), std::cmp::Reverse(started)), ix))
            .max_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)))
            .map(|(_, ix)| ix)
    }

    /// The row whose next attempt comes first, and when.
    pub(crate) fn next_retry(&self, run: &RunState) -> Option<(StepIx, Micros)> {
        let due = |ix: &StepIx| Some((*ix, run.steps.get(ix.at())?.retry_at?));
        let rows = self.running.iter().take(COMPARED * 10);
        rows.filter_map(due).min_by_key(|(ix, at)| (*at, *ix))
    }

    /// How many rows lie below this one, counted as far as [`REACH`].
    fn reach(&mut self, ix: StepIx) -> usize {
        if let Some(known) = self.reach.get(&ix) {
            return *known;
        }
        let mut seen = BTreeSet::new();
        let mut open = vec![ix];
        while let Some(at) = open.pop() {
            for next in self.dependents(at) {
                if seen.len() < REACH && seen.insert(*next) {
                    open.push(*next);
                }
            }
        }
        self.reach.insert(ix, seen.len());
        seen.len()
    }
}

/// The status under which a row counts, unless its elements count in its place. A call that code makes counts with the
/// step.
fn counted(row: &StepState) -> Option<StepStatus> {
    (row.elements().is_empty() && row.caller.is_none()).then_some(row.status)
}

fn keep(set: &mut BTreeSet<StepIx>, ix: StepIx, belongs: bool) {
    if belongs {
        set.insert(ix);
    } else {
        set.remove(&ix);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{RunError, StepKey};
    use crate::tui::fixture::{RunFixture, info};

    #[test]
    fn rows_that_are_not_there_yet_are_in_no_index() {
        let before = RunFixture::new(vec![info("pages", "fetch", "http", &[])]);
        let early = before.run.clone();
        let expanded = before.expand(0, 2);
        let element = StepIx(2);
        let step = StepKey {
            ix: element,
            id: expanded.run.steps[element.at()].info.id.clone(),
        };
        let error = RunError {
            kind: crate::run::ErrorKind::ToolExecutionError,
            step: None,
            tool_name: None,
            message: "the process died".into(),
            retryable: false,
            attempts: 1,
        };
        let error = Box::new(error);
        let late = expanded.event(EventKind::StepUnknown { step, error }).run;
        let mut index = RunIndex::default();
        index.moved(&RunState::default(), &late);
        assert!(index.unknown().contains(&element));
        assert_eq!(index.calls().iter().sum::<usize>(), 2);
        index.moved(&late, &early);
        assert!(index.unknown().is_empty(), "{:?}", index.unknown());
        assert_eq!(index.calls().iter().sum::<usize>(), 1);
    }
}
