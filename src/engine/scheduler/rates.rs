//! What may start now by the rates of models and pools, and when the rest may.
//!
//! Whoever has waited longest for a name comes first there. A later call may go ahead of it only where the first
//! one starts no later for that: so nothing starves, and what is left of a minute is not wasted either.

use crate::plan::StepIx;
use crate::run::{Demand, Rate, Rates};
use crate::units::Micros;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

const MINUTE: Micros = Micros(60_000_000);

/// Why a call may not start now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The name that keeps it.
    pub place: MeterIx,
    /// The moment before which it cannot start; `None` where that depends on an end.
    pub until: Option<Micros>,
}

/// What became of a row that has to wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether something else is to be told of it than before.
    pub news: bool,
    /// When to look again, where nobody does yet.
    pub timer: Option<Micros>,
}

/// The place of a name among the meters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MeterIx(u32);

/// One name's use of its rate: what started in the last minute, what is under way, and who waits.
#[derive(Debug)]
struct Meter {
    name: Arc<str>,
    rate: Rate,
    /// Starts of the last minute with their tokens, oldest first.
    window: VecDeque<(Micros, u64)>,
    tokens: u64,
    under_way: u64,
    /// Who waits with their tokens, by their turn; whoever is about to try stays in it until it starts.
    line: BTreeMap<(u64, StepIx), u64>,
    /// The row that was told to try again and has not come back yet.
    trying: Option<StepIx>,
    /// Before which moment the first in line cannot start.
    first_until: Option<Micros>,
    /// The timer that is set.
    due: Option<Micros>,
}

/// Where a row stands that has waited since it became ready.
#[derive(Clone, Copy, Debug)]
struct Waiter {
    turn: u64,
    /// Its line, unless something else holds it at present.
    place: Option<MeterIx>,
    /// What was told of it last.
    told: Option<Refusal>,
}

/// The meters of all names that have a rate.
#[derive(Debug, Default)]
pub struct Meters {
    all: Vec<Meter>,
    places: HashMap<Arc<str>, MeterIx>,
    /// What a call under way counts against.
    held: HashMap<StepIx, Vec<MeterIx>>,
    waiters: HashMap<StepIx, Waiter>,
    turns: u64,
    /// Names whose first in line may be able to start.
    stirred: Vec<MeterIx>,
}

impl Meters {
    /// Meters at nothing.
    pub fn new(rates: &Rates) -> Self {
        let mut meters = Self::default();
        for (name, rate) in &rates.0 {
            let place = MeterIx(meters.all.len() as u32);
            meters.places.insert(Arc::clone(name), place);
            meters.all.push(Meter {
                name: Arc::clone(name),
                rate: *rate,
                window: VecDeque::new(),
                tokens: 0,
                under_way: 0,
                line: BTreeMap::new(),
                trying: None,
                first_until: None,
                due: None,
            });
        }
        meters
    }

    /// The meters of what a call draws on.
    fn of(&self, demand: &Demand) -> Vec<MeterIx> {
        let names = demand.names.iter();
        names
            .filter_map(|name| self.places.get(name).copied())
            .collect()
    }

    fn at(&mut self, place: MeterIx) -> &mut Meter {
        &mut self.all[place.0 as usize]
    }

    /// What a name is called.
    pub fn name(&self, place: MeterIx) -> Arc<str> {
        Arc::clone(&self.all[place.0 as usize].name)
    }

    /// What keeps a call with this demand from starting at `now`: every name that it counts against has to let
    /// it. What a person asks for goes before its turn.
    pub fn refuse(
        &mut self,
        now: Micros,
        row: StepIx,
        demand: &Demand,
        asked: bool,
    ) -> Option<Refusal> {
        let turn = self.waiters.get(&row).map_or(u64::MAX, |known| known.turn);
        let mut worst: Option<Refusal> = None;
        for place in self.of(demand) {
            let meter = self.at(place);
            meter.forget_old(now);
            let until = if meter.is_full(0) {
                None
            } else if let Some(at) = meter.not_before(demand.tokens) {
                Some(at)
            } else if !asked && meter.delays_the_first(now, (turn, row), demand.tokens) {
                meter.first_until
            } else {
                continue;
            };
            // What cannot be foretold counts as the latest.
            let later = |known: &Refusal| match (known.until, until) {
                (Some(known), Some(at)) => at > known,
                (known, _) => known.is_some(),
            };
            if worst.as_ref().is_none_or(later) {
                worst = Some(Refusal { place, until });
            }
        }
        worst
    }

