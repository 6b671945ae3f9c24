//! What the graph draws: the picture at its level of detail, the list and the map beside it.

use super::card::{Card, urgent};
use super::highlight::Highlight;
use super::layout_worker::LayoutRequest;
use super::level::Level;
use super::minimap::{self, Minimap};
use super::paint::{HiddenNodes, NodeView, Painter};
use super::pane::GraphPane;
use super::sidebar::{self, Sidebar};
use super::topology::Topology;
use super::wires::Window;
use crate::layout::{self, Size};
use crate::plan::StepIx;
use crate::run::{RunState, StepStatus};
use crate::tui::Theme;
use crate::units::Micros;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use std::collections::HashSet;
use std::sync::Arc;

impl GraphPane {
    /// Draws the frame. Everything outside `area` stays as it is.
    pub fn draw_frame(
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
            self.list = sidebar::draw(
                buffer,
                list,
                topology,
                state,
                &self.rows.names,
                node,
                scrolled,
                now,
                theme,
            );
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
            let arriving = topology.step(node).and_then(|step| self.live.get(&step));
            if let Some(arriving) = arriving {
                card.arriving(arriving);
            }
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
                names: &self.rows.names,
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
