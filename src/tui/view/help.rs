//! Every key, from the registry.

use crate::text;
use crate::tui::actions::{Entry, Group, REGISTRY};
use crate::tui::model::Model;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};
use unicode_width::UnicodeWidthStr;

/// Cells of the column of keys.
const KEYS: usize = 15;
/// Cells of the overlay.
const WIDTH: u16 = 78;

/// Draws the help over the screen, scrolled by `scroll` lines; in two columns where there is room.
pub fn draw(model: &mut Model, scroll: usize, buf: &mut Buffer, screen: Rect) {
    let columns = if screen.width >= 2 * WIDTH - 40 { 2 } else { 1 };
    let column = if columns == 2 {
        (screen.width - 6).min(2 * WIDTH) / 2
    } else {
        screen.width.min(WIDTH)
    };
    let lines = lines(model, column.saturating_sub(4) as usize);
    let rows = lines.len().div_ceil(columns as usize);
    let area = super::question::centred(screen, column * columns, rows as u16 + 2);
    Clear.render(area, buf);
    buf.set_style(area, model.theme.background);
    let room = area.height.saturating_sub(2) as usize;
    let most = rows.saturating_sub(room);
    let scroll = scroll.min(most);
    if let Some(crate::tui::model::Overlay::Help(at)) = &mut model.overlay {
        *at = scroll;
    }
    let more = if most > 0 {
        format!(
            " {} to {} of {rows} lines, ↑↓ scroll ",
            scroll + 1,
            scroll + room
        )
    } else {
        String::new()
    };
    let inner = super::pane(
        model,
        buf,
        area,
        true,
        Line::from(" keys "),
        Line::from(more),
    );
    let margin = u16::from(inner.width > 2);
    for at in 0..columns {
        let x = inner.x + margin + at * column;
        let width = (column.saturating_sub(2)).min(inner.right().saturating_sub(x));
        let shown = lines.iter().skip(at as usize * rows).take(rows);
        for (row, line) in shown.skip(scroll).take(inner.height as usize).enumerate() {
            buf.set_line(x, inner.y + row as u16, line, width);
        }
    }
}

fn lines(model: &Model, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for group in Group::ALL {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.push(Line::styled(group.name(), model.theme.strong));
        let mut shown: Vec<&str> = Vec::new();
        for entry in REGISTRY.iter().filter(|entry| entry.group == group) {
            if shown.contains(&entry.name) {
                continue;
            }
            shown.push(entry.name);
            lines.extend(entry_lines(model, entry, width));
        }
    }
    lines
}

fn entry_lines(model: &Model, entry: &Entry, width: usize) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let keys: Vec<String> = REGISTRY
        .iter()
        .filter(|other| other.name == entry.name)
        .flat_map(|other| other.keys)
        .map(ToString::to_string)
        .collect();
    let keys = keys.join(" ");
    let possible = REGISTRY
        .iter()
        .any(|other| other.name == entry.name && (other.enabled)(model));
    let style = if possible { theme.text } else { theme.dim };
    let column = KEYS.max(keys.width() + 1).min(width / 2);
    let description = text::wrap(entry.description, width.saturating_sub(column), 4).lines;
    description
        .into_iter()
        .enumerate()
        .map(|(at, line)| {
            let keys = if at == 0 { keys.as_str() } else { "" };
            Line::from(vec![
                Span::styled(text::pad(keys, column), theme.accent),
                Span::styled(line, style),
            ])
        })
        .collect()
}
