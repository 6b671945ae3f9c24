//! The confirmation of an action that cannot be undone.

use crate::run::SkipReason;
use crate::text;
use crate::text::format;
use crate::tui::dashboard::keymap::hints;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::Question;
use crate::tui::dashboard::state::setting_line;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

/// Cells of the box.
const WIDTH: u16 = 52;

/// Draws the question over the screen.
pub(super) fn draw(model: &Model, question: Question, buf: &mut Buffer, screen: Rect) {
    let width = screen.width.min(WIDTH);
    let (title, body) = words(model, question);
    let room = width.saturating_sub(4) as usize;
    let mut lines: Vec<Line<'static>> = text::wrap(&body, room, 7)
        .lines
        .into_iter()
        .map(|line| Line::styled(line, model.theme.text))
        .collect();
    lines.push(Line::default());
    let mut keys = Vec::new();
    for (key, word, _) in hints(model).filter(|(_, word, _)| ["yes", "no"].contains(word)) {
        keys.push(Span::styled(format!("{key} "), model.theme.accent));
        keys.push(Span::styled(format!("{word}   "), model.theme.dim));
    }
    if question == Question::Raise {
        keys.push(Span::styled(", ", model.theme.accent));
        keys.push(Span::styled("another value", model.theme.dim));
    }
    lines.push(Line::from(keys));
    let area = centred(screen, width, lines.len() as u16 + 2);
    Clear.render(area, buf);
    buf.set_style(area, model.theme.background);
    let inner = super::pane(
        model,
        buf,
        area,
        true,
        Line::from(format!(" {title} ")),
        Line::default(),
    );
    // Where the box is too small for everything, the keys matter most.
    let skip = lines.len().saturating_sub(inner.height as usize);
    for (at, line) in lines.iter().skip(skip).enumerate() {
        let (x, width) = (
            inner.x + u16::from(inner.width > 2),
            inner.width.saturating_sub(2),
        );
        buf.set_line(x, inner.y + at as u16, line, width);
    }
}

fn words(model: &Model, question: Question) -> (&'static str, String) {
    let running = model.latest().running;
    let in_flight = match running {
        0 => "Nothing is running.".to_owned(),
        1 => "1 call is running and would be cancelled.".to_owned(),
        many => format!(
            "{} are running and would be cancelled.",
            format::count(many, "call")
        ),
    };
    match question {
        Question::Quit if !model.in_progress() => (
            "quit?",
            "The run has ended in the meantime. Quit?".to_owned(),
        ),
        Question::Quit if model.from_parent => (
            "back to the parent run?",
            format!("The run has not ended. {in_flight} Stop the run and go back?"),
        ),
        Question::Quit if model.from_home => (
            "back to the home screen?",
            format!("The run has not ended. {in_flight} Stop the run and go back?"),
        ),
        Question::Quit => (
            "quit?",
            format!("The run has not ended. {in_flight} Stop the run and quit?"),
        ),
        Question::Stop => (
            "stop the run?",
            format!("{in_flight} Steps that have not started will be skipped."),
        ),
        Question::Raise => {
            let run = &model.run;
            let what = run.error.as_ref();
            let what = what.map_or_else(String::new, |error| format!("{}. ", error.message));
            let skipped = run.steps.iter();
            let skipped = skipped
                .filter(|row| row.reason == Some(SkipReason::Limit) && row.info.parent.is_none());
            let skipped = format::count(skipped.count(), "step");
            let proposed = setting_line::raised(run);
            let proposed = proposed.map_or_else(String::new, |one| setting_line::words(&one));
            (
                "a limit has stopped the run",
                format!(
                    "{what}Raise it ({proposed}) and run the {skipped} that it kept from running?"
                ),
            )
        }
        Question::Fork(step) => {
            let row = model.run.steps.get(step.at());
            let id = model.names.fit(row.map_or("", |row| &row.info.id), 40);
            (
                "fork from here?",
                format!(
                    "A new run calls {id} and its dependents again, and reuses everything else."
                ),
            )
        }
        Question::Skip(step) => {
            let id = model
                .run
                .steps
                .get(step.at())
                .map_or("", |row| &row.info.id);
            let id = text::fit(id, 40);
            (
                "skip?",
                format!("{id} will not run, and its dependents see it as skipped."),
            )
        }
    }
}

/// A box of this size in the middle of the screen.
pub(super) fn centred(screen: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(screen.width), height.min(screen.height));
    Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    }
}
