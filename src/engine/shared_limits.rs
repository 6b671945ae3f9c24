//! Limits that many runs share, and a run's way to them.
//!
//! A run asks where it is about to make a call, and is told through a channel of its own when it may. What it holds goes
//! back when the call ends, and when the run is dropped.

use super::Prepared;
use super::funds::{Funds, Refusal};
use super::scheduler::{Decision, LimitId, Need, Pool, Ticket};
use crate::plan::StepIx;
use crate::run::{Limit, Rates, ResourceLimits, WaitReason};
use crate::units::{Micros, Money};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

/// Limits that many runs share as one account: slots, money, rates and calls. Cheap to clone.
///
/// What the runs have spent and reserved never passes the budget together, a rate holds for all of them, and no more
/// calls are running at once than there are slots. Who asked first comes first.
///
/// Where runs in other processes share the money and the calls too, each run has [`Funds`] for these.
#[derive(Clone)]
pub struct SharedLimits {
    shared: Arc<Shared>,
    funds: Option<Arc<dyn Funds>>,
}

struct Shared {
    account: Mutex<Account>,
    origin: Instant,
}

#[derive(Debug)]
struct Account {
    pool: Pool,
    /// Where the answers to what waits or is running go.
    runs: HashMap<Ticket, UnboundedSender<Answer>>,
    /// The first limit that refused a call, with its message.
    exhausted: Option<(Limit, Arc<str>)>,
}

/// What a run is told about its request.
#[derive(Debug)]
pub(super) enum Answer {
    Granted(Ticket),
    Waits(Ticket, WaitReason, Option<Arc<str>>),
    Refused(Ticket, Limit, Arc<str>),
    /// What the account outside of this process says to the request of a row with this number.
    Funded(StepIx, u64, Result<(), Refusal>),
}

impl SharedLimits {
    /// Limits of which nothing is taken but the money that was spent `before`. Of `limits` the slots, the money and the
    /// calls are shared.
    ///
    /// # Panics
    /// Where a rate is waited for outside a tokio runtime.
    pub fn new(limits: &ResourceLimits, rates: &Rates, track_cost: bool, before: Money) -> Self {
        let shared = Shared {
            account: Mutex::new(Account {
                pool: Pool::new(limits, rates, track_cost, before),
                runs: HashMap::new(),
                exhausted: None,
            }),
            origin: Instant::now(),
        };
        Self {
            shared: Arc::new(shared),
            funds: None,
        }
    }

    /// The same for a run that draws money and calls from `funds`; these have no limit here.
    #[must_use]
    pub fn with_funds(mut self, funds: Arc<dyn Funds>) -> Self {
        self.funds = Some(funds);
        self
    }

    /// What the runs have spent, with what was spent before.
    pub fn spent(&self) -> Money {
        self.account().pool.spent()
    }

    /// The first limit that refused a call, with a message; `None` as long as all could be made.
    pub fn exhausted(&self) -> Option<(Limit, Arc<str>)> {
        self.account().exhausted.clone()
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.shared.account()
    }
}

impl Shared {
    fn account(&self) -> MutexGuard<'_, Account> {
        // Nothing in it panics half-way.
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Micros {
        self.origin.elapsed().into()
    }

    /// Does something with the pool, and tells the runs what follows from it.
    fn with<T>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Account, Micros, &mut Vec<Decision>) -> T,
    ) -> T {
        let mut decided = Vec::new();
        let mut account = self.account();
        let done = work(&mut account, self.now(), &mut decided);
        for decision in decided {
            match decision {
                Decision::Granted(ticket) => account.tell(ticket, Answer::Granted(ticket)),
                Decision::Waits(ticket, reason, on) => {
                    account.tell(ticket, Answer::Waits(ticket, reason, on));
                }
                Decision::Refused(ticket, limit, message) => {
                    let first = || (limit, Arc::clone(&message));
                    account.exhausted.get_or_insert_with(first);
                    account.tell(ticket, Answer::Refused(ticket, limit, message));
                    account.runs.remove(&ticket);
                }
                Decision::SetTimer(at, limit) => self.wake(at, limit),
            }
        }
        done
    }

    fn wake(self: &Arc<Self>, at: Micros, limit: LimitId) {
        let shared: Weak<Self> = Arc::downgrade(self);
        let when = self.origin + at.into();
        tokio::spawn(async move {
            tokio::time::sleep_until(when).await;
            if let Some(shared) = shared.upgrade() {
                shared.with(|account, now, out| account.pool.due(now.max(at), limit, out));
            }
        });
    }
}

