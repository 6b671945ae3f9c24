//! What the graph draws: the picture at its level of detail, the list and the map beside it.

use super::beside::OverviewBeside;
use super::card::{Card, urgent};
use super::detail;
use super::heat::HeatScale;
use super::highlight::Highlight;
use super::layout_worker::LayoutRequest;
use super::level::Level;
use super::metrics::{BESIDE, WATERFALL};
use super::minimap::{self, Minimap};
use super::motion::has_just_changed;
use super::paint::{HiddenNodes, NodeView, Painter};
use super::pane::GraphPane;
use super::sidebar::{self, Sidebar};
use super::topology::Topology;
use super::wires::{Heads, Stroke, Window};
use crate::layout::Size;
use crate::plan::StepIx;
use crate::run::{RunState, StepStatus};
use crate::text::format;
use crate::tui::Theme;
use crate::tui::dashboard::panes::timeline::Waterfall;
use crate::tui::dashboard::state::step_look::StepLook;
use crate::units::Micros;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use std::collections::HashSet;
use std::sync::Arc;

/// The narrowest pane in which an overview stands beside rows.
const NARROWEST: u16 = 60;
/// Rows of a run up to which it is looked through for how long calls usually take.
const LOOKED_THROUGH: usize = 5_000;

impl GraphPane {
    /// Lets every frame wait for its picture, instead of showing another one meanwhile.
    pub(crate) fn arrange_at_once(&mut self) {
        self.worker.at_once = true;
    }

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
        self.left = 0;
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
            below: self.below,
        };
        let (geometry, changed) = self.worker.geometry(request, &self.variants);
        let Some(geometry) = geometry else {
            return;
        };
        let topology = Arc::clone(&geometry.topology);
        let level = geometry.level;
        self.left = geometry.below.min(area.height / 2);
        let area = Rect {
            height: area.height - self.left,
            ..area
        };
        if changed {
            self.move_on(selected);
        }
        let node = selected.and_then(|step| self.node(&topology, step));
        let mut area = area;
        self.beside = OverviewBeside::default();
        let mut axis = None;
        match level {
            Level::Overview => {
                area = self.around_overview(buffer, area, &topology, state, node, now, theme);
            }
            Level::Row => (area, axis) = self.around_rows(area, &topology),
            Level::Pill | Level::Box | Level::Card => {
                if state.steps.len() <= LOOKED_THROUGH {
                    self.usual.keep(state);
                }
            }
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
        if level == Level::Row {
            self.draw_times(buffer, axis, state, now, theme);
            self.draw_beside(buffer, &topology, state, node, theme);
        }
        self.remember(selected);
    }

    /// What stands beside rows: an axis above them where a line is free, and where the pane does not show all of them
    /// an overview of the whole. Gives the room for the rows.
    fn around_rows(&mut self, area: Rect, topology: &Arc<Topology>) -> (Rect, Option<u16>) {
        let Some(geometry) = self.worker.last() else {
            return (area, None);
        };
        let (rows, width) = (geometry.layout.height, geometry.width);
        let mut area = area;
        let crowded = rows > i32::from(area.height);
        if crowded && area.width >= NARROWEST && i32::from(area.width - BESIDE) >= width.min(40) {
            let room = Rect {
                x: area.right() - BESIDE + 2,
                width: BESIDE - 2,
                ..area
            };
            self.beside = OverviewBeside::new(room, topology);
            if !self.beside.cells.is_empty() {
                area.width -= BESIDE;
            }
        }
        let has_times = geometry.has_times(area.width);
        let free = rows != i32::from(area.height) && area.height > 3;
        let axis = (has_times && free).then_some(area.y);
        if axis.is_some() {
            area.y += 1;
            area.height -= 1;
        }
        (area, axis)
    }

    /// The time of each row, right of it.
    fn draw_times(
        &self,
        buffer: &mut Buffer,
        axis: Option<u16>,
        state: &RunState,
        now: Micros,
        theme: &Theme,
    ) {
        let Some(geometry) = self.worker.last() else {
            return;
        };
        let from = geometry.width + 2 - self.origin.x;
        let room = i32::from(self.area.width) - from - i32::from(self.map.is_some()) * 2;
        if self.origin.x > 0 || room < i32::from(WATERFALL) {
            return;
        }
        let lines = Rect {
            x: self.area.x + from as u16,
            y: self.area.y.saturating_sub(1),
            width: room as u16,
            height: self.area.height + 1,
        };
        let names = &self.rows.names;
        let mut times = Waterfall::new(buffer, lines, state, now, names, theme);
        if let Some(y) = axis {
            times.axis(y);
        }
        let shown = self.origin.y..self.origin.y + i32::from(self.area.height);
        for &node in geometry.rows(shown) {
            let y = geometry.layout.nodes[node as usize].y - self.origin.y;
            if let (Some(step), Ok(y)) = (geometry.topology.step(node), u16::try_from(y)) {
                times.step(self.area.y + y, step);
            }
        }
    }

    /// The overview beside the rows; steps whose rows are in view stand out.
    fn draw_beside(
        &self,
        buffer: &mut Buffer,
        topology: &Topology,
        state: &RunState,
        selected: Option<u32>,
        theme: &Theme,
    ) {
        let Some(geometry) = self.worker.last() else {
            return;
        };
        let shown = self.origin.y..self.origin.y + i32::from(self.area.height);
        for (cell, node) in &self.beside.cells {
            let look = self.look(topology, state, *node).style(theme);
            let row = geometry.layout.nodes.get(*node as usize);
            let visible = row.is_some_and(|row| shown.contains(&row.y));
            let style = if selected == Some(*node) {
                look.style.add_modifier(Modifier::REVERSED)
            } else if visible {
                look.style.add_modifier(Modifier::BOLD)
            } else {
                look.style.add_modifier(Modifier::DIM)
            };
            buffer.set_stringn(cell.x, cell.y, look.glyph, 1, theme.text.patch(style));
        }
    }

    fn look(&self, topology: &Topology, state: &RunState, node: u32) -> StepLook {
        let broken = |step: StepIx| self.breakpoints.contains(&step);
        if let Some(members) = topology.members.get(&node) {
            return urgent(state, members, &broken);
        }
        let row = topology
            .step(node)
            .and_then(|step| Some((step, state.steps.get(step.at())?)));
        row.map_or(StepLook::Status(StepStatus::Pending), |(step, row)| {
            StepLook::of(row, broken(step))
        })
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
                &self.breakpoints,
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
            let look = |node: u32| self.look(topology, state, node);
            let words = minimap::legend(geometry, &look, theme);
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
        let routes = geometry.layout.routes.iter().enumerate();
        let ways = routes.map(|(at, route)| {
            let stroke = highlight.map_or(Stroke::Plain, |highlight| highlight.edge(at));
            (route, stroke)
        });
        let heads = if geometry.level == Level::Row {
            Heads::Sideways
        } else {
            Heads::All
        };
        self.mesh.add(ways, heads);
        let mut painter = Painter {
            buffer,
            area,
            origin: self.origin,
            mesh: &self.mesh,
            theme,
        };
        painter.wires();
        let is_new = |step: StepIx| {
            let row = state.steps.get(step.at());
            self.turn.is_some() && row.is_some_and(|row| has_just_changed(row, now))
        };
        if let Some(turn) = self.turn {
            let style = theme.status(StepStatus::Running).style;
            let runs = |node: u32| {
                let row = topology
                    .step(node)
                    .and_then(|step| state.steps.get(step.at()));
                row.is_some_and(|row| row.running_attempt().is_some())
            };
            for route in geometry.layout.routes.iter().filter(|route| runs(route.to)) {
                painter.light(route, turn, style);
            }
        }
        let heat = HeatScale::new(self.heat, topology, state, now);
        let sign_of = |node: u32| Some(heat.as_ref()?.sign(node, theme.ascii));
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
        let breakpoints = &self.breakpoints;
        let broken = |step: StepIx| breakpoints.contains(&step);
        let look_of = |node: u32| self.look(topology, state, node);
        let lines = usize::from(geometry.lines);
        let view_of = |node: u32| {
            let step = topology.step(node)?;
            let row = state.steps.get(step.at())?;
            let members = topology.members.get(&node);
            let mut card = match members {
                Some(members) => Card::folded(state, members, &broken, now, theme),
                None => Card::new(state, row, broken(step), now, theme),
            };
            let arriving = self.live.get(&step);
            if let Some(sign) = sign_of(node) {
                card.glyph = sign;
            }
            let details = match members {
                _ if lines == 0 => Vec::new(),
                Some(members) => detail::of_members(state, members, None, &card, now),
                None => match arriving {
                    // A box has one line, which the card fills.
                    Some(_) if lines == 1 => Vec::new(),
                    Some(arriving) => arriving.details(lines, theme),
                    None => detail::of_step(state, row, broken(step), &card, lines, now, theme),
                },
            };
            let (elapsed, cost) = if lines > 1 && members.is_none() {
                let cost = row.cost.filter(|cost| !cost.is_zero() && topology.cost);
                let cost = cost.map(format::cost).unwrap_or_default();
                (detail::elapsed(row, &card, &self.usual), cost)
            } else {
                (vec![card.time.clone()], String::new())
            };
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
            let look = look_of(node);
            let calm = look.recedes() || look == StepLook::Status(StepStatus::Ready);
            Some(NodeView {
                label: &topology.labels[node as usize],
                names: &self.rows.names,
                tool: &topology.tools[node as usize],
                card,
                selected: selected == Some(node),
                matched: matched(node),
                flash: members.is_none() && is_new(step),
                differs,
                back: apart && calm,
                details,
                elapsed,
                cost,
            })
        };
        let mut hidden = HiddenNodes::default();
        if geometry.level == Level::Row {
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
                    let status_style = look_of(node).style(theme);
                    let style = if selected == Some(node) {
                        status_style.style.patch(theme.selection)
                    } else if is_new(topology.steps[node as usize]) {
                        status_style.style.add_modifier(Modifier::REVERSED)
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
                        sign_of(node).unwrap_or(status_style.glyph)
                    };
                    // A column stays free beside the next cell.
                    let name = match (rect.width - 2).max(0) as usize {
                        room @ 3.. => self.rows.names.fit(&topology.labels[node as usize], room),
                        _ => String::new(),
                    };
                    painter.cell(rect, glyph, &name, style);
                    continue;
                }
                let Some(view) = view_of(node) else {
                    continue;
                };
                if geometry.lines > 0 {
                    painter.card(rect, &view);
                } else {
                    painter.pill(rect, &view);
                }
            }
        }
        if self.map.is_none() || geometry.level != Level::Overview {
            painter.hidden(&hidden);
        }
        let mut notes: Vec<String> = Vec::new();
        notes.extend(heat.as_ref().map(|heat| heat.legend(theme.ascii)));
        let left_out =
            topology.edges.len() - geometry.layout.routes.len().min(topology.edges.len());
        if geometry.level == Level::Row && left_out > 0 {
            notes.push(format!("{} not drawn", format::count(left_out, "edge")));
        }
        if !notes.is_empty() {
            painter.legend(&notes.join("  "));
        }
        if let Some(map) = &self.map {
            let framed = geometry.level != Level::Overview;
            map.draw(buffer, geometry, &look_of, window, theme, framed);
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
