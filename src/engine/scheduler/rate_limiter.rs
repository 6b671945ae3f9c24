//! What may start now by the rates of models and pools, and when the rest may.
//!
//! The row that has waited longest for a name comes first there. A later call may go ahead of it only where the first
//! one starts no later for that: so nothing starves, and what is left of a minute is not wasted either.

use crate::plan::StepIx;
use crate::run::{Demand, Rate, Rates};
use crate::units::Micros;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

#[cfg(test)]
mod tests;

const MINUTE: Micros = Micros(60_000_000);

/// Why a call may not start now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The name that keeps it.
    pub limit: LimitId,
    /// The moment before which it cannot start; `None` where that depends on an end.
    pub until: Option<Micros>,
}

/// Where a row that has to wait was put.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// Whether something else is to be announced of it than before.
    pub is_new: bool,
    /// When to look again, where no timer is set for it yet.
    pub timer: Option<Micros>,
}

/// Which of the limits a name has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LimitId(u32);

/// One name's use of its rate: what started in the last minute, what is running, and which rows wait.
#[derive(Debug)]
struct RateLimit {
    name: Arc<str>,
    rate: Rate,
    /// Starts of the last minute with their tokens, oldest first.
    window: VecDeque<(Micros, u64)>,
    tokens: u64,
    running: u64,
    /// Waiting rows with their tokens, by their turn; a row that is about to try stays until it starts.
    line: BTreeMap<(u64, StepIx), u64>,
    /// The row that was asked to try again and has not done so yet.
    trying: Option<StepIx>,
    /// Before which moment the first in line cannot start.
    first_until: Option<Micros>,
    /// The timer that is set.
    due: Option<Micros>,
}

/// The place of a row that has waited since it became ready.
#[derive(Clone, Copy, Debug)]
struct Waiter {
    turn: u64,
    /// Its line, unless something else holds it at present.
    limit: Option<LimitId>,
    /// What was announced of it last.
    announced: Option<Refusal>,
}

/// A running call as its limits count it.
#[derive(Debug)]
struct Held {
    limits: Vec<LimitId>,
    started: Micros,
    tokens: u64,
}

/// The limits of all names that have a rate.
#[derive(Debug, Default)]
pub(super) struct RateLimiter {
    all: Vec<RateLimit>,
    ids: HashMap<Arc<str>, LimitId>,
    /// What a running call counts against, when it started, and its tokens.
    held: HashMap<StepIx, Held>,
    waiters: HashMap<StepIx, Waiter>,
    turns: u64,
    /// Names whose first in line may be able to start.
    to_recheck: Vec<LimitId>,
}

impl RateLimiter {
    /// Limits of which nothing is used.
    pub(super) fn new(rates: &Rates) -> Self {
        let mut limiter = Self::default();
        for (name, rate) in &rates.0 {
            limiter.set(name, *rate);
        }
        limiter
    }

    /// Another rate for a name from now on; one that had none counts from now on.
    pub(super) fn set(&mut self, name: &Arc<str>, rate: Rate) {
        let Some(id) = self.ids.get(name).copied() else {
            let id = LimitId(self.all.len() as u32);
            self.ids.insert(Arc::clone(name), id);
            self.all.push(RateLimit {
                name: Arc::clone(name),
                rate,
                window: VecDeque::new(),
                tokens: 0,
                running: 0,
                line: BTreeMap::new(),
                trying: None,
                first_until: None,
                due: None,
            });
            return;
        };
        let limit = self.at(id);
        limit.rate = rate;
        limit.first_until = None;
        self.to_recheck.push(id);
    }

    /// The limits that a call counts against.
    fn of(&self, demand: &Demand) -> Vec<LimitId> {
        let names = demand.names.iter();
        names
            .filter_map(|name| self.ids.get(name).copied())
            .collect()
    }

    fn at(&mut self, id: LimitId) -> &mut RateLimit {
        &mut self.all[id.0 as usize]
    }

    /// What a name is called.
    pub(super) fn name(&self, id: LimitId) -> Arc<str> {
        Arc::clone(&self.all[id.0 as usize].name)
    }

