//! The palette: what was typed, and the actions that fit it, each with its key.

use crate::text;
use crate::tui::dashboard::keymap::palette::{Listed, answers, reason};
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::palette::Palette;
use crate::tui::input::text_field::highlight;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

/// Cells of the box.
const WIDTH: u16 = 76;
/// Most lines of actions.
const LINES: u16 = 14;
/// Cells of the column of names.
const NAME: usize = 18;

/// Draws the palette over the screen, near its top, so that it does not move while it becomes shorter.
pub(super) fn draw(model: &Model, palette: &mut Palette, buf: &mut Buffer, screen: Rect) {
    let listed = answers(model, palette.field.text());
    palette.chosen = palette.chosen.min(listed.len().saturating_sub(1));
    let height = (LINES + 4).min(screen.height);
    let mut area = super::question::centred(screen, WIDTH, height);
    area.y = screen.y + (screen.height - height) / 4;
    Clear.render(area, buf);
    buf.set_style(area, model.theme.background);
    let possible = listed.iter().filter(|line| line.possible).count();
    let bottom = match listed.len() {
        0 => String::new(),
        all => format!(" {possible} of {all} possible now "),
    };
    let (title, bottom) = (Line::from(" actions "), Line::from(bottom));
    let inner = super::pane(model, buf, area, true, title, bottom);
    if inner.is_empty() {
        return;
    }
    let margin = u16::from(inner.width > 4);
    let inner = Rect {
        x: inner.x + margin,
        width: inner.width - 2 * margin,
        ..inner
    };
    let line = Rect { height: 1, ..inner };
    let empty = "type part of what you want to do";
    palette.field.draw(buf, line, empty, &model.theme);
    let gap = 1 + u16::from(inner.height > 6);
    let rows = inner.height.saturating_sub(gap);
    if listed.is_empty() && rows > 0 {
        let words = text::fit("no action matches", inner.width as usize);
        buf.set_string(inner.x, inner.y + gap, words, model.theme.dim);
    }
    let first = first_shown(palette.chosen, listed.len(), rows as usize);
    let shown = listed.iter().enumerate().skip(first).take(rows as usize);
    for (row, (at, entry)) in shown.enumerate() {
        let line = Rect {
            y: inner.y + gap + row as u16,
            height: 1,
            ..inner
        };
        draw_line(model, buf, line, entry, at == palette.chosen);
    }
}

/// The first of `count` lines to show in `rows`, so that the chosen one stands in the middle where it can.
fn first_shown(chosen: usize, count: usize, rows: usize) -> usize {
    chosen
        .saturating_sub(rows / 2)
        .min(count.saturating_sub(rows))
}

fn draw_line(model: &Model, buf: &mut Buffer, line: Rect, listed: &Listed, chosen: bool) {
    let theme = &model.theme;
    let width = line.width as usize;
    let keys = text::fit(&listed.keys, width / 4);
    let name = NAME.min(width / 2);
    let room = width.saturating_sub(name + 1 + text::width(&keys) + 2);
    let (plain, faint) = if listed.possible {
        (theme.text, theme.dim)
    } else {
        (theme.dim, theme.dim)
    };
    let words = if listed.possible {
        listed.entry.description.to_owned()
    } else {
        format!("needs {}", reason(model, listed.entry))
    };
    let in_words = listed.found.in_field(1).filter(|_| listed.possible);
    let mut spans = highlight(
        &text::pad(listed.entry.name, name),
        listed.found.in_field(0),
        plain,
        theme.accent,
    );
    spans.push(Span::raw(" "));
    spans.extend(highlight(
        &text::pad(&words, room),
        in_words,
        faint,
        theme.accent,
    ));
    spans.push(Span::raw("  "));
    let keys_style = if listed.possible {
        theme.accent
    } else {
        theme.dim
    };
    spans.push(Span::styled(keys, keys_style));
    buf.set_line(line.x, line.y, &Line::from(spans), line.width);
    if chosen {
        buf.set_style(line, theme.selection);
    }
}
