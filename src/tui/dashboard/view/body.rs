//! The pane beside the inspector: one of the views of the run, with their names in its border.

use crate::text;
use crate::tui::dashboard::layout::{name_cells, view_names};
use crate::tui::dashboard::panes::pane_context::PaneContext;
use crate::tui::dashboard::state::model::{Focus, Model};
use crate::tui::dashboard::state::overlay::Overlay;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::Line;

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
    let caption = model.panes.get_mut(model.view).draw(buf, inner, &context);
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

fn draw_names(model: &Model, buf: &mut Buffer, area: Rect) {
    let theme = &model.theme;
    if area.width < 3 || area.height < 3 {
        return;
    }
    let names = view_names(area.width as usize);
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
