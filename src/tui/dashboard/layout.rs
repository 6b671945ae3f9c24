//! Where everything is on the screen, for drawing and for the mouse alike.

use super::panes::View;
use super::state::inspector::Tab;
use super::state::model::{Drag, Focus, Model};
use crate::text;
use crate::tui::input::key::Key;
use crate::tui::input::keymap::Keymap;
use ratatui::layout::{Position, Rect};

/// Cells between two names, where there is room for their keys and where there is none.
const GAPS: [usize; 2] = [2, 1];

/// Cells for a time beside the line.
pub(crate) const TIME: u16 = 8;
/// Columns from which there are times beside it.
const ROOMY: u16 = 50;

/// Where the parts of the screen are, borders included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Areas {
    /// One to three lines at the top.
    pub header: Rect,
    /// The values of the watch expressions, a line each; empty where there are none.
    pub watches: Rect,
    /// The view of the run, where it is shown.
    pub graph: Option<Rect>,
    /// The inspector, where it is shown.
    pub inspector: Option<Rect>,
    /// One line at the bottom; empty on the smallest screens.
    pub footer: Rect,
}

/// Rows from which the header has two lines.
const TALL: u16 = 14;
/// Rows from which it has a third, for the progress of the run.
const TALLER: u16 = 18;
/// Columns from which the inspector stands beside the graph.
const WIDE: u16 = 76;
/// Columns from which it always does.
const ROOM_FOR_BOTH: u16 = 110;
/// Rows of the body from which the inspector stands below the graph.
const DEEP: u16 = 24;
/// Fewest columns of panes that stand beside each other.
const NARROWEST: u16 = 24;
/// Fewest rows of panes that stand below each other.
const LOWEST: u16 = 6;

/// Whether the inspector stands beside the view, and not below it: there is room for both, and the screen is wider than
/// high as the eye sees it, a cell being twice as high as wide.
const fn stands_beside(width: u16, height: u16) -> bool {
    width >= ROOM_FOR_BOTH || width >= WIDE && (height < DEEP || height * 2 < width)
}

/// Where everything is on a screen of the model's size.
pub(crate) fn areas(model: &Model) -> Areas {
    let (width, height) = model.size;
    let header = match height {
        TALLER.. => 3,
        TALL.. => 2,
        _ => 1.min(height),
    };
    let header = header + caption_rows(model);
    let footer = u16::from(height >= 4);
    let watches = Rect::new(0, header, width, watch_rows(model));
    let top = watches.bottom();
    let body = Rect::new(0, top, width, height.saturating_sub(top + footer));
    let areas = Areas {
        header: Rect::new(0, 0, width, header),
        watches,
        graph: None,
        inspector: None,
        footer: Rect::new(0, height - footer, width, footer),
    };
    if body.is_empty() {
        return areas;
    }
    let split = !model.maximised
        && model.presentation.is_none()
        && (width >= WIDE && body.height >= 6 || body.height >= DEEP);
    if !split {
        return match model.focus {
            Focus::Graph => Areas {
                graph: Some(body),
                ..areas
            },
            Focus::Inspector => Areas {
                inspector: Some(body),
                ..areas
            },
        };
    }
    let wider = model.inspector_wider;
    let (graph, inspector) = if stands_beside(width, body.height) {
        let columns = (width * 5 / 12)
            .clamp(36, 76)
            .saturating_add_signed(wider)
            .clamp(NARROWEST, width - NARROWEST);
        let graph = Rect {
            width: width - columns,
            ..body
        };
        (
            graph,
            Rect {
                x: graph.right(),
                width: columns,
                ..body
            },
        )
    } else {
        let rows = (body.height * 2 / 5)
            .saturating_add_signed(wider)
            .clamp(LOWEST, body.height - LOWEST);
        let graph = Rect {
            height: body.height - rows,
            ..body
        };
        (
            graph,
            Rect {
                y: graph.bottom(),
                height: rows,
                ..body
            },
        )
    };
    Areas {
        graph: Some(graph),
        inspector: Some(inspector),
        ..areas
    }
}

/// The rows of the watch expressions: at most an eighth of the screen.
fn watch_rows(model: &Model) -> u16 {
    let height = model.size.1;
    let most = if height >= TALLER { height / 8 } else { 0 };
    most.min(model.watches.list().len() as u16)
}

/// The rows of the caption that names keys, at the end of the header.
pub(crate) fn caption_rows(model: &Model) -> u16 {
    let is_captioned = model.tour || model.presentation.is_some();
    u16::from(is_captioned && model.size.1 >= TALLER)
}

/// The scrubber lies over the lower border of the panes, so that nothing moves when it appears.
pub(crate) fn scrubber(areas: &Areas) -> Rect {
    let body = areas.footer.y.saturating_sub(areas.header.bottom());
    Rect {
        y: areas.footer.y.saturating_sub(1),
        height: u16::from(body >= 3),
        ..areas.footer
    }
}

