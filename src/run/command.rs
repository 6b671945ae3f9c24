//! What the user or a script may ask of a running engine.

use super::{Answer, Breakpoint, CallEdit, DecidedBy, EditWay, HandOver, RunSetting};
use crate::plan::StepIx;
use serde_json::Value;
use std::sync::Arc;

/// Why a command did not reach the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// Too many commands wait for the engine; this one may be sent again.
    #[error("the run is busy")]
    Busy,
    /// The run takes no commands any more, or never took any.
    #[error("the run takes no commands any more")]
    RunOver,
}

/// An answer to a step that needs an approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The step, or the element of one.
    pub step: StepIx,
    /// Whether the call may be made.
    pub granted: bool,
    /// The digest of the call that is meant; `None` for whatever it is about to be called with.
    pub call: Option<Arc<str>>,
    /// Who decides.
    pub by: DecidedBy,
}

/// One request. The engine answers with events, or with nothing where the request does not apply.
#[derive(Clone, Debug, PartialEq)]
pub enum RunCommand {
    /// Start nothing more; let what is running finish.
    Pause,
    /// Start steps again.
    Resume,
    /// While paused: start the one step that would start next, or this one if it is ready.
    StepOnce(Option<StepIx>),
    /// Go on until the row of this id is about to start, hold it there, and call nothing that it does not need. What went
    /// wrong before it, and the row itself where it has ended, runs again. The id may be of an element or a call that does
    /// not exist yet.
    RunTo(Arc<str>),
    /// Run a step that has ended again, with everything that depends on it.
    Retry(StepIx),
    /// The same, and use no cached outputs for it and for everything that depends on it; what is called replaces
    /// what was kept.
    Refresh(StepIx),
    /// Run every failed step again, with everything that was skipped because of it.
    RetryFailed,
    /// Do not run this step; what depends on it sees it as skipped.
    Skip(StepIx),
    /// Use this as the step's output instead of calling its tool.
    SetOutput(StepIx, Arc<Value>),
    /// Call the step with this input instead of its parameters from now on, or with its parameters again; a step
    /// that has ended runs again, with everything that depends on it. Not while a call of it is running.
    SetInput(StepIx, Option<Arc<Value>>),
    /// Call the step so from now on; a step that has ended runs again, with everything that depends on it. Not while a
    /// call of it is running.
    SetCall(StepIx, Box<CallEdit>),
    /// Take back what the last edit gave a step: its input, how it asks its model, its output, or that it is skipped. A step that has
    /// ended runs again, with everything that depends on it; what was made before by the same calls is used again.
    Undo,
    /// Make the edit again that was taken back last.
    Redo,
    /// Give this answer to the question that the running call of the step has asked. Not where it is not as the question's
    /// schema has it.
    Answer(StepIx, Arc<Answer>),
    /// Pin the step's output, so that it is used for the same call whatever its age and whatever is asked for,
    /// in this run and later ones, or unpin it.
    Pin(StepIx, bool),
    /// Make the call for which the step needs an approval, or skip the step. Not where it would be another call by now.
    Approve(Approval),
    /// Set a breakpoint, or remove it. Not where its condition is no expression.
    Breakpoint(Breakpoint, bool),
    /// Another value of a setting from now on; what is running is left alone. Not where [`RunSetting::refusal`] says
    /// why not.
    Set(RunSetting),
    /// Where a limit has stopped the run: change these settings, then run what it kept from running, and what it cut off.
    ContinueAfterLimit(Vec<RunSetting>),
    /// Start these steps no more, and once nothing is running and nothing starts by itself, stop for the run that goes on
    /// with an edited plan; `None` takes that back.
    HandOver(Option<Box<HandOver>>),
    /// Stop the run: cancel what is running, skip the rest.
    Stop,
    /// No more commands will come: end once the run has ended.
    Close,
}

impl RunCommand {
    /// Which way the command goes through the edits of a run; `None` for a command that does not.
    pub const fn edit_way(&self) -> Option<EditWay> {
        match self {
            Self::Undo => Some(EditWay::Undone),
            Self::Redo => Some(EditWay::Redone),
            _ => None,
        }
    }
}
