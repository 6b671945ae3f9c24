//! The home screen as a screen of the terminal, and the source of its items.

use super::item::{Answer, Request};
use super::message::{Effect, Message};
use super::model::{Choice, Model};
use super::update::update;
use super::view;
use crate::tui::terminal::options::{Error, Options};
use crate::tui::terminal::screen::{Outcome, Screen, TerminalEffect, TerminalSession};
use crate::tui::terminal::surroundings::TerminalStatus;
use futures::future::BoxFuture;
use ratatui::Frame;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Finds out what the home screen wants to know, without making it wait.
pub trait Source {
    /// Takes a request; a newer one for a detail may take the place of one that was not begun.
    fn ask(&mut self, request: Request);
    /// The next answer, where there is one.
    fn take(&mut self) -> Option<Answer>;
    /// Ends when there may be an answer to take.
    fn changed(&mut self) -> BoxFuture<'_, ()>;
}

/// How the home screen was left.
#[derive(Debug)]
pub enum Chosen {
    /// Something to open.
    This(Choice),
    /// Nothing: it was left.
    Nothing(Outcome),
}

/// Shows the home screen until something is chosen or it is left; the terminal is given back before this
/// returns. `trouble` is why what was chosen before could not be opened.
pub async fn choose(
    source: impl Source,
    trouble: Option<String>,
    options: Options,
) -> Result<Chosen, Error> {
    let look = options.look()?;
    let session = TerminalSession::take(&options, &look)?;
    let mut home = Home {
        model: Model::new(look.theme(), session.size, now()),
        source,
        choice: None,
    };
    home.model.look = look;
    home.model.keymap = options.keymaps.home;
    home.model.notice = options.notice;
    home.model.trouble = trouble.map(|trouble| (trouble, 0));
    home.source.ask(Request::Everything);
    let outcome = session.show(&mut home).await?;
    Ok(home.choice.map_or(Chosen::Nothing(outcome), Chosen::This))
}

/// Seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs() as i64)
}

struct Home<S> {
    model: Model,
    source: S,
    choice: Option<Choice>,
}

impl<S: Source> Screen for Home<S> {
    type Message = Message;

    fn update(&mut self, message: Message) -> Vec<TerminalEffect> {
        let mut asked = Vec::new();
        for effect in update(&mut self.model, message) {
            match effect {
                Effect::Ask(request) => self.source.ask(request),
                Effect::Choose(choice) => {
                    self.choice.get_or_insert(choice);
                    asked.push(TerminalEffect::Leave(Outcome::Quit));
                }
                Effect::Terminal(effect) => asked.push(effect),
            }
        }
        asked
    }

    fn tick(&mut self) -> Option<Message> {
        Some(Message::Tick(now()))
    }

    fn take(&mut self) -> (Vec<Message>, bool) {
        let answer = self.source.take();
        let more = answer.is_some();
        (answer.map(Message::Answer).into_iter().collect(), more)
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

    fn leads_on(&self) -> bool {
        self.choice.is_some()
    }

    fn status(&self) -> TerminalStatus {
        TerminalStatus {
            title: "plandeck".to_owned(),
            progress: None,
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>) {
        self.model.dirty = false;
        view::view(&mut self.model, frame);
    }
}
