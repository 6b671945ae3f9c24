//! The events with which a recorded run goes on under its own id.
//!
//! What was running when its process died has ended, as far as is known; the run is open again, and every row is at its
//! beginning. What follows is as in any other run: rows that keep what they came to are taken over from the record.

use super::kept::Kept;
use crate::plan::StepIx;
use crate::run::{
    AttemptDetails, AttemptEnd, CUT_OFF, ErrorKind, EventKind, Rates, ResourceLimits, RunError,
    RunEvent, RunSetting, RunState, StepKey, StepState, StepStatus,
};
use crate::units::Micros;
use std::collections::HashSet;
use std::sync::Arc;

/// What happened between the last event of `run` and its going on with these limits and rates. Rows that are not `kept`
/// are at their beginning before the run is open again, so that whoever goes on with it next can tell what was given up
/// from what this process did not get to.
pub(super) fn opening(
    run: &RunState,
    limits: &ResourceLimits,
    rates: &Rates,
    kept: &dyn Fn(&str) -> bool,
) -> Vec<EventKind> {
    let rows = || run.steps.iter().enumerate();
    let key = |at: usize, row: &StepState| StepKey {
        ix: StepIx(at as u32),
        id: Arc::clone(&row.info.id),
    };
    let interrupted = rows().filter_map(|(at, row)| cut_off(run, key(at, row), row));
    let reset = |of_kept: bool| {
        let reset = rows().filter(|(_, row)| row.status != StepStatus::Pending);
        let reset = reset.filter(move |(_, row)| kept(&row.info.id) == of_kept);
        reset.map(|(at, row)| EventKind::StepReset { step: key(at, row) })
    };
    let settings = changed_settings(run, limits, rates).into_iter();
    let settings = settings.map(|setting| EventKind::SettingChanged { setting });
    interrupted
        .chain(reset(false))
        .chain([EventKind::RunReopened])
        .chain(settings)
        .chain(reset(true))
        .collect()
}

/// The states in which the processes of a run left it, that of the last one last. A process that dies before it has taken
/// over what the one before it left says nothing about those rows.
/// With what its rows had come to before they were taken back.
pub(crate) fn states_left(events: &[RunEvent]) -> (Vec<RunState>, Kept) {
    let mut kept = Kept::default();
    let mut states = Vec::new();
    let mut state = RunState::default();
    for (at, event) in events.iter().enumerate() {
        if matches!(event.kind, EventKind::RunReopened)
            && takes_every_row_back(&state, &events[at + 1..])
        {
            states.push(state.clone());
        }
        kept.replay(&state, &event.kind);
        state.apply(event);
    }
    states.push(state);
    (states, kept)
}

/// Whether the events with which a run was reopened are those of another process: every row begins again, as far as that
/// process came.
fn takes_every_row_back(run: &RunState, after: &[RunEvent]) -> bool {
    let mut reset = HashSet::new();
    for event in after {
        match &event.kind {
            EventKind::SettingChanged { .. } => {}
            EventKind::StepReset { step } => drop(reset.insert(step.ix)),
            EventKind::RunReopened => break,
            _ => {
                let mut rows = run.steps.iter().zip(0..);
                return rows.all(|(row, at)| {
                    row.status == StepStatus::Pending || reset.contains(&StepIx(at))
                });
            }
        }
    }
    true
}

/// The state in which a recorded run was left: a call that was running when its process died is over, and what became of
/// its step is unknown.
pub(crate) fn left(run: &RunState) -> RunState {
    let mut left = run.clone();
    for (at, row) in run.steps.iter().enumerate() {
        let ix = StepIx(at as u32);
        let id = Arc::clone(&row.info.id);
        let Some(end) = cut_off(run, StepKey { ix, id }, row) else {
            continue;
        };
        left.apply(&RunEvent {
            seq: left.events,
            at: left.at,
            kind: end,
        });
        left.steps[at].status = StepStatus::Unknown;
    }
    left
}

/// The end of a call that was running when the process died. It counts with the most that it can have cost.
fn cut_off(run: &RunState, step: StepKey, row: &StepState) -> Option<EventKind> {
    let attempt = row.running_attempt()?;
    let tracked = run.header.as_ref().is_none_or(|header| header.track_cost);
    let error = RunError {
        kind: ErrorKind::ToolExecutionError,
        step: Some(Arc::clone(&step.id)),
        tool_name: Some(Arc::clone(&row.info.tool)),
        message: CUT_OFF.into(),
        retryable: false,
        attempts: attempt.number,
    };
    Some(EventKind::AttemptEnded(Arc::new(AttemptEnd {
        step,
        attempt: attempt.number,
        service: Micros(0),
        cost: tracked.then_some(attempt.reserved),
        details: AttemptDetails {
            error: Some(Box::new(error)),
            ..AttemptDetails::default()
        }
        .boxed(),
        cancelled: true,
    })))
}

fn changed_settings(run: &RunState, limits: &ResourceLimits, rates: &Rates) -> Vec<RunSetting> {
    let before = &run.limits;
    let mut changed = Vec::new();
    if limits.max_concurrent != before.max_concurrent {
        let value = limits.max_concurrent;
        changed.push(RunSetting::MaxConcurrent { value });
    }
    if limits.max_total_cost_usd != before.max_total_cost_usd {
        let value = limits.max_total_cost_usd;
        changed.push(RunSetting::MaxTotalCostUsd { value });
    }
    if limits.max_tool_calls != before.max_tool_calls {
        let value = limits.max_tool_calls;
        changed.push(RunSetting::MaxToolCalls { value });
    }
    if limits.timeout_seconds != before.timeout_seconds {
        let value = limits.timeout_seconds;
        changed.push(RunSetting::TimeoutSeconds { value });
    }
    for (name, rate) in &rates.0 {
        if run.rates.0.get(name) != Some(rate) {
            changed.push(RunSetting::Rate {
                name: Arc::clone(name),
                rate: Some(*rate),
            });
        }
    }
    changed
}
