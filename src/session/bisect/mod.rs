//! The smallest set of differences between two recorded runs that turns the result of one into that of the other.
//!
//! Each set is a fork of the good run with some of the differences. What was called alike in either run, or in a fork before,
//! comes from the record; calls that may change something are never made.

mod configuration;
mod differences;
mod forks;
mod minimize;
mod side;
mod target;

pub(crate) use differences::{Difference, Kind};
pub(crate) use minimize::Set;

use super::Consent;
use super::error::SessionError;
use super::options::SourceOptions;
use super::settings::Settings;
use super::trust::{Judgement, TrustRequest, TrustedOnce};
use crate::engine::{step_behind, step_prices};
use crate::plan::FINAL_SYNTHESIS;
use crate::run::{Forecast, NotReused, ResourceLimits};
use crate::tools::Toolbox;
use crate::units::{ModelOptions, Money};
use configuration::Scripts;
use forks::{Forks, Stopped};
use minimize::minimize;
use serde::Serialize;
use serde_json::Value;
use side::{Called, Document, Side};
use std::collections::BTreeSet;
use std::sync::Arc;
use target::Target;

/// What is looked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Question {
    /// The step whose outcome decides; `None` for the result of the run.
    pub step: Option<String>,
    /// Whether the output meets this expression decides; else the output itself.
    pub expect: Option<String>,
    /// The most forks of one set where a step is flaky.
    pub repeats: u32,
}

/// Two runs and in what they differ.
pub(crate) struct Bisect {
    good: Side,
    bad: Side,
    /// All differences, in the order of the plans.
    pub differences: Vec<Difference>,
    target: Target,
    seen_good: Value,
    seen_bad: Value,
    called: Called,
    repeats: u32,
    /// Steps of which the same call gives more than one answer.
    flaky: BTreeSet<String>,
    source: SourceOptions,
    scripts: Scripts,
}

/// What finding the cause can cost.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct BisectPrice {
    /// Forks that are to be expected.
    pub forks: usize,
    /// The most forks.
    pub max_forks: usize,
    /// What they cost.
    pub cost: Forecast,
}

/// What came of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TestedAs {
    /// The outcome of the good run.
    Good,
    /// The outcome of the bad run.
    Bad,
    /// Another outcome.
    Other,
    /// The differences do not go together.
    Invalid,
    /// It takes a call that may change something.
    Effects,
    /// The forks did not agree.
    Undecided,
}

/// A set that was tested.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tested {
    /// The places of its differences.
    pub set: Set,
    /// What came of it.
    pub what: TestedAs,
    /// How many forks came to that; of an undecided set, how many were bad.
    pub count: u32,
    /// How many forks there were; 0 where none could be made.
    pub of: u32,
    /// Why none could be made.
    pub why: Option<String>,
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Cause {
    /// The places of the differences that turn good into bad; `None` where testing was stopped.
    pub set: Option<Set>,
    /// Whether no smaller set does.
    pub is_smallest: bool,
    /// Every set that was tested.
    pub tests: Vec<Tested>,
    /// How many forks that took.
    pub forks: usize,
    /// What they cost; `None` where a model has no price.
    pub cost: Option<Money>,
    /// Whether a limit ended it.
    pub limited: bool,
}

impl Bisect {
    /// Two recorded runs of which one is good and one is bad. What `source` gives replaces what both had.
    ///
    /// # Errors
    /// Where a run cannot be read, what is asked is the same in both, or nothing differs between them.
    pub(crate) async fn of(
        [good, bad]: [&str; 2],
        question: &Question,
        source: SourceOptions,
        settings: &Settings,
    ) -> Result<Self, SessionError> {
        let good = Side::load(good, source.clone(), settings).await?;
        let bad = Side::load(bad, source.clone(), settings).await?;
        let refused = |why: String| Err(SessionError::NoBisect(why));
        if let Some(step) = &question.step {
            for side in [&good, &bad] {
                let ids = || side.state.steps.iter().map(|row| &*row.info.id);
                if !ids().any(|id| id == step) {
                    return Err(SessionError::no_such_step(step, ids()));
                }
            }
        }
        let target = Target::new(question.step.as_deref(), question.expect.as_deref())?;
        let (seen_good, seen_bad) = (target.of(&good.state), target.of(&bad.state));
        if seen_good == seen_bad {
            let what = match (&question.expect, &question.step) {
                (Some(expect), _) => format!("`{expect}` holds in both runs or in neither"),
                (None, Some(step)) => format!("step {step} came to the same in both runs"),
                (None, None) => {
                    "both runs came to the same result: name a step with --step".to_owned()
                }
            };
            return refused(what);
        }
        let called = Called::of([&good.state, &bad.state]);
        let differences = differences::between(&good, &bad, &called);
        if differences.is_empty() {
            return refused("nothing that is on record differs between the runs".to_owned());
        }
        let mut flaky: BTreeSet<String> = BTreeSet::new();
        for one in differences.iter().filter(|one| one.kind == Kind::Answer) {
            flaky.extend(one.path.last().cloned());
        }
        for side in [&good, &bad] {
            flaky.extend(with_temperature(side));
        }
        let scripts =
            Scripts::new().map_err(|error| SessionError::file("a temporary folder", error))?;
        Ok(Self {
            target,
            seen_good,
            seen_bad,
            called,
            repeats: question.repeats,
            flaky,
            differences,
            source: SourceOptions {
                base_url: source
                    .base_url
                    .or_else(|| good.loaded.options.base_url.clone()),
                base_url_of: source
                    .base_url_of
                    .or_else(|| good.loaded.options.base_url_of.clone()),
                ..source
            },
            good,
            bad,
            scripts,
        })
    }

