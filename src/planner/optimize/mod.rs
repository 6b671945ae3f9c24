//! The same plan with less waiting and fewer calls. What it gives stays the same.
//!
//! Each rewrite is done only where the plan itself shows that the result cannot differ: calls with side effects stay as
//! they are, in their order; a step that can be skipped holds back what it held back before; and the steps whose outputs
//! are the result stay the result.

mod conditions;
mod dependencies;
mod merge;
mod purity;

use crate::plan::{ExecutionPlan, Step, StepIx};
use crate::tools::Catalog;
use std::fmt;
use std::sync::Arc;

/// A plan after its rewrites.
#[derive(Clone, Debug)]
pub struct OptimizedPlan {
    /// The plan.
    pub plan: ExecutionPlan,
    /// What was changed, in order.
    pub rewrites: Vec<Rewrite>,
    /// The calls on the longest path, before and after.
    pub longest_path: (usize, usize),
}

/// One change of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// What was done.
    pub kind: RewriteKind,
    /// The step that was changed or removed.
    pub step: Arc<str>,
    /// The step that it no longer waits for, whose output replaces its own, or whose condition it takes over.
    pub other: Arc<str>,
    /// Why the result stays the same, in one sentence.
    pub reason: String,
    /// The tool whose call is saved: always where a call was merged, and where the condition is false where one moved.
    /// `None` for a dependency, which saves time alone.
    pub saves_call_of: Option<Arc<str>>,
    /// The calls on the longest path, before and after this rewrite.
    pub longest_path: (usize, usize),
}

/// What a rewrite does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RewriteKind {
    /// A step no longer waits for another.
    DropDependency,
    /// A call that equals another is not made.
    MergeCalls,
    /// A condition of a step holds for a step before it too.
    MoveCondition,
}

impl RewriteKind {
    /// `drop_dependency`, `merge_calls`, `move_condition`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::DropDependency => "drop_dependency",
            Self::MergeCalls => "merge_calls",
            Self::MoveCondition => "move_condition",
        }
    }
}

impl fmt::Display for Rewrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (step, other) = (&self.step, &self.other);
        match self.kind {
            RewriteKind::DropDependency => write!(f, "{step} no longer waits for {other}"),
            RewriteKind::MergeCalls => write!(
                f,
                "{step} is not called: the output of {other} is its output too"
            ),
            RewriteKind::MoveCondition => write!(f, "{step} runs only where {other} does"),
        }?;
        write!(f, ": {}", self.reason)
    }
}

/// The same plan with less waiting and fewer calls: equal calls without side effects are merged, dependencies that
/// nothing needs are dropped, and a condition moves up to the calls that only the conditional step needs.
pub fn optimize_plan(plan: &ExecutionPlan, catalog: &Catalog) -> OptimizedPlan {
    let mut work = Work {
        plan: plan.clone(),
        steps: plan.steps.to_vec(),
        removed: vec![false; plan.steps.len()],
        rewrites: Vec::new(),
    };
    let before = work.longest_path();
    while merge::merge_one(&mut work, catalog) {}
    while dependencies::drop_one(&mut work, catalog) {}
    while conditions::move_one(&mut work, catalog) {}
    let after = work.longest_path();
    let Some(plan) = work.plan() else {
        // A plan that cannot be written and read again stays as it is.
        return OptimizedPlan {
            plan: plan.clone(),
            rewrites: Vec::new(),
            longest_path: (before, before),
        };
    };
    OptimizedPlan {
        plan,
        rewrites: work.rewrites,
        longest_path: (before, after),
    }
}

/// A plan that is being rewritten: positions stay, and steps that are merged away are only marked.
struct Work {
    plan: ExecutionPlan,
    steps: Vec<Step>,
    removed: Vec<bool>,
    rewrites: Vec<Rewrite>,
}

impl Work {
    /// The steps that are still there, with their positions.
    fn steps(&self) -> impl Iterator<Item = (StepIx, &Step)> {
        let steps = self
            .steps
            .iter()
            .enumerate()
            .filter(|(at, _)| !self.removed[*at]);
        steps.map(|(at, step)| (StepIx(at as u32), step))
    }

    /// The steps that wait for this one.
    fn dependents(&self, of: StepIx) -> impl Iterator<Item = (StepIx, &Step)> {
        self.steps()
            .filter(move |(_, step)| step.depends_on.contains(&of))
    }

    /// Everything that a step waits for, directly or not.
    fn ancestors(&self, of: StepIx) -> Vec<StepIx> {
        let mut found = Vec::new();
        let mut open: Vec<StepIx> = self.steps[of.at()].depends_on.to_vec();
        while let Some(step) = open.pop() {
            if !found.contains(&step) {
                found.push(step);
                open.extend(self.steps[step.at()].depends_on.iter().copied());
            }
        }
        found
    }

    /// The calls on the longest path.
    fn longest_path(&self) -> usize {
        let mut lengths = vec![0; self.steps.len()];
        // Steps need not stand after what they wait for, so go over them until nothing grows.
        loop {
            let mut grown = false;
            for (ix, step) in self.steps() {
                let before = step
                    .depends_on
                    .iter()
                    .map(|of| lengths[of.at()])
                    .max()
                    .unwrap_or(0);
                if before + 1 > lengths[ix.at()] {
                    lengths[ix.at()] = before + 1;
                    grown = true;
                }
            }
            if !grown {
                return lengths.into_iter().max().unwrap_or(0);
            }
        }
    }

    fn record(
        &mut self,
        kind: RewriteKind,
        step: StepIx,
        other: StepIx,
        reason: String,
        before: usize,
    ) {
        let after = self.longest_path();
        let changed = &self.steps[step.at()];
        self.rewrites.push(Rewrite {
            kind,
            step: changed.id.clone(),
            other: self.steps[other.at()].id.clone(),
            reason,
            saves_call_of: (kind != RewriteKind::DropDependency).then(|| changed.tool.clone()),
            longest_path: (before, after),
        });
    }

    /// The plan: written and read again, so that positions and references are right.
    fn plan(&self) -> Option<ExecutionPlan> {
        if self.rewrites.is_empty() {
            return Some(self.plan.clone());
        }
        let mut whole = self.plan.clone();
        whole.steps = self.steps.clone().into();
        let mut value = whole.to_value();
        let gone: Vec<&str> = self
            .steps
            .iter()
            .zip(&self.removed)
            .filter(|(_, gone)| **gone)
            .map(|(step, _)| &*step.id)
            .collect();
        let steps = value.get_mut("steps")?.as_array_mut()?;
        steps.retain(|step| step["id"].as_str().is_some_and(|id| !gone.contains(&id)));
        ExecutionPlan::from_value(value).ok()
    }
}

#[cfg(test)]
mod tests;
