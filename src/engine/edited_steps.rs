//! Steps that ask their model otherwise, because the user has changed that in the run.

use crate::plan::{Step, StepIx};
use crate::run::GivenCall;
use crate::tools::Tool;
use std::collections::HashMap;
use std::sync::Arc;

/// A step as the user has it.
pub(super) struct EditedStep {
    /// The step, with its model.
    pub step: Step,
    /// Its tool, which asks the model so; `None` where the toolbox has none.
    pub tool: Option<Arc<dyn Tool>>,
    /// How it asks its model, where that is not as plan and catalog have it.
    pub call: GivenCall,
}

impl EditedStep {
    /// A step of a plan that asks its model as `call` has it.
    pub(super) fn new(step: &Step, tool: Option<&Arc<dyn Tool>>, call: &GivenCall) -> Self {
        let mut step = step.clone();
        if let Some(model) = &call.model {
            Arc::make_mut(&mut step.settings).model = Some(Arc::clone(model));
        }
        Self {
            step,
            tool: tool.map(|tool| asking(tool, call)),
            call: call.clone(),
        }
    }
}

/// The tool, where it can with the prompt and the options that `call` gives.
pub(super) fn asking(tool: &Arc<dyn Tool>, call: &GivenCall) -> Arc<dyn Tool> {
    let prompt = call.prompt.as_ref();
    let own = prompt.and_then(|prompt| tool.with_prompt(prompt));
    let tool = own.unwrap_or_else(|| Arc::clone(tool));
    let options = Some(call.options).filter(|options| !options.is_empty());
    let own = options.and_then(|options| tool.with_options(options));
    own.unwrap_or(tool)
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
