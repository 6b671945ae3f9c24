//! Repeated calls of one step of a recorded run, on the input that it had there.

use super::changes::find;
use super::error::SessionError;
use super::literal_input::literal_input;
use super::load::Loaded;
use super::repeated_call::{RepeatedCall, of_definition};
use crate::engine::{definitions, step_prices};
use crate::plan::{ExecutionPlan, Step, parse};
use crate::run::{Forecast, GivenCall, RepeatPrice, RunState, StepState};
use crate::tools::{REDACTED, Toolbox};
use crate::units::Money;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The name of the text of a plan that repeats a call.
const TRIALS: &str = "the repeated call";
/// The context value with the list of the calls.
const LIST: &str = "trials";

/// A step whose call is repeated.
#[derive(Clone, Debug)]
pub(crate) struct Trials {
    /// The run.
    run_id: Arc<str>,
    /// The step of the plan; for an element of a `for_each` step the step itself.
    step: Arc<str>,
    /// What it is called with.
    input: Map<String, Value>,
    /// How its model is asked otherwise than plan and catalog have it.
    call: GivenCall,
    /// The filter by which answers are compared.
    by: Option<String>,
    /// What it gave in the run.
    output: Option<Arc<Value>>,
    /// What its recorded calls have cost, and how many there were; `None` where that is not known.
    recorded: Option<(Money, u32)>,
}

impl Trials {
    /// The step `id` of a recorded run: it asks its model as `call` has it, and else as the user had it there.
    ///
    /// # Errors
    /// Where there is no such step, or its input is not known.
    pub(crate) fn of(run: &RunState, id: &str, call: GivenCall) -> Result<Self, SessionError> {
        let row = run.steps.iter().find(|row| &*row.info.id == id);
        let row = row.ok_or_else(|| {
            SessionError::no_such_step(id, run.steps.iter().map(|row| &*row.info.id))
        })?;
        let no = |why: &str| SessionError::NoTrials(format!("step {id} {why}"));
        if row.is_expanded() {
            return Err(no(&format!(
                "runs once for each element of a list: name an element, as {id}[0]"
            )));
        }
        let Some(attempt) = row.attempts.last() else {
            return Err(no(
                "was not called in this run, so its input is not on record: `plandeck refresh` calls it",
            ));
        };
        let Value::Object(input) = Value::clone(&attempt.input.to_value()) else {
            return Err(no("was called with an input that is not an object"));
        };
        if Value::Object(input.clone()).to_string().contains(REDACTED) {
            return Err(no(
                "was called with a secret, which is not on record: its call cannot be repeated",
            ));
        }
        let given = row.given_call.as_deref().cloned();
        let header = run.header.as_deref();
        Ok(Self {
            run_id: header.map_or_else(|| "".into(), |header| Arc::clone(&header.run_id)),
            step: row
                .info
                .parent
                .and_then(|parent| run.steps.get(parent.at()))
                .map_or_else(|| Arc::clone(&row.info.id), |row| Arc::clone(&row.info.id)),
            input,
            call: call.or(given.unwrap_or_default()),
            by: None,
            output: row.made().cloned(),
            recorded: recorded_cost(row),
        })
    }

    /// The same, with answers that are compared by what this filter makes of them.
    #[must_use]
    pub(crate) fn by(mut self, filter: Option<String>) -> Self {
        self.by = filter;
        self
    }

    /// What `n` calls cost that cost what the recorded ones did; `None` where that is not known.
    fn recorded(&self, n: u32) -> Option<Money> {
        let (sum, calls) = self.recorded?;
        Some(Money::from_usd(sum.usd() * f64::from(n) / f64::from(calls)))
    }

    /// What it gave in the run; `None` where it failed.
    pub(crate) fn recorded_output(&self) -> Option<&Value> {
        self.output.as_deref()
    }

    /// What `n` calls cost by this plan, which repeats them.
    pub(crate) fn price(&self, repeating: &Loaded, n: u32) -> RepeatPrice {
        let prices = step_prices(&repeating.plan, &repeating.context, &repeating.toolbox);
        RepeatPrice {
            forecast: Forecast::of(prices.iter().map(Option::as_ref)),
            recorded: self.recorded(n),
        }
    }

