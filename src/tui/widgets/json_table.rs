//! A list of like objects as a table.

use crate::text;
use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use serde_json::{Map, Value};

/// Objects that are looked at to find the columns.
const SAMPLED: usize = 200;
/// Most columns.
const COLUMNS: usize = 64;
/// Most cells of a column, and cells between two.
const WIDEST: usize = 32;
const GAP: usize = 2;

/// The names of the columns of a list of like objects; `None` where it is none. Like objects have most of their names in
/// common.
pub(crate) fn columns(value: &Value) -> Option<Vec<&str>> {
    let list = value.as_array().filter(|list| !list.is_empty())?;
    let sampled: Option<Vec<&Map<String, Value>>> =
        list.iter().take(SAMPLED).map(Value::as_object).collect();
    let sampled = sampled?;
    let mut names: Vec<&str> = Vec::new();
    let mut most = 0;
    for object in &sampled {
        most = most.max(object.len());
        for name in object.keys() {
            if !names.contains(&&**name) {
                names.push(name);
                if names.len() > COLUMNS {
                    return None;
                }
            }
        }
    }
    (most > 0 && names.len() <= most * 2).then_some(names)
}

/// What is in view of a table, and which row is chosen.
#[derive(Clone, Debug, Default)]
pub(crate) struct JsonTable {
    /// Where in the value the list is, by the places of members.
    pub places: Vec<usize>,
    /// The chosen row.
    pub row: usize,
    first_row: usize,
    /// The first column in view, after the one of the numbers.
    pub first_column: usize,
}

impl JsonTable {
    /// A table of the list at these places.
    pub(crate) fn at(places: Vec<usize>) -> Self {
        Self {
            places,
            ..Self::default()
        }
    }

    /// Chooses the row so many on, of so many.
    pub(crate) fn move_rows(&mut self, rows: isize, count: usize) {
        let last = count.saturating_sub(1);
        self.row = self.row.saturating_add_signed(rows).min(last);
    }

    /// Moves the columns by so many, of so many.
    pub(crate) fn move_columns(&mut self, columns: isize, count: usize) {
        let last = count.saturating_sub(1);
        self.first_column = self.first_column.saturating_add_signed(columns).min(last);
    }

    /// The next row, or the one before, in which a cell contains `words`; going around.
    pub(crate) fn find(&mut self, list: &[Value], words: &str, forward: bool) -> bool {
        let count = list.len();
        let words = words.to_lowercase();
        let place = |step: usize| {
            let step = step + 1;
            if forward {
                (self.row + step) % count
            } else {
                (self.row + count - step % count) % count
            }
        };
        let has = |at: &usize| {
            let object = list[*at].as_object();
            object.is_some_and(|object| {
                let mut cells = object.values();
                cells.any(|value| cell(value).0.to_lowercase().contains(&words))
            })
        };
        let found = (0..count).map(place).find(has);
        self.row = found.unwrap_or(self.row);
        found.is_some()
    }

