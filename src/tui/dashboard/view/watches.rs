//! The watch expressions: their values below the header, and the box in which they are edited.

use crate::text;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::watches::{Watch, WatchEdit, Watched};
use crate::tui::input::key::Key;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

/// Cells of the box.
const WIDTH: u16 = 84;
/// Cells that are looked at of a value.
const VALUE: usize = 400;
/// Cells that are shown of what a value was before.
const WAS: usize = 24;

/// What may be typed, the most useful first.
const EXAMPLES: [&str; 4] = [
    ".steps.ID.output.total",
    ".steps[\"list[2]\"].status",
    ".run.cost",
    ".context.name",
];

/// Draws the values, one a line.
pub(super) fn draw(model: &Model, buf: &mut Buffer, area: Rect) {
    let list = model.watches.list();
    if area.is_empty() || list.is_empty() {
        return;
    }
    let room = usize::from(area.width.saturating_sub(4));
    let names = list
        .iter()
        .map(|watch| text::width(&text::line(&watch.text)));
    let names = names.max().unwrap_or(0).min(room / 3);
    let rows = usize::from(area.height);
    let hidden = if list.len() > rows {
        list.len() - rows + 1
    } else {
        0
    };
    for (at, watch) in list.iter().take(rows.min(list.len() - hidden)).enumerate() {
        let line = row(model, watch, names, room);
        buf.set_line(
            area.x + 1,
            area.y + at as u16,
            &line,
            area.width.saturating_sub(2),
        );
    }
    if hidden > 0 {
        let key = model.keymap.shown("watch", Key::char('X'));
        let words = format!("  and {hidden} more ({key})");
        buf.set_stringn(area.x + 1, area.bottom() - 1, words, room, model.theme.dim);
    }
}

fn row(model: &Model, watch: &Watch, names: usize, room: usize) -> Line<'static> {
    let theme = &model.theme;
    let name = text::fit(&text::line(&watch.text), names);
    let pad = " ".repeat(names.saturating_sub(text::width(&name)) + 2);
    let was = watch.was.as_ref();
    let was = was.map(|was| format!("  was {}", text::fit(&words(was), WAS)));
    let left = room.saturating_sub(names + 2);
    let for_value = left.saturating_sub(was.as_deref().map_or(0, text::width));
    let (value, style): (String, Style) = match &watch.value {
        None => ("…".to_owned(), theme.dim),
        Some(value @ Ok(_)) if was.is_some() => (words(value), theme.highlight),
        Some(value @ Ok(_)) => (words(value), theme.text),
        Some(fault @ Err(_)) => (words(fault), theme.bad),
    };
    let mark = if was.is_some() { "› " } else { "  " };
    Line::from(vec![
        Span::styled(mark, theme.accent),
        Span::styled(format!("{name}{pad}"), theme.dim),
        Span::styled(text::fit(&value, for_value), style),
        Span::styled(was.unwrap_or_default(), theme.dim),
    ])
}

fn words(value: &Watched) -> String {
    match value {
        Ok(value) => text::line(&text::json::beginning(value, VALUE)),
        Err(fault) => text::line(fault),
    }
}

/// Draws the box.
pub(super) fn draw_edit(model: &Model, edit: &WatchEdit, buf: &mut Buffer, screen: Rect) {
    let theme = &model.theme;
    let width = screen.width.min(WIDTH);
    let height = (edit.fields.len() as u16 + 4).min(screen.height);
    let area = super::question::centred(screen, width, height);
    Clear.render(area, buf);
    buf.set_style(area, theme.background);
    let title = Line::from(" watch expressions: jq over the run ");
    let inner = super::pane(model, buf, area, true, title, Line::default());
    if inner.is_empty() {
        return;
    }
    let margin = u16::from(inner.width > 4);
    let (x, width) = (inner.x + margin, inner.width - 2 * margin);
    let rows = usize::from(inner.height.saturating_sub(2)).max(1);
    // The one with the cursor is always in sight.
    let first = (edit.at + 1).saturating_sub(rows);
    let shown = edit.fields.iter().enumerate().skip(first).take(rows);
    for (y, (at, field)) in (inner.y..).zip(shown) {
        let line = Rect::new(x, y, width, 1);
        if at == edit.at {
            field.draw(buf, line, "a new one", theme);
        } else {
            let words = match text::fit(&text::line(field.text()), usize::from(width)) {
                none if none.is_empty() => "a new one".to_owned(),
                words => words,
            };
            buf.set_stringn(x, y, words, usize::from(width), theme.dim);
        }
    }
    let y = inner.bottom() - 1;
    if usize::from(inner.height) > rows {
        buf.set_stringn(x, y, examples(width), usize::from(width), theme.dim);
    }
}

/// As many examples as fit whole.
fn examples(width: u16) -> String {
    let mut words = String::new();
    for example in EXAMPLES {
        let longer = if words.is_empty() {
            example.to_owned()
        } else {
            format!("{words} · {example}")
        };
        if text::width(&longer) > usize::from(width) {
            break;
        }
        words = longer;
    }
    words
}