    /// The ids of both runs.
    pub(crate) fn runs(&self) -> [&Arc<str>; 2] {
        [&self.good.run_id, &self.bad.run_id]
    }

    /// What was seen of the runs: what is compared.
    pub(crate) fn seen(&self) -> [&Value; 2] {
        [&self.seen_good, &self.seen_bad]
    }

    /// What of the runs is not on record.
    pub(crate) fn notes(&self) -> Vec<super::note::Note> {
        let sides = [&self.good, &self.bad].into_iter();
        sides
            .filter_map(|side| side.loaded.tools_as_they_are())
            .collect()
    }

    /// Consent to run both plans.
    ///
    /// # Errors
    /// Where one is not trusted.
    pub(crate) fn consent(&self) -> Result<Result<Consent, Box<TrustRequest>>, SessionError> {
        let once = TrustedOnce::default();
        Ok(match self.good.loaded.judge(&once)? {
            Judgement::Asks(request) => Err(request),
            Judgement::Trusted(_) => self.bad.loaded.judge(&once)?.or_refused(),
        })
    }

    /// Whether the same call of a step may give another answer each time.
    fn is_flaky(&self, document: &Document, step: &str) -> bool {
        self.flaky.contains(step)
            && (document.asks_model(step, &self.called) || self.has_two_answers(step))
    }

    fn has_two_answers(&self, step: &str) -> bool {
        let mut answers = self
            .differences
            .iter()
            .filter(|one| one.kind == Kind::Answer);
        answers.any(|one| one.path.last().is_some_and(|of| of == step))
    }

    /// What finding the cause can cost. Steps that neither differ nor depend on what does cost nothing.
    pub(crate) fn price(&self, limits: &ResourceLimits) -> BisectPrice {
        let (forks, max_forks) = minimize::forks(self.differences.len());
        let per_fork = self.per_fork();
        let repeats = if self.flaky.is_empty() {
            1
        } else {
            self.repeats.max(1)
        };
        let times = |cost: Money, n: usize| {
            (0..64)
                .fold((Money::ZERO, cost, n), |(sum, cost, n), _| {
                    (
                        if n & 1 == 1 { sum + cost } else { sum },
                        cost + cost,
                        n >> 1,
                    )
                })
                .0
        };
        let max = per_fork
            .max
            .map(|max| times(max, max_forks.saturating_mul(repeats as usize).min(1 << 20)));
        let limit = limits.max_total_cost_usd;
        let max = match (max, limit) {
            (Some(max), Some(limit)) => Some(max.min(limit)),
            (max, limit) => max.or(limit),
        };
        let expected = per_fork.expected.map(|cost| times(cost, forks));
        BisectPrice {
            forks,
            max_forks: max_forks.saturating_mul(repeats as usize),
            cost: Forecast {
                min: Money::ZERO,
                expected: expected.map(|cost| max.map_or(cost, |max| cost.min(max))),
                max: if max_forks == 0 {
                    Some(Money::ZERO)
                } else {
                    max
                },
            },
        }
    }

