//! What a row waited for before each of its attempts, and waits for now, as stretches of time.

use crate::run::{IdleCause, RunState, StepState, StepStatus, WaitReason};
use crate::units::Micros;
use std::collections::BTreeMap;

/// Waits shorter than this are the way of the world.
const WORTH_SAYING: Micros = Micros(5_000);

/// Why nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Cause {
    /// What it depends on had not ended.
    Dependency,
    /// No slot was free.
    Slot,
    /// A rate of its model or pool.
    Rate,
    /// It did not fit in what was left of the budget.
    Budget,
    /// It runs alone and other calls were running.
    Alone,
    /// A breakpoint.
    Breakpoint,
    /// Its call needed an approval.
    Approval,
    /// The time between two attempts.
    Backoff,
    /// The run was paused.
    Pause,
    /// The run had ended, until the user made something run again.
    Person,
}

impl Cause {
    /// All of them, in the order of the legend.
    pub(super) const ALL: [Self; 10] = [
        Self::Dependency,
        Self::Slot,
        Self::Rate,
        Self::Budget,
        Self::Alone,
        Self::Breakpoint,
        Self::Approval,
        Self::Backoff,
        Self::Pause,
        Self::Person,
    ];

    /// Its name in the legend.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Dependency => "dependency",
            Self::Slot => "slot",
            Self::Rate => "rate",
            Self::Budget => "budget",
            Self::Alone => "alone",
            Self::Breakpoint => "breakpoint",
            Self::Approval => "approval",
            Self::Backoff => "backoff",
            Self::Pause => "pause",
            Self::Person => "ended",
        }
    }
}

impl From<WaitReason> for Cause {
    fn from(reason: WaitReason) -> Self {
        match reason {
            WaitReason::Budget => Self::Budget,
            WaitReason::Rate => Self::Rate,
            WaitReason::Exclusive => Self::Alone,
            WaitReason::Breakpoint | WaitReason::Target | WaitReason::HandOver => Self::Breakpoint,
            WaitReason::Approval => Self::Approval,
        }
    }
}

impl From<IdleCause> for Cause {
    fn from(cause: IdleCause) -> Self {
        match cause {
            IdleCause::Pause => Self::Pause,
            IdleCause::Ended => Self::Person,
        }
    }
}

/// A stretch with one cause. Where pieces of a list overlap, the later one says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) cause: Cause,
    pub(super) from: Micros,
    pub(super) until: Micros,
}

/// What the row waited for before its attempt at this place of the list, since the attempt before it.
pub(super) fn before(run: &RunState, row: &StepState, at: usize) -> Vec<Piece> {
    let Some(attempt) = row.attempts.get(at) else {
        return Vec::new();
    };
    let mut pieces = Vec::new();
    until_ready(run, row, at, attempt.ready, &mut pieces);
    held(run, row, attempt.ready, attempt.started, &mut pieces);
    pieces
}

/// What the row waits for now, or waited for until it ended without an attempt.
pub(super) fn open(run: &RunState, row: &StepState, now: Micros) -> Vec<Piece> {
    let mut pieces = Vec::new();
    if row.running_attempt().is_some() || row.status.has_ended() && !row.attempts.is_empty() {
        return pieces;
    }
    let now = row.ended_at().unwrap_or(now);
    let at = row.attempts.len();
    match (row.status, row.retry_at, row.ready_at()) {
        // An expanded `for_each` row is run by its elements.
        (StepStatus::Running, None, _) if at == 0 => {}
        (StepStatus::Running, Some(due), _) => {
            until_ready(run, row, at, due.min(now), &mut pieces);
            held(run, row, due.min(now), now, &mut pieces);
        }
        (_, _, Some(ready)) => {
            until_ready(run, row, at, ready, &mut pieces);
            held(run, row, ready, now, &mut pieces);
        }
        (_, _, None) => until_ready(run, row, at, now, &mut pieces),
    }
    pieces
}

