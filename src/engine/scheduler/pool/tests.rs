//! The shared limits against rules that are written down a second time, slowly: random runs ask, end, wait and go away,
//! and after every step the whole history is looked at.

use super::*;
use crate::run::Rate;
use proptest::prelude::*;
use std::collections::BTreeMap;

const MINUTE: Micros = Micros(60_000_000);

/// Something that a run does.
#[derive(Clone, Debug)]
enum Move {
    /// Asks for a call: its bound, whether that is an estimate, its tool, its tokens.
    Ask(u64, bool, bool, u64),
    /// A running call ends with this share of its bound, in percent.
    End(usize, u64),
    /// A running call asks for so much more.
    Raise(usize, u64),
    /// Code waits, or continues.
    Suspend(usize),
    /// A request or call is not wanted any more.
    Withdraw(usize),
    /// A run is dropped.
    Abandon(usize),
    /// Time passes, in seconds.
    Wait(u64),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        6 => (0..40u64, any::<bool>(), any::<bool>(), 0..30u64)
            .prop_map(|(bound, estimated, tool, tokens)| Move::Ask(bound, estimated, tool, tokens)),
        5 => (any::<usize>(), 0..=100u64).prop_map(|(which, share)| Move::End(which, share)),
        1 => (any::<usize>(), 0..20u64).prop_map(|(which, more)| Move::Raise(which, more)),
        1 => any::<usize>().prop_map(Move::Suspend),
        1 => any::<usize>().prop_map(Move::Withdraw),
        1 => any::<usize>().prop_map(Move::Abandon),
        2 => (0..40u64).prop_map(Move::Wait),
    ];
    prop::collection::vec(one, 1..120)
}

/// A call as the world sees it.
#[derive(Clone, Debug)]
struct Held {
    bound: Money,
    suspended: bool,
    counts: bool,
    /// As it stands among the starts.
    start: (Micros, u64),
}

/// Everything that has happened, in plain lists.
struct World {
    pool: Pool,
    now: Micros,
    slots: u32,
    budget: Option<Money>,
    rate: Rate,
    max_calls: Option<u64>,
    asked: BTreeMap<Ticket, Need>,
    running: BTreeMap<Ticket, Held>,
    starts: Vec<(Micros, u64)>,
    spent: Money,
    granted: u64,
    timers: Vec<(Micros, LimitId)>,
    refused: u64,
    resumed_over: bool,
}

impl World {
    fn take(&mut self, decided: Vec<Decision>) {
        for decision in decided {
            match decision {
                Decision::Granted(ticket) => {
                    let need = self.asked.remove(&ticket).expect("it was asked for");
                    let counts = !need.demand.names.is_empty();
                    if counts {
                        self.starts.push((self.now, need.demand.tokens));
                    }
                    let bound = need.upper_bound.max(need.requested);
                    let suspended = false;
                    let held = Held {
                        bound,
                        suspended,
                        counts,
                        start: (self.now, need.demand.tokens),
                    };
                    self.running.insert(ticket, held);
                    self.granted += 1;
                    assert!(self.taken() <= self.slots as usize, "no slot was free");
                }
                Decision::Refused(ticket, limit, _) => {
                    let need = self.asked.remove(&ticket).expect("it was asked for");
                    self.refused += 1;
                    match limit {
                        Limit::MaxToolCalls => assert_eq!(Some(self.granted), self.max_calls),
                        _ => assert!(self.free().is_some_and(|free| need.upper_bound > free)),
                    }
                }
                Decision::SetTimer(at, limit) => self.timers.push((at, limit)),
                Decision::Waits(ticket, ..) => assert!(self.asked.contains_key(&ticket)),
            }
        }
    }

    fn taken(&self) -> usize {
        self.running.values().filter(|held| !held.suspended).count()
    }

    fn reserved(&self) -> Money {
        self.running.values().map(|held| held.bound).sum()
    }

    fn free(&self) -> Option<Money> {
        self.budget.map(|most| most - self.spent - self.reserved())
    }

