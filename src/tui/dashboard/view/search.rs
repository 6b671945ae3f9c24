//! The search for a step: what was typed, and below it what answers, over the lower part of the graph.

use crate::text;
use crate::text::format;
use crate::text::fuzzy::Query;
use crate::tui::dashboard::layout::Areas;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::search::{Search, answer};
use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Clear, Widget};
use unicode_width::UnicodeWidthChar;

/// Answers that are shown at once.
const ANSWERS: u16 = 7;
/// Columns of an id beside a tool.
const ID: usize = 32;
/// Columns of a tool's name.
const TOOL: usize = 20;

/// Draws the search.
pub(super) fn draw(model: &Model, search: &mut Search, buf: &mut Buffer, areas: Areas) {
    let room = areas.graph.or(areas.inspector).unwrap_or(areas.header);
    let answers = search.found.len().min(usize::from(ANSWERS)) as u16;
    let rows = (answers + 3).min(room.height / 2).max(3).min(room.height);
    let area = Rect {
        y: room.bottom() - rows,
        height: rows,
        ..room
    };
    Clear.render(area, buf);
    buf.set_style(area, model.theme.background);
    let count = if search.found.is_empty() {
        " nothing found ".to_owned()
    } else {
        let all = format::thousands(search.found.len() as u64);
        format!(" {} of {all} ", format::thousands(search.at as u64 + 1))
    };
    let inner = super::pane(
        model,
        buf,
        area,
        true,
        Line::from(" find a step "),
        Line::from(count),
    );
    if inner.is_empty() {
        return;
    }
    let (x, _) = buf.set_stringn(
        inner.x,
        inner.y,
        "/ ",
        inner.width.into(),
        model.theme.accent,
    );
    let line = Rect {
        x,
        width: inner.right().saturating_sub(x),
        height: 1,
        ..inner
    };
    let hint = "part of an id, a tool or a description";
    search.query.draw(buf, line, hint, &model.theme);
    let list = Rect {
        y: inner.y + 1,
        height: inner.height - 1,
        ..inner
    };
    let shown = usize::from(list.height);
    let first = (search.at + 1).saturating_sub(shown);
    let typed = search.query.text();
    let mut query = Query::new(typed);
    for (row, &step) in search.found.iter().skip(first).take(shown).enumerate() {
        let Some(step) = model.run.steps.get(step.at()) else {
            continue;
        };
        let look = model.theme.status(step.status);
        let description = step.info.description.as_deref().unwrap_or_default();
        let found = answer(&mut query, typed, step).unwrap_or_default();
        let places = |field: usize| found.in_field(field).collect::<Vec<usize>>();
        let mut line = Answer {
            buf,
            theme: &model.theme,
            x: list.x,
            y: list.y + row as u16,
            end: list.right(),
        };
        let chosen = first + row == search.at;
        line.put(if chosen { "▸" } else { " " }, model.theme.focus);
        line.put(" ", model.theme.text);
        line.put(look.glyph, look.style);
        line.put(" ", model.theme.text);
        let name = if chosen {
            model.theme.strong
        } else {
            model.theme.text
        };
        let columns = usize::from(list.width);
        let room = ID.min(columns / 2);
        let id = text::line(&step.info.id);
        if text::width(&id) + 1 < room {
            line.field(&step.info.id, &places(0), room, name);
        } else {
            let shown = model.names.fit(&id, room.saturating_sub(2));
            let head = shown.chars().take_while(|c| *c != '…').count();
            let mut places = places(0);
            places.retain(|at| *at < head);
            line.field(&shown, &places, room, name);
        }
        line.field(&step.info.tool, &places(1), TOOL, model.theme.dim);
        line.field(description, &places(2), columns, model.theme.dim);
    }
    search.list = (list, first);
}

/// One row of the list.
struct Answer<'a> {
    buf: &'a mut Buffer,
    theme: &'a Theme,
    x: u16,
    y: u16,
    end: u16,
}

impl Answer<'_> {
    fn put(&mut self, text: &str, style: Style) {
        let room = usize::from(self.end.saturating_sub(self.x));
        if room > 0 {
            self.x = self.buf.set_stringn(self.x, self.y, text, room, style).0;
        }
    }

    /// A text in a column of its own, with the characters that answer lit.
    fn field(&mut self, text: &str, places: &[usize], columns: usize, style: Style) {
        let start = self.x;
        let columns = columns.min(usize::from(self.end.saturating_sub(start)));
        let mut used = 0;
        let mut utf8 = [0; 4];
        for (at, c) in text.chars().enumerate() {
            // What `text::clean` would change takes one cell here, so that the places stay right.
            let safe = text::clean(c.encode_utf8(&mut utf8)).next().unwrap_or(' ');
            let cells = safe.width().unwrap_or(0);
            if cells == 0 {
                continue;
            }
            if used + cells + 1 >= columns {
                self.put("…", self.theme.dim);
                break;
            }
            used += cells;
            let style = if places.binary_search(&at).is_ok() {
                style
                    .patch(self.theme.accent)
                    .add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
            } else {
                style
            };
            self.put(safe.encode_utf8(&mut [0; 4]), style);
        }
        let next = start.saturating_add(columns as u16);
        self.x = next.min(self.end).max(self.x.min(self.end));
    }
}
