//! A batch as its records tell it: every item with its steps, and the figures of all of them.
//!
//! [`BatchState`] is a fold like [`RunState`](super::RunState), of records instead of events: a record of an item takes
//! the place of the one before. The same records give the same figures, whether the batch is running or was read years
//! later.

mod distribution;
mod failures;
mod pace;
mod record;

pub(crate) use distribution::Distribution;
pub use distribution::Quantiles;
pub use failures::FailureGroup;
pub(crate) use failures::Failures;
pub use record::{BatchHeader, ItemRecord};

use super::{ItemFigures, RunWord, StepFigures, StepStatus};
use crate::units::{Micros, Money};
use pace::Pace;
use serde::Serialize;
use std::sync::Arc;

/// Items beyond this place in the input are not taken in.
const MOST_ITEMS: u64 = 1 << 24;

/// An item of a batch.
#[derive(Clone, Debug, Default)]
pub struct BatchEntry {
    /// Its key; empty until its first run has begun.
    pub key: Arc<str>,
    /// Its last run.
    pub run_id: Arc<str>,
    /// How it stands; `None` until its first run has begun.
    pub status: Option<RunWord>,
    /// What all its runs cost; `None` where that is not known or not tracked.
    pub cost: Option<Money>,
    /// Wall-clock time of its last run, less held time.
    pub latency: Micros,
    /// When its last run started, in milliseconds since 1970.
    pub started: i64,
    /// The message of its error.
    pub message: Option<Arc<str>>,
    /// The number of its group of failures.
    pub group: Option<u32>,
    row: i64,
    /// What its earlier runs cost.
    earlier: Money,
    /// When its last run ended, in milliseconds since 1970; 0 while it is running.
    ended: i64,
}

impl BatchEntry {
    /// Whether its run has ended.
    pub fn has_ended(&self) -> bool {
        self.status.is_some_and(has_ended)
    }
}

const fn has_ended(status: RunWord) -> bool {
    !matches!(status, RunWord::Running | RunWord::Interrupted)
}

/// Figures of one step over all items.
#[derive(Clone, Debug, Default)]
pub struct BatchStep {
    /// Items in which it has each status, in the order of [`StepStatus::ALL`]; those that have not begun are left out.
    pub counts: [u64; 8],
    /// What it cost in all items.
    pub cost: Money,
    /// Attempts in all items.
    pub attempts: u64,
    times: Distribution,
    costs: Distribution,
}

impl BatchStep {
    /// Quantiles of its service time in an item, in milliseconds; zeros where no item made a call.
    pub fn time_ms(&self) -> Quantiles {
        self.times.quantiles()
    }

    /// Quantiles of its cost in an item, in dollars.
    pub fn cost_usd(&self) -> Quantiles {
        self.costs.quantiles()
    }

    /// Whether an item made a call for it.
    pub fn has_calls(&self) -> bool {
        !self.times.is_empty()
    }

    /// Items in which it failed, or nobody knows.
    pub fn wrong(&self) -> u64 {
        self.counts[StepStatus::Failed as usize] + self.counts[StepStatus::Unknown as usize]
    }

    fn count(&mut self, figures: &StepFigures) {
        self.counts[figures.status as usize] += 1;
        self.attempts += u64::from(figures.attempts);
        self.cost += figures.cost.unwrap_or_default();
        if counts(figures) {
            self.times.add(figures.service.ms());
            if let Some(cost) = figures.cost {
                self.costs.add(cost.usd());
            }
        }
    }

    fn uncount(&mut self, figures: &StepFigures) {
        let count = &mut self.counts[figures.status as usize];
        *count = count.saturating_sub(1);
        self.attempts -= u64::from(figures.attempts);
        self.cost = Money::from_pico(self.cost.pico() - figures.cost.unwrap_or_default().pico());
        if counts(figures) {
            self.times.remove(figures.service.ms());
            if let Some(cost) = figures.cost {
                self.costs.remove(cost.usd());
            }
        }
    }
}

/// Whether the time and cost of a step say something: it has ended, and was called for.
fn counts(figures: &StepFigures) -> bool {
    figures.status.has_ended() && figures.attempts > 0
}

