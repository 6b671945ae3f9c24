//! How long the calls of a run take and what they cost, from its record.

use super::forked::Forked;
use super::world_end::WorldEnd;
use crate::engine::edited_steps::asking;
use crate::plan::StepIx;
use crate::run::{
    AttemptEnd, AttemptState, CallEdit, GivenCall, Range, RunCommand, RunState, Seconds, StepPrice,
    StepState, StepStatus,
};
use crate::tools::{Quote, Tool};
use crate::units::{Micros, Money};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// What bounds the calls of a step.
#[derive(Clone)]
pub(super) struct StepBound {
    /// What it calls, which has a price for an input that is not the plan's own.
    pub(super) tool: Option<Arc<dyn Tool>>,
    /// The model that the plan names for it.
    pub(super) model: Option<Arc<str>>,
    /// How many attempts one call may take.
    pub(super) attempts: u32,
    /// How long one attempt may take; `None` without a limit.
    pub(super) limit: Option<Micros>,
    /// What its code could call.
    pub(super) calls: CodeCalls,
}

/// What the code of a step could call. Which calls it makes is known once it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodeCalls {
    /// It runs no code, or code that calls nothing.
    None,
    /// Tools that cost nothing.
    Free,
    /// Tools that can cost something.
    Priced,
}

/// How a row is called where that is not as the plan has it.
#[derive(Clone, Debug, Default, PartialEq)]
struct OwnCall {
    input: Option<Arc<Value>>,
    call: GivenCall,
}

impl OwnCall {
    /// As the user has changed it so far.
    fn of(row: &StepState) -> Self {
        Self {
            input: row.given.clone(),
            call: row.given_call.as_deref().cloned().unwrap_or_default(),
        }
    }

    fn change(&mut self, edit: &CallEdit) {
        if let Some(input) = &edit.input {
            self.input.clone_from(input);
        }
        edit.apply(&mut self.call);
    }
}

/// What the record of a run says of its calls.
pub(super) struct Estimates<'a> {
    state: &'a RunState,
    bounds: &'a [StepBound],
    /// What rows are called with that is not the plan's.
    calls: HashMap<StepIx, OwnCall>,
    /// The median of the calls of each tool that ended well.
    by_tool: HashMap<&'a str, Micros>,
    /// The run that it takes over from, where it is another: it knows what calls took.
    forked: Option<&'a Forked<'a>>,
}

impl<'a> Estimates<'a> {
    pub(super) fn new(
        state: &'a RunState,
        bounds: &'a [StepBound],
        commands: &[RunCommand],
        forked: Option<&'a Forked<'a>>,
    ) -> Self {
        let rows = state.steps.iter().zip(0..);
        let own = rows.map(|(row, at)| (StepIx(at), OwnCall::of(row)));
        let mut calls: HashMap<StepIx, OwnCall> =
            own.filter(|(_, own)| *own != OwnCall::default()).collect();
        for command in commands {
            match command {
                RunCommand::SetInput(row, input) => {
                    calls.entry(*row).or_default().input.clone_from(input);
                }
                RunCommand::SetCall(row, edit) => calls.entry(*row).or_default().change(edit),
                _ => {}
            }
        }
        // What is taken back leaves the call of the plan, whose price is known.
        calls.retain(|_, own| *own != OwnCall::default());
        let mut times: HashMap<&str, Vec<Micros>> = HashMap::new();
        let called =
            |row: &&StepState| row.status == StepStatus::Succeeded && row.service > Micros(0);
        let earlier = forked.iter().flat_map(|forked| &forked.parent().steps);
        for row in state.steps.iter().chain(earlier).filter(called) {
            let calls = row.attempts.len().max(1) as u64;
            let times = times.entry(&row.info.tool).or_default();
            times.push(Micros(row.service.0 / calls));
        }
        let median = |(tool, mut times): (_, Vec<Micros>)| {
            let middle = times.len() / 2;
            (tool, *times.select_nth_unstable(middle).1)
        };
        Self {
            state,
            bounds,
            calls,
            by_tool: times.into_iter().map(median).collect(),
            forked,
        }
    }

