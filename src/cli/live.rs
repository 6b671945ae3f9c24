//! A running engine as the dashboard sees it.

use crate::engine::EventReader;
use crate::run::{RunCommand, RunEvent};
use crate::tui::Feed;
use crate::units::Micros;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// The events of a live run, and the way back to its engine.
pub struct LiveFeed {
    /// The run's events.
    pub events: EventReader,
    /// The way to the engine.
    pub commands: mpsc::Sender<RunCommand>,
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

    fn command(&mut self, command: RunCommand) -> bool {
        self.commands.try_send(command).is_ok()
    }

    fn now(&self) -> Micros {
        self.origin.elapsed().into()
    }
}
