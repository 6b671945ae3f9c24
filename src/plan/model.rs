//! The plan after reading and checking.

use super::diagnostic::Diagnostic;
use super::expectation::Expectation;
use super::expression::Expression;
use super::ids::StepIx;
use super::template::Template;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// The tool that calls another by name.
pub(crate) const FUNCTION_CALL: &str = "function_call";

/// The id of the last step that a plan with a `final_synthesis` gets.
pub const FINAL_SYNTHESIS: &str = "final_synthesis";

/// How a plan was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// ToolWeaver's documented plan: `steps[].parameters`.
    Documented,
    /// ToolWeaver's runtime plan: `request_id`, `steps[].input`, `final_synthesis`.
    Runtime,
    /// ToolWeaver's workflow template: `steps[].step_id`, `tool_name`.
    Template,
    /// LLMCompiler's numbered lines.
    LlmCompiler,
    /// HuggingGPT's task list.
    HuggingGpt,
    /// ReWOO's `Plan:` and `#E1 =` lines.
    ReWoo,
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Documented => "ToolWeaver plan",
            Self::Runtime => "ToolWeaver runtime plan",
            Self::Template => "ToolWeaver workflow template",
            Self::LlmCompiler => "LLMCompiler text",
            Self::HuggingGpt => "HuggingGPT task list",
            Self::ReWoo => "ReWOO text",
        })
    }
}

/// Which ends of a step's dependencies let it start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Every dependency succeeded.
    #[default]
    AllSuccess,
    /// Every dependency ended, whatever way.
    AllDone,
    /// At least one dependency succeeded; the step does not wait for the rest.
    OneSuccess,
    /// Every dependency ended and none failed, was cancelled, or was skipped because of a failure above it.
    NoneFailed,
}

/// Whether a step may overlap others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It may.
    #[default]
    Parallel,
    /// It runs alone: no other step is running meanwhile.
    Sequential,
}

/// How often a step is attempted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Attempts in all, the first included; at least 1.
    pub attempts: u32,
    /// The maximum of the first wait; each further maximum is twice as long. The wait itself is random, uniform from 0
    /// to the maximum.
    pub backoff: Duration,
}

/// The settings of a step, the same before and after checking.
#[derive(Clone, Debug, Default)]
pub struct StepSettings {
    /// Which ends of its dependencies let it start.
    pub trigger: Trigger,
    /// Whether it may overlap others.
    pub mode: Mode,
    /// The time limit of one attempt.
    pub timeout: Option<Duration>,
    /// The retries; `None` leaves them to the kind of tool.
    pub retry: Option<RetryPolicy>,
    /// Whether its output may be reused; `None` leaves that to the tool.
    pub cache: Option<bool>,
    /// The model that performs it, in place of the worker's.
    pub model: Option<Arc<str>>,
    /// The plan's own idempotency key.
    pub idempotency_key: Option<Arc<str>>,
    /// Its purpose, in the planner's words.
    pub description: Option<Arc<str>>,
    /// Fields that this program does not know, kept to be shown.
    pub extra: Map<String, Value>,
}

impl StepSettings {
    /// The settings of a step without any, one shared value since plans have many such steps.
    pub(crate) fn unset() -> Arc<Self> {
        static UNSET: LazyLock<Arc<StepSettings>> = LazyLock::new(Arc::default);
        Arc::clone(&UNSET)
    }
}

/// One node of a plan: a tool, its parameters, and what it waits for.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its id, as text (`1` in the file becomes `"1"`).
    pub id: Arc<str>,
    /// The tool's name, as the catalog has it.
    pub tool: Arc<str>,
    /// The parameters, references parsed.
    pub parameters: Template,
    /// What it waits for: `depends_on` and what its references name, without repetition, ascending. The record of a run
    /// shares it.
    pub depends_on: Arc<[StepIx]>,
    /// Runs only where this is true.
    pub run_if: Option<Box<Expression>>,
    /// Runs once for each element of this list.
    pub for_each: Option<Box<Template>>,
    /// What its output has to be like; a step whose output is not fails.
    pub expect: Box<[Expectation]>,
    /// Where this is true of its resolved call, that is made only when it is approved.
    pub approve: Option<Box<Expression>>,
    /// The settings; steps without any share one value.
    pub settings: Arc<StepSettings>,
    /// Where the step stands in the source, in bytes.
    pub span: Option<Range<usize>>,
}

impl Step {
    /// A step that calls `tool` with `parameters` and waits for nothing.
    pub fn new(id: impl Into<Arc<str>>, tool: impl Into<Arc<str>>, parameters: Template) -> Self {
        Self {
            id: id.into(),
            tool: tool.into(),
            parameters,
            depends_on: Arc::default(),
            run_if: None,
            for_each: None,
            expect: Box::default(),
            approve: None,
            settings: StepSettings::unset(),
            span: None,
        }
    }

    /// The settings of this step, no longer shared with other steps.
    #[cfg(test)]
    pub(crate) fn settings_mut(&mut self) -> &mut StepSettings {
        Arc::make_mut(&mut self.settings)
    }
}

/// A plan that was read and checked: ids are unique, dependencies exist, and there is no cycle.
#[derive(Clone, Debug)]
pub struct ExecutionPlan {
    /// What people call it: the plan's own name, else its `request_id`, else the file's stem.
    pub name: Arc<str>,
    /// How it was written.
    pub dialect: Dialect,
    /// The steps in the plan's order; a `final_synthesis` is the last.
    pub steps: Arc<[Step]>,
    /// The names of the context values that its references ask for, in order of first use.
    pub context_names: Vec<Arc<str>>,
    /// Context values that the plan itself brings (`context` or `variables`); what a caller gives comes first.
    pub context: Map<String, Value>,
    /// The catalog inside the plan (`tools`, `mcpServers`), as it stands there.
    pub catalog: Option<Value>,
    /// What was odd or was repaired, without keeping the plan from running.
    pub warnings: Vec<Diagnostic>,
}

impl ExecutionPlan {
    /// The position of the step with this id.
    pub fn find(&self, id: &str) -> Option<StepIx> {
        self.steps
            .iter()
            .position(|step| &*step.id == id)
            .map(|at| StepIx(at as u32))
    }

    /// The step at this position, where the plan has it.
    pub fn step(&self, ix: StepIx) -> Option<&Step> {
        self.steps.get(ix.at())
    }
}
