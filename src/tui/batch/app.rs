//! The view of a batch as a screen of the terminal, and the source of its records.

use super::message::{BatchNews, Effect, Message};
use super::model::Model;
use super::update::update;
use super::view::view;
use crate::run::StepStatus;
use crate::text;
use crate::tui::terminal::options::{Error, Options};
use crate::tui::terminal::screen::{Outcome, Screen, TerminalEffect, TerminalSession};
use crate::tui::terminal::surroundings::{Progress, TerminalStatus};
use futures::future::BoxFuture;
use ratatui::Frame;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The most cells of a plan's name in the title of the window.
const NAME: usize = 50;

/// Brings what is read of a batch, without making the view wait.
pub trait BatchSource: Send {
    /// What has been read since the last call, where there is something.
    fn take(&mut self) -> Option<BatchNews>;
    /// Ends when there may be something to take.
    fn changed(&mut self) -> BoxFuture<'_, ()>;
    /// Stops the batch, where this process runs it.
    fn stop(&mut self) {}
    /// Compares the batch with the one before it; the answer is news.
    fn compare(&mut self) {}
}

/// How the view was left.
#[derive(Debug)]
pub enum BatchLeft {
    /// The user wants to see this run; the view can be shown again where it was.
    Open(Arc<str>),
    /// It was left.
    Nothing(Outcome),
}

/// Milliseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}

/// Shows a batch until it is left or a run is to be opened; the terminal is given back before this returns. What was
/// chosen and read is kept in `before` for the next time.
///
/// Drive it on the thread that calls `block_on`, as [`run`](crate::tui::run).
pub async fn show(
    source: &mut impl BatchSource,
    before: &mut Option<Model>,
    options: Options,
    owned: bool,
) -> Result<BatchLeft, Error> {
    let look = options.look()?;
    let session = TerminalSession::take(&options, &look)?;
    let fresh = || Model::new(look.theme(), session.size, now());
    let mut model = before.take().unwrap_or_else(fresh);
    model.theme = look.theme();
    model.look = look;
    model.size = session.size;
    model.keymap = options.keymaps.batch.clone();
    model.owned = owned;
    model.from_home = options.from_home;
    if model.notice.is_none() {
        model.notice = options.notice;
    }
    model.dirty = true;
    let mut screen = Batch {
        model,
        source,
        open: None,
    };
    let outcome = session.show(&mut screen).await?;
    let left = screen
        .open
        .map_or(BatchLeft::Nothing(outcome), BatchLeft::Open);
    *before = Some(screen.model);
    Ok(left)
}

struct Batch<'a, S> {
    model: Model,
    source: &'a mut S,
    open: Option<Arc<str>>,
}

impl<S: BatchSource> Screen for Batch<'_, S> {
    type Message = Message;

    fn update(&mut self, message: Message) -> Vec<TerminalEffect> {
        let was_live = self.model.state.header.live;
        let mut asked = Vec::new();
        for effect in update(&mut self.model, message) {
            match effect {
                Effect::Open(run) => {
                    self.open.get_or_insert(run);
                    asked.push(TerminalEffect::Leave(Outcome::Quit));
                }
                Effect::Compare => self.source.compare(),
                Effect::Stop => self.source.stop(),
                Effect::Terminal(effect) => asked.push(effect),
            }
        }
        if was_live && !self.model.state.header.live {
            let counts = self.model.state.counts;
            let name = text::fit(&self.model.state.header.plan, NAME);
            asked.push(TerminalEffect::Notify {
                words: format!(
                    "{name}: {} of {} items, {} failed",
                    counts.ended(),
                    self.model.state.total(),
                    counts.failed
                ),
                last: true,
            });
        }
        asked
    }

    fn tick(&mut self) -> Option<Message> {
        Some(Message::Tick(now()))
    }

    fn take(&mut self) -> (Vec<Message>, bool) {
        let news = self.source.take();
        let more = news.is_some();
        (news.map(Message::News).into_iter().collect(), more)
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        self.source.changed()
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

    fn is_empty(&self) -> bool {
        self.model.reading
    }

    fn leads_on(&self) -> bool {
        self.open.is_some()
    }

    fn status(&self) -> TerminalStatus {
        let state = &self.model.state;
        let name = text::fit(&state.header.plan, NAME);
        let ended = state.counts.ended() as usize;
        let percent = (ended * 100)
            .checked_div(state.total())
            .unwrap_or(0)
            .min(100) as u8;
        let wrong = state.counts.failed;
        let glyph = |status: StepStatus| self.model.theme.status(status).glyph;
        let (begin, progress) = match (state.header.live, wrong) {
            (true, 0) => (format!("{percent}%"), Some(Progress::Running(percent))),
            (true, _) => (
                format!("{wrong} {} {percent}%", glyph(StepStatus::Failed)),
                Some(Progress::Failing(percent)),
            ),
            (false, 0) => (glyph(StepStatus::Succeeded).to_owned(), None),
            (false, _) => (glyph(StepStatus::Failed).to_owned(), None),
        };
        TerminalStatus {
            title: format!("{begin} {name} (batch) - plandeck"),
            progress,
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>) {
        self.model.dirty = false;
        view(&mut self.model, frame);
    }
}
