//! What is asked before a plan is run whose last run was cut short: go on with that one, or start anew.

use super::theme::Theme;
use crate::run::StepStatus;
use crate::text;
use crate::tui::dashboard::message::Outcome;
use crate::tui::dashboard::view::frame;
use crate::tui::input::key::Key;
use crate::tui::terminal::screen::{Error, Heard, Options, Scene, Stage, Wish};
use crate::tui::theme::ascii;
use crate::units::Money;
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind};
use futures::future::BoxFuture;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use std::sync::Arc;
use std::time::Duration;

/// Cells of the box.
const WIDTH: u16 = 64;
/// Steps that are named.
const NAMED: usize = 6;

/// A run that was cut short.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The plan's name.
    pub plan: Arc<str>,
    /// When the run started, as people here read it.
    pub started_at: Arc<str>,
    /// Steps that succeeded.
    pub done: u64,
    /// The plan's steps.
    pub steps: u64,
    /// What it cost; `None` where that is not known or not tracked.
    pub cost: Option<Money>,
    /// Steps that were under way when the process died.
    pub under_way: Vec<Arc<str>>,
}

/// What a person says to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Go on with the run.
    GoOn,
    /// Start a new one.
    Anew,
    /// Neither.
    Leave(Outcome),
}

/// An answer as the registry has it.
struct Entry {
    reply: Reply,
    keys: &'static [Key],
    description: &'static str,
}

/// The answers, in the order in which they stand.
static REGISTRY: &[Entry] = &[
    Entry {
        reply: Reply::GoOn,
        keys: &[Key::code(KeyCode::Enter), Key::char('g'), Key::char('y')],
        description: "go on with it: what had ended is not done again",
    },
    Entry {
        reply: Reply::Anew,
        keys: &[Key::char('n')],
        description: "start anew",
    },
    Entry {
        reply: Reply::Leave(Outcome::Quit),
        keys: &[Key::code(KeyCode::Esc), Key::char('q'), Key::control('c')],
        description: "leave",
    },
];

/// Asks, and gives the terminal back before this returns.
pub async fn offer(offer: Offer, options: Options) -> Result<Reply, Error> {
    let theme = options.theme()?;
    let stage = Stage::take()?;
    let mut scene = Asking {
        offer,
        theme,
        reply: None,
        dirty: true,
    };
    let outcome = stage.play(&mut scene).await?;
    Ok(scene.reply.unwrap_or(Reply::Leave(outcome)))
}

struct Asking {
    offer: Offer,
    theme: Theme,
    reply: Option<Reply>,
    dirty: bool,
}

impl Scene for Asking {
    fn tick(&mut self) -> Vec<Wish> {
        Vec::new()
    }

    fn hear(&mut self, heard: Heard) -> Vec<Wish> {
        match heard {
            Heard::Key(event) => {
                self.reply = reply_to(&event);
                match self.reply {
                    Some(Reply::Leave(outcome)) => vec![Wish::Leave(outcome)],
                    Some(_) => vec![Wish::Leave(Outcome::Quit)],
                    None => Vec::new(),
                }
            }
            Heard::Resize(..) => vec![Wish::Redraw],
            Heard::Signal(signal) => vec![Wish::Leave(Outcome::Signal(signal))],
            Heard::Mouse(_) | Heard::Paste(_) => Vec::new(),
        }
    }

    fn take(&mut self) -> (Vec<Wish>, bool) {
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

    fn leads_on(&self) -> bool {
        matches!(self.reply, Some(Reply::GoOn | Reply::Anew))
    }

    fn draw(&mut self, frame: &mut Frame<'_>) {
        self.dirty = false;
        let area = frame.area();
        draw(&self.offer, &self.theme, frame.buffer_mut(), area);
    }
}

/// The answer that a key gives.
fn reply_to(event: &KeyEvent) -> Option<Reply> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let mut entries = REGISTRY.iter();
    let entry = entries.find(|entry| entry.keys.iter().any(|key| key.matches(event)))?;
    Some(entry.reply)
}

