//! Follows the answer to one request, and reports how far it has come.

use super::arriving::ArrivingPlan;
use super::progress::{Arriving, PlanningProgress};
use crate::models::{AnswerListener, AnswerPart, Price};
use crate::units::{Money, Tokens};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The shortest time between two reports that tell of no new step.
const INTERVAL: Duration = Duration::from_millis(100);

/// Bytes to a token, about.
pub(super) const BYTES_PER_TOKEN: u64 = 4;

/// Who is told.
pub(super) type Report = Arc<dyn Fn(&PlanningProgress) + Send + Sync>;

/// What is known of a request when it is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    /// When the planner began.
    pub began: Instant,
    /// What the requests before have cost.
    pub cost: Option<Money>,
    /// About how many tokens the request has.
    pub input: u64,
    /// The price of the model.
    pub price: Option<Price>,
}

/// What of the answer has come.
#[derive(Default)]
struct State {
    plan: ArrivingPlan,
    bytes: u64,
    first: Option<Instant>,
    reported: Option<Instant>,
}

/// A listener that reports how far an answer has come.
pub(super) fn listener(report: Report, sent: Sent) -> AnswerListener {
    let state = Mutex::new(State::default());
    AnswerListener::new(move |part| {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(arriving) = state.take(part, &sent) {
            drop(state);
            report(&PlanningProgress::Arriving(arriving));
        }
    })
}

impl State {
    /// Takes in a part; what is to be reported of it.
    fn take(&mut self, part: AnswerPart<'_>, sent: &Sent) -> Option<Arriving> {
        let now = Instant::now();
        let (text, thoughts) = match part {
            AnswerPart::Asked => {
                *self = Self::default();
                return None;
            }
            AnswerPart::Text(text) => (text, ""),
            AnswerPart::Reasoning(thoughts) => ("", thoughts),
        };
        self.bytes += (text.len() + thoughts.len()) as u64;
        let first = *self.first.get_or_insert(now);
        let has_grown = self.plan.push(text);
        let is_due = self
            .reported
            .is_none_or(|reported| now >= reported + INTERVAL);
        if !has_grown && !is_due {
            return None;
        }
        self.reported = Some(now);
        let tokens = self.bytes.div_ceil(BYTES_PER_TOKEN);
        let speed = tokens as f64 / (now - first).as_secs_f64();
        let so_far = |price: Price| price.cost(Tokens::plain(sent.input, tokens));
        Some(Arriving {
            steps: self.plan.steps(),
            count: self.plan.count(),
            tokens,
            tokens_per_second: speed.is_finite().then_some(speed),
            cost: sent
                .price
                .map(so_far)
                .zip(sent.cost)
                .map(|(cost, before)| before + cost),
            elapsed: now - sent.began,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_told_of_and_not_every_token() {
        let told = Arc::<Mutex<Vec<Arriving>>>::default();
        let into = Arc::clone(&told);
        let report: Report = Arc::new(move |progress| {
            let PlanningProgress::Arriving(arriving) = progress else {
                panic!("{progress}");
            };
            into.lock().unwrap().push(arriving.clone());
        });
        let sent = Sent {
            began: Instant::now(),
            cost: Some(Money::from_usd(0.5)),
            input: 1_000_000,
            price: Price::per_million("2", None, "8").ok(),
        };
        let listener = listener(report, sent);
        listener.take(AnswerPart::Asked);
        listener.take(AnswerPart::Reasoning("four words of thought"));
        for part in ["{\"steps\": [", "{\"id\": \"a\",", " \"tool\": \"t\"}"] {
            listener.take(AnswerPart::Text(part));
        }
        for _ in 0..1_000 {
            listener.take(AnswerPart::Text(" "));
        }
        let told = told.lock().unwrap();
        assert!((2..20).contains(&told.len()), "{}", told.len());
        assert_eq!((told[0].count, told[0].tokens), (0, 6));
        let grown = told.iter().find(|arriving| arriving.count == 1).unwrap();
        assert_eq!(&*grown.steps[0].tool, "t");
        // 0.5 before, 2 for what was sent, and a little for what has come.
        let cost = grown.cost.unwrap();
        assert!(
            cost > Money::from_usd(2.5) && cost < Money::from_usd(2.51),
            "{cost}"
        );
        let words = grown.to_string();
        assert!(
            words.starts_with("1 step so far, about 14 tokens"),
            "{words}"
        );
    }
}