    /// What keeps a call with this demand from starting at `now`: every name that it counts against has to let
    /// it. What the user asks for goes before its turn.
    pub(super) fn refuse(
        &mut self,
        now: Micros,
        row: StepIx,
        demand: &Demand,
        asked: bool,
    ) -> Option<Refusal> {
        let turn = self.waiters.get(&row).map_or(u64::MAX, |known| known.turn);
        let mut worst: Option<Refusal> = None;
        for id in self.of(demand) {
            let limit = self.at(id);
            limit.forget_old(now);
            let until = if limit.is_full(0) {
                None
            } else if let Some(at) = limit.not_before(demand.tokens) {
                Some(at)
            } else if !asked && limit.delays_the_first(now, (turn, row), demand.tokens) {
                limit.first_until
            } else {
                continue;
            };
            // What cannot be foretold counts as the latest.
            let later = |known: &Refusal| match (known.until, until) {
                (Some(known), Some(at)) => at > known,
                (known, _) => known.is_some(),
            };
            if worst.as_ref().is_none_or(later) {
                worst = Some(Refusal { limit: id, until });
            }
        }
        worst
    }

    /// A row waits from now on where it was refused. It keeps its turn when it has waited before.
    pub(super) fn wait(&mut self, row: StepIx, refusal: Refusal, tokens: u64) -> Standing {
        let before = self.waiters.get(&row).copied();
        if before.is_some_and(|before| before.limit != Some(refusal.limit)) {
            self.step_aside(row);
        }
        let turn = before.map_or(self.turns, |before| before.turn);
        self.turns += u64::from(before.is_none());
        let announced = self.waiters.get(&row).and_then(|known| known.announced);
        self.waiters.insert(
            row,
            Waiter {
                turn,
                limit: Some(refusal.limit),
                announced: Some(refusal),
            },
        );
        let limit = self.at(refusal.limit);
        limit.line.insert((turn, row), tokens);
        let tried = limit.trying == Some(row);
        if tried {
            limit.trying = None;
        }
        let mut timer = None;
        let first = limit.is_first(row);
        if first {
            limit.first_until = refusal.until;
            timer = refusal
                .until
                .filter(|at| limit.due.is_none_or(|due| *at < due));
            limit.due = timer.or(limit.due);
        }
        if tried && !first {
            // Another row came before it while it tried, and nothing else would check whether that one can start.
            self.to_recheck.push(refusal.limit);
        }
        Standing {
            is_new: announced != Some(refusal),
            timer,
        }
    }

    /// Counts a call that starts.
    pub(super) fn start(&mut self, now: Micros, row: StepIx, demand: &Demand) {
        if self.all.is_empty() {
            return;
        }
        self.forget(row);
        let ids = self.of(demand);
        for id in &ids {
            let limit = self.at(*id);
            limit.window.push_back((now, demand.tokens));
            limit.tokens = limit.tokens.saturating_add(demand.tokens);
            limit.running += 1;
        }
        if !ids.is_empty() {
            let held = Held {
                limits: ids,
                started: now,
                tokens: demand.tokens,
            };
            self.held.insert(row, held);
        }
    }

    /// Counts a call that ended.
    pub(super) fn end(&mut self, row: StepIx) {
        if self.held.is_empty() {
            return;
        }
        let Some(held) = self.held.remove(&row) else {
            return;
        };
        for id in held.limits {
            let limit = self.at(id);
            limit.running = limit.running.saturating_sub(1);
            self.to_recheck.push(id);
        }
    }

    /// A call that was counted is not made: its place among the starts of the last minute is free again.
    pub(super) fn take_back(&mut self, row: StepIx) {
        if let Some(Held {
            limits,
            started,
            tokens,
        }) = self.held.get(&row)
        {
            let entry = (*started, *tokens);
            for id in limits.clone() {
                let limit = self.at(id);
                if let Some(at) = limit.window.iter().rposition(|known| *known == entry) {
                    limit.window.remove(at);
                    limit.tokens = limit.tokens.saturating_sub(entry.1);
                }
            }
        }
        self.end(row);
    }

    /// The timer of a name is due.
    pub(super) fn due(&mut self, now: Micros, id: LimitId) {
        let limit = self.at(id);
        limit.due = limit.due.filter(|due| *due > now);
        self.to_recheck.push(id);
    }

