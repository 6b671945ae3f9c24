//! The widget.

use super::camera::Camera;
use super::card::Card;
use super::scene::{self, Scene};
use super::text;
use super::topology::Topology;
use super::walk;
use super::wires::{self, Mesh, Window};
use crate::layout::{self, Point, Size};
use crate::plan::StepIx;
use crate::run::{Micros, RunState};
use crate::tui::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// How much of each step the picture shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Every step a dot.
    Overview,
    /// A step a row, with the edges as lanes beside it.
    Lane,
    /// One line: state, label, time.
    Chip,
    /// A box with time and cost.
    #[default]
    Box,
}

/// A way on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// To a row above.
    Up,
    /// To a row below.
    Down,
    /// To a column on the left.
    Left,
    /// To a column on the right.
    Right,
}

impl Direction {
    /// The other way.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}

/// What to bring into view in the next frame.
#[derive(Clone, Copy, Debug)]
enum Wish {
    Centre(StepIx),
    Visible(StepIx),
}

/// The DAG of a run, as much of it as fits. Geometry is kept from frame to frame; states only change styles.
#[derive(Debug, Default)]
pub struct GraphPane {
    topology: Topology,
    scene: Option<Scene>,
    camera: Camera,
    wish: Option<Wish>,
    /// The level chosen by hand.
    chosen: Option<Level>,
    /// Where the last frame went.
    area: Rect,
    /// The pane for which the level was chosen.
    fitted: Option<Size>,
    mesh: Mesh,
    /// The step whose relatives are lit, and they.
    lit: Option<(u32, Vec<bool>)>,
    /// What each cell's column and row was taken from in the last frame.
    origin: Point,
}

impl GraphPane {
    /// A pane that has seen no run yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in which steps there are. To be called before each frame; costs nothing where nothing changed.
    pub fn sync(&mut self, state: &RunState) {
        let fresh = self.topology.steps.is_empty();
        if self.topology.sync(state) {
            self.scene = None;
            self.lit = None;
            if fresh {
                self.camera.reset();
            }
        }
    }

    /// Draws the frame. Everything outside `area` stays as it is.
    pub fn draw(
        &mut self,
        buffer: &mut Buffer,
        area: Rect,
        state: &RunState,
        selected: Option<StepIx>,
        now: Micros,
        theme: &Theme,
    ) {
        let area = area.intersection(buffer.area);
        self.area = area;
        if area.is_empty() || self.topology.steps.is_empty() {
            return;
        }
        self.ready_scene();
        let Some(scene) = self.scene.as_ref() else {
            return;
        };
        let (width, height) = (i32::from(area.width), i32::from(area.height));
        if let Some(wish) = self.wish.take() {
            let (Wish::Centre(step) | Wish::Visible(step)) = wish;
            let target = self
                .topology
                .node(step)
                .and_then(|node| scene.layout.nodes.get(node as usize));
            if let Some(&target) = target {
                match wish {
                    Wish::Centre(_) => self.camera.centre_on(target, width, height),
                    Wish::Visible(_) => self.camera.keep_visible(target, width, height),
                }
            }
        }
        let first = scene.layout.nodes.first().copied();
        self.origin = self.camera.settle(
            (scene.layout.width, scene.layout.height),
            (width, height),
            first,
        );
        let selected = selected.and_then(|step| self.topology.node(step));
        self.light(selected);
        let Some(scene) = self.scene.as_ref() else {
            return;
        };
        let window = Window::of(area, self.origin.x, self.origin.y);
        self.mesh.clear(window);
        let lit = self.lit.as_ref().map(|(_, lit)| lit);
        for (at, route) in scene.layout.routes.iter().enumerate() {
            self.mesh.add(route, lit.is_some_and(|lit| lit[at]));
        }
        let mut painter = Painter {
            buffer,
            area,
            origin: self.origin,
            mesh: &self.mesh,
            theme,
        };
        painter.wires();
        let mut hidden = Hidden::default();
        for (node, rect) in scene.layout.nodes.iter().enumerate() {
            if !hidden.sees(*rect, window) {
                continue;
            }
            let Some(step) = state.steps.get(self.topology.steps[node].at()) else {
                continue;
            };
            let card = Card::new(state, step, now, theme);
            let label = &self.topology.labels[node];
            let selected = selected == Some(node as u32);
            if scene.level == Level::Box {
                painter.card(*rect, label, &card, selected);
            } else {
                let centred = scene.direction == layout::Direction::Down;
                painter.chip(*rect, label, &card, selected, centred);
            }
        }
        painter.hidden(&hidden);
    }

