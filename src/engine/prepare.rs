//! What a step is about to do: its condition, its list, its parameters, what the call can cost.

use super::evaluations::RowEvaluations;
use super::{CodeCall, Prepared, Scheduler};
use crate::plan::{
    Evaluation, ExecutionPlan, Expression, Own, ReferenceError, Root, Scope, Step, StepInput,
    StepIx, Template, type_name,
};
use crate::run::{Demand, ErrorKind, Rates, RunError};
use crate::tools::{Reservation, Tool, Toolbox};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::sync::Arc;

/// The maximum of elements of all `for_each` steps of a run: each is a step of its own, with its events.
pub(super) const MAX_ELEMENTS: usize = 100_000;

/// What the references of one row see.
pub(super) struct RunScope<'a> {
    /// The plan.
    pub plan: &'a ExecutionPlan,
    /// Statuses, outputs and elements.
    pub scheduler: &'a Scheduler,
    /// The context of the run, an object.
    pub context: &'a Arc<Value>,
    /// The row whose references are resolved.
    pub row: StepIx,
    /// The values of its expressions that were evaluated in a sandbox.
    pub evaluated: Option<&'a RowEvaluations>,
    /// What is known of the row's own call.
    pub own: OwnCall<'a>,
    /// The expression that has to be evaluated before it can be prepared.
    pub wanted: RefCell<Option<Evaluation>>,
}

/// What is known of a row's own call.
#[derive(Clone, Copy, Default)]
pub(super) struct OwnCall<'a> {
    /// What it is called with.
    pub input: Option<&'a Value>,
    /// What it made.
    pub output: Option<&'a Value>,
    /// What it cost, in dollars.
    pub cost: Option<&'a Value>,
    /// The number of the attempt.
    pub attempt: Option<&'a Value>,
}

/// The rates in force, and who knows what counts against them.
pub(super) struct Rated<'a> {
    /// The rates.
    pub rates: &'a Rates,
    /// Knows the tools' pools.
    pub toolbox: &'a dyn Toolbox,
}

impl Rated<'_> {
    fn demand(&self, tool: &dyn Tool, step: &Step, input: &Value) -> Demand {
        if self.rates.0.is_empty() {
            return Demand::default();
        }
        let model = tool.rate_limit_use(input, step.settings.model.as_deref());
        let tokens = model.as_ref().map_or(0, |(_, tokens)| *tokens);
        // A call of another tool counts against that tool's pool.
        let called = input.get("name").filter(|_| tool.kind().delegates);
        let pool = self
            .toolbox
            .pool(called.and_then(Value::as_str).unwrap_or(&step.tool));
        let drawn = [model.as_ref().map(|(model, _)| &**model), pool.as_deref()];
        let names = drawn.into_iter().flatten();
        let mut names: Vec<Arc<str>> = names
            .filter_map(|name| self.rates.name_of(name))
            .cloned()
            .collect();
        // A model and a pool of one name are one.
        names.dedup();
        Demand { names, tokens }
    }
}

impl Scope for RunScope<'_> {
    fn output(&self, step: StepIx) -> Option<&Arc<Value>> {
        self.scheduler.output(step)
    }

    fn status(&self, step: StepIx) -> &'static str {
        self.scheduler.status(step).word()
    }

    fn id(&self, step: StepIx) -> &str {
        self.plan.step(step).map_or("", |step| &step.id)
    }

    fn steps(&self) -> usize {
        self.plan.steps.len()
    }

    fn context(&self, name: &str) -> Option<&Value> {
        self.context.get(name)
    }

    fn shared_context(&self) -> Option<&Arc<Value>> {
        Some(self.context)
    }

    fn item(&self) -> Option<(&Arc<Value>, usize)> {
        self.scheduler.item(self.row)
    }

    fn own(&self, own: Own) -> Option<&Value> {
        match own {
            Own::Input => self.own.input,
            Own::Output => self.own.output,
            Own::Cost => self.own.cost,
            Own::Attempt => self.own.attempt,
        }
    }

    fn evaluate(&self, evaluation: Evaluation) -> Result<Value, String> {
        let known = self.evaluated.and_then(|known| known.outcome(&evaluation));
        known.unwrap_or_else(|| {
            self.wanted.borrow_mut().get_or_insert(evaluation);
            Err("it is being evaluated".to_owned())
        })
    }
}

/// What a row calls.
#[derive(Clone, Copy)]
pub(super) struct Called<'a> {
    /// Its step, as the user has it.
    pub step: Option<&'a Step>,
    /// Its tool, where there is one.
    pub tool: Option<&'a Arc<dyn Tool>>,
    /// Whether it is an element of a `for_each` step.
    pub is_element: bool,
    /// The call of code that it is, where it is one.
    pub code_call: Option<&'a CodeCall>,
}

