//! The dashboard as a screen of the terminal: messages go through [`update`], and effects to the run or to the terminal.

use super::feed::Feed;
use super::history::HistoryQuery;
use super::message::{Effect, Message};
use super::state::model::Model;
use super::terminal_status;
use super::update::update;
use super::view::view;
use crate::run::{RunEvent, RunState};
use crate::tui::terminal::options::{Error, Options};
use crate::tui::terminal::screen::{Outcome, Screen, TerminalEffect, TerminalSession};
use crate::tui::terminal::surroundings::TerminalStatus;
use futures::future::BoxFuture;
use ratatui::Frame;
use std::time::Duration;

/// Most events applied in one batch; input is read between batches.
const BATCH: usize = 20_000;

/// How the dashboard was left, and the run.
#[derive(Debug)]
pub struct Left {
    /// Why it was left.
    pub outcome: Outcome,
    /// The run, folded from every event received.
    pub run: RunState,
    /// The watch expressions.
    pub watches: Vec<String>,
}

/// Shows the run behind `feed` until it is left. The terminal is given back before this returns, whatever way
/// it returns. It stays open after the run has ended. If the user quits during the run, it asks the run to stop
/// and waits for its end, unless the user insists or a signal arrives: then the caller has to stop the run.
///
/// Drive it on the thread that calls `block_on`, not in a task: a task may move to another thread, where a panic
/// would be taken for a tool's.
pub async fn run(feed: impl Feed, options: Options) -> Result<Left, Error> {
    let look = options.look()?;
    let session = TerminalSession::take(&options, &look)?;
    let motion = !options.reduced_motion;
    let mut model = Model::new(options.title, look.theme(), motion, session.size);
    model.look = look;
    model.keymap = options.keymaps.dashboard;
    model.notice = options.notice;
    model.unknown.asks = options.asks;
    model.previews = options.previews;
    model.watches.set(options.watches);
    model.forkable = options.forkable;
    model.address = options.address;
    model.worker_reason = options.worker_reason;
    model.tour = options.tour;
    model.from_home = options.from_home;
    model.from_parent = options.from_parent;
    model.from_batch = options.from_batch;
    model.attached = options.attached;
    if let Some(speed) = options.replay {
        model = model.replaying(speed);
    }
    let mut dashboard = Box::new(Dashboard {
        model,
        feed,
        has_asked: false,
    });
    let outcome = session.show(&mut *dashboard).await?;
    Ok(Left {
        outcome,
        watches: dashboard.model.watches.texts(),
        run: dashboard.model.into_latest(),
    })
}

struct Dashboard<F> {
    model: Model,
    feed: F,
    /// Whether it has asked how long the steps of the plan usually take.
    has_asked: bool,
}

impl<F: Feed> Dashboard<F> {
    /// Asks how long the steps of the plan usually take, once the run says which plan that is.
    fn ask_for_usual_times(&mut self) {
        if self.has_asked || self.model.is_replay() {
            return;
        }
        if let Some(header) = &self.model.run.header {
            self.has_asked = true;
            let _ = self.feed.ask(HistoryQuery::Usual {
                run_id: header.run_id.clone(),
                plan: header.plan.clone(),
            });
        }
    }
}

impl<F: Feed> Screen for Dashboard<F> {
    type Message = Message;

    fn update(&mut self, message: Message) -> Vec<TerminalEffect> {
        let mut asked = Vec::new();
        let news = match &message {
            Message::Events(events) => terminal_status::news(events),
            _ => Vec::new(),
        };
        for effect in update(&mut self.model, message) {
            match effect {
                Effect::Command(command) => {
                    if let Err(why) = self.feed.command(command) {
                        asked.extend(self.update(Message::Refused(why)));
                    }
                }
                Effect::Ask(query) => {
                    let _ = self.feed.ask(query);
                }
                Effect::Terminal(effect) => asked.push(effect),
            }
        }
        asked.extend(terminal_status::notices(&self.model, &news));
        asked
    }

    fn tick(&mut self) -> Option<Message> {
        Some(Message::Tick(self.feed.now()))
    }

    fn take(&mut self) -> (Vec<Message>, bool) {
        let mut events: Vec<RunEvent> = Vec::new();
        self.feed.take(&mut events, BATCH);
        let whole = self.feed.whole();
        let more = events.len() >= BATCH || whole.is_some();
        let answers = self.feed.answers().into_iter().map(Message::Answer);
        let live = Message::Live(self.feed.live_answers());
        let notices = self.feed.notices().into_iter().map(Message::Notice);
        let whole = whole.map(Message::Whole);
        let read = Message::Read(self.feed.read_percent());
        let messages = [Message::Events(events), live].into_iter();
        let messages = messages
            .chain(whole)
            .chain([read])
            .chain(answers)
            .chain(notices);
        (messages.collect(), more)
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

    fn status(&self) -> TerminalStatus {
        terminal_status::of(&self.model)
    }

    fn is_empty(&self) -> bool {
        self.model.run.header.is_none()
    }

    fn draw(&mut self, frame: &mut Frame<'_>) {
        self.model.dirty = false;
        view(&mut self.model, frame);
        // Reading an earlier run takes time that the first frame has better use for.
        self.ask_for_usual_times();
    }
}
