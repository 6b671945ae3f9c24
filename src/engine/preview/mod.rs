//! What a command would do to a run, found out by the scheduler itself.
//!
//! A scheduler of its own is brought to where the run is: what ended there ends the same here, and what is running here
//! is running there. Then it gets the command and goes on, in a world in which every call ends well after the time and at the
//! price that are on record ([`world`]). What it calls is what the command makes run: there is no second set of rules that could say
//! something else.

mod estimate;
mod forked;
mod found;
mod row_set;
mod world;
mod world_end;

use super::prices::calls_that_cost;
use super::step_tools::{StepTools, retry_policy};
use crate::plan::{ExecutionPlan, StepIx};
use crate::run::{
    ModelCall, Preview, RunCommand, RunSetting, RunState, SkipReason, StepState, StepStatus,
};
use crate::tools::Toolbox;
use crate::units::Micros;
use estimate::{CodeCalls, Estimates, StepBound};
pub use forked::Forked;
use found::Found;
use row_set::RowSet;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use world::World;

/// Works out previews of the runs of one plan.
#[derive(Clone)]
pub struct Previewer {
    plan: Arc<ExecutionPlan>,
    bounds: Arc<[StepBound]>,
}

impl fmt::Debug for Previewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Previewer")
            .field("plan", &self.plan.name)
            .finish_non_exhaustive()
    }
}

/// Whether a run goes on by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// Its process is there: what has not run yet runs whatever the command.
    Live,
    /// It is on record only: a command has it continued, with everything that has not run yet.
    Stored,
}

impl Previewer {
    /// For runs of `plan` with these tools.
    pub fn new(plan: Arc<ExecutionPlan>, toolbox: &dyn Toolbox) -> Self {
        let tools = StepTools::new(&plan, toolbox);
        let priced_calls = calls_that_cost(&plan, toolbox);
        let bounds = plan.steps.iter().enumerate().map(|(at, step)| {
            let tool = tools.get(at);
            let code = || step.parameters.literal_text("code");
            let could_call = || !toolbox.callable(&step.tool, code().as_deref()).is_empty();
            let limit = step.settings.timeout.or_else(|| tool?.policy().timeout);
            StepBound {
                tool: tool.cloned(),
                model: step.settings.model.clone(),
                attempts: retry_policy(step, tool).attempts.max(1),
                limit: limit.map(Micros::from),
                calls: if priced_calls[at] {
                    CodeCalls::Priced
                } else if tool.is_some_and(|tool| tool.kind().calls_tools) && could_call() {
                    CodeCalls::Free
                } else {
                    CodeCalls::None
                },
            }
        });
        Self {
            bounds: bounds.collect(),
            plan,
        }
    }

    /// What the calls of a row of this plan ask a model with, before the user gives it anything else; `None` where it asks
    /// none, or is a call of code.
    pub fn model_call(&self, state: &RunState, row: StepIx) -> Option<ModelCall> {
        let row_state = state.steps.get(row.at())?;
        if row_state.caller.is_some() {
            return None;
        }
        let parent = row_state.info.parent;
        let bound = self.bounds.get(parent.unwrap_or(row).at())?;
        let tool = bound.tool.as_ref()?;
        // What the user gave a list is its elements' own.
        let of_list = parent.and_then(|parent| state.steps.get(parent.at()));
        let of_list = of_list.and_then(|list| list.given_call.as_deref().cloned());
        let of_list = of_list.unwrap_or_default();
        let model = of_list.model.as_deref().or(bound.model.as_deref());
        let own = tool.own_options();
        Some(ModelCall {
            model: Some(tool.model(model)?.into()),
            takes_prompt: tool.with_prompt(&"".into()).is_some(),
            prompt: of_list.prompt.or_else(|| tool.own_prompt().cloned()),
            takes_options: own.is_some(),
            options: of_list.options.or(own.unwrap_or_default()),
        })
    }

    /// What `commands`, which carry out `verb`, would do to the run that is in this state.
    pub fn preview(
        &self,
        state: &RunState,
        liveness: Liveness,
        verb: &str,
        step: Option<StepIx>,
        commands: &[RunCommand],
    ) -> Preview {
        let way = commands.iter().find_map(RunCommand::edit_way);
        let step = step.or_else(|| Some(state.edits.next(way?)?.0));
        let of_edit = way.map(|way| state.edit_commands(way));
        let commands = of_edit.as_deref().unwrap_or(commands);
        let step = step.and_then(|ix| Some(Arc::clone(&state.steps.get(ix.at())?.info.id)));
        let about = (verb, step);
        self.worked_out(state, liveness, about, (commands, way.is_some()), None)
    }

