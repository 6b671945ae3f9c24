//! Forecasts against sums written out by hand.

use super::*;
use crate::plan::{Dialect, StepInput, StepIx};
use crate::run::{
    AttemptDetails, AttemptEnd, EventKind, Rates, ResourceLimits, RunEvent, RunHeader, StepInfo,
    StepKey, StepSource,
};
use crate::units::Micros;
use serde_json::Value;
use std::sync::Arc;

fn price(min: i64, expected: i64, max: i64) -> StepPrice {
    StepPrice {
        min: Money::from_pico(min),
        expected: Some(Money::from_pico(expected)),
        max: Some(Money::from_pico(max)),
        attempts: 1,
        times: Some(1),
        sure: true,
    }
}

fn picos(forecast: Forecast) -> (i64, Option<i64>, Option<i64>) {
    let pico = |money: Option<Money>| money.map(Money::pico);
    (
        forecast.min.pico(),
        pico(forecast.expected),
        pico(forecast.max),
    )
}

/// A run whose steps have these prices.
struct Trial {
    state: RunState,
    seq: u64,
}

impl Trial {
    fn new(prices: &[Option<StepPrice>]) -> Self {
        let info = |(at, price): (usize, &Option<StepPrice>)| StepInfo {
            id: format!("s{at}").into(),
            tool: "t".into(),
            kind: "model".into(),
            depends_on: Arc::default(),
            description: None,
            parent: None,
            parameters: None,
            not_reused: None,
            sequential: false,
            price: price.map(Box::new),
            checks: None,
        };
        let mut trial = Self {
            state: RunState::default(),
            seq: 0,
        };
        trial.emit(EventKind::RunStarted(Arc::new(RunHeader {
            run_id: "r".into(),
            plan: "p".into(),
            dialect: Dialect::Documented,
            started_at: "".into(),
            worker: "w".into(),
            simulated: false,
            track_cost: true,
            limits: ResourceLimits::none(),
            rates: Rates::default(),
            priced: true,
            context: Arc::default(),
            steps: prices.iter().enumerate().map(info).collect(),
            forked_from: None,
            spent_before: crate::units::Money::ZERO,
            pace: None,
        })));
        trial
    }

    fn emit(&mut self, kind: EventKind) {
        let (seq, at) = (self.seq, Micros(self.seq));
        self.state.apply(&RunEvent { seq, at, kind });
        self.seq += 1;
    }

    fn key(&self, row: u32) -> StepKey {
        StepKey {
            ix: StepIx(row),
            id: self.state.steps[row as usize].info.id.clone(),
        }
    }

    fn call(&mut self, row: u32, attempt: u32, reserved: i64) {
        let step = self.key(row);
        self.emit(EventKind::AttemptStarted {
            step,
            attempt,
            slot: 0,
            input: StepInput::default(),
            reserved: Money::from_pico(reserved),
            why: None,
            prompt: None,
        });
    }

    fn end(&mut self, row: u32, attempt: u32, retry_in: Option<u64>) {
        let step = self.key(row);
        self.emit(EventKind::AttemptEnded(Arc::new(AttemptEnd {
            step,
            attempt,
            service: Micros(1),
            cost: Some(Money::ZERO),
            details: AttemptDetails {
                retry_in: retry_in.map(Micros),
                ..AttemptDetails::default()
            }
            .boxed(),
            cancelled: false,
        })));
    }

    fn rest(&self) -> (i64, Option<i64>, Option<i64>) {
        picos(forecast(&self.state).unwrap())
    }
}

#[test]
fn attempts_and_elements_count_and_what_may_be_skipped_is_no_part_of_the_least() {
    let tried = StepPrice {
        attempts: 3,
        ..price(1, 5, 10)
    };
    let each = StepPrice {
        times: Some(4),
        ..price(1, 5, 10)
    };
    let perhaps = StepPrice {
        sure: false,
        ..price(1, 5, 10)
    };
    let prices = [Some(tried), Some(each), Some(perhaps), None];
    let sum = Forecast::of(prices.iter().map(Option::as_ref));
    assert_eq!(picos(sum), (1 + 4, Some(5 + 20 + 5), Some(30 + 40 + 10)));
}

#[test]
fn what_is_not_known_is_not_nothing() {
    let unpriced = StepPrice {
        expected: None,
        max: None,
        ..price(0, 0, 0)
    };
    let open = StepPrice {
        times: None,
        ..price(1, 5, 10)
    };
    let free = StepPrice {
        times: None,
        ..price(0, 0, 0)
    };
    for (unknown, is_known) in [(unpriced, false), (open, false), (free, true)] {
        let sum = Forecast::of([Some(&price(1, 5, 10)), Some(&unknown)]);
        let known = is_known.then_some(());
        assert_eq!(picos(sum), (1, known.map(|()| 5), known.map(|()| 10)));
    }
}

#[test]
fn the_rest_is_what_has_not_ended() {
    let tried = StepPrice {
        attempts: 3,
        ..price(1, 5, 10)
    };
    let mut trial = Trial::new(&[Some(tried), Some(price(2, 6, 20)), None]);
    assert_eq!(trial.rest(), (3, Some(11), Some(50)));
    trial.call(0, 1, 8);
    assert_eq!(trial.rest(), (3, Some(11), Some(10 + 20 + 20)));
    trial.end(0, 1, Some(7));
    assert_eq!(trial.rest(), (2, Some(11), Some(20 + 20)));
    trial.call(0, 2, 8);
    trial.end(0, 2, None);
    let step = trial.key(0);
    trial.emit(EventKind::StepSucceeded {
        step,
        source: StepSource::Call,
        output: Arc::new(Value::Null),
        reused: None,
    });
    assert_eq!(trial.rest(), (2, Some(6), Some(20)));
    let step = trial.key(0);
    trial.emit(EventKind::StepReset { step });
    assert_eq!(
        trial.rest(),
        (3, Some(11), Some(50)),
        "it has all its attempts again"
    );
}

#[test]
fn a_list_that_became_known_is_counted() {
    let open = StepPrice {
        times: None,
        ..price(1, 5, 10)
    };
    let mut trial = Trial::new(&[Some(open)]);
    assert_eq!(trial.rest(), (0, None, None));
    let element = |at: usize| StepInfo {
        id: format!("s0[{at}]").into(),
        parent: Some(StepIx(0)),
        price: None,
        checks: None,
        ..StepInfo::clone(&trial.state.steps[0].info)
    };
    let elements = (0..3).map(element).collect();
    let step = trial.key(0);
    trial.emit(EventKind::StepExpanded {
        step,
        count: 3,
        elements,
    });
    assert_eq!(trial.rest(), (3, Some(15), Some(30)));
    trial.call(1, 1, 4);
    assert_eq!(trial.rest(), (3, Some(15), Some(30)));
}

#[test]
fn a_run_that_does_not_say_has_no_forecast() {
    let mut trial = Trial::new(&[None]);
    assert!(forecast(&trial.state).unwrap().is_free());
    let mut header = RunHeader::clone(trial.state.header.as_deref().unwrap());
    header.priced = false;
    trial.emit(EventKind::RunStarted(Arc::new(header)));
    assert_eq!(forecast(&trial.state), None);
    assert_eq!(forecast(&RunState::default()), None);
}
