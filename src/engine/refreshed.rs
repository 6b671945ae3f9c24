//! Rows that are called again although an output is cached.

use super::Scheduler;
use super::step_instance::StepInstance;
use crate::plan::{ExecutionPlan, Step, StepIx};
use std::collections::HashSet;
use std::sync::Arc;

/// Rows that are called again although an output is cached.
#[derive(Debug, Default)]
pub(super) struct Refreshed {
    /// Rows, or the plan's steps with all their elements.
    rows: HashSet<StepIx>,
    /// Rows that are known by their id alone: elements of lists that are not known yet.
    ids: HashSet<Arc<str>>,
}

impl Refreshed {
    /// Adds a row.
    pub(super) fn insert(&mut self, row: StepIx) {
        self.rows.insert(row);
    }

    /// Adds a row that may not exist yet.
    pub(super) fn insert_id(&mut self, id: Arc<str>) {
        self.ids.insert(id);
    }

    /// Adds everything that depends on a step, and says what that is.
    pub(super) fn below(&mut self, plan: &ExecutionPlan, step: StepIx) -> HashSet<StepIx> {
        let below = below(&plan.steps, step);
        self.rows.extend(&below);
        below
    }

    /// A row was called: what is cached of it from now on will do.
    pub(super) fn remove(&mut self, row: StepIx, scheduler: &Scheduler) {
        self.rows.remove(&row);
        if !self.ids.is_empty() {
            self.ids.remove(&scheduler.key(row).id);
        }
    }

    /// Whether a row is one of them.
    pub(super) fn contains(&self, instance: &StepInstance<'_>) -> bool {
        let Self { rows, ids } = self;
        let by_row = || {
            let of_code = instance.scheduler.first_caller(instance.row);
            let known = [instance.row, instance.plan_step(), of_code];
            known.iter().any(|row| rows.contains(row))
        };
        let by_id = || {
            let of_code = instance.scheduler.first_caller(instance.row);
            let of_code = instance.scheduler.key(of_code);
            ids.contains(&instance.key().id) || ids.contains(&of_code.id)
        };
        !rows.is_empty() && by_row() || !ids.is_empty() && by_id()
    }
}

/// Everything that depends on a step, directly or not.
fn below(steps: &[Step], from: StepIx) -> HashSet<StepIx> {
    let mut after: Vec<Vec<StepIx>> = vec![Vec::new(); steps.len()];
    for (at, step) in steps.iter().enumerate() {
        for before in step.depends_on.iter() {
            if let Some(after) = after.get_mut(before.at()) {
                after.push(StepIx(at as u32));
            }
        }
    }
    let mut found = HashSet::new();
    let mut open = vec![from];
    while let Some(step) = open.pop() {
        for next in after.get(step.at()).into_iter().flatten() {
            if found.insert(*next) {
                open.push(*next);
            }
        }
    }
    found
}
