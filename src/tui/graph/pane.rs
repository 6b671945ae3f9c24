//! The widget.

use super::aside;
use super::camera::Camera;
use super::card::Card;
use super::level::{Direction, Level};
use super::paint::{Hidden, Look, Painter};
use super::scene::Scene;
use super::studio::{Order, Studio};
use super::topology::Topology;
use super::walk;
use super::wires::{Mesh, Window};
use crate::layout::{self, Point, Size};
use crate::plan::StepIx;
use crate::run::{Micros, RunState};
use crate::tui::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;
use std::collections::HashSet;
use std::sync::Arc;

/// What to bring into view in the next frame.
#[derive(Clone, Copy, Debug)]
enum Wish {
    Centre(StepIx),
    Visible(StepIx),
}

/// The DAG of a run, as much of it as fits. Geometry is kept from frame to frame; states only change styles.
#[derive(Debug, Default)]
pub struct GraphPane {
    topology: Arc<Topology>,
    studio: Studio,
    camera: Camera,
    wish: Option<Wish>,
    /// Chosen by hand.
    level: Option<Level>,
    direction: Option<layout::Direction>,
    mesh: Mesh,
    /// The node whose ancestors and descendants are lit, and for each edge whether it is.
    lit: Option<(u32, Vec<bool>)>,
    /// Where the picture went in the last frame, and the cell of it in the upper left corner.
    area: Rect,
    origin: Point,
    /// The nodes that a search found.
    matches: HashSet<u32>,
    /// Where the list beside it went, and the steps in its rows.
    list: (Rect, Vec<(u16, StepIx)>),
}

