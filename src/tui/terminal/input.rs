//! Keys, mouse and pastes, read on a thread of their own.
//!
//! When the terminal is gone, reading from it gives nothing at once, again and again, and `crossterm` does not return
//! from that. On the thread that draws it would never get to the signal that says so.

use crossterm::event::{Event, EventStream};
use futures::StreamExt;
use futures::future::{Either, select};
use std::io;
use std::sync::{Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};

/// The input, from one screen to the next. A stream that is dropped wakes whoever polls the terminal; a key
/// that comes with this waking, before the next stream has looked for the first time, would not be noticed
/// until another one is pressed.
static KEPT: Mutex<Option<Input>> = Mutex::new(None);

/// What is typed; dropping it ends the thread that reads.
#[derive(Debug)]
pub(super) struct Input {
    events: mpsc::UnboundedReceiver<io::Result<Event>>,
    _stop: oneshot::Sender<()>,
}

impl Input {
    /// The input that a screen before this one left, or a new one.
    pub(super) fn take() -> io::Result<Self> {
        let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner).take();
        kept.map_or_else(Self::start, Ok)
    }

    /// Leaves the input to the next screen.
    pub(super) fn keep(self) {
        *KEPT.lock().unwrap_or_else(PoisonError::into_inner) = Some(self);
    }

    fn start() -> io::Result<Self> {
        let (sender, events) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel();
        std::thread::Builder::new()
            .name("input".to_owned())
            .spawn(move || futures::executor::block_on(read(&sender, stopped)))?;
        Ok(Self {
            events,
            _stop: stop,
        })
    }

    /// The next event; `None` where the input has ended.
    pub(super) async fn next(&mut self) -> Option<io::Result<Event>> {
        self.events.recv().await
    }
}

async fn read(
    events: &mpsc::UnboundedSender<io::Result<Event>>,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut stream = EventStream::new();
    while let Either::Left((Some(event), _)) = select(stream.next(), &mut stopped).await {
        if events.send(event).is_err() {
            return;
        }
    }
}
