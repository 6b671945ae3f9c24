//! A step, an element of a `for_each` step, or a call that code makes, as the engine looks at it.

use super::edited_steps::{EditedStep, EditedSteps};
use super::prepare::{Called, OwnCall, RunScope};
use super::step_tools::StepTools;
use super::{CodeCall, Scheduler};
use crate::plan::{ExecutionPlan, Step, StepIx};
use crate::run::{GivenCall, StepKey};
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
    /// What the user has changed.
    pub edited: &'a EditedSteps,
    /// The context of the run, an object.
    pub context: &'a Arc<Value>,
}

impl<'a> StepInstance<'a> {
    /// The place of its step in the plan.
    pub(super) fn plan_step(&self) -> StepIx {
        self.scheduler.plan_step(self.row)
    }

    /// Its step in the plan, as the user has it, or what stands for one where it is a call of code.
    pub(super) fn step(&self) -> Option<&'a Step> {
        if let Some(edited) = self.edited() {
            return Some(&edited.step);
        }
        match self.code_call() {
            Some(call) => Some(&call.step),
            None => self.plan.step(self.plan_step()),
        }
    }

    /// The call of code that it is, where it is one.
    pub(super) fn code_call(&self) -> Option<&'a CodeCall> {
        self.scheduler.code_call(self.row)
    }

    fn edited(&self) -> Option<&'a EditedStep> {
        // What its code calls is not called as the step is.
        let of = self
            .code_call()
            .map_or_else(|| self.plan_step(), |_| self.row);
        self.edited.of(self.row, of)
    }

    /// How it asks its model, where the user has changed that.
    pub(super) fn given_call(&self) -> Option<&'a GivenCall> {
        Some(&self.edited()?.call)
    }

    /// What it calls.
    pub(super) fn called(&self) -> Called<'a> {
        Called {
            step: self.step(),
            tool: self.tool(),
            is_element: self.is_element(),
            code_call: self.code_call(),
        }
    }

    /// Its tool, where the toolbox has it.
    pub(super) fn tool(&self) -> Option<&'a Arc<dyn Tool>> {
        if let Some(edited) = self.edited() {
            return edited.tool.as_ref();
        }
        match self.code_call() {
            Some(call) => self.tools.called(&call.step.tool),
            None => self.tools.get(self.plan_step().at()),
        }
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
