//! The money and the calls of one run, which it draws from the account of its batch.

use super::wire::{FundsAnswer, FundsRequest, FundsVerdict, Settlement};
use crate::engine::{Funds, Refusal};
use crate::run::Limit;
use crate::units::Money;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, oneshot};

/// The account of one run: what the batch has granted it, and what it has used of that.
pub(super) struct ItemFunds {
    item: Arc<str>,
    state: Mutex<State>,
    /// Something has to be asked for.
    pub asks: Notify,
}

struct State {
    granted: Money,
    granted_calls: u64,
    spent: Money,
    reserved: Money,
    calls: u64,
    /// Calls that are still to come, more or less.
    more_calls: u64,
    waiting: VecDeque<(Money, oneshot::Sender<Result<(), Refusal>>)>,
    /// What the batch has refused last.
    refusal: Option<Refusal>,
}

impl State {
    fn fits(&self, bound: Money) -> bool {
        let money = bound <= Money::ZERO || self.spent + self.reserved + bound <= self.granted;
        money && self.calls < self.granted_calls
    }

    fn take(&mut self, bound: Money) {
        self.reserved += bound;
        self.calls += 1;
    }
}

impl ItemFunds {
    /// The account of a run that has spent so much, and made so many calls, of what was granted.
    pub(super) fn new(
        item: &Arc<str>,
        granted: (Money, u64),
        (spent, calls): (Money, u64),
        more_calls: u64,
    ) -> Self {
        Self {
            item: Arc::clone(item),
            state: Mutex::new(State {
                granted: granted.0,
                granted_calls: granted.1,
                spent,
                reserved: Money::ZERO,
                calls,
                more_calls,
                waiting: VecDeque::new(),
                refusal: None,
            }),
            asks: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in it panics half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be asked for; `None` where nothing waits.
    pub(super) fn request(&self) -> Option<FundsRequest> {
        let mut state = self.state();
        // Whoever asked may be gone.
        state.waiting.retain(|(_, answer)| !answer.is_closed());
        let (bound, _) = state.waiting.front()?;
        let held = state.spent + state.reserved;
        Some(FundsRequest {
            item: Arc::clone(&self.item),
            total: held + *bound,
            held,
            spent: state.spent,
            calls: state.calls + 1,
            more_calls: state.more_calls.saturating_sub(state.calls + 1),
        })
    }

    /// The answer to what was asked for.
    pub(super) fn answered(&self, answer: FundsAnswer) {
        let mut state = self.state();
        (state.granted, state.granted_calls) = (answer.total, answer.calls);
        match answer.verdict {
            FundsVerdict::Wait => {}
            FundsVerdict::Granted => {
                while let Some((bound, _)) = state.waiting.front()
                    && state.fits(*bound)
                    && let Some((bound, answer)) = state.waiting.pop_front()
                {
                    if answer.send(Ok(())).is_ok() {
                        state.take(bound);
                    }
                }
            }
            FundsVerdict::Refused { limit, message } => {
                if let Some((_, answer)) = state.waiting.pop_front() {
                    let _ = answer.send(Err((limit, Arc::clone(&message))));
                }
                state.refusal = Some((limit, message));
            }
        }
        if !state.waiting.is_empty() {
            self.asks.notify_one();
        }
    }

    /// The shared limit that refused a call.
    pub(super) fn refusal(&self) -> Option<(Limit, Arc<str>)> {
        self.state().refusal.clone()
    }

    /// What the run has used.
    pub(super) fn settlement(&self) -> Settlement {
        let state = self.state();
        Settlement {
            item: Arc::clone(&self.item),
            // Of a call that is dropped nobody knows what it has cost.
            spent: state.spent + state.reserved,
            calls: state.calls,
        }
    }
}

impl Funds for ItemFunds {
    fn reserve(&self, bound: Money) -> BoxFuture<'static, Result<(), Refusal>> {
        let mut state = self.state();
        if state.waiting.is_empty() && state.fits(bound) {
            state.take(bound);
            return std::future::ready(Ok(())).boxed();
        }
        let (answer, answered) = oneshot::channel();
        state.waiting.push_back((bound, answer));
        drop(state);
        self.asks.notify_one();
        async move {
            match answered.await {
                Ok(answer) => answer,
                // The run is over.
                Err(_) => std::future::pending().await,
            }
        }
        .boxed()
    }

    fn end(&self, bound: Money, cost: Option<Money>) {
        let mut state = self.state();
        state.reserved -= bound;
        match cost {
            Some(cost) => state.spent += cost,
            None => state.calls = state.calls.saturating_sub(1),
        }
    }

    fn raise(&self, more: Money) -> bool {
        let mut state = self.state();
        // What is asked for counts with what was held then.
        let fits = state.waiting.is_empty() && state.spent + state.reserved + more <= state.granted;
        if fits {
            state.reserved += more;
        }
        fits
    }

    fn release(&self, money: Money) {
        self.state().spent -= money;
    }
}
