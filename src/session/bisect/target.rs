//! What of a run is looked at: its result, or a step of it.

use super::super::error::SessionError;
use crate::plan::{Evaluation, Expectation, Judged, Own, Scope, StepIx, evaluate, parse};
use crate::run::{RunPhase, RunState, StepState};
use crate::text::secrets::Secrets;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What decides whether a run is good or bad.
#[derive(Debug)]
pub(super) struct Target {
    step: Option<String>,
    /// Whether the output meets this; else the output itself is compared.
    expect: Vec<Expectation>,
}

impl Target {
    /// The result of runs, or of a step of them; with `expect` whether that is as an expression says.
    ///
    /// # Errors
    /// Where the expression cannot be read.
    pub(super) fn new(step: Option<&str>, expect: Option<&str>) -> Result<Self, SessionError> {
        let expect = expect.map(expectations).transpose()?;
        let expect = expect.unwrap_or_default();
        Ok(Self {
            step: step.map(str::to_owned),
            expect,
        })
    }

    /// What there is to see of it in a run.
    pub(super) fn of(&self, run: &RunState) -> Value {
        let seen = match &self.step {
            Some(step) => row(run, step)
                .map(|row| (json!(row.status.word()), row.output.clone(), message(row))),
            None => Some(of_run(run)),
        };
        let (status, output, error) = seen.unwrap_or_default();
        if self.expect.is_empty() {
            return json!({"status": status, "output": output, "error": error});
        }
        let holds = output.is_some_and(|output| {
            let scope = Alone(&output);
            let mut expect = self.expect.iter();
            expect.all(|one| one.judge(&scope, &Secrets::default()) == Judged::Met)
        });
        json!({ "holds": holds })
    }

    /// Whether a step of these ids decides what is seen.
    pub(super) fn depends_on<'r>(&self, run: &'r RunState, steps: &BTreeSet<&'r str>) -> bool {
        let Some(target) = self.step.as_deref().and_then(|step| row(run, step)) else {
            return !steps.is_empty();
        };
        let mut seen = BTreeSet::new();
        let mut open = vec![target];
        while let Some(row) = open.pop() {
            if !seen.insert(&*row.info.id) {
                continue;
            }
            let before = row.info.depends_on.iter().chain(row.elements());
            let parent = row.info.parent.iter();
            open.extend(
                before
                    .chain(row.calls())
                    .chain(parent)
                    .filter_map(|ix| run.steps.get(ix.at())),
            );
        }
        steps.iter().any(|step| seen.contains(step))
    }
}

/// What an expression of a plan's `expect` expects.
fn expectations(text: &str) -> Result<Vec<Expectation>, SessionError> {
    let plan = json!({"steps": [{"id": "a", "tool": "a", "expect": text}]});
    let draft = parse("--expect", plan.to_string().as_bytes())?;
    let plan = draft.check(None, None)?;
    let first = plan.steps.first();
    Ok(first.map(|step| step.expect.to_vec()).unwrap_or_default())
}

/// The status of a run, its result, and its error.
fn of_run(run: &RunState) -> (Value, Option<Arc<Value>>, Value) {
    let outcome = match run.phase {
        RunPhase::Ended(outcome) => json!(outcome),
        _ => Value::Null,
    };
    let error = run.error.as_ref();
    let error = error.map(|error| json!([error.step, error.message]));
    (outcome, run.result.clone(), error.unwrap_or_default())
}

fn row<'r>(run: &'r RunState, id: &str) -> Option<&'r StepState> {
    run.steps.iter().find(|row| &*row.info.id == id)
}

fn message(row: &StepState) -> Value {
    let error = row.error.as_ref();
    error.map_or(Value::Null, |error| json!(error.message))
}

/// An output that stands alone.
struct Alone<'v>(&'v Value);

impl Scope for Alone<'_> {
    fn output(&self, _: StepIx) -> Option<&Arc<Value>> {
        None
    }

    fn status(&self, _: StepIx) -> &'static str {
        ""
    }

    #[allow(clippy::unnecessary_literal_bound, reason = "the trait says so")]
    fn id(&self, _: StepIx) -> &str {
        ""
    }

    fn steps(&self) -> usize {
        0
    }

    fn context(&self, _: &str) -> Option<&Value> {
        None
    }

    fn item(&self) -> Option<(&Arc<Value>, usize)> {
        None
    }

    fn own(&self, own: Own) -> Option<&Value> {
        (own == Own::Output).then_some(self.0)
    }

    fn evaluate(&self, evaluation: Evaluation) -> Result<Value, String> {
        // The expression is the user's own.
        evaluate(
            &evaluation.text,
            &evaluation.variables,
            evaluation.is_condition,
        )
    }
}
