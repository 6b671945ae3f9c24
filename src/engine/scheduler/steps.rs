//! The plan's own steps, with their retry policies and dependencies. Nothing here changes during a run.

use super::graph::Graph;
use crate::plan::{RetryPolicy, Step, StepIx};
use std::sync::Arc;

/// The steps of the plan, in its order.
#[derive(Debug)]
pub(super) struct Steps {
    all: Arc<[Step]>,
    /// The policies that there are: few, in most plans one.
    policies: Vec<RetryPolicy>,
    /// Which of them each step has.
    policy_of: Vec<u32>,
    /// Their dependencies and dependents.
    pub graph: Graph,
}

impl Steps {
    /// `all` without a cycle in its `depends_on`; `retry` is each step's policy.
    pub(super) fn new(all: Arc<[Step]>, retry: impl IntoIterator<Item = RetryPolicy>) -> Self {
        let graph = Graph::new(all.len(), |at| &all[at].depends_on);
        let mut policies: Vec<RetryPolicy> = Vec::new();
        let mut policy_of = Vec::with_capacity(all.len());
        for policy in retry {
            // Steps have few policies, and neighbours often the same: it is not worth looking further back.
            let recent = policies.len().saturating_sub(8);
            let known = policies[recent..].iter().position(|known| *known == policy);
            let at = known.map_or(policies.len(), |at| recent + at);
            if at == policies.len() {
                policies.push(policy);
            }
            policy_of.push(at as u32);
        }
        Self {
            all,
            policies,
            policy_of,
            graph,
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Every step, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Step> {
        self.all.iter()
    }

    /// Every step's position, in order.
    pub(super) fn positions(&self) -> impl Iterator<Item = StepIx> + use<> {
        (0..self.all.len() as u32).map(StepIx)
    }

    /// The step at a position that the plan has.
    pub(super) fn get(&self, step: StepIx) -> &Step {
        &self.all[step.at()]
    }

    /// What a step is called; nothing where the plan has no such step.
    pub(super) fn id(&self, step: StepIx) -> Arc<str> {
        let step = self.all.get(step.at());
        step.map_or_else(|| "".into(), |step| Arc::clone(&step.id))
    }

    /// How a step is tried again.
    pub(super) fn retry(&self, step: StepIx) -> RetryPolicy {
        self.policies[self.policy_of[step.at()] as usize]
    }
}
