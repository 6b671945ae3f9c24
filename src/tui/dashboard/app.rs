//! The dashboard as a scene: messages go through [`update`], and effects to the run or to the terminal.

use super::message::{Effect, Message, Outcome};
use super::state::model::Model;
use super::{update, view};
use crate::run::{RunEvent, RunState};
use crate::tui::Feed;
use crate::tui::terminal::screen::{Error, Heard, Options, Scene, Stage, Wish};
use futures::future::BoxFuture;
use ratatui::Frame;
use std::time::Duration;

/// Events that are taken in at once; between two batches input is looked at.
const BATCH: usize = 20_000;

/// What is left when the dashboard is.
#[derive(Debug)]
pub struct Left {
    /// Why it was left.
    pub outcome: Outcome,
    /// The run, as far as its events came.
    pub run: RunState,
}

/// Shows the run behind `feed` until it is left. The terminal is given back before this returns, whatever way
/// it returns. It stays open when the run has ended. Left while the run goes on, it has asked the run to stop
/// and waited for its end, unless it was told to leave at once or by a signal: the caller sees to the rest.
///
/// It is to be driven by the thread that calls `block_on`, not by a task: what that thread draws must not move
/// to another one, or a panic there would be taken for a tool's.
pub async fn run(feed: impl Feed, options: Options) -> Result<Left, Error> {
    let theme = options.theme()?;
    let stage = Stage::take()?;
    let mut model = Model::new(options.title, theme, !options.reduced_motion, stage.size);
    model.asks = options.asks;
    model.forkable = options.forkable;
    if let Some(speed) = options.replay {
        model = model.replaying(speed);
    }
    let mut dashboard = Dashboard { model, feed };
    let outcome = stage.play(&mut dashboard).await?;
    Ok(Left {
        outcome,
        run: dashboard.model.into_latest(),
    })
}

struct Dashboard<F> {
    model: Model,
    feed: F,
}

impl<F: Feed> Dashboard<F> {
    fn tell(&mut self, message: Message) -> Vec<Wish> {
        let mut wishes = Vec::new();
        for effect in update::update(&mut self.model, message) {
            match effect {
                Effect::Command(command) => {
                    if let Err(why) = self.feed.command(command) {
                        wishes.extend(self.tell(Message::Refused(why)));
                    }
                }
                Effect::Ask(inquiry) => self.feed.ask(inquiry),
                Effect::Copy(text) => wishes.push(Wish::Copy(text)),
                Effect::Suspend => wishes.push(Wish::Suspend),
                Effect::Redraw => wishes.push(Wish::Redraw),
                Effect::Leave(outcome) => wishes.push(Wish::Leave(outcome)),
            }
        }
        wishes
    }
}

impl<F: Feed> Scene for Dashboard<F> {
    fn tick(&mut self) -> Vec<Wish> {
        self.tell(Message::Tick(self.feed.now()))
    }

    fn hear(&mut self, heard: Heard) -> Vec<Wish> {
        self.tell(match heard {
            Heard::Key(key) => Message::Key(key),
            Heard::Mouse(mouse) => Message::Mouse(mouse),
            Heard::Paste(text) => Message::Paste(text),
            Heard::Resize(columns, rows) => Message::Resize(columns, rows),
            Heard::Signal(signal) => Message::Signal(signal),
        })
    }

    fn take(&mut self) -> (Vec<Wish>, bool) {
        let mut events: Vec<RunEvent> = Vec::new();
        self.feed.take(&mut events, BATCH);
        let more = events.len() >= BATCH;
        let mut wishes = self.tell(Message::Events(events));
        for answer in self.feed.answers() {
            wishes.extend(self.tell(Message::Answer(answer)));
        }
        (wishes, more)
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        self.feed.changed()
    }

    fn is_dirty(&self) -> bool {
        self.model.dirty
    }

    fn set_dirty(&mut self) {
        self.model.dirty = true;
    }

    fn wake_in(&self) -> Option<Duration> {
        self.model.wake_in().map(Duration::from)
    }

    fn draw(&mut self, frame: &mut Frame<'_>) {
        self.model.dirty = false;
        view::view(&mut self.model, frame);
    }
}
