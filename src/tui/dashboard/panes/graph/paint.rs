//! Cells of the picture into cells of the screen.

use super::card::Card;
use super::detail::Detail;
use super::text;
use super::wires::{Mesh, Stroke, Window};
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
    /// Whether its state changed a moment before.
    pub(super) flash: bool,
    /// Whether it steps back behind what is lit.
    pub(super) back: bool,
    /// The lines of a box.
    pub(super) details: Vec<Detail>,
    /// The time in the border of a card, the fullest words first.
    pub(super) elapsed: Vec<String>,
    /// What it cost, in the border of a card.
    pub(super) cost: String,
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
    /// The edges.
    pub(super) fn wires(&mut self) {
        for row in 0..self.area.height {
            for column in 0..self.area.width {
                let x = i32::from(column) + self.origin.x;
                let y = i32::from(row) + self.origin.y;
                let knot = self.mesh.shown(x, y);
                if let Some(glyph) = knot.glyph(self.theme.ascii) {
                    self.put(x, y, glyph, self.wire_style(knot.stroke()));
                }
            }
        }
    }

    fn wire_style(&self, stroke: Stroke) -> Style {
        match stroke {
            Stroke::None | Stroke::Plain => self.theme.border,
            Stroke::Upstream => self.theme.upstream,
            Stroke::Entering => self.theme.upstream.add_modifier(Modifier::BOLD),
            Stroke::Downstream => self.theme.downstream,
            Stroke::Leaving => self.theme.downstream.add_modifier(Modifier::BOLD),
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

    /// Changes the style of a cell of the picture, where it is visible.
    pub(super) fn tint(&mut self, x: i32, y: i32, style: Style) {
        let (column, row) = (x - self.origin.x, y - self.origin.y);
        let inside = |at: i32, most: u16| at >= 0 && at < i32::from(most);
        if inside(column, self.area.width) && inside(row, self.area.height) {
            let at = (self.area.x + column as u16, self.area.y + row as u16);
            if let Some(cell) = self.buffer.cell_mut(at) {
                cell.set_style(style);
            }
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

    pub(super) fn name_style(&self, view: &NodeView<'_>) -> Style {
        let mut style = if view.back {
            self.theme.dim
        } else {
            view.card.name
        };
        if view.flash {
            style = view.card.style.add_modifier(Modifier::BOLD);
        }
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

    /// A step as a cell of an overview: its sign, and its name where there is room.
    pub(super) fn cell(&mut self, rect: layout::Rect, glyph: &str, name: &str, style: Style) {
        self.put(rect.x, rect.y, glyph, style);
        let dim = self.theme.dim.patch(Style { fg: None, ..style });
        self.write(rect.x + 1, rect.y, name, dim);
    }

    /// What signs stand for, in the lower left corner.
    pub(super) fn legend(&mut self, words: &str) {
        let words = format!(" {words} ");
        if text::width(&words) < usize::from(self.area.width) && self.area.height > 2 {
            let y = self.origin.y + i32::from(self.area.height) - 1;
            self.write(self.origin.x, y, &words, self.theme.accent);
        }
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