    /// What holds at any moment.
    fn check(&self) {
        if !self.resumed_over {
            assert!(self.taken() <= self.slots as usize);
        }
        if let Some(most) = self.budget {
            assert!(self.spent + self.reserved() <= most);
        }
        assert_eq!(self.pool.spent(), self.spent);
        assert!(self.max_calls.is_none_or(|most| self.granted <= most));
        for (at, _) in &self.starts {
            let window = self
                .starts
                .iter()
                .filter(|(then, _)| *then <= *at && *then + MINUTE > *at);
            let (count, tokens) = window.fold((0, 0), |(n, sum), (_, more)| (n + 1, sum + more));
            assert!(
                self.rate
                    .requests_per_minute
                    .is_none_or(|most| count <= most)
            );
            let most = self.rate.tokens_per_minute;
            assert!(most.is_none_or(|most| tokens <= most || count == 1));
        }
        let at_once = self
            .running
            .values()
            .filter(|held| held.counts && !held.suspended);
        let at_once = at_once.count() as u64;
        if !self.resumed_over {
            assert!(self.rate.max_concurrent.is_none_or(|most| at_once <= most));
        }
    }

    fn any_running(&self, which: usize) -> Option<Ticket> {
        let count = self.running.len();
        let at = which.checked_rem(count)?;
        self.running.keys().nth(at).copied()
    }

    fn any(&self, which: usize) -> Option<Ticket> {
        let all: Vec<Ticket> = self
            .running
            .keys()
            .chain(self.asked.keys())
            .copied()
            .collect();
        all.get(which.checked_rem(all.len())?).copied()
    }

    fn end(&mut self, ticket: Ticket, cost: Money) {
        self.running.remove(&ticket);
        self.spent += cost;
        let mut out = Vec::new();
        self.pool.end(self.now, ticket, cost, true, &mut out);
        self.take(out);
    }

    fn pass(&mut self, seconds: u64) {
        self.now = Micros(self.now.0 + seconds * 1_000_000);
        let (due, later) = std::mem::take(&mut self.timers)
            .into_iter()
            .partition(|(at, _)| *at <= self.now);
        self.timers = later;
        for (_, limit) in due {
            let mut out = Vec::new();
            self.pool.due(self.now, limit, &mut out);
            self.take(out);
        }
    }

    fn play(&mut self, one: &Move) {
        let mut out = Vec::new();
        match *one {
            Move::Ask(bound, estimated, tool, tokens) => {
                let names = if tokens % 3 == 0 {
                    Vec::new()
                } else {
                    vec!["api".into()]
                };
                let need = Need {
                    tool: if tool { "a".into() } else { "b".into() },
                    upper_bound: Money::from_pico(bound as i64),
                    estimated,
                    requested: Money::ZERO,
                    demand: Demand { names, tokens },
                    of_code: false,
                };
                // The answer may come at once, so the request is known before it.
                let ticket = Ticket(StepIx(self.pool.next));
                self.asked.insert(ticket, need.clone());
                assert_eq!(self.pool.ask(self.now, need, &mut out), ticket);
            }
            Move::End(which, share) => {
                if let Some(ticket) = self.any_running(which) {
                    let bound = self.running[&ticket].bound;
                    let cost = Money::from_pico(bound.pico() * share as i64 / 100);
                    self.end(ticket, cost);
                }
            }
            Move::Raise(which, more) => {
                if let Some(ticket) = self.any_running(which) {
                    let total = self.running[&ticket].bound + Money::from_pico(more as i64);
                    let fits = self
                        .free()
                        .is_none_or(|free| free >= Money::from_pico(more as i64));
                    assert_eq!(self.pool.raise(ticket, total), fits);
                    if fits && let Some(held) = self.running.get_mut(&ticket) {
                        held.bound = total;
                    }
                }
            }
            Move::Suspend(which) => {
                if let Some(ticket) = self.any_running(which)
                    && let Some(held) = self.running.get_mut(&ticket)
                {
                    held.suspended = !held.suspended;
                    if held.suspended {
                        // Once it has been left, the rate counts it no more.
                        held.counts = false;
                        self.pool.suspend(self.now, ticket, &mut out);
                    } else {
                        self.pool.resume(ticket);
                    }
                }
                self.resumed_over = self.taken() > self.slots as usize;
            }
            Move::Withdraw(which) => {
                if let Some(ticket) = self.any(which) {
                    if let Some(held) = self.running.remove(&ticket) {
                        self.granted -= 1;
                        // It was not made, and counts against no rate.
                        let same = self.starts.iter().rposition(|start| *start == held.start);
                        if let Some(at) = same.filter(|_| held.counts) {
                            self.starts.remove(at);
                        }
                    }
                    self.asked.remove(&ticket);
                    self.pool.withdraw(self.now, ticket, &mut out);
                }
            }
            Move::Abandon(which) => {
                if let Some(ticket) = self.any(which) {
                    self.spent += self
                        .running
                        .remove(&ticket)
                        .map_or(Money::ZERO, |held| held.bound);
                    self.asked.remove(&ticket);
                    self.pool.abandon(self.now, ticket, &mut out);
                }
            }
            Move::Wait(seconds) => return self.pass(seconds),
        }
        self.take(out);
        self.resumed_over = self.taken() > self.slots as usize;
    }
}

