//! The tool of every step, and how often a step is tried.

use crate::plan::{ExecutionPlan, RetryPolicy, Step};
use crate::tools::{Tool, Toolbox};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Attempts at a call that may be repeated, where the plan sets no number.
const DEFAULT_ATTEMPTS: u32 = 3;
/// The bound of the first wait between them.
const DEFAULT_BACKOFF: Duration = Duration::from_millis(500);

/// The tool of every step. Each name is looked up once.
pub(super) struct StepTools {
    named: Vec<Named>,
    /// For each step its place in `named`.
    of: Vec<u32>,
    /// The tools that code has called.
    called: HashMap<Arc<str>, Arc<dyn Tool>>,
}

struct Named {
    tool: Option<Arc<dyn Tool>>,
    kind: Arc<str>,
}

impl StepTools {
    /// Looks up the tools of a plan.
    pub(super) fn new(plan: &ExecutionPlan, toolbox: &dyn Toolbox) -> Self {
        let mut places: HashMap<&str, u32> = HashMap::new();
        let mut named = Vec::new();
        let look_up = |step: &Step| {
            let tool = toolbox.tool(&step.tool);
            let kind = tool
                .as_ref()
                .map_or("unknown", |tool| tool.kind().name)
                .into();
            Named { tool, kind }
        };
        // Steps in a row often call the same tool.
        let mut last: Option<(&Arc<str>, u32)> = None;
        let of = plan.steps.iter().map(|step| match last {
            Some((tool, place)) if Arc::ptr_eq(tool, &step.tool) => place,
            _ => {
                let place = *places.entry(&step.tool).or_insert_with(|| {
                    named.push(look_up(step));
                    named.len() as u32 - 1
                });
                last = Some((&step.tool, place));
                place
            }
        });
        let of = of.collect();
        Self {
            named,
            of,
            called: HashMap::new(),
        }
    }

    /// A tool that code has called.
    pub(super) fn called(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.called.get(name)
    }

    /// Looks up a tool that code calls, where the toolbox has it.
    pub(super) fn call(
        &mut self,
        name: &Arc<str>,
        toolbox: &dyn Toolbox,
    ) -> Option<&Arc<dyn Tool>> {
        if !self.called.contains_key(name) {
            self.called.insert(Arc::clone(name), toolbox.tool(name)?);
        }
        self.called.get(name)
    }

    /// The tool of the step at this place in the plan, where the toolbox has it.
    pub(super) fn get(&self, step: usize) -> Option<&Arc<dyn Tool>> {
        self.named.get(*self.of.get(step)? as usize)?.tool.as_ref()
    }

    /// The kind of a step's tool: `model`, `http`, `process`, …
    pub(super) fn kind(&self, step: usize) -> Arc<str> {
        let place = self.of.get(step).copied().unwrap_or_default();
        let named = self.named.get(place as usize);
        named.map_or_else(|| "unknown".into(), |named| Arc::clone(&named.kind))
    }

    /// How often each step is tried, in the plan's order.
    pub(super) fn retry_policies(&self, plan: &ExecutionPlan) -> impl Iterator<Item = RetryPolicy> {
        let steps = plan.steps.iter().enumerate();
        steps.map(|(at, step)| retry_policy(step, self.get(at)))
    }
}

/// Whether the calls of a step may be made again without harm.
pub(super) fn is_repeatable(step: &Step, tool: &Arc<dyn Tool>) -> bool {
    let calls_another = tool.kind().delegates;
    let target = calls_another.then(|| tool.target(&step.parameters.source()));
    let target = target.flatten();
    target.as_ref().unwrap_or(tool).policy().repeatable
}

/// How many attempts a step has, and the backoff between them: as the plan says, else by whether its tool's calls
/// may be repeated.
pub(super) fn retry_policy(step: &Step, tool: Option<&Arc<dyn Tool>>) -> RetryPolicy {
    step.settings.retry.unwrap_or_else(|| RetryPolicy {
        attempts: match tool {
            Some(tool) if is_repeatable(step, tool) => DEFAULT_ATTEMPTS,
            _ => 1,
        },
        backoff: DEFAULT_BACKOFF,
    })
}
