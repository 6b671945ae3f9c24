//! The whole picture in a few cells: where its steps are, how they stand, and which part the pane shows.
//!
//! Each cell is a braille character of two by four dots, and each dot stands for a part of the picture. A cell has
//! the colour of the state in it that needs a look most.

use super::geometry::GraphGeometry;
use super::level::Level;
use super::wires::Window;
use crate::layout::{Point, Rect as Place};
use crate::run::StepStatus;
use crate::text::format::thousands;
use crate::tui::Theme;
use crate::tui::dashboard::state::step_look::StepLook;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::widgets::{Block, BorderType, Clear, Widget};

/// The smallest pane with a map in its corner.
const PANE: (u16, u16) = (56, 14);
/// How much larger than the pane a picture is that has a map.
const PANES: f32 = 2.0;
/// The smallest and largest map, in cells.
const COLUMNS: (u16, u16) = (6, 24);
const ROWS: (u16, u16) = (2, 7);

/// Where the map is, and what its cells stand for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Minimap {
    /// Its cells, without a frame.
    pub(super) area: Rect,
    /// Columns and rows of the picture.
    picture: (i32, i32),
    /// What one dot stands for, in columns and rows of the picture.
    dot: (f32, f32),
    /// Whether it is a strip beside the rows.
    strip: bool,
}

impl Minimap {
    /// The map in the corner of `pane` where it hides least of what `window` shows, never the selected node;
    /// `None` where the picture hardly passes the pane, or where the pane is too small for a map. Beside lanes it
    /// is a strip at the right edge.
    pub(super) fn in_corner(
        pane: Rect,
        geometry: &GraphGeometry,
        window: Window,
        selected: Option<u32>,
    ) -> Option<Self> {
        let picture = (geometry.width, geometry.layout.height);
        if geometry.level == Level::Row {
            let strip = Rect {
                x: pane.right().saturating_sub(1),
                width: 1,
                ..pane
            };
            let long = picture.1 > i32::from(pane.height) && pane.width > 20 && pane.height > 4;
            return long.then_some(Self {
                area: strip,
                picture,
                dot: (1.0, picture.1 as f32 / f32::from(pane.height)),
                strip: true,
            });
        }
        let panes = (picture.0 as f32 / f32::from(pane.width.max(1)))
            .max(picture.1 as f32 / f32::from(pane.height.max(1)));
        if panes < PANES || pane.width < PANE.0 || pane.height < PANE.1 {
            return None;
        }
        let most = (
            (pane.width / 5).min(COLUMNS.1),
            (pane.height / 4).min(ROWS.1),
        );
        let mut map = Self::scaled(picture, most);
        let (width, height) = (map.area.width + 2, map.area.height + 2);
        let corner = |right: bool, bottom: bool| Rect {
            x: if right { pane.right() - width } else { pane.x },
            y: if bottom {
                pane.bottom() - height
            } else {
                pane.y
            },
            width,
            height,
        };
        // The lower right one says how much lies outside.
        let corners = [
            corner(true, false),
            corner(false, true),
            corner(false, false),
        ];
        let hides = |corner: &Rect| {
            let place = Place {
                x: window.x + i32::from(corner.x - pane.x),
                y: window.y + i32::from(corner.y - pane.y),
                width: i32::from(corner.width),
                height: i32::from(corner.height),
            };
            let nodes = geometry.layout.nodes.iter().enumerate();
            let hidden = nodes.filter(|(_, node)| node.overlaps(place));
            let (mut count, mut own) = (0, false);
            for (node, _) in hidden {
                count += 1;
                own |= selected == Some(node as u32);
            }
            (own, count)
        };
        let corner = corners.into_iter().min_by_key(hides)?;
        map.area.x = corner.x + 1;
        map.area.y = corner.y + 1;
        Some(map)
    }

    /// A map at the top of `pane`, for a picture in which a step is a cell.
    pub(super) fn at_top(pane: Rect, geometry: &GraphGeometry) -> Option<Self> {
        let picture = (geometry.width, geometry.layout.height);
        let most = (pane.width / 2, pane.height / 3);
        if picture.1 <= i32::from(pane.height) || most.0 == 0 || most.1 < ROWS.0 {
            return None;
        }
        let cells = |count: i32, dots: i32| (count.max(1) + dots - 1) / dots;
        let columns = cells(picture.0, 2).min(i32::from(most.0));
        let rows = cells(picture.1, 4).min(i32::from(most.1));
        Some(Self {
            area: Rect::new(pane.x, pane.y, columns as u16, rows as u16),
            picture,
            dot: (
                (picture.0 as f32 / (columns * 2) as f32).max(1.0),
                (picture.1 as f32 / (rows * 4) as f32).max(1.0),
            ),
            strip: false,
        })
    }

