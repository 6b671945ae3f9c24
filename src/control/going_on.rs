//! From what a client asks to how a recorded run goes on.

use super::error::ControlError;
use super::verb::{CommandRequest, Stored};
use super::verbs;
use crate::run::RunState;
use crate::session::Continuation;

/// What a request asks of a recorded run that goes on. `run` is its state, as it was left.
///
/// # Errors
/// When the request is wrong, or makes no sense for this run.
pub fn continuation(
    request: &CommandRequest,
    run: &RunState,
) -> Result<Continuation, ControlError> {
    let verb = verbs::checked(request)?;
    let continuation = match verb.stored {
        Stored::GoesOn(asks) => asks(request),
        Stored::NeedsLive(what) => {
            return Err(ControlError::NotNow(format!(
                "the run is not live, and {} needs a live one: {what}",
                verb.name
            )));
        }
    };
    if request.verb != "resume" || request.step.is_some() {
        verbs::commands(request, run)?;
    }
    Ok(continuation)
}
