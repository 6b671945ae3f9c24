//! What a row comes to before it is called: recorded, kept or edited outputs in the place of a call, and why
//! a call is made all the same.

use super::Driver;
use crate::engine::cache::{CacheKey, Kept};
use crate::engine::prepare::{Rated, RunScope, prepare};
use crate::engine::recorded::Edit;
use crate::engine::{Prepared, why};
use crate::plan::{Step, StepIx};
use crate::run::{Fact, Miss, RunCommand, StepSource, StepStatus, Why};
use crate::tools::Tool;
use crate::units::Micros;
use serde_json::Value;
use std::collections::HashSet;
use std::sync::Arc;

/// Rows that are called for again although an output is kept.
#[derive(Debug, Default)]
pub(super) struct Refreshed {
    /// Rows, or the plan's steps with all their elements.
    rows: HashSet<StepIx>,
    /// Rows that are known by their id alone: elements of lists that are not known yet.
    ids: HashSet<Arc<str>>,
}

impl Driver {
    pub(super) fn prepare(&mut self, row: StepIx) -> Prepared {
        if self.scheduler.status(row).has_ended() {
            // A person decided in the meantime; nobody waits for the answer.
            return Prepared::Unwanted;
        }
        let prepared = self.prepare_recorded(row);
        let Prepared::Call { input, .. } = &prepared else {
            return prepared;
        };
        let not_reused = self.not_reused(row);
        let has_pins = self.cache.as_ref().is_some_and(|cache| cache.has_pins());
        if not_reused.is_some() && !has_pins {
            return prepared;
        }
        let asked = self.is_refreshed(row);
        let key = self.cache.is_some().then(|| self.key(row, input)).flatten();
        let plan = Arc::clone(&self.plan);
        let step = plan.step(self.scheduler.plan_step(row));
        let (Some(cache), Some(key), Some(step)) = (&mut self.cache, key, step) else {
            return match not_reused {
                None => because(prepared, Miss::Off),
                Some(_) => prepared,
            };
        };
        let hit = |kept: Kept| {
            let reuse = Box::new(kept.reuse(&key.input));
            Prepared::Known(kept.output, StepSource::Cache, Some(reuse))
        };
        if let Some(kept) = cache.pinned(&key) {
            return hit(kept);
        }
        if not_reused.is_some() {
            return prepared;
        }
        let missed = if asked {
            Miss::Refresh
        } else {
            match cache.get(&key) {
                Ok(kept) => return hit(kept),
                Err(missed) => why::miss(missed, &key.input, step, &plan),
            }
        };
        self.to_keep.insert(row, key);
        because(prepared, missed)
    }

    fn prepare_recorded(&mut self, row: StepIx) -> Prepared {
        let prepared = self.prepare_anew(row);
        let ix = self.scheduler.plan_step(row);
        let tool = self.tools.get(ix.at());
        match &mut self.recorded {
            Some(recorded) => {
                let key = self.scheduler.key(row);
                recorded.instead(&key, ix, &self.plan, tool, prepared)
            }
            None => prepared,
        }
    }

    fn prepare_anew(&self, row: StepIx) -> Prepared {
        let tool = self.tool(row);
        let scope = RunScope {
            plan: &self.plan,
            scheduler: &self.scheduler,
            context: &self.context,
            row,
        };
        let rated = Rated {
            rates: &self.settings.rates,
            toolbox: &*self.toolbox,
        };
        prepare(&scope, &rated, tool)
    }

    pub(super) fn tool(&self, row: StepIx) -> Option<&Arc<dyn Tool>> {
        let ix = self.scheduler.plan_step(row);
        self.tools.get(ix.at())
    }

    fn not_reused(&self, row: StepIx) -> Option<crate::run::NotReused> {
        let step = self.state.steps.get(self.scheduler.plan_step(row).at())?;
        step.info.not_reused
    }

    fn key(&mut self, row: StepIx, input: &Arc<Value>) -> Option<CacheKey> {
        let ix = self.scheduler.plan_step(row);
        let (step, tool) = (self.plan.step(ix)?, self.tools.get(ix.at())?);
        let id = self.scheduler.key(row).id;
        self.keys.of(&id, step, tool.kind(), input)
    }

    fn is_refreshed(&self, row: StepIx) -> bool {
        let Refreshed { rows, ids } = &self.refreshed;
        let by_row = || rows.contains(&row) || rows.contains(&self.scheduler.plan_step(row));
        !rows.is_empty() && by_row() || !ids.is_empty() && ids.contains(&self.scheduler.key(row).id)
    }

    /// A row has been called for again: from now on what was kept of that will do.
    pub(super) fn is_fresh_now(&mut self, row: StepIx) {
        let Refreshed { rows, ids } = &mut self.refreshed;
        rows.remove(&row);
        if !ids.is_empty() {
            ids.remove(&self.scheduler.key(row).id);
        }
    }

