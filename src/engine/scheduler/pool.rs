//! The limits that many runs share: slots, money, rates and calls, as one account.
//!
//! It is as pure as the scheduler of a run: what happened and when comes in, decisions go out. A run asks once a call has
//! passed the checks of its own, and makes the call when it is granted. Whoever asked first comes first; what waits for a
//! rate or for money keeps nobody else from starting.

use super::budget::Budget;
use super::rate_limiter::{LimitId, RateLimiter};
use crate::plan::StepIx;
use crate::run::{Demand, Limit, Rates, ResourceLimits, WaitReason};
use crate::units::{Micros, Money};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// Requests waiting for money that are looked at, at most, for one that fits.
const MAX_PARKED_LOOKED_AT: usize = 64;

/// The number of a request, as long as it waits or its call is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Ticket(StepIx);

/// What a call draws on.
#[derive(Clone, Debug)]
pub(crate) struct Need {
    /// The tool, whose bills say how far its bounds can be relied on.
    pub tool: Arc<str>,
    /// The most the call can cost.
    pub upper_bound: Money,
    /// Whether that is an estimate.
    pub estimated: bool,
    /// What an earlier attempt asked for in vain.
    pub requested: Money,
    /// The rates that it counts against.
    pub demand: Demand,
    /// Whether code that has given its slot back waits for it.
    pub of_code: bool,
}

/// What the pool decides.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Decision {
    /// The call may be made.
    Granted(Ticket),
    /// It waits, and for what; a slot is not announced.
    Waits(Ticket, WaitReason, Option<Arc<str>>),
    /// It can never be made: a limit is used up.
    Refused(Ticket, Limit, Arc<str>),
    /// [`Pool::due`] is to be called at this moment.
    SetTimer(Micros, LimitId),
}

/// Where a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Queued,
    Parked(Money),
    Throttled,
    Running(Running),
}

/// What a running call holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Running {
    reserved: Money,
    learned_excess: Money,
    headroom: Money,
    /// Whether it has given its slot back while its code waits.
    suspended: bool,
}

#[derive(Debug)]
struct Request {
    need: Need,
    place: Place,
}

/// What is taken and what is left of the shared limits.
#[derive(Debug)]
pub(crate) struct Pool {
    max_slots: u32,
    taken: u32,
    suspended: u32,
    throttled: usize,
    budget: Budget,
    rates: RateLimiter,
    calls: u64,
    max_calls: Option<u64>,
    requests: HashMap<Ticket, Request>,
    next: u32,
    queue: VecDeque<Ticket>,
    parked: BTreeSet<(Money, Ticket)>,
}

impl Pool {
    /// Limits of which nothing is taken but the money that was spent `before`.
    pub(crate) fn new(
        limits: &ResourceLimits,
        rates: &Rates,
        track_cost: bool,
        before: Money,
    ) -> Self {
        let limit = limits.max_total_cost_usd.filter(|_| track_cost);
        Self {
            max_slots: limits.max_concurrent.unwrap_or(u32::MAX).max(1),
            taken: 0,
            suspended: 0,
            throttled: 0,
            budget: Budget::new(limit, before),
            rates: RateLimiter::new(rates),
            calls: 0,
            max_calls: limits.max_tool_calls,
            requests: HashMap::new(),
            next: 0,
            queue: VecDeque::new(),
            parked: BTreeSet::new(),
        }
    }

    /// What is spent, with what was spent before.
    pub(crate) fn spent(&self) -> Money {
        self.budget.spent_before() + self.budget.spent()
    }

    /// Asks for a call. It is granted, waits, or is refused.
    pub(crate) fn ask(&mut self, now: Micros, need: Need, out: &mut Vec<Decision>) -> Ticket {
        let ticket = self.free_ticket();
        let place = Place::Queued;
        self.requests.insert(ticket, Request { need, place });
        self.queue.push_back(ticket);
        self.settle(now, out);
        ticket
    }

    /// A running call may come to cost `total`: whether it may. It is answered at once.
    pub(crate) fn raise(&mut self, ticket: Ticket, total: Money) -> bool {
        let Some(Request {
            need,
            place: Place::Running(running),
        }) = self.requests.get_mut(&ticket)
        else {
            return false;
        };
        let known = self.budget.upper_bound(&need.tool, total);
        if known <= running.reserved {
            return true;
        }
        let more = known - running.reserved;
        let fits = self.budget.raise(more);
        if fits {
            if running.suspended {
                self.budget.suspend(more);
            }
            (running.reserved, running.learned_excess) = (known, known - total);
        }
        fits
    }

    /// The code of a running call waits for other calls: its slot is free meanwhile.
    pub(crate) fn suspend(&mut self, now: Micros, ticket: Ticket, out: &mut Vec<Decision>) {
        if let Some(running) = self.running(ticket).filter(|running| !running.suspended) {
            running.suspended = true;
            let reserved = running.reserved;
            self.budget.suspend(reserved);
            self.rates.end(ticket.0);
            (self.taken, self.suspended) = (self.taken - 1, self.suspended + 1);
            self.settle(now, out);
        }
    }

