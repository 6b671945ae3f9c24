//! What a fork changes, and applying it to what the new run takes over.

use super::error::SessionError;
use crate::engine::{Edit, ResumeState};
use crate::plan::{ExecutionPlan, Step};
use serde_json::Value;
use std::sync::Arc;

/// What a fork changes. Steps are named by their ids; an element of a `for_each` step is `ID[N]`.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Steps that run again, with everything that depends on them.
    pub from: Vec<String>,
    /// Inputs that steps are called with instead of their parameters.
    pub inputs: Vec<(String, Value)>,
    /// Outputs that steps have instead of being called.
    pub outputs: Vec<(String, Value)>,
}

impl Changes {
    /// Applies the changes to what a fork takes over.
    pub(super) fn apply(
        self,
        resume_state: &mut ResumeState,
        plan: &ExecutionPlan,
    ) -> Result<(), SessionError> {
        for id in &self.from {
            let (_, id) = find(plan, id)?;
            resume_state.run_again(&id);
        }
        for (id, value) in self.inputs {
            let (step, id) = find(plan, &id)?;
            if step.id == id && step.for_each.is_some() {
                return Err(SessionError::InputOfForEach(id.to_string()));
            }
            resume_state.edits.retain(|edit| *edit.step() != id);
            resume_state.edits.push(Edit::Input(id, Arc::new(value)));
        }
        for (id, value) in self.outputs {
            let (_, id) = find(plan, &id)?;
            resume_state.edits.push(Edit::Output(id, Arc::new(value)));
        }
        Ok(())
    }
}

/// The step of this id, or the one whose element it names, and the id itself.
pub(super) fn find<'a>(
    plan: &'a ExecutionPlan,
    name: &str,
) -> Result<(&'a Step, Arc<str>), SessionError> {
    if let Some(step) = plan.steps.iter().find(|step| &*step.id == name) {
        return Ok((step, Arc::clone(&step.id)));
    }
    let element_of = |step: &&Step| {
        let index = name
            .strip_prefix(&*step.id)
            .and_then(|rest| rest.strip_prefix('[')?.strip_suffix(']'));
        step.for_each.is_some() && index.is_some_and(|index| index.parse::<u32>().is_ok())
    };
    let unknown = || SessionError::no_such_step(name, plan.steps.iter().map(|step| &*step.id));
    let step = plan.steps.iter().find(element_of).ok_or_else(unknown)?;
    Ok((step, name.into()))
}
