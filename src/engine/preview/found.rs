//! What a preview says of every step: it runs, it stays or it cannot, and why.

use super::Liveness;
use super::estimate::{CodeCalls, StepBound};
use super::forked::Forked;
use super::row_set::RowSet;
use crate::plan::{ExecutionPlan, StepIx};
use crate::run::{
    PreviewStep, Rates, ResourceLimits, RunCommand, RunState, SkipReason, StepSource, StepState,
    StepStatus,
};
use crate::text::format::count;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What came out, beside what there was.
pub(super) struct Found<'a> {
    pub(super) state: &'a RunState,
    pub(super) plan: &'a ExecutionPlan,
    pub(super) liveness: Liveness,
    pub(super) commands: &'a [RunCommand],
    /// Whether they take an edit back, or make it again.
    pub(super) is_of_edit: bool,
    /// The run that it takes over from, where it is another.
    pub(super) forked: Option<&'a Forked<'a>>,
    pub(super) asked: &'a BTreeSet<StepIx>,
    pub(super) bounds: &'a [StepBound],
    pub(super) called: &'a RowSet,
    pub(super) refused: &'a RowSet,
    /// What the limits of the run do not allow without the commands.
    pub(super) freed: &'a RowSet,
    pub(super) open: &'a RowSet,
}

pub(super) type Sorted = (Vec<PreviewStep>, Vec<PreviewStep>, Vec<PreviewStep>);

impl Found<'_> {
    fn row(&self, ix: StepIx) -> Option<&StepState> {
        self.state.steps.get(ix.at())
    }

    fn plan_step(&self, ix: StepIx) -> StepIx {
        self.row(ix).and_then(|row| row.info.parent).unwrap_or(ix)
    }

    /// Every step of the plan once, and elements that run while others of their step stay.
    pub(super) fn sort(&self) -> Sorted {
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
                cannot.push(named(row, not_allowed(&self.limits_after())));
            } else if self.freed.contains(ix) && self.called.contains(ix) {
                let why = not_allowed(&self.state.limits);
                reruns.push(named(row, format!("so far {why}")));
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
        let removed = self.forked.into_iter();
        let removed = removed.flat_map(|forked| forked.removed(self.plan));
        stays.extend(removed.map(|id| PreviewStep {
            step: Arc::clone(id),
            why: "is removed from the plan".into(),
        }));
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
        let changed = || Some(format!("depends on {}", self.changed_before(parent)?));
        if let Some(forked) = self.forked {
            let own = forked.why_it_runs(self.plan, parent);
            let why = own.or_else(changed);
            let why = why.or_else(|| forked.why_it_is_open(&row.info.id));
            return why.unwrap_or_else(|| "what was recorded of it is not all it needs".to_owned());
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
            (StepStatus::Pending | StepStatus::Ready, _) if self.forked.is_some() => {
                "something that it depends on has not succeeded".to_owned()
            }
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

    /// The limits of the run, those that the commands change included.
    fn limits_after(&self) -> ResourceLimits {
        let mut limits = self.state.limits.clone();
        let mut rates = Rates::default();
        for command in self.commands {
            if let RunCommand::Set(setting) = command {
                setting.apply(&mut limits, &mut rates);
            }
        }
        limits
    }
}

fn not_allowed(limits: &ResourceLimits) -> String {
    let money = limits.max_total_cost_usd.map(|limit| limit.to_string());
    let calls = limits.max_tool_calls;
    let calls = calls.map(|limit| count(limit as usize, "call"));
    let all: Vec<String> = money.into_iter().chain(calls).collect();
    if all.is_empty() {
        return "the limits of the run do not allow it".to_owned();
    }
    let all = all.join(" and ");
    format!("the limits of the run do not allow it: {all} in all")
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