    /// The code of a suspended call continues. It does not wait for a slot again, since the call that it waited for has
    /// just given one back; where others took that, nothing starts until there are enough.
    pub(crate) fn resume(&mut self, ticket: Ticket) {
        if let Some(running) = self.running(ticket).filter(|running| running.suspended) {
            running.suspended = false;
            let reserved = running.reserved;
            self.budget.resume(reserved);
            (self.taken, self.suspended) = (self.taken + 1, self.suspended - 1);
        }
    }

    /// A running call has ended. `counted`: whether it was billed for what it used, so that its bound is confirmed.
    pub(crate) fn end(
        &mut self,
        now: Micros,
        ticket: Ticket,
        cost: Money,
        counted: bool,
        out: &mut Vec<Decision>,
    ) {
        if let Some((need, running)) = self.give_back(ticket, Some(cost)) {
            let quoted = running.reserved - running.learned_excess;
            self.budget.learn(&need.tool, quoted, cost, counted);
            self.settle(now, out);
        }
    }

    /// A run does not want what it asked for. Of a call that was granted nothing is known to have been spent.
    pub(crate) fn withdraw(&mut self, now: Micros, ticket: Ticket, out: &mut Vec<Decision>) {
        if self.running(ticket).is_some() {
            self.rates.take_back(ticket.0);
            self.give_back(ticket, Some(Money::ZERO));
            self.calls = self.calls.saturating_sub(1);
        } else {
            self.drop_request(ticket);
        }
        self.settle(now, out);
    }

    /// A run is gone in the middle of this: of what may have been spent the most is counted.
    pub(crate) fn abandon(&mut self, now: Micros, ticket: Ticket, out: &mut Vec<Decision>) {
        if self.give_back(ticket, None).is_none() {
            self.drop_request(ticket);
        }
        self.settle(now, out);
    }

    /// So much that earlier runs were thought to have spent was not spent.
    pub(crate) fn release(&mut self, now: Micros, money: Money, out: &mut Vec<Decision>) {
        self.budget.release(money);
        self.settle(now, out);
    }

    /// The timer of a rate is due.
    pub(crate) fn due(&mut self, now: Micros, limit: LimitId, out: &mut Vec<Decision>) {
        self.rates.due(now, limit);
        self.settle(now, out);
    }

    fn free_ticket(&mut self) -> Ticket {
        loop {
            let ticket = Ticket(StepIx(self.next));
            self.next = self.next.wrapping_add(1);
            if !self.requests.contains_key(&ticket) {
                return ticket;
            }
        }
    }

    fn running(&mut self, ticket: Ticket) -> Option<&mut Running> {
        match &mut self.requests.get_mut(&ticket)?.place {
            Place::Running(running) => Some(running),
            _ => None,
        }
    }

    /// Takes back what a running call holds; `None` for its cost is its upper bound.
    fn give_back(&mut self, ticket: Ticket, cost: Option<Money>) -> Option<(Need, Running)> {
        let running = *self.running(ticket)?;
        let request = self.requests.remove(&ticket)?;
        if running.suspended {
            self.budget.resume(running.reserved);
            self.suspended -= 1;
        } else {
            self.taken -= 1;
        }
        let cost = cost.unwrap_or(running.reserved);
        self.budget.charge(running.reserved, running.headroom, cost);
        self.rates.end(ticket.0);
        Some((request.need, running))
    }

    /// Drops a request that waits.
    fn drop_request(&mut self, ticket: Ticket) {
        let Some(request) = self.requests.remove(&ticket) else {
            return;
        };
        match request.place {
            Place::Parked(bound) => drop(self.parked.remove(&(bound, ticket))),
            Place::Throttled => self.throttled -= 1,
            Place::Queued | Place::Running(_) => {}
        }
        self.rates.forget(ticket.0);
    }

    /// Grants what can be granted, and refuses what never can.
    fn settle(&mut self, now: Micros, out: &mut Vec<Decision>) {
        self.recheck_rates();
        while self.taken < self.max_slots {
            let Some(ticket) = self.affordable().or_else(|| self.queued()) else {
                break;
            };
            self.try_start(now, ticket, out);
            self.recheck_rates();
        }
        self.refuse_rest(now, out);
    }

    fn recheck_rates(&mut self) {
        while let Some(row) = self.rates.next_to_try() {
            let ticket = Ticket(row);
            match self.requests.get_mut(&ticket) {
                Some(request) if request.place == Place::Throttled => {
                    request.place = Place::Queued;
                    self.throttled -= 1;
                    // It has waited already.
                    self.queue.push_front(ticket);
                }
                Some(Request {
                    place: Place::Queued,
                    ..
                }) => {}
                _ => self.rates.forget(row),
            }
        }
    }

    fn queued(&mut self) -> Option<Ticket> {
        loop {
            let ticket = self.queue.pop_front()?;
            let request = self.requests.get(&ticket);
            if request.is_some_and(|request| request.place == Place::Queued) {
                return Some(ticket);
            }
        }
    }

