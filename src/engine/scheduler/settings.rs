//! Settings that change while the run goes on.
//!
//! What is running is left alone: with fewer slots, a smaller budget or a lower rate nothing starts until it fits.

use super::{Phase, Scheduler, Stage, Turn};
use crate::run::{EventKind, Rates, RunSetting};
use crate::units::{Micros, Money};

impl Scheduler {
    /// The rates in force.
    pub(crate) fn rates(&self) -> &Rates {
        &self.rules.rates
    }

    /// Changes a setting, where that is possible and changes anything.
    pub(super) fn set(&mut self, setting: RunSetting, turn: &mut Turn<'_>) {
        let (mut limits, mut rates) = (self.rules.limits.clone(), self.rules.rates.clone());
        setting.apply(&mut limits, &mut rates);
        let changes = limits != self.rules.limits || rates != self.rules.rates;
        if !changes || !self.accepts(&setting, turn.now) {
            return;
        }
        match &setting {
            RunSetting::MaxConcurrent { value } => self.resources.slots.set_max(*value),
            RunSetting::MaxTotalCostUsd { value } => self.resources.budget.set_limit(*value),
            RunSetting::MaxToolCalls { value } => {
                self.resources.set_max_calls(*value);
                if !self.resources.is_out_of_calls() {
                    self.queue_out_of_calls();
                }
            }
            RunSetting::TimeoutSeconds { value } => self.clock.set_timeout(*value),
            RunSetting::Rate { name, rate } => {
                self.resources.rates.set(name, rate.unwrap_or_default());
            }
        }
        (self.rules.limits, self.rules.rates) = (limits, rates);
        turn.emit(EventKind::SettingChanged { setting });
    }

    /// Whether a value can be kept from now on.
    fn accepts(&self, setting: &RunSetting, now: Micros) -> bool {
        if self.outcome.phase == Phase::New {
            return false;
        }
        match setting {
            RunSetting::MaxConcurrent { value } => *value != Some(0),
            RunSetting::MaxTotalCostUsd { value } => {
                self.rules.track_cost && value.is_none_or(|limit| limit >= Money::ZERO)
            }
            RunSetting::TimeoutSeconds { value } => {
                value.is_none_or(|seconds| seconds.is_finite() && self.clock.lasts(now, seconds))
            }
            RunSetting::MaxToolCalls { .. } | RunSetting::Rate { .. } => true,
        }
    }

    fn queue_out_of_calls(&mut self) {
        for row in self.waiting.take_out_of_calls() {
            if self.rows[row].stage == Stage::OutOfCalls {
                self.leave(row);
                self.queue(row);
            }
        }
    }
}
