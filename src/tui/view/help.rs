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

/// Draws the help over the screen, scrolled by `scroll` lines.
pub fn draw(model: &mut Model, scroll: usize, buf: &mut Buffer, screen: Rect) {
    let width = screen.width.min(WIDTH);
    let lines = lines(model, width.saturating_sub(4) as usize);
    let height = screen.height.min(lines.len() as u16 + 2);
    let area = super::question::centred(screen, width, height);
    Clear.render(area, buf);
    buf.set_style(area, model.theme.background);
    let room = area.height.saturating_sub(2) as usize;
    let most = lines.len().saturating_sub(room);
    let scroll = scroll.min(most);
    if let Some(crate::tui::model::Overlay::Help(at)) = &mut model.overlay {
        *at = scroll;
    }
    let more = if most > 0 {
        format!(
            " {} to {} of {} lines, ↑↓ scroll ",
            scroll + 1,
            (scroll + room).min(lines.len()),
            lines.len()
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
    for (at, line) in lines
        .iter()
        .skip(scroll)
        .take(inner.height as usize)
        .enumerate()
    {
        let (x, width) = (
            inner.x + u16::from(inner.width > 2),
            inner.width.saturating_sub(2),
        );
        buf.set_line(x, inner.y + at as u16, line, width);
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