    /// The cheapest request that waits for money and fits.
    fn affordable(&mut self) -> Option<Ticket> {
        let free = self.budget.free();
        let cheapest = self.parked.iter().take(MAX_PARKED_LOOKED_AT);
        let mut within = cheapest.take_while(|(bound, _)| bound.is_zero() || *bound <= free);
        let fits = |(bound, ticket): &&(Money, Ticket)| {
            let headroom = self.headroom(*ticket, *bound);
            self.budget.fits(*bound, headroom)
        };
        let found = within.find(fits).copied()?;
        self.parked.remove(&found);
        let request = self.requests.get_mut(&found.1)?;
        request.place = Place::Queued;
        Some(found.1)
    }

    fn headroom(&self, ticket: Ticket, bound: Money) -> Money {
        let request = self.requests.get(&ticket);
        match request.filter(|request| request.need.estimated) {
            Some(request) => self.budget.headroom(&request.need.tool, bound),
            None => Money::ZERO,
        }
    }

    fn is_out_of_calls(&self) -> bool {
        self.max_calls.is_some_and(|max| self.calls >= max)
    }

    /// Tries a request that was taken from where it waited.
    fn try_start(&mut self, now: Micros, ticket: Ticket, out: &mut Vec<Decision>) {
        let Some(need) = self.requests.get(&ticket).map(|request| &request.need) else {
            return;
        };
        if self.is_out_of_calls() {
            let most = self.max_calls.unwrap_or_default();
            let message = format!("the runs of the batch made all of max_tool_calls = {most}");
            self.drop_request(ticket);
            out.push(Decision::Refused(
                ticket,
                Limit::MaxToolCalls,
                message.into(),
            ));
            return;
        }
        if let Some(refusal) = self.rates.refuse(now, ticket.0, &need.demand, false) {
            let standing = self.rates.wait(ticket.0, refusal, need.demand.tokens);
            if let Some(at) = standing.timer {
                out.push(Decision::SetTimer(at, refusal.limit));
            }
            if standing.is_new {
                let name = self.rates.name(refusal.limit);
                out.push(Decision::Waits(ticket, WaitReason::Rate, Some(name)));
            }
            self.put(ticket, Place::Throttled);
            self.throttled += 1;
            return;
        }
        let quoted = need.upper_bound;
        let known = self.budget.upper_bound(&need.tool, quoted);
        let bound = known.max(need.requested);
        let headroom = self.headroom(ticket, bound);
        if !self.budget.reserve(bound, headroom) {
            self.rates.step_aside(ticket.0);
            self.parked.insert((bound, ticket));
            self.put(ticket, Place::Parked(bound));
            out.push(Decision::Waits(ticket, WaitReason::Budget, None));
            return;
        }
        self.calls += 1;
        self.taken += 1;
        if let Some(request) = self.requests.get(&ticket) {
            self.rates.start(now, ticket.0, &request.need.demand);
        }
        let running = Running {
            reserved: bound,
            learned_excess: known - quoted,
            headroom,
            suspended: false,
        };
        self.put(ticket, Place::Running(running));
        out.push(Decision::Granted(ticket));
    }

    fn put(&mut self, ticket: Ticket, place: Place) {
        if let Some(request) = self.requests.get_mut(&ticket) {
            request.place = place;
        }
    }

    /// Once nothing is running that could give money back, what does not fit never will. Code that waits gives some back
    /// when its calls are done: until then only those are refused that it waits for.
    fn refuse_rest(&mut self, now: Micros, out: &mut Vec<Decision>) {
        if self.taken > 0 || self.throttled > 0 || self.parked.is_empty() {
            return;
        }
        let of_code = |ticket: &Ticket| {
            let request = self.requests.get(ticket);
            request.is_some_and(|request| request.need.of_code)
        };
        let hopeless = self.parked.iter().copied();
        let hopeless = hopeless.filter(|(_, ticket)| self.suspended == 0 || of_code(ticket));
        let hopeless: Vec<(Money, Ticket)> = hopeless.collect();
        let was_any = !hopeless.is_empty();
        for (bound, ticket) in hopeless {
            let message = format!(
                "a call of {} may cost up to {bound}, and {} of max_total_cost_usd = {} is left to the batch",
                self.tool_of(ticket),
                self.budget.free().max(Money::ZERO),
                self.budget.limit().unwrap_or_default(),
            );
            self.drop_request(ticket);
            let limit = Limit::MaxTotalCostUsd;
            out.push(Decision::Refused(ticket, limit, message.into()));
        }
        if was_any {
            self.recheck_rates();
            debug_assert!(self.taken == 0, "at {now:?}");
        }
    }

    fn tool_of(&self, ticket: Ticket) -> Arc<str> {
        let request = self.requests.get(&ticket);
        request.map_or_else(|| "a tool".into(), |request| Arc::clone(&request.need.tool))
    }
}
