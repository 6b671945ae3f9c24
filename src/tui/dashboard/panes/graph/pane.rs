//! The widget.

use super::camera::Camera;
use super::card::{Card, urgent};
use super::folds::{Folded, Folds};
use super::highlight::Highlight;
use super::layout_worker::{LayoutRequest, LayoutWorker, Variants};
use super::level::Level;
use super::minimap::{self, Minimap};
use super::paint::{HiddenNodes, NodeView, Painter};
use super::rows::Rows;
use super::sidebar::{self, Sidebar};
use super::topology::Topology;
use super::walk;
use super::wires::{Mesh, Window};
use crate::layout::{self, Point, Size};
use crate::plan::StepIx;
use crate::run::{RunState, StepStatus};
use crate::tui::Theme;
use crate::tui::dashboard::panes::pane::Direction;
use crate::units::Micros;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;
use std::collections::HashSet;
use std::sync::Arc;

/// What to bring into view in the next frame.
#[derive(Clone, Copy, Debug)]
enum PendingScroll {
    Centre(StepIx),
    Visible(StepIx),
}

/// The DAG of a run, as much of it as fits. Geometry is kept from frame to frame; states only change styles.
#[derive(Debug, Default)]
pub struct GraphPane {
    rows: Rows,
    folds: Folds,
    variants: Variants,
    /// Grows with every change of the nodes or edges.
    version: u64,
    worker: LayoutWorker,
    camera: Camera,
    pending_scroll: Option<PendingScroll>,
    /// Chosen by hand.
    level: Option<Level>,
    direction: Option<layout::Direction>,
    mesh: Mesh,
    highlight: Option<Highlight>,
    /// The level of the last frame, and where a step of it was, counted from the upper left corner.
    anchor: Option<(Level, StepIx, Point)>,
    /// The room that there was in the last frame.
    room: ratatui::layout::Size,
    /// Where the picture went in the last frame, and the cell of it in the upper left corner.
    area: Rect,
    origin: Point,
    /// The rows that a search found.
    matches: HashSet<StepIx>,
    /// The rows that another run has otherwise.
    differing: HashSet<StepIx>,
    /// The list beside the picture, and how far it is scrolled.
    list: Sidebar,
    scrolled: usize,
    map: Option<Minimap>,
}

impl GraphPane {
    /// A pane that has seen no run yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in which steps there are. To be called before each frame; costs nothing where nothing changed.
    pub fn sync(&mut self, state: &RunState) {
        if !self.rows.is_behind(state) {
            return;
        }
        if self.rows.sync(state) {
            self.folds = Folds::default();
            self.camera.reset();
            self.anchor = None;
            self.scrolled = 0;
        }
        self.arrange(state);
    }

    /// Works out the nodes and edges; where they stay the same so does the picture.
    fn arrange(&mut self, state: &RunState) {
        let full = Topology::new(&self.rows, state, &self.folds, false);
        let lean = self
            .rows
            .has_groups()
            .then(|| Topology::new(&self.rows, state, &self.folds, true))
            .filter(|lean| lean.steps.len() < full.steps.len());
        let same_lean = match (&lean, &self.variants.lean) {
            (Some(lean), Some(before)) => lean.is_like(before),
            (None, None) => true,
            _ => false,
        };
        let same_run = full.same_run(&self.variants.full);
        if same_run && same_lean && full.is_like(&self.variants.full) {
            return;
        }
        self.variants = Variants {
            full: Arc::new(full),
            lean: lean.map(Arc::new),
        };
        self.version += 1;
    }

    /// Folds or unfolds what the step is part of: a `for_each` step, a group of alike steps, else what waits for
    /// nothing but the step. `None` where there is nothing to fold.
    pub fn fold(&mut self, state: &RunState, step: StepIx) -> Option<Folded> {
        self.sync(state);
        let topology = match self.worker.last() {
            Some(geometry) => Arc::clone(&geometry.topology),
            None => Arc::clone(&self.variants.full),
        };
        let step = self.shown(&topology, step)?;
        let folded = self.folds.toggle(&self.rows, state, &topology, step)?;
        self.arrange(state);
        Some(folded)
    }

