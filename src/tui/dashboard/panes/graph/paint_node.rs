//! Nodes as cells: boxes and cards, pills, rows.

use super::detail::{self, Detail};
use super::geometry::GraphGeometry;
use super::metrics;
use super::paint::{NodeView, Painter};
use super::text;
use super::wires;
use crate::layout;
use ratatui::style::{Modifier, Style};

impl Painter<'_> {
    /// A box: state and name in its border, within it what matters most.
    pub(super) fn card(&mut self, rect: layout::Rect, view: &NodeView<'_>) {
        let card = &view.card;
        let ascii = self.theme.ascii;
        let border = self.frame(rect, view);
        let (right, bottom) = (rect.right() - 1, rect.bottom() - 1);
        let inner = (rect.width - 4).max(0) as usize;
        let mark = text::width(&card.mark);
        let mut room = inner.saturating_sub(2 + if mark > 0 { mark + 1 } else { 0 });
        let lines = (bottom - rect.y - 1).max(0) as usize;
        // A card says in its border how long and how dear, a box has a line for what is most important.
        let time = if lines > 1 {
            detail::fitting(&view.elapsed, inner / 2, ascii)
        } else {
            String::new()
        };
        if !time.is_empty() {
            room = room.saturating_sub(text::width(&time) + 3);
        }
        let title = rect.x + 1;
        self.put(title, rect.y, " ", border);
        self.put(title + 1, rect.y, card.glyph, card.style);
        self.put(title + 2, rect.y, " ", border);
        let label = view.names.fit(view.label, room);
        let mut end = self.write(title + 3, rect.y, &label, self.name_style(view));
        if mark > 0 {
            self.put(end, rect.y, " ", border);
            end = self.write(end + 1, rect.y, &card.mark, card.mark_look);
        }
        self.put(end, rect.y, " ", border);
        if !time.is_empty() {
            let from = right - 2 - text::width(&time) as i32;
            self.put(from, rect.y, " ", border);
            let end = self.write(from + 1, rect.y, &time, card.detail);
            self.put(end, rect.y, " ", border);
        }
        if lines > 1 && !view.cost.is_empty() {
            let columns = text::width(&view.cost) as i32 + 2;
            let is_clear = |from: &i32| {
                (*from..from + columns).all(|x| self.mesh.at(x, bottom).directions() == 0)
            };
            // Where no line leaves the box.
            if let Some(from) = [right - 1 - columns, rect.x + 1].into_iter().find(is_clear) {
                self.put(from, bottom, " ", border);
                let end = self.write(from + 1, bottom, &view.cost, self.theme.dim);
                self.put(end, bottom, " ", border);
            }
        }
        if lines == 1 && view.details.is_empty() {
            let words = card.line(inner, ascii);
            self.write(rect.x + 2, rect.y + 1, &words, card.detail);
            return;
        }
        let mut y = rect.y + 1;
        for detail in &view.details {
            if y >= bottom {
                break;
            }
            y += self.detail(rect.x + 2, y, inner, detail);
        }
    }

    /// Gives the rows that it takes.
    fn detail(&mut self, x: i32, y: i32, columns: usize, detail: &Detail) -> i32 {
        let ascii = self.theme.ascii;
        match detail {
            Detail::End(text, style, most) => {
                let rows = detail::end_rows(text, columns, *most, ascii);
                for (row, y) in rows.iter().zip(y..) {
                    self.write(x, y, row, *style);
                }
                return rows.len() as i32;
            }
            Detail::Words(words, style) => {
                self.write(x, y, &detail::fitting(words, columns, ascii), *style);
            }
            Detail::Bar {
                share,
                words,
                style,
            } => {
                let words = detail::fitting(words, columns.saturating_sub(5), ascii);
                let room = columns.saturating_sub(text::width(&words) + 1);
                let (full, empty) = if ascii { ("#", ".") } else { ("█", "░") };
                let done = (share * room as f64).floor() as i32;
                for at in 0..room as i32 {
                    let (glyph, style) = if at < done {
                        (full, *style)
                    } else {
                        (empty, self.theme.border)
                    };
                    self.put(x + at, y, glyph, style);
                }
                self.write(x + room as i32 + 1, y, &words, self.theme.text);
            }
        }
        1
    }

    /// The border of a box; gives its style.
    fn frame(&mut self, rect: layout::Rect, view: &NodeView<'_>) -> Style {
        let (right, bottom) = (rect.right() - 1, rect.bottom() - 1);
        let style = if view.selected {
            view.card
                .style
                .patch(self.theme.strong.fg(view.card.style.fg.unwrap_or_default()))
        } else if view.flash {
            view.card.style.add_modifier(Modifier::BOLD)
        } else if view.back || view.card.recedes {
            self.theme.border
        } else {
            view.card.style
        };
        for y in rect.y..=bottom {
            for x in rect.x..=right {
                let border = match (y == rect.y, y == bottom, x == rect.x, x == right) {
                    (true, _, true, _) => wires::RIGHT | wires::DOWN,
                    (true, _, _, true) => wires::LEFT | wires::DOWN,
                    (_, true, true, _) => wires::RIGHT | wires::UP,
                    (_, true, _, true) => wires::LEFT | wires::UP,
                    (true, ..) | (_, true, ..) => wires::LEFT | wires::RIGHT,
                    (_, _, true, _) | (_, _, _, true) => wires::UP | wires::DOWN,
                    _ => 0,
                };
                let knot = self.mesh.at(x, y);
                let lines = knot.directions();
                let ascii = self.theme.ascii;
                let glyph = match (border, view.selected) {
                    (0, _) => " ",
                    (_, true) => wires::double_glyph(border, lines, ascii),
                    (_, false) => wires::weighted(border | lines, knot.heavy(), ascii),
                };
                let style = if border == 0 { self.theme.text } else { style };
                self.put(x, y, glyph, style);
            }
        }
        style
    }

    /// One line on a ground of its own.
    pub(super) fn pill(&mut self, rect: layout::Rect, view: &NodeView<'_>) {
        let card = &view.card;
        let (left, right, y) = (rect.x, rect.right() - 1, rect.y);
        let ascii = self.theme.ascii;
        let ground = if view.selected {
            card.tint.patch(self.theme.selection)
        } else if view.back || card.recedes {
            card.tint
        } else {
            card.tint.add_modifier(Modifier::BOLD)
        };
        for x in left..=right {
            self.put(x, y, " ", ground);
        }
        let inner = (rect.width - 2).max(0) as usize;
        let time = text::fit(&card.time, inner.saturating_sub(4), ascii);
        let taken = if time.is_empty() {
            0
        } else {
            text::width(&time) + 1
        };
        let mark = match text::width(&card.mark) {
            0 => 0,
            columns => columns + 1,
        };
        let label = view
            .names
            .fit(view.label, inner.saturating_sub(2 + taken + mark));
        let on = |style: Style| ground.patch(style);
        self.write(left + 1, y, card.glyph, on(card.style));
        let end = self.write(left + 3, y, &label, on(self.name_style(view)));
        if mark > 0 {
            self.write(end + 1, y, &card.mark, on(card.mark_look));
        }
        if !time.is_empty() {
            let x = right - text::width(&time) as i32;
            self.write(x, y, &time, on(card.detail));
        }
        let bare = card.tint.bg.is_none();
        if view.selected || bare {
            let brackets = if view.selected {
                ["[", "]"]
            } else {
                ["(", ")"]
            };
            let style = if view.selected {
                on(card.style)
            } else if card.recedes {
                self.theme.border
            } else {
                card.style
            };
            self.put(left, y, brackets[0], style);
            self.put(right, y, brackets[1], style);
        }
    }

    /// A row beside the lanes: the state in its lane, then state, name, time and cost.
    pub(super) fn row(
        &mut self,
        geometry: &GraphGeometry,
        rect: layout::Rect,
        view: &NodeView<'_>,
    ) {
        let card = &view.card;
        let (first, columns) = geometry.labels;
        let ascii = self.theme.ascii;
        let y = rect.y;
        for x in first - 1..geometry.width {
            self.put(x, y, " ", self.theme.text);
        }
        self.put(rect.x, y, card.glyph, card.style);
        self.put(first, y, card.glyph, card.style);
        let mark = text::width(&card.mark);
        let room = columns.saturating_sub(if mark > 0 { mark + 1 } else { 0 });
        let label = view.names.fit(view.label, room);
        let end = self.write(first + 2, y, &label, self.name_style(view));
        if mark > 0 {
            self.write(end + 1, y, &card.mark, card.mark_look);
        }
        let x = first + 2 + columns as i32 + 2;
        // At the edge of the pane a cost goes before it is cut.
        let room = (self.origin.x + i32::from(self.area.width) - x)
            .clamp(0, metrics::TIME_AND_COST as i32) as usize;
        // What has nothing to say of itself yet says what it will do.
        let figures = if card.lines.is_empty() {
            text::fit(view.tool, room, ascii)
        } else {
            card.line(room, ascii)
        };
        self.write(x, y, &figures, card.detail);
        // The last detail is the tool, which the first line may name.
        let says_more = !card.lines.is_empty() || view.details.len() > 1;
        let is_said =
            |detail: &Detail| matches!(detail, Detail::Words(words, _) if words.contains(&figures));
        if let Some(detail) = view
            .details
            .first()
            .filter(|detail| geometry.pitch > 1 && says_more && !is_said(detail))
        {
            // Nothing stands right of it, also where the first line has its time there.
            let edge = self.origin.x + i32::from(self.area.width) - 1;
            let columns = (edge - first - 2).max(0) as usize;
            self.detail(first + 2, y + 1, columns, detail);
        }
        if view.selected {
            let arrow = if ascii { ">" } else { "▸" };
            self.put(first - 1, y, arrow, self.theme.focus);
            for y in y..y + geometry.pitch {
                for x in 0..self.origin.x + i32::from(self.area.width) {
                    self.tint(x, y, self.theme.selection);
                }
            }
        }
    }
}
