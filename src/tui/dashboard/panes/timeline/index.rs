//! The attempts of a run in the order in which the timeline looks for them.

use crate::plan::StepIx;
use crate::run::{AttemptState, RunState, StepState, StepStatus};
use crate::tui::widgets::refresh_throttle::RefreshThrottle;
use crate::units::Micros;
use std::collections::BTreeMap;
use std::ops::Range;

/// Slots up to which those that no attempt took have a line as well.
const EMPTY_SLOTS: usize = 64;
/// Rows that wait and are kept to be shown in free slots.
const WAITING: usize = 1_000;

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Running,
    Succeeded,
    Failed,
    Cancelled,
    Unknown,
}

impl Fate {
    pub(super) fn of(row: &StepState, attempt: &AttemptState) -> Self {
        match &attempt.end {
            Some((_, end)) if end.cancelled => Self::Cancelled,
            Some((_, end)) if end.error.is_some() => Self::Failed,
            Some(_) => Self::Succeeded,
            None if row.status == StepStatus::Unknown => Self::Unknown,
            None if row.status == StepStatus::Cancelled => Self::Cancelled,
            None => Self::Running,
        }
    }

    /// The status whose looks it has.
    pub(super) fn status(self) -> StepStatus {
        match self {
            Self::Running => StepStatus::Running,
            Self::Succeeded => StepStatus::Succeeded,
            Self::Failed => StepStatus::Failed,
            Self::Cancelled => StepStatus::Cancelled,
            Self::Unknown => StepStatus::Unknown,
        }
    }

    fn is_bad(self) -> bool {
        matches!(self, Self::Failed | Self::Unknown)
    }
}

/// One attempt on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bar {
    /// Its row.
    pub(super) step: StepIx,
    /// Its place among the attempts of the row.
    pub(super) attempt: u32,
    /// When it started, in microseconds.
    pub(super) start: u64,
    /// When it ended; [`Bar::OPEN`] while it has not.
    end: u64,
    /// How it ended.
    pub(super) fate: Fate,
}

impl Bar {
    const OPEN: u64 = u64::MAX;

    fn of(ix: usize, row: &StepState, at: usize, is_paced: bool) -> Self {
        let attempt = &row.attempts[at];
        let end = match &attempt.end {
            // Slow motion keeps it running after its call.
            Some((ended, end)) if is_paced => ended.0.min((attempt.started + end.service).0),
            Some((ended, _)) => ended.0,
            None if row.paced_since.is_some() => row.paced_since.map_or(Self::OPEN, |at| at.0),
            None if row.status.has_ended() => row.ended_at().map_or(Self::OPEN, |at| at.0),
            None => Self::OPEN,
        };
        Self {
            step: StepIx(ix as u32),
            attempt: at as u32,
            start: attempt.started.0,
            end: end.max(attempt.started.0.saturating_add(1)),
            fate: Fate::of(row, attempt),
        }
    }

    /// When it ended, or the time shown if it has not; never before its start.
    pub(super) fn end(&self, now: Micros) -> u64 {
        if self.end == Self::OPEN {
            now.0.max(self.start.saturating_add(1))
        } else {
            self.end
        }
    }
}

/// Whether the run is in slow motion.
fn is_paced(run: &RunState) -> bool {
    run.header
        .as_deref()
        .is_some_and(|header| header.pace.is_some())
}

/// Attempts that follow each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    /// By start; none ends after the next one starts.
    pub(super) bars: Vec<Bar>,
    /// Before each bar, the time of those before it.
    busy: Vec<u64>,
    /// Before each bar, how many of those before it went wrong.
    bad: Vec<u32>,
}

impl Line {
    fn of(mut bars: Vec<Bar>) -> Self {
        bars.sort_unstable_by_key(|bar| (bar.start, bar.step, bar.attempt));
        // A log from elsewhere may have two attempts at once in a slot.
        for at in 1..bars.len() {
            let next = bars[at].start;
            bars[at - 1].end = bars[at - 1].end.min(next);
        }
        let (mut busy, mut bad) = (
            Vec::with_capacity(bars.len()),
            Vec::with_capacity(bars.len()),
        );
        let (mut time, mut wrong) = (0u64, 0u32);
        for bar in &bars {
            busy.push(time);
            bad.push(wrong);
            if bar.end != Bar::OPEN {
                time = time.saturating_add(bar.end.saturating_sub(bar.start));
            }
            wrong += u32::from(bar.fate.is_bad());
        }
        Self { bars, busy, bad }
    }

    /// The attempts of one row.
    pub(super) fn of_row(run: &RunState, step: StepIx, row: &StepState) -> Self {
        let bars = (0..row.attempts.len()).map(|at| Bar::of(step.at(), row, at, is_paced(run)));
        Self::of(bars.collect())
    }

