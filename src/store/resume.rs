//! What an earlier run leaves to a run that resumes it.

use super::StoreError;
use super::read::{Recording, Store};
use super::run_lock::Claim;
use crate::engine::{EarlierRun, Kept, ResumeState, StepDigest, states_left};
use crate::plan::{ExecutionPlan, StepIx};
use crate::run::{RunEvent, RunState, RunSummary, RunWord};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// An earlier run, ready to be resumed, or to be forked. While one that is to be resumed is held, no
/// other process can resume it.
#[derive(Debug)]
pub struct Resumption {
    line: Vec<Ancestor>,
    claim: Option<Claim>,
    forked_from: Option<Arc<str>>,
}

/// A run of the line that ends with the one to be resumed.
#[derive(Debug)]
struct Ancestor {
    /// The states in which its processes left it, that of the last one last.
    states: Vec<RunState>,
    /// What its rows had come to before they were taken back.
    kept: Kept,
    definitions: Vec<StepDigest>,
    origin: Option<Arc<str>>,
    is_running: bool,
    unrecorded: bool,
}

/// The most runs of one line that are read.
const LONGEST_LINE: usize = 1000;

impl Store {
    /// Prepares to resume `run`. Refused while it is running, while another process resumes it, and
    /// where another run has resumed it already.
    pub fn resume(&self, run: &RunSummary) -> Result<Resumption, StoreError> {
        let id = || run.run_id.to_string();
        if run.status == RunWord::Running {
            return Err(StoreError::Running(id()));
        }
        let claim = Claim::take(self.home(), &run.run_id)
            .map_err(|error| StoreError::Folder {
                folder: self.home().to_path_buf(),
                error,
            })?
            .ok_or_else(|| StoreError::Running(id()))?;
        // Looked for with the claim in hand, so that no other process resumes it in between.
        if let Some(by) = self.successor(run)? {
            return Err(StoreError::Superseded {
                run: id(),
                by: by.run_id.to_string(),
            });
        }
        self.line(run, Some(claim))
    }

    /// Prepares a fork of `run`: another run that takes over what can be taken over. Any number of runs may be
    /// forked from one. Refused while it is running.
    pub fn fork(&self, run: &RunSummary) -> Result<Resumption, StoreError> {
        if run.status == RunWord::Running {
            return Err(StoreError::Running(run.run_id.to_string()));
        }
        self.line(run, None)
    }

    /// What is on record of `run`, which may be running, to look at it alone.
    pub(crate) fn look_at(&self, run: &RunSummary) -> Result<Resumption, StoreError> {
        self.line(run, None)
    }

    fn line(&self, run: &RunSummary, claim: Option<Claim>) -> Result<Resumption, StoreError> {
        let mut line = vec![self.ancestor(run)?];
        let mut next = run.resumed_from.clone();
        while let Some(id) = next.take().filter(|_| line.len() < LONGEST_LINE) {
            // A run that was pruned takes its inputs with it; the line is read without them.
            if let Ok(before) = self.find(&id) {
                line.push(self.ancestor(&before)?);
                next = before.resumed_from;
            }
        }
        line.reverse();
        Ok(Resumption {
            line,
            claim,
            forked_from: run.forked_from.clone(),
        })
    }

    fn ancestor(&self, run: &RunSummary) -> Result<Ancestor, StoreError> {
        let details = self.details(run)?;
        let Recording {
            events,
            damage,
            unrecorded,
            ..
        } = self.load(run);
        let (states, kept) = states_left(&events);
        Ok(Ancestor {
            states,
            kept,
            definitions: details.definitions,
            origin: details.origin,
            is_running: run.status == RunWord::Running,
            // What cannot be read happened all the same.
            unrecorded: unrecorded || damage.is_some(),
        })
    }
}

impl Resumption {
    /// A run of which these events are on record elsewhere, whose steps had these `definitions`.
    pub(crate) fn of_events(events: &[RunEvent], definitions: Vec<StepDigest>) -> Self {
        let (states, kept) = states_left(events);
        Self {
            line: vec![Ancestor {
                states,
                kept,
                definitions,
                origin: None,
                is_running: false,
                unrecorded: false,
            }],
            claim: None,
            forked_from: None,
        }
    }

    /// The state in which the run was left.
    pub fn state(&self) -> &RunState {
        // There is always one: the run itself, with the state after its last event.
        let states = &self.line[self.line.len() - 1].states;
        &states[states.len() - 1]
    }

    /// The ids of its steps that `plan`, whose steps have these `definitions`, does not have, or has otherwise.
    pub(crate) fn steps_that_change(
        &self,
        plan: &ExecutionPlan,
        definitions: &[StepDigest],
    ) -> Vec<Arc<str>> {
        let Some(run) = self.line.last() else {
            return Vec::new();
        };
        let ids = |steps: &[StepIx], id: &dyn Fn(StepIx) -> Option<Arc<str>>| {
            steps.iter().filter_map(|ix| id(*ix)).collect()
        };
        let now: HashMap<&str, (&StepDigest, HashSet<Arc<str>>)> = (plan.steps.iter())
            .zip(definitions)
            .map(|(step, digest)| {
                let id = |ix| plan.step(ix).map(|step| Arc::clone(&step.id));
                (&*step.id, (digest, ids(&step.depends_on, &id)))
            })
            .collect();
        let rows = &self.state().steps;
        let of_row = |ix: StepIx| rows.get(ix.at()).map(|row| Arc::clone(&row.info.id));
        let known = rows.iter().zip(&run.definitions);
        let changes = known.filter(|(row, digest)| {
            let before: HashSet<Arc<str>> = ids(&row.info.depends_on, &of_row);
            now.get(&*row.info.id)
                .is_none_or(|(new, after)| new != digest || *after != before)
        });
        changes.map(|(row, _)| Arc::clone(&row.info.id)).collect()
    }

    /// Whether the run did more than is on record.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.line.last().is_some_and(|run| run.unrecorded)
    }

    /// What a run of `plan`, whose steps have these `definitions`, can take over.
    pub fn resume_state(
        &self,
        plan: &ExecutionPlan,
        definitions: &[StepDigest],
    ) -> Option<ResumeState> {
        let mut before: Option<ResumeState> = None;
        for ancestor in &self.line {
            let earlier = EarlierRun {
                states: &ancestor.states,
                is_running: ancestor.is_running,
                definitions: &ancestor.definitions,
                unrecorded: ancestor.unrecorded,
                origin: ancestor.origin.clone(),
                renews_keys: self.forked_from.is_some(),
                before: before.as_ref().map(ResumeState::prior_steps),
            };
            before = Some(ResumeState::new(&earlier, plan, definitions));
        }
        before
    }

    /// What the rows of the run had come to before they were taken back.
    pub(crate) fn kept(&self) -> Kept {
        let last = self.line.last();
        last.map_or_else(Kept::default, |run| run.kept.clone())
    }

    /// The run that the line was forked from, where it was.
    pub fn forked_from(&self) -> Option<&Arc<str>> {
        self.forked_from.as_ref()
    }

    /// The right to resume the run, to be held as long as the run that does so; a fork needs none.
    pub(crate) fn into_claim(self) -> Option<Claim> {
        self.claim
    }
}