    /// The row itself where the picture knows it, else its `for_each` step.
    fn shown(&self, topology: &Topology, step: StepIx) -> Option<StepIx> {
        if topology.node(step).is_some() {
            return Some(step);
        }
        let parent = self.rows.parents.get(step.at()).copied().flatten()?;
        topology.node(parent).map(|_| parent)
    }

    fn node(&self, topology: &Topology, step: StepIx) -> Option<u32> {
        topology.node(self.shown(topology, step)?)
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
        self.list = Sidebar::default();
        self.map = None;
        if area.is_empty() || self.variants.full.steps.is_empty() {
            return;
        }
        let request = LayoutRequest {
            level: self.level,
            direction: self.direction,
            pane: Size {
                width: area.width,
                height: area.height,
            },
            version: self.version,
        };
        let (geometry, changed) = self.worker.geometry(request, &self.variants);
        let Some(geometry) = geometry else {
            return;
        };
        let topology = Arc::clone(&geometry.topology);
        let level = geometry.level;
        if changed {
            self.move_on(selected);
        }
        let node = selected.and_then(|step| self.node(&topology, step));
        let mut area = area;
        if level == Level::Overview {
            area = self.around_overview(buffer, area, &topology, state, node, now, theme);
        }
        self.area = area;
        self.look_there(area);
        self.highlight(node);
        if let Some(geometry) = self.worker.last()
            && level != Level::Overview
        {
            let window = Window::of(area, self.origin.x, self.origin.y);
            self.map = Minimap::in_corner(area, geometry, window, node);
        }
        self.paint(buffer, area, state, node, now, theme);
        self.remember(selected);
    }

    /// What stands beside and above an overview; gives the room for the picture.
    #[allow(clippy::too_many_arguments, reason = "what a frame is drawn from")]
    fn around_overview(
        &mut self,
        buffer: &mut Buffer,
        area: Rect,
        topology: &Topology,
        state: &RunState,
        node: Option<u32>,
        now: Micros,
        theme: &Theme,
    ) -> Rect {
        let (mut picture, list) = sidebar::split(area);
        if !list.is_empty() {
            let scrolled = self.scrolled;
            self.list = sidebar::draw(buffer, list, topology, state, node, scrolled, now, theme);
            self.scrolled = self.scrolled.min(self.list.most);
        }
        let Some(geometry) = self.worker.last() else {
            return picture;
        };
        self.map = Minimap::at_top(picture, geometry);
        if let Some(map) = self.map {
            let x = map.area.right() + 2;
            let room = usize::from(picture.right().saturating_sub(x));
            let status = |node: u32| status(topology, state, node);
            let words = minimap::legend(geometry, &status, theme);
            for ((words, style), row) in words.iter().zip(map.area.top()..map.area.bottom()) {
                buffer.set_stringn(x, row, words, room, *style);
            }
            let taken = map.area.height + 1;
            picture.y += taken;
            picture.height = picture.height.saturating_sub(taken);
        }
        picture
    }

    /// Another picture than in the last frame: what was looked at stays where it was, as far as can be.
    fn move_on(&mut self, selected: Option<StepIx>) {
        self.highlight = None;
        let Some(geometry) = self.worker.last() else {
            return;
        };
        let anchor = self.anchor.filter(|(level, ..)| *level == geometry.level);
        let place = anchor.and_then(|(_, step, at)| {
            let node = self.node(&geometry.topology, step)?;
            Some((geometry.layout.nodes.get(node as usize)?.centre(), at))
        });
        if let Some((place, at)) = place {
            self.camera.place(place.x - at.x, place.y - at.y);
            self.pending_scroll = self.pending_scroll.or(selected.map(PendingScroll::Visible));
        } else {
            self.camera.reset();
            // Where little lies outside, the beginning of the picture stays in view.
            let wide = geometry.width > i32::from(self.area.width) * 3 / 2;
            let pending_scroll = if wide {
                PendingScroll::Centre
            } else {
                PendingScroll::Visible
            };
            self.pending_scroll = selected.map(pending_scroll).or(self.pending_scroll);
        }
    }

