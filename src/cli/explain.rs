//! `plandeck explain`: why a step was called, or why it was not.

use super::args::history::ExplainArgs;
use super::failure::Failure;
use super::output::{out, out_json};
use super::recorded::recording;
use crate::plan::StepIx;
use crate::report;
use crate::run::RunState;
use crate::session::SessionError;

/// Prints why a step was called, or why it was not.
pub(super) fn explain(args: &ExplainArgs) -> Result<u8, Failure> {
    let recording = recording(&args.run)?;
    let state = RunState::from_events(&recording.events);
    let ids = || state.steps.iter().map(|row| &*row.info.id);
    let Some(at) = ids().position(|id| id == args.step) else {
        return Err(SessionError::no_such_step(&args.step, ids()).into());
    };
    let explanation = report::explain(&state, StepIx(at as u32));
    if args.json {
        out_json(&explanation)?;
    } else if let Some(explanation) = explanation {
        out(&explanation.text())?;
    }
    Ok(0)
}