    /// What one fork costs that calls everything that differs and all that depends on it.
    fn per_fork(&self) -> Forecast {
        let mut highest = Forecast::ZERO;
        for side in [&self.good, &self.bad] {
            let plan = &side.loaded.plan;
            let prices = step_prices(plan, &side.loaded.context, &side.loaded.toolbox);
            let is_touched = self.touched(side);
            let touched = prices.iter().zip(&is_touched).filter(|(_, is)| **is);
            let forecast = Forecast::of(touched.map(|(price, _)| price.as_ref()));
            let recorded = side.state.steps.iter().filter(|row| {
                let step = step_behind(&side.state, row);
                let at = plan.steps.iter().position(|one| one.id == step.info.id);
                at.is_some_and(|at| is_touched[at])
            });
            let mut recorded = recorded.filter(|row| !row.is_expanded());
            let recorded = recorded.try_fold(Money::ZERO, |sum, row| {
                Some(
                    sum + row
                        .cost
                        .unwrap_or_default()
                        .max(row.reused.as_ref().map_or(Money::ZERO, |reuse| reuse.cost)),
                )
            });
            let expected = recorded
                .filter(|_| !forecast.is_free())
                .or(forecast.expected);
            highest = Forecast {
                min: Money::ZERO,
                expected: highest.expected.max(expected),
                max: match (highest.max, forecast.max) {
                    (Some(a), Some(b)) => Some(a.max(b)),
                    _ => None,
                },
            };
        }
        highest
    }

    /// The steps of a plan that differ or depend on one that does.
    fn touched(&self, side: &Side) -> Vec<bool> {
        let steps = &side.loaded.plan.steps;
        let differ = |step: &str| {
            self.good.document.0["steps"][step] != self.bad.document.0["steps"][step]
                || self.good.document.call_of(step, &self.called)
                    != self.bad.document.call_of(step, &self.called)
                || self
                    .differences
                    .iter()
                    .any(|one| match one.path.first().map(String::as_str) {
                        Some("context") => true,
                        Some("final_synthesis") => step == FINAL_SYNTHESIS,
                        Some("answers") => one.path.last().is_some_and(|of| of == step),
                        Some("edits") => one
                            .path
                            .get(1)
                            .is_some_and(|row| row.split('[').next() == Some(step)),
                        _ => false,
                    })
        };
        let mut touched: Vec<bool> = steps.iter().map(|step| differ(&step.id)).collect();
        for _ in 0..steps.len() {
            let mut more = false;
            for (at, step) in steps.iter().enumerate() {
                let below = step
                    .depends_on
                    .iter()
                    .any(|ix| touched.get(ix.at()) == Some(&true));
                more |= below && !touched[at];
                touched[at] |= below;
            }
            if !more {
                break;
            }
        }
        touched
    }

    /// Finds the cause. `on_test` hears of every set that was tested.
    ///
    /// # Errors
    /// Where a fork cannot be made at all, or the good run does not come out again from its own record.
    pub(crate) async fn run(
        &self,
        settings: &Settings,
        limits: ResourceLimits,
        consent: Consent,
        on_test: &mut (dyn FnMut(&Tested) + Send),
    ) -> Result<Cause, SessionError> {
        let mut forks = Forks::new(self, settings, limits, consent, on_test);
        let found = async {
            // Both are taken from the record as a whole. What does not come out again cannot be compared.
            let all: Set = (0..self.differences.len()).collect();
            for (set, wanted, run) in [
                (Set::new(), minimize::Verdict::Good, &self.good.run_id),
                (all, minimize::Verdict::Bad, &self.bad.run_id),
            ] {
                if forks.tested(&set).await? != wanted {
                    let why = forks.tests.last().and_then(|test| test.why.clone());
                    let why = why.map_or_else(String::new, |why| format!(": {why}"));
                    return Err(Stopped::Failed(SessionError::NoBisect(format!(
                        "run {run} does not come out the same from its record, so its differences cannot be tested{why}"
                    ))));
                }
            }
            minimize(self.differences.len(), &mut forks).await
        };
        let found = found.await;
        let (set, is_smallest, limited) = match found {
            Ok(found) => (Some(found.set), found.is_smallest, false),
            Err(Stopped::Limit) => (None, false, true),
            Err(Stopped::Failed(error)) => return Err(error),
        };
        Ok(Cause {
            set,
            is_smallest,
            forks: forks.count(),
            cost: forks.cost,
            tests: forks.tests,
            limited,
        })
    }
}

/// The steps of a run that ask a model at a temperature at which answers differ.
fn with_temperature(side: &Side) -> Vec<String> {
    let plan = &side.loaded.plan;
    let toolbox = &side.loaded.toolbox;
    let steps = plan.steps.iter().filter(|step| {
        let fingerprint = toolbox.fingerprint(
            &step.tool,
            step.settings.model.as_deref(),
            ModelOptions::default(),
        );
        fingerprint.is_some_and(|found| found.not_reused == Some(NotReused::Temperature))
    });
    steps.map(|step| step.id.to_string()).collect()
}
