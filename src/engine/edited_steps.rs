//! Steps whose prompt or model the user has changed in the run.

use crate::plan::{Step, StepIx};
use crate::tools::Tool;
use std::collections::HashMap;
use std::sync::Arc;

/// A step as the user has it.
pub(super) struct EditedStep {
    /// The step, with its model.
    pub step: Step,
    /// Its tool, with its prompt; `None` where the toolbox has none.
    pub tool: Option<Arc<dyn Tool>>,
    /// Its prompt, where that is not the tool's own.
    pub prompt: Option<Arc<str>>,
}

impl EditedStep {
    /// A step of a plan, with another prompt or model.
    pub(super) fn new(
        step: &Step,
        tool: Option<&Arc<dyn Tool>>,
        prompt: Option<&Arc<str>>,
        model: Option<&Arc<str>>,
    ) -> Self {
        let mut step = step.clone();
        if let Some(model) = model {
            Arc::make_mut(&mut step.settings).model = Some(Arc::clone(model));
        }
        let tool = tool.map(|tool| {
            let own = prompt.and_then(|prompt| tool.with_prompt(prompt));
            own.unwrap_or_else(|| Arc::clone(tool))
        });
        Self {
            step,
            tool,
            prompt: prompt.cloned(),
        }
    }
}

/// The steps that the user has changed, by row: those of the plan with all their elements.
#[derive(Default)]
pub(super) struct EditedSteps(HashMap<StepIx, EditedStep>);

impl EditedSteps {
    /// A row is called so from now on, or (`None`) as the plan has it.
    pub(super) fn set(&mut self, row: StepIx, edited: Option<EditedStep>) {
        match edited {
            Some(edited) => drop(self.0.insert(row, edited)),
            None => drop(self.0.remove(&row)),
        }
    }

    /// The row as it was changed, by itself or with the plan's step behind it.
    pub(super) fn of(&self, row: StepIx, plan_step: StepIx) -> Option<&EditedStep> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&row).or_else(|| self.0.get(&plan_step))
    }
}
