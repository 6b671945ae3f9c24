//! What a person or a script may ask of a running engine.

use crate::plan::StepIx;
use serde_json::Value;
use std::sync::Arc;

/// One request. The engine answers with events, or with nothing where the request does not apply.
#[derive(Clone, Debug, PartialEq)]
pub enum RunCommand {
    /// Start nothing more; let what is under way finish.
    Pause,
    /// Start steps again.
    Resume,
    /// While paused: start the one step that would start next, or this one if it is ready.
    StepOnce(Option<StepIx>),
    /// Run a step that has ended again, with everything that depends on it.
    Retry(StepIx),
    /// Run every failed step again, with everything that was skipped because of it.
    RetryFailed,
    /// Do not run this step; what depends on it sees it as skipped.
    Skip(StepIx),
    /// Use this as the step's output instead of calling its tool.
    SetOutput(StepIx, Arc<Value>),
    /// Hold the step before its next attempt, or stop holding it.
    Breakpoint(StepIx, bool),
    /// Stop the run: cancel what is under way, skip the rest.
    Stop,
    /// No more commands will come: end once the run has ended.
    Close,
}
