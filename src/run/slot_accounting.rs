//! The accounting of slot time, kept as events come: what each row is to the slots, and how the time between two events
//! was used. [`slot_time`](super::slot_time()) reads it.

use super::{AttemptState, RunPhase, StepState, StepStatus, WaitReason};
use crate::units::Micros;
use std::collections::BTreeMap;

/// What a row is to the slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SlotUse {
    /// An attempt is running.
    Busy,
    /// The same of a step that runs alone.
    BusyAlone,
    /// Its call has ended, and slow motion keeps its slot.
    Paced,
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
    /// Its call needs an approval.
    Approval,
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
            WaitReason::Breakpoint | WaitReason::Target | WaitReason::HandOver => Self::Breakpoint,
            WaitReason::Approval => Self::Approval,
        });
        match row.status {
            StepStatus::Ready => Some(held.unwrap_or(Self::Free)),
            StepStatus::Running if row.paced_since.is_some() => Some(Self::Paced),
            // Its code waits for its calls, and they are what can use one.
            StepStatus::Running
                if row
                    .running_attempt()
                    .is_some_and(AttemptState::is_suspended) =>
            {
                None
            }
            StepStatus::Running if row.running_attempt().is_some() => Some(if row.is_sequential {
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
    pub(super) busy: u64,
    pub(super) rate: u64,
    pub(super) backoff: u64,
    pub(super) budget: u64,
    pub(super) person: u64,
    /// Time in which nothing held a step that could start.
    pub(super) unused: u64,
    /// Time between the events of ended attempts and their service time.
    pub(super) around: u64,
    /// How long there were how many slots, [`u32::MAX`] without a limit.
    by_slots: BTreeMap<u32, u64>,
}

/// What else decides who is idle for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conditions {
    /// The limit of slots, [`u32::MAX`] without one.
    pub limit: u32,
    /// The highest limit so far.
    pub highest_limit: u32,
    /// The slots.
    pub slots: u64,
    /// The phase of the run.
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

    /// Whether no row is running and none could be without an approval.
    pub(super) fn is_idle(&self) -> bool {
        let mut uses = self.uses.iter().enumerate();
        uses.all(|(slot_use, count)| *count == 0 || slot_use == SlotUse::Approval as usize)
    }

    /// Whether a call needs an approval.
    pub(super) fn asks(&self) -> bool {
        self.uses[SlotUse::Approval as usize] > 0
    }

    /// P · W, in slot time; there are never more slots than `callable` rows.
    pub(super) fn capacity(&self, callable: usize) -> Micros {
        let callable = callable.max(1) as u64;
        let of = |(slots, time): (&u32, &u64)| time.saturating_mul(u64::from(*slots).min(callable));
        Micros(self.by_slots.iter().map(of).fold(0, u64::saturating_add))
    }

    /// An attempt took this time in addition to its service time.
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
        // What runs on when slots are taken away keeps its slot until it ends.
        let in_use = u32::try_from(busy).unwrap_or(u32::MAX);
        let slots = now.limit.max(in_use.min(now.highest_limit));
        let slots = self.by_slots.entry(slots).or_default();
        *slots = slots.saturating_add(time.0);
        let mut room = now.slots.saturating_sub(busy);
        let mut take = |wanted: u64| {
            let taken = wanted.min(room);
            room -= taken;
            taken.saturating_mul(time.0)
        };
        let paced = take(rows(SlotUse::Paced));
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
        let held = rows(SlotUse::Breakpoint) + rows(SlotUse::Approval);
        let person = paced + take(held + for_the_user + stopping);
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
