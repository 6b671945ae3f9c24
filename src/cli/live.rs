//! A running engine as the dashboard sees it.

use crate::engine::EventReader;
use crate::run::{CommandError, RunCommand, RunEvent};
use crate::session::CommandSender;
use crate::tui::Feed;
use crate::units::Micros;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::time::Instant;

/// The events of a live run, and the way back to its engine.
pub struct LiveFeed {
    /// The run's events.
    pub events: EventReader,
    /// The way to the engine.
    pub commands: CommandSender,
    /// The start of the run.
    pub origin: Instant,
}

impl Feed for LiveFeed {
    fn take(&mut self, into: &mut Vec<RunEvent>, most: usize) {
        self.events.take(into, most);
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        self.events.changed().boxed()
    }

    fn command(&mut self, command: RunCommand) -> Result<(), CommandError> {
        self.commands.send(command)
    }

    fn now(&self) -> Micros {
        self.origin.elapsed().into()
    }
}
