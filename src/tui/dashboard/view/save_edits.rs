//! What the edits of the run change in its files, over the screen.

use super::text_box;
use crate::text;
use crate::tui::dashboard::history::EditsDiff;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::SaveEdits;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Cells of the box where there is room.
const WIDTH: u16 = 100;
/// Lines of the difference that are shown at most.
const LINES: usize = 2_000;

/// Draws it.
pub(super) fn draw(model: &Model, edits: &mut SaveEdits, buf: &mut Buffer, screen: Rect) {
    let (width, room) = text_box::width(screen, WIDTH);
    let theme = &model.theme;
    let (title, hint, lines) = match &edits.known {
        Err(why) => {
            let wrapped = why
                .lines()
                .flat_map(|line| text::wrap(&text::line(line), room, 4).lines);
            let lines = wrapped.map(|line| Line::styled(line, theme.warning));
            ("the edits cannot be saved", "esc back", lines.collect())
        }
        Ok(known) if known.diff.is_empty() => {
            let mut lines = left_out(model, known, room);
            let words = "The files hold the edits of the run already, or there are none.";
            lines.insert(0, Line::styled(words, theme.text));
            ("nothing to save", "esc back", lines)
        }
        Ok(known) => {
            let hint = "enter write   esc leave the files as they are";
            ("save the edits of the run", hint, of(model, known, room))
        }
    };
    let lines: Vec<Line<'static>> = lines;
    text_box::draw(
        model,
        (title, hint),
        &lines,
        &mut edits.scroll,
        buf,
        (screen, width),
    );
}

fn of(model: &Model, known: &EditsDiff, room: usize) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let mut lines = Vec::new();
    for saved in &known.saved {
        for line in text::wrap(&text::line(saved), room, 3).lines {
            lines.push(Line::styled(line, theme.text));
        }
    }
    lines.extend(left_out(model, known, room));
    lines.push(Line::default());
    lines.extend(diff_lines(model, &known.diff, room));
    lines
}

/// The lines of a difference, as far as they are shown.
pub(super) fn diff_lines(model: &Model, diff: &str, room: usize) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let lines = diff.lines().take(LINES).map(|line| {
        let style = match line.as_bytes().first() {
            Some(b'+') if !line.starts_with("+++") => theme.good,
            Some(b'-') if !line.starts_with("---") => theme.bad,
            Some(b' ') => theme.text,
            _ => theme.dim,
        };
        Line::styled(text::fit(line, room), style)
    });
    lines.collect()
}

fn left_out(model: &Model, known: &EditsDiff, room: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for left_out in &known.left_out {
        let words = format!("not saved: {}", text::line(left_out));
        for line in text::wrap(&words, room, 4).lines {
            lines.push(Line::styled(line, model.theme.warning));
        }
    }
    lines
}
