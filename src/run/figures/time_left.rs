//! How long a run is likely to take from now on: the rest of its longest path, or the rest of its work over its slots.
//!
//! A step is expected to take what it took in an earlier run of the plan; one that is not known takes what its tool
//! usually does, in this run or in the earlier one.

use super::{Graph, RunState, StepState};
use crate::run::StepStatus;
use crate::units::Micros;
use std::collections::HashMap;
use std::sync::Arc;

/// How long steps and tools took in earlier runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UsualTimes {
    steps: HashMap<Arc<str>, Micros>,
    tools: HashMap<Arc<str>, Micros>,
}

impl UsualTimes {
    /// What the calls of `run` took, at its last event.
    pub fn of(run: &RunState) -> Self {
        let called = run.steps.iter().filter(|row| {
            row.status == StepStatus::Succeeded && !row.is_expanded() && row.service.0 > 0
        });
        let steps = called
            .clone()
            .map(|row| (row.info.id.clone(), per_call(row)));
        Self {
            steps: steps.collect(),
            tools: medians(called),
        }
    }

    /// How long the step of this id usually takes, where it is known.
    pub fn step(&self, id: &str) -> Option<Micros> {
        self.steps.get(id).copied()
    }
}

/// The service time of a row's latest call.
fn per_call(row: &StepState) -> Micros {
    let calls = row.attempts.len().max(1) as u64;
    Micros(row.service.0 / calls)
}

/// The median time of a call, for each tool.
fn medians<'a>(called: impl Iterator<Item = &'a StepState>) -> HashMap<Arc<str>, Micros> {
    let mut times: HashMap<Arc<str>, Vec<Micros>> = HashMap::new();
    for row in called {
        let of_tool = times.entry(row.info.tool.clone()).or_default();
        of_tool.push(per_call(row));
    }
    let median = |mut times: Vec<Micros>| {
        let middle = times.len() / 2;
        *times.select_nth_unstable(middle).1
    };
    let medians = times.into_iter();
    medians.map(|(tool, times)| (tool, median(times))).collect()
}

/// The time that the run is likely to take from `now` on; `None` once it has ended, and where nothing is known of what
/// the steps that are left take.
pub fn time_left(run: &RunState, usual: &UsualTimes, now: Micros) -> Option<Micros> {
    if run.steps.is_empty() || run.has_ended() {
        return None;
    }
    let ended = run.steps.iter().filter(|row| {
        row.status == StepStatus::Succeeded && !row.is_expanded() && row.service.0 > 0
    });
    let medians = medians(ended);
    let pace = run.header.as_deref().and_then(|header| header.pace);
    let mut unknown = 0;
    let expected = |row: &StepState| {
        let (id, tool) = (&*row.info.id, &*row.info.tool);
        let known = usual.steps.get(id).or_else(|| medians.get(tool));
        known.or_else(|| usual.tools.get(tool)).copied()
    };
    let mut rest = Vec::with_capacity(run.steps.len());
    for row in &run.steps {
        let left = if row.status.has_ended() || row.is_expanded() {
            0
        } else {
            let known = expected(row);
            unknown += usize::from(known.is_none());
            let whole = known.unwrap_or_default().max(pace.unwrap_or_default());
            let gone = row.running_attempt().map(|attempt| now - attempt.started);
            let retry = row.retry_at.map_or(Micros(0), |at| at - now);
            (whole - gone.unwrap_or_default() + retry).0
        };
        rest.push(left);
    }
    let open = rest.len()
        - run
            .steps
            .iter()
            .filter(|row| row.status.has_ended())
            .count();
    // An estimate for less than half of what is to come says nothing.
    if unknown * 2 > open {
        return None;
    }
    let most = u64::MAX / (2 * rest.len() as u64 + 2);
    for left in &mut rest {
        *left = (*left).min(most);
    }
    let graph = Graph::of(run);
    let mut to = vec![0; rest.len()];
    for row in graph.order.iter().map(|row| *row as usize) {
        let before = graph.before(row).iter().map(|b| to[*b as usize]).max();
        to[row] = before.unwrap_or(0) + rest[row];
    }
    let path = to.iter().copied().max().unwrap_or(0);
    let shared = rest.iter().sum::<u64>() / run.slots().max(1) as u64;
    Some(Micros(path.max(shared)))
}
