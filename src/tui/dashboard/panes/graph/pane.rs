//! The widget: what is looked at, folded and selected, and moving about.

use super::beside::OverviewBeside;
use super::camera::Camera;
use super::detail::Usual;
use super::folds::{Folded, Folds};
use super::heat::Heat;
use super::highlight::Highlight;
use super::layout_worker::{LayoutWorker, Variants};
use super::level::Level;
use super::live::{self, Live};
use super::minimap::Minimap;
use super::rows::Rows;
use super::sidebar::Sidebar;
use super::topology::Topology;
use super::walk;
use super::wires::Mesh;
use crate::layout::{self, Point};
use crate::plan::StepIx;
use crate::run::{LiveAnswers, RunState};
use crate::text::format;
use crate::tui::dashboard::panes::pane::{Caption, Direction, FoldResult, Pane};
use crate::tui::dashboard::panes::pane_context::PaneContext;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// What to bring into view in the next frame.
#[derive(Clone, Copy, Debug)]
pub(super) enum PendingScroll {
    Centre(StepIx),
    Visible(StepIx),
}

/// The DAG of a run, as much of it as fits. Geometry is kept from frame to frame; states only change styles.
#[derive(Debug, Default)]
pub struct GraphPane {
    pub(super) rows: Rows,
    pub(super) folds: Folds,
    pub(super) variants: Variants,
    /// Grows with every change of the nodes or edges.
    pub(super) version: u64,
    pub(super) worker: LayoutWorker,
    pub(super) camera: Camera,
    pub(super) pending_scroll: Option<PendingScroll>,
    /// Chosen by hand.
    pub(super) level: Option<Level>,
    pub(super) direction: Option<layout::Direction>,
    pub(super) mesh: Mesh,
    pub(super) highlight: Option<Highlight>,
    /// The level of the last frame, and where a step of it was, counted from the upper left corner.
    pub(super) anchor: Option<(Level, StepIx, Point)>,
    /// The room that there was in the last frame.
    pub(super) room: ratatui::layout::Size,
    /// Fewest and most rows to be left below the picture where it can do without them; none where that is 0.
    pub(super) below: (u16, u16),
    /// The rows that the last frame left.
    pub(super) left: u16,
    /// Where the picture went in the last frame, and the cell of it in the upper left corner.
    pub(super) area: Rect,
    pub(super) origin: Point,
    /// The rows that a search found.
    pub(super) matches: HashSet<StepIx>,
    /// The rows that another run has otherwise.
    pub(super) differing: HashSet<StepIx>,
    /// How fast answers arrive.
    pub(super) live: Live,
    /// The list beside the picture, and how far it is scrolled.
    pub(super) list: Sidebar,
    pub(super) scrolled: usize,
    pub(super) map: Option<Minimap>,
    /// The overview beside rows.
    pub(super) beside: OverviewBeside,
    /// Which turn it is for what moves, while something does.
    pub(super) turn: Option<u64>,
    /// Steps with a breakpoint.
    pub(super) breakpoints: BTreeSet<StepIx>,
    /// How long calls usually take.
    pub(super) usual: Usual,
    /// What the signs stand for.
    pub(super) heat: Heat,
}