/// How many items stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ItemCounts {
    /// Items that succeeded.
    pub succeeded: u64,
    /// Items of which a step failed.
    pub failed: u64,
    /// Items that a limit stopped.
    pub limit_exceeded: u64,
    /// Items that wait for an approval.
    pub waiting: u64,
    /// Items that were stopped.
    pub cancelled: u64,
    /// Items that have begun and not ended.
    pub running: u64,
}

impl ItemCounts {
    fn of(&mut self, status: RunWord) -> &mut u64 {
        match status {
            RunWord::Succeeded => &mut self.succeeded,
            RunWord::Failed => &mut self.failed,
            RunWord::LimitExceeded => &mut self.limit_exceeded,
            RunWord::Waiting => &mut self.waiting,
            RunWord::Cancelled => &mut self.cancelled,
            RunWord::Running | RunWord::Interrupted => &mut self.running,
        }
    }

    /// Those that have ended.
    pub fn ended(&self) -> u64 {
        self.succeeded + self.failed + self.limit_exceeded + self.waiting + self.cancelled
    }
}

/// A batch, folded from its records.
#[derive(Clone, Debug, Default)]
pub struct BatchState {
    /// What is known of it as a whole.
    pub header: BatchHeader,
    /// How many items stand how.
    pub counts: ItemCounts,
    /// What all runs cost; a run whose cost is not known counts as nothing.
    pub cost: Money,
    /// Figures of each step, in the plan's order.
    pub steps: Vec<BatchStep>,
    /// Grows with every record that is taken in.
    pub version: u64,
    /// When the last run that ended did so, in milliseconds since 1970.
    pub last_end: i64,
    items: Vec<BatchEntry>,
    /// The steps of all items, those of an item after those of the one before it.
    cells: Vec<StepFigures>,
    times: Distribution,
    costs: Distribution,
    failures: Failures,
    pace: Pace,
}

impl BatchState {
    /// Takes in what is known of the batch as a whole. Where its steps become known, what was taken in before is taken
    /// in without them.
    pub fn begin(&mut self, header: BatchHeader) {
        self.version += 1;
        if header.steps.len() != self.steps.len() {
            let steps = header.steps.len().min(super::item_figures::MOST_STEPS);
            self.steps = vec![BatchStep::default(); steps];
            self.cells = vec![StepFigures::default(); steps * self.items.len()];
        }
        self.header = header;
    }

    /// Takes in the record of a run. A record of an earlier run of its item is left out, once there is a later one.
    pub fn apply(&mut self, record: ItemRecord) {
        if record.index >= MOST_ITEMS {
            return;
        }
        self.version += 1;
        let at = record.index as usize;
        if at >= self.items.len() {
            self.items.resize_with(at + 1, BatchEntry::default);
            let cells = self.items.len() * self.steps.len();
            self.cells.resize(cells, StepFigures::default());
        }
        if self.items[at].row > record.row {
            let cost = record.cost.unwrap_or_default();
            self.items[at].earlier += cost;
            self.cost += cost;
            return;
        }
        self.leave_out(at, record.row);
        self.keep(at, record);
    }

    /// Counts no more what an item was before.
    fn leave_out(&mut self, at: usize, row: i64) {
        let item = &mut self.items[at];
        let Some(status) = item.status else {
            return;
        };
        *self.counts.of(status) -= 1;
        if item.row == row {
            let cost = item.cost.unwrap_or_default().pico() - item.earlier.pico();
            self.cost = Money::from_pico(self.cost.pico() - cost);
        } else {
            item.earlier = item.cost.unwrap_or_default();
        }
        if has_ended(status) {
            self.times.remove(item.latency.ms());
            if let Some(cost) = item.cost {
                self.costs.remove(cost.usd());
            }
            self.pace.remove(item.ended);
        }
        if let Some(group) = item.group.take() {
            self.failures.remove(group);
        }
        let first = at * self.steps.len();
        for (step, cell) in self.steps.iter_mut().zip(&self.cells[first..]) {
            step.uncount(cell);
        }
    }