    /// A row waits from now on where it was refused. It keeps its turn when it has waited before.
    pub fn wait(&mut self, row: StepIx, refusal: Refusal, tokens: u64) -> Standing {
        let before = self.waiters.get(&row).copied();
        if before.is_some_and(|before| before.place != Some(refusal.place)) {
            self.step_aside(row);
        }
        let turn = before.map_or(self.turns, |before| before.turn);
        self.turns += u64::from(before.is_none());
        let told = self.waiters.get(&row).and_then(|known| known.told);
        self.waiters.insert(
            row,
            Waiter {
                turn,
                place: Some(refusal.place),
                told: Some(refusal),
            },
        );
        let meter = self.at(refusal.place);
        meter.line.insert((turn, row), tokens);
        let tried = meter.trying == Some(row);
        if tried {
            meter.trying = None;
        }
        let mut timer = None;
        let first = meter.is_first(row);
        if first {
            meter.first_until = refusal.until;
            timer = refusal
                .until
                .filter(|at| meter.due.is_none_or(|due| *at < due));
            meter.due = timer.or(meter.due);
        }
        if tried && !first {
            // Somebody came before it while it tried, and nobody else would look whether that one can start.
            self.stirred.push(refusal.place);
        }
        Standing {
            news: told != Some(refusal),
            timer,
        }
    }

    /// Counts a call that starts.
    pub fn start(&mut self, now: Micros, row: StepIx, demand: &Demand) {
        if self.all.is_empty() {
            return;
        }
        self.forget(row);
        let places = self.of(demand);
        for place in &places {
            let meter = self.at(*place);
            meter.window.push_back((now, demand.tokens));
            meter.tokens = meter.tokens.saturating_add(demand.tokens);
            meter.under_way += 1;
        }
        if !places.is_empty() {
            self.held.insert(row, places);
        }
    }

    /// Counts a call that ended.
    pub fn end(&mut self, row: StepIx) {
        if self.held.is_empty() {
            return;
        }
        for place in self.held.remove(&row).unwrap_or_default() {
            let meter = self.at(place);
            meter.under_way = meter.under_way.saturating_sub(1);
            self.stirred.push(place);
        }
    }

    /// The timer of a name is due.
    pub fn due(&mut self, now: Micros, place: MeterIx) {
        let meter = self.at(place);
        meter.due = meter.due.filter(|due| *due > now);
        self.stirred.push(place);
    }

    /// A row that is to try again, where one may be able to start; to be asked until there is none.
    pub fn next_to_try(&mut self) -> Option<StepIx> {
        while let Some(place) = self.stirred.pop() {
            let meter = self.at(place);
            if meter.trying.is_none()
                && let Some((_, row)) = meter.line.keys().next().copied()
            {
                meter.trying = Some(row);
                return Some(row);
            }
        }
        None
    }

    /// A row leaves its line, because something else holds it now; it keeps its turn.
    pub fn step_aside(&mut self, row: StepIx) {
        let Some(waiter) = self.waiters.get_mut(&row) else {
            return;
        };
        waiter.told = None;
        let turn = waiter.turn;
        if let Some(place) = waiter.place.take() {
            let meter = self.at(place);
            let mattered = meter.is_first(row) || meter.trying == Some(row);
            meter.line.remove(&(turn, row));
            if mattered {
                meter.trying = meter.trying.filter(|trying| *trying != row);
                meter.first_until = None;
                self.stirred.push(place);
            }
        }
    }