fn world(slots: u32, budget: Option<u64>, rate: Rate, max_calls: Option<u64>) -> World {
    let budget = budget.map(|pico| Money::from_pico(pico as i64));
    let limits = ResourceLimits {
        max_concurrent: Some(slots),
        max_total_cost_usd: budget,
        max_tool_calls: max_calls,
        ..ResourceLimits::default()
    };
    let mut rates = Rates::default();
    rates.0.insert("api".into(), rate);
    World {
        pool: Pool::new(&limits, &rates, true, Money::ZERO),
        now: Micros(0),
        slots,
        budget,
        rate,
        max_calls,
        asked: BTreeMap::new(),
        running: BTreeMap::new(),
        starts: Vec::new(),
        spent: Money::ZERO,
        granted: 0,
        timers: Vec::new(),
        refused: 0,
        resumed_over: false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn limits_hold_at_any_moment_and_everything_ends(
        moves in moves(),
        slots in 1..6u32,
        budget in prop::option::of(0..200u64),
        requests in prop::option::of(1..6u64),
        tokens in prop::option::of(1..60u64),
        at_once in prop::option::of(1..4u64),
        max_calls in prop::option::of(1..60u64),
    ) {
        let rate = Rate {
            requests_per_minute: requests,
            tokens_per_minute: tokens,
            max_concurrent: at_once,
        };
        let mut world = world(slots, budget, rate, max_calls);
        for one in moves {
            world.play(&one);
            world.check();
        }
        // Whatever is left ends, once calls end and time passes.
        for _ in 0..10_000 {
            if world.asked.is_empty() && world.running.is_empty() {
                break;
            }
            match world.running.keys().next().copied() {
                Some(ticket) => world.end(ticket, Money::ZERO),
                None => world.pass(61),
            }
            world.resumed_over = world.taken() > world.slots as usize;
            world.check();
        }
        prop_assert!(world.asked.is_empty(), "waits for ever: {:?}", world.asked);
    }
}

#[test]
fn who_asks_first_comes_first_and_a_rate_keeps_nobody_else() {
    let rate = Rate {
        requests_per_minute: Some(1),
        ..Rate::default()
    };
    let mut world = world(1, None, rate, None);
    for tokens in [1, 1, 3, 3] {
        world.play(&Move::Ask(0, false, true, tokens));
    }
    let ticket = |at: u32| Ticket(StepIx(at));
    assert_eq!(
        world.running.keys().copied().collect::<Vec<_>>(),
        [ticket(0)]
    );
    for next in [2, 3] {
        let running = *world.running.keys().next().unwrap();
        world.end(running, Money::ZERO);
        assert!(world.running.contains_key(&ticket(next)), "{next}");
    }
    world.end(ticket(3), Money::ZERO);
    assert!(world.running.is_empty());
    world.pass(61);
    assert!(world.running.contains_key(&ticket(1)));
}

#[test]
fn a_call_that_is_not_made_gives_its_place_in_the_rate_back() {
    let rate = Rate {
        requests_per_minute: Some(1),
        tokens_per_minute: Some(5),
        ..Rate::default()
    };
    let mut world = world(4, None, rate, None);
    world.play(&Move::Ask(0, false, true, 5));
    world.play(&Move::Ask(0, false, true, 5));
    let ticket = |at: u32| Ticket(StepIx(at));
    assert!(!world.running.contains_key(&ticket(1)));
    let first = world.any(0).unwrap();
    assert_eq!(first, ticket(0));
    world.play(&Move::Withdraw(0));
    assert!(world.running.contains_key(&ticket(1)), "at once");
    world.check();
    // One that ended keeps it.
    world.play(&Move::Ask(0, false, true, 5));
    world.end(ticket(1), Money::ZERO);
    assert!(world.running.is_empty());
}

#[test]
fn what_does_not_fit_waits_for_what_is_running_and_is_then_refused() {
    let mut world = world(4, Some(10), Rate::default(), None);
    world.play(&Move::Ask(8, false, true, 0));
    world.play(&Move::Ask(4, false, true, 0));
    assert_eq!((world.running.len(), world.refused), (1, 0));
    world.end(Ticket(StepIx(0)), Money::from_pico(7));
    assert_eq!((world.running.len(), world.refused), (0, 1));
    // What still fits is made.
    world.play(&Move::Ask(3, false, true, 0));
    assert_eq!(world.running.len(), 1);
}
