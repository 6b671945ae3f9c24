//! Two runs of one plan side by side: in what their steps differ, and where along the DAG they part.

use super::{RunState, StepState};
use crate::plan::StepIx;
use crate::units::Micros;
use std::collections::HashMap;
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// Smaller differences in time are ignored: no two runs take the same.
const NOTHING: Micros = Micros(100_000);

/// In what a step of one run differs from the same step of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a difference of its own"
)]
pub struct Differences {
    /// Their statuses.
    pub status: bool,
    /// The inputs of their last attempts, where both are known.
    pub input: bool,
    /// The outputs.
    pub output: bool,
    /// The errors.
    pub error: bool,
    /// What they cost.
    pub cost: bool,
    /// The time they took, by more than a tenth of a second and a quarter.
    pub time: bool,
}

impl Differences {
    /// Between two steps.
    pub fn between(a: &StepState, b: &StepState) -> Self {
        let inputs = (a.last_attempt(), b.last_attempt());
        let message = |row: &StepState| row.error.as_ref().map(|error| Arc::clone(&error.message));
        let apart = Micros(a.service.0.abs_diff(b.service.0));
        Self {
            status: a.status != b.status,
            input: matches!(inputs, (Some(a), Some(b)) if a.input != b.input),
            output: match (&a.output, &b.output) {
                (Some(a), Some(b)) => !same(a, b),
                (None, None) => false,
                _ => true,
            },
            error: message(a) != message(b),
            cost: a.cost != b.cost,
            time: apart > NOTHING && apart.0 > a.service.max(b.service).0 / 4,
        }
    }

    /// Whether its result differs: anything but cost and time.
    pub(crate) fn diverges(self) -> bool {
        self.status || self.input || self.output || self.error
    }

    /// Whether it differs in anything but time, in which no two runs are alike.
    pub fn any(self) -> bool {
        self.diverges() || self.cost
    }

    /// The names of what differs.
    pub fn words(self) -> Vec<&'static str> {
        let all = [
            (self.status, "status"),
            (self.input, "input"),
            (self.output, "output"),
            (self.error, "error"),
            (self.cost, "cost"),
            (self.time, "time"),
        ];
        all.into_iter()
            .filter(|(is, _)| *is)
            .map(|(_, word)| word)
            .collect()
    }
}

fn same(a: &Arc<serde_json::Value>, b: &Arc<serde_json::Value>) -> bool {
    Arc::ptr_eq(a, b) || a == b
}

/// The first row along the DAG for which `differs` is true, and for nothing that it depends on.
pub(crate) fn first_along(run: &RunState, differs: impl Fn(StepIx) -> bool) -> Option<StepIx> {
    let rows = run.steps.len();
    let mut after: Vec<Vec<u32>> = vec![Vec::new(); rows];
    let mut open: Vec<u32> = vec![0; rows];
    for (at, row) in run.steps.iter().enumerate() {
        let before = row.info.depends_on.iter();
        let before = before.chain(row.elements()).chain(row.calls());
        for ix in before.filter(|ix| ix.at() < rows) {
            after[ix.at()].push(at as u32);
            open[at] += 1;
        }
    }
    let mut order: Vec<u32> = (0..rows as u32)
        .filter(|at| open[*at as usize] == 0)
        .collect();
    let mut next = 0;
    while let Some(at) = order.get(next).copied() {
        if differs(StepIx(at)) {
            return Some(StepIx(at));
        }
        next += 1;
        for row in &after[at as usize] {
            open[*row as usize] -= 1;
            if open[*row as usize] == 0 {
                order.push(*row);
            }
        }
    }
    // A log from elsewhere may have a circle.
    (0..rows as u32).map(StepIx).find(|at| differs(*at))
}

/// How a row of a run compares with the same row of the other run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It has not ended: not known yet.
    Open,
    /// It is as it was there, whatever time it took.
    Alike,
    /// It differs.
    Differs(Differences),
    /// The other run has no such step.
    Alone,
}

impl Verdict {
    /// Whether it is to be marked.
    pub fn differs(self) -> bool {
        matches!(self, Self::Differs(_) | Self::Alone)
    }
}

/// A run, live or at any event, compared with another.
#[derive(Clone, Debug)]
pub struct Comparison {
    other: RunState,
    rows: HashMap<Arc<str>, StepIx>,
    verdicts: Vec<Verdict>,
    first: Option<StepIx>,
    /// The state that the verdicts are about.
    seen: RunState,
}

impl Comparison {
    /// The other run.
    pub(crate) fn other(&self) -> &RunState {
        &self.other
    }

    /// Of `run` with another.
    pub fn new(other: RunState, run: &RunState) -> Self {
        let rows = other.steps.iter().enumerate();
        let rows = rows.map(|(at, row)| (Arc::clone(&row.info.id), StepIx(at as u32)));
        let mut comparison = Self {
            rows: rows.collect(),
            other,
            verdicts: Vec::new(),
            first: None,
            seen: RunState::default(),
        };
        comparison.refresh(run);
        comparison
    }

    /// Takes in what has changed in the run since the last time; whether a verdict has.
    pub fn refresh(&mut self, run: &RunState) -> bool {
        let mut changed = self.verdicts.len() != run.steps.len();
        self.verdicts.resize(run.steps.len(), Verdict::Open);
        for at in run.steps.apart(&self.seen.steps) {
            let row = &run.steps[at];
            let verdict = self.verdict(row);
            changed |= std::mem::replace(&mut self.verdicts[at], verdict) != verdict;
            // The edges of the DAG may be others: elements came, or another run began.
            let edges = |row: &StepState| {
                let under = [row.elements(), row.calls()].concat();
                (Arc::clone(&row.info.depends_on), under)
            };
            let before = self.seen.steps.get(at);
            changed |= before.is_none_or(|before| edges(before) != edges(row));
        }
        if changed {
            let diverges = |ix: StepIx| match self.of(ix) {
                Verdict::Differs(how) => how.diverges(),
                verdict => verdict.differs(),
            };
            self.first =
                first_along(run, diverges).or_else(|| first_along(run, |ix| self.of(ix).differs()));
        }
        self.seen = run.clone();
        changed
    }

    fn verdict(&self, row: &StepState) -> Verdict {
        let Some(other) = self.row(&row.info.id) else {
            return Verdict::Alone;
        };
        if !row.status.has_ended() {
            return Verdict::Open;
        }
        let differences = Differences::between(other, row);
        if differences.any() {
            Verdict::Differs(differences)
        } else {
            Verdict::Alike
        }
    }

    /// How a row compares with the other run.
    pub fn of(&self, ix: StepIx) -> Verdict {
        self.verdicts.get(ix.at()).copied().unwrap_or(Verdict::Open)
    }

    /// The rows that differ.
    pub(crate) fn differing(&self) -> impl Iterator<Item = StepIx> + '_ {
        let rows = (0..self.verdicts.len() as u32).map(StepIx);
        rows.filter(|ix| self.of(*ix).differs())
    }

    /// The first of them along the DAG.
    pub fn first(&self) -> Option<StepIx> {
        self.first
    }

    /// A step of the other run.
    pub fn row(&self, id: &str) -> Option<&StepState> {
        self.other.steps.get(self.rows.get(id)?.at())
    }
}