impl GraphPane {
    /// A pane that has seen no run yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in which steps there are. To be called before each frame; costs nothing where nothing changed.
    pub fn sync(&mut self, state: &RunState) {
        if !self.topology.is_behind(state) {
            return;
        }
        let fresh = self.topology.steps.is_empty();
        if Arc::make_mut(&mut self.topology).sync(state) {
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
        self.list = (Rect::default(), Vec::new());
        if area.is_empty() || self.topology.steps.is_empty() {
            return;
        }
        let order = Order {
            level: self.level,
            direction: self.direction,
            pane: Size {
                width: area.width,
                height: area.height,
            },
            version: self.topology.version,
        };
        let (scene, changed) = self.studio.scene(order, &self.topology);
        let Some(scene) = scene else {
            return;
        };
        if changed {
            self.lit = None;
            self.camera.reset();
            self.wish = self.wish.or(selected.map(Wish::Visible));
        }
        let node = selected.and_then(|step| self.topology.node(step));
        let mut area = area;
        if scene.level == Level::Overview {
            let (picture, list) = aside::split(area);
            area = picture;
            if !list.is_empty() {
                let steps = aside::draw(buffer, list, &self.topology, state, node, now, theme);
                self.list = (list, steps);
            }
        }
        self.area = area;
        self.look_there(area);
        self.light(node);
        self.paint(buffer, area, state, node, now, theme);
    }

    /// Moves the camera to what is to be seen.
    fn look_there(&mut self, area: Rect) {
        let Some(scene) = self.studio.last() else {
            return;
        };
        let (width, height) = (i32::from(area.width), i32::from(area.height));
        if let Some(wish) = self.wish.take() {
            let (Wish::Centre(step) | Wish::Visible(step)) = wish;
            let target = self.topology.node(step).and_then(|node| scene.extent(node));
            match (target, wish) {
                (Some(target), Wish::Centre(_)) => self.camera.centre_on(target, width, height),
                (Some(target), Wish::Visible(_)) => {
                    self.camera.keep_visible(target, width, height);
                }
                (None, _) => {}
            }
        }
        let picture = (scene.width, scene.layout.height);
        self.origin = self
            .camera
            .settle(picture, (width, height), scene.extent(0));
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
        let Some(scene) = self.studio.last() else {
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
        let look = |node: u32| {
            let step = state.steps.get(self.topology.step(node)?.at())?;
            Some(Look {
                label: &self.topology.labels[node as usize],
                tool: &self.topology.tools[node as usize],
                card: Card::new(state, step, now, theme),
                selected: selected == Some(node),
                matched: self.matches.contains(&node),
            })
        };
        let mut hidden = Hidden::default();
        if scene.level == Level::Lane {
            hidden = Hidden::rows(scene.layout.height, window);
            for &node in scene.rows(window.y..window.y + window.height) {
                if let Some(look) = look(node) {
                    painter.row(scene, scene.layout.nodes[node as usize], &look);
                }
            }
        } else {
            for (node, &rect) in scene.layout.nodes.iter().enumerate() {
                if !hidden.sees(rect, window) {
                    continue;
                }
                if scene.level == Level::Overview {
                    let step = self.topology.steps[node].at();
                    if let Some(step) = state.steps.get(step) {
                        let look = theme.status(step.status);
                        let style = if selected == Some(node as u32) {
                            look.style.patch(theme.selection)
                        } else if self.matches.contains(&(node as u32)) {
                            look.style.add_modifier(Modifier::UNDERLINED)
                        } else {
                            look.style
                        };
                        painter.put(rect.x, rect.y, look.glyph, style);
                    }
                    continue;
                }
                let Some(look) = look(node as u32) else {
                    continue;
                };
                if scene.level == Level::Box {
                    painter.card(rect, &look);
                } else {
                    painter.chip(rect, &look, scene.direction == layout::Direction::Down);
                }
            }
        }
        painter.hidden(&hidden);
    }

    /// The step to which an arrow key leads: along the edges first, then the nearest in that direction.
    pub fn neighbour(&self, from: StepIx, towards: Direction) -> Option<StepIx> {
        let scene = self.studio.last()?;
        let from = self.topology.node(from)?;
        let node = walk::neighbour(&self.topology, scene, from, towards)?;
        self.topology.step(node)
    }

    /// The step in the upper left; before the first frame, the plan's first.
    pub fn first(&self) -> Option<StepIx> {
        let Some(scene) = self.studio.last() else {
            return self.topology.step(0);
        };
        let nodes = &scene.layout.nodes;
        let node = (0..nodes.len()).min_by_key(|&at| {
            let rect = nodes[at];
            match scene.direction {
                layout::Direction::Down => (rect.y, rect.x),
                layout::Direction::Right => (rect.x, rect.y),
            }
        })?;
        self.topology.step(node as u32)
    }

    /// The step at a cell of the screen, as of the last frame.
    pub fn hit(&self, column: u16, row: u16) -> Option<StepIx> {
        let position = Position { x: column, y: row };
        let (list, steps) = &self.list;
        if list.contains(position) {
            let found = steps.iter().find(|(at, _)| *at == row)?;
            return Some(found.1);
        }
        if !self.area.contains(position) {
            return None;
        }
        let node = self.studio.last()?.at(Point {
            x: i32::from(column - self.area.x) + self.origin.x,
            y: i32::from(row - self.area.y) + self.origin.y,
        })?;
        self.topology.step(node)
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
        self.level = Some(self.level().zoomed(by));
    }

    /// Turns boxes and chips from top-down to left-right, or back.
    pub fn turn(&mut self) {
        let now = self.studio.last().map(|scene| scene.direction);
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
        let shown = self.studio.last().map(|scene| scene.level);
        self.level.or(shown).unwrap_or_default()
    }

    /// Makes these steps stand out, as what a search found; with none, no step does.
    pub fn set_matches(&mut self, steps: &[StepIx]) {
        self.matches.clear();
        let nodes = steps.iter().filter_map(|&step| self.topology.node(step));
        self.matches.extend(nodes);
    }

    /// Whether a layout is being worked out: a frame drawn a little later will show it.
    pub fn is_busy(&self) -> bool {
        self.studio.is_busy()
    }

    /// Works out which edges lead to or from the selected node, at any distance.
    fn light(&mut self, selected: Option<u32>) {
        if self.lit.as_ref().map(|(node, _)| *node) == selected {
            return;
        }
        let (Some(node), Some(scene)) = (selected, self.studio.last()) else {
            self.lit = None;
            return;
        };
        self.lit = Some((node, lit_edges(&self.topology, scene, node)));
    }

    #[cfg(test)]
    pub(super) fn wait(&mut self) {
        self.studio.wait();
    }
}

fn lit_edges(topology: &Topology, scene: &Scene, node: u32) -> Vec<bool> {
    let reach = |next: &Vec<Vec<u32>>| {
        let mut seen = vec![false; next.len()];
        let mut waiting = vec![node];
        while let Some(node) = waiting.pop() {
            if !std::mem::replace(&mut seen[node as usize], true) {
                waiting.extend(&next[node as usize]);
            }
        }
        seen
    };
    let (above, below) = (reach(&topology.above), reach(&topology.below));
    let routes = scene.layout.routes.iter();
    routes
        .map(|route| {
            let (from, to) = (route.from as usize, route.to as usize);
            (above[from] && above[to]) || (below[from] && below[to])
        })
        .collect()
}
