//! What the slots of a run did with their time.
//!
//! P slots over the time W are P · W of slot time. Where the slots change in a run, that is the sum over its
//! stretches; an attempt that runs on when slots are taken away keeps its slot until it ends. A part of it was work; the rest was idle, each moment of
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
    /// The slots at present.
    pub slots: usize,
    /// W.
    pub wall: Micros,
    /// P · W.
    pub capacity: Micros,
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
        self.capacity
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
    let accounting = state.accounting_at(now);
    let capacity = state.slot_capacity(now);
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
        slots: state.slots(),
        wall: state.wall(now),
        capacity,
        work: Micros(accounting.busy.saturating_sub(accounting.around)),
        dependency: Micros(capacity.0.saturating_sub(used)),
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