    /// A row that is to try again, where one may be able to start; to be asked until there is none.
    pub(super) fn next_to_try(&mut self) -> Option<StepIx> {
        while let Some(id) = self.to_recheck.pop() {
            let limit = self.at(id);
            if limit.trying.is_none()
                && let Some((_, row)) = limit.line.keys().next().copied()
            {
                limit.trying = Some(row);
                return Some(row);
            }
        }
        None
    }

    /// A row leaves its line, because something else holds it now; it keeps its turn.
    pub(super) fn step_aside(&mut self, row: StepIx) {
        let Some(waiter) = self.waiters.get_mut(&row) else {
            return;
        };
        waiter.announced = None;
        let turn = waiter.turn;
        if let Some(id) = waiter.limit.take() {
            let limit = self.at(id);
            let mattered = limit.is_first(row) || limit.trying == Some(row);
            limit.line.remove(&(turn, row));
            if mattered {
                limit.trying = limit.trying.filter(|trying| *trying != row);
                limit.first_until = None;
                self.to_recheck.push(id);
            }
        }
    }

    /// Something else was announced of a row: what it waits for here is new again.
    pub(super) fn announced_otherwise(&mut self, row: StepIx) {
        if let Some(waiter) = self.waiters.get_mut(&row) {
            waiter.announced = None;
        }
    }

    /// A row waits no longer: it starts, it ended, or it is taken back.
    pub(super) fn forget(&mut self, row: StepIx) {
        if !self.waiters.is_empty() {
            self.step_aside(row);
            self.waiters.remove(&row);
        }
    }

    /// Drops every waiting row.
    pub(super) fn forget_all(&mut self) {
        self.waiters.clear();
        self.to_recheck.clear();
        for limit in &mut self.all {
            limit.line.clear();
            limit.trying = None;
            limit.first_until = None;
        }
    }
}

impl RateLimit {
    /// Whether no call may run beside the present ones and so many others.
    fn is_full(&self, others: u64) -> bool {
        let most = self.rate.max_concurrent;
        most.is_some_and(|most| self.running + others >= most.max(1))
    }

    fn is_first(&self, row: StepIx) -> bool {
        self.line
            .keys()
            .next()
            .is_some_and(|(_, first)| *first == row)
    }

    fn forget_old(&mut self, now: Micros) {
        while let Some((at, old)) = self.window.front().copied() {
            if now - at < MINUTE {
                break;
            }
            self.window.pop_front();
            self.tokens -= old;
        }
    }

    /// The moment before which a call of so many tokens may not start; `None` where it may now.
    fn not_before(&self, tokens: u64) -> Option<Micros> {
        let by_requests = self.rate.requests_per_minute.and_then(|most| {
            let over = (self.window.len() as u64 + 1).checked_sub(most.max(1))?;
            self.start_after(over as usize)
        });
        let by_tokens = self.rate.tokens_per_minute.and_then(|most| {
            let mut excess = self
                .tokens
                .saturating_add(tokens)
                .checked_sub(most)
                .filter(|over| *over > 0)?;
            // A call that takes more than a minute's tokens alone starts when nothing else counts.
            let leaving = self.window.iter().take_while(|(_, old)| {
                let needed = excess > 0;
                excess = excess.saturating_sub(*old);
                needed
            });
            self.start_after(leaving.count())
        });
        by_requests.max(by_tokens)
    }

    /// The moment at which the oldest `count` starts are a minute old.
    fn start_after(&self, count: usize) -> Option<Micros> {
        let last = self.window.get(count.checked_sub(1)?)?;
        Some(last.0 + MINUTE)
    }

    /// Whether the first in line, where it comes before `turn`, would start later if a call of so many tokens
    /// started now.
    fn delays_the_first(&mut self, now: Micros, turn: (u64, StepIx), tokens: u64) -> bool {
        let first = self.line.first_key_value();
        let Some((_, wanted)) = first.filter(|(first, _)| **first < turn) else {
            return false;
        };
        let wanted = *wanted;
        let before = self.not_before(wanted);
        self.window.push_back((now, tokens));
        self.tokens = self.tokens.saturating_add(tokens);
        let after = self.not_before(wanted);
        self.window.pop_back();
        self.tokens -= tokens;
        self.is_full(1) || after > before
    }
}
