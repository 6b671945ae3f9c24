//! Keys, mouse and pastes, read on a thread of their own.
//!
//! When the terminal is gone, reading from it gives nothing at once, again and again, and `crossterm` does not return
//! from that. On the thread that draws it would never get to the signal that says so.

use super::background::{AnswerFilter, Filtered};
use crossterm::event::{Event, EventStream};
use futures::StreamExt;
use futures::future::{Either, select};
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout_at;

/// The input, from one screen to the next. A stream that is dropped wakes whoever polls the terminal; a key
/// that comes with this waking, before the next stream has looked for the first time, would not be noticed
/// until another one is pressed.
static KEPT: Mutex<Option<Input>> = Mutex::new(None);

/// What is typed, with the time at which it was read.
type Stamped = (Instant, io::Result<Event>);

/// How long an answer of the terminal is waited for when the program ends before it has come: the shell would take it for
/// something that was typed.
const DRAIN: Duration = Duration::from_millis(150);

/// What is typed; dropping it ends the thread that reads.
#[derive(Debug)]
pub(super) struct Input {
    events: mpsc::UnboundedReceiver<Stamped>,
    answers: AnswerFilter,
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
            answers: AnswerFilter::default(),
            _stop: stop,
        })
    }

    /// The next event, or what the terminal says of its background; `None` where the input has ended.
    pub(super) async fn next(&mut self) -> Option<io::Result<Filtered>> {
        loop {
            if let Some(next) = self.answers.next() {
                return Some(Ok(next));
            }
            let received = if let Some(due) = self.answers.due() {
                timeout_at(due.into(), self.events.recv()).await
            } else {
                Ok(self.events.recv().await)
            };
            let Ok(received) = received else {
                self.answers.give_up(Instant::now());
                continue;
            };
            match received? {
                (read, Ok(event)) => self.answers.take(event, read),
                (_, Err(error)) => return Some(Err(error)),
            }
        }
    }

    /// Says that the terminal was asked for its background.
    pub(super) fn asked(&mut self) {
        self.answers.asked(Instant::now());
    }

    /// Waits a moment for the answer of the terminal, where one is still expected.
    pub(super) async fn drain(&mut self) {
        let until = Instant::now() + DRAIN;
        while self.answers.waits(Instant::now()) {
            if timeout_at(until.into(), self.next()).await.is_err() {
                return;
            }
        }
    }
}

async fn read(events: &mpsc::UnboundedSender<Stamped>, mut stopped: oneshot::Receiver<()>) {
    let mut stream = EventStream::new();
    while let Either::Left((Some(event), _)) = select(stream.next(), &mut stopped).await {
        if events.send((Instant::now(), event)).is_err() {
            return;
        }
    }
}
