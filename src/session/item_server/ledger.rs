//! The money and the calls that all runs of a batch share, wherever they run: one account with one writer.
//!
//! It is pure: whoever keeps it (an object of the engine) reads it, changes it and writes it back, one request at a time.

use super::wire::{FundsAnswer, FundsRequest, FundsVerdict, Settlement, pico};
use crate::run::{Limit, ResourceLimits};
use crate::units::Money;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The account of a batch.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Ledger {
    /// What all runs may spend.
    max_total_cost_usd: Option<Money>,
    /// How many calls they may make.
    max_tool_calls: Option<u64>,
    /// What runs that are over have spent.
    #[serde(with = "pico")]
    spent: Money,
    /// The calls that these have made.
    calls: u64,
    /// What the runs that are not over hold.
    items: BTreeMap<Arc<str>, Held>,
}

/// What a run holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
struct Held {
    /// What it may spend in all.
    #[serde(with = "pico")]
    granted: Money,
    /// What it had spent when it asked last.
    #[serde(with = "pico")]
    spent: Money,
    /// The calls that it may make in all.
    calls: u64,
    /// The calls that it had made when it asked last.
    made: u64,
}

impl Ledger {
    /// Sets the limits of a batch that begins or is resumed; money counts from `before` where that is more than is known
    /// here, and calls count again from nothing.
    pub fn begin(&mut self, limits: &ResourceLimits, track_cost: bool, before: Money) {
        self.max_total_cost_usd = limits.max_total_cost_usd.filter(|_| track_cost);
        self.max_tool_calls = limits.max_tool_calls;
        self.spent = self.spent.max(before);
        self.calls = 0;
    }

    /// What runs that are over have spent.
    pub const fn spent(&self) -> Money {
        self.spent
    }

    /// Answers a request. Asked again, it gives the same or says what has changed.
    pub fn reserve(&mut self, request: &FundsRequest) -> FundsAnswer {
        let before = self.items.get(&request.item).copied().unwrap_or_default();
        let mut mine = Held {
            granted: before.granted.max(request.held),
            spent: request.spent,
            calls: before.calls,
            made: request.calls.saturating_sub(1),
        };
        let others = || self.items.iter().filter(|(item, _)| **item != request.item);
        let (mut waits, mut refusal) = (false, None);
        if let Some(most) = self.max_total_cost_usd {
            // A bill may pass what was reserved for it.
            let held: Money = others().map(|(_, it)| it.granted.max(it.spent)).sum();
            let spent: Money = others().map(|(_, it)| it.spent).sum();
            if self.spent + spent + request.total > most {
                let free = most - self.spent - spent - request.held;
                let message = format!(
                    "a call may cost up to {}, and {} of max_total_cost_usd = {most} is left to the batch",
                    request.total - request.held,
                    free.max(Money::ZERO),
                );
                refusal = Some((Limit::MaxTotalCostUsd, message));
            }
            waits |= self.spent + held + request.total > most;
        }
        if let Some(most) = self.max_tool_calls {
            let held: u64 = others().map(|(_, it)| it.calls).sum();
            let made: u64 = others().map(|(_, it)| it.made).sum();
            if self.calls + made + request.calls > most {
                let message = format!("the runs of the batch made all of max_tool_calls = {most}");
                refusal.get_or_insert((Limit::MaxToolCalls, message));
            }
            let free = most.saturating_sub(self.calls + held);
            waits |= free < request.calls;
            mine.calls = (request.calls + request.more_calls)
                .min(free)
                .max(request.calls);
        }
        let verdict = match refusal {
            Some((limit, message)) => FundsVerdict::Refused {
                limit,
                message: message.into(),
            },
            None if waits => FundsVerdict::Wait,
            None => {
                mine.granted = mine.granted.max(request.total);
                FundsVerdict::Granted
            }
        };
        if verdict != FundsVerdict::Granted {
            // What is not needed now is free for others, so that not all wait for each other.
            (mine.granted, mine.calls) = (request.held, mine.made);
        }
        self.items.insert(Arc::clone(&request.item), mine);
        FundsAnswer {
            total: mine.granted,
            calls: self.max_tool_calls.map_or(u64::MAX, |_| mine.calls),
            verdict,
        }
    }

    /// A run is over: what it has not used is free.
    pub fn settle(&mut self, settlement: &Settlement) {
        self.items.remove(&settlement.item);
        self.spent += settlement.spent;
        self.calls += settlement.calls;
    }
}

#[cfg(test)]
mod tests;
