//! Every key, from the registry.

use crate::text;
use crate::tui::dashboard::keymap::entry::{Entry, Group};
use crate::tui::dashboard::keymap::registry::{self, entries, possible};
use crate::tui::dashboard::state::model::Model;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};
use unicode_width::UnicodeWidthStr;

/// Cells of the column of keys.
const KEYS: usize = 15;
/// Cells of the overlay, or of one of its two columns.
const WIDTH: u16 = 78;
/// Columns of the screen from which there are two.
const DOUBLE: u16 = 110;

/// Draws the help over `screen`, which leaves out the footer, scrolled by `scroll` lines; in two columns where there
/// is room. Gives how far it is scrolled, which is no further than there is something to see.
pub(super) fn draw(model: &Model, scroll: usize, buf: &mut Buffer, screen: Rect) -> usize {
    let double = screen.width >= DOUBLE;
    let column = if double {
        (screen.width - 6).min(2 * WIDTH) / 2
    } else {
        screen.width.min(WIDTH)
    };
    let groups: Vec<_> = Group::ALL
        .into_iter()
        .map(|group| group_lines(model, group, column.saturating_sub(4) as usize))
        .collect();
    let columns = if double {
        halves(&groups)
    } else {
        vec![join(&groups)]
    };
    let rows = columns.iter().map(Vec::len).max().unwrap_or(0);
    let width = column * columns.len() as u16;
    let area = super::question::centred(screen, width, rows as u16 + 2);
    // What would stick out at the sides of a box from top to bottom says nothing.
    let cleared = if area.height == screen.height {
        screen
    } else {
        area
    };
    Clear.render(cleared, buf);
    buf.set_style(cleared, model.theme.background);
    let room = area.height.saturating_sub(2) as usize;
    let most = rows.saturating_sub(room);
    let scroll = scroll.min(most);
    let more = if most > 0 {
        format!(
            " {} to {} of {rows} lines, ↑↓ scroll ",
            scroll + 1,
            scroll + room
        )
    } else {
        String::new()
    };
    let (title, more) = (Line::from(" keys "), Line::from(more));
    let inner = super::pane(model, buf, area, true, title, more);
    let margin = u16::from(inner.width > 2);
    for (at, lines) in columns.iter().enumerate() {
        let x = inner.x + margin + at as u16 * column;
        let width = column
            .saturating_sub(3)
            .min(inner.right().saturating_sub(x));
        let shown = lines.iter().skip(scroll).take(inner.height as usize);
        for (row, line) in shown.enumerate() {
            buf.set_line(x, inner.y + row as u16, line, width);
        }
    }
    scroll
}

type Lines = Vec<Line<'static>>;

/// The groups below each other.
fn join(groups: &[Lines]) -> Lines {
    groups.join(&Line::default())
}

/// The groups in two columns of heights as alike as can be.
fn halves(groups: &[Lines]) -> Vec<Lines> {
    let split = |at: usize| vec![join(&groups[..at]), join(&groups[at..])];
    (0..=groups.len())
        .map(split)
        .min_by_key(|columns| columns.iter().map(Vec::len).max())
        .unwrap_or_default()
}

fn group_lines(model: &Model, group: Group, width: usize) -> Lines {
    let mut lines = vec![Line::styled(group.name(), model.theme.strong)];
    let mut shown: Vec<&str> = Vec::new();
    for entry in entries().filter(|entry| entry.scope.group == group) {
        if !shown.contains(&entry.name) {
            shown.push(entry.name);
            lines.extend(entry_lines(model, entry, width));
        }
    }
    lines
}

fn entry_lines(model: &Model, entry: &Entry, width: usize) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let keys = registry::keys(entry.name);
    let style = if possible(model, entry.name) {
        theme.text
    } else {
        theme.dim
    };
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