/// From the attempt before the one at `at`, or the start of the run, until `ready`.
fn until_ready(run: &RunState, row: &StepState, at: usize, ready: Micros, pieces: &mut Vec<Piece>) {
    let last = at
        .checked_sub(1)
        .and_then(|before| row.attempts.get(before)?.end.as_ref());
    let backoff = last.is_some_and(|(_, end)| end.retry_in.is_some());
    let from = last.map_or(Micros(0), |(ended, _)| *ended);
    let cause = if backoff {
        Cause::Backoff
    } else {
        Cause::Dependency
    };
    push(cause, from, ready, pieces);
    if !backoff {
        still(run, IdleCause::Ended, from, ready, pieces);
    }
}

/// While it could have started: for want of a slot where nothing else is said.
fn held(run: &RunState, row: &StepState, from: Micros, until: Micros, pieces: &mut Vec<Piece>) {
    push(Cause::Slot, from, until, pieces);
    still(run, IdleCause::Pause, from, until, pieces);
    still(run, IdleCause::Ended, from, until, pieces);
    for wait in row.waits.spans() {
        let end = wait.until.unwrap_or(until).min(until);
        push(wait.reason.into(), wait.from.max(from), end, pieces);
    }
}

fn still(run: &RunState, cause: IdleCause, from: Micros, until: Micros, pieces: &mut Vec<Piece>) {
    let shown = cause.into();
    let spans = run.idle_periods.spans();
    for span in spans.iter().filter(|span| span.cause == cause) {
        let end = span.until.unwrap_or(until).min(until);
        push(shown, span.from.max(from), end, pieces);
    }
}

fn push(cause: Cause, from: Micros, until: Micros, pieces: &mut Vec<Piece>) {
    if from < until {
        pieces.push(Piece { cause, from, until });
    }
}

/// The same waits without overlaps, in the order of time.
pub(super) fn settled(pieces: &[Piece]) -> Vec<Piece> {
    let mut cuts: Vec<Micros> = pieces.iter().flat_map(|p| [p.from, p.until]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut settled: Vec<Piece> = Vec::new();
    for pair in cuts.windows(2) {
        let (from, until) = (pair[0], pair[1]);
        let mut over = pieces.iter().rev();
        let Some(piece) = over.find(|piece| piece.from <= from && until <= piece.until) else {
            continue;
        };
        match settled.last_mut() {
            Some(last) if last.cause == piece.cause && last.until == from => last.until = until,
            _ => settled.push(Piece {
                cause: piece.cause,
                from,
                until,
            }),
        }
    }
    settled
}

/// What an attempt waited for longest since it could have started, and how long in all; nothing where it
/// hardly waited.
pub(super) fn chief(pieces: &[Piece]) -> Option<(Cause, Micros)> {
    let mut sums: BTreeMap<Cause, Micros> = BTreeMap::new();
    let settled = settled(pieces).into_iter();
    for piece in settled.filter(|piece| piece.cause != Cause::Dependency) {
        *sums.entry(piece.cause).or_default() += piece.until - piece.from;
    }
    let all = sums.values().copied().reduce(|a, b| a + b)?;
    let (cause, _) = sums.into_iter().max_by_key(|(_, time)| *time)?;
    (all >= WORTH_SAYING).then_some((cause, all))
}

/// How long the row waited in all since it was ready, by the clock of the run, backoffs included. It does not wait
/// while the run is paused or has ended.
pub(crate) fn waited(run: &RunState, row: &StepState, now: Micros) -> Micros {
    let between = |from: Micros, until: Micros| until - from - run.idle_periods.within(from, until);
    let mut sum = Micros(0);
    let mut due: Option<Micros> = None;
    for attempt in &row.attempts {
        sum += between(due.unwrap_or(attempt.ready), attempt.started);
        due = attempt
            .end
            .as_ref()
            .and_then(|(ended, end)| end.retry_in.map(|_| *ended));
    }
    if row.running_attempt().is_none() && !row.status.has_ended() {
        let since = due.or(row.ready_at().filter(|_| row.status == StepStatus::Ready));
        sum += since.map_or(Micros(0), |since| between(since, now));
    }
    sum
}