impl Account {
    fn tell(&self, ticket: Ticket, answer: Answer) {
        if let Some(run) = self.runs.get(&ticket) {
            // A run that is gone takes back what it asked for.
            let _ = run.send(answer);
        }
    }
}

/// A run's share of limits that it has in common with others.
pub(super) struct Share {
    shared: Arc<Shared>,
    outside: Option<Outside>,
    sender: UnboundedSender<Answer>,
    answers: UnboundedReceiver<Answer>,
    /// What waits for an answer, by its row.
    waiting: HashMap<StepIx, (Ticket, Prepared)>,
    /// Calls that are running.
    running: HashMap<StepIx, Ticket>,
}

/// What a run has of an account outside of this process.
struct Outside {
    funds: Arc<dyn Funds>,
    /// The number of the next request.
    next: u64,
    /// What is asked for there, by its row.
    asked: HashMap<StepIx, (u64, Need, Prepared)>,
    /// What was reserved there, by the row whose call waits here or is running.
    reserved: HashMap<StepIx, Money>,
}

/// What is reserved for a call outside of this process.
fn bound_of(need: &Need) -> Money {
    need.upper_bound.max(need.requested)
}

impl Outside {
    fn of(funds: &Arc<dyn Funds>) -> Self {
        Self {
            funds: Arc::clone(funds),
            next: 0,
            asked: HashMap::new(),
            reserved: HashMap::new(),
        }
    }

    /// Asks for a call; the answer comes through `answers`.
    fn ask(
        &mut self,
        row: StepIx,
        need: Need,
        prepared: Prepared,
        answers: &UnboundedSender<Answer>,
    ) {
        let number = self.next;
        self.next += 1;
        let reserving = self.funds.reserve(bound_of(&need));
        let answers = answers.clone();
        tokio::spawn(async move {
            let answer = reserving.await;
            // A run that is gone takes its funds with it.
            let _ = answers.send(Answer::Funded(row, number, answer));
        });
        self.asked.insert(row, (number, need, prepared));
    }

    /// Whether a running call may come to cost `total`.
    fn raise(&mut self, row: StepIx, total: Money) -> bool {
        let Some(bound) = self.reserved.get_mut(&row) else {
            return true;
        };
        let may = total <= *bound || self.funds.raise(total - *bound);
        if may {
            *bound = (*bound).max(total);
        }
        may
    }

    /// A row's call is over, or is not made after all.
    fn end(&mut self, row: StepIx, cost: Option<Money>) {
        self.asked.remove(&row);
        if let Some(bound) = self.reserved.remove(&row) {
            self.funds.end(bound, cost);
        }
    }
}

impl Share {
    /// A share of which nothing is taken.
    pub(super) fn of(limits: &SharedLimits) -> Self {
        let (sender, answers) = unbounded_channel();
        Self {
            shared: Arc::clone(&limits.shared),
            outside: limits.funds.as_ref().map(Outside::of),
            sender,
            answers,
            waiting: HashMap::new(),
            running: HashMap::new(),
        }
    }

    /// Asks for a call. The answer comes through [`next`](Self::next).
    pub(super) fn ask(&mut self, row: StepIx, need: Need, prepared: Prepared) {
        self.forget(row);
        match &mut self.outside {
            Some(outside) => outside.ask(row, need, prepared, &self.sender),
            None => self.ask_here(row, need, prepared),
        }
    }

    fn ask_here(&mut self, row: StepIx, need: Need, prepared: Prepared) {
        let sender = self.sender.clone();
        let ticket = self.shared.with(|account, now, out| {
            let ticket = account.pool.ask(now, need, out);
            account.runs.insert(ticket, sender);
            ticket
        });
        self.waiting.insert(row, (ticket, prepared));
    }

