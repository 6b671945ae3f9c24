//! Beside the overview: what the selected step waits for, what waits for it, and what needs attention.

use super::card::Card;
use super::metrics::{SIDEBAR_GAP, sidebar_columns};
use super::text;
use super::topology::Topology;
use crate::plan::StepIx;
use crate::run::RunState;
use crate::tui::Theme;
use crate::tui::dashboard::state::step_look::StepLook;
use crate::tui::dashboard::state::step_names::StepNames;
use crate::units::Micros;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use std::collections::BTreeSet;

/// Parts a pane into the picture and the list.
pub(super) fn split(pane: Rect) -> (Rect, Rect) {
    let taken = sidebar_columns(pane.width);
    let picture = Rect {
        width: pane.width - taken,
        ..pane
    };
    let list = Rect {
        x: picture.right() + SIDEBAR_GAP.min(taken),
        width: taken.saturating_sub(SIDEBAR_GAP),
        ..pane
    };
    (picture, list)
}

/// Rows that one kind of neighbours may take.
const NEIGHBOURS: usize = 6;

/// Where the list is, and what it shows.
#[derive(Debug, Default)]
pub(super) struct Sidebar {
    /// Its cells.
    pub(super) area: Rect,
    /// The steps in its rows, by row of the screen.
    pub(super) steps: Vec<(u16, StepIx)>,
    /// How far it can be scrolled.
    pub(super) most: usize,
}

/// Draws the list, what needs attention scrolled by `scrolled` steps.
#[allow(clippy::too_many_arguments, reason = "what a frame is drawn from")]
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    topology: &Topology,
    state: &RunState,
    names: &StepNames,
    breakpoints: &BTreeSet<StepIx>,
    selected: Option<u32>,
    scrolled: usize,
    now: Micros,
    theme: &Theme,
) -> Sidebar {
    let mut list = List {
        buffer,
        area,
        row: 0,
        topology,
        state,
        names,
        breakpoints,
        now,
        theme,
        steps: Vec::new(),
    };
    let mut most = 0;
    if let Some(node) = selected {
        list.step(node, 0, theme.strong);
        list.neighbours("waits for", &topology.above[node as usize]);
        list.neighbours("needed by", &topology.below[node as usize]);
        list.row += 1;
    }
    if list.room() > 0 {
        most = list.attention(scrolled);
    }
    Sidebar {
        area,
        steps: list.steps,
        most,
    }
}

struct List<'a> {
    buffer: &'a mut Buffer,
    area: Rect,
    row: u16,
    topology: &'a Topology,
    state: &'a RunState,
    names: &'a StepNames,
    breakpoints: &'a BTreeSet<StepIx>,
    now: Micros,
    theme: &'a Theme,
    steps: Vec<(u16, StepIx)>,
}

impl List<'_> {
    fn room(&self) -> usize {
        usize::from(self.area.height.saturating_sub(self.row))
    }

    fn line(&mut self, indent: u16, text: &str, style: Style) {
        if self.row < self.area.height && indent < self.area.width {
            let most = usize::from(self.area.width - indent);
            let text = text::fit(text, most, self.theme.ascii);
            let text = if self.theme.ascii {
                text.replace('…', "~").replace(|c: char| !c.is_ascii(), "?")
            } else {
                text
            };
            let (x, y) = (self.area.x + indent, self.area.y + self.row);
            self.buffer.set_stringn(x, y, text, most, style);
        }
    }

    /// A step's state, label and figures.
    fn step(&mut self, node: u32, indent: u16, style: Style) {
        let Some(step) = self.topology.step(node) else {
            return;
        };
        let Some(row) = self.state.steps.get(step.at()) else {
            return;
        };
        if self.room() == 0 {
            return;
        }
        let card = Card::new(
            self.state,
            row,
            self.breakpoints.contains(&step),
            self.now,
            self.theme,
        );
        let columns = usize::from(self.area.width.saturating_sub(indent + 2));
        let figures = card.line(columns.min(15), self.theme.ascii);
        let taken = text::width(&figures);
        self.line(indent, card.glyph, card.style);
        let label = &self.topology.labels[node as usize];
        let label = self.names.fit(label, columns.saturating_sub(taken + 1));
        self.line(indent + 2, &label, style);
        self.line(
            self.area.width.saturating_sub(taken as u16),
            &figures,
            self.theme.dim,
        );
        self.steps.push((self.area.y + self.row, step));
        self.row += 1;
    }

    fn neighbours(&mut self, what: &str, nodes: &[u32]) {
        let what = match nodes.len() {
            0 => format!("{what} nothing"),
            count => format!("{what} {count}"),
        };
        self.line(2, &what, self.theme.dim);
        self.row += 1;
        for &node in nodes.iter().take(NEIGHBOURS) {
            self.step(node, 4, self.theme.text);
        }
        if nodes.len() > NEIGHBOURS {
            let more = format!("and {} more", nodes.len() - NEIGHBOURS);
            self.line(4, &more, self.theme.dim);
            self.row += 1;
        }
    }

    /// Failed steps, then running ones, the longest first, then held ones. Returns how far the list scrolls.
    fn attention(&mut self, scrolled: usize) -> usize {
        let room = self.room().saturating_sub(1);
        let mut urgent: Vec<(u8, u64, u32)> = Vec::new();
        for (node, step) in self.topology.steps.iter().enumerate() {
            let Some(row) = self.state.steps.get(step.at()) else {
                continue;
            };
            let look = StepLook::of(row, self.breakpoints.contains(step));
            if look.urgency() > StepLook::Exclusive.urgency() {
                continue;
            }
            let since = row.started_at().or(row.ready_at()).unwrap_or_default();
            urgent.push((look.urgency(), since.0, node as u32));
        }
        let count = urgent.len();
        let most = count.saturating_sub(room);
        if count == 0 || room == 0 {
            return 0;
        }
        let first = scrolled.min(most);
        let last = first + room;
        if count > last {
            urgent.select_nth_unstable(last - 1);
            urgent.truncate(last);
        }
        urgent.sort_unstable();
        let place = if most > 0 {
            let arrow = if self.theme.ascii { "-" } else { "–" };
            let last = last.min(count);
            format!("needs attention ({}{arrow}{last} of {count})", first + 1)
        } else {
            format!("needs attention ({count})")
        };
        self.line(0, &place, self.theme.strong);
        self.row += 1;
        for &(_, _, node) in &urgent[first..] {
            self.step(node, 0, self.theme.text);
        }
        most
    }
}
