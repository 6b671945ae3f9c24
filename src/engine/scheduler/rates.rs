//! What may start now by the rates of models and pools, and when the rest may.

use crate::plan::StepIx;
use crate::run::{Demand, Micros, Rate, Rates};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

const MINUTE: Micros = Micros(60_000_000);

/// When a call may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Now.
    Now,
    /// Not before this moment, because of this name.
    At(Micros, MeterIx),
    /// When a call that counts against this name has ended.
    AfterAnEnd(MeterIx),
}

/// The place of a name among the meters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MeterIx(u32);

/// One name's use of its rate: what started in the last minute, what is under way, and who waits.
#[derive(Debug)]
struct Meter {
    rate: Rate,
    /// Starts of the last minute with their tokens, oldest first.
    window: VecDeque<(Micros, u64)>,
    tokens: u64,
    under_way: u64,
    /// Rows that wait, oldest first; who pops one looks at its stage.
    waiting: VecDeque<StepIx>,
}

/// The meters of all names that have a rate.
#[derive(Debug, Default)]
pub struct Meters {
    meters: Vec<Meter>,
    places: HashMap<Arc<str>, MeterIx>,
    /// What a call under way counts against.
    held: HashMap<StepIx, Vec<MeterIx>>,
}

impl Meters {
    /// Meters at nothing.
    pub fn new(rates: &Rates) -> Self {
        let mut meters = Self::default();
        for (name, rate) in &rates.0 {
            let place = MeterIx(meters.meters.len() as u32);
            meters.places.insert(Arc::clone(name), place);
            meters.meters.push(Meter {
                rate: *rate,
                window: VecDeque::new(),
                tokens: 0,
                under_way: 0,
                waiting: VecDeque::new(),
            });
        }
        meters
    }

    /// The meters of what a call draws on.
    pub fn of<'a>(&'a self, demand: &'a Demand) -> impl Iterator<Item = MeterIx> + 'a {
        demand
            .names
            .iter()
            .filter_map(|name| self.places.get(name).copied())
    }

    fn at(&mut self, place: MeterIx) -> &mut Meter {
        &mut self.meters[place.0 as usize]
    }

    /// Whether a call with this demand may start at `now`: every name that it counts against has to let it.
    pub fn admit(&mut self, now: Micros, demand: &Demand) -> Admission {
        let places: Vec<MeterIx> = self.of(demand).collect();
        let mut latest = Admission::Now;
        for place in places {
            let meter = self.at(place);
            if meter.is_full() {
                return Admission::AfterAnEnd(place);
            }
            let Some(at) = meter.not_before(now, demand.tokens) else {
                continue;
            };
            if !matches!(latest, Admission::At(known, _) if known >= at) {
                latest = Admission::At(at, place);
            }
        }
        latest
    }

    /// Counts a call that starts.
    pub fn start(&mut self, now: Micros, row: StepIx, demand: &Demand) {
        let places: Vec<MeterIx> = self.of(demand).collect();
        for place in &places {
            let meter = self.at(*place);
            meter.window.push_back((now, demand.tokens));
            meter.tokens += demand.tokens;
            meter.under_way += 1;
        }
        if !places.is_empty() {
            self.held.insert(row, places);
        }
    }

    /// Counts a call that ended, and gives what it counted against.
    pub fn end(&mut self, row: StepIx) -> Vec<MeterIx> {
        let places = self.held.remove(&row).unwrap_or_default();
        for place in &places {
            let meter = self.at(*place);
            meter.under_way = meter.under_way.saturating_sub(1);
        }
        places
    }

    /// A row waits for a name from now on; first of all where it has waited before.
    pub fn wait(&mut self, place: MeterIx, row: StepIx, again: bool) {
        let waiting = &mut self.at(place).waiting;
        if again {
            waiting.push_front(row);
        } else {
            waiting.push_back(row);
        }
    }

    /// The row that has waited longest for a name.
    pub fn next(&mut self, place: MeterIx) -> Option<StepIx> {
        self.at(place).waiting.pop_front()
    }

    /// Forgets who waits.
    pub fn forget_waits(&mut self) {
        for meter in &mut self.meters {
            meter.waiting.clear();
        }
    }
}

impl Meter {
    fn is_full(&self) -> bool {
        let most = self.rate.max_concurrent;
        most.is_some_and(|most| self.under_way >= most.max(1))
    }

    /// The moment before which a call of so many tokens may not start; `None` where it may now.
    fn not_before(&mut self, now: Micros, tokens: u64) -> Option<Micros> {
        while let Some((at, old)) = self.window.front().copied() {
            if now - at < MINUTE {
                break;
            }
            self.window.pop_front();
            self.tokens -= old;
        }
        let by_requests = self.rate.requests_per_minute.and_then(|most| {
            let over = (self.window.len() as u64 + 1).checked_sub(most.max(1))?;
            self.start_after(over as usize)
        });
        let by_tokens = self.rate.tokens_per_minute.and_then(|most| {
            let mut excess = (self.tokens + tokens)
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

    #[test]
    fn a_call_that_takes_more_than_a_minute_has_goes_alone() {
        let mut meters = meters(Rate {
            tokens_per_minute: Some(100),
            ..Rate::default()
        });
        assert_eq!(meters.admit(Micros(0), &demand(500)), Admission::Now);
        meters.start(Micros(0), StepIx(0), &demand(500));
        let admission = meters.admit(Micros(1), &demand(1));
        assert_eq!(admission, Admission::At(MINUTE, MeterIx(0)));
        assert_eq!(meters.admit(MINUTE, &demand(1)), Admission::Now);
    }

    #[test]
    fn a_pool_lets_the_next_in_when_one_ends() {
        let mut meters = meters(Rate {
            max_concurrent: Some(1),
            ..Rate::default()
        });
        meters.start(Micros(0), StepIx(0), &demand(0));
        let admission = meters.admit(Micros(1), &demand(0));
        assert_eq!(admission, Admission::AfterAnEnd(MeterIx(0)));
        assert_eq!(meters.end(StepIx(0)), [MeterIx(0)]);
        assert_eq!(meters.admit(Micros(2), &demand(0)), Admission::Now);
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
                loop {
                    match meters.admit(now, &demand(tokens)) {
                        Admission::Now => break,
                        Admission::At(at, _) => {
                            prop_assert!(at > now);
                            prop_assert!(!fits(&starts, at - Micros(1), tokens), "it waited too long");
                            now = at;
                        }
                        Admission::AfterAnEnd(_) => prop_assert!(false, "there is no such limit"),
                    }
                }
                prop_assert!(fits(&starts, now, tokens));
                starts.push((now, tokens));
                meters.start(now, StepIx(row as u32), &demand(tokens));
                meters.end(StepIx(row as u32));
            }
        }
    }
}
