//! What a run is started with.

use super::cache::{Keys, OutputCache};
use super::resume_state::ResumeState;
use super::step_tools::StepTools;
use super::tape::Tape;
use super::{AnswerSender, EventSink, SharedLimits};
use crate::plan::{ExecutionPlan, Expectation, Mode, Step};
use crate::run::{
    Answer, Answers, Breakpoint, Rates, ResourceLimits, RunHeader, RunState, StepChecks, StepInfo,
    StepPrice, TraceContext,
};
use crate::tools::Toolbox;
use crate::units::{Micros, Money};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// Steps of a plan whose parameters are in the run's first event; in a larger plan that would be most of the record.
const MAX_SHOWN: usize = 10_000;

/// How long a call may be made after it was approved, by default.
const APPROVAL_LIFETIME: Duration = Duration::from_hours(1);

/// What a run is started with, beside the plan and the tools.
#[derive(Clone, Debug)]
// Each is a choice of its own; any of them can be made beside the others.
#[allow(clippy::struct_excessive_bools)]
pub struct Settings {
    /// The limits in force.
    pub limits: ResourceLimits,
    /// Whether cost is tracked.
    pub track_cost: bool,
    /// Whether the first failure stops what is independent of it.
    pub fail_fast: bool,
    /// Whether the run begins paused.
    pub paused: bool,
    /// Whether the run waits for commands after its end, until [`RunCommand::Close`](crate::run::RunCommand::Close).
    pub interactive: bool,
    /// The worker that runs `model` tools, for the header.
    pub worker: Arc<str>,
    /// Whether outputs are simulated.
    pub simulated: bool,
    /// The seed of the jitter.
    pub seed: u64,
    /// The rates of models and of the catalog's pools.
    pub rates: Rates,
    /// Answers to questions that servers will ask in the middle of calls, by row or step; of several for one, each in its
    /// turn, and the last one from then on.
    pub question_answers: Vec<(Arc<str>, Answer)>,
    /// How long other questions wait for [`RunCommand::Answer`](crate::run::RunCommand::Answer) where the run is not
    /// interactive; without it nobody is asked.
    pub question_wait: Option<Duration>,
    /// Slow motion: steps that cost nothing, change nothing and take no time are shown as running for this long.
    pub pace: Option<Duration>,
    /// Answers to approvals, given before the run begins.
    pub answers: Answers,
    /// Breakpoints that are set before the run begins.
    pub breakpoints: Vec<Breakpoint>,
    /// The step, element or call to which the run goes: it is held before that, and calls nothing that it does not need.
    pub run_to: Option<Arc<str>>,
    /// How long a call may be made after it was approved; `None` for as long as it takes.
    pub approval_lifetime: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: ResourceLimits::default(),
            track_cost: true,
            fail_fast: false,
            paused: false,
            interactive: false,
            worker: "none".into(),
            simulated: false,
            seed: fastrand::u64(..),
            rates: Rates::default(),
            question_answers: Vec::new(),
            question_wait: None,
            pace: None,
            answers: Answers::default(),
            breakpoints: Vec::new(),
            run_to: None,
            approval_lifetime: Some(APPROVAL_LIFETIME),
        }
    }
}

/// Everything that a run begins with.
pub(super) struct Setup {
    pub plan: Arc<ExecutionPlan>,
    /// The context, an object.
    pub context: Arc<Value>,
    pub toolbox: Arc<dyn Toolbox>,
    pub settings: Settings,
    pub run_id: Arc<str>,
    pub sinks: Vec<Box<dyn EventSink>>,
    pub resume: Option<Box<ResumeState>>,
    /// Calls on record, which are not made again.
    pub tape: Tape,
    /// The run so far, where a recorded run goes on under its own id.
    pub so_far: Option<Box<RunState>>,
    pub cache: Option<Box<dyn OutputCache>>,
    pub prices: Option<Vec<Option<StepPrice>>>,
    pub answers: Option<AnswerSender>,
    /// Limits that it shares with other runs.
    pub shared: Option<SharedLimits>,
    /// What its tools are told of its trace.
    pub trace: Option<TraceContext>,
}

impl Setup {
    /// What the runs that it resumes have spent.
    pub(super) fn spent_before(&self) -> Money {
        self.resume
            .as_ref()
            .map_or(Money::ZERO, |resume| resume.spent())
    }

    /// The header that the run's first event carries.
    pub(super) fn header(&self, tools: &StepTools, keys: &mut Keys) -> RunHeader {
        let shown = self.plan.steps.len() <= MAX_SHOWN;
        let price = |at: usize| *self.prices.as_ref()?.get(at)?;
        let steps = self
            .plan
            .steps
            .iter()
            .enumerate()
            .map(|(at, step)| StepInfo {
                id: step.id.clone(),
                tool: step.tool.clone(),
                kind: tools.kind(at),
                depends_on: Arc::clone(&step.depends_on),
                description: step.settings.description.clone(),
                parent: None,
                parameters: shown.then(|| Arc::new(step.parameters.source())),
                not_reused: keys.not_reused(step, None),
                sequential: step.settings.mode == Mode::Sequential,
                price: price(at).map(Box::new),
                checks: checks(step),
            });
        RunHeader {
            run_id: self.run_id.clone(),
            plan: self.plan.name.clone(),
            dialect: self.plan.dialect,
            started_at: jiff::Timestamp::now().to_string().into(),
            worker: self.settings.worker.clone(),
            simulated: self.settings.simulated,
            track_cost: self.settings.track_cost,
            limits: self.settings.limits.clone(),
            rates: self.settings.rates.clone(),
            priced: self.prices.is_some(),
            context: Arc::clone(&self.context),
            steps: steps.collect(),
            forked_from: self
                .resume
                .as_ref()
                .and_then(|resume| resume.forked_from().cloned()),
            spent_before: self.spent_before(),
            pace: self
                .settings
                .pace
                .map(Micros::from)
                .filter(|pace| pace.0 > 0),
        }
    }
}

/// What the plan asks about the calls of a step, for readers.
fn checks(step: &Step) -> Option<Box<StepChecks>> {
    let asks = !step.expect.is_empty() || step.approve.is_some();
    asks.then(|| {
        Box::new(StepChecks {
            expect: step.expect.iter().map(Expectation::words).collect(),
            approve: step.approve.as_ref().map(|it| Arc::clone(&it.source)),
        })
    })
}
