//! The question before running a plan whose last run was interrupted: resume that run, or start a new one.

use super::prompt::{Answer, Question, ask};
use super::theme::Theme;
use crate::run::StepStatus;
use crate::text;
use crate::tui::input::key::Key;
use crate::tui::terminal::options::{Error, Options};
use crate::tui::terminal::screen::Outcome;
use crate::units::Money;
use crossterm::event::KeyCode;
use ratatui::text::{Line, Span};
use std::sync::Arc;

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
    /// Whether it waits for an approval; else it was interrupted.
    pub waits: bool,
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

/// Asks, and gives the terminal back before this returns.
pub(crate) async fn ask_to_resume(
    run: ResumePrompt,
    options: Options,
) -> Result<ResumeChoice, Error> {
    let answer = ask(run, options).await?;
    Ok(answer.unwrap_or_else(ResumeChoice::Leave))
}

impl Question for ResumePrompt {
    type Choice = ResumeChoice;

    fn plan(&self) -> &str {
        &self.plan
    }

    fn width(&self) -> u16 {
        WIDTH
    }

    fn text(&self, theme: &Theme, width: usize) -> Vec<Line<'static>> {
        let (sign, words) = if self.waits {
            (
                StepStatus::Ready,
                " The last run of this plan waits for an approval.",
            )
        } else {
            (
                StepStatus::Unknown,
                " The last run of this plan was interrupted.",
            )
        };
        let sign = theme.status(sign);
        let mut facts = vec![format!("{} of {} steps done", self.done, self.steps)];
        facts.extend(self.cost.map(|cost| format!("{cost} spent")));
        let mut lines = vec![
            Line::from(vec![
                Span::styled(sign.glyph, sign.style),
                Span::styled(words, theme.strong),
            ]),
            Line::default(),
            Line::styled(
                text::fit(&format!("It started {}.", self.started_at), width),
                theme.text,
            ),
            Line::styled(text::fit(&facts.join(", "), width), theme.text),
        ];
        if !self.running.is_empty() {
            let mut names: Vec<&str> = self.running.iter().map(|id| &**id).take(NAMED).collect();
            let more = self.running.len() - names.len();
            let more = (more > 0).then(|| format!("{more} more"));
            names.extend(more.as_deref());
            let words = format!("Running then: {}", names.join(", "));
            let wrapped = text::wrap(&words, width, 3).lines.into_iter();
            lines.extend(wrapped.map(|line| Line::styled(line, theme.warning)));
        }
        lines
    }

    fn answers(&self) -> Vec<Answer<ResumeChoice>> {
        vec![
            Answer {
                choice: ResumeChoice::Resume,
                keys: vec![Key::code(KeyCode::Enter), Key::char('g'), Key::char('y')],
                description: "resume it: finished steps are not run again".to_owned(),
            },
            Answer {
                choice: ResumeChoice::StartAgain,
                keys: vec![Key::char('n')],
                description: "start a new run".to_owned(),
            },
        ]
    }

    fn leaving(&self) -> &'static str {
        "quit"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::prompt::{Pressed, Scroll, draw, pressed};
    use crossterm::event::{KeyEvent, KeyModifiers};
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    fn an_offer() -> ResumePrompt {
        ResumePrompt {
            plan: "payroll".into(),
            started_at: "2026-11-26 13:05:11".into(),
            done: 4,
            steps: 9,
            cost: Some(Money::from_usd(0.0123)),
            waits: false,
            running: (0..8).map(|n| format!("pay\u{1b}{n}").into()).collect(),
        }
    }

    #[test]
    fn it_says_what_is_at_stake_at_any_size() {
        for (width, height) in [(80, 24), (40, 10), (20, 5), (1, 1), (0, 0)] {
            let area = Rect::new(0, 0, width, height);
            let mut buf = Buffer::empty(area);
            let mut scroll = Scroll::default();
            draw(&an_offer(), &mut scroll, &Theme::default(), &mut buf, area);
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
        let choice = |code, modifiers| pressed(&an_offer(), &KeyEvent::new(code, modifiers));
        let none = KeyModifiers::NONE;
        let resume = Some(Pressed::Answer(ResumeChoice::Resume));
        assert_eq!(choice(KeyCode::Enter, none), resume);
        let start = Some(Pressed::Answer(ResumeChoice::StartAgain));
        assert_eq!(choice(KeyCode::Char('n'), none), start);
        assert_eq!(choice(KeyCode::Esc, none), Some(Pressed::Leave));
        let control = KeyModifiers::CONTROL;
        assert_eq!(choice(KeyCode::Char('c'), control), Some(Pressed::Leave));
        assert_eq!(choice(KeyCode::Char('x'), none), None);
    }
}
