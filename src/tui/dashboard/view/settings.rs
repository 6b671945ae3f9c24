//! The settings of the run: what is in force, what counts against it, and the line that changes one.

use crate::text;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::setting_line::{Named, SettingLine, in_force, parse, words};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

/// Cells of the box.
const WIDTH: u16 = 72;
/// Cells of the names of settings.
const NAME: usize = 8;
/// Cells of their values.
const VALUE: usize = 16;
/// The same for names that have a rate.
const RATED: usize = 26;
/// Rates that are listed.
const RATES: usize = 6;

/// Draws the settings over the screen.
pub(super) fn draw(model: &Model, line: &SettingLine, buf: &mut Buffer, screen: Rect) {
    let theme = &model.theme;
    let width = screen.width.min(WIDTH);
    let room = width.saturating_sub(4) as usize;
    let typed = line.field.text().split_whitespace().next();
    let chosen = typed.and_then(Named::of);
    let mut rows: Vec<Line<'static>> = Vec::new();
    for named in Named::ALL {
        let style = if chosen == Some(named) {
            theme.accent
        } else {
            theme.dim
        };
        let values = in_force(named, &model.run, model.now);
        let count = values.len();
        for (at, (value, used)) in values.into_iter().take(RATES).enumerate() {
            let name = if at == 0 { named.word() } else { "" };
            let column = if named == Named::Rate { RATED } else { VALUE };
            let value = text::fit(&value, column - 2);
            let pad = column.saturating_sub(text::width(&value));
            rows.push(Line::from(vec![
                Span::styled(format!("{name:<NAME$}"), style),
                Span::styled(format!("{value}{:pad$}", ""), theme.text),
                Span::styled(
                    text::fit(&used, room.saturating_sub(NAME + column)),
                    theme.dim,
                ),
            ]));
        }
        if count > RATES {
            let more = format!("{:NAME$}and {} more", "", count - RATES);
            rows.push(Line::styled(more, theme.dim));
        }
    }
    let below = match &line.fault {
        Some(fault) => (fault.clone(), theme.warning),
        None => match parse(line.field.text(), &model.run, model.now) {
            Ok(setting) => (words(&setting), theme.good),
            Err(_) => ("what is running is left alone".to_owned(), theme.dim),
        },
    };
    let wrapped = text::wrap(&below.0, room, 3).lines;
    let height = (rows.len() + 2 + wrapped.len().max(1) + 2) as u16;
    let area = super::question::centred(screen, width, height);
    Clear.render(area, buf);
    buf.set_style(area, theme.background);
    let title = if line.continues {
        " raise the limit and continue "
    } else {
        " settings of this run "
    };
    let inner = super::pane(model, buf, area, true, Line::from(title), Line::default());
    if inner.is_empty() {
        return;
    }
    let margin = u16::from(inner.width > 4);
    let (x, width) = (inner.x + margin, inner.width - 2 * margin);
    // Where the box is too small for everything, the line that is typed matters most.
    let typed_rows = 1 + wrapped.len().max(1) as u16;
    let listed = inner
        .height
        .saturating_sub(typed_rows + 1)
        .min(rows.len() as u16);
    for (at, row) in rows.iter().take(listed as usize).enumerate() {
        buf.set_line(x, inner.y + at as u16, row, width);
    }
    let y = inner.y + listed + u16::from(inner.height > typed_rows + listed);
    let area = Rect {
        x,
        y,
        width,
        height: 1,
    };
    line.field
        .draw(buf, area, "slots 10 · budget 0.05 · rate NAME 60/m", theme);
    for (at, words) in wrapped.into_iter().enumerate() {
        let y = y + 1 + at as u16;
        if y < inner.bottom() {
            buf.set_stringn(x, y, words, width as usize, below.1);
        }
    }
}
