//! What an edit of the plan's structure would do, over the screen.

use super::{previewed, repairing, save_edits, text_box};
use crate::text;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::structure::{Structure, StructureEdit};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Cells of the box where there is room.
const WIDTH: u16 = 84;
/// Lines that are shown at most.
const LINES: usize = 400;

/// Draws it.
pub(super) fn draw(model: &Model, shown: &mut Structure, buf: &mut Buffer, screen: Rect) {
    let theme = &model.theme;
    let (width, room) = text_box::width(screen, WIDTH);
    let written = shown.is_written();
    let again = if written { "e edit   " } else { "" };
    let title = shown.title(|step| model.names.fit(step, 40));
    let (hint, lines) = match &shown.known {
        None => (
            "esc leave it".to_owned(),
            vec![Line::styled("working out what it would do", theme.dim)],
        ),
        Some(Err(faults)) => {
            let lines = faults.lines().flat_map(|line| {
                let line = text::line(line);
                let wrapped = text::wrap(&line, room, 4).lines;
                if wrapped.is_empty() {
                    vec![String::new()]
                } else {
                    wrapped
                }
            });
            let lines = lines.take(LINES);
            (
                format!("{again}esc leave the plan as it is"),
                lines
                    .map(|line| Line::styled(line, theme.warning))
                    .collect(),
            )
        }
        Some(Ok(preview)) => {
            let mut lines = previewed::lines(model, preview, room);
            lines.push(Line::default());
            if let StructureEdit::Repair(_, correction) = &shown.edit {
                let by = format!(
                    "{} has corrected the plan for {}:",
                    correction.planner,
                    repairing::amount(correction.cost)
                );
                for line in text::wrap(&text::line(&by), room, 2).lines {
                    lines.push(Line::styled(line, theme.dim));
                }
                lines.extend(save_edits::diff_lines(model, &correction.diff, room));
                lines.push(Line::default());
            }
            let words = if shown.to.is_some() {
                "Another run goes on with the edited plan, with everything that this one has done, as soon as nothing else \
                 of it is running. Until then this run goes on, and starts nothing that the edit is about. \
                 ctrl-u takes the edit back until then."
            } else {
                "A fork of this run does it. This run stays as it is: to go back, open it again. \
                 ctrl-w in the fork writes the plan to its file."
            };
            for line in text::wrap(words, room, 3).lines {
                lines.push(Line::styled(line, theme.dim));
            }
            (format!("enter do it   {again}esc leave it"), lines)
        }
    };
    text_box::draw(
        model,
        (&title, &hint),
        &lines,
        &mut shown.scroll,
        buf,
        (screen, width),
    );
}