    /// The bars that are seen between two times.
    pub(super) fn seen(&self, from: f64, until: f64, now: Micros) -> Range<usize> {
        let first = self.bars.partition_point(|bar| bar.end(now) as f64 <= from);
        let last = self.bars.partition_point(|bar| (bar.start as f64) < until);
        first..last.max(first)
    }

    /// The same, for times after those of which `before` is what is seen.
    pub(super) fn seen_after(
        &self,
        before: Range<usize>,
        from: f64,
        until: f64,
        now: Micros,
    ) -> Range<usize> {
        let mut first = before.start;
        while (self.bars.get(first)).is_some_and(|bar| bar.end(now) as f64 <= from) {
            first += 1;
        }
        let mut last = before.end.max(first);
        while (self.bars.get(last)).is_some_and(|bar| (bar.start as f64) < until) {
            last += 1;
        }
        first..last
    }

    /// The share of the time between `from` and `until` covered by at least one of these bars.
    pub(super) fn share(&self, seen: Range<usize>, from: f64, until: f64, now: Micros) -> f64 {
        let clipped = |at: usize| {
            let bar = &self.bars[at];
            ((bar.end(now) as f64).min(until) - (bar.start as f64).max(from)).max(0.0)
        };
        let Some(last) = seen.end.checked_sub(1).filter(|last| *last >= seen.start) else {
            return 0.0;
        };
        let mut time = clipped(seen.start);
        if last > seen.start {
            time += clipped(last) + (self.busy[last] - self.busy[seen.start + 1]) as f64;
        }
        time / (until - from)
    }

    /// Whether one of these bars went wrong.
    pub(super) fn any_bad(&self, seen: Range<usize>) -> bool {
        let Some(last) = seen.end.checked_sub(1).filter(|last| *last >= seen.start) else {
            return false;
        };
        self.bad[last] > self.bad[seen.start] || self.bars[last].fate.is_bad()
    }

    /// The place of an attempt on the line.
    pub(super) fn find(&self, step: StepIx, attempt: u32, start: u64) -> Option<usize> {
        let first = self.bars.partition_point(|bar| bar.start < start);
        let same = self.bars[first..]
            .iter()
            .take_while(|bar| bar.start == start);
        same.enumerate()
            .find(|(_, bar)| bar.step == step && bar.attempt == attempt)
            .map(|(at, _)| first + at)
    }

    /// The bar nearest to a time.
    pub(super) fn nearest(&self, at: f64, now: Micros) -> Option<usize> {
        let after = self.bars.partition_point(|bar| (bar.start as f64) <= at);
        let distance = |place: usize| {
            let bar = &self.bars[place];
            (bar.start as f64 - at)
                .max(at - bar.end(now) as f64)
                .max(0.0)
        };
        [after.checked_sub(1), Some(after)]
            .into_iter()
            .flatten()
            .filter(|place| *place < self.bars.len())
            .min_by(|a, b| distance(*a).total_cmp(&distance(*b)))
    }

    /// Whether an attempt is running on it.
    pub(super) fn is_taken(&self) -> bool {
        self.bars.last().is_some_and(|bar| bar.end == Bar::OPEN)
    }
}

/// What the timeline is drawn from; made from the run's state, and made again when that changes.
#[derive(Debug, Default)]
pub(super) struct Index {
    throttle: RefreshThrottle,
    /// Whether there are lines of steps alone, and elements stand in that of their `for_each` step.
    is_folded: bool,
    /// The slots by number, each with its attempts.
    pub(super) slots: Vec<(u32, Line)>,
    /// Every row by the start of its first attempt; those that did not start yet by when they were ready, then
    /// in the order of the plan.
    pub(super) order: Vec<StepIx>,
    /// The place of each row in `order`.
    place: Vec<u32>,
    /// Rows that could start or try again but for something, those that wait longest first.
    pub(super) waiting: Vec<StepIx>,
    /// The critical path that `critical` and `path` were made from.
    critical_path: Vec<StepIx>,
    /// Whether each row is on the critical path.
    critical: Vec<bool>,
    /// The attempts along the critical path.
    pub(super) path: Line,
}

impl Index {
    /// Takes in what changed. To be called once a frame.
    pub(super) fn sync(&mut self, run: &RunState, critical_path: &[StepIx]) {
        let due = self.throttle.due(run);
        if due {
            self.take_order(run);
            if !self.is_folded {
                self.take_slots(run);
                self.take_waiting(run);
            }
        }
        if due || self.critical_path != critical_path {
            self.take_path(run, critical_path);
        }
    }

