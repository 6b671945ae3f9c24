//! What the slots of a run did with their time.
//!
//! P slots over the time W are P · W of slot time. A part of it was work; the rest stood idle, each moment of
//! each slot for one reason. While b attempts are running, P − b slots are idle. A step that could start but
//! for one thing takes one of them for that thing, in this order: money or calls that are not left, a rate, a
//! backoff, the user (a pause, a breakpoint, a stop), and for a step that nothing holds the engine's own time.
//! What idle slots are left had no step to run: they waited for dependencies, or for a step that runs alone.
//!
//! The accounting is kept as events come, so that a look at it costs nothing, however large the run.

use super::{RunPhase, RunState, StepState, StepStatus, WaitReason};
use crate::units::Micros;

/// P · W in parts, in slot time: two slots that are idle for a second are idle for two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotTime {
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
    pub fn total(&self) -> Micros {
        Micros(self.wall.0.saturating_mul(self.slots as u64))
    }

    /// The parts by name, work first. They add up to [`total`](Self::total).
    pub const fn parts(&self) -> [(&'static str, Micros); 7] {
        [
            ("work", self.work),
            ("dependency", self.dependency),
            ("rate", self.rate),
            ("backoff", self.backoff),
            ("budget", self.budget),
            ("pause or person", self.person),
            ("overhead", self.overhead),
        ]
    }
}

/// What a row is to the slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SlotUse {
    /// An attempt is running.
    Busy,
    /// The same of a step that runs alone.
    BusyAlone,
    /// Nothing of its own holds it.
    Free,
    /// Money holds it.
    Budget,
    /// A rate holds it.
    Rate,
    /// It is between two attempts.
    Backoff,
    /// A breakpoint holds it.
    Breakpoint,
    /// It runs alone and waits for the others.
    Alone,
}

const SLOT_USES: usize = SlotUse::Alone as usize + 1;

impl SlotUse {
    /// What `row` is to the slots; `None` where it could not use one.
    pub(super) fn of(row: &StepState) -> Option<Self> {
        let held = row.waiting.map(|reason| match reason {
            WaitReason::Budget => Self::Budget,
            WaitReason::Rate => Self::Rate,
            WaitReason::Exclusive => Self::Alone,
            WaitReason::Breakpoint => Self::Breakpoint,
        });
        match row.status {
            StepStatus::Ready => Some(held.unwrap_or(Self::Free)),
            StepStatus::Running if row.under_way().is_some() => Some(if row.info.sequential {
                Self::BusyAlone
            } else {
                Self::Busy
            }),
            // A `for_each` step runs in its elements.
            StepStatus::Running if row.is_expanded() => None,
            StepStatus::Running => Some(held.unwrap_or(Self::Backoff)),
            _ => None,
        }
    }
}

/// The accounting so far: what rows are to the slots at present, and how the time up to the last event was used.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SlotAccounting {
    uses: [u32; SLOT_USES],
    busy: u64,
    rate: u64,
    backoff: u64,
    budget: u64,
    person: u64,
    /// Time in which nothing held a step that could start.
    unused: u64,
    /// Time between the events of ended attempts and their service time.
    around: u64,
}

/// What else decides who is idle for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conditions {
    /// P.
    pub slots: u64,
    /// Where the run stands.
    pub phase: RunPhase,
    /// Whether no more calls may be made.
    pub out_of_calls: bool,
}

impl SlotAccounting {
    /// A row came to mean something else to the slots.
    pub(super) fn change(&mut self, before: Option<SlotUse>, after: Option<SlotUse>) {
        if before == after {
            return;
        }
        if let Some(before) = before {
            let count = &mut self.uses[before as usize];
            *count = count.saturating_sub(1);
        }
        if let Some(after) = after {
            self.uses[after as usize] += 1;
        }
    }

    /// Whether no row is running and none could be.
    pub(super) fn is_used_by_nobody(&self) -> bool {
        self.uses.iter().all(|count| *count == 0)
    }

    /// An attempt took this time beside its service time.
    pub(super) fn around(&mut self, time: Micros) {
        self.around = self.around.saturating_add(time.0);
    }

    /// So much time passed with everything as it is.
    pub(super) fn pass(&mut self, time: Micros, now: &Conditions) {
        if time.0 == 0 {
            return;
        }
        let rows = |slot_use: SlotUse| u64::from(self.uses[slot_use as usize]);
        let alone = rows(SlotUse::BusyAlone) + rows(SlotUse::Alone) > 0;
        let busy = rows(SlotUse::Busy) + rows(SlotUse::BusyAlone);
        let mut room = now.slots.saturating_sub(busy);
        let mut take = |wanted: u64| {
            let taken = wanted.min(room);
            room -= taken;
            taken.saturating_mul(time.0)
        };
        let free = rows(SlotUse::Free);
        let holds = matches!(now.phase, RunPhase::Paused | RunPhase::Stopping);
        let (for_calls, for_the_user, for_nothing) = match () {
            () if holds => (0, free, 0),
            () if now.out_of_calls => (free, 0, 0),
            // They wait for the one that runs alone.
            () if alone => (0, 0, 0),
            () => (0, 0, free),
        };
        let budget = take(rows(SlotUse::Budget) + for_calls);
        let rate = take(rows(SlotUse::Rate));
        let backoff = take(rows(SlotUse::Backoff));
        let stopping = if now.phase == RunPhase::Stopping {
            now.slots
        } else {
            0
        };
        let person = take(rows(SlotUse::Breakpoint) + for_the_user + stopping);
        let unused = take(for_nothing);
        for (sum, more) in [
            (&mut self.busy, busy.saturating_mul(time.0)),
            (&mut self.budget, budget),
            (&mut self.rate, rate),
            (&mut self.backoff, backoff),
            (&mut self.person, person),
            (&mut self.unused, unused),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

/// What the slots of the run did up to `now`, which is not before its last event.
pub fn slot_time(state: &RunState, now: Micros) -> SlotTime {
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