    /// Something else was told of a row: what it waits for here is news again.
    pub fn told_otherwise(&mut self, row: StepIx) {
        if let Some(waiter) = self.waiters.get_mut(&row) {
            waiter.told = None;
        }
    }

    /// A row waits no longer: it starts, it ended, or it is taken back.
    pub fn forget(&mut self, row: StepIx) {
        if !self.waiters.is_empty() {
            self.step_aside(row);
            self.waiters.remove(&row);
        }
    }

    /// Nobody waits any longer.
    pub fn forget_all(&mut self) {
        self.waiters.clear();
        self.stirred.clear();
        for meter in &mut self.all {
            meter.line.clear();
            meter.trying = None;
            meter.first_until = None;
        }
    }
}

impl Meter {
    /// Whether no call may be under way beside the present ones and so many others.
    fn is_full(&self, others: u64) -> bool {
        let most = self.rate.max_concurrent;
        most.is_some_and(|most| self.under_way + others >= most.max(1))
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn meters(rate: Rate) -> Meters {
        Meters::new(&Rates([("m".into(), rate)].into()))
    }

    fn demand(tokens: u64) -> Demand {
        Demand {
            names: vec!["m".into()],
            tokens,
        }
    }

    /// Until when a call has to wait, where it has to.
    #[allow(
        clippy::option_option,
        reason = "it may have to wait, and the moment may be known"
    )]
    fn refused(meters: &mut Meters, now: Micros, row: u32, tokens: u64) -> Option<Option<Micros>> {
        let refusal = meters.refuse(now, StepIx(row), &demand(tokens), false);
        refusal.map(|refusal| refusal.until)
    }

    fn wait(meters: &mut Meters, row: u32, until: Option<Micros>, tokens: u64) -> Standing {
        let place = MeterIx(0);
        meters.wait(StepIx(row), Refusal { place, until }, tokens)
    }

    #[test]
    fn a_call_that_takes_more_than_a_minute_has_goes_alone() {
        let mut meters = meters(Rate {
            tokens_per_minute: Some(100),
            ..Rate::default()
        });
        assert_eq!(refused(&mut meters, Micros(0), 0, 500), None);
        meters.start(Micros(0), StepIx(0), &demand(500));
        assert_eq!(refused(&mut meters, Micros(1), 1, 1), Some(Some(MINUTE)));
        assert_eq!(refused(&mut meters, MINUTE, 1, 1), None);
    }

    #[test]
    fn a_pool_lets_the_next_in_when_one_ends() {
        let mut meters = meters(Rate {
            max_concurrent: Some(1),
            ..Rate::default()
        });
        meters.start(Micros(0), StepIx(0), &demand(0));
        assert_eq!(refused(&mut meters, Micros(1), 1, 0), Some(None));
        wait(&mut meters, 1, None, 0);
        assert_eq!(meters.next_to_try(), None);
        meters.end(StepIx(0));
        assert_eq!(meters.next_to_try(), Some(StepIx(1)));
        assert_eq!(refused(&mut meters, Micros(2), 1, 0), None);
        // Whoever comes in between waits for the one that was told to try.
        assert_eq!(refused(&mut meters, Micros(2), 2, 0), Some(None));
    }

    #[test]
    fn who_came_first_while_another_tried_gets_its_try() {
        let rate = Rate {
            max_concurrent: Some(1),
            ..Rate::default()
        };
        let mut meters = Meters::new(&Rates([("m".into(), rate), ("p".into(), rate)].into()));
        let at = |place| Refusal { place, until: None };
        let [m, p] = [MeterIx(0), MeterIx(1)];
        // The first waits for one name, the second for another, for which it is told to try.
        meters.wait(StepIx(1), at(p), 0);
        meters.wait(StepIx(2), at(m), 0);
        meters.stirred.push(m);
        assert_eq!(meters.next_to_try(), Some(StepIx(2)));
        // Meanwhile the first comes to wait there as well, and what it waits for ends.
        meters.wait(StepIx(1), at(m), 0);
        meters.stirred.clear();
        meters.stirred.push(m);
        assert_eq!(meters.next_to_try(), None, "one at a time");
        meters.wait(StepIx(2), at(m), 0);
        assert_eq!(meters.next_to_try(), Some(StepIx(1)));
    }

    #[test]
    fn a_later_call_goes_ahead_only_where_the_first_starts_no_later_for_it() {
        let mut meters = meters(Rate {
            tokens_per_minute: Some(100),
            ..Rate::default()
        });
        let second = Micros(1_000_000);
        meters.start(Micros(0), StepIx(0), &demand(60));
        meters.start(second, StepIx(1), &demand(20));
        // It needs the 60 to be gone, and then has 20 to spare.
        let until = Some(MINUTE);
        assert_eq!(refused(&mut meters, second, 2, 60), Some(until));
        assert_eq!(wait(&mut meters, 2, until, 60).timer, until);
        assert_eq!(refused(&mut meters, second, 3, 20), None);
        meters.start(second, StepIx(3), &demand(20));
        // One token more in that minute, and the first would have to wait for the 20.
        assert_eq!(refused(&mut meters, second + second, 4, 1), Some(until));
        assert!(
            meters
                .refuse(second + second, StepIx(4), &demand(1), true)
                .is_some()
        );
    }

    #[test]
    fn whoever_steps_aside_keeps_its_turn_and_lets_the_next_try() {
        let mut meters = meters(Rate {
            max_concurrent: Some(1),
            ..Rate::default()
        });
        meters.start(Micros(0), StepIx(0), &demand(0));
        for row in [1, 2] {
            assert!(wait(&mut meters, row, None, 0).news);
        }
        assert!(
            !wait(&mut meters, 2, None, 0).news,
            "nothing else than before"
        );
        meters.end(StepIx(0));
        assert_eq!(meters.next_to_try(), Some(StepIx(1)));
        assert_eq!(meters.next_to_try(), None, "one at a time");
        meters.step_aside(StepIx(1));
        assert_eq!(meters.next_to_try(), Some(StepIx(2)));
        wait(&mut meters, 1, None, 0);
        assert_eq!(
            refused(&mut meters, Micros(1), 2, 0),
            Some(None),
            "1 came first"
        );
    }

    proptest! {
        /// Whoever comes as soon as it may never makes more than the rate in any minute, and never waits
        /// longer than that takes.
        #[test]
        fn no_minute_has_more_than_the_rate(
            requests in 1u64..6,
            per_minute in 50u64..200,
            calls in prop::collection::vec((1u64..50, 0u64..20_000_000), 1..60),
        ) {
            let rate = Rate {
                requests_per_minute: Some(requests),
                tokens_per_minute: Some(per_minute),
                ..Rate::default()
            };
            let mut meters = meters(rate);
            let mut now = Micros(0);
            let mut starts: Vec<(Micros, u64)> = Vec::new();
            let fits = |starts: &[(Micros, u64)], at: Micros, tokens: u64| {
                let recent: Vec<_> = starts.iter().filter(|(then, _)| at - *then < MINUTE).collect();
                let used: u64 = recent.iter().map(|(_, tokens)| tokens).sum();
                (recent.len() as u64) < requests && used + tokens <= per_minute
            };
            for (row, (tokens, pause)) in calls.into_iter().enumerate() {
                now += Micros(pause);
                while let Some(until) = refused(&mut meters, now, row as u32, tokens) {
                    let at = until.expect("there is no such limit");
                    prop_assert!(at > now);
                    prop_assert!(!fits(&starts, at - Micros(1), tokens), "it waited too long");
                    now = at;
                }
                prop_assert!(fits(&starts, now, tokens));
                starts.push((now, tokens));
                meters.start(now, StepIx(row as u32), &demand(tokens));
                meters.end(StepIx(row as u32));
            }
        }
    }
}
