//! What the table says of a row; of a `for_each` row, what its elements come to.

use crate::plan::StepIx;
use crate::run::{RunState, StepState};
use crate::tui::dashboard::panes::timeline::waited;
use crate::units::{Micros, Money, Tokens};
use std::collections::HashMap;
use std::sync::Arc;

/// The numbers of one row at one time of the run.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// When its first attempt started.
    pub(super) start: Option<Micros>,
    /// How long it waited since it was ready, backoffs included.
    pub(super) wait: Option<Micros>,
    /// How long its attempts took, including the running one up to now.
    pub(super) time: Option<Micros>,
    /// Attempts.
    pub(super) attempts: usize,
    /// What they cost.
    pub(super) cost: Option<Money>,
    /// Whether an attempt has no price.
    pub(super) unpriced: bool,
    /// Their tokens.
    pub(super) tokens: Option<Tokens>,
    /// The model that answered last.
    pub(super) model: Option<Arc<str>>,
    /// What making it take no time would save.
    pub(super) potential: Option<Micros>,
}

impl Facts {
    /// The facts of a row; `potential` has those of the critical path.
    pub(super) fn of(
        run: &RunState,
        ix: StepIx,
        now: Micros,
        potential: &HashMap<StepIx, Micros>,
    ) -> Self {
        let Some(row) = run.steps.get(ix.at()) else {
            return Self::default();
        };
        let mut facts = Self::of_row(run, row, now);
        facts.potential = potential.get(&ix).copied();
        let elements = row.elements();
        if elements.is_empty() {
            return facts;
        }
        facts.time = row
            .started_at()
            .map(|start| row.ended_at().unwrap_or(now) - start);
        for element in elements {
            if let Some(element) = run.steps.get(element.at()) {
                facts.add(Self::of_row(run, element, now));
            }
        }
        facts
    }

    fn of_row(run: &RunState, row: &StepState, now: Micros) -> Self {
        let called = !row.attempts.is_empty();
        let open = row.running_time(row.ended_at().unwrap_or(now));
        Self {
            start: row
                .attempts
                .first()
                .map(|attempt| run.run_time(attempt.started)),
            wait: row.ready_at().map(|_| waited(run, row, now)),
            time: called.then_some(row.service + open.unwrap_or_default()),
            attempts: row.attempts.len(),
            cost: row.cost.filter(|_| called),
            unpriced: called && row.cost.is_none(),
            tokens: row.tokens.as_deref().copied(),
            model: row.model().cloned(),
            potential: None,
        }
    }

    /// Adds an element. Its time is within that of its row.
    fn add(&mut self, element: Self) {
        self.start = match (self.start, element.start) {
            (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        let wait = [self.wait, element.wait].into_iter().flatten();
        self.wait = wait.reduce(|sum, wait| sum + wait);
        self.attempts += element.attempts;
        self.cost = match (self.cost, element.cost) {
            (Some(ours), Some(theirs)) => Some(ours + theirs),
            (ours, theirs) => ours.or(theirs),
        };
        self.unpriced |= element.unpriced;
        if let Some(tokens) = element.tokens {
            *self.tokens.get_or_insert_default() += tokens;
        }
        self.model = self.model.take().or(element.model);
    }
}