/// Looks at a row that is about to start. `condition` is whether its condition holds, where that is known already.
pub(super) fn prepare(
    scope: &RunScope<'_>,
    rated: &Rated<'_>,
    called: Called<'_>,
    condition: Option<bool>,
) -> Prepared {
    let Called {
        step: Some(step),
        tool,
        is_element,
        code_call,
    } = called
    else {
        return Prepared::Unwanted;
    };
    match condition.map_or_else(|| wanted(scope, step, is_element), Ok) {
        Ok(true) => {}
        Ok(false) => return Prepared::Unwanted,
        Err(error) => return impossible(scope, step, error.message),
    }
    if let Some(list) = step.for_each.as_ref().filter(|_| !is_element) {
        return match elements(scope, list) {
            Ok(items) => Prepared::Each(items),
            Err(message) => impossible(scope, step, message),
        };
    }
    let input = match (scope.scheduler.given(scope.row), code_call) {
        (Some(given), _) => Arc::clone(given).into(),
        (None, Some(call)) => call.input.clone(),
        (None, None) => match step.parameters.input(scope) {
            Ok(input) => input,
            Err(error) => return impossible(scope, step, error.message),
        },
    };
    let Some(tool) = tool else {
        return impossible(scope, step, format!("no tool is called {:?}", step.tool));
    };
    let (reservation, demand) = if tool.pricing().is_none() && rated.rates.0.is_empty() {
        (Reservation::NOTHING, Demand::default())
    } else {
        let input = input.to_value();
        let reservation = tool.reservation(&input, step.settings.model.as_deref());
        (reservation, rated.demand(&**tool, step, &input))
    };
    let approval = match approval(scope, step, &input) {
        Ok(approval) => approval,
        Err(error) => return impossible(scope, step, format!("approve: {}", error.message)),
    };
    let Reservation { max, estimated } = reservation;
    Prepared::Call {
        input,
        upper_bound: max,
        estimated,
        demand,
        why: None,
        approval,
        breaks: None,
    }
}

/// The digest of a call that needs an approval; `None` where it needs none.
fn approval(
    scope: &RunScope<'_>,
    step: &Step,
    input: &StepInput,
) -> Result<Option<Arc<str>>, ReferenceError> {
    let Some(condition) = &step.approve else {
        return Ok(None);
    };
    let input = input.to_value();
    let of_call = RunScope {
        own: OwnCall {
            input: Some(&input),
            ..OwnCall::default()
        },
        wanted: RefCell::default(),
        ..*scope
    };
    let needed = condition.is_true(&of_call);
    if let Some(wanted) = of_call.wanted.into_inner() {
        scope.wanted.borrow_mut().get_or_insert(wanted);
    }
    Ok(needed?.then(|| call_digest(step, &input)))
}

/// What an approval is bound to: the tool, its model and all that it is called with.
fn call_digest(step: &Step, input: &Value) -> Arc<str> {
    let model = step.settings.model.as_deref().unwrap_or_default();
    let call = json!([&*step.tool, model, input]).to_string();
    blake3::hash(call.as_bytes()).to_hex()[..32].into()
}

/// A condition that looks at `item` or `index` is asked for each element, any other once for the step.
fn wanted(scope: &RunScope<'_>, step: &Step, is_element: bool) -> Result<bool, ReferenceError> {
    asked(step, is_element).map_or(Ok(true), |condition| condition.is_true(scope))
}

/// The condition that is asked before a step starts, or before an element of it does.
pub(super) fn asked(step: &Step, is_element: bool) -> Option<&Expression> {
    let condition = step.run_if.as_deref()?;
    let of_elements = || {
        let mut roots = condition.roots.iter();
        roots.any(|root| matches!(root, Root::Item | Root::Index))
    };
    (step.for_each.is_none() || of_elements() == is_element).then_some(condition)
}

fn elements(scope: &RunScope<'_>, list: &Template) -> Result<Vec<Arc<Value>>, String> {
    let value = list.resolve(scope).map_err(|error| error.message)?;
    let left = MAX_ELEMENTS.saturating_sub(scope.scheduler.elements());
    if let Some(count) = value.as_array().map(Vec::len).filter(|count| *count > left) {
        return Err(format!(
            "for_each has a list of {count} elements; a run may have {MAX_ELEMENTS} of all its lists, of which {left} are \
             left. Give the list to a tool as a whole, or in parts"
        ));
    }
    match Arc::unwrap_or_clone(value) {
        Value::Array(items) => Ok(items.into_iter().map(Arc::new).collect()),
        other => Err(format!(
            "for_each needs a list, and this is {}",
            type_name(&other)
        )),
    }
}

/// The answer to a preparation of a row that cannot start, because of `message`.
pub(super) fn impossible(scope: &RunScope<'_>, step: &Step, message: String) -> Prepared {
    Prepared::Impossible(Box::new(RunError {
        kind: ErrorKind::ToolExecutionError,
        step: Some(scope.scheduler.key(scope.row).id),
        tool_name: Some(step.tool.clone()),
        message: message.into(),
        retryable: false,
        attempts: 0,
    }))
}