    /// The step to which an arrow key leads: along the edges first, then the nearest in that direction.
    pub fn neighbour(&self, from: StepIx, towards: Direction) -> Option<StepIx> {
        let scene = self.scene.as_ref()?;
        let from = self.topology.node(from)?;
        let node = walk::neighbour(&self.topology, scene, from, towards)?;
        self.topology.step(node)
    }

    /// The step in the upper left.
    pub fn first(&self) -> Option<StepIx> {
        let Some(scene) = &self.scene else {
            return self.topology.step(0);
        };
        let nodes = &scene.layout.nodes;
        let node = (0..nodes.len()).min_by_key(|&at| (nodes[at].y, nodes[at].x))?;
        self.topology.step(node as u32)
    }

    /// The step at a cell of the screen, as of the last frame.
    pub fn hit(&self, column: u16, row: u16) -> Option<StepIx> {
        let scene = self.scene.as_ref()?;
        if !self
            .area
            .contains(ratatui::layout::Position { x: column, y: row })
        {
            return None;
        }
        let cell = Point {
            x: i32::from(column - self.area.x) + self.origin.x,
            y: i32::from(row - self.area.y) + self.origin.y,
        };
        let node = scene
            .layout
            .nodes
            .iter()
            .position(|node| node.contains(cell))?;
        self.topology.step(node as u32)
    }

    /// Moves the view: positive is to the right and down.
    pub fn pan(&mut self, dx: i32, dy: i32) {
        self.camera.pan(dx, dy);
    }

    /// Brings a step to the middle in the next frame.
    pub fn centre_on(&mut self, step: StepIx) {
        self.wish = Some(Wish::Centre(step));
    }

    /// Scrolls as little as possible for a step to be visible in the next frame.
    pub fn keep_visible(&mut self, step: StepIx) {
        self.wish = Some(Wish::Visible(step));
    }

    /// Shows more of each step (1) or more steps (-1).
    pub fn zoom(&mut self, by: i8) {
        let levels = [Level::Chip, Level::Box];
        let now = levels
            .iter()
            .position(|&level| level >= self.level())
            .unwrap_or(1) as i64;
        let next = (now + i64::from(by)).clamp(0, levels.len() as i64 - 1);
        self.chosen = Some(levels[next as usize]);
        self.scene = None;
    }

    /// Chooses the level that fits the pane best again.
    pub fn fit(&mut self) {
        self.chosen = None;
        self.scene = None;
        self.camera.reset();
    }

    /// How much of each step is shown.
    pub fn level(&self) -> Level {
        self.scene
            .as_ref()
            .map_or(self.chosen.unwrap_or_default(), |scene| scene.level)
    }

    /// Makes sure that there is a scene for the pane as it is.
    fn ready_scene(&mut self) {
        let pane = Size {
            width: self.area.width,
            height: self.area.height,
        };
        if self.scene.is_some() && self.fitted == Some(pane) {
            return;
        }
        let best = best(&self.topology, self.chosen, pane);
        let changed = self
            .scene
            .as_ref()
            .is_none_or(|scene| (scene.level, scene.direction) != (best.level, best.direction));
        if changed {
            self.lit = None;
            if self.scene.is_some() {
                self.camera.reset();
            }
        }
        self.scene = Some(best);
        self.fitted = Some(pane);
    }

