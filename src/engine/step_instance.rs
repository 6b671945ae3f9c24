//! A step, or an element of a `for_each` step, as the engine looks at it.

use super::Scheduler;
use super::prepare::{OwnCall, RunScope};
use super::step_tools::StepTools;
use crate::plan::{ExecutionPlan, Step, StepIx};
use crate::run::StepKey;
use crate::tools::Tool;
use serde_json::Value;
use std::cell::RefCell;
use std::sync::Arc;

/// A step or an element, with what is known of it.
#[derive(Clone, Copy)]
pub(super) struct StepInstance<'a> {
    pub row: StepIx,
    pub plan: &'a ExecutionPlan,
    pub scheduler: &'a Scheduler,
    pub tools: &'a StepTools,
    /// The context of the run, an object.
    pub context: &'a Arc<Value>,
}

impl<'a> StepInstance<'a> {
    /// The place of its step in the plan.
    pub(super) fn plan_step(&self) -> StepIx {
        self.scheduler.plan_step(self.row)
    }

    /// Its step in the plan.
    pub(super) fn step(&self) -> Option<&'a Step> {
        self.plan.step(self.plan_step())
    }

    /// Its tool, where the toolbox has it.
    pub(super) fn tool(&self) -> Option<&'a Arc<dyn Tool>> {
        self.tools.get(self.plan_step().at())
    }

    /// Whether it is an element of a `for_each` step.
    pub(super) fn is_element(&self) -> bool {
        self.plan_step() != self.row
    }

    /// What its references see.
    pub(super) fn scope(&self) -> RunScope<'a> {
        RunScope {
            plan: self.plan,
            scheduler: self.scheduler,
            context: self.context,
            row: self.row,
            evaluated: None,
            own: OwnCall::default(),
            wanted: RefCell::default(),
        }
    }

    /// What it is called in events.
    pub(super) fn key(&self) -> StepKey {
        self.scheduler.key(self.row)
    }
}