    /// Keeps in mind where the selected step is, or else the one nearest to the middle.
    fn remember(&mut self, selected: Option<StepIx>) {
        self.anchor = None;
        let Some(geometry) = self.worker.last() else {
            return;
        };
        let (width, height) = (i32::from(self.area.width), i32::from(self.area.height));
        let on_screen = |node: u32| {
            let Point { x, y } = geometry.layout.nodes.get(node as usize)?.centre();
            let at = Point {
                x: x - self.origin.x,
                y: y - self.origin.y,
            };
            let visible = (0..width).contains(&at.x) && (0..height).contains(&at.y);
            visible.then_some(at)
        };
        let node = selected.and_then(|step| self.node(&geometry.topology, step));
        let node = node.filter(|&node| on_screen(node).is_some()).or_else(|| {
            let all = 0..geometry.layout.nodes.len() as u32;
            all.filter_map(|node| {
                let at = on_screen(node)?;
                Some((
                    (at.x - width / 2).abs() + 2 * (at.y - height / 2).abs(),
                    node,
                ))
            })
            .min()
            .map(|(_, node)| node)
        });
        if let Some(node) = node
            && let Some(at) = on_screen(node)
            && let Some(step) = geometry.topology.step(node)
        {
            self.anchor = Some((geometry.level, step, at));
        }
    }

    /// Moves the camera to what is to be seen.
    fn look_there(&mut self, area: Rect) {
        let (width, height) = (i32::from(area.width), i32::from(area.height));
        let Some(geometry) = self.worker.last() else {
            return;
        };
        if let Some(pending_scroll) = self.pending_scroll.take() {
            let (PendingScroll::Centre(step) | PendingScroll::Visible(step)) = pending_scroll;
            let target = self
                .node(&geometry.topology, step)
                .and_then(|node| geometry.extent(node));
            match (target, pending_scroll) {
                (Some(target), PendingScroll::Centre(_)) => {
                    self.camera.centre_on(target, width, height);
                }
                (Some(target), PendingScroll::Visible(_)) => {
                    self.camera.keep_visible(target, width, height);
                }
                (None, _) => {}
            }
        }
        let picture = (geometry.width, geometry.layout.height);
        self.origin = self
            .camera
            .settle(picture, (width, height), geometry.extent(0));
    }

    fn paint(
        &mut self,
        buffer: &mut Buffer,
        area: Rect,
        state: &RunState,
        selected: Option<u32>,
        now: Micros,
        theme: &Theme,
    ) {
        let Some(geometry) = self.worker.last() else {
            return;
        };
        let topology = &*geometry.topology;
        let window = Window::of(area, self.origin.x, self.origin.y);
        self.mesh.clear(window);
        let highlight = self.highlight.as_ref();
        for (at, route) in geometry.layout.routes.iter().enumerate() {
            self.mesh
                .add(route, highlight.is_some_and(|highlight| highlight.edge(at)));
        }
        let mut painter = Painter {
            buffer,
            area,
            origin: self.origin,
            mesh: &self.mesh,
            theme,
        };
        painter.wires();
        let is_among = |node: u32, rows: &HashSet<StepIx>| {
            if rows.is_empty() {
                return false;
            }
            match topology.members.get(&node) {
                Some(members) => members.iter().any(|row| rows.contains(row)),
                None => rows.contains(&topology.steps[node as usize]),
            }
        };
        let matched = |node: u32| is_among(node, &self.matches);
        let differs = |node: u32| is_among(node, &self.differing);
        let status = |node: u32| status(topology, state, node);
        let view_of = |node: u32| {
            let mut card = match topology.members.get(&node) {
                Some(members) => Card::folded(state, members, now, theme),
                None => Card::new(
                    state,
                    state.steps.get(topology.step(node)?.at())?,
                    now,
                    theme,
                ),
            };
            let differs = differs(node);
            if differs {
                let sign = if card.mark.is_empty() { "≠" } else { " ≠" };
                card.mark.push_str(sign);
            }
            // Beside what is lit the rest steps back, except for what needs a look.
            let apart = highlight.is_some_and(|highlight| !highlight.node(node));
            let calm = !matches!(
                status(node),
                StepStatus::Running | StepStatus::Failed | StepStatus::Unknown
            );
            Some(NodeView {
                label: &topology.labels[node as usize],
                tool: &topology.tools[node as usize],
                card,
                selected: selected == Some(node),
                matched: matched(node),
                differs,
                back: apart && calm,
            })
        };
        let mut hidden = HiddenNodes::default();
        if geometry.level == Level::Lane {
            hidden = HiddenNodes::rows(geometry.layout.height, window);
            for &node in geometry.rows(window.y..window.y + window.height) {
                if let Some(view) = view_of(node) {
                    painter.row(geometry, geometry.layout.nodes[node as usize], &view);
                }
            }
        } else {
            for (node, &rect) in geometry.layout.nodes.iter().enumerate() {
                if !hidden.sees(rect, window) {
                    continue;
                }
                let node = node as u32;
                if geometry.level == Level::Overview {
                    let status_style = theme.status(status(node));
                    let style = if selected == Some(node) {
                        status_style.style.patch(theme.selection)
                    } else if matched(node) {
                        status_style.style.add_modifier(Modifier::UNDERLINED)
                    } else if highlight.is_some_and(|highlight| highlight.node(node)) {
                        status_style.style.add_modifier(Modifier::BOLD)
                    } else {
                        status_style.style
                    };
                    let glyph = if differs(node) {
                        "≠"
                    } else {
                        status_style.glyph
                    };
                    painter.put(rect.x, rect.y, glyph, style);
                    continue;
                }
                let Some(view) = view_of(node) else {
                    continue;
                };
                if geometry.level == Level::Box {
                    painter.card(rect, &view);
                } else {
                    painter.chip(rect, &view, geometry.direction == layout::Direction::Down);
                }
            }
        }
        if self.map.is_none() || geometry.level != Level::Overview {
            painter.hidden(&hidden);
        }
        if let Some(map) = &self.map {
            let framed = geometry.level != Level::Overview;
            map.draw(buffer, geometry, &status, window, theme, framed);
        }
    }

