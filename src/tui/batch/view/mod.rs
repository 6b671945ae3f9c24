//! What the view of a batch looks like: a file for each part.
//!
//! ```text
//! head       plan, batch, status; figures; progress
//! grid       items × steps, and below it the figures of each step
//! side       the chosen item, and like failures (below the grid where the screen is narrow)
//! foot       the keys that work now, or a notice
//! ```

mod cells;
mod chosen;
mod columns;
mod failures;
mod figures;
mod grid;
mod head;

use super::actions::{self, Entry};
use super::model::{Model, Question};
use crate::text;
use crate::tui::input::key::Key;
use crate::tui::theme::ascii;
use crate::tui::widgets::{hints, overlay, palette};
use crossterm::event::KeyCode;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

/// Columns from which the failures and the chosen item stand beside the grid.
const WIDE: u16 = 116;
/// Rows of failures below the grid.
const FAILURES: u16 = 3;
/// The fewest rows for items beside which there is room for more.
const ITEMS: u16 = 5;

/// Draws the view.
pub fn view(model: &mut Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    let buf = frame.buffer_mut();
    model.size = (area.width, area.height);
    if area.is_empty() {
        return;
    }
    buf.set_style(area, model.theme.background);
    let head = head::draw(model, buf, area);
    let foot = foot_of(area);
    let body = Rect {
        y: area.y + head,
        height: area.height.saturating_sub(head + foot.height),
        ..area
    };
    draw_body(model, buf, body);
    draw_foot(model, buf, foot);
    let above = Rect {
        height: area.height - foot.height,
        ..area
    };
    draw_comparison(model, buf, above);
    draw_question(model, buf, above);
    draw_palette(model, buf, above);
    if model.theme.ascii {
        ascii::translate(buf);
    }
}

fn foot_of(area: Rect) -> Rect {
    let rows = u16::from(area.height >= 5);
    Rect {
        y: area.bottom() - rows,
        height: rows,
        ..area
    }
}

fn draw_body(model: &mut Model, buf: &mut Buffer, body: Rect) {
    model.rows_area = Rect::ZERO;
    model.groups_area = Rect::ZERO;
    if body.width >= WIDE {
        let width = (body.width * 3 / 10).clamp(34, 64);
        let side = Rect {
            x: body.right() - width,
            width,
            ..body
        };
        let grid = Rect {
            width: body.width - width,
            ..body
        };
        grid::draw(model, buf, grid);
        let groups = model.state.failures().len() as u16;
        let failures = (groups * 2 + 2).max(4).min(side.height / 2);
        let top = Rect {
            height: side.height.saturating_sub(failures),
            ..side
        };
        let bottom = Rect {
            y: top.bottom(),
            height: failures.min(side.height),
            ..side
        };
        chosen::draw(model, buf, top);
        failures::draw(model, buf, bottom, 2);
        return;
    }
    // Few rows go to the items first.
    let groups = model.state.failures().len() as u16;
    let wanted = if groups == 0 {
        0
    } else {
        groups.min(FAILURES) + 2
    };
    let room = body.height.saturating_sub(ITEMS + 4 + figures::ROWS);
    let rows = if room >= 3 { wanted.min(room) } else { 0 };
    let grid = Rect {
        height: body.height - rows,
        ..body
    };
    grid::draw(model, buf, grid);
    if rows > 0 {
        let below = Rect {
            y: grid.bottom(),
            height: rows,
            ..body
        };
        failures::draw(model, buf, below, 1);
    }
}

fn draw_foot(model: &Model, buf: &mut Buffer, area: Rect) {
    if area.is_empty() {
        return;
    }
    let theme = &model.theme;
    let room = area.width.saturating_sub(2) as usize;
    if let Some(notice) = model.notice.as_ref().or(model.fault.as_ref()) {
        buf.set_stringn(
            area.x + 1,
            area.y,
            text::fit(notice, room),
            room,
            theme.warning,
        );
        return;
    }
    if model.typing {
        let label = "find ";
        buf.set_stringn(area.x + 1, area.y, label, room, theme.accent);
        let taken = 1 + label.len() as u16;
        let field = Rect {
            x: area.x + taken.min(area.width),
            width: area.width.saturating_sub(taken + 1),
            ..area
        };
        let keeps = model.keymap.shown("keep-found", Key::code(KeyCode::Enter));
        let clears = model.keymap.shown("find-nothing", Key::code(KeyCode::Esc));
        let help = format!("part of a key; {keeps} keeps, {clears} clears");
        model.field.draw(buf, field, &help, theme);
        return;
    }
    hints::draw(theme, &actions::hints(model), rank, buf, area);
}

/// Opening, leaving and help keep their room longest.
fn rank(word: &str) -> u8 {
    match word {
        "open run" | "zoom in" | "show items" | "quit" | "back" | "home" | "stop it"
        | "let it run" | "do it" | "close" => 9,
        "help" => 8,
        "colour" => 7,
        "sort" | "filter" => 6,
        _ => 4,
    }
}

/// The action whose hint stands at this place of the screen.
pub(super) fn hint_at(model: &Model, at: Position) -> Option<&'static Entry> {
    let (width, height) = model.size;
    let line = foot_of(Rect::new(0, 0, width, height));
    if !line.contains(at) || model.notice.is_some() || model.typing {
        return None;
    }
    let hint = hints::at(&actions::hints(model), rank, line, at);
    hint.map(|(_, _, entry)| entry)
}

fn draw_question(model: &Model, buf: &mut Buffer, screen: Rect) {
    let Some(Question::Stop) = model.question else {
        return;
    };
    let (theme, keymap) = (&model.theme, &model.keymap);
    let counts = model.state.counts;
    let left = (model.state.total() as u64).saturating_sub(counts.ended());
    let lines = [
        Line::styled(
            format!(
                "{} of the batch have not ended.",
                text::format::count(left as usize, "item")
            ),
            theme.text,
        ),
        Line::styled(
            "Those that ended stay; the rest can be resumed.",
            theme.text,
        ),
        Line::default(),
        Line::from(vec![
            Span::styled(keymap.shown("confirm", Key::char('y')), theme.accent),
            Span::styled(" stop it    ", theme.dim),
            Span::styled(keymap.shown("decline", Key::char('n')), theme.accent),
            Span::styled(" let it run", theme.dim),
        ]),
    ];
    overlay::draw(theme, buf, screen, "stop the batch?", (&lines, 0));
}

/// How the batch differs from the one before it.
fn draw_comparison(model: &mut Model, buf: &mut Buffer, screen: Rect) {
    let Some((text, scroll)) = &model.compared else {
        return;
    };
    let lines = text.lines();
    let lines: Vec<Line<'static>> = lines
        .map(|line| Line::styled(text::line(line), model.theme.text))
        .collect();
    let title = "compared with the batch before";
    let scroll = overlay::draw(&model.theme, buf, screen, title, (&lines, *scroll));
    if let Some((_, known)) = &mut model.compared {
        *known = scroll;
    }
}

fn draw_palette(model: &mut Model, buf: &mut Buffer, screen: Rect) {
    let Some(mut palette) = model.palette.take() else {
        return;
    };
    let typed = palette.field.text();
    let listed = actions::registry().listed(model, &model.keymap, typed);
    let title = "keys and actions";
    palette::draw(&model.theme, &mut palette, &listed, title, buf, screen);
    model.palette = Some(palette);
}
