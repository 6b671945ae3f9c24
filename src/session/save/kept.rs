//! The parameters of a step with an edit of its input: what the edit left alone stays a reference.

use crate::plan::{ExecutionPlan, Scope, StepIx, Template, parse};
use crate::run::RunState;
use crate::session::load::Loaded;
use serde_json::{Map, Value};
use std::path::Path;
use std::sync::Arc;

/// What references see in a recorded run.
pub(super) struct RunScope<'a> {
    run: &'a RunState,
    plan: &'a ExecutionPlan,
    /// The row of each step of the plan.
    rows: Vec<Option<usize>>,
}

impl<'a> RunScope<'a> {
    pub(super) fn new(run: &'a RunState, plan: &'a ExecutionPlan) -> Self {
        let row = |id: &str| run.steps.iter().position(|row| &*row.info.id == id);
        Self {
            rows: plan.steps.iter().map(|step| row(&step.id)).collect(),
            run,
            plan,
        }
    }

    fn row(&self, step: StepIx) -> Option<&crate::run::StepState> {
        let row = self.rows.get(step.at()).copied().flatten()?;
        self.run.steps.get(row)
    }
}

impl Scope for RunScope<'_> {
    fn output(&self, step: StepIx) -> Option<&Arc<Value>> {
        self.row(step)?.output.as_ref()
    }

    fn status(&self, step: StepIx) -> &'static str {
        self.row(step).map_or("pending", |row| row.status.word())
    }

    fn id(&self, step: StepIx) -> &str {
        self.plan.step(step).map_or("", |step| &step.id)
    }

    fn steps(&self) -> usize {
        self.plan.steps.len()
    }

    fn context(&self, name: &str) -> Option<&Value> {
        let header = self.run.header.as_deref();
        let given = header.and_then(|header| header.context.get(name));
        given.or_else(|| self.plan.context.get(name))
    }

    fn item(&self) -> Option<(&Arc<Value>, usize)> {
        None
    }
}

/// What the plan has to say so that the step is called with `input`: what stands there, `written`, wherever it gives that
/// already.
pub(super) fn parameters_with(
    template: &Template,
    written: &Value,
    input: &Value,
    scope: &RunScope<'_>,
) -> Value {
    if template.resolve(scope).is_ok_and(|now| *now == *input) {
        return written.clone();
    }
    match (template, written, input) {
        (Template::Object(members), Value::Object(written), Value::Object(input)) => {
            let member = |(key, input): (&String, &Value)| {
                let template = members.iter().find(|(known, _)| **known == **key);
                let value = match (template, written.get(key)) {
                    (Some((_, template)), Some(written)) => {
                        parameters_with(template, written, input, scope)
                    }
                    _ => input.clone(),
                };
                (key.clone(), value)
            };
            Value::Object(input.iter().map(member).collect::<Map<_, _>>())
        }
        (Template::List(items), Value::Array(written), Value::Array(input))
            if items.len() == input.len() && written.len() == input.len() =>
        {
            let parts = items.iter().zip(written).zip(input);
            let parts = parts.map(|((template, written), input)| {
                parameters_with(template, written, input, scope)
            });
            Value::Array(parts.collect())
        }
        _ => input.clone(),
    }
}

/// Whether a step of the plan with this text is called with `input`.
pub(super) fn reads_as(
    file: &Path,
    text: &str,
    loaded: &Loaded,
    id: &str,
    input: &Value,
    run: &RunState,
) -> bool {
    let Ok(draft) = parse(&file.display().to_string(), text.as_bytes()) else {
        return false;
    };
    let Ok(plan) = draft.check(Some(loaded.catalog()), None) else {
        return false;
    };
    let Some(step) = plan.steps.iter().find(|step| &*step.id == id) else {
        return false;
    };
    let scope = RunScope::new(run, &plan);
    step.parameters
        .resolve(&scope)
        .is_ok_and(|now| *now == *input)
}
