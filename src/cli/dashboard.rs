//! Runs a plan with the dashboard: the engine on a task of its own, the screen on this one.

use super::args::run::{OpenedFrom, ScreenArgs};
use super::control_door;
use super::failure::Failure;
use super::history_feed::HistoryFeed;
use super::live::LiveFeed;
use super::output::{note, notes};
use super::repeat_feed::Trusting;
use super::screen;
use super::structure_feed::Restructured;
use super::terminal::{SIGNALLED, ended_by, exit_code, stderr_colour};
use crate::control::Door;
use crate::engine::Liveness;
use crate::run::RunCommand;
use crate::session::{
    ForkRequest, LiveEdits, PreparedRun, keep_breakpoints, keep_watches, kept_watches,
};
use crate::tui::{self, Outcome};

/// The exit code where not everything that was wanted has been done.
const STEP_FAILED: u8 = 1;

/// What the header says about where the outputs of models come from.
pub(super) struct Origin {
    /// Where requests to models go, if a project's file and not the user says so.
    pub address: Option<String>,
    /// Why `auto` took the worker.
    pub worker_reason: Option<String>,
}

/// Starts the run and opens the dashboard on it. Returns the exit code when the user leaves, and the fork that they
/// requested, if any.
pub(super) async fn open(
    (run, door): (PreparedRun, Option<Door>),
    look: &ScreenArgs,
    is_recorded: bool,
    origin: Origin,
    digest: &str,
    (trusting, edits): (Trusting, LiveEdits),
) -> Result<(u8, Option<ForkRequest>), Failure> {
    let title = run.plan().name.to_string();
    let (run, events) = run.with_reader();
    let (run, answers) = run.with_answers();
    let previewer = run.previewer();
    let calls = previewer.clone();
    let previews = tui::Previews::new(move |state, verb, step, command| {
        previewer.preview(
            state,
            Liveness::Live,
            verb,
            step,
            std::slice::from_ref(command),
        )
    });
    let previews = previews.with_calls(move |state, step| calls.model_call(state, step));
    let mut live = run.start();
    let server = control_door::open(door, &live)?;
    let feed = LiveFeed {
        events,
        answers,
        commands: live.commands().clone(),
        origin: live.started(),
    };
    let options = tui::Options {
        asks: true,
        previews: Some(previews),
        watches: kept_watches(digest),
        forkable: is_recorded,
        address: origin.address,
        worker_reason: origin.worker_reason,
        ..screen::options(title, look)
    };
    let restructured = Restructured::of(edits.clone());
    let feed = HistoryFeed::new(feed, trusting, restructured.clone());
    let left = tui::run(feed, options).await;
    // Stops what is still running before the program exits; a run that has ended ignores it.
    let _ = live.commands().send_waiting(RunCommand::Stop).await;
    let _ = live.commands().send_waiting(RunCommand::Close).await;
    let state = live.ended().await?;
    // They are there when the same plan is opened again; where they cannot be kept, nothing else is lost.
    if let Err(error) = keep_breakpoints(digest, &state.breakpoints) {
        tracing::warn!(%error, "breakpoints are not kept");
    }
    drop(server);
    let color = look.color.unwrap_or_default();
    note(&crate::report::summary(&state, stderr_colour(color)));
    notes(live.release().as_slice(), color);
    let left = left.map_err(|error| Failure::usage(error.to_string()))?;
    if let Err(error) = keep_watches(digest, &left.watches) {
        tracing::warn!(%error, "watch expressions are not kept");
    }
    let signalled = ended_by(left.outcome);
    let fork = match left.outcome {
        Outcome::HandedOver => ForkRequest::of_hand_over(&state, &edits),
        Outcome::Fork(step) => ForkRequest::of(&state, step),
        Outcome::RunChanged => ForkRequest::of_changes(&state),
        Outcome::Restructured => {
            let edited = restructured.take();
            edited.and_then(|edited| ForkRequest::with_plan(&state, edited))
        }
        _ => None,
    };
    let code = exit_code(&state, signalled);
    // Whoever stops a run to go back to where they came from has not ended the program.
    let goes_back = signalled.is_none() && look.from != OpenedFrom::Shell;
    let code = if goes_back && code >= SIGNALLED {
        STEP_FAILED
    } else {
        code
    };
    Ok((code, fork))
}