    /// Leaves out the lines of elements.
    pub(super) fn fold_elements(&mut self) {
        self.is_folded = true;
    }

    /// Whether `other` is this step, or an element that stands in its line.
    pub(super) fn is_in_line(&self, step: StepIx, other: Option<StepIx>) -> bool {
        other.is_some_and(|other| {
            other == step || self.is_folded && self.place(other) == self.place(step)
        })
    }

    /// Whether a later frame has more to take in.
    pub(super) fn is_behind(&self) -> bool {
        self.throttle.is_behind()
    }

    /// Whether a row is on the critical path.
    pub(super) fn is_critical(&self, step: StepIx) -> bool {
        self.critical.get(step.at()).copied().unwrap_or(false)
    }

    /// The place of a row in the order by start.
    pub(super) fn place(&self, step: StepIx) -> Option<usize> {
        self.place.get(step.at()).map(|place| *place as usize)
    }

    /// The place of a slot among the lines.
    pub(super) fn slot(&self, number: u32) -> Option<usize> {
        self.slots.binary_search_by_key(&number, |slot| slot.0).ok()
    }

    fn take_slots(&mut self, run: &RunState) {
        let mut slots: BTreeMap<u32, Vec<Bar>> = BTreeMap::new();
        if run.slots() <= EMPTY_SLOTS {
            slots.extend((0..run.slots() as u32).map(|slot| (slot, Vec::new())));
        }
        for (ix, row) in run.steps.iter().enumerate() {
            for (at, attempt) in row.attempts.iter().enumerate() {
                let bar = Bar::of(ix, row, at, is_paced(run));
                if attempt.suspensions.is_empty() {
                    slots.entry(attempt.slot).or_default().push(bar);
                    continue;
                }
                // While its code waits for its calls, others have its slot.
                for (slot, from, until) in attempt.stretches(Micros(bar.end)) {
                    let (start, end) = (from.0, until.0.max(from.0.saturating_add(1)));
                    let bars = slots.entry(slot).or_default();
                    bars.push(Bar { start, end, ..bar });
                }
            }
        }
        let lines = slots.into_iter();
        self.slots = lines.map(|(slot, bars)| (slot, Line::of(bars))).collect();
    }

    fn take_order(&mut self, run: &RunState) {
        let key = |row: &StepState| {
            let first = row.attempts.first().map(|attempt| attempt.started);
            let began = first.or(row.started_at()).or(row.ready_at());
            began.or(row.ended_at()).map_or(u64::MAX, |at| at.0)
        };
        let mut order: Vec<(u64, u32)> = run
            .steps
            .iter()
            .enumerate()
            .filter(|(_, row)| !self.is_folded || row.info.parent.is_none())
            .map(|(ix, row)| (key(row), ix as u32))
            .collect();
        order.sort_unstable();
        self.place.resize(run.steps.len(), 0);
        for (place, (_, ix)) in order.iter().enumerate() {
            self.place[*ix as usize] = place as u32;
        }
        if self.is_folded {
            for (ix, row) in run.steps.iter().enumerate() {
                let of_step = row
                    .info
                    .parent
                    .and_then(|step| self.place.get(step.at()).copied());
                if let Some(place) = of_step {
                    self.place[ix] = place;
                }
            }
        }
        self.order = order.into_iter().map(|(_, ix)| StepIx(ix)).collect();
    }

    fn take_waiting(&mut self, run: &RunState) {
        let since = |row: &StepState| match row.status {
            StepStatus::Ready => row.ready_at(),
            StepStatus::Running if row.running_attempt().is_none() => row.retry_at,
            _ => None,
        };
        let mut waiting: Vec<(Micros, u32)> = run
            .steps
            .iter()
            .enumerate()
            .filter_map(|(ix, row)| Some((since(row)?, ix as u32)))
            .collect();
        if waiting.len() > WAITING {
            waiting.select_nth_unstable(WAITING);
            waiting.truncate(WAITING);
        }
        waiting.sort_unstable();
        self.waiting = waiting.into_iter().map(|(_, ix)| StepIx(ix)).collect();
    }

    fn take_path(&mut self, run: &RunState, critical_path: &[StepIx]) {
        self.critical_path = critical_path.to_vec();
        self.critical = vec![false; run.steps.len()];
        let mut bars = Vec::with_capacity(critical_path.len());
        for step in critical_path {
            let Some(row) = run.steps.get(step.at()) else {
                continue;
            };
            self.critical[step.at()] = true;
            bars.extend(
                (0..row.attempts.len()).map(|at| Bar::of(step.at(), row, at, is_paced(run))),
            );
        }
        self.path = Line::of(bars);
    }
}
