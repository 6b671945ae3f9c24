//! The feed of a live run for the dashboard.

use crate::engine::{AnswerReader, EventReader};
use crate::run::{CommandError, LiveAnswers, RunCommand, RunEvent};
use crate::session::CommandSender;
use crate::tui::Feed;
use crate::units::Micros;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::time::Instant;

/// The events of a live run, and the sender of its commands.
pub(super) struct LiveFeed {
    /// Receives the run's events.
    pub events: EventReader,
    /// Receives the answers of models while they arrive.
    pub answers: AnswerReader,
    /// Sends commands to the engine.
    pub commands: CommandSender,
    /// When the run started.
    pub origin: Instant,
}

impl Feed for LiveFeed {
    fn take(&mut self, into: &mut Vec<RunEvent>, most: usize) {
        self.events.take(into, most);
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        async move {
            tokio::select! {
                biased;
                () = self.events.changed() => {}
                () = self.answers.changed() => {}
            }
        }
        .boxed()
    }

    fn command(&mut self, command: RunCommand) -> Result<(), CommandError> {
        self.commands.send(command)
    }

    fn live_answers(&mut self) -> LiveAnswers {
        self.answers.take()
    }

    fn now(&self) -> Micros {
        self.origin.elapsed().into()
    }
}