    /// Works out which edges lead to or from the selected node, at any distance.
    fn light(&mut self, selected: Option<u32>) {
        if self.lit.as_ref().map(|(node, _)| *node) == selected {
            return;
        }
        let (Some(node), Some(scene)) = (selected, &self.scene) else {
            self.lit = None;
            return;
        };
        let count = self.topology.steps.len();
        let reach = |next: &Vec<Vec<u32>>| {
            let mut seen = vec![false; count];
            let mut waiting = vec![node];
            while let Some(node) = waiting.pop() {
                if !std::mem::replace(&mut seen[node as usize], true) {
                    waiting.extend(&next[node as usize]);
                }
            }
            seen
        };
        let (above, below) = (reach(&self.topology.above), reach(&self.topology.below));
        let lit = scene
            .layout
            .routes
            .iter()
            .map(|route| {
                let (from, to) = (route.from as usize, route.to as usize);
                (above[from] && above[to]) || (below[from] && below[to])
            })
            .collect();
        self.lit = Some((node, lit));
    }
}

/// The fullest picture that fits; where none does, the fullest that is not too many panes large.
fn best(topology: &Topology, chosen: Option<Level>, pane: Size) -> Scene {
    use layout::Direction::{Down, Right};
    let candidates = [
        (Level::Box, Down, 2.5),
        (Level::Box, Right, 2.5),
        (Level::Chip, Down, 1.6),
        (Level::Chip, Right, f32::INFINITY),
    ];
    let mut tolerable: Option<Scene> = None;
    for (level, direction, most) in candidates {
        if chosen.is_some_and(|chosen| chosen != level) {
            continue;
        }
        let scene = Scene::new(topology, level, direction, pane);
        let panes = scene.panes(pane);
        if panes <= 1.0 {
            return scene;
        }
        let better = match &tolerable {
            None => panes <= most || chosen.is_some(),
            Some(other) => other.level == level && panes < other.panes(pane),
        };
        if better {
            tolerable = Some(scene);
        }
    }
    tolerable.unwrap_or_else(|| Scene::new(topology, chosen.unwrap_or(Level::Chip), Right, pane))
}

/// How many nodes lie outside the pane, by side.
#[derive(Default)]
struct Hidden {
    up: usize,
    down: usize,
    left: usize,
    right: usize,
}

impl Hidden {
    /// Counts the node on the side where it cannot be seen; says whether some of it can.
    fn sees(&mut self, node: layout::Rect, window: Window) -> bool {
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

    fn text(&self, ascii: bool) -> String {
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

/// Puts cells of the picture into the buffer.
struct Painter<'a> {
    buffer: &'a mut Buffer,
    area: Rect,
    origin: Point,
    mesh: &'a Mesh,
    theme: &'a Theme,
}

impl Painter<'_> {
    fn wires(&mut self) {
        for row in 0..self.area.height {
            for column in 0..self.area.width {
                let (x, y) = (
                    i32::from(column) + self.origin.x,
                    i32::from(row) + self.origin.y,
                );
                let bits = self.mesh.at(x, y);
                if bits != 0 {
                    let glyph = wires::glyph(bits, self.theme.ascii);
                    self.put(x, y, glyph, self.wire_style(bits));
                }
            }
        }
    }

    fn wire_style(&self, bits: u8) -> Style {
        if bits >> 4 != 0 {
            self.theme.lit
        } else {
            self.theme.border
        }
    }

    /// One cell of the picture, where it is visible.
    fn put(&mut self, x: i32, y: i32, glyph: &str, style: Style) {
        let (column, row) = (x - self.origin.x, y - self.origin.y);
        if column < 0
            || row < 0
            || column >= i32::from(self.area.width)
            || row >= i32::from(self.area.height)
        {
            return;
        }
        let at = (self.area.x + column as u16, self.area.y + row as u16);
        if let Some(cell) = self.buffer.cell_mut(at) {
            cell.set_symbol(glyph).set_style(style);
        }
    }

    /// Text in one row of the picture, from `x`; what falls outside the pane is left out.
    fn write(&mut self, x: i32, y: i32, text: &str, style: Style) -> i32 {
        use unicode_width::UnicodeWidthChar;
        let mut column = x;
        let mut utf8 = [0; 4];
        for c in text.chars() {
            let width = c.width().unwrap_or(0) as i32;
            if width == 0 {
                continue;
            }
            let c = if self.theme.ascii && !c.is_ascii() {
                '?'
            } else {
                c
            };
            let last = column + width - 1 - self.origin.x;
            if last < i32::from(self.area.width) {
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

    /// A box.
    fn card(&mut self, rect: layout::Rect, label: &str, card: &Card, selected: bool) {
        let (left, top, right, bottom) = (rect.x, rect.y, rect.right() - 1, rect.bottom() - 1);
        let ascii = self.theme.ascii;
        let look = if selected {
            self.theme.focus.patch(card.look)
        } else {
            card.look
        };
        let look = if selected {
            look.patch(self.theme.strong)
        } else {
            look
        };
        for y in top..=bottom {
            for x in left..=right {
                let border = match (y == top, y == bottom, x == left, x == right) {
                    (true, _, true, _) => wires::RIGHT | wires::DOWN,
                    (true, _, _, true) => wires::LEFT | wires::DOWN,
                    (_, true, true, _) => wires::RIGHT | wires::UP,
                    (_, true, _, true) => wires::LEFT | wires::UP,
                    (true, ..) | (_, true, ..) => wires::LEFT | wires::RIGHT,
                    (_, _, true, _) | (_, _, _, true) => wires::UP | wires::DOWN,
                    _ => 0,
                };
                let lines = self.mesh.at(x, y) & 15;
                let glyph = match (border, selected) {
                    (0, _) => " ",
                    (_, true) => wires::double_glyph(border, lines, ascii),
                    (_, false) => wires::glyph(border | lines, ascii),
                };
                self.put(
                    x,
                    y,
                    glyph,
                    if border == 0 { self.theme.text } else { look },
                );
            }
        }
        let inner = (rect.width - 4).max(0) as usize;
        let name = if selected {
            card.name.patch(self.theme.selection)
        } else {
            card.name
        };
        self.write(left + 2, top + 1, card.glyph, card.look);
        let mark = text::width(&card.mark);
        let room = inner.saturating_sub(2 + if mark > 0 { mark + 1 } else { 0 });
        self.write(left + 4, top + 1, &text::fit(label, room, ascii), name);
        if mark > 0 {
            self.write(
                right - 1 - mark as i32,
                top + 1,
                &card.mark,
                self.theme.warning,
            );
        }
        let line = card.line(inner, ascii);
        self.write(left + 2, top + 2, &line, card.detail);
    }

    /// One line, with an empty column at either side for the edges or the brackets of the selection.
    fn chip(
        &mut self,
        rect: layout::Rect,
        label: &str,
        card: &Card,
        selected: bool,
        centred: bool,
    ) {
        let (left, right, y) = (rect.x, rect.right() - 1, rect.y);
        let ascii = self.theme.ascii;
        let name = if selected {
            card.name.patch(self.theme.selection)
        } else {
            card.name
        };
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
        let label = text::fit(label, inner.saturating_sub(2 + taken), ascii);
        // Edges from above meet the middle: the text stands around it.
        let shift = if centred {
            inner.saturating_sub(2 + text::width(&label) + scene::TIME + 1) as i32 / 2
        } else {
            0
        };
        self.write(left + 1 + shift, y, card.glyph, card.look);
        let end = self.write(left + 3 + shift, y, &label, name);
        if !time.is_empty() {
            let x = if centred {
                end + 1
            } else {
                right - text::width(&time) as i32
            };
            self.write(x, y, &time, card.detail);
        } else if self.mesh.at(right, y) & wires::RIGHT != 0 {
            // Nothing is to be said here: the edge begins where the label ends.
            let style = self.wire_style(self.mesh.at(right, y));
            for x in end + 1..right {
                self.put(x, y, wires::glyph(wires::LEFT | wires::RIGHT, ascii), style);
            }
        }
        for (x, bracket) in [(left, "["), (right, "]")] {
            let bits = self.mesh.at(x, y);
            let through = bits & (wires::LEFT | wires::RIGHT);
            if selected {
                self.put(x, y, bracket, self.theme.focus);
            } else if through != 0 {
                let line = wires::glyph(wires::LEFT | wires::RIGHT, ascii);
                self.put(x, y, line, self.wire_style(bits));
            } else {
                self.put(x, y, " ", self.theme.text);
            }
        }
    }

    /// How much lies outside, in the lower right corner.
    fn hidden(&mut self, hidden: &Hidden) {
        let note = hidden.text(self.theme.ascii);
        let width = text::width(&note) as u16;
        if width > 0 && width < self.area.width && self.area.height > 2 {
            let x = self.origin.x + i32::from(self.area.width - width);
            let y = self.origin.y + i32::from(self.area.height) - 1;
            self.write(x, y, &note, self.theme.accent);
        }
    }
}
