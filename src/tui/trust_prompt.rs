//! The question before running a plan that is not trusted: everything that it would start, reach and run.

use super::prompt::{Answer, Question, ask};
use super::theme::Theme;
use crate::text;
use crate::tui::input::key::Key;
use crate::tui::terminal::options::{Error, Options};
use crate::tui::terminal::screen::Outcome;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Cells of the box.
const WIDTH: u16 = 100;
/// Cells of the column of verbs, with the mark.
const VERB: usize = 12;
/// Lines of one thing: the whole of what is started is to be seen.
const MAX_LINES: usize = 200;

/// One thing that the plan would do.
#[derive(Clone, Debug)]
pub(crate) struct TrustItem {
    /// `+` where it is new since the plan was trusted, `-` where it is gone, else a space.
    pub mark: char,
    /// What is done with it.
    pub verb: &'static str,
    /// The program, host, tool or variable.
    pub what: String,
}

/// A plan that is not trusted.
#[derive(Clone, Debug)]
pub(crate) struct TrustPrompt {
    /// The plan's name.
    pub plan: String,
    /// Whether an earlier content was trusted.
    pub is_change: bool,
    /// What it would do.
    pub items: Vec<TrustItem>,
    /// The files that changed since it was trusted, in words.
    pub changed: Vec<String>,
    /// The folders that can be trusted, in words; or why none can.
    pub folders: Result<String, String>,
}

/// The user's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrustChoice {
    /// Trust this content.
    Content,
    /// Trust the folders.
    Folders,
    /// Run it this time.
    Once,
}

/// Asks, and gives the terminal back before this returns: the answer, or how the user left without one.
pub(crate) async fn ask_for_trust(
    prompt: TrustPrompt,
    options: Options,
) -> Result<Result<TrustChoice, Outcome>, Error> {
    ask(prompt, options).await
}

impl Question for TrustPrompt {
    type Choice = TrustChoice;

    fn plan(&self) -> &str {
        &self.plan
    }

    fn width(&self) -> u16 {
        WIDTH
    }

    fn text(&self, theme: &Theme, width: usize) -> Vec<Line<'static>> {
        let asked = if self.is_change {
            "This plan has changed since you trusted it. It would:"
        } else {
            "Do you trust this plan? It would:"
        };
        let mut lines = wrapped(asked, width, theme.strong);
        lines.push(Line::default());
        for item in &self.items {
            lines.extend(item.lines(theme, width));
        }
        if !self.changed.is_empty() {
            lines.push(Line::default());
            let words = format!("Changed: {}", self.changed.join(", "));
            lines.extend(wrapped(&words, width, theme.warning));
        }
        if let Err(why) = &self.folders {
            lines.push(Line::default());
            let words = format!("Its folder cannot be trusted here: {why}.");
            lines.extend(wrapped(&words, width, theme.dim));
        }
        lines
    }

    fn answers(&self) -> Vec<Answer<TrustChoice>> {
        let mut answers = vec![Answer {
            choice: TrustChoice::Content,
            keys: vec![Key::char('t')],
            description: "trust this plan as it is: a change asks again".to_owned(),
        }];
        if let Ok(folders) = &self.folders {
            answers.push(Answer {
                choice: TrustChoice::Folders,
                keys: vec![Key::char('f')],
                description: format!("trust everything in {}", text::line(folders)),
            });
        }
        answers.push(Answer {
            choice: TrustChoice::Once,
            keys: vec![Key::char('o')],
            description: "run it once".to_owned(),
        });
        answers
    }

    fn leaving(&self) -> &'static str {
        "leave: nothing runs"
    }
}

impl TrustItem {
    fn lines(&self, theme: &Theme, width: usize) -> Vec<Line<'static>> {
        let style = match self.mark {
            '+' => theme.good,
            '-' => theme.bad,
            _ => theme.text,
        };
        let head = text::pad(&format!("{} {}", self.mark, self.verb), VERB);
        let column = VERB.min(width / 2);
        let what = text::wrap(&self.what, width.saturating_sub(column), MAX_LINES);
        let mut rest = what.lines.into_iter();
        let first = Line::from(vec![
            Span::styled(text::fit(&head, column), theme.dim),
            Span::styled(rest.next().unwrap_or_default(), style),
        ]);
        let indent = " ".repeat(column);
        let rest =
            rest.map(|line| Line::from(vec![Span::raw(indent.clone()), Span::styled(line, style)]));
        let cut = what
            .cut
            .then(|| Line::styled(format!("{indent}…"), theme.warning));
        std::iter::once(first).chain(rest).chain(cut).collect()
    }
}

fn wrapped(words: &str, width: usize, style: Style) -> Vec<Line<'static>> {
    let lines = text::wrap(words, width, MAX_LINES).lines;
    lines
        .into_iter()
        .map(|line| Line::styled(line, style))
        .collect()
}