    /// The account outside of this process has answered. A row that it refuses is returned.
    pub(super) fn funded(
        &mut self,
        row: StepIx,
        number: u64,
        answer: Result<(), Refusal>,
    ) -> Option<(StepIx, Refusal)> {
        let outside = self.outside.as_mut()?;
        let is_open = outside
            .asked
            .get(&row)
            .is_some_and(|(asked, ..)| *asked == number);
        let asked = outside.asked.remove(&row).filter(|_| is_open);
        let (_, need, prepared) = asked?;
        if let Err(refusal) = answer {
            return Some((row, refusal));
        }
        outside.reserved.insert(row, bound_of(&need));
        self.ask_here(row, need, prepared);
        None
    }

    /// The next answer that has come already.
    pub(super) fn try_next(&mut self) -> Option<Answer> {
        self.answers.try_recv().ok()
    }

    /// The next answer; it never ends without one.
    pub(super) async fn next(&mut self) -> Answer {
        match self.answers.recv().await {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }

    /// The row that waits with this request.
    pub(super) fn row_of(&self, ticket: Ticket) -> Option<StepIx> {
        let mut waiting = self.waiting.iter();
        let found = waiting.find(|(_, (known, _))| *known == ticket);
        found.map(|(row, _)| *row)
    }

    /// A request was granted: what waited for it, and its row.
    pub(super) fn granted(&mut self, ticket: Ticket) -> Option<(StepIx, Prepared)> {
        let row = self.row_of(ticket)?;
        let (_, prepared) = self.waiting.remove(&row)?;
        self.running.insert(row, ticket);
        Some((row, prepared))
    }

    /// A request was refused for good: its row.
    pub(super) fn refused(&mut self, ticket: Ticket) -> Option<StepIx> {
        let row = self.row_of(ticket)?;
        self.waiting.remove(&row);
        Some(row)
    }

    /// The call of a row is not made after all, or is asked for again.
    pub(super) fn forget(&mut self, row: StepIx) {
        let waiting = self.waiting.remove(&row).map(|(ticket, _)| ticket);
        if let Some(ticket) = waiting.or_else(|| self.running.remove(&row)) {
            self.shared.with(|account, now, out| {
                account.runs.remove(&ticket);
                account.pool.withdraw(now, ticket, out);
            });
        }
        if let Some(outside) = &mut self.outside {
            outside.end(row, None);
        }
    }

    /// Whether a running call may come to cost `total`.
    pub(super) fn raise(&mut self, row: StepIx, total: Money) -> bool {
        let ticket = self.running.get(&row);
        let here = ticket.is_none_or(|ticket| self.shared.account().pool.raise(*ticket, total));
        here && self
            .outside
            .as_mut()
            .is_none_or(|outside| outside.raise(row, total))
    }

    /// The code of a row's call waits for other calls.
    pub(super) fn suspend(&self, row: StepIx) {
        if let Some(ticket) = self.running.get(&row) {
            self.shared
                .with(|account, now, out| account.pool.suspend(now, *ticket, out));
        }
    }

    /// The code of a row's call continues.
    pub(super) fn resume(&self, row: StepIx) {
        if let Some(ticket) = self.running.get(&row) {
            self.shared.account().pool.resume(*ticket);
        }
    }

    /// The call of a row has ended and has cost so much; `counted`: whether it was billed for what it used.
    pub(super) fn end(&mut self, row: StepIx, cost: Money, counted: bool) {
        if let Some(ticket) = self.running.remove(&row) {
            self.shared.with(|account, now, out| {
                account.runs.remove(&ticket);
                account.pool.end(now, ticket, cost, counted, out);
            });
        }
        if let Some(outside) = &mut self.outside {
            outside.end(row, Some(cost));
        }
    }

    /// So much that earlier runs were thought to have spent was not spent.
    pub(super) fn release(&self, money: Money) {
        self.shared
            .with(|account, now, out| account.pool.release(now, money, out));
        if let Some(outside) = &self.outside {
            outside.funds.release(money);
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let waiting = self.waiting.drain().map(|(_, (ticket, _))| ticket);
        let running = self.running.drain().map(|(_, ticket)| ticket);
        let tickets: Vec<Ticket> = waiting.chain(running).collect();
        for ticket in tickets {
            self.shared.with(|account, now, out| {
                account.runs.remove(&ticket);
                account.pool.abandon(now, ticket, out);
            });
        }
    }
}