    /// The step to which an arrow key leads: along the edges first, then the nearest in that direction.
    pub fn neighbour(&self, from: StepIx, towards: Direction) -> Option<StepIx> {
        let geometry = self.worker.last()?;
        let from = self.node(&geometry.topology, from)?;
        let node = walk::neighbour(&geometry.topology, geometry, from, towards)?;
        geometry.topology.step(node)
    }

    /// The step in the upper left; before the first frame, the plan's first.
    pub fn first(&self) -> Option<StepIx> {
        let Some(geometry) = self.worker.last() else {
            return self.variants.full.step(0);
        };
        let nodes = &geometry.layout.nodes;
        let node = (0..nodes.len()).min_by_key(|&at| {
            let rect = nodes[at];
            match geometry.direction {
                layout::Direction::Down => (rect.y, rect.x),
                layout::Direction::Right => (rect.x, rect.y),
            }
        })?;
        geometry.topology.step(node as u32)
    }

    /// The step whose node shows this one: itself, or what it is folded into.
    pub fn stand_in(&self, step: StepIx) -> Option<StepIx> {
        let topology = &self.worker.last()?.topology;
        topology.step(self.node(topology, step)?)
    }

    /// The step at a cell of the screen, as of the last frame.
    pub fn hit(&self, column: u16, row: u16) -> Option<StepIx> {
        let position = Position { x: column, y: row };
        if self.list.area.contains(position) {
            let found = self.list.steps.iter().find(|(at, _)| *at == row)?;
            return Some(found.1);
        }
        if !self.area.contains(position) || self.on_map(column, row) {
            return None;
        }
        let geometry = self.worker.last()?;
        let node = geometry.at(Point {
            x: i32::from(column - self.area.x) + self.origin.x,
            y: i32::from(row - self.area.y) + self.origin.y,
        })?;
        geometry.topology.step(node)
    }

    /// Whether a cell of the screen is one of the map.
    pub fn on_map(&self, column: u16, row: u16) -> bool {
        let position = Position { x: column, y: row };
        self.map.is_some_and(|map| map.contains(position))
    }

    /// Shows what a cell of the map stands for, in the middle of the pane.
    pub fn look_at_map(&mut self, column: u16, row: u16) {
        if let Some(map) = self.map {
            let Point { x, y } = map.target(column, row);
            let target = layout::Rect {
                x,
                y,
                width: 1,
                height: 1,
            };
            let (width, height) = (i32::from(self.area.width), i32::from(self.area.height));
            self.camera.centre_on(target, width, height);
            self.pending_scroll = None;
        }
    }

