//! A question before a run: what is to be known, which scrolls where it is long, and the answers with their keys.

use super::theme::Theme;
use super::theme::look::Look;
use crate::text;
use crate::tui::input::key::Key;
use crate::tui::terminal::options::{Error, Options};
use crate::tui::terminal::screen::{
    Outcome, Screen, TerminalEffect, TerminalEvent, TerminalSession,
};
use crate::tui::terminal::surroundings::TerminalStatus;
use crate::tui::theme::ascii;
use crate::tui::widgets::frame::frame;
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, MouseEventKind};
use futures::future::BoxFuture;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use std::time::Duration;

/// The keys that leave without an answer.
const LEAVE: [Key; 3] = [Key::code(KeyCode::Esc), Key::char('q'), Key::control('c')];

/// Cells of the column of keys.
const KEYS: usize = 7;

/// An answer, its keys, and what it does.
pub(super) struct Answer<C> {
    pub choice: C,
    pub keys: Vec<Key>,
    pub description: String,
}

/// What is asked.
pub(super) trait Question {
    /// An answer.
    type Choice: Copy;

    /// The name of the plan.
    fn plan(&self) -> &str;
    /// Cells of the box, at most.
    fn width(&self) -> u16;
    /// What is to be known, in lines of `width` cells.
    fn text(&self, theme: &Theme, width: usize) -> Vec<Line<'static>>;
    /// The answers, in the order in which they stand.
    fn answers(&self) -> Vec<Answer<Self::Choice>>;
    /// What leaving without an answer means.
    fn leaving(&self) -> &'static str;
}

/// Asks, and gives the terminal back before this returns: the answer, or how the user left without one.
pub(super) async fn ask<Q: Question>(
    question: Q,
    options: Options,
) -> Result<Result<Q::Choice, Outcome>, Error> {
    let look = options.look()?;
    let session = TerminalSession::take(&options, &look)?;
    let theme = look.theme();
    let mut screen = PromptScreen {
        question,
        look,
        theme,
        choice: None,
        scroll: Scroll::default(),
        dirty: true,
    };
    let outcome = session.show(&mut screen).await?;
    Ok(screen.choice.ok_or(outcome))
}

/// Where the text stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scroll {
    /// The first line that is shown.
    pub from: usize,
    /// Lines that the text has more than its room.
    hidden: usize,
    /// Lines of the room.
    room: usize,
}

impl Scroll {
    /// Scrolls as the key says; whether it is one that scrolls.
    pub(super) fn take(&mut self, code: KeyCode) -> bool {
        let page = self.room.saturating_sub(1).max(1);
        let to = match code {
            KeyCode::Up | KeyCode::Char('k') => self.from.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.from + 1,
            KeyCode::PageUp => self.from.saturating_sub(page),
            KeyCode::PageDown | KeyCode::Char(' ') => self.from + page,
            KeyCode::Home => 0,
            KeyCode::End => usize::MAX,
            _ => return false,
        };
        self.from = to.min(self.hidden);
        true
    }
}

struct PromptScreen<Q: Question> {
    question: Q,
    look: Look,
    theme: Theme,
    choice: Option<Q::Choice>,
    scroll: Scroll,
    dirty: bool,
}

impl<Q: Question> Screen for PromptScreen<Q> {
    type Message = TerminalEvent;

    fn update(&mut self, event: TerminalEvent) -> Vec<TerminalEffect> {
        match event {
            TerminalEvent::Key(event) => {
                match pressed(&self.question, &event) {
                    Some(Pressed::Leave) => return vec![TerminalEffect::Leave(Outcome::Quit)],
                    Some(Pressed::Answer(choice)) => {
                        self.choice = Some(choice);
                        return vec![TerminalEffect::Leave(Outcome::Quit)];
                    }
                    None => self.dirty |= self.scroll.take(event.code),
                }
                Vec::new()
            }
            TerminalEvent::Mouse(event) => {
                let key = match event.kind {
                    MouseEventKind::ScrollUp => Some(KeyCode::Up),
                    MouseEventKind::ScrollDown => Some(KeyCode::Down),
                    _ => None,
                };
                self.dirty |= key.is_some_and(|key| self.scroll.take(key));
                Vec::new()
            }
            TerminalEvent::Resize(..) => vec![TerminalEffect::Redraw],
            TerminalEvent::Signal(signal) => vec![TerminalEffect::Leave(Outcome::Signal(signal))],
            TerminalEvent::Background(light) => {
                self.look.light = Some(light);
                self.theme = self.look.theme();
                self.dirty = true;
                Vec::new()
            }
            TerminalEvent::Paste(_)
            | TerminalEvent::Themes(_)
            | TerminalEvent::Told(_)
            | TerminalEvent::Outside(_) => Vec::new(),
        }
    }

