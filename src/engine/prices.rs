//! What the steps of a plan can cost, before any of them runs.
//!
//! The input of a call is known as far as it does not depend on other steps. What it takes from their outputs is
//! counted in tokens: by the longest answer of the model where a model makes them, else as unknown, which
//! the model's window bounds.

use super::step_tools::retry_policy;
use crate::plan::{ExecutionPlan, RetryPolicy, Root, Scope, Step, StepInput, StepIx, Trigger};
use crate::run::StepPrice;
use crate::tools::{Estimate, Tool, Toolbox, Unseen};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// Tokens that an output of which nothing is known is expected to have.
const EXPECTED_TOKENS: u64 = 250;
/// Tokens that one token of an answer can become in another model's input: it may be escaped, and split differently.
const PER_ANSWER_TOKEN: u64 = 2;

/// The price of every step, in the plan's order; `None` where its calls cost nothing. `context` is what the caller
/// gives; values that are missing count as unknown.
pub(crate) fn step_prices(
    plan: &ExecutionPlan,
    context: &Map<String, Value>,
    toolbox: &dyn Toolbox,
) -> Vec<Option<StepPrice>> {
    let scope = ContextScope { plan, context };
    let tools = tools(plan, toolbox);
    let calls = calls_that_cost(plan, toolbox);
    if tools.iter().all(Option::is_none) && !calls.contains(&true) {
        return vec![None; plan.steps.len()];
    }
    let sure = sure(plan);
    let steps = plan.steps.iter().zip(&tools).enumerate();
    steps
        .map(|(at, (step, tool))| {
            let has_calls = calls[at];
            if tool.is_none() && !has_calls {
                return None;
            }
            let (mut estimate, times) = scope.estimate(step, tool.as_deref(), &tools);
            let is_free = estimate == Estimate::FREE && !has_calls;
            if has_calls {
                // How many of them there are is known once its code runs.
                (estimate.expected, estimate.max) = (None, None);
            }
            let price = StepPrice {
                min: estimate.min,
                expected: estimate.expected,
                max: estimate.max,
                attempts: retry_policy(step, tool.as_ref()).attempts,
                times,
                sure: sure[at],
            };
            (!is_free).then_some(price)
        })
        .collect()
}

/// What a call that code makes can cost; `None` where that is nothing.
pub(super) fn price_of_call(
    tool: &dyn Tool,
    input: &StepInput,
    retry: RetryPolicy,
) -> Option<StepPrice> {
    tool.pricing()?;
    let estimate = tool.estimate(&input.to_value(), None, Unseen::NONE);
    (estimate != Estimate::FREE).then_some(StepPrice {
        min: estimate.min,
        expected: estimate.expected,
        max: estimate.max,
        attempts: retry.attempts,
        times: Some(1),
        sure: true,
    })
}

/// The tool of every step that can cost something.
fn tools(plan: &ExecutionPlan, toolbox: &dyn Toolbox) -> Vec<Option<Arc<dyn Tool>>> {
    let mut known: HashMap<&str, Option<Arc<dyn Tool>>> = HashMap::new();
    let mut look_up = |name| {
        let tool = known
            .entry(name)
            .or_insert_with(|| toolbox.tool(name).filter(can_cost));
        tool.clone()
    };
    plan.steps.iter().map(|step| look_up(&step.tool)).collect()
}

fn can_cost(tool: &Arc<dyn Tool>) -> bool {
    let free =
        tool.kind().free && tool.estimate(&Value::Null, None, Unseen::NONE) == Estimate::FREE;
    !free
}

/// For each step whether its code could call a tool that can cost something.
pub(super) fn calls_that_cost(plan: &ExecutionPlan, toolbox: &dyn Toolbox) -> Vec<bool> {
    let mut known: HashMap<(&str, Option<Arc<str>>), bool> = HashMap::new();
    let mut look_up = |step| {
        let Step {
            tool, parameters, ..
        }: &Step = step;
        let code = parameters.literal_text("code");
        *known
            .entry((tool, code))
            .or_insert_with_key(|(tool, code)| {
                let mut callable = toolbox.callable(tool, code.as_deref()).into_iter();
                callable.any(|name| toolbox.tool(&name).is_some_and(|tool| can_cost(&tool)))
            })
    };
    plan.steps.iter().map(&mut look_up).collect()
}

