//! Why a setting of a run cannot be changed to a value.

use super::{RunSetting, RunState};
use crate::units::{Micros, Money};

impl RunSetting {
    /// Why `run` cannot take this setting at `now`, and what can be done instead; `None` where it can.
    pub fn refusal(&self, run: &RunState, now: Micros) -> Option<String> {
        let header = run.header.as_deref()?;
        match self {
            Self::MaxConcurrent { value: Some(0) } => {
                Some("at least 1 slot is needed: pause holds what has not started".to_owned())
            }
            Self::MaxTotalCostUsd { .. } if !header.track_cost => {
                Some("the run does not track cost: start it without --no-track-cost".to_owned())
            }
            Self::MaxTotalCostUsd { value: Some(limit) } if *limit < Money::ZERO => {
                Some("a budget is at least 0".to_owned())
            }
            // With a limit from the beginning every price is known.
            Self::MaxTotalCostUsd { value: Some(_) } if run.limits.max_total_cost_usd.is_none() => {
                let mut steps = header.steps.iter();
                let unpriced = steps.find(|step| {
                    let price = step.price.as_deref();
                    price.is_some_and(|price| price.expected.is_none())
                });
                unpriced.map(|step| {
                    format!(
                        "what step {} costs is not known, so no budget can be kept: give its model a price in the settings \
                         and start again",
                        step.id
                    )
                })
            }
            Self::TimeoutSeconds {
                value: Some(seconds),
            } => {
                let used = run.wall(now).seconds();
                let ends_now = !seconds.is_finite() || *seconds <= used;
                ends_now.then(|| {
                    format!("the run has taken {used:.1} s already: give it more, or stop it")
                })
            }
            _ => None,
        }
    }
}