/// The names of the views in a border of `width` cells: where each begins, its key where there is room, and
/// its name.
pub(crate) fn view_names(width: usize, keymap: &Keymap) -> Vec<(usize, Option<String>, View)> {
    let lay = |keys: bool, gap: usize| {
        let mut at = 3;
        let names: Vec<_> = View::ALL
            .iter()
            .map(|&view| {
                let key = keys.then(|| keymap.shown(view.name(), view.key()));
                let start = at;
                at += name_cells(key.as_deref(), view) + gap;
                (start, key, view)
            })
            .collect();
        (names, at - gap + 2)
    };
    for (keys, gap) in [(true, GAPS[0]), (false, GAPS[0]), (false, GAPS[1])] {
        let (names, total) = lay(keys, gap);
        if total <= width {
            return names;
        }
    }
    Vec::new()
}

/// The cells that a name takes with its key.
pub(crate) fn name_cells(key: Option<&str>, view: View) -> usize {
    key.map_or(0, |key| text::width(key) + 1) + view.name().len()
}

/// The view whose name is drawn at this place of a pane in `area`.
pub(crate) fn view_at(area: Rect, at: Position, keymap: &Keymap) -> Option<View> {
    if area.width < 3 || area.height < 3 || at.y != area.y {
        return None;
    }
    let column = usize::from(at.x - area.x);
    view_names(area.width as usize, keymap)
        .into_iter()
        .find(|(start, key, view)| {
            (*start..start + name_cells(key.as_deref(), *view)).contains(&column)
        })
        .map(|(.., view)| view)
}

/// A tab in its line.
pub(crate) struct TabLabel {
    /// Where it begins.
    pub start: usize,
    /// Its key, where there is room for it.
    pub key: Option<String>,
    /// Its name, or the beginning of it.
    pub name: &'static str,
    /// The page.
    pub tab: Tab,
}

impl TabLabel {
    /// Where the name begins.
    pub(crate) fn name_start(&self) -> usize {
        self.start + self.key.as_ref().map_or(0, |key| text::width(key) + 1)
    }

    /// Where it ends.
    pub(crate) fn end(&self) -> usize {
        self.name_start() + self.name.len()
    }
}

/// The tabs that stand in a line of `width` cells.
pub(crate) fn tab_labels(width: usize, keymap: &Keymap) -> Vec<TabLabel> {
    let lay = |keys: bool, name: fn(Tab) -> &'static str, gap: usize| {
        let mut at = 0;
        let labels: Vec<_> = Tab::ALL
            .into_iter()
            .map(|tab| {
                let label = TabLabel {
                    start: at,
                    key: keys.then(|| keymap.shown(Tab::name(tab), Key::char(tab.key()))),
                    name: name(tab),
                    tab,
                };
                at = label.end() + gap;
                label
            })
            .collect();
        (labels, at - gap)
    };
    for (keys, name, gap) in [
        (true, Tab::name as fn(Tab) -> &'static str, 2),
        (false, Tab::name, 3),
        (false, Tab::name, 2),
        (false, Tab::medium, 2),
        (false, Tab::medium, 1),
        (false, Tab::short, 2),
    ] {
        let (labels, total) = lay(keys, name, gap);
        if total <= width {
            return labels;
        }
    }
    lay(false, Tab::short, 1).0
}

/// The line of the tabs within an inspector in `area`. It takes the margin on the right too.
pub(crate) fn tab_line(area: Rect) -> Rect {
    let margin = u16::from(area.width.saturating_sub(2) > 20);
    Rect {
        x: area.x + 1 + margin,
        y: area.y + 1,
        width: area.width.saturating_sub(2 + margin),
        height: u16::from(area.height >= 5),
    }
}

/// The tab that is drawn at this place of an inspector in `area`.
pub(crate) fn tab_at(area: Rect, at: Position, keymap: &Keymap) -> Option<Tab> {
    let line = tab_line(area);
    if !line.contains(at) {
        return None;
    }
    let column = usize::from(at.x - line.x);
    tab_labels(line.width as usize, keymap)
        .into_iter()
        .find(|label| (label.start..label.end()).contains(&column))
        .map(|label| label.tab)
}

/// The event position at a place of the screen, where the line is drawn there.
pub(crate) fn position_at(model: &Model, line: Rect, at: Position) -> Option<usize> {
    let track = track(line);
    let last = model.time_travel.history().len();
    let there = model.is_past() || matches!(model.drag, Some(Drag::Scrubber));
    if !there || !line.contains(at) || track.is_empty() {
        return None;
    }
    let cell = at.x.clamp(track.x, track.right() - 1) - track.x;
    if cell + 1 == track.width {
        return Some(last);
    }
    Some(positions_of(track, cell, last).start.max(1))
}

/// The part of the line that events have.
pub(crate) fn track(line: Rect) -> Rect {
    let beside = if line.width < ROOMY { 1 } else { TIME };
    Rect {
        x: line.x + beside.min(line.width),
        width: line.width.saturating_sub(2 * beside),
        ..line
    }
}

/// The event positions that a cell of the line stands for.
pub(crate) fn positions_of(track: Rect, cell: u16, last: usize) -> std::ops::Range<usize> {
    let edge = |cell: u16| (last as u64 * u64::from(cell)).div_ceil(u64::from(track.width.max(1)));
    edge(cell) as usize + 1..(edge(cell + 1) as usize + 1).max(edge(cell) as usize + 2)
}

pub(crate) fn cell_of(track: Rect, position: usize, last: usize) -> u16 {
    let before = position.saturating_sub(1) as u64 * u64::from(track.width);
    (before / last.max(1) as u64) as u16
}