/// For each step whether nothing but a failure can keep it from running.
fn sure(plan: &ExecutionPlan) -> Vec<bool> {
    let mut sure: Vec<Option<bool>> = vec![None; plan.steps.len()];
    for at in 0..plan.steps.len() {
        let mut open = vec![at];
        // Dependencies first; a plan has no cycle.
        while let Some(at) = open.pop() {
            if sure[at].is_some() {
                continue;
            }
            let step = &plan.steps[at];
            let before = || step.depends_on.iter().map(|from| from.at());
            let unknown: Vec<usize> = before().filter(|from| sure[*from].is_none()).collect();
            if !unknown.is_empty() {
                open.push(at);
                open.extend(unknown);
                continue;
            }
            let is_sure = |from: usize| sure[from] == Some(true);
            let started = match step.settings.trigger {
                Trigger::AllSuccess => before().all(is_sure),
                Trigger::OneSuccess => step.depends_on.is_empty() || before().any(is_sure),
                // A step that was skipped by its own condition has ended, and did not fail.
                Trigger::AllDone | Trigger::NoneFailed => true,
            };
            sure[at] = Some(started && step.run_if.is_none());
        }
    }
    sure.into_iter().map(|sure| sure == Some(true)).collect()
}

/// What is known before anything runs: the context.
struct ContextScope<'a> {
    plan: &'a ExecutionPlan,
    context: &'a Map<String, Value>,
}

impl ContextScope<'_> {
    /// What one call of a step can cost, and how many times it runs.
    fn estimate(
        &self,
        step: &Step,
        tool: Option<&dyn Tool>,
        tools: &[Option<Arc<dyn Tool>>],
    ) -> (Estimate, Option<u32>) {
        let list = step.for_each.as_ref().map(|list| list.resolve(self).ok());
        let items = match &list {
            Some(Some(list)) => list.as_array(),
            _ => None,
        };
        let mut unseen = Unseen::NONE;
        let input = step.parameters.known(self, &mut |root| {
            unseen = unseen.and(match root {
                Root::Index => Unseen::some(2, 10),
                Root::Item => items.map_or_else(unknown, |items| of_items(items)),
                Root::Step(from) => self.of_output(*from, tools),
                Root::Context(_) | Root::Outputs | Root::Own(_) => unknown(),
            });
        });
        let times = match (&list, items) {
            (None, _) => Some(1),
            (Some(_), Some(items)) => u32::try_from(items.len()).ok(),
            (Some(_), None) => None,
        };
        let estimate = tool.map_or(Estimate::FREE, |tool| {
            tool.estimate(&input, step.settings.model.as_deref(), unseen)
        });
        (estimate, times)
    }

    /// What the output of a step brings into an input.
    fn of_output(&self, from: StepIx, tools: &[Option<Arc<dyn Tool>>]) -> Unseen {
        let step = self.plan.step(from).filter(|step| step.for_each.is_none());
        let tool = tools.get(from.at()).and_then(Option::as_ref);
        let max = step.and(tool).and_then(|tool| tool.max_answer_tokens());
        max.map_or_else(unknown, |max| {
            Unseen::some(max / 2, max.saturating_mul(PER_ANSWER_TOKEN))
        })
    }
}

const fn unknown() -> Unseen {
    Unseen {
        expected: EXPECTED_TOKENS,
        max: None,
    }
}

/// What one of these brings in.
fn of_items(items: &[Value]) -> Unseen {
    use crate::models::estimate;
    let (mut sum, mut max) = (0, 0);
    for item in items {
        let text = item.to_string();
        sum += estimate::likely_tokens(&text);
        max = estimate::tokens(&text).max(max);
    }
    // Quotes and backslashes may be escaped once more.
    Unseen::some(sum / items.len().max(1) as u64, max * 2)
}

impl Scope for ContextScope<'_> {
    fn output(&self, _step: StepIx) -> Option<&Arc<Value>> {
        None
    }

    fn status(&self, _step: StepIx) -> &'static str {
        "pending"
    }

    fn id(&self, step: StepIx) -> &str {
        self.plan.step(step).map_or("", |step| &step.id)
    }

    fn steps(&self) -> usize {
        self.plan.steps.len()
    }

    fn context(&self, name: &str) -> Option<&Value> {
        let given = self.context.get(name);
        given.or_else(|| self.plan.context.get(name))
    }

    fn item(&self) -> Option<(&Arc<Value>, usize)> {
        None
    }
}