    /// What a run does that takes over what another came to, as the `verb` about `step` has it.
    pub fn preview_fork(&self, forked: &Forked<'_>, verb: &str, step: Option<&str>) -> Preview {
        let tool = |at: usize| self.bounds.get(at)?.tool.as_ref();
        let state = forked.state(&self.plan, tool);
        let about = (verb, step.map(Arc::from));
        self.worked_out(&state, Liveness::Stored, about, (&[], false), Some(forked))
    }

    fn worked_out(
        &self,
        state: &RunState,
        liveness: Liveness,
        (verb, step): (&str, Option<Arc<str>>),
        (commands, is_of_edit): (&[RunCommand], bool),
        forked: Option<&Forked<'_>>,
    ) -> Preview {
        let estimates = Estimates::new(state, &self.bounds, commands, forked);
        let mut world = World::new(&self.plan, state, &estimates, liveness);
        let asked = asked(state, commands);
        let commands: &[RunCommand] = &of_code(state, commands);
        world.catch_up();
        world.give(commands, &asked);
        let end = world.go_on();
        let freed = if commands.iter().any(changes_limit) {
            let mut as_it_is = World::new(&self.plan, state, &estimates, liveness);
            as_it_is.catch_up();
            as_it_is.give(&[], &BTreeSet::new());
            as_it_is.go_on().refused
        } else {
            RowSet::default()
        };
        let found = Found {
            state,
            plan: &self.plan,
            liveness,
            commands,
            is_of_edit,
            forked,
            asked: &asked,
            bounds: &self.bounds,
            called: &end.called,
            refused: &end.refused,
            freed: &freed,
            open: &end.open,
        };
        let (reruns, stays, cannot) = found.sort();
        // A list may turn out to be empty.
        let is_list = |row: &StepIx| {
            let step = self.plan.steps.get(row.at());
            step.is_some_and(|step| step.for_each.is_some())
        };
        let certain = asked.iter().copied();
        // What was made before by the same call is used again.
        let certain: Vec<StepIx> = certain
            .filter(|row| end.called.contains(*row) && !is_list(row) && !is_of_edit)
            .collect();
        Preview {
            verb: verb.into(),
            step,
            cost_usd: estimates.cost(&certain, &end),
            seconds: estimates.seconds(&certain, &end),
            reruns,
            stays,
            cannot,
            events: state.events,
        }
    }
}

/// Whether it may let the run make calls that a limit does not allow, or the other way round.
fn changes_limit(command: &RunCommand) -> bool {
    matches!(
        command,
        RunCommand::Set(RunSetting::MaxTotalCostUsd { .. } | RunSetting::MaxToolCalls { .. })
    )
}

/// The same commands about the code that makes a call instead of about the call: that runs again with its code.
fn of_code(state: &RunState, commands: &[RunCommand]) -> Vec<RunCommand> {
    let commands = commands.iter().map(|command| match command {
        RunCommand::Retry(row) => RunCommand::Retry(state.first_caller(*row)),
        RunCommand::Refresh(row) => RunCommand::Refresh(state.first_caller(*row)),
        other => other.clone(),
    });
    commands.collect()
}

/// The rows that commands have run again themselves.
fn asked(state: &RunState, commands: &[RunCommand]) -> BTreeSet<StepIx> {
    let mut asked = BTreeSet::new();
    for command in commands {
        match command {
            RunCommand::Retry(row) | RunCommand::Refresh(row) => {
                asked.insert(state.first_caller(*row));
            }
            // What is changed of a call that code makes has nothing else run.
            RunCommand::SetInput(row, _) | RunCommand::SetCall(row, _)
                if state.first_caller(*row) == *row =>
            {
                asked.insert(*row);
            }
            RunCommand::RetryFailed => asked.extend(rows(state, |row| {
                let wrong = matches!(row.status, StepStatus::Failed | StepStatus::Cancelled);
                wrong || row.reason == Some(SkipReason::Limit)
            })),
            RunCommand::RunTo(to) => asked.extend(state.in_the_way_to(to)),
            RunCommand::ContinueAfterLimit(_) => asked.extend(rows(state, |row| {
                row.status == StepStatus::Cancelled || row.reason == Some(SkipReason::Limit)
            })),
            _ => {}
        }
    }
    asked
}

/// The rows of which this is true; a `for_each` step is its elements.
fn rows(state: &RunState, test: impl Fn(&StepState) -> bool) -> impl Iterator<Item = StepIx> {
    let rows = state.steps.iter().zip(0..);
    rows.filter(move |(row, _)| !row.is_expanded() && test(row))
        .map(|(_, at)| StepIx(at))
}

#[cfg(test)]
mod tests;