fn draw(offer: &Offer, theme: &Theme, buf: &mut Buffer, screen: Rect) {
    if screen.is_empty() {
        return;
    }
    buf.set_style(screen, theme.background);
    let width = screen.width.min(WIDTH);
    let (above, below) = lines(offer, theme, width.saturating_sub(4) as usize);
    let wanted = (above.len() + below.len()) as u16 + 2;
    let height = wanted.min(screen.height);
    let area = Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 3,
        width,
        height,
    };
    let title = format!(" {} ", text::fit(&offer.plan, 40));
    let inner = frame(theme, buf, area, true, Line::from(title), Line::default());
    // Where the box is too small for everything, the keys matter most.
    let room = (inner.height as usize).saturating_sub(below.len());
    let shown = above.into_iter().take(room).chain(below);
    for (row, line) in shown.take(inner.height as usize).enumerate() {
        let x = inner.x + u16::from(inner.width > 2);
        buf.set_line(
            x,
            inner.y + row as u16,
            &line,
            inner.width.saturating_sub(2),
        );
    }
    if theme.ascii {
        ascii::translate(buf);
    }
}

/// What is to be known, and the keys.
fn lines(offer: &Offer, theme: &Theme, width: usize) -> (Vec<Line<'static>>, Vec<Line<'static>>) {
    let unknown = theme.status(StepStatus::Unknown);
    let mut facts = vec![format!("{} of {} steps done", offer.done, offer.steps)];
    facts.extend(offer.cost.map(|cost| format!("{cost} spent")));
    let mut above = vec![
        Line::from(vec![
            Span::styled(unknown.glyph, unknown.style),
            Span::styled(" The last run of this plan was cut short.", theme.strong),
        ]),
        Line::default(),
        Line::styled(
            text::fit(&format!("It started {}.", offer.started_at), width),
            theme.text,
        ),
        Line::styled(text::fit(&facts.join(", "), width), theme.text),
    ];
    if !offer.under_way.is_empty() {
        let mut names: Vec<&str> = offer.under_way.iter().map(|id| &**id).take(NAMED).collect();
        let more = offer.under_way.len() - names.len();
        let more = (more > 0).then(|| format!("{more} more"));
        names.extend(more.as_deref());
        let words = format!("Under way then: {}", names.join(", "));
        let wrapped = text::wrap(&words, width, 3).lines.into_iter();
        above.extend(wrapped.map(|line| Line::styled(line, theme.warning)));
    }
    above.push(Line::default());
    let below = REGISTRY.iter().map(|entry| {
        let key = entry.keys.first().map(ToString::to_string);
        Line::from(vec![
            Span::styled(text::pad(&key.unwrap_or_default(), 7), theme.accent),
            Span::styled(entry.description, theme.text),
        ])
    });
    (above, below.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::KeyModifiers;

    fn an_offer() -> Offer {
        Offer {
            plan: "payroll".into(),
            started_at: "2026-11-26 13:05:11".into(),
            done: 4,
            steps: 9,
            cost: Some(Money::from_usd(0.0123)),
            under_way: (0..8).map(|n| format!("pay\u{1b}{n}").into()).collect(),
        }
    }

    #[test]
    fn it_says_what_is_at_stake_at_any_size() {
        for (width, height) in [(80, 24), (40, 10), (20, 5), (1, 1), (0, 0)] {
            let area = Rect::new(0, 0, width, height);
            let mut buf = Buffer::empty(area);
            draw(&an_offer(), &Theme::default(), &mut buf, area);
            let text: Vec<String> = (0..height)
                .map(|y| (0..width).map(|x| buf[(x, y)].symbol()).collect())
                .collect();
            let text = text.join("\n");
            assert!(!text.contains('\u{1b}'));
            if width >= 40 {
                for there in ["go on with it", "start anew", "leave", "payroll"] {
                    assert!(text.contains(there), "{there} at {width}×{height}:\n{text}");
                }
            }
            if width == 80 {
                let wanted = ["4 of 9 steps done", "$0.0123 spent", "pay␛5, 2"];
                assert!(wanted.iter().all(|there| text.contains(there)), "{text}");
            }
        }
    }

    #[test]
    fn each_key_gives_one_answer() {
        let reply = |code, modifiers| reply_to(&KeyEvent::new(code, modifiers));
        let none = KeyModifiers::NONE;
        assert_eq!(reply(KeyCode::Enter, none), Some(Reply::GoOn));
        assert_eq!(reply(KeyCode::Char('n'), none), Some(Reply::Anew));
        let leave = Some(Reply::Leave(Outcome::Quit));
        assert_eq!(reply(KeyCode::Esc, none), leave);
        assert_eq!(reply(KeyCode::Char('c'), KeyModifiers::CONTROL), leave);
        assert_eq!(reply(KeyCode::Char('x'), none), None);
    }
}
