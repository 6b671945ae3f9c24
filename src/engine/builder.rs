//! A run that has not begun, and how it is begun.

use super::cache::OutputCache;
use super::driver::Driver;
use super::resume_state::ResumeState;
use super::setup::{Settings, Setup};
use super::tape::Tape;
use super::{AnswerSender, EventSink, Previewer, SharedLimits};
use crate::plan::ExecutionPlan;
use crate::run::{RunCommand, RunState, StepPrice, TraceContext};
use crate::tools::Toolbox;
use crate::units::Micros;
use serde_json::{Map, Value};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// One run of one plan with one context.
pub struct Engine(Setup);

impl Engine {
    /// A run that has not begun.
    pub fn new(
        plan: Arc<ExecutionPlan>,
        context: Map<String, Value>,
        toolbox: Arc<dyn Toolbox>,
        settings: Settings,
    ) -> Self {
        let mut all = plan.context.clone();
        all.extend(context);
        Self(Setup {
            plan,
            context: Arc::new(Value::Object(all)),
            toolbox,
            settings,
            run_id: uuid::Uuid::now_v7().to_string().into(),
            sinks: Vec::new(),
            resume: None,
            tape: Tape::default(),
            so_far: None,
            cache: None,
            prices: None,
            answers: None,
            shared: None,
            trace: None,
        })
    }

    /// Uses cached outputs of earlier calls again, and caches new ones.
    #[must_use]
    pub fn with_cache(mut self, cache: impl OutputCache + 'static) -> Self {
        self.0.cache = Some(Box::new(cache));
        self
    }

    /// Has its calls draw on limits that other runs share, beside its own.
    #[must_use]
    pub fn with_shared_limits(mut self, limits: SharedLimits) -> Self {
        self.0.shared = Some(limits);
        self
    }

    /// Resumes an earlier run: what that had done is not done again.
    #[must_use]
    pub fn with_resume_state(mut self, resume: ResumeState) -> Self {
        self.0.resume = Some(Box::new(resume));
        self
    }

    /// Makes no call again that is on this tape.
    #[must_use]
    pub fn with_tape(mut self, tape: Tape) -> Self {
        self.0.tape = tape;
        self
    }

    /// Goes on with a recorded run under its own id: `run` is its state after its last event, and new events follow that.
    /// Its plan is the one of this engine. What it takes over is in the resume state.
    #[must_use]
    pub fn going_on(mut self, run: RunState) -> Self {
        if let Some(header) = &run.header {
            self.0.run_id = Arc::clone(&header.run_id);
        }
        self.0.so_far = Some(Box::new(run));
        self
    }

    /// Gives the run this id.
    #[must_use]
    pub(crate) fn with_run_id(mut self, run_id: Arc<str>) -> Self {
        self.0.run_id = run_id;
        self
    }

    /// The time of the run that has passed already, where a recorded run goes on.
    pub(crate) fn passed(&self) -> Micros {
        self.0.so_far.as_ref().map_or(Micros(0), |run| run.at)
    }

    /// One more sink that is given every event, after those before it.
    #[must_use]
    pub fn with_sink(mut self, sink: impl EventSink + 'static) -> Self {
        self.0.sinks.push(Box::new(sink));
        self
    }

    /// Tells its tools of the trace that the run is in.
    #[must_use]
    pub(crate) fn with_trace(mut self, trace: TraceContext) -> Self {
        self.0.trace = Some(trace);
        self
    }

    /// Passes the answers of models on while they arrive.
    #[must_use]
    pub(crate) fn with_answers(mut self, answers: AnswerSender) -> Self {
        self.0.answers = Some(answers);
        self
    }

    /// What the steps can cost, in the plan's order, so that readers of the run can forecast what is left.
    #[must_use]
    pub(crate) fn with_prices(mut self, prices: Vec<Option<StepPrice>>) -> Self {
        self.0.prices = Some(prices);
        self
    }

    /// Who tells what commands would do to this run.
    pub fn previewer(&self) -> Previewer {
        Previewer::new(Arc::clone(&self.0.plan), &*self.0.toolbox)
    }

    /// The run's id.
    pub fn run_id(&self) -> &Arc<str> {
        &self.0.run_id
    }

    /// Runs to the end, taking commands on the way, and returns the run's state after its last event.
    ///
    /// It ends when the run has ended and, where [`Settings::interactive`] is set, [`RunCommand::Close`] came
    /// or no sender of commands is left. `origin` is the moment that events count from.
    ///
    /// Dropping the future ends the run: its calls are cancelled and dropped, and no further one is made. What was
    /// running is then unknown to a run that resumes this one from its journal.
    ///
    /// # Runtime
    ///
    /// It needs a tokio runtime with time enabled, and one with several threads for two things: calls that use a
    /// processor run beside each other, and sinks and caches that block (a database) block nothing else, because they
    /// are called within [`block_in_place`](tokio::task::block_in_place). On a current-thread runtime everything
    /// else on it waits while a sink or a cache blocks. Within a `LocalSet` of a runtime with several threads it
    /// cannot run: tokio forbids `block_in_place` there; spawn it on the runtime instead.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub async fn run(self, origin: Instant, commands: mpsc::Receiver<RunCommand>) -> RunState {
        Driver::new(self.0, origin).run(commands).await
    }
}
