//! Cells of the picture into cells of the screen.

use super::card::Card;
use super::geometry::GraphGeometry;
use super::metrics;
use super::text;
use super::wires::{self, Knot, Mesh, Window};
use crate::layout::{self, Point};
use crate::tui::Theme;
use crate::tui::dashboard::state::step_names::StepNames;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthChar;

/// What one node looks like in this frame.
#[allow(clippy::struct_excessive_bools, reason = "each is a look of its own")]
pub(super) struct NodeView<'a> {
    pub(super) label: &'a str,
    /// The ids of the run, by which the label is cut.
    pub(super) names: &'a StepNames,
    pub(super) tool: &'a str,
    pub(super) card: Card,
    pub(super) selected: bool,
    /// Whether a search found it.
    pub(super) matched: bool,
    /// Whether the step differs in the run that this one is compared with.
    pub(super) differs: bool,
    /// Whether it steps back behind what is lit.
    pub(super) back: bool,
}

/// Puts cells of the picture into the buffer.
pub(super) struct Painter<'a> {
    pub(super) buffer: &'a mut Buffer,
    pub(super) area: Rect,
    /// The cell of the picture in the upper left corner of the area.
    pub(super) origin: Point,
    pub(super) mesh: &'a Mesh,
    pub(super) theme: &'a Theme,
}

impl Painter<'_> {
    /// The edges. Where one crosses another, the level one passes behind, so that `┼` always joins.
    pub(super) fn wires(&mut self) {
        for row in 0..self.area.height {
            for column in 0..self.area.width {
                let x = i32::from(column) + self.origin.x;
                let y = i32::from(row) + self.origin.y;
                let knot = self.mesh.at(x, y);
                if knot.directions == 0 {
                    continue;
                }
                let mut shown = knot;
                if knot.is_crossing() {
                    shown.directions = wires::UP | wires::DOWN;
                    shown.highlight &= shown.directions;
                }
                let glyph = wires::glyph(shown.directions, self.theme.ascii);
                self.put(x, y, glyph, self.wire_style(shown));
            }
        }
    }

    fn wire_style(&self, knot: Knot) -> Style {
        if knot.highlight == 0 {
            self.theme.border
        } else {
            self.theme.highlight
        }
    }

    /// One cell of the picture, where it is visible.
    pub(super) fn put(&mut self, x: i32, y: i32, glyph: &str, style: Style) {
        let (column, row) = (x - self.origin.x, y - self.origin.y);
        let inside = column >= 0
            && row >= 0
            && column < i32::from(self.area.width)
            && row < i32::from(self.area.height);
        if !inside {
            return;
        }
        let at = (self.area.x + column as u16, self.area.y + row as u16);
        if let Some(cell) = self.buffer.cell_mut(at) {
            // What was drawn below leaves nothing behind but the background.
            cell.fg = Color::Reset;
            cell.modifier = Modifier::empty();
            cell.set_symbol(glyph)
                .set_style(self.theme.text.patch(style));
        }
    }

    /// Text in one row of the picture, from `x`; what falls outside the pane is left out. Gives the column
    /// after it.
    pub(super) fn write(&mut self, x: i32, y: i32, text: &str, style: Style) -> i32 {
        let mut column = x;
        let mut utf8 = [0; 4];
        for c in text.chars() {
            let width = c.width().unwrap_or(0) as i32;
            if width == 0 {
                continue;
            }
            let c = match c {
                '…' if self.theme.ascii => '~',
                c if self.theme.ascii && !c.is_ascii() => '?',
                c => c,
            };
            let last = column + width - self.origin.x;
            if column >= self.origin.x && last <= i32::from(self.area.width) {
                self.put(column, y, c.encode_utf8(&mut utf8), style);
                // The cell under the second half of a wide character holds nothing of its own.
                for under in 1..width {
                    self.put(column + under, y, "", style);
                }
            }
            column += width;
        }
        column
    }

    fn name_style(&self, view: &NodeView<'_>) -> Style {
        let mut style = if view.back {
            self.theme.dim
        } else {
            view.card.name
        };
        if view.differs {
            style = self.theme.warning.patch(self.theme.strong);
        }
        if view.matched {
            style = style
                .patch(self.theme.accent)
                .add_modifier(Modifier::UNDERLINED);
        }
        if view.selected {
            style = style.patch(self.theme.selection);
        }
        style
    }

    /// A box: label, then time and cost.
    pub(super) fn card(&mut self, rect: layout::Rect, view: &NodeView<'_>) {
        let card = &view.card;
        let ascii = self.theme.ascii;
        let right = rect.right() - 1;
        self.frame(rect, view);
        let inner = (rect.width - 4).max(0) as usize;
        self.write(rect.x + 2, rect.y + 1, card.glyph, card.style);
        let mark = text::width(&card.mark);
        let room = inner.saturating_sub(2 + if mark > 0 { mark + 1 } else { 0 });
        let label = view.names.fit(view.label, room);
        self.write(rect.x + 4, rect.y + 1, &label, self.name_style(view));
        self.write(
            right - 1 - mark as i32,
            rect.y + 1,
            &card.mark,
            card.mark_look,
        );
        // What has nothing to say of itself yet says what it will do.
        let line = if card.lines.is_empty() {
            text::fit(view.tool, inner, ascii)
        } else {
            card.line(inner, ascii)
        };
        self.write(rect.x + 2, rect.y + 2, &line, card.detail);
    }

    fn frame(&mut self, rect: layout::Rect, view: &NodeView<'_>) {
        let (right, bottom) = (rect.right() - 1, rect.bottom() - 1);
        let style = if view.selected {
            self.theme
                .focus
                .patch(view.card.style)
                .patch(self.theme.strong)
        } else if view.back {
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
                let lines = self.mesh.at(x, y).directions;
                let ascii = self.theme.ascii;
                let glyph = match (border, view.selected) {
                    (0, _) => " ",
                    (_, true) => wires::double_glyph(border, lines, ascii),
                    (_, false) => wires::glyph(border | lines, ascii),
                };
                self.put(
                    x,
                    y,
                    glyph,
                    if border == 0 { self.theme.text } else { style },
                );
            }
        }
    }

    /// One line, with an empty column at either side for the edges or the brackets of the selection.
    /// `centred` where edges come from above and below.
    pub(super) fn chip(&mut self, rect: layout::Rect, view: &NodeView<'_>, centred: bool) {
        let card = &view.card;
        let (left, right, y) = (rect.x, rect.right() - 1, rect.y);
        let ascii = self.theme.ascii;
        for x in left + 1..right {
            self.put(x, y, " ", self.theme.text);
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
        let shift = if centred {
            inner.saturating_sub(2 + text::width(&label) + mark + metrics::TIME + 1) as i32 / 2
        } else {
            0
        };
        self.write(left + 1 + shift, y, card.glyph, card.style);
        let mut end = self.write(left + 3 + shift, y, &label, self.name_style(view));
        if mark > 0 {
            end = self.write(end + 1, y, &card.mark, card.mark_look);
        }
        let leaving = self.mesh.at(right, y);
        if !time.is_empty() {
            let x = if centred {
                end + 1
            } else {
                right - text::width(&time) as i32
            };
            self.write(x, y, &time, card.detail);
        } else if leaving.directions & wires::RIGHT != 0 {
            // Nothing is to be said here: the edge begins where the label ends.
            for x in end + 1..right {
                let line = wires::glyph(wires::LEFT | wires::RIGHT, ascii);
                self.put(x, y, line, self.wire_style(leaving));
            }
        }
        for (x, bracket) in [(left, "["), (right, "]")] {
            let knot = self.mesh.at(x, y);
            if view.selected {
                self.put(x, y, bracket, self.theme.focus);
            } else if knot.directions & (wires::LEFT | wires::RIGHT) != 0 {
                let line = wires::glyph(wires::LEFT | wires::RIGHT, ascii);
                self.put(x, y, line, self.wire_style(knot));
            } else {
                self.put(x, y, " ", self.theme.text);
            }
        }
    }

    /// A row beside the lanes: the state in its lane, then label, time and cost, and the tool.
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
        let glyph = if view.selected {
            card.style.patch(self.theme.selection)
        } else {
            card.style
        };
        self.put(rect.x, y, card.glyph, glyph);
        let mark = text::width(&card.mark);
        let room = columns.saturating_sub(if mark > 0 { mark + 1 } else { 0 });
        let end = self.write(
            first,
            y,
            &view.names.fit(view.label, room),
            self.name_style(view),
        );
        if mark > 0 {
            self.write(end + 1, y, &card.mark, card.mark_look);
        }
        if view.selected {
            self.put(
                first - 1,
                y,
                if ascii { ">" } else { "▸" },
                self.theme.focus,
            );
        }
        let figures = first + columns as i32 + 2;
        self.write(
            figures,
            y,
            &card.line(metrics::TIME_AND_COST, ascii),
            card.detail,
        );
        let tool = text::fit(view.tool, metrics::TOOL, ascii);
        let x = figures + metrics::TIME_AND_COST as i32 + 2;
        self.write(x, y, &tool, self.theme.dim);
    }

    /// How much lies outside, in the lower right corner.
    pub(super) fn hidden(&mut self, hidden: &HiddenNodes) {
        let note = hidden.text(self.theme.ascii);
        let width = text::width(&note) as u16;
        if width > 0 && width < self.area.width && self.area.height > 2 {
            let x = self.origin.x + i32::from(self.area.width - width);
            let y = self.origin.y + i32::from(self.area.height) - 1;
            self.write(x, y, &note, self.theme.accent);
        }
    }
}

