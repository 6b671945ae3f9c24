//! A run without a screen, to its end or to the second signal.

use super::failure::Failure;
use super::sinks::ProgressSink;
use super::terminal::signal_code;
use super::{control_door, detach};
use crate::control::{Door, Server};
use crate::run::{RunCommand, RunState};
use crate::session::{LiveRun, PreparedRun};
use crate::tui::EndingSignals;

/// How it ended.
pub(super) enum End {
    /// By itself, or stopped by a signal, whose exit code stands beside it.
    Ended(Box<RunState>, Option<u8>),
    /// It was left by the second signal, with this exit code.
    Left(u8),
}

/// A run that was left.
pub(super) struct Until {
    /// The run.
    pub live: LiveRun,
    /// How it ended.
    pub end: End,
    /// Its server, through which readers take the last events until it is dropped.
    pub server: Option<Server>,
}

/// Starts a run, opens it to other processes, prints its progress, and stops it at the first signal.
pub(super) async fn until_end(prepared: PreparedRun, door: Option<Door>) -> Result<Until, Failure> {
    let mut signals = EndingSignals::listen_in_background()
        .map_err(|error| Failure::usage(format!("signals: {error}")))?;
    let run_id = prepared.run_id().clone();
    let mut live = prepared.with_sink(ProgressSink::default()).start();
    let server = control_door::open(door, &live)?;
    detach::report_start(&run_id);
    let mut signalled = None;
    let end = loop {
        tokio::select! {
            ended = live.ended() => break End::Ended(Box::new(ended?), signalled),
            number = signals.next() => match signalled {
                None => {
                    signalled = Some(signal_code(number));
                    // Fails if the run has already ended.
                    let _ = live.commands().send(RunCommand::Stop);
                }
                Some(_) => break End::Left(signal_code(number)),
            }
        }
    };
    Ok(Until { live, end, server })
}
