//! `plandeck replay`: plays back a recorded run, in the dashboard on a terminal and as plain progress elsewhere.

use super::args::history::ReplayArgs;
use super::args::run::RunArgs;
use super::failure::Failure;
use super::output::out_line;
use super::playback::Playback;
use super::recorded::recording;
use super::run::look_from;
use super::screen;
use super::terminal::{is_interactive, signal_code};
use crate::report::Progress;
use crate::run::{EventKind, RunEvent};
use crate::session::events_from_file;
use crate::tui::{self, EndingSignals};
use std::path::Path;

/// Plays back a run, or a file of events, and returns the exit code.
pub(super) async fn replay(args: ReplayArgs) -> Result<u8, Failure> {
    let file = Path::new(&args.run);
    let is_file = file.is_file();
    let events = if is_file {
        events_from_file(file)?
    } else if file.components().count() > 1 {
        return Err(Failure::usage(format!("{}: no such file", args.run)));
    } else {
        recording(&args.run)?.events
    };
    let Some(EventKind::RunStarted(header)) = events.first().map(|event| &event.kind) else {
        return Err(Failure::usage(format!(
            "{}: holds no events of a run",
            args.run
        )));
    };
    let plan = header.plan.to_string();
    if args.shown.headless || !is_interactive() {
        return play(Playback::new(events, args.speed)).await;
    }
    let mut args = args;
    screen::complete(&mut args.screen, &screen::settings_here()?)?;
    screen::print_faults(&args.screen);
    let options = tui::Options {
        replay: Some(args.speed),
        forkable: !is_file,
        ..screen::options(plan, &args.screen)
    };
    let run_args = RunArgs {
        screen: args.screen,
        ..RunArgs::by_default()
    };
    look_from(run_args, events, options).await
}

/// Prints each event when it is due.
async fn play(mut playback: Playback) -> Result<u8, Failure> {
    let mut signals = EndingSignals::listen_in_background()
        .map_err(|error| Failure::usage(format!("signals: {error}")))?;
    let mut progress = Progress::default();
    let mut events: Vec<RunEvent> = Vec::new();
    while !playback.is_over() {
        tokio::select! {
            () = playback.due() => {}
            number = signals.next() => return Ok(signal_code(number)),
        }
        events.clear();
        playback.take(&mut events);
        for line in events.iter().filter_map(|event| progress.line(event)) {
            out_line(&line)?;
        }
    }
    Ok(0)
}
