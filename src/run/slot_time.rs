//! What the slots of a run did with their time.
//!
//! P slots over the time W are P · W of slot time. A part of it was work; the rest was idle, each moment of
//! each slot for one reason. While b attempts are running, P − b slots are idle. A step that could start but
//! for one thing takes one of them for that thing, in this order: money or calls that are not left, a rate, a
//! backoff, the user (a pause, a breakpoint, a stop), and for a step that nothing holds the engine's own time.
//! What idle slots are left had no step to run: they waited for dependencies, or for a step that runs alone.
//!
//! The accounting is kept as events come, so that a look at it costs nothing, however large the run.

use super::RunState;
use crate::units::Micros;

/// P · W in parts, in slot time: two slots that are idle for a second are idle for two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SlotTime {
    /// P.
    pub slots: usize,
    /// W.
    pub wall: Micros,
    /// The service time of attempts: the work T1.
    pub work: Micros,
    /// Idle because nothing more could start before something had ended.
    pub dependency: Micros,
    /// Idle because of a rate.
    pub rate: Micros,
    /// Idle because of the wait before another attempt.
    pub backoff: Micros,
    /// Idle because of money or calls that were not left.
    pub budget: Micros,
    /// Idle because of a pause, a breakpoint, or a stop.
    pub person: Micros,
    /// The engine's own time: to start what could start, and around each call.
    pub overhead: Micros,
}

impl SlotTime {
    /// P · W.
    pub(crate) fn total(&self) -> Micros {
        Micros(self.wall.0.saturating_mul(self.slots as u64))
    }

    /// The parts by name, work first. They add up to [`total`](Self::total).
    pub(crate) const fn parts(&self) -> [(&'static str, Micros); 7] {
        [
            ("work", self.work),
            ("dependency", self.dependency),
            ("rate", self.rate),
            ("backoff", self.backoff),
            ("budget", self.budget),
            ("pause or user", self.person),
            ("overhead", self.overhead),
        ]
    }
}

/// What the slots of the run did up to `now`, which is not before its last event.
pub(crate) fn slot_time(state: &RunState, now: Micros) -> SlotTime {
    let mut accounting = state.slot_accounting().clone();
    if state.held_since.is_none() {
        accounting.pass(now - state.at, &state.conditions());
    }
    let (slots, wall) = (state.slots(), state.wall(now));
    let total = wall.0.saturating_mul(slots as u64);
    let used = [
        accounting.busy,
        accounting.rate,
        accounting.backoff,
        accounting.budget,
        accounting.person,
        accounting.unused,
    ];
    let used = used.into_iter().fold(0u64, u64::saturating_add);
    SlotTime {
        slots,
        wall,
        work: Micros(accounting.busy.saturating_sub(accounting.around)),
        dependency: Micros(total.saturating_sub(used)),
        rate: Micros(accounting.rate),
        backoff: Micros(accounting.backoff),
        budget: Micros(accounting.budget),
        person: Micros(accounting.person),
        overhead: Micros(
            accounting
                .unused
                .saturating_add(accounting.around.min(accounting.busy)),
        ),
    }
}
