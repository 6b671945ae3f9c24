//! What an edit of the plan changes, or its faults, over the screen.

use super::text_box;
use crate::text::{self, format};
use crate::tui::dashboard::state::correction::PlanChange;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::PlanEdit;
use crate::units::Money;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Cells of the box where there is room.
const WIDTH: u16 = 84;
/// Lines that are shown at most, and ids of a list.
const LINES: usize = 400;
const IDS: usize = 12;
/// Cells of the labels.
const LABEL: usize = 11;

/// Draws it.
pub(super) fn draw(model: &Model, edit: &mut PlanEdit, buf: &mut Buffer, screen: Rect) {
    let theme = &model.theme;
    let (width, room) = text_box::width(screen, WIDTH);
    let (title, hint, lines) = match &edit.known {
        Err(faults) => {
            let lines = faults.lines().flat_map(|line| {
                let line = text::line(line);
                let wrapped = text::wrap(&line, room, 4).lines;
                // The excerpt stands as it is.
                if wrapped.is_empty() {
                    vec![String::new()]
                } else {
                    wrapped
                }
            });
            let lines = lines
                .take(LINES)
                .map(|line| Line::styled(line, theme.warning));
            let title = "the edited plan cannot run";
            (title, "e edit   esc leave it as saved", lines.collect())
        }
        Ok(change) if change.reruns.is_empty() => {
            let words = "Every step keeps its output: nothing that a step does is another one.";
            let lines = vec![Line::styled(words, theme.text)];
            ("nothing runs again", "e edit   esc back", lines)
        }
        Ok(change) => {
            let ended = model.is_replay() || model.run.has_ended();
            let hint = if ended {
                "y run again   e edit   esc not now"
            } else {
                "e edit   esc back"
            };
            (
                "run again what changed",
                hint,
                of(model, change, room, ended),
            )
        }
    };
    let lines: Vec<Line<'static>> = lines;
    text_box::draw(
        model,
        (title, hint),
        &lines,
        &mut edit.scroll,
        buf,
        (screen, width),
    );
}

fn of(model: &Model, change: &PlanChange, room: usize, ended: bool) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let mut lines = fields(model, change, room);
    if !ended {
        lines.push(Line::default());
        let words =
            "The run goes on with the plan as it was. When it has ended, ctrl-e offers this again.";
        for line in text::wrap(words, room, 3).lines {
            lines.push(Line::styled(line, theme.warning));
        }
    }
    lines
}

/// What changes, what runs again and what stays, with the price.
pub(super) fn fields(model: &Model, change: &PlanChange, room: usize) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let mut lines = Vec::new();
    let mut field = |label: &str, words: &str| {
        let wrapped = text::wrap(words, room.saturating_sub(LABEL), 6).lines;
        for (at, line) in wrapped.into_iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            lines.push(Line::from(vec![
                Span::styled(format!("{label:<LABEL$}"), theme.dim),
                Span::styled(line, theme.text),
            ]));
        }
    };
    field("changed", &named(&change.changed));
    field("run again", &named(&change.reruns));
    let stays = match change.stays {
        0 => "no other step".to_owned(),
        1 => "1 step keeps its output".to_owned(),
        many => format!(
            "{} steps keep their outputs",
            format::thousands(many as u64)
        ),
    };
    field("stays", &stays);
    field("price", &price(change));
    lines
}

fn named(ids: &[String]) -> String {
    if ids.is_empty() {
        return "no step".to_owned();
    }
    let shown: Vec<String> = ids.iter().take(IDS).map(|id| text::line(id)).collect();
    let more = ids.len().saturating_sub(IDS);
    let more = if more > 0 {
        format!(" and {} more", format::thousands(more as u64))
    } else {
        String::new()
    };
    format!("{}{more}", shown.join(", "))
}

fn price(change: &PlanChange) -> String {
    let or_unknown = |amount: Option<Money>, unknown: &str| {
        amount.map_or_else(|| unknown.to_owned(), |amount| amount.to_string())
    };
    if change.max == Some(Money::ZERO) {
        return "free".to_owned();
    }
    format!(
        "{} expected, from {} to {}",
        or_unknown(change.expected, "unknown"),
        change.min,
        or_unknown(change.max, "no known bound")
    )
}
