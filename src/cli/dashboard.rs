//! A run with the dashboard: the engine on its own task, the screen on this one.

use super::archive::WithArchive;
use super::args::{JournalWhen, RunArgs};
use super::failure::Failure;
use super::fork::Fork;
use super::live::LiveFeed;
use super::load::Loaded;
use super::run::exit_code;
use crate::engine::{Engine, event_channel};
use crate::run::RunCommand;
use crate::tui::{self, Outcome};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Commands that may wait for the engine.
const COMMANDS: usize = 64;

/// Opens the dashboard on a run that begins now, and gives the exit code once it was left, with the fork that
/// was asked for.
pub async fn open(
    engine: Engine,
    loaded: &Loaded,
    args: &RunArgs,
) -> Result<(u8, Option<Fork>), Failure> {
    let (sender, events) = event_channel();
    let engine = engine.with_sink(sender);
    let (commands, received) = mpsc::channel(COMMANDS);
    let origin = Instant::now();
    let running = tokio::spawn(engine.run(origin, received));
    let feed = LiveFeed {
        events,
        commands: commands.clone(),
        origin,
    };
    let options = tui::Options {
        asks: true,
        forkable: args.record.journal != JournalWhen::Off,
        ..loaded.screen(&args.screen)
    };
    let left = tui::run(WithArchive::new(feed), options).await;
    // What is still under way ends before the program does; a run that has ended ignores this.
    let _ = commands.send(RunCommand::Stop).await;
    let _ = commands.send(RunCommand::Close).await;
    drop(commands);
    let state = running
        .await
        .map_err(|error| Failure::usage(format!("the engine failed: {error}")))?;
    let colour = super::coloured(args.screen.color.unwrap_or_default());
    super::note(&crate::report::summary(&state, colour));
    let left = left.map_err(|error| Failure::usage(error.to_string()))?;
    let signalled = match left.outcome {
        Outcome::Signal(number) => Some(128 + number as u8),
        Outcome::Quit | Outcome::Fork(_) | Outcome::TerminalLost => None,
    };
    let fork = match left.outcome {
        Outcome::Fork(step) => Fork::of(&state, step),
        _ => None,
    };
    Ok((exit_code(&state, signalled), fork))
}
