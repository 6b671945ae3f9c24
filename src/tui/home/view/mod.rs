//! What the home screen looks like: a file for each part.
//!
//! ```text
//! head       counts, and the filter
//! list │ details (beside it where the screen is wide, below it where it is tall)
//! foot       the keys that work now, or a notice
//! ```

mod details;
mod list;
mod planning;

use super::actions::{self, Entry};
use super::model::Model;
use crate::text::{self, format};
use crate::tui::theme::ascii;
use crate::tui::widgets::{header_segments, hints, overlay, palette, themes};
use header_segments::Segment;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

/// Columns from which the details stand beside the list.
const WIDE: u16 = 76;
/// Rows from which they stand below it.
const TALL: u16 = 26;

/// Where the parts of the screen are, borders included.
#[derive(Clone, Copy, Debug)]
struct Areas {
    head: Rect,
    list: Rect,
    details: Option<Rect>,
    foot: Rect,
}

fn areas(model: &Model) -> Areas {
    let (width, height) = model.size;
    let head = 2.min(height);
    let foot = u16::from(height >= 5);
    let body = Rect::new(0, head, width, height.saturating_sub(head + foot));
    let (list, details) = if width >= WIDE {
        let columns = (width * 2 / 5).clamp(34, 72);
        let list = Rect {
            width: width - columns,
            ..body
        };
        let details = Rect {
            x: list.right(),
            width: columns,
            ..body
        };
        (list, Some(details))
    } else if height >= TALL {
        let rows = body.height * 2 / 5;
        let list = Rect {
            height: body.height - rows,
            ..body
        };
        let details = Rect {
            y: list.bottom(),
            height: rows,
            ..body
        };
        (list, Some(details))
    } else {
        (body, None)
    };
    Areas {
        head: Rect::new(0, 0, width, head),
        list,
        details,
        foot: Rect::new(0, height - foot, width, foot),
    }
}

/// Draws the home screen.
pub fn view(model: &mut Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    let buf = frame.buffer_mut();
    model.size = (area.width, area.height);
    if area.is_empty() {
        return;
    }
    buf.set_style(area, model.theme.background);
    let areas = areas(model);
    draw_head(model, buf, areas.head);
    if !areas.list.is_empty() {
        list::draw(model, buf, areas.list);
    }
    if let Some(area) = areas.details.filter(|area| !area.is_empty()) {
        details::draw(model, buf, area);
    }
    draw_foot(model, buf, areas.foot);
    planning::draw(model, buf, area);
    draw_trouble(model, buf, area);
    let above = Rect {
        height: area.height - areas.foot.height,
        ..area
    };
    if let Some(choice) = &mut model.themes {
        themes::draw(&model.theme, choice, buf, above);
    }
    draw_palette(model, buf, above);
    if model.theme.ascii {
        ascii::translate(buf);
    }
}

fn draw_head(model: &Model, buf: &mut Buffer, area: Rect) {
    let theme = &model.theme;
    let line = |at: u16| Rect {
        y: area.y + at,
        height: 1,
        ..area
    };
    let left = vec![
        Segment::new(3, vec![Span::styled("plandeck", theme.dim)]),
        Segment::new(9, vec![Span::styled("home", theme.strong)]),
    ];
    let runs = if model.reading {
        "reading…".to_owned()
    } else {
        format::count(model.runs.len(), "run")
    };
    let plans = format!("{} here", format::count(model.plans.len(), "plan"));
    let samples = format::count(model.samples.len(), "sample");
    let right = vec![
        Segment::new(5, vec![Span::styled(plans, theme.dim)]),
        Segment::new(6, vec![Span::styled(runs, theme.dim)]),
        Segment::new(4, vec![Span::styled(samples, theme.dim)]),
    ];
    header_segments::draw(buf, line(0), left, right);
    if area.height > 1 {
        let margin = u16::from(area.width > 2);
        let label = "find ";
        buf.set_stringn(
            area.x + margin,
            area.y + 1,
            label,
            area.width as usize,
            theme.accent,
        );
        let taken = margin + label.len() as u16;
        let field = Rect {
            x: area.x + taken.min(area.width),
            y: area.y + 1,
            width: area.width.saturating_sub(taken + margin),
            height: 1,
        };
        model.field.draw(buf, field, "type to filter", theme);
    }
}

fn draw_foot(model: &Model, buf: &mut Buffer, area: Rect) {
    if area.is_empty() {
        return;
    }
    let theme = &model.theme;
    if let Some(notice) = &model.notice {
        let room = area.width.saturating_sub(2) as usize;
        let notice = text::fit(notice, room);
        buf.set_stringn(area.x + 1, area.y, notice, room, theme.warning);
        return;
    }
    hints::draw(theme, &actions::hints(model), rank, buf, area);
}

/// Opening, leaving and help keep their room longest.
fn rank(word: &str) -> u8 {
    match word {
        "run" | "resume" | "open" | "quit" | "back" | "clear" | "write the plan" => 9,
        "help" => 8,
        "replay" => 6,
        _ => 4,
    }
}

/// The action whose hint stands at this place of the screen.
pub(super) fn hint_at(model: &Model, at: Position) -> Option<&'static Entry> {
    let line = areas(model).foot;
    if !line.contains(at) || model.notice.is_some() {
        return None;
    }
    let hint = hints::at(&actions::hints(model), rank, line, at);
    hint.map(|(_, _, entry)| entry)
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

fn draw_trouble(model: &mut Model, buf: &mut Buffer, screen: Rect) {
    let Some((trouble, scroll)) = &model.trouble else {
        return;
    };
    let room = (screen.width.saturating_sub(8) as usize).clamp(10, 96);
    let wrapped = text::wrap(trouble, room, 400).lines.into_iter();
    let lines: Vec<Line<'static>> = wrapped
        .map(|line| Line::styled(line, model.theme.text))
        .collect();
    let title = "this could not be opened";
    let scroll = overlay::draw(&model.theme, buf, screen, title, (&lines, *scroll));
    if let Some(trouble) = &mut model.trouble {
        trouble.1 = scroll;
    }
}

/// The row of the list at this place of the screen.
pub(super) fn row_at(model: &Model, column: u16, line: u16) -> Option<usize> {
    let area = areas(model).list;
    let inside = column > area.x && column + 1 < area.right();
    let within = line > area.y && line + 1 < area.bottom();
    (inside && within).then(|| model.top + (line - area.y - 1) as usize)
}