    /// What is asked for is carried out by the scheduler; what it means for recorded and kept outputs is noted
    /// here.
    pub(super) fn command(&mut self, command: RunCommand) {
        match &command {
            RunCommand::Retry(row) => {
                self.refreshed.rows.insert(*row);
            }
            RunCommand::Refresh(row) => self.refresh(*row),
            RunCommand::Pin(row, pinned) => return self.pin(*row, *pinned),
            RunCommand::SetOutput(row, output) => {
                let step = self.scheduler.plan_step(*row);
                let id = self.scheduler.key(*row).id;
                if let Some(recorded) = &mut self.recorded {
                    recorded.note_output(&id, step, output);
                }
            }
            _ => {}
        }
        self.input(super::Input::Command(command));
    }

    /// Uses nothing kept for a row and for what depends on it.
    fn refresh(&mut self, row: StepIx) {
        self.refreshed.rows.insert(row);
        let step = self.scheduler.plan_step(row);
        let below = below(&self.plan.steps, step);
        self.refreshed.rows.extend(below);
    }

    /// What was asked for before the run began: rows that run again whatever is kept, and other inputs and
    /// outputs.
    pub(super) fn begin_edited(&mut self) {
        let Some(recorded) = &mut self.recorded else {
            return;
        };
        self.edits = std::mem::take(&mut recorded.edits);
        let asked = recorded.asked().to_vec();
        for id in asked {
            let known = self.plan.steps.iter().position(|step| step.id == id);
            if let Some(at) = known {
                self.refresh(StepIx(at as u32));
                continue;
            }
            let parent = self.plan.steps.iter().position(|step| {
                let rest = id.strip_prefix(&*step.id);
                rest.is_some_and(|rest| rest.starts_with('['))
            });
            if let Some(parent) = parent {
                let below = below(&self.plan.steps, StepIx(parent as u32));
                self.refreshed.rows.extend(below);
            }
            self.refreshed.ids.insert(id);
        }
        self.edit(0..self.plan.steps.len());
    }

    /// Applies the edits of these rows, which have come to be.
    pub(super) fn edit(&mut self, rows: std::ops::Range<usize>) {
        for at in rows {
            let row = StepIx(at as u32);
            let id = self.scheduler.key(row).id;
            let (now, later) = std::mem::take(&mut self.edits)
                .into_iter()
                .partition(|edit: &Edit| *edit.step() == id);
            self.edits = later;
            for edit in now {
                self.command(match edit {
                    Edit::Input(_, input) => RunCommand::SetInput(row, Some(input)),
                    Edit::Output(_, output) => RunCommand::SetOutput(row, output),
                });
            }
            if self.edits.is_empty() {
                break;
            }
        }
    }

    fn pin(&mut self, row: StepIx, pinned: bool) {
        let Some(state) = self.state.steps.get(row.at()) else {
            return;
        };
        let Some(output) = state
            .output
            .clone()
            .filter(|_| state.status == StepStatus::Succeeded)
        else {
            return;
        };
        let kept = match &state.reused {
            Some(reused) => Kept {
                output,
                run_id: Arc::clone(&reused.run_id),
                age: reused.age,
                cost: reused.cost,
                service: reused.service,
                pinned: true,
            },
            None => Kept {
                output,
                run_id: Arc::clone(&self.run_id),
                age: self.now() - state.ended_at.unwrap_or_default(),
                cost: state.cost.unwrap_or_default(),
                service: state.service,
                pinned: true,
            },
        };
        let supplied = state.source == Some(StepSource::Mock);
        let known = state.input().cloned().filter(|_| !supplied);
        let input = known.or_else(|| match self.prepare_anew(row) {
            Prepared::Call { input, .. } => Some(input),
            _ => None,
        });
        let Some(key) = input.and_then(|input| self.key(row, &input)) else {
            return;
        };
        let done = self
            .cache
            .as_mut()
            .is_some_and(|cache| cache.pin(key, pinned.then_some(kept)));
        if done {
            let step = self.scheduler.key(row);
            self.tell(self.now(), Fact::StepPinned { step, pinned });
        }
    }

    /// The age of a run's own output, for what is not dated otherwise.
    pub(super) fn now(&self) -> Micros {
        self.origin.elapsed().into()
    }
}

fn because(mut prepared: Prepared, miss: Miss) -> Prepared {
    if let Prepared::Call { why, .. } = &mut prepared {
        why.get_or_insert_with(|| Box::new(Why::default())).miss = Some(miss);
    }
    prepared
}

/// Everything that depends on a step, directly or not.
fn below(steps: &[Step], from: StepIx) -> HashSet<StepIx> {
    let mut after: Vec<Vec<StepIx>> = vec![Vec::new(); steps.len()];
    for (at, step) in steps.iter().enumerate() {
        for before in &step.depends_on {
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
