//! What every attempt cost, added up by step, tool or model.

use crate::plan::StepIx;
use crate::run::{AttemptState, RunState, StepSource, StepState};
use crate::units::{Micros, Money, Tokens};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

/// What the accounts are kept by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum By {
    /// The plan's step; the elements of a `for_each` step are on its account.
    #[default]
    Step,
    /// The tool.
    Tool,
    /// The model that answered.
    Model,
}

impl By {
    /// The one after it, going around.
    #[must_use]
    pub(super) const fn next(self) -> Self {
        match self {
            Self::Step => Self::Tool,
            Self::Tool => Self::Model,
            Self::Model => Self::Step,
        }
    }

    /// Its name.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Tool => "tool",
            Self::Model => "model",
        }
    }
}

/// Money that went somewhere, and in how many calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) cost: Money,
    pub(super) tokens: u64,
    pub(super) calls: u64,
}

impl Part {
    fn add(&mut self, cost: Money, tokens: Tokens) {
        self.cost += cost;
        self.tokens = self
            .tokens
            .saturating_add(tokens.input)
            .saturating_add(tokens.output);
        self.calls += 1;
    }
}

/// One account, or all of them together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    /// Calls that succeeded at the first try.
    pub(super) first: Part,
    /// Calls that succeeded at a later try.
    pub(super) again: Part,
    /// Calls that failed or were cancelled.
    pub(super) failed: Part,
    /// Money reserved for running calls.
    pub(super) reserved: Money,
    /// Running calls.
    pub(super) running: u64,
    /// Ended calls whose price is not known; what they cost is in no sum.
    pub(super) unknown: u64,
    /// Tokens of ended calls.
    pub(super) tokens: Tokens,
    /// Steps, or elements, whose output came from the cache or from an earlier run: no call was made.
    pub(super) cached: u64,
    pub(super) recorded: u64,
    /// What calls in the place of cached outputs would have cost, as far as that is known.
    pub(super) saved: Money,
    /// The time that they would have taken.
    pub(super) saved_time: Micros,
}

impl Account {
    /// What was spent.
    pub(super) fn spent(&self) -> Money {
        self.first.cost + self.again.cost + self.failed.cost
    }

    /// Tokens in and out.
    pub(super) fn all_tokens(&self) -> u64 {
        self.tokens.input.saturating_add(self.tokens.output)
    }

    /// Calls made.
    pub(super) fn calls(&self) -> u64 {
        self.first.calls + self.again.calls + self.failed.calls + self.running
    }

    fn take(&mut self, attempt: &AttemptState) {
        let Some((_, end)) = &attempt.end else {
            self.running += 1;
            self.reserved += attempt.reserved;
            return;
        };
        let tokens = end.tokens.as_deref().copied().unwrap_or_default();
        self.tokens += tokens;
        self.unknown += u64::from(end.cost.is_none());
        let part = if end.error.is_some() || end.cancelled {
            &mut self.failed
        } else if attempt.number > 1 {
            &mut self.again
        } else {
            &mut self.first
        };
        part.add(end.cost.unwrap_or_default(), tokens);
    }

    fn take_source(&mut self, row: &StepState) {
        match row.source {
            Some(StepSource::Cache) => {
                self.cached += 1;
                if let Some(reused) = &row.reused {
                    self.saved += reused.cost;
                    self.saved_time += reused.service;
                }
            }
            Some(StepSource::Recorded) if row.elements().is_empty() => self.recorded += 1,
            _ => {}
        }
    }
}

/// An account with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: Arc<str>,
    pub(super) account: Account,
    /// Whether calls on it can cost anything.
    pub(super) can_cost: bool,
    /// The step on it that cost most, by which it is selected.
    pub(super) step: StepIx,
    most: (Money, u64),
}

/// Every account of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    /// The most expensive first; equal ones in the order of the plan.
    pub(super) entries: Vec<Entry>,
    /// All of them together.
    pub(super) total: Account,
    by: By,
    /// Where each step's own account is, in a ledger by step.
    places: HashMap<StepIx, usize>,
}

