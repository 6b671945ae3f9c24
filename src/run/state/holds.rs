//! Approvals and breakpoints: what the user has to say something about.

use super::RunState;
use crate::plan::StepIx;
use crate::run::step_state::ApprovalState;
use crate::run::{Breakpoint, EventKind, HeldAt, RunEvent, RunPhase, StepStatus, WaitReason};
use std::sync::Arc;

/// A step at which a breakpoint, or the end of the way to it, holds the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldStep {
    /// The row.
    pub step: StepIx,
    /// On which side of it.
    pub at: HeldAt,
    /// The condition that holds, where the breakpoint has one.
    pub condition: Option<Arc<str>>,
}

impl HeldStep {
    /// Why the run is held there, in words; nothing where that is clear from where it is.
    pub fn why(&self, run: &RunState) -> Option<String> {
        let row = run.steps.get(self.step.at())?;
        match self.at {
            HeldAt::Target => Some("you had the run go there".to_owned()),
            HeldAt::Missed => Some(match (row.status, row.because.as_deref()) {
                (StepStatus::Skipped, Some(because)) => {
                    format!("it is skipped because of {because}")
                }
                (status, _) if status.has_ended() => format!("it is {}", status.word()),
                _ => "nothing that it needs goes on".to_owned(),
            }),
            _ => self.condition.as_deref().map(str::to_owned),
        }
    }
}

impl RunState {
    /// A run that is not running is on its way no more, and one that is resumed runs everything.
    pub(super) fn keep_target(&mut self, kind: &EventKind) {
        if self.phase != RunPhase::Running || matches!(kind, EventKind::RunResumed) {
            self.target = None;
        }
    }

    /// Takes in an event about an approval or a breakpoint; any other changes nothing.
    pub(super) fn take_in_hold(&mut self, event: &RunEvent) {
        match &event.kind {
            EventKind::ApprovalAsked {
                step,
                call,
                input,
                void,
            } => self.with(step, |row| {
                row.details_mut().approval = Some(Box::new(ApprovalState {
                    call: Arc::clone(call),
                    input: input.clone(),
                    void: *void,
                    decided: None,
                    until: None,
                }));
            }),
            EventKind::ApprovalDecided {
                step,
                granted,
                by,
                until,
                ..
            } => self.with(step, |row| {
                if row.waiting == Some(WaitReason::Approval) {
                    row.held_no_more(event.at);
                }
                if let Some(approval) = &mut row.details_mut().approval {
                    approval.decided = Some((*granted, *by));
                    approval.until = *until;
                }
            }),
            EventKind::BreakpointSet { breakpoint, on } => {
                if *on {
                    self.breakpoints.insert(breakpoint.clone());
                } else {
                    self.breakpoints.remove(breakpoint);
                }
            }
            EventKind::RunTargeted { to } => self.target = Some(Arc::clone(to)),
            EventKind::HandOverSet { to } => self.hand_over.clone_from(to),
            EventKind::StepHeld {
                step,
                at,
                condition,
            } => {
                self.let_go(step.ix);
                self.held_steps.push(HeldStep {
                    step: step.ix,
                    at: *at,
                    condition: condition.clone(),
                });
            }
            _ => {}
        }
    }

    pub(super) fn reopen(&mut self) {
        self.phase = RunPhase::Running;
        self.hand_over = None;
        self.result = None;
        self.error = None;
        self.exceeded.clear();
    }

    /// Whether there is a row of this id, or there may come to be one: an element of a list that is not known yet, or a
    /// call that code makes.
    pub(crate) fn may_have(&self, id: &str) -> bool {
        let is_row = |id: &str| self.steps.iter().any(|row| &*row.info.id == id);
        let of_list = || {
            let (list, index) = id.strip_suffix(']')?.rsplit_once('[')?;
            index.parse::<u32>().ok()?;
            let row = self.steps.iter().find(|row| &*row.info.id == list)?;
            Some(row.caller.is_none() && row.info.parent.is_none() && !row.status.has_ended())
        };
        is_row(id) || of_list() == Some(true) || Breakpoint::could_be_call(id, is_row)
    }

    /// No breakpoint holds the row any more.
    pub(super) fn let_go(&mut self, row: StepIx) {
        if !self.held_steps.is_empty() {
            self.held_steps.retain(|held| held.step != row);
        }
    }
}
