//! Forks that test sets of differences: they pay only for calls that nobody has made before.

use super::configuration::Configuration;
use super::minimize::{Set, Tester, Verdict};
use super::{Bisect, Tested, TestedAs};
use crate::engine::{Tape, step_behind};
use crate::run::{ResourceLimits, RunState, StepSource, StepState, StepStatus, wilson};
use crate::session::Consent;
use crate::session::error::SessionError;
use crate::session::options::JournalSettings;
use crate::session::resume::PriorRun;
use crate::session::settings::Settings;
use crate::tools::NO_EFFECTS;
use crate::units::Money;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// From how many equal outcomes on the interval of their share lies above a half.
const ENOUGH: u32 = 4;

/// Why no more sets are tested.
#[derive(Debug)]
pub(super) enum Stopped {
    /// A limit was reached.
    Limit,
    /// Something failed that is no outcome.
    Failed(SessionError),
}

impl<E: Into<SessionError>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// What came of one fork.
enum End {
    /// What was seen of it, and whether another fork of the same set may show something else.
    Seen(TestedAs, bool),
    /// With these differences the plan cannot run.
    Invalid(String),
    /// It would have made calls that may change something: of these steps.
    Effects(Vec<Arc<str>>),
}

/// A fork that was made.
struct Made {
    configuration: Configuration,
    trial: u32,
    state: RunState,
}

/// Makes the forks.
pub(super) struct Forks<'b> {
    pub bisect: &'b Bisect,
    pub settings: &'b Settings,
    pub limits: ResourceLimits,
    pub consent: Consent,
    pub on_test: &'b mut (dyn FnMut(&Tested) + Send),
    made: Vec<Made>,
    pub tests: Vec<Tested>,
    /// What the forks cost; `None` where that is not known.
    pub cost: Option<Money>,
}

impl<'b> Forks<'b> {
    pub(super) fn new(
        bisect: &'b Bisect,
        settings: &'b Settings,
        limits: ResourceLimits,
        consent: Consent,
        on_test: &'b mut (dyn FnMut(&Tested) + Send),
    ) -> Self {
        Self {
            bisect,
            settings,
            limits,
            consent,
            on_test,
            made: Vec::new(),
            tests: Vec::new(),
            cost: Some(Money::ZERO),
        }
    }

    /// How many forks were made.
    pub(super) fn count(&self) -> usize {
        self.made.len()
    }

    /// The good run with these differences, as often as it takes to say what comes of it.
    pub(super) async fn tested(&mut self, set: &Set) -> Result<Verdict, Stopped> {
        let configuration = Configuration::of(self.bisect, set);
        let mut counts: BTreeMap<TestedAs, u32> = BTreeMap::new();
        let n = self.bisect.repeats.max(1);
        let mut ended = None;
        for trial in 0..n {
            match self.fork(&configuration, trial).await? {
                End::Seen(what, may_differ) => {
                    *counts.entry(what).or_default() += 1;
                    if !may_differ {
                        ended = Some(what);
                        break;
                    }
                }
                End::Invalid(why) => {
                    return Ok(self.note(set, TestedAs::Invalid, (0, 0), Some(why)));
                }
                End::Effects(steps) => {
                    let steps: Vec<&str> = steps.iter().map(|step| &**step).collect();
                    let why = format!(
                        "a call of step {} may change something and is not on record",
                        steps.join(", ")
                    );
                    return Ok(self.note(set, TestedAs::Effects, (0, 0), Some(why)));
                }
            }
            if let Some(what) = decided(&counts, n) {
                ended = Some(what);
                break;
            }
        }
        let all: u32 = counts.values().sum();
        let what = ended.unwrap_or(TestedAs::Undecided);
        let most = match ended {
            Some(what) => counts.get(&what).copied().unwrap_or_default(),
            None => counts.get(&TestedAs::Bad).copied().unwrap_or_default(),
        };
        Ok(self.note(set, what, (most, all), None))
    }

    fn note(
        &mut self,
        set: &Set,
        what: TestedAs,
        (count, of): (u32, u32),
        why: Option<String>,
    ) -> Verdict {
        let tested = Tested {
            set: set.clone(),
            what,
            count,
            of,
            why,
        };
        (self.on_test)(&tested);
        self.tests.push(tested);
        match what {
            TestedAs::Good => Verdict::Good,
            TestedAs::Bad => Verdict::Bad,
            _ => Verdict::Unresolved,
        }
    }

    async fn fork(&mut self, configuration: &Configuration, trial: u32) -> Result<End, Stopped> {
        let bisect = self.bisect;
        let loaded = match configuration.load(bisect, self.settings).await {
            Ok(loaded) => loaded,
            Err(SessionError::Faults(faults)) => {
                let first = faults.iter().flat_map(|fault| &fault.diagnostics).next();
                let why = first.map_or_else(String::new, |fault| fault.message.clone());
                return Ok(End::Invalid(why));
            }
            Err(error) => return Err(error.into()),
        };
        let tape = self.tape(configuration, trial);
        let prior = PriorRun::taped(&bisect.good.run_id, tape, configuration.edits())?;
        let mut limits = self.limits.clone();
        if let (Some(limit), Some(spent)) = (&mut limits.max_total_cost_usd, self.cost) {
            *limit = if *limit > spent {
                *limit - spent
            } else {
                Money::ZERO
            };
        }
        let prepared = loaded
            .into_execution(self.consent)
            .limits(limits)
            .rates(self.settings.rates.clone())
            .journal(JournalSettings::default())
            .resume(prior)
            .prepare()?;
        let (state, _) = prepared.run().await;
        self.cost = self
            .cost
            .filter(|_| !state.unpriced)
            .map(|cost| cost + state.spent);
        if !state.exceeded.is_empty() {
            return Err(Stopped::Limit);
        }
        let end = self.end(configuration, &state);
        self.made.push(Made {
            configuration: configuration.clone(),
            trial,
            state,
        });
        Ok(end)
    }