    /// As large as it may be, with the picture's shape where that leaves something to see.
    fn scaled(picture: (i32, i32), most: (u16, u16)) -> Self {
        let (width, height) = (picture.0.max(1) as f32, picture.1.max(1) as f32);
        // A cell is twice as high as it is wide, a dot about square.
        let (across, down) = (f32::from(most.0) * 2.0, f32::from(most.1) * 4.0);
        let unit = (width / across).max(2.0 * height / down).max(1.0);
        let cells = |dots: f32, per: f32, (least, most): (u16, u16)| {
            ((dots / per).ceil() as u16).clamp(least.min(most), most)
        };
        let columns = cells(width / unit, 2.0, (COLUMNS.0, most.0));
        let rows = cells(2.0 * height / unit, 4.0, (ROWS.0, most.1));
        Self {
            area: Rect::new(0, 0, columns, rows),
            picture,
            dot: (
                (width / (f32::from(columns) * 2.0)).max(0.5),
                (height / (f32::from(rows) * 4.0)).max(0.25),
            ),
            strip: false,
        }
    }

    /// Whether it has the place of the pane's cell.
    pub(super) fn contains(&self, position: Position) -> bool {
        self.area.contains(position)
    }

    /// The cell of the picture that a cell of the screen stands for, the nearest one for cells beside the map.
    pub(super) fn target(&self, column: u16, row: u16) -> Point {
        let within = |at: u16, from: u16, count: u16| {
            f32::from(at.saturating_sub(from).min(count.saturating_sub(1))) + 0.5
        };
        let (x, y) = (
            within(column, self.area.x, self.area.width),
            within(row, self.area.y, self.area.height),
        );
        if self.strip {
            return Point {
                x: 0,
                y: (y * self.dot.1) as i32,
            };
        }
        Point {
            x: ((x * 2.0 * self.dot.0) as i32).min(self.picture.0 - 1),
            y: ((y * 4.0 * self.dot.1) as i32).min(self.picture.1 - 1),
        }
    }

    /// Draws it; `window` is what the pane shows.
    pub(super) fn draw(
        &self,
        buffer: &mut Buffer,
        geometry: &GraphGeometry,
        look: &dyn Fn(u32) -> StepLook,
        window: Window,
        theme: &Theme,
        framed: bool,
    ) {
        let area = self.area.intersection(buffer.area);
        if area.is_empty() {
            return;
        }
        let cells = self.cells(geometry, look);
        if self.strip {
            self.draw_strip(buffer, &cells, window, theme);
            return;
        }
        if framed {
            let outer = Rect {
                x: area.x - 1,
                y: area.y - 1,
                width: area.width + 2,
                height: area.height + 2,
            };
            Clear.render(outer, buffer);
            buffer.set_style(outer, theme.background);
            Block::bordered()
                .border_type(BorderType::Rounded)
                .border_style(theme.border)
                .render(outer, buffer);
        }
        for row in 0..area.height {
            for column in 0..area.width {
                let cell =
                    cells[usize::from(row) * usize::from(self.area.width) + usize::from(column)];
                let style = cell.worst.map_or(theme.dim, |look| look.style(theme).style);
                let shape = cell.shape(theme);
                put(
                    buffer,
                    (area.x + column, area.y + row),
                    &shape,
                    theme.text.patch(style),
                );
            }
        }
        self.draw_frame(buffer, window, theme);
    }

    fn cells(&self, geometry: &GraphGeometry, look: &dyn Fn(u32) -> StepLook) -> Vec<Cell> {
        let (columns, rows) = (usize::from(self.area.width), usize::from(self.area.height));
        let mut cells = vec![Cell::default(); columns * rows];
        for (node, place) in geometry.layout.nodes.iter().enumerate() {
            let look = look(node as u32);
            if self.strip {
                let row = (place.y as f32 / self.dot.1) as usize;
                if let Some(cell) = cells.get_mut(row) {
                    cell.add(0, look);
                }
                continue;
            }
            let dots = |from: i32, to: i32, per: f32, most: usize| {
                let first = (from as f32 / per) as usize;
                let last = ((to - 1).max(from) as f32 / per) as usize;
                first.min(most - 1)..=last.min(most - 1)
            };
            for y in dots(place.y, place.bottom(), self.dot.1, rows * 4) {
                for x in dots(place.x, place.right(), self.dot.0, columns * 2) {
                    // Bits of a braille character, by column and row of the dot.
                    const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
                    cells[y / 4 * columns + x / 2].add(BITS[x % 2][y % 4], look);
                }
            }
        }
        cells
    }