    /// Draws the table; gives which rows are in view.
    pub(crate) fn draw(
        &mut self,
        list: &[Value],
        names: &[&str],
        theme: &Theme,
        focused: bool,
        buf: &mut Buffer,
        area: Rect,
    ) -> String {
        let height = usize::from(area.height.saturating_sub(1)).max(1);
        self.row = self.row.min(list.len().saturating_sub(1));
        self.first_column = self.first_column.min(names.len().saturating_sub(1));
        self.first_row = self
            .first_row
            .clamp((self.row + 1).saturating_sub(height), self.row)
            .min(list.len().saturating_sub(height));
        let to = (self.first_row + height).min(list.len());
        let visible = &list[self.first_row..to];
        let number = to.to_string().len();
        let room = area.width as usize;
        let chosen = |at: usize| focused && self.first_row + at == self.row;
        let row_of = |at: usize| area.y + 1 + at as u16;
        for at in 0..visible.len() {
            let words = format!("{:>number$}", self.first_row + at);
            let style = if chosen(at) {
                theme.selection
            } else {
                theme.dim
            };
            if chosen(at) && row_of(at) < area.bottom() {
                let line = Rect {
                    y: row_of(at),
                    height: 1,
                    ..area
                };
                buf.set_style(line, theme.selection);
            }
            if row_of(at) < area.bottom() {
                buf.set_stringn(area.x, row_of(at), words, room, style);
            }
        }
        let mut x = number + GAP;
        for name in names.iter().skip(self.first_column) {
            if x >= room {
                break;
            }
            let cells: Vec<(String, Kind)> = visible
                .iter()
                .map(|row| {
                    row.get(name)
                        .map_or_else(|| (String::new(), Kind::Missing), cell)
                })
                .collect();
            let widest = cells.iter().map(|(words, _)| text::width(words)).max();
            let width = widest
                .unwrap_or(0)
                .max(text::width(&text::line(name)))
                .clamp(1, WIDEST);
            let width = width.min(room - x);
            let is_number = cells
                .iter()
                .all(|(_, kind)| matches!(kind, Kind::Number | Kind::Missing));
            let put = |buf: &mut Buffer, y: u16, words: &str, style: Style| {
                let words = text::fit(words, width);
                let indent = if is_number {
                    width - text::width(&words)
                } else {
                    0
                };
                if y < area.bottom() {
                    buf.set_stringn(area.x + (x + indent) as u16, y, words, width, style);
                }
            };
            put(buf, area.y, &text::line(name), theme.accent);
            for (at, (words, kind)) in cells.iter().enumerate() {
                let style = match kind {
                    Kind::Text => theme.string,
                    Kind::Number => theme.number,
                    Kind::Other => theme.text,
                    Kind::Missing => theme.dim,
                };
                let style = if chosen(at) { theme.selection } else { style };
                put(buf, row_of(at), words, style);
            }
            x += width + GAP;
        }
        format!("{} to {to} of {}", self.first_row + 1, list.len())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Other,
    Missing,
}

/// A value in one cell.
fn cell(value: &Value) -> (String, Kind) {
    // A cell shows the beginning; the rest of a long text is not looked at.
    const BYTES: usize = 400;
    match value {
        Value::String(words) => {
            let words = &words[..words.floor_char_boundary(BYTES)];
            (text::line(words), Kind::Text)
        }
        Value::Number(number) => (number.to_string(), Kind::Number),
        Value::Bool(is) => (is.to_string(), Kind::Other),
        Value::Null => ("null".to_owned(), Kind::Missing),
        Value::Array(list) => (format!("[{}]", list.len()), Kind::Other),
        Value::Object(members) => (format!("{{{}}}", members.len()), Kind::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn like_objects_have_most_names_in_common() {
        let alike = json!([{"a": 1, "b": 2}, {"a": 1, "c": null}, {}]);
        assert_eq!(columns(&alike), Some(vec!["a", "b", "c"]));
        for none in [
            json!([]),
            json!([1, 2]),
            json!([{"a": 1}, 2]),
            json!([{}, {}]),
            json!([{"a": 1}, {"b": 1}, {"c": 1}]),
            json!({"a": {"b": 1}}),
        ] {
            assert_eq!(columns(&none), None, "{none}");
        }
        let crowd: Vec<Value> = (0..80)
            .map(|at| json!({format!("n{at}"): 1, "a": 1}))
            .collect();
        assert_eq!(columns(&Value::Array(crowd)), None);
    }

    #[test]
    fn every_row_is_reached_and_found() {
        let list: Vec<Value> = (0..5_000)
            .map(|at| json!({"no": at, "town": format!("Town {at}")}))
            .collect();
        let mut table = JsonTable::default();
        table.move_rows(4_000, list.len());
        assert_eq!(table.row, 4_000);
        table.move_rows(isize::MAX, list.len());
        assert_eq!(table.row, 4_999);
        assert!(table.find(&list, "town 17", true));
        assert_eq!(table.row, 17);
        assert!(table.find(&list, "town 17", false));
        assert_eq!(table.row, 1_799);
        assert!(!table.find(&list, "village", true));
        assert_eq!(table.row, 1_799);
        table.move_columns(9, 2);
        assert_eq!(table.first_column, 1);
    }
}