    fn end(&self, configuration: &Configuration, state: &RunState) -> End {
        let bisect = self.bisect;
        let refused = state.steps.iter().filter(|row| is_refused(row));
        let refused: BTreeSet<&str> = refused.map(|row| &*row.info.id).collect();
        if bisect.target.depends_on(state, &refused) {
            let steps = refused.into_iter().map(Arc::from);
            return End::Effects(steps.collect());
        }
        let seen = bisect.target.of(state);
        let what = if seen == bisect.seen_good {
            TestedAs::Good
        } else if seen == bisect.seen_bad {
            TestedAs::Bad
        } else {
            TestedAs::Other
        };
        let may_differ = state.steps.iter().any(|row| {
            let step = step_behind(state, row);
            was_called(row) && bisect.is_flaky(&configuration.document, &step.info.id)
        });
        End::Seen(what, may_differ)
    }

    /// The calls that need not be made again: of both runs, and of the forks so far. Another trial of a set asks flaky steps
    /// again, once for all sets.
    fn tape(&self, configuration: &Configuration, trial: u32) -> Tape {
        let bisect = self.bisect;
        let called = &bisect.called;
        let now = &configuration.document;
        let mut tape = Tape::default();
        let is_same = |then: &super::side::Document, row: &StepState, step: &StepState| {
            if row.caller.is_some() {
                let tool = &row.info.tool;
                return then.tool_call(tool) == now.tool_call(tool);
            }
            then.call_of(&step.info.id, called) == now.call_of(&step.info.id, called)
        };
        let (good, bad) = (&bisect.good, &bisect.bad);
        // Which answer of a call that both have made is part of the set.
        let is_bad = |step: &StepState| configuration.has_bad_answer(&step.info.id);
        tape.add(&good.state, &|row, step| {
            !is_bad(step) && is_same(&good.document, row, step)
        });
        tape.add(&bad.state, &|row, step| is_same(&bad.document, row, step));
        tape.add(&good.state, &|row, step| {
            is_bad(step) && is_same(&good.document, row, step)
        });
        for made in &self.made {
            let document = &made.configuration.document;
            tape.add(&made.state, &|row, step| {
                let again = made.trial != trial && bisect.is_flaky(document, &step.info.id);
                was_called(row) && !is_refused(row) && !again && is_same(document, row, step)
            });
        }
        tape
    }
}

impl Tester for Forks<'_> {
    type Error = Stopped;

    async fn test(&mut self, set: &Set) -> Result<Verdict, Stopped> {
        self.tested(set).await
    }
}

/// Whether a fork made the call of a row itself.
fn was_called(row: &StepState) -> bool {
    let has_output = row.source == Some(StepSource::Call);
    has_output || row.status == StepStatus::Failed && !row.attempts.is_empty()
}

/// Whether a call was not made because it may change something.
fn is_refused(row: &StepState) -> bool {
    let error = row.error.as_ref();
    error.is_some_and(|error| error.message.starts_with(NO_EFFECTS))
}

/// What most forks of a set came to, where that is certain enough after `n` at most.
fn decided(counts: &BTreeMap<TestedAs, u32>, n: u32) -> Option<TestedAs> {
    let all: u32 = counts.values().sum();
    let (what, most) = counts.iter().max_by_key(|(_, count)| **count)?;
    let is_certain = wilson(*most as usize, all as usize)[0] > 0.5;
    // Of few forks nothing is certain: then all of them have to agree.
    let agree = n < ENOUGH && all == n && *most == all;
    (is_certain || agree).then_some(*what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(good: u32, bad: u32, n: u32) -> Option<TestedAs> {
        let mut counts = BTreeMap::from([(TestedAs::Good, good), (TestedAs::Bad, bad)]);
        counts.retain(|_, count| *count > 0);
        decided(&counts, n)
    }

    #[test]
    fn a_majority_counts_where_its_interval_lies_above_a_half() {
        assert_eq!(of(0, 3, 5), None);
        assert_eq!(of(0, 4, 5), Some(TestedAs::Bad));
        assert_eq!(of(4, 1, 5), None, "38 % to 96 %");
        assert_eq!(of(9, 1, 10), Some(TestedAs::Good));
        assert_eq!(of(5, 5, 10), None);
        // Whoever wants less gets it.
        assert_eq!(
            (of(1, 0, 1), of(2, 0, 2), of(1, 1, 2)),
            (Some(TestedAs::Good), Some(TestedAs::Good), None)
        );
    }
}
