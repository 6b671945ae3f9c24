//! The account of slot time, slowly and obviously: every row looked at for every stretch between two events.

use super::world::World;
use crate::plan::StepIx;
use crate::run::{
    AttemptEnd, EventKind, ResourceLimits, RunEvent, RunPhase, RunState, SlotTime, StepKey,
    StepState, StepStatus, WaitReason, figures, slot_time,
};
use crate::units::Micros;

/// What the slots did in the stretches between the events of a run, up to `now`.
fn slowly(events: &[RunEvent], now: Micros) -> SlotTime {
    let mut parts = SlotTime::default();
    let mut state = RunState::default();
    let mut stretches = Vec::new();
    for event in events {
        stretches.extend(stretch(&mut parts, &state, event.at));
        state.apply(event);
    }
    stretches.extend(stretch(&mut parts, &state, now));
    // A `for_each` step that is expanded later makes room for more slots from the beginning.
    let mut unlimited = state.clone();
    unlimited.limits = ResourceLimits::none();
    let callable = unlimited.slots();
    let slots = stretches.iter().map(|stretch: &Stretch| {
        let slots = stretch.limit.unwrap_or(callable).clamp(1, callable);
        stretch.time.0 * slots.max(stretch.running) as u64
    });
    parts.capacity = Micros(slots.sum());
    let around: u64 = state
        .steps
        .iter()
        .flat_map(|row| &row.attempts)
        .filter_map(|attempt| {
            let (at, end) = attempt.end.as_ref()?;
            let paced = events.iter().find_map(|event| match &event.kind {
                EventKind::AttemptPaced { step, attempt } if is(step, *attempt, end) => {
                    Some(event.at)
                }
                _ => None,
            });
            let until = paced.unwrap_or(*at);
            let waited = attempt.suspended(until);
            Some((until - attempt.started - waited - end.service).0)
        })
        .sum();
    parts.work = parts.work - Micros(around);
    parts.overhead += Micros(around);
    parts.slots = state.slots();
    parts.wall = state.wall(now);
    // Slots that came into being later had nothing to run before.
    let others: u64 = parts.parts().iter().map(|(_, part)| part.0).sum();
    parts.dependency += Micros(parts.total().0 - others);
    parts
}

/// A stretch in which nothing changed and the clock was running.
struct Stretch {
    time: Micros,
    limit: Option<usize>,
    running: usize,
}

fn is(step: &StepKey, attempt: u32, end: &AttemptEnd) -> bool {
    (step.ix, attempt) == (end.step.ix, end.attempt)
}

fn stretch(parts: &mut SlotTime, state: &RunState, to: Micros) -> Option<Stretch> {
    let has_slot = |row: &StepState| row.running_attempt().is_some_and(|it| !it.is_suspended());
    let running = state.steps.iter().filter(|row| has_slot(row)).count();
    let rows = || (0..state.steps.len() as u32).map(StepIx);
    let user_is_asked = state.phase == RunPhase::Running
        && rows().any(|ix| asks(&state.steps[ix.at()]))
        && !rows().any(|ix| {
            let needs_an_answer = state.steps[ix.at()].asked_approval().is_some();
            could_use_a_slot(state, ix) && !needs_an_answer
        });
    let stands = matches!(state.phase, RunPhase::Paused | RunPhase::Ended(_));
    let paced = state.steps.iter().filter(|row| row.paced_since.is_some());
    let paced = paced.count();
    let held = running == paced && (stands || paced > 0) || running == 0 && user_is_asked;
    let time = (to - state.at).0;
    if time == 0 || held || state.header.is_none() {
        return None;
    }
    let mut room = state.slots().saturating_sub(running - paced);
    parts.work += Micros(time * (running - paced) as u64);
    let mut give = |part: &mut Micros, rows: usize| {
        let taken = rows.min(room);
        room -= taken;
        *part += Micros(time * taken as u64);
    };
    give(&mut parts.person, paced);
    let count = |is: &dyn Fn(&StepState) -> bool| {
        let rows = (0..state.steps.len() as u32).map(StepIx);
        rows.filter(|ix| could_use_a_slot(state, *ix) && is(&state.steps[ix.at()]))
            .count()
    };
    let waits = |reason| count(&|row: &StepState| row.waiting == Some(reason));
    let free = count(&|row| row.waiting.is_none() && row.status == StepStatus::Ready);
    let most_calls = state.limits.max_tool_calls;
    let out_of_calls = most_calls.is_some_and(|most| state.calls >= most);
    let stands = matches!(state.phase, RunPhase::Paused | RunPhase::Stopping);
    let for_calls = if out_of_calls && !stands { free } else { 0 };
    give(&mut parts.budget, waits(WaitReason::Budget) + for_calls);
    give(&mut parts.rate, waits(WaitReason::Rate));
    give(
        &mut parts.backoff,
        count(&|row| row.waiting.is_none() && row.status == StepStatus::Running),
    );
    let user = waits(WaitReason::Breakpoint)
        + waits(WaitReason::Target)
        + waits(WaitReason::HandOver)
        + waits(WaitReason::Approval)
        + if stands { free } else { 0 };
    give(&mut parts.person, user);
    if state.phase == RunPhase::Stopping {
        give(&mut parts.person, usize::MAX);
    }
    let alone = waits(WaitReason::Exclusive) > 0
        || state.steps.iter().any(|row| {
            let works = has_slot(row) && row.paced_since.is_none();
            works && row.info.sequential
        });
    if !stands && !out_of_calls && !alone {
        give(&mut parts.overhead, free);
    }
    give(&mut parts.dependency, usize::MAX);
    Some(Stretch {
        time: Micros(time),
        limit: state.limits.max_concurrent.map(|most| most as usize),
        running: running - paced,
    })
}

/// Unknown, or about to make a call that needs an approval.
fn asks(row: &StepState) -> bool {
    row.status == StepStatus::Unknown || row.asked_approval().is_some()
}

/// Ready, or between two attempts.
fn could_use_a_slot(state: &RunState, ix: StepIx) -> bool {
    let row = &state.steps[ix.at()];
    match row.status {
        StepStatus::Ready => true,
        StepStatus::Running => row.running_attempt().is_none() && !row.attempts.is_empty(),
        _ => false,
    }
}

/// The account of a whole run, and of any moment of it, equals the slow one, and its parts add up.
pub(super) fn is_accounted_for(world: &World) {
    let all = world.events.len();
    for (count, later) in [(all / 2 + 1, 1_500), (all, 0)] {
        let events = &world.events[..count];
        let state = RunState::from_events(events);
        let now = state.at + Micros(later);
        let account = slot_time(&state, now);
        assert_eq!(account, slowly(events, now));
        let sum: u64 = account.parts().iter().map(|(_, part)| part.0).sum();
        assert_eq!(sum, account.total().0, "{account:?}");
        let figures = figures(&state, now);
        assert_eq!(account.work, figures.work);
        assert_eq!((account.slots, account.wall), (figures.slots, figures.wall));
    }
}
