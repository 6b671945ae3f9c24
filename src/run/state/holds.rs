//! Approvals and breakpoints: what the user has to say something about.

use super::RunState;
use crate::plan::StepIx;
use crate::run::step_state::ApprovalState;
use crate::run::{EventKind, HeldAt, RunEvent, WaitReason};
use std::sync::Arc;

/// A step at which a breakpoint holds the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldStep {
    /// The row.
    pub step: StepIx,
    /// On which side of it.
    pub at: HeldAt,
    /// The condition that holds, where the breakpoint has one.
    pub condition: Option<Arc<str>>,
}

impl RunState {
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

    /// No breakpoint holds the row any more.
    pub(super) fn let_go(&mut self, row: StepIx) {
        if !self.held_steps.is_empty() {
            self.held_steps.retain(|held| held.step != row);
        }
    }
}