    fn draw_strip(&self, buffer: &mut Buffer, cells: &[Cell], window: Window, theme: &Theme) {
        let first = (window.y as f32 / self.dot.1) as i32;
        let last = ((window.y + window.height - 1) as f32 / self.dot.1) as i32;
        for (row, cell) in cells.iter().enumerate() {
            let shown = (first..=last).contains(&(row as i32));
            let glyph = match (theme.ascii, shown) {
                (false, true) => "█",
                (false, false) => "│",
                (true, true) => "#",
                (true, false) => "|",
            };
            let style = match cell.worst {
                Some(look)
                    if look.urgency() <= StepLook::Status(StepStatus::Cancelled).urgency() =>
                {
                    look.style(theme).style
                }
                _ => theme.border,
            };
            let at = (self.area.x, self.area.y + row as u16);
            put(buffer, at, glyph, theme.text.patch(style));
        }
    }

    /// What the pane shows, as a frame; as a bar where it is too little for one.
    fn draw_frame(&self, buffer: &mut Buffer, window: Window, theme: &Theme) {
        let cell = |at: i32, per: f32, most: u16| {
            let at = (at.max(0) as f32 / per) as i32;
            at.clamp(0, i32::from(most) - 1) as u16
        };
        let (wide, high) = (self.dot.0 * 2.0, self.dot.1 * 4.0);
        let left = cell(window.x, wide, self.area.width);
        let right = cell(window.x + window.width - 1, wide, self.area.width);
        let top = cell(window.y, high, self.area.height);
        let bottom = cell(window.y + window.height - 1, high, self.area.height);
        let lines = right >= left + 2 && bottom > top;
        for y in top..=bottom {
            for x in left..=right {
                let at = (self.area.x + x, self.area.y + y);
                let glyph = match (y == top, y == bottom, x == left, x == right) {
                    _ if !lines => None,
                    (true, _, true, _) => Some("┌"),
                    (true, _, _, true) => Some("┐"),
                    (_, true, true, _) => Some("└"),
                    (_, true, _, true) => Some("┘"),
                    (true, ..) | (_, true, ..) => Some("─"),
                    (_, _, true, _) | (_, _, _, true) => Some("│"),
                    _ => continue,
                };
                match glyph {
                    Some(_) if theme.ascii => put(buffer, at, "#", theme.text.patch(theme.focus)),
                    Some(glyph) => put(buffer, at, glyph, theme.text.patch(theme.focus)),
                    None => {
                        if let Some(cell) = buffer.cell_mut(at) {
                            cell.modifier.insert(Modifier::REVERSED);
                        }
                    }
                }
            }
        }
    }
}

/// One cell of the map.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    dots: u8,
    worst: Option<StepLook>,
}

impl Cell {
    fn add(&mut self, dot: u8, look: StepLook) {
        self.dots |= dot;
        if self
            .worst
            .is_none_or(|worst| look.urgency() < worst.urgency())
        {
            self.worst = Some(look);
        }
    }

    /// Dots; where there are no colours, the sign of the state.
    fn shape(self, theme: &Theme) -> String {
        match self.worst {
            None => " ".to_owned(),
            Some(look) if theme.ascii || theme.status(StepStatus::Failed).style.fg.is_none() => {
                look.style(theme).glyph.to_owned()
            }
            Some(_) => {
                char::from_u32(0x2800 + u32::from(self.dots)).map_or_else(String::new, String::from)
            }
        }
    }
}

fn put(buffer: &mut Buffer, at: (u16, u16), glyph: &str, style: Style) {
    if let Some(cell) = buffer.cell_mut(at) {
        cell.modifier = Modifier::empty();
        cell.set_symbol(glyph).set_style(style);
    }
}

/// How many nodes are in which state, in words, for beside the map.
pub(super) fn legend(
    geometry: &GraphGeometry,
    look: &dyn Fn(u32) -> StepLook,
    theme: &Theme,
) -> Vec<(String, Style)> {
    let mut counts = [0u64; 8];
    for node in 0..geometry.layout.nodes.len() as u32 {
        counts[look(node).status() as usize] += 1;
    }
    StepStatus::ALL
        .into_iter()
        .filter(|&status| counts[status as usize] > 0)
        .map(|status| {
            let style = theme.status(status);
            let count = thousands(counts[status as usize]);
            (
                format!("{} {count} {}", style.glyph, status.word()),
                style.style,
            )
        })
        .collect()
}
