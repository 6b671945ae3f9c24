//! Every event of a run, and the way to the state at any of them.
//!
//! The state after n events is a fold of all of them, which takes too long for a key press once there are a
//! million. So states are kept at regular distances; the state at n is the nearest of them before n
//! and a fold of the few events between. The distance doubles whenever there would be too many of them, or when
//! they would hold too much that they do not share (see [`Rows`](super::Rows)), which bounds both the memory and,
//! for runs that touch their rows more or less in turn, the time of a jump.

use super::{EventKind, RunEvent, RunState};
use crate::units::Micros;
use std::ops::Range;

#[cfg(test)]
mod tests;

/// Events between two marks at first.
const DISTANCE: usize = 1_024;
/// The highest number of marks.
const MARKS: usize = 64;
/// Times as many rows as the run has that marks may hold for themselves.
const COPIES: usize = 8;
/// Rows that they may hold in any case.
const COPIED: usize = 200_000;

/// The events of one run so far, in order. A position is a number of events: at position n, the first n have happened.
#[derive(Debug)]
pub struct History {
    events: Vec<RunEvent>,
    /// When each happened, never before the one before it: a foreign log may hold any times.
    times: Vec<Micros>,
    /// The state after the first event: it makes the rows, which takes longest of all.
    first: Option<Box<RunState>>,
    /// The states at every multiple of the distance, from the first.
    marks: Vec<Mark>,
    distance: usize,
    most: usize,
    /// The positions right after a step ended.
    ends: Vec<u32>,
    /// Those right after a step failed.
    failures: Vec<u32>,
}

/// A run with all of its events.
#[derive(Debug, Default)]
pub struct FoldedRun {
    /// The state after the last one.
    pub state: RunState,
    /// The events.
    pub history: History,
}

impl FoldedRun {
    /// The run with these events.
    pub fn of(events: Vec<RunEvent>) -> Self {
        let mut run = Self::default();
        for event in events {
            run.state.apply(&event);
            run.history.push(event, &run.state);
        }
        run
    }
}

#[derive(Debug)]
struct Mark {
    state: RunState,
    /// Its rows that the mark before it does not have as well.
    own: usize,
}

impl Default for History {
    fn default() -> Self {
        Self::with(DISTANCE, MARKS)
    }
}

impl History {
    fn with(distance: usize, most: usize) -> Self {
        Self {
            events: Vec::new(),
            times: Vec::new(),
            first: None,
            marks: Vec::new(),
            distance,
            most,
            ends: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// How many events there are: the last position.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether nothing has happened.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The events, in order.
    pub fn events(&self) -> &[RunEvent] {
        &self.events
    }

    /// Takes in the next event; `after` is the state that it led to.
    pub fn push(&mut self, event: RunEvent, after: &RunState) {
        let failed = match &event.kind {
            EventKind::StepFailed { .. } | EventKind::StepUnknown { .. } => Some(true),
            EventKind::StepSucceeded { .. }
            | EventKind::StepSkipped { .. }
            | EventKind::StepCancelled { .. } => Some(false),
            _ => None,
        };
        let before = self.times.last().copied().unwrap_or_default();
        self.times.push(event.at.max(before));
        self.events.push(event);
        let position = self.events.len() as u32;
        if let Some(failed) = failed {
            self.ends.push(position);
            if failed {
                self.failures.push(position);
            }
        }
        if position == 1 {
            self.first = Some(Box::new(after.clone()));
        }
        if self.events.len().is_multiple_of(self.distance) {
            self.mark(after.clone());
        }
    }

    fn mark(&mut self, state: RunState) {
        let before = self.marks.last().map(|mark| &mark.state);
        let own = own_rows(&state, before);
        self.marks.push(Mark { state, own });
        let held = |marks: &[Mark]| marks.iter().skip(1).map(|mark| mark.own).sum::<usize>();
        let rows = self.marks.last().map_or(0, |mark| mark.state.steps.len());
        while self.marks.len() > self.most
            || self.marks.len() > 1 && held(&self.marks) > COPIED.max(COPIES * rows)
        {
            self.thin_out();
        }
    }

    /// Lets every second mark go.
    fn thin_out(&mut self) {
        self.distance *= 2;
        let marks = std::mem::take(&mut self.marks);
        for mark in marks.into_iter().skip(1).step_by(2) {
            let own = own_rows(&mark.state, self.marks.last().map(|mark| &mark.state));
            self.marks.push(Mark { own, ..mark });
        }
    }

    /// The state at a position; positions past the end give the last state.
    pub fn state_at(&self, position: usize) -> RunState {
        let position = position.min(self.events.len());
        let (from, mut state) = match (position / self.distance).min(self.marks.len()) {
            0 => match &self.first {
                Some(first) if position > 0 => (1, RunState::clone(first)),
                _ => (0, RunState::default()),
            },
            mark => (mark * self.distance, self.marks[mark - 1].state.clone()),
        };
        for event in &self.events[from..position] {
            state.apply(event);
        }
        state
    }

    /// Whether folding the events in between is the cheapest way from position `from` to position `to`.
    pub(crate) fn is_near(&self, from: usize, to: usize) -> bool {
        from <= to && to - from <= to % self.distance
    }

    /// The time of the event just before a position.
    pub(crate) fn time_at(&self, position: usize) -> Micros {
        let time = self.times.get(position.saturating_sub(1));
        time.copied().unwrap_or_default()
    }

    /// The last position whose time is not after `time`.
    pub(crate) fn position_at(&self, time: Micros) -> usize {
        self.times.partition_point(|at| *at <= time)
    }

    /// The nearest position after `position` right after a step ended.
    pub(crate) fn next_end(&self, position: usize) -> Option<usize> {
        let after = self.ends.partition_point(|end| *end as usize <= position);
        self.ends.get(after).map(|end| *end as usize)
    }

    /// The nearest position before `position` right after a step ended.
    pub(crate) fn previous_end(&self, position: usize) -> Option<usize> {
        let before = self.ends.partition_point(|end| (*end as usize) < position);
        let end = self.ends.get(before.checked_sub(1)?)?;
        Some(*end as usize)
    }

    /// Whether a step failed at one of these positions.
    pub(crate) fn failed_in(&self, positions: Range<usize>) -> bool {
        let first = self
            .failures
            .partition_point(|at| (*at as usize) < positions.start);
        let next = self.failures.get(first);
        next.is_some_and(|at| (*at as usize) < positions.end)
    }
}

/// The rows of `state` that `before` does not share with it.
fn own_rows(state: &RunState, before: Option<&RunState>) -> usize {
    before.map_or(state.steps.len(), |before| {
        state.steps.apart(&before.steps).count()
    })
}
