//! What the rates allow, slowly and obviously: computed again from every attempt of the run.

use super::oracle::plan_row;
use super::world::World;
use crate::engine::Timer;
use crate::plan::StepIx;
use crate::run::{Demand, Rate, StepStatus};
use crate::units::Micros;
use std::collections::BTreeMap;

const MINUTE: Micros = Micros(60_000_000);

/// What counts against one name: every start with its tokens, and how many of those calls are running.
struct Use {
    starts: Vec<(Micros, u64)>,
    running: u64,
}

fn demand(world: &World, row: StepIx) -> Demand {
    world.sketches[plan_row(world, row).at()].demand(&world.frame.rates)
}

fn uses_rate_limit(world: &World, row: StepIx, name: &str) -> bool {
    let names = demand(world, row).names;
    names.iter().any(|known| &**known == name)
}

fn used(world: &World, name: &str) -> Use {
    let mut used = Use {
        starts: Vec::new(),
        running: 0,
    };
    for at in 0..world.state.steps.len() {
        let row = StepIx(at as u32);
        for attempt in &world.state.steps[at].attempts {
            // One that started when the name had no rate does not count.
            let demand = &world.demands[&(row, attempt.number)];
            if demand.names.iter().any(|known| &**known == name) {
                used.starts.push((attempt.started, demand.tokens));
                let counts = attempt.end.is_none() && attempt.suspensions.is_empty();
                used.running += u64::from(counts);
            }
        }
    }
    used
}

/// Whether a call of so many tokens may start at this moment, calls at once left out.
fn fits(rate: &Rate, used: &Use, at: Micros, tokens: u64) -> bool {
    let last = used.starts.iter().filter(|(then, _)| *then + MINUTE > at);
    let (count, sum) = last.fold((0, 0), |(count, sum), (_, tokens)| {
        (count + 1, sum + tokens)
    });
    rate.requests_per_minute.is_none_or(|most| count < most)
        && rate
            .tokens_per_minute
            .is_none_or(|most| sum + tokens <= most || count == 0)
}

/// The first moment at which it may, if nothing else starts.
fn first_moment(rate: &Rate, used: &Use, now: Micros, tokens: u64) -> Micros {
    let leaving = used.starts.iter().map(|(then, _)| *then + MINUTE);
    let mut moments: Vec<Micros> = leaving.filter(|at| *at > now).chain([now]).collect();
    moments.sort_unstable();
    let mut moments = moments.into_iter();
    moments
        .find(|at| fits(rate, used, *at, tokens))
        .expect("once nothing counts, anything may start")
}

fn is_full(rate: &Rate, used: &Use) -> bool {
    rate.max_concurrent.is_some_and(|most| used.running >= most)
}

/// The row that has waited longest for a name.
fn first(world: &World, turns: &BTreeMap<StepIx, u64>, name: &str) -> Option<StepIx> {
    let rows = turns.iter().filter(|(row, _)| {
        let state = &world.state.steps[row.at()];
        // An element whose list has been taken back, or is about to be once a cancelled call of another element
        // has ended, waits for nothing any more.
        if state.caller.is_some() {
            return state.rate.as_ref().is_some_and(|rate| &*rate.name == name);
        }
        let is_used = |parent: StepIx| {
            let elements = world.state.steps[parent.at()].elements();
            elements.contains(row) && !elements.iter().any(|row| world.is_cancelled(*row))
        };
        let waits = state.rate.as_ref().is_some_and(|rate| &*rate.name == name);
        waits && state.info.parent.is_none_or(is_used)
    });
    rows.min_by_key(|(_, turn)| **turn).map(|(row, _)| *row)
}

/// Whether the first in line for a name would have to wait longer if this call started now.
fn delays(world: &World, rate: &Rate, used: &Use, first: StepIx, tokens: u64) -> bool {
    let wanted = demand(world, first).tokens;
    let before = first_moment(rate, used, world.now, wanted);
    let mut starts = used.starts.clone();
    starts.push((world.now, tokens));
    let with = Use {
        starts,
        running: used.running + 1,
    };
    first_moment(rate, &with, world.now, wanted) > before || is_full(rate, &with)
}

/// No name's rate is exceeded, and no row is overtaken by one that would delay it.
pub(super) fn may_start(world: &World, turns: &BTreeMap<StepIx, u64>, row: StepIx, asked: bool) {
    let demand = demand(world, row);
    for name in &demand.names {
        let rate = &world.frame.rates.0[name];
        let used = used(world, name);
        assert!(!is_full(rate, &used), "too many calls of {name} at once");
        assert!(
            fits(rate, &used, world.now, demand.tokens),
            "{row:?} starts past the rate of {name}"
        );
        let turn = turns.get(&row).copied().unwrap_or(u64::MAX);
        let first = first(world, turns, name).filter(|first| turns[first] < turn);
        if let Some(first) = first.filter(|_| !asked) {
            assert!(
                !delays(world, rate, &used, first, demand.tokens),
                "{row:?} goes ahead of {first:?} at its cost"
            );
        }
    }
}

/// What a step waits for is a name that its calls count against, and the time is not over.
pub(super) fn says_what_it_waits_for(
    world: &World,
    row: StepIx,
    on: Option<&str>,
    until: Option<Micros>,
) {
    let name = on.expect("a rate has a name");
    assert!(uses_rate_limit(world, row, name));
    assert!(until.is_none_or(|until| until <= world.now + MINUTE));
}

/// Whether a rate holds a row now.
pub(super) fn holds(world: &World, turns: &BTreeMap<StepIx, u64>, row: StepIx) -> bool {
    let step = &world.state.steps[row.at()];
    assert!(matches!(
        step.status,
        StepStatus::Ready | StepStatus::Running
    ));
    let Some(wait) = &step.rate else {
        return false;
    };
    // Its moment has come, and the world has not looked at the clock.
    let mut timers = world.timers.iter();
    if timers.any(|(at, timer)| matches!(timer, Timer::Rate(_)) && *at <= world.now) {
        return true;
    }
    let rate = world.frame.rates.0.get(&wait.name).copied();
    let rate = &rate.unwrap_or_default();
    let used = used(world, &wait.name);
    let tokens = demand(world, row).tokens;
    let first = first(world, turns, &wait.name);
    is_full(rate, &used)
        || !fits(rate, &used, world.now, tokens)
        // A row behind another one is looked at when that one has started.
        || first.is_some_and(|first| first != row)
}
