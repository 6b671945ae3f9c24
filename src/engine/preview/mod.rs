//! What a command would do to a run, found out by the scheduler itself.
//!
//! A scheduler of its own is brought to where the run is: what ended there ends the same here, and what is running here
//! is running there. Then it gets the command and goes on, in a world in which every call ends well after the time and at the
//! price that are on record ([`world`]). What it calls is what the command makes run: there is no second set of rules that could say
//! something else.

mod estimate;
mod row_set;
mod world;
mod world_end;

use super::prices::calls_that_cost;
use super::step_tools::{StepTools, retry_policy};
use crate::plan::{ExecutionPlan, StepIx};
use crate::run::{
    ModelCall, Preview, PreviewStep, RunCommand, RunState, SkipReason, StepSource, StepState,
    StepStatus,
};
use crate::text::format::count;
use crate::tools::Toolbox;
use crate::units::Micros;
use estimate::{CodeCalls, Estimates, StepBound};
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
        Some(ModelCall {
            model: Some(tool.model(model)?.into()),
            takes_prompt: tool.with_prompt(&"".into()).is_some(),
            prompt: of_list.prompt.or_else(|| tool.own_prompt().cloned()),
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
        let estimates = Estimates::new(state, &self.bounds, commands);
        let mut world = World::new(&self.plan, state, &estimates, liveness);
        let asked = asked(state, commands);
        let commands: &[RunCommand] = &of_code(state, commands);
        world.catch_up();
        world.give(commands, &asked);
        let end = world.go_on();
        let found = Found {
            state,
            plan: &self.plan,
            liveness,
            commands,
            is_of_edit: way.is_some(),
            asked: &asked,
            bounds: &self.bounds,
            called: &end.called,
            refused: &end.refused,
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
            .filter(|row| end.called.contains(*row) && !is_list(row) && way.is_none())
            .collect();
        Preview {
            verb: verb.into(),
            step: step.and_then(|ix| Some(Arc::clone(&state.steps.get(ix.at())?.info.id))),
            cost_usd: estimates.cost(&certain, &end),
            seconds: estimates.seconds(&certain, &end),
            reruns,
            stays,
            cannot,
            events: state.events,
        }
    }
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
            RunCommand::ContinueAfterLimit => asked.extend(rows(state, |row| {
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

/// What came out, beside what there was.
struct Found<'a> {
    state: &'a RunState,
    plan: &'a ExecutionPlan,
    liveness: Liveness,
    commands: &'a [RunCommand],
    /// Whether they take an edit back, or make it again.
    is_of_edit: bool,
    asked: &'a BTreeSet<StepIx>,
    bounds: &'a [StepBound],
    called: &'a RowSet,
    refused: &'a RowSet,
    open: &'a RowSet,
}

type Sorted = (Vec<PreviewStep>, Vec<PreviewStep>, Vec<PreviewStep>);

impl Found<'_> {
    fn row(&self, ix: StepIx) -> Option<&StepState> {
        self.state.steps.get(ix.at())
    }

    fn plan_step(&self, ix: StepIx) -> StepIx {
        self.row(ix).and_then(|row| row.info.parent).unwrap_or(ix)
    }

    /// Every step of the plan once, and elements that run while others of their step stay.
    fn sort(&self) -> Sorted {
        let (mut reruns, mut stays, mut cannot) = Sorted::default();
        let named = |row: &StepState, why: String| PreviewStep {
            step: Arc::clone(&row.info.id),
            why: why.into(),
        };
        for at in 0..self.plan.steps.len() {
            let ix = StepIx(at as u32);
            let Some(row) = self.row(ix) else { continue };
            let elements = row.elements();
            let (run, left): (Vec<StepIx>, Vec<StepIx>) = elements
                .iter()
                .partition(|element| self.called.contains(**element));
            if self.refused.contains(ix) {
                cannot.push(named(row, self.refusal_of_limit()));
            } else if self.would_run_anyway(row) && self.target().is_none() {
                stays.push(named(row, self.why_it_stays(row)));
            } else if self.called.contains(ix) || !run.is_empty() && left.is_empty() {
                reruns.push(named(row, self.with_calls(ix, row)));
            } else if !run.is_empty() {
                for element in &run {
                    if let Some(element_row) = self.row(*element) {
                        reruns.push(named(element_row, self.with_calls(*element, element_row)));
                    }
                }
                stays.push(named(row, "its other elements stay".to_owned()));
            } else if self.is_asked(ix, elements) && row.is_expanded() && elements.is_empty() {
                stays.push(named(row, "its list is empty".to_owned()));
            } else if self.is_asked(ix, elements) {
                cannot.push(named(row, why_not(row)));
            } else {
                let waits = self.why_it_waits(ix, row);
                stays.push(named(row, waits.unwrap_or_else(|| self.why_it_stays(row))));
            }
        }
        for command in self.commands {
            let (RunCommand::SetOutput(ix, _)
            | RunCommand::Skip(ix)
            | RunCommand::SetInput(ix, _)
            | RunCommand::SetCall(ix, _)) = command
            else {
                continue;
            };
            let Some(row) = self.row(*ix).filter(|row| row.caller.is_some()) else {
                continue;
            };
            match command.refusal(self.state) {
                Some(why) => cannot.push(named(row, why)),
                None => stays.push(named(row, self.why_it_stays(row))),
            }
        }
        for ix in self.asked {
            let Some(row) = self.row(*ix) else { continue };
            let parent = row.info.parent.and_then(|parent| self.row(parent));
            if parent.is_some_and(|parent| !parent.elements().contains(ix)) {
                cannot.push(named(
                    row,
                    "its list has no such element at present".to_owned(),
                ));
            }
        }
        (reruns, stays, cannot)
    }

    fn is_asked(&self, ix: StepIx, elements: &[StepIx]) -> bool {
        self.asked.contains(&ix) || elements.iter().any(|ix| self.asked.contains(ix))
    }

    /// Whether the command changes nothing of whether a row runs: it has not run yet.
    fn would_run_anyway(&self, row: &StepState) -> bool {
        self.liveness == Liveness::Live && !row.status.has_ended()
    }

    /// Why a row runs, and what is known of the calls that its code makes.
    fn with_calls(&self, ix: StepIx, row: &StepState) -> String {
        let why = self.why_it_runs(ix, row);
        let parent = self.plan_step(ix);
        let bound = self.bounds.get(parent.at());
        if bound.is_none_or(|bound| bound.calls == CodeCalls::None) {
            return why;
        }
        let under = self.state.under(ix);
        let mut rows = under.iter().filter_map(|ix| self.row(*ix));
        let calls = rows.by_ref().filter(|row| row.caller.is_some()).count();
        if calls == 0 {
            return format!("{why}; which tools its code calls is known once it runs");
        }
        let calls = count(calls, "call");
        if self.makes_calls_again(ix, parent) {
            format!("{why}; its code made {calls}, and makes its calls again")
        } else {
            format!("{why}; of {calls} that its code made, those that succeeded keep their outputs")
        }
    }

    /// Whether the code of a row makes calls again that succeeded before: where it is asked for, or what it works with
    /// changes.
    fn makes_calls_again(&self, ix: StepIx, parent: StepIx) -> bool {
        let is_asked = self.commands.iter().any(|command| match command {
            RunCommand::Retry(row)
            | RunCommand::Refresh(row)
            | RunCommand::SetInput(row, _)
            | RunCommand::SetCall(row, _) => *row == ix || *row == parent,
            _ => false,
        });
        is_asked || self.changed_before(parent).is_some()
    }

    /// The id of the row to which the run is to go.
    fn target(&self) -> Option<&str> {
        self.commands.iter().find_map(|command| match command {
            RunCommand::RunTo(to) => Some(&**to),
            _ => None,
        })
    }

    /// Why a row does not start on the way to the target.
    fn why_it_waits(&self, ix: StepIx, row: &StepState) -> Option<String> {
        let to = self.target()?;
        if !self.open.contains(ix) || row.status == StepStatus::Running {
            return None;
        }
        Some(if *row.info.id == *to {
            "the run is held before it".to_owned()
        } else if row.status.has_ended() {
            format!("what it depends on changes: it waits until the run goes on from {to}")
        } else {
            format!("waits until the run goes on from {to}")
        })
    }

    fn why_it_runs(&self, ix: StepIx, row: &StepState) -> String {
        let parent = self.plan_step(ix);
        if let Some(to) = self.target() {
            return format!("{to} needs it");
        }
        if self.asked.contains(&parent) || self.is_asked(ix, row.elements()) {
            return if self.is_of_edit {
                "is called as before, unless what that call gave is there".to_owned()
            } else {
                "asked for".to_owned()
            };
        }
        match row.status {
            StepStatus::Pending | StepStatus::Ready => return "has not run yet".to_owned(),
            StepStatus::Cancelled | StepStatus::Running => return "was interrupted".to_owned(),
            StepStatus::Skipped if row.reason == Some(SkipReason::Limit) => {
                return "a limit kept it from running".to_owned();
            }
            _ => {}
        }
        match self.changed_before(parent) {
            Some(id) if row.status == StepStatus::Skipped => {
                let because = row.because.as_ref().unwrap_or(&id);
                format!("was skipped because of {because}")
            }
            Some(id) => format!("depends on {id}"),
            None => "what it depends on changes".to_owned(),
        }
    }

    /// The first step that a step of the plan depends on and that may come to something else.
    fn changed_before(&self, step: StepIx) -> Option<Arc<str>> {
        let step = self.plan.steps.get(step.at())?;
        let changed = |ix: &&StepIx| {
            let elements = self.row(**ix).map_or(&[][..], StepState::elements);
            self.called.contains(**ix)
                || self.is_given(**ix)
                || elements.iter().any(|ix| self.called.contains(*ix))
        };
        let found = step.depends_on.iter().find(changed)?;
        Some(Arc::clone(&self.row(*found)?.info.id))
    }

    /// Whether the commands decide what a row comes to.
    fn is_given(&self, ix: StepIx) -> bool {
        self.commands.iter().any(|command| match command {
            RunCommand::SetOutput(row, _) | RunCommand::Skip(row) => *row == ix,
            _ => false,
        })
    }

    fn why_it_stays(&self, row: &StepState) -> String {
        let given = self.commands.iter().find_map(|command| {
            let (ix, why) = match command {
                RunCommand::SetOutput(ix, _) => (ix, "gets the output that is given"),
                RunCommand::Skip(ix) => (ix, "is skipped"),
                _ => return None,
            };
            (self.row(*ix)?.info.id == row.info.id).then_some(why)
        });
        if let Some(why) = given {
            return why.to_owned();
        }
        match (row.status, row.source) {
            (StepStatus::Pending | StepStatus::Ready, _) => "has not run yet, and will".to_owned(),
            (StepStatus::Running, _) => "is running".to_owned(),
            (StepStatus::Succeeded, Some(StepSource::Mock)) => {
                "has the output that the user gave it".to_owned()
            }
            (StepStatus::Succeeded, _) if row.pinned => "has a pinned output".to_owned(),
            (StepStatus::Succeeded, _) => {
                "keeps its output: nothing that it depends on runs".to_owned()
            }
            (StepStatus::Failed, _) => "has failed, and is not asked for".to_owned(),
            (StepStatus::Skipped, _) => match (row.reason, &row.because) {
                (Some(SkipReason::Condition), _) => "its condition is not true".to_owned(),
                (Some(SkipReason::User), _) => "the user has skipped it".to_owned(),
                (_, Some(because)) => format!("is skipped because of {because}"),
                _ => "is skipped".to_owned(),
            },
            (StepStatus::Cancelled, _) => "was cancelled, and is not asked for".to_owned(),
            (StepStatus::Unknown, _) => "may have happened: the user decides".to_owned(),
        }
    }

    fn refusal_of_limit(&self) -> String {
        match self.state.limits.max_total_cost_usd {
            Some(limit) => format!("the limits of the run do not allow it: {limit} in all"),
            None => "the limits of the run do not allow it".to_owned(),
        }
    }
}

/// Why a row that is asked for does not run.
fn why_not(row: &StepState) -> String {
    match row.status {
        StepStatus::Running => "it is running".to_owned(),
        StepStatus::Pending | StepStatus::Ready => "it has not run yet".to_owned(),
        _ => match row.because.as_deref() {
            Some(because) => format!("{because}, which it depends on, has not succeeded"),
            None => "something that it depends on has not succeeded".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests;