    fn keep(&mut self, at: usize, record: ItemRecord) {
        let ItemFigures {
            at: passed,
            steps: figures,
            error,
        } = record.figures;
        let item = &mut self.items[at];
        item.key = record.key;
        item.run_id = record.run_id;
        item.row = record.row;
        item.status = Some(record.status);
        item.latency = record.latency;
        item.started = record.started;
        item.cost = record.cost.map(|cost| cost + item.earlier);
        item.message = error.as_ref().map(|error| Arc::clone(&error.message));
        item.ended = 0;
        *self.counts.of(record.status) += 1;
        self.cost += record.cost.unwrap_or_default();
        if has_ended(record.status) {
            item.ended = record.started + (passed.0 / 1000) as i64;
            self.last_end = self.last_end.max(item.ended);
            self.times.add(item.latency.ms());
            if let Some(cost) = item.cost {
                self.costs.add(cost.usd());
            }
            self.pace.add(item.ended);
        }
        if let Some(error) = error.filter(|_| record.status != RunWord::Succeeded) {
            item.group = Some(self.failures.add(&error, (record.index, &item.key)));
        }
        let first = at * self.steps.len();
        let cells = self.cells[first..].iter_mut();
        let known = figures
            .into_iter()
            .chain(std::iter::repeat_with(StepFigures::default));
        for ((step, cell), figures) in self.steps.iter_mut().zip(cells).zip(known) {
            *cell = figures;
            step.count(cell);
        }
    }

    /// The items so far, in the order of the input.
    pub fn items(&self) -> &[BatchEntry] {
        &self.items
    }

    /// How many items there are: what the header says, and not fewer than have begun.
    pub fn total(&self) -> usize {
        let said = self.header.items.unwrap_or(0).min(MOST_ITEMS) as usize;
        said.max(self.items.len())
    }

    /// The steps of an item; as if nothing had happened where it has not begun.
    pub fn cells(&self, item: usize) -> &[StepFigures] {
        let first = item * self.steps.len();
        self.cells
            .get(first..first + self.steps.len())
            .unwrap_or_default()
    }

    /// Quantiles of the time of an item that has ended, in milliseconds.
    pub fn latency_ms(&self) -> Quantiles {
        self.times.quantiles()
    }

    /// Quantiles of the cost of an item that has ended, in dollars.
    pub fn cost_usd(&self) -> Quantiles {
        self.costs.quantiles()
    }

    /// Like failures with their numbers, the most frequent first.
    pub fn failures(&self) -> Vec<(u32, &FailureGroup)> {
        self.failures.groups()
    }

    /// The group of failures of this number.
    pub fn failure(&self, number: u32) -> Option<&FailureGroup> {
        self.failures.group(number)
    }

    /// What all items will have cost, if the rest costs what the others did.
    pub fn expected_cost(&self) -> Money {
        let ended = self.counts.ended();
        let left = (self.total() as u64).saturating_sub(ended + self.counts.running);
        let each = self.cost.usd() / ended.max(1) as f64;
        self.cost + Money::from_usd(each * left as f64)
    }

    /// Items that end in a second at `now`, in milliseconds since 1970; once the batch is not live, over its whole time.
    pub fn per_second(&self, now: i64) -> f64 {
        if self.header.live {
            return self.pace.per_second(self.header.resumed, now);
        }
        let passed = (self.last_end - self.header.started).max(1);
        self.counts.ended() as f64 * 1e3 / passed as f64
    }

    /// How long the rest takes at this pace; `None` where nothing is left or no pace is known.
    pub fn time_left(&self, now: i64) -> Option<Micros> {
        let left = (self.total() as u64).saturating_sub(self.counts.ended());
        let pace = self.per_second(now);
        let known = self.header.live && left > 0 && pace > 0.0;
        known.then(|| Micros((left as f64 / pace * 1e6) as u64))
    }

    /// How long it has been running, or was.
    pub fn passed(&self, now: i64) -> Micros {
        let end = if self.header.live { now } else { self.last_end };
        Micros((end - self.header.started).max(0) as u64 * 1000)
    }
}

#[cfg(test)]
mod tests;
