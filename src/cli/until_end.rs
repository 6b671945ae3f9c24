//! A run without a screen, to its end or to the second signal.

use super::failure::Failure;
use super::sinks::ProgressSink;
use super::terminal::signal_code;
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

/// Starts a run, prints its progress, and stops it at the first signal.
pub(super) async fn until_end(prepared: PreparedRun) -> Result<(LiveRun, End), Failure> {
    let mut signals = EndingSignals::listen_in_background()
        .map_err(|error| Failure::usage(format!("signals: {error}")))?;
    let mut live = prepared.with_sink(ProgressSink::default()).start();
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
    Ok((live, end))
}