impl Ledger {
    /// The accounts of `run`.
    pub(super) fn of(run: &RunState, by: By) -> Self {
        let mut ledger = Self {
            by,
            ..Self::default()
        };
        let mut known: HashMap<Arc<str>, usize> = HashMap::new();
        let mut steps: HashMap<StepIx, usize> = HashMap::new();
        for (at, row) in run.steps.iter().enumerate() {
            let ix = StepIx(at as u32);
            let owner = row.info.parent.unwrap_or(ix);
            ledger.total.take_source(row);
            for attempt in &row.attempts {
                ledger.total.take(attempt);
            }
            if by == By::Step {
                let named = run.steps.get(owner.at()).unwrap_or(row);
                let entry = *steps
                    .entry(owner)
                    .or_insert_with(|| ledger.open(Arc::clone(&named.info.id), owner));
                ledger.entries[entry].can_cost |= run.row_can_cost(row);
                ledger.charge(entry, row, owner, |_| true);
                continue;
            }
            let mut names: Vec<Arc<str>> = match by {
                By::Tool => vec![Arc::clone(&row.info.tool)],
                _ => models(row).collect(),
            };
            names.sort_unstable();
            names.dedup();
            for name in names {
                let entry = *known
                    .entry(Arc::clone(&name))
                    .or_insert_with(|| ledger.open(Arc::clone(&name), ix));
                ledger.entries[entry].can_cost |= run.row_can_cost(row);
                ledger.charge(entry, row, ix, |attempt| {
                    by == By::Tool || model(row, attempt) == name
                });
            }
        }
        ledger.sort();
        ledger
    }

    /// The account that a step is on; of several the one of its last call.
    pub(super) fn place(&self, run: &RunState, step: StepIx) -> Option<usize> {
        let row = run.steps.get(step.at())?;
        let name = match self.by {
            By::Step => return self.places.get(&row.info.parent.unwrap_or(step)).copied(),
            By::Tool => Arc::clone(&row.info.tool),
            By::Model => model(row, row.last_attempt()?),
        };
        self.entries.iter().position(|entry| entry.name == name)
    }

    fn open(&mut self, name: Arc<str>, step: StepIx) -> usize {
        self.entries.push(Entry {
            name,
            account: Account::default(),
            can_cost: false,
            step,
            most: (Money::ZERO, 0),
        });
        self.entries.len() - 1
    }

    fn charge(
        &mut self,
        entry: usize,
        row: &StepState,
        step: StepIx,
        belongs: impl Fn(&AttemptState) -> bool,
    ) {
        let entry = &mut self.entries[entry];
        entry.account.take_source(row);
        let mut own = Account::default();
        for attempt in row.attempts.iter().filter(|attempt| belongs(attempt)) {
            own.take(attempt);
            entry.account.take(attempt);
        }
        let cost = (own.spent(), own.all_tokens());
        if cost > entry.most {
            entry.most = cost;
            entry.step = step;
        }
    }

    fn sort(&mut self) {
        self.entries.sort_by_key(|entry| {
            let account = &entry.account;
            Reverse((
                account.spent(),
                account.all_tokens(),
                account.reserved,
                account.calls(),
            ))
        });
        if self.by == By::Step {
            let steps = self.entries.iter().enumerate();
            self.places = steps.map(|(at, entry)| (entry.step, at)).collect();
        }
    }
}

/// The model of an attempt, or the words for there being none.
fn model(row: &StepState, attempt: &AttemptState) -> Arc<str> {
    let is_model = &*row.info.kind == "model";
    match &attempt.end {
        None if is_model => "not answered yet".into(),
        Some((_, end)) => match &end.model {
            Some(model) => Arc::clone(model),
            None if is_model => "model not named".into(),
            None => "no model".into(),
        },
        None => "no model".into(),
    }
}

fn models(row: &StepState) -> impl Iterator<Item = Arc<str>> + '_ {
    row.attempts.iter().map(|attempt| model(row, attempt))
}