/// How many nodes lie outside the pane, by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct HiddenNodes {
    up: usize,
    down: usize,
    left: usize,
    right: usize,
}

impl HiddenNodes {
    /// Counts the node on the side where it cannot be seen; says whether some of it can.
    pub(super) fn sees(&mut self, node: layout::Rect, window: Window) -> bool {
        if node.y >= window.y + window.height {
            self.down += 1;
        } else if node.bottom() <= window.y {
            self.up += 1;
        } else if node.x >= window.x + window.width {
            self.right += 1;
        } else if node.right() <= window.x {
            self.left += 1;
        } else {
            return true;
        }
        false
    }

    /// Of `count` rows.
    pub(super) fn rows(count: i32, window: Window) -> Self {
        Self {
            up: window.y.clamp(0, count) as usize,
            down: (count - window.y - window.height).max(0) as usize,
            ..Self::default()
        }
    }

    fn text(self, ascii: bool) -> String {
        let glyphs = if ascii {
            ["^", "v", "<", ">"]
        } else {
            ["↑", "↓", "←", "→"]
        };
        let parts: Vec<String> = glyphs
            .iter()
            .zip([self.up, self.down, self.left, self.right])
            .filter(|(_, count)| *count > 0)
            .map(|(glyph, count)| format!("{glyph} {count}"))
            .collect();
        match parts.len() {
            0 => String::new(),
            1 => format!(" {} more ", parts[0]),
            _ => format!(" {} ", parts.join("  ")),
        }
    }
}
