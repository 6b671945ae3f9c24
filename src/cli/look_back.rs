//! The dashboard on what was recorded.

use super::failure::Failure;
use super::history_feed::HistoryFeed;
use super::playback::Tape;
use super::repeat_feed::Trusting;
use super::structure_feed::Restructured;
use super::terminal::ended_by;
use crate::run::RunEvent;
use crate::session::ForkRequest;
use crate::tui::{self, Outcome};

/// Shows these events until the user leaves. Gives the exit code where a signal ended it, and the fork that they
/// requested, if any.
pub(super) async fn look_back(
    events: Vec<RunEvent>,
    options: tui::Options,
) -> Result<(Option<u8>, Option<ForkRequest>), Failure> {
    let restructured = Restructured::default();
    let feed = HistoryFeed::new(Tape::new(events), Trusting::unasked(), restructured.clone());
    let left = tui::run(feed, options).await;
    let left = left.map_err(|error| Failure::usage(error.to_string()))?;
    let fork = match left.outcome {
        Outcome::Fork(step) => ForkRequest::of(&left.run, step),
        Outcome::RunChanged => ForkRequest::of_changes(&left.run),
        Outcome::Restructured => {
            let edited = restructured.take();
            edited.and_then(|edited| ForkRequest::with_plan(&left.run, edited))
        }
        Outcome::Quit | Outcome::HandedOver | Outcome::Signal(_) | Outcome::TerminalLost => None,
    };
    Ok((ended_by(left.outcome), fork))
}