impl GraphPane {
    /// A pane that has seen no run yet.
    pub fn new() -> Self {
        Self::default()
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

    /// The row itself where the picture knows it, else its `for_each` step.
    fn shown(&self, topology: &Topology, step: StepIx) -> Option<StepIx> {
        if topology.node(step).is_some() {
            return Some(step);
        }
        let parent = self.rows.parents.get(step.at()).copied().flatten()?;
        topology.node(parent).map(|_| parent)
    }

    pub(super) fn node(&self, topology: &Topology, step: StepIx) -> Option<u32> {
        topology.node(self.shown(topology, step)?)
    }

    /// Another picture than in the last frame: what was looked at stays where it was, as far as can be.
    pub(super) fn move_on(&mut self, selected: Option<StepIx>) {
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
    pub(super) fn remember(&mut self, selected: Option<StepIx>) {
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
    pub(super) fn look_there(&mut self, area: Rect) {
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
        // Time takes all the room beside rows, and its axis stands above the first of them.
        let centred = geometry.level != Level::Row || !geometry.has_times(area.width);
        self.origin = self
            .camera
            .settle(picture, (width, height), geometry.extent(0), centred);
    }

    /// The step to which an arrow key leads: along the edges first, then the nearest in that direction.
    pub(crate) fn neighbour(&self, from: StepIx, towards: Direction) -> Option<StepIx> {
        let geometry = self.worker.last()?;
        let from = self.node(&geometry.topology, from)?;
        let node = walk::neighbour(&geometry.topology, geometry, from, towards)?;
        geometry.topology.step(node)
    }

    /// The step whose node shows this one: itself, or what it is folded into.
    #[cfg(test)]
    pub(super) fn stand_in(&self, step: StepIx) -> Option<StepIx> {
        let topology = &self.worker.last()?.topology;
        topology.step(self.node(topology, step)?)
    }

    /// Takes in the room that there is. Another size may mean another layout: what is looked at stays in view.
    pub(super) fn resize(&mut self, room: ratatui::layout::Size, selected: Option<StepIx>) {
        let before = std::mem::replace(&mut self.room, room);
        let changed = before != room && before != ratatui::layout::Size::ZERO;
        if let Some(step) = selected.filter(|_| changed) {
            self.keep_visible(Some(step));
        }
    }

    /// The steps that are folded into a node that this one stands for; nothing where it stands for itself.
    pub(crate) fn folded(&self, step: StepIx) -> Vec<StepIx> {
        let topology = self.worker.last().map(|geometry| &geometry.topology);
        let members = topology.and_then(|topology| {
            let node = topology.node(step)?;
            // Another member than the first was selected for itself.
            let is_first = topology.step(node) == Some(step);
            topology.members.get(&node).filter(|_| is_first)
        });
        members.map_or_else(Vec::new, |members| members.to_vec())
    }

    /// Brings a step to the middle in the next frame.
    pub(crate) fn centre_on(&mut self, step: StepIx) {
        self.pending_scroll = Some(PendingScroll::Centre(step));
    }

    /// Turns boxes and chips from top-down to left-right, or back.
    pub fn turn(&mut self) {
        let now = self.worker.last().map(|geometry| geometry.direction);
        self.direction = Some(match now {
            Some(layout::Direction::Down) => layout::Direction::Right,
            _ => layout::Direction::Down,
        });
    }

    /// Shows something else in the signs; says what.
    pub(crate) fn turn_heat(&mut self) -> &'static str {
        self.heat = self.heat.next();
        self.heat.words()
    }

    /// Shows this much of each step, or what fits; gives what was chosen before.
    pub(crate) fn choose(&mut self, level: Option<Level>) -> Option<Level> {
        std::mem::replace(&mut self.level, level)
    }

    /// Lets what runs and what has just changed be seen to, in this turn; `None` where nothing moves.
    pub(crate) fn set_turn(&mut self, turn: Option<u64>) {
        self.turn = turn;
    }

    /// How much of each step is shown.
    pub fn level(&self) -> Level {
        let shown = self.worker.last().map(|geometry| geometry.level);
        self.level.or(shown).unwrap_or_default()
    }

    /// Asks for rows at the foot of the pane, from the fewest to the most, where the picture can do without them: all of
    /// it stays in view, and no step shows less of itself than with the whole pane.
    pub(crate) fn leave_room(&mut self, fewest: u16, most: u16) {
        self.below = (fewest, most);
    }

    /// The rows that the last frame left.
    pub(crate) fn room_left(&self) -> u16 {
        self.left
    }

    /// Makes these steps stand out, as what a search found; with none, no step does.
    pub(crate) fn set_matches(&mut self, steps: &[StepIx]) {
        self.matches.clear();
        self.matches.extend(steps);
    }

    /// Shows how fast these answers arrive, with their steps.
    pub(crate) fn set_live(&mut self, answers: &LiveAnswers, run: &RunState) {
        self.live = live::words(answers, run);
    }

    /// Marks these steps as differing from another run.
    pub(crate) fn set_differing(&mut self, steps: impl Iterator<Item = StepIx>) {
        self.differing = steps.collect();
    }

    /// Folds or unfolds what the step is part of: a `for_each` step, a group of alike steps, else what waits for
    /// nothing but the step. `None` where there is nothing to fold.
    pub(super) fn toggle_fold(&mut self, state: &RunState, step: StepIx) -> Option<Folded> {
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

    /// The step at a cell of the screen, as of the last frame.
    pub fn step_at(&self, at: Position) -> Option<StepIx> {
        if self.list.area.contains(at) {
            let found = self.list.steps.iter().find(|(row, _)| *row == at.y)?;
            return Some(found.1);
        }
        let geometry = self.worker.last()?;
        if let Some((_, node)) = self.beside.cells.iter().find(|(cell, _)| *cell == at) {
            return geometry.topology.step(*node);
        }
        if !self.area.contains(at) || self.has_map_at(at) {
            return None;
        }
        let node = geometry.at(Point {
            x: i32::from(at.x - self.area.x) + self.origin.x,
            y: i32::from(at.y - self.area.y) + self.origin.y,
        })?;
        geometry.topology.step(node)
    }

    #[cfg(test)]
    pub(super) fn wait(&mut self) {
        self.worker.wait();
    }
}

impl Pane for GraphPane {
    fn sync(&mut self, state: &RunState) {
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

    fn go(&mut self, _: &RunState, selected: Option<StepIx>, to: Direction) -> Option<StepIx> {
        match selected {
            Some(step) => self.neighbour(step, to),
            None => self.first(),
        }
    }

    fn first(&mut self) -> Option<StepIx> {
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

    fn last(&mut self, run: &RunState) -> Option<StepIx> {
        let steps = run.steps.len();
        steps.checked_sub(1).map(|at| StepIx(at as u32))
    }

    /// Moves the view by most of the pane, its frame included.
    fn page(&mut self, _: &RunState, _: Option<StepIx>, pages: isize) -> Option<StepIx> {
        let rows = (i32::from(self.room.height) + 2) * 3 / 4;
        self.pan(0, pages as i32 * rows.max(1));
        None
    }

    fn hit(&mut self, _: &RunState, at: Position) -> Option<StepIx> {
        self.step_at(at)
    }

    /// The list beside the picture scrolls, else the view moves.
    fn scroll(&mut self, at: Position, columns: i32, rows: i32) {
        if self.list.area.contains(at) {
            let scrolled = self.scrolled.saturating_add_signed(rows as isize);
            self.scrolled = scrolled.min(self.list.most);
        } else {
            self.pan(columns, rows);
        }
    }

    fn pan(&mut self, columns: i32, rows: i32) {
        self.camera.pan(columns, rows);
    }

    fn keep_visible(&mut self, selected: Option<StepIx>) {
        if let Some(step) = selected {
            self.pending_scroll = Some(PendingScroll::Visible(step));
        }
    }

    fn is_behind(&self) -> bool {
        self.worker.is_busy()
    }

    fn draw(&mut self, buf: &mut Buffer, area: Rect, context: &PaneContext<'_>) -> Caption {
        self.resize(area.as_size(), context.selected);
        let PaneContext {
            run,
            selected,
            now,
            theme,
            ..
        } = *context;
        if self.breakpoints != *context.breakpoints {
            self.breakpoints.clone_from(context.breakpoints);
        }
        self.draw_frame(buf, area, run, selected, now, theme);
        Caption::new()
    }

    fn can_zoom(&self) -> bool {
        true
    }

    fn zoom(&mut self, by: i8, _: &RunState, selected: Option<StepIx>) {
        self.level = Some(self.level().zoomed(by));
        self.keep_visible(selected);
    }

    /// Chooses the level and the direction that fit the pane best again.
    fn fit(&mut self, selected: Option<StepIx>) {
        self.level = None;
        self.direction = None;
        self.camera.reset();
        self.keep_visible(selected);
    }

    fn can_fold(&self) -> bool {
        true
    }

    fn fold(&mut self, run: &RunState, step: StepIx) -> Option<FoldResult> {
        let words = match self.toggle_fold(run, step) {
            Some(Folded::Closed(steps)) => format!("{} folded", format::count(steps, "step")),
            Some(Folded::Opened(steps)) => format!("{} unfolded", format::count(steps, "step")),
            None => "nothing to fold here: no step depends on this one alone".to_owned(),
        };
        self.keep_visible(Some(step));
        Some(FoldResult::Say(words))
    }

    fn has_map_at(&self, at: Position) -> bool {
        self.map.is_some_and(|map| map.contains(at))
    }

    /// Shows what a cell of the map stands for, in the middle of the pane.
    fn show_on_map(&mut self, at: Position) {
        if let Some(map) = self.map {
            let Point { x, y } = map.target(at.x, at.y);
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
}
