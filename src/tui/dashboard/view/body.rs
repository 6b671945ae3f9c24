//! The pane beside the inspector: one of the views of the run, with their names in its border.

use crate::text;
use crate::tui::dashboard::layout::{name_cells, view_names};
use crate::tui::dashboard::panes::View;
use crate::tui::dashboard::panes::graph::GraphPane;
use crate::tui::dashboard::panes::pane::{Caption, Pane};
use crate::tui::dashboard::panes::pane_context::PaneContext;
use crate::tui::dashboard::state::model::{Focus, Model};
use crate::tui::dashboard::state::overlay::Overlay;
use crate::tui::dashboard::state::strip::{Rows, Strip};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::Line;

/// Columns for ` 1 to 9 of 28, following ` in the border.
const IN_VIEW: u16 = 28;

/// Draws the pane.
pub(super) fn draw(model: &mut Model, buf: &mut Buffer, area: Rect) {
    let follow = if model.follow { " following " } else { "" };
    let focused = model.focus == Focus::Graph;
    let inner = super::pane(model, buf, area, focused, Line::default(), Line::default());
    draw_names(model, buf, area);
    if inner.is_empty() {
        return;
    }
    if model.run.steps.is_empty() {
        let room = inner.width as usize;
        let words = text::fit("waiting for the run to start", room);
        buf.set_stringn(inner.x, inner.y, words, room, model.theme.dim);
        return;
    }
    model.sync_panes();
    model.panes.graph.set_turn(model.motion_turn());
    let context = PaneContext {
        run: &model.run,
        figures: &model.figures,
        names: &model.names,
        breakpoints: &model.breakpoints,
        selected: model.selected,
        now: model.now,
        theme: &model.theme,
        follow: model.follow,
        typing: matches!(model.overlay, Some(Overlay::Filter)),
    };
    let strip = &mut model.strip;
    strip.area = Rect::default();
    let caption = if model.view == View::Graph {
        let graph = &mut model.panes.graph;
        let presented = model.presentation.is_some();
        let caption = draw_graph(graph, strip, buf, inner, presented, &context);
        if strip.area.is_empty() {
            caption
        } else {
            draw_strip(strip, buf, area, &context);
            strip.pane.lines_in_view().unwrap_or_default()
        }
    } else {
        model.panes.get_mut(model.view).draw(buf, inner, &context)
    };
    if area.width >= 20 && area.height >= 3 {
        let caption = match (caption.is_empty(), follow.is_empty()) {
            (true, _) => follow.to_owned(),
            (false, true) => format!(" {caption} "),
            (false, false) => format!(" {caption},{follow}"),
        };
        let words = text::fit(&caption, area.width as usize - 4);
        let x = area.right() - 2 - text::width(&words) as u16;
        buf.set_string(x, area.bottom() - 1, words, model.theme.dim);
    }
}

/// Draws the graph, and settles where the waterfall below it stands.
fn draw_graph(
    graph: &mut GraphPane,
    strip: &mut Strip,
    buf: &mut Buffer,
    inner: Rect,
    presented: bool,
    context: &PaneContext<'_>,
) -> Caption {
    let steps = context
        .run
        .header
        .as_deref()
        .map_or(0, |header| header.steps.len());
    let chosen = match strip.rows(inner, steps, presented) {
        Rows::Chosen(rows) => {
            graph.leave_room(0, 0);
            rows
        }
        Rows::Left { fewest, most } => {
            graph.leave_room(fewest, most);
            0
        }
    };
    let upper = Rect {
        height: inner.height - chosen,
        ..inner
    };
    let caption = graph.draw(buf, upper, context);
    let rows = chosen + graph.room_left();
    if rows > 0 {
        strip.area = Rect {
            y: inner.bottom() - rows,
            height: rows,
            ..inner
        };
    }
    caption
}

/// Draws the waterfall with the border above it, in a pane with this frame; what its signs stand for stands in the
/// lower border.
fn draw_strip(strip: &mut Strip, buf: &mut Buffer, frame: Rect, context: &PaneContext<'_>) {
    let theme = context.theme;
    let (area, y) = (strip.area, strip.area.y);
    let line = "─".repeat(area.width.into());
    buf.set_stringn(area.x, y, line, area.width.into(), theme.border);
    // The ends belong to the frame and keep its colour.
    for (x, sign) in [(frame.x, "├"), (frame.right() - 1, "┤")] {
        buf[(x, y)].set_symbol(sign);
    }
    let inner = Rect {
        y: y + 1,
        height: area.height - 1,
        ..area
    };
    let legend = strip.pane.draw_strip(buf, inner, context);
    let mut x = frame.x + 2;
    // The other end of the border is for what is in view.
    let end = (frame.right() - 2).saturating_sub(IN_VIEW);
    let y = frame.bottom() - 1;
    for (sign, style, words) in legend {
        let cells = text::width(words) as u16 + 4;
        if x + cells > end {
            break;
        }
        buf.set_string(x, y, format!("   {words} "), theme.dim);
        buf.set_string(x + 1, y, sign, style);
        x += cells;
    }
}

fn draw_names(model: &Model, buf: &mut Buffer, area: Rect) {
    let theme = &model.theme;
    if area.width < 3 || area.height < 3 {
        return;
    }
    let names = view_names(area.width as usize, &model.keymap);
    if names.is_empty() {
        // There is room for the name of one.
        let room = area.width.saturating_sub(4) as usize;
        let name = text::fit(&format!(" {} ", model.view.name()), room);
        buf.set_stringn(area.x + 1, area.y, name, room, theme.strong);
        return;
    }
    let end = names.last().map_or(0, |(start, key, view)| {
        start + name_cells(key.as_deref(), *view)
    });
    let blank = " ".repeat(end.saturating_sub(1));
    buf.set_string(area.x + 2, area.y, blank, theme.dim);
    for (start, key, view) in names {
        let mut x = area.x + start as u16;
        let style = if view == model.view {
            let highlight = Modifier::BOLD | Modifier::UNDERLINED;
            theme.strong.patch(highlight)
        } else {
            theme.dim
        };
        if let Some(key) = key {
            buf.set_string(x, area.y, &key, theme.accent);
            x += text::width(&key) as u16 + 1;
        }
        buf.set_string(x, area.y, view.name(), style);
    }
}