    /// Turns the wheel over a cell of the screen: the list beside the picture scrolls, else the view moves.
    pub fn wheel(&mut self, column: u16, row: u16, dx: i32, dy: i32) {
        if self.list.area.contains(Position { x: column, y: row }) {
            let lines = dy as isize;
            self.scrolled = self
                .scrolled
                .saturating_add_signed(lines)
                .min(self.list.most);
        } else {
            self.pan(dx, dy);
        }
    }

    /// Moves the view: positive is to the right and down.
    pub fn pan(&mut self, dx: i32, dy: i32) {
        self.camera.pan(dx, dy);
    }

    /// Moves the view by most of the pane, its frame included.
    pub(super) fn pan_page(&mut self, pages: i32) {
        let rows = (i32::from(self.room.height) + 2) * 3 / 4;
        self.pan(0, pages * rows.max(1));
    }

    /// Takes in the room that there is. Another size may mean another layout: what is looked at stays in view.
    pub(super) fn resize(&mut self, room: ratatui::layout::Size, selected: Option<StepIx>) {
        let before = std::mem::replace(&mut self.room, room);
        let changed = before != room && before != ratatui::layout::Size::ZERO;
        if let Some(step) = selected.filter(|_| changed) {
            self.keep_visible(step);
        }
    }

    /// Brings a step to the middle in the next frame.
    pub fn centre_on(&mut self, step: StepIx) {
        self.pending_scroll = Some(PendingScroll::Centre(step));
    }

    /// Scrolls as little as possible for a step to be visible in the next frame.
    pub fn keep_visible(&mut self, step: StepIx) {
        self.pending_scroll = Some(PendingScroll::Visible(step));
    }

    /// Shows more of each step (1) or more steps (-1).
    pub fn zoom(&mut self, by: i8) {
        self.level = Some(self.level().zoomed(by));
    }

    /// Turns boxes and chips from top-down to left-right, or back.
    pub fn turn(&mut self) {
        let now = self.worker.last().map(|geometry| geometry.direction);
        self.direction = Some(match now {
            Some(layout::Direction::Down) => layout::Direction::Right,
            _ => layout::Direction::Down,
        });
    }

    /// Chooses the level and the direction that fit the pane best again.
    pub fn fit(&mut self) {
        self.level = None;
        self.direction = None;
        self.camera.reset();
    }

    /// How much of each step is shown.
    pub fn level(&self) -> Level {
        let shown = self.worker.last().map(|geometry| geometry.level);
        self.level.or(shown).unwrap_or_default()
    }

    /// Makes these steps stand out, as what a search found; with none, no step does.
    pub fn set_matches(&mut self, steps: &[StepIx]) {
        self.matches.clear();
        self.matches.extend(steps);
    }

    /// Marks these steps as differing from another run.
    pub fn set_differing(&mut self, steps: impl Iterator<Item = StepIx>) {
        self.differing = steps.collect();
    }

    /// Whether a layout is being worked out: a frame drawn a little later will show it.
    pub fn is_busy(&self) -> bool {
        self.worker.is_busy()
    }

    /// Works out which nodes and edges lead to or from the selected node, at any distance.
    fn highlight(&mut self, selected: Option<u32>) {
        let wanted = selected.map(|node| (self.worker.serial(), node));
        if self.highlight.as_ref().map(|highlight| highlight.of) == wanted {
            return;
        }
        let geometry = self.worker.last();
        self.highlight = geometry
            .zip(wanted)
            .map(|(geometry, (serial, node))| Highlight::new(serial, geometry, node));
    }

    #[cfg(test)]
    pub(super) fn wait(&mut self) {
        self.worker.wait();
    }
}

/// The state of a node; of several rows that of the one that needs a look most.
fn status(topology: &Topology, state: &RunState, node: u32) -> StepStatus {
    match topology.members.get(&node) {
        Some(members) => urgent(state, members),
        None => topology
            .step(node)
            .and_then(|step| state.steps.get(step.at()))
            .map_or(StepStatus::Pending, |row| row.status),
    }
}
