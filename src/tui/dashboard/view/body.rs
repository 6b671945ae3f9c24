//! The pane beside the inspector: one of the views of the run, with their names in its border.

use crate::text;
use crate::tui::dashboard::keymap::{Action, REGISTRY};
use crate::tui::dashboard::panes::pane_context::Sight;
use crate::tui::dashboard::state::model::{Focus, Model, Overlay, View};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};
use ratatui::style::Modifier;
use ratatui::text::Line;

/// Cells between two names, where there is room for their keys and where there is none.
const GAPS: [usize; 2] = [2, 1];

/// Draws the pane.
pub fn draw(model: &mut Model, buf: &mut Buffer, area: Rect) {
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
    let typing = model.overlay == Some(Overlay::Filter);
    let sight = Sight {
        run: &model.run,
        figures: &model.figures,
        selected: model.selected,
        now: model.now,
        theme: &model.theme,
    };
    let caption = match model.view {
        View::Graph => {
            draw_graph(model, buf, inner);
            String::new()
        }
        View::Timeline => model.timeline.draw(buf, inner, &sight, model.follow),
        View::Table => model.table.draw(buf, inner, &sight, typing),
        View::Cost => model.cost.draw(buf, inner, &sight),
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

fn draw_graph(model: &mut Model, buf: &mut Buffer, inner: Rect) {
    model.sync_graph();
    if inner.as_size() != model.graph_size {
        // Another size may mean another layout: what is looked at stays in view.
        let changed = model.graph_size != Size::ZERO;
        model.graph_size = inner.as_size();
        if let Some(step) = model.selected.filter(|_| changed) {
            model.graph.keep_visible(step);
        }
    }
    model.graph.draw(
        buf,
        inner,
        &model.run,
        model.selected,
        model.now,
        &model.theme,
    );
}

/// The names of the views in a border of `width` cells: where each begins, its key where there is room, and
/// its name.
fn names(width: usize) -> Vec<(usize, Option<String>, View)> {
    let lay = |keys: bool, gap: usize| {
        let mut at = 3;
        let names: Vec<_> = View::ALL
            .into_iter()
            .map(|view| {
                let key = key(view).filter(|_| keys);
                let start = at;
                at += cells(key.as_deref(), view) + gap;
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
fn cells(key: Option<&str>, view: View) -> usize {
    key.map_or(0, |key| text::width(key) + 1) + view.name().len()
}

/// The key of a view, from the registry.
fn key(view: View) -> Option<String> {
    let entry = REGISTRY
        .iter()
        .find(|entry| entry.action == Action::View(view))?;
    Some(entry.keys.first()?.to_string())
}

fn draw_names(model: &Model, buf: &mut Buffer, area: Rect) {
    let theme = &model.theme;
    if area.width < 3 || area.height < 3 {
        return;
    }
    let names = names(area.width as usize);
    if names.is_empty() {
        // There is room for the name of one.
        let room = area.width.saturating_sub(4) as usize;
        let name = text::fit(&format!(" {} ", model.view.name()), room);
        buf.set_stringn(area.x + 1, area.y, name, room, theme.strong);
        return;
    }
    let end = names
        .last()
        .map_or(0, |(start, key, view)| start + cells(key.as_deref(), *view));
    let blank = " ".repeat(end.saturating_sub(1));
    buf.set_string(area.x + 2, area.y, blank, theme.dim);
    for (start, key, view) in names {
        let mut x = area.x + start as u16;
        let style = if view == model.view {
            let lit = Modifier::BOLD | Modifier::UNDERLINED;
            theme.strong.patch(lit)
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

/// The view whose name is drawn at this place of a pane in `area`.
pub fn view_at(area: Rect, at: Position) -> Option<View> {
    if area.width < 3 || area.height < 3 || at.y != area.y {
        return None;
    }
    let column = usize::from(at.x - area.x);
    names(area.width as usize)
        .into_iter()
        .find(|(start, key, view)| (*start..start + cells(key.as_deref(), *view)).contains(&column))
        .map(|(.., view)| view)
}
