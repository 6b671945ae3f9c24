//! The question before running a plan whose last run was interrupted: resume that run, or start a new one.

use super::theme::Theme;
use super::theme::look::Look;
use crate::run::StepStatus;
use crate::text;
use crate::tui::input::key::Key;
use crate::tui::terminal::options::{Error, Options};
use crate::tui::terminal::screen::{
    Outcome, Screen, TerminalEffect, TerminalEvent, TerminalSession,
};
use crate::tui::terminal::surroundings::TerminalStatus;
use crate::tui::theme::ascii;
use crate::tui::widgets::frame::frame;
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
/// Most steps that are named.
const NAMED: usize = 6;

/// An interrupted run.
#[derive(Clone, Debug)]
pub(crate) struct ResumePrompt {
    /// The plan's name.
    pub plan: Arc<str>,
    /// When the run started, in the local time zone.
    pub started_at: Arc<str>,
    /// Steps that succeeded.
    pub done: u64,
    /// The plan's steps.
    pub steps: u64,
    /// What it cost; `None` where that is not known or not tracked.
    pub cost: Option<Money>,
    /// Steps that were running when the process died.
    pub running: Vec<Arc<str>>,
}

/// The user's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResumeChoice {
    /// Resume the run.
    Resume,
    /// Start a new one.
    StartAgain,
    /// Quit.
    Leave(Outcome),
}

/// An answer as the registry has it.
struct Entry {
    choice: ResumeChoice,
    keys: &'static [Key],
    description: &'static str,
}

/// The answers, in the order in which they stand.
static REGISTRY: &[Entry] = &[
    Entry {
        choice: ResumeChoice::Resume,
        keys: &[Key::code(KeyCode::Enter), Key::char('g'), Key::char('y')],
        description: "resume it: finished steps are not run again",
    },
    Entry {
        choice: ResumeChoice::StartAgain,
        keys: &[Key::char('n')],
        description: "start a new run",
    },
    Entry {
        choice: ResumeChoice::Leave(Outcome::Quit),
        keys: &[Key::code(KeyCode::Esc), Key::char('q'), Key::control('c')],
        description: "quit",
    },
];

/// Asks, and gives the terminal back before this returns.
pub(crate) async fn ask_to_resume(
    run: ResumePrompt,
    options: Options,
) -> Result<ResumeChoice, Error> {
    let look = options.look()?;
    let session = TerminalSession::take(&options, &look)?;
    let theme = look.theme();
    let mut screen = PromptScreen {
        run,
        look,
        theme,
        choice: None,
        dirty: true,
    };
    let outcome = session.show(&mut screen).await?;
    Ok(screen.choice.unwrap_or(ResumeChoice::Leave(outcome)))
}

struct PromptScreen {
    run: ResumePrompt,
    look: Look,
    theme: Theme,
    choice: Option<ResumeChoice>,
    dirty: bool,
}

impl Screen for PromptScreen {
    type Message = TerminalEvent;

    fn update(&mut self, event: TerminalEvent) -> Vec<TerminalEffect> {
        match event {
            TerminalEvent::Key(event) => {
                self.choice = choice_of(&event);
                match self.choice {
                    Some(ResumeChoice::Leave(outcome)) => vec![TerminalEffect::Leave(outcome)],
                    Some(_) => vec![TerminalEffect::Leave(Outcome::Quit)],
                    None => Vec::new(),
                }
            }
            TerminalEvent::Resize(..) => vec![TerminalEffect::Redraw],
            TerminalEvent::Signal(signal) => vec![TerminalEffect::Leave(Outcome::Signal(signal))],
            TerminalEvent::Background(light) => {
                self.look.light = Some(light);
                self.theme = self.look.theme();
                self.dirty = true;
                Vec::new()
            }
            TerminalEvent::Mouse(_)
            | TerminalEvent::Paste(_)
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
            title: format!("{} - plandeck", self.run.plan),
            progress: None,
        }
    }

    fn leads_on(&self) -> bool {
        matches!(
            self.choice,
            Some(ResumeChoice::Resume | ResumeChoice::StartAgain)
        )
    }

    fn draw(&mut self, frame: &mut Frame<'_>) {
        self.dirty = false;
        let area = frame.area();
        draw(&self.run, &self.theme, frame.buffer_mut(), area);
    }
}

/// The answer that a key gives.
fn choice_of(event: &KeyEvent) -> Option<ResumeChoice> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let mut entries = REGISTRY.iter();
    let entry = entries.find(|entry| entry.keys.iter().any(|key| key.matches(event)))?;
    Some(entry.choice)
}

fn draw(run: &ResumePrompt, theme: &Theme, buf: &mut Buffer, screen: Rect) {
    if screen.is_empty() {
        return;
    }
    buf.set_style(screen, theme.background);
    let width = screen.width.min(WIDTH);
    let (above, below) = lines(run, theme, width.saturating_sub(4) as usize);
    let wanted = (above.len() + below.len()) as u16 + 2;
    let height = wanted.min(screen.height);
    let area = Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 3,
        width,
        height,
    };
    let title = format!(" {} ", text::fit(&run.plan, 40));
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
fn lines(
    run: &ResumePrompt,
    theme: &Theme,
    width: usize,
) -> (Vec<Line<'static>>, Vec<Line<'static>>) {
    let unknown = theme.status(StepStatus::Unknown);
    let mut facts = vec![format!("{} of {} steps done", run.done, run.steps)];
    facts.extend(run.cost.map(|cost| format!("{cost} spent")));
    let mut above = vec![
        Line::from(vec![
            Span::styled(unknown.glyph, unknown.style),
            Span::styled(" The last run of this plan was interrupted.", theme.strong),
        ]),
        Line::default(),
        Line::styled(
            text::fit(&format!("It started {}.", run.started_at), width),
            theme.text,
        ),
        Line::styled(text::fit(&facts.join(", "), width), theme.text),
    ];
    if !run.running.is_empty() {
        let mut names: Vec<&str> = run.running.iter().map(|id| &**id).take(NAMED).collect();
        let more = run.running.len() - names.len();
        let more = (more > 0).then(|| format!("{more} more"));
        names.extend(more.as_deref());
        let words = format!("Running then: {}", names.join(", "));
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

    fn an_offer() -> ResumePrompt {
        ResumePrompt {
            plan: "payroll".into(),
            started_at: "2026-11-26 13:05:11".into(),
            done: 4,
            steps: 9,
            cost: Some(Money::from_usd(0.0123)),
            running: (0..8).map(|n| format!("pay\u{1b}{n}").into()).collect(),
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
                for there in ["resume it", "start a new run", "quit", "payroll"] {
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
        let choice = |code, modifiers| choice_of(&KeyEvent::new(code, modifiers));
        let none = KeyModifiers::NONE;
        assert_eq!(choice(KeyCode::Enter, none), Some(ResumeChoice::Resume));
        assert_eq!(
            choice(KeyCode::Char('n'), none),
            Some(ResumeChoice::StartAgain)
        );
        let leave = Some(ResumeChoice::Leave(Outcome::Quit));
        assert_eq!(choice(KeyCode::Esc, none), leave);
        assert_eq!(choice(KeyCode::Char('c'), KeyModifiers::CONTROL), leave);
        assert_eq!(choice(KeyCode::Char('x'), none), None);
    }
}