    /// The plan of `n` such calls, with its context.
    fn plan(
        &self,
        of: &ExecutionPlan,
        n: u32,
    ) -> Result<(Value, Map<String, Value>), SessionError> {
        let (step, _) = find(of, &self.step)?;
        let (parameters, mut context) = literal_input(&self.input, "value");
        context.insert(LIST.to_owned(), (1..=n).collect());
        let mut value = settings_of(of, step);
        for (key, member) in [
            ("id", json!(step.id)),
            ("tool", json!(step.tool)),
            ("parameters", Value::Object(parameters)),
            ("for_each", json!(format!("{{{{{LIST}}}}}"))),
            ("cache", json!(false)),
        ] {
            value.insert(key.to_owned(), member);
        }
        if let Some(model) = &self.call.model {
            value.insert("model".to_owned(), json!(model));
        }
        let name = format!("{} of {}, {n} times", step.id, of.name);
        Ok((json!({"name": name, "steps": [value]}), context))
    }
}

/// What the plan says of a step besides what it is called with and when.
fn settings_of(plan: &ExecutionPlan, step: &Step) -> Map<String, Value> {
    let mut value = plan.step_value(step);
    for name in [
        "depends_on",
        "run_if",
        "trigger",
        "mode",
        "approve",
        "idempotency_key",
    ] {
        value.shift_remove(name);
    }
    value
}

fn recorded_cost(row: &StepState) -> Option<(Money, u32)> {
    let ended = row
        .attempts
        .iter()
        .filter_map(|attempt| attempt.end.as_ref());
    let costs: Vec<Option<Money>> = ended.map(|(_, end)| end.cost).collect();
    let n = u32::try_from(costs.len()).ok().filter(|&n| n > 0)?;
    let sum = costs
        .into_iter()
        .try_fold(Money::ZERO, |sum, cost| Some(sum + cost?))?;
    Some((sum, n))
}

impl Loaded {
    /// The plan of `n` calls of a step of this plan, instead of it; its calls take no cached outputs.
    ///
    /// # Errors
    /// Where the plan has no such step any more, or a call of it may change something and `allow_effects` does not allow
    /// that.
    pub(crate) fn repeating(
        mut self,
        trials: &Trials,
        n: u32,
        allow_effects: bool,
    ) -> Result<Self, SessionError> {
        let (step, _) = find(&self.plan, &trials.step)?;
        let at = self.plan.steps.iter().position(|one| one.id == step.id);
        // A call that asks its model otherwise is not the plan's.
        let is_own = trials.call.is_empty();
        let known = definitions(&self.plan, &self.toolbox);
        let repeats = RepeatedCall {
            run_id: Arc::clone(&trials.run_id),
            by: trials.by.clone(),
            definition: at
                .and_then(|at| known.get(at))
                .filter(|_| is_own)
                .map(of_definition),
        };
        let tool = self.toolbox.tool(&step.tool);
        let repeatable = tool
            .as_ref()
            .is_some_and(|tool| tool.policy().repeatable || !tool.kind().reaches_outside);
        if !repeatable && !allow_effects {
            return Err(SessionError::NoTrials(format!(
                "a call of step {} may change something ({} is neither `read_only` nor `idempotent`): with \
                 --allow-effects it is repeated all the same",
                step.id, step.tool
            )));
        }
        let no = |what: &str| {
            SessionError::NoTrials(format!(
                "the tool of step {} asks no model with {what}",
                step.id
            ))
        };
        let (prompt, options) = (&trials.call.prompt, trials.call.options);
        let mut asked = tool;
        if let Some(prompt) = prompt {
            let own = asked.and_then(|tool| tool.with_prompt(prompt));
            asked = Some(own.ok_or_else(|| no("a prompt (--prompt)"))?);
        }
        if !options.is_empty() {
            let own = asked.and_then(|tool| tool.with_options(options));
            let what = "options (--temperature, --max-tokens)";
            asked = Some(own.ok_or_else(|| no(what))?);
        }
        if let Some(asked) = asked.filter(|_| prompt.is_some() || !options.is_empty()) {
            self.toolbox.insert(Arc::clone(&step.tool), asked);
        }
        let (value, context) = trials.plan(&self.plan, n)?;
        let draft = parse(TRIALS, value.to_string().as_bytes())?;
        self.with_plan(draft, context, repeats)
    }
}