    fn row(&self, row: StepIx) -> Option<&'a StepState> {
        self.state.steps.get(row.at())
    }

    /// The row whose record says what calls of this one take.
    fn on_record(&self, row: &'a StepState) -> &'a StepState {
        let earlier = self.forked;
        let earlier = earlier.and_then(|forked| forked.earlier(&row.info.id, &row.info.tool));
        earlier.unwrap_or(row)
    }

    /// How long a call of this row took the last time, or calls of its tool usually take.
    pub(super) fn service(&self, row: StepIx) -> Option<Micros> {
        let row = self.on_record(self.row(row)?);
        // Code that waits for its calls takes as long as they do.
        let last = last_good(row).map(|(attempt, at, end)| end.service + attempt.suspended(at));
        let reused = row.reused.as_deref().map(|reuse| reuse.service);
        last.or(reused)
            .or_else(|| self.by_tool.get(&*row.info.tool).copied())
    }

    /// What a call of this row cost the last time, or is expected to cost.
    pub(super) fn expected_cost(&self, row: StepIx) -> Option<Money> {
        let state = self.row(row)?;
        let recorded = self.on_record(state);
        let last = last_good(recorded).and_then(|(.., end)| end.cost);
        let last = last.or_else(|| Some(recorded.reused.as_deref()?.cost));
        // What the calls of code cost in another run is not known row by row.
        let is_known = self.forked.is_none() || recorded.calls().is_empty();
        let last = last.filter(|_| is_known);
        let last = last.and_then(|own| Some(own + self.cost_of_calls(row)?));
        let price = self.price(row);
        let expected = last.or_else(|| price?.expected);
        let expected = match price {
            None if self.knows_prices() => Some(expected.unwrap_or_default()),
            _ => expected,
        };
        // What it cost before was for another input.
        let max = self.most(row);
        let bounded = |money: Money| max.map_or(money, |max| money.min(max));
        expected.map(|money| bounded(money.max(self.least(row))))
    }

    /// What the calls of a row's code have cost, and the calls of those.
    fn cost_of_calls(&self, row: StepIx) -> Option<Money> {
        let calls = self.state.under(row).into_iter();
        let mut rows = calls.filter_map(|ix| self.row(ix));
        rows.try_fold(Money::ZERO, |sum, row| Some(sum + row.cost?))
    }

    fn knows_prices(&self) -> bool {
        let header = self.state.header.as_deref();
        header.is_some_and(|header| header.priced || !header.track_cost)
    }

    fn price(&self, row: StepIx) -> Option<&'a StepPrice> {
        let row = self.row(row)?;
        let parent = row.info.parent.filter(|_| row.caller.is_none());
        let parent = parent.and_then(|parent| self.row(parent));
        let priced = row.info.price.as_deref();
        priced.or_else(|| parent?.info.price.as_deref())
    }

    /// What bounds the calls of a row.
    fn bound(&self, row: StepIx) -> Option<&'a StepBound> {
        let parent = self.row(row)?.info.parent.unwrap_or(row);
        self.bounds.get(parent.at())
    }

    /// What a call costs that is not the plan's own.
    fn quote(&self, row: StepIx) -> Option<Quote> {
        if self.calls.is_empty() {
            return None;
        }
        let state = self.row(row)?;
        let own = self.calls.get(&row);
        let own = own.or_else(|| self.calls.get(&state.info.parent?))?;
        let bound = self.bound(row)?;
        let tool = bound.tool.as_ref()?;
        let edited = asking(tool, &own.call);
        let model = own.call.model.as_deref().or(bound.model.as_deref());
        let of_plan = |input: &Arc<Value>| !self.state.edits.gave_input(row, input);
        let inputs = || state.attempts.iter().map(|one| one.input.to_value());
        let last = || inputs().rev().find(of_plan);
        Some(match own.input.clone().or_else(last) {
            Some(input) => edited.quote(&input, model),
            None => Quote {
                min: Money::ZERO,
                max: None,
            },
        })
    }

    /// The least that a call of this row costs.
    fn least(&self, row: StepIx) -> Money {
        match (self.quote(row), self.price(row)) {
            (Some(quote), _) => quote.min,
            (None, Some(price)) => price.min,
            (None, None) => Money::ZERO,
        }
    }

    /// The most that a call of this row can cost.
    pub(super) fn most(&self, row: StepIx) -> Option<Money> {
        match (self.quote(row), self.price(row)) {
            (Some(quote), _) => quote.max,
            (None, Some(price)) => price.max,
            (None, None) => self.knows_prices().then_some(Money::ZERO),
        }
    }

    /// What the calls cost that were made.
    pub(super) fn cost(&self, certain: &[StepIx], end: &WorldEnd) -> Range<Money> {
        let both = |sum: Option<Money>, more: Option<Money>| Some(sum? + more?);
        let min = certain.iter().map(|row| self.least(*row));
        let expected = end.called.iter().map(|row| self.expected_cost(row));
        let most = end.called.iter().chain(end.possible.iter()).map(|row| {
            let attempts = self.bound(row).map_or(1, |bound| bound.attempts);
            Some(self.most(row)?.times(attempts.into()))
        });
        let max = most.fold(Some(Money::ZERO), both);
        Range {
            min: min.fold(Money::ZERO, |sum, more| sum + more),
            expected: expected.fold(Some(Money::ZERO), both),
            max: max.filter(|max| max.is_zero() || !end.open_lists),
        }
    }

    /// How long it takes until everything that was called has ended.
    pub(super) fn seconds(&self, certain: &[StepIx], end: &WorldEnd) -> Range<Seconds> {
        let fastest = |row: StepIx| {
            let row = self.row(row)?;
            let ended = row
                .attempts
                .iter()
                .filter_map(|attempt| attempt.end.as_ref());
            ended.map(|(_, end)| end.service).min()
        };
        // They may all run at once.
        let min = certain
            .iter()
            .copied()
            .filter_map(fastest)
            .max()
            .unwrap_or_default();
        let known =
            end.called.is_empty() || end.called.iter().any(|row| self.service(row).is_some());
        let expected = known.then_some(end.took.max(min));
        let longest = end.called.iter().chain(end.possible.iter()).map(|row| {
            let bound = self.bound(row)?;
            if bound.calls != CodeCalls::None {
                // How many calls its code waits for is known once it runs.
                return None;
            }
            Some(bound.limit?.0.saturating_mul(bound.attempts.into()))
        });
        let max: Option<u64> = longest.sum();
        let max = max.filter(|_| !end.open_lists);
        Range {
            min: Seconds(min),
            expected: expected.map(Seconds),
            max: max.map(|max| Seconds(Micros(max).max(end.took))),
        }
    }
}

/// The last attempt of a row that ended well, with when and how.
fn last_good(row: &StepState) -> Option<(&AttemptState, Micros, &AttemptEnd)> {
    let attempts = row.attempts.iter().rev();
    let mut ended = attempts.filter_map(|attempt| {
        let (at, end) = attempt.end.as_ref()?;
        Some((attempt, *at, &**end))
    });
    ended.find(|(.., end)| end.error.is_none())
}