    fn tick(&mut self) -> Option<TerminalEvent> {
        None
    }

    fn take(&mut self) -> (Vec<TerminalEvent>, bool) {
        (Vec::new(), false)
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    fn is_dirty(&self) -> bool {
        self.dirty
    }

    fn set_dirty(&mut self) {
        self.dirty = true;
    }

    fn wake_in(&self) -> Option<Duration> {
        None
    }

    fn status(&self) -> TerminalStatus {
        TerminalStatus {
            title: format!("{} - plandeck", self.question.plan()),
            progress: None,
        }
    }

    fn leads_on(&self) -> bool {
        self.choice.is_some()
    }

    fn draw(&mut self, frame: &mut Frame<'_>) {
        self.dirty = false;
        let area = frame.area();
        let buf = frame.buffer_mut();
        draw(&self.question, &mut self.scroll, &self.theme, buf, area);
    }
}

/// What a key means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pressed<C> {
    Answer(C),
    Leave,
}

/// What a key means; `None` where it gives no answer.
pub(super) fn pressed<Q: Question>(question: &Q, event: &KeyEvent) -> Option<Pressed<Q::Choice>> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let has = |keys: &[Key]| keys.iter().any(|key| key.matches(event));
    if has(&LEAVE) {
        return Some(Pressed::Leave);
    }
    let mut answers = question.answers().into_iter();
    let answer = answers.find(|answer| has(&answer.keys))?;
    Some(Pressed::Answer(answer.choice))
}

/// Draws the question into a box in the middle of the screen.
pub(super) fn draw<Q: Question>(
    question: &Q,
    scroll: &mut Scroll,
    theme: &Theme,
    buf: &mut Buffer,
    screen: Rect,
) {
    if screen.is_empty() {
        return;
    }
    buf.set_style(screen, theme.background);
    let width = screen.width.min(question.width());
    let above = question.text(theme, width.saturating_sub(4) as usize);
    let below = answer_lines(question, theme);
    let wanted = (above.len() + 1 + below.len()) as u16 + 2;
    let height = wanted.min(screen.height);
    let area = Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 3,
        width,
        height,
    };
    let title = format!(" {} ", text::fit(question.plan(), 40));
    let inside = area.height.saturating_sub(2) as usize;
    // Where the box is too small for everything, the keys matter most.
    scroll.room = inside.saturating_sub(below.len());
    scroll.hidden = (above.len() + 1).saturating_sub(scroll.room.max(1));
    if scroll.room >= above.len() {
        scroll.hidden = 0;
    }
    scroll.from = scroll.from.min(scroll.hidden);
    let more = scroll.hidden - scroll.from;
    let bottom = match more {
        0 if scroll.hidden == 0 => Line::default(),
        0 => Line::from(" ↑ "),
        more => Line::from(format!(" ↓ {more} more ")),
    };
    let inner = frame(theme, buf, area, true, Line::from(title), bottom);
    let room = (inner.height as usize).saturating_sub(below.len());
    let shown: Vec<Line<'static>> = above.into_iter().skip(scroll.from).take(room).collect();
    let gap = room.saturating_sub(shown.len()).min(1);
    let gap = std::iter::repeat_n(Line::default(), gap);
    let lines = shown.into_iter().chain(gap).chain(below);
    for (row, line) in lines.take(inner.height as usize).enumerate() {
        let x = inner.x + u16::from(inner.width > 2);
        let y = inner.y + row as u16;
        buf.set_line(x, y, &line, inner.width.saturating_sub(2));
    }
    if theme.ascii {
        ascii::translate(buf);
    }
}

fn answer_lines<Q: Question>(question: &Q, theme: &Theme) -> Vec<Line<'static>> {
    let line = |key: Option<&Key>, description: String| {
        let key = key.map(ToString::to_string).unwrap_or_default();
        Line::from(vec![
            Span::styled(text::pad(&key, KEYS), theme.accent),
            Span::styled(description, theme.text),
        ])
    };
    let answers = question.answers().into_iter();
    let mut lines: Vec<Line<'static>> = answers
        .map(|answer| line(answer.keys.first(), answer.description))
        .collect();
    lines.push(line(LEAVE.first(), question.leaving().to_owned()));
    lines
}
