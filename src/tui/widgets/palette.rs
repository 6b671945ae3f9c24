//! The list of actions, drawn over a screen: what was typed, and the actions that fit it, each with its keys.

use super::frame::frame;
use crate::text;
use crate::tui::input::palette::{Listed, Palette, Row, Shown, rows};
use crate::tui::input::text_field::highlight;
use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

/// The most cells of a column.
const COLUMN: u16 = 76;
/// The most cells of a line.
const FOUND: u16 = 104;
/// The fewest cells of a column where there are several.
const NARROW: u16 = 52;
/// The most columns.
const COLUMNS: u16 = 3;
/// Cells between two columns.
const GAP: u16 = 3;
/// Cells for the keys of an action.
const KEYS: usize = 12;
/// Cells for its name, and those of a column from which it is shown.
const NAME: usize = 18;
const NAMED: usize = 68;
/// Rows of the box from which there is one for what is chosen.
const ROOMY: u16 = 10;

/// Draws the list over the screen, whose other cells recede.
pub(crate) fn draw(
    theme: &Theme,
    palette: &mut Palette,
    listed: &[Listed],
    title: &str,
    buf: &mut Buffer,
    screen: Rect,
) {
    palette.chosen = palette.chosen.min(listed.len().saturating_sub(1));
    palette.shown = Shown {
        count: listed.len(),
        ..Shown::default()
    };
    recede(theme, buf, screen);
    let columns = columns(screen.width);
    let area = place(screen, columns);
    Clear.render(area, buf);
    buf.set_style(area, theme.background);
    let possible = listed.iter().filter(|one| one.lacks.is_none()).count();
    let bottom = match listed.len() {
        0 => String::new(),
        all => format!(" {possible} of {all} possible now "),
    };
    let title = Line::from(format!(" {title} "));
    let inner = frame(theme, buf, area, true, title, Line::from(bottom));
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
    palette.field.draw(buf, line, empty, theme);
    let gap = 1 + u16::from(inner.height > 6);
    let foot = if inner.height >= ROOMY { 2 } else { 0 };
    let list = Rect {
        y: inner.y + gap.min(inner.height),
        height: inner.height.saturating_sub(gap + foot),
        ..inner
    };
    if list.is_empty() {
        return;
    }
    if listed.is_empty() {
        let words = text::fit("no action matches", list.width as usize);
        buf.set_string(list.x, list.y, words, theme.dim);
        return;
    }
    draw_list(theme, palette, listed, buf, list, columns);
    if foot > 0
        && let Some(chosen) = listed.get(palette.chosen)
    {
        let line = Rect {
            y: inner.bottom() - 1,
            height: 1,
            ..inner
        };
        draw_chosen(theme, chosen, buf, line);
    }
}

/// Lets what is drawn already recede.
fn recede(theme: &Theme, buf: &mut Buffer, screen: Rect) {
    buf.set_style(
        screen,
        Style::new()
            .remove_modifier(Modifier::BOLD | Modifier::REVERSED | Modifier::UNDERLINED)
            .patch(theme.background)
            .patch(theme.dim),
    );
}

fn columns(width: u16) -> u16 {
    let room = width.saturating_sub(8) + GAP;
    (room / (NARROW + GAP)).clamp(1, COLUMNS)
}

fn place(screen: Rect, columns: u16) -> Rect {
    let most = columns * COLUMN + (columns - 1) * GAP + 4;
    let margin = if screen.width > 60 { 4 } else { 0 };
    let width = most.min(screen.width - margin);
    Rect {
        x: screen.x + (screen.width - width) / 2,
        width,
        ..screen
    }
}

/// Draws the lines, in columns that are read one after the other; what is chosen is in view.
fn draw_list(
    theme: &Theme,
    palette: &mut Palette,
    listed: &[Listed],
    buf: &mut Buffer,
    list: Rect,
    columns: u16,
) {
    let is_filtered = !palette.field.is_empty();
    let rows = rows(listed, is_filtered);
    // What was found has room for its name, too.
    let columns = if is_filtered { 1 } else { columns };
    let height = list.height as usize;
    let room = height * columns as usize;
    let here = rows
        .iter()
        .position(|row| *row == Row::Action(palette.chosen));
    let here = here.unwrap_or(0);
    // The heading above the first action comes into view with it.
    let headed = here > 0 && matches!(rows[here - 1], Row::Heading(_));
    let first = here - usize::from(headed && room > 1);
    let lowest = (here + 1).saturating_sub(room);
    let most = rows.len().saturating_sub(room);
    palette.top = palette.top.clamp(lowest, first.max(lowest)).min(most);
    palette.shown.page = height;
    let width = ((list.width - (columns - 1) * GAP) / columns).min(FOUND);
    let shown = rows.iter().skip(palette.top).take(room).enumerate();
    for (at, row) in shown {
        let column = (at / height) as u16;
        let line = Rect {
            x: list.x + column * (width + GAP),
            y: list.y + (at % height) as u16,
            width,
            height: 1,
        };
        match *row {
            Row::Heading(name) => {
                let name = text::fit(name, width as usize);
                buf.set_string(line.x, line.y, name, theme.strong);
            }
            Row::Action(at) => {
                let is_chosen = at == palette.chosen;
                draw_action(theme, &listed[at], is_chosen, buf, line);
                palette.shown.places.push((line, at));
            }
        }
    }
}

fn draw_action(theme: &Theme, action: &Listed, is_chosen: bool, buf: &mut Buffer, line: Rect) {
    let width = line.width as usize;
    let possible = action.lacks.is_none();
    let style = |own: Style| if possible { own } else { theme.dim };
    let keys = KEYS.min(width / 3);
    let name = if width >= NAMED { NAME } else { 0 };
    let room = width.saturating_sub(keys + 1 + name + usize::from(name > 0));
    let mut spans = vec![
        Span::styled(text::pad(&action.keys, keys), style(theme.accent)),
        Span::raw(" "),
    ];
    // What was found in a name is shown there, or in its place.
    let by_name = name == 0 && action.found.in_field(0).next().is_some();
    let (words, field) = if by_name {
        (action.name, 0)
    } else {
        (action.description, 1)
    };
    spans.extend(highlight(
        &text::pad(words, room),
        action.found.in_field(field),
        style(theme.text),
        theme.highlight.add_modifier(Modifier::BOLD),
    ));
    if name > 0 {
        spans.push(Span::raw(" "));
        spans.extend(highlight(
            &text::pad(action.name, name),
            action.found.in_field(0),
            theme.dim,
            theme.highlight.add_modifier(Modifier::BOLD),
        ));
    }
    buf.set_line(line.x, line.y, &Line::from(spans), line.width);
    if is_chosen {
        buf.set_style(line, theme.selection);
    }
}

/// What is chosen, by its name, with what it needs, or else what it does.
fn draw_chosen(theme: &Theme, chosen: &Listed, buf: &mut Buffer, line: Rect) {
    let room = (line.width as usize).saturating_sub(text::width(chosen.name) + 2);
    let (words, style) = match &chosen.lacks {
        Some(lacks) => (format!("needs {lacks}"), theme.warning),
        None => (chosen.description.to_owned(), theme.dim),
    };
    let spans = vec![
        Span::styled(chosen.name, theme.strong),
        Span::raw("  "),
        Span::styled(text::fit(&words, room), style),
    ];
    buf.set_line(line.x, line.y, &Line::from(spans), line.width);
}
