//! What the mouse does.

use super::{group, keys, navigation, pages, search, themes};
use crate::tui::dashboard::keymap::{self, footer};
use crate::tui::dashboard::layout;
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::panes::pane::Pane;
use crate::tui::dashboard::state::model::{Drag, Focus, Model};
use crate::tui::dashboard::state::overlay::Overlay;
use crate::units::Micros;
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

/// The longest time between the two clicks of a double click.
const DOUBLE: Micros = Micros(500_000);
/// Lines that one turn of the wheel scrolls.
const WHEEL: isize = 3;

pub(super) fn on_mouse(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    let at = Position::new(event.column, event.row);
    match event.kind {
        MouseEventKind::ScrollUp => wheel(model, at, 0, -WHEEL),
        MouseEventKind::ScrollDown => wheel(model, at, 0, WHEEL),
        MouseEventKind::ScrollLeft => wheel(model, at, -WHEEL, 0),
        MouseEventKind::ScrollRight => wheel(model, at, WHEEL, 0),
        MouseEventKind::Down(MouseButton::Left) => return click(model, at),
        MouseEventKind::Drag(MouseButton::Left) => drag(model, at),
        MouseEventKind::Up(_) => model.drag = None,
        _ => {}
    }
    Vec::new()
}

fn wheel(model: &mut Model, at: Position, columns: isize, lines: isize) {
    model.dirty = true;
    let areas = layout::areas(model);
    let on = |area: Option<ratatui::layout::Rect>| area.is_some_and(|area| area.contains(at));
    if model.overlay.is_some() || on(areas.inspector) {
        pages::scroll(model, lines);
    } else if on(areas.graph) {
        model.follow = false;
        if model.strip.area.contains(at) {
            model.strip.pane.scroll(at, 0, lines.signum() as i32);
            return;
        }
        let pane = model.panes.get_mut(model.view);
        pane.scroll(at, columns as i32 * 2, lines as i32);
    }
}

/// Does what the footer names under the pointer, or what the click means to what is shown there.
fn click(model: &mut Model, at: Position) -> Vec<Effect> {
    model.dirty = true;
    if let Some(hint) = footer::hint_at(model, at) {
        return keys::act(model, hint.entry);
    }
    match &mut model.overlay {
        None => select(model, at),
        Some(Overlay::Search(_)) => search::click(model, at.x, at.y),
        // A click chooses, and one more does it.
        Some(Overlay::Palette(palette)) => {
            let before = palette.chosen;
            if palette.choose_at(at) && palette.chosen == before {
                return keymap::palette::choose(model);
            }
        }
        Some(Overlay::Themes(_)) => return themes::click(model, at),
        Some(_) => {}
    }
    Vec::new()
}

/// Selects what is under the pointer.
fn select(model: &mut Model, at: Position) {
    let areas = layout::areas(model);
    if let Some(position) = layout::position_at(model, layout::scrubber(&areas), at) {
        model.drag = Some(Drag::Scrubber);
        model.show_position(position);
    } else if is_divider(areas, at) {
        model.drag = Some(Drag::Inspector);
    } else if let Some(area) = areas.graph.filter(|area| area.contains(at)) {
        model.focus = Focus::Graph;
        model.follow = false;
        model.banner = false;
        if model.strip.area.contains(at) {
            click_strip(model, at);
            return;
        }
        if let Some(view) = layout::view_at(area, at, &model.keymap) {
            model.view = view;
            model.keep_visible();
            return;
        }
        let pane = model.panes.get_mut(model.view);
        if pane.has_map_at(at) {
            model.drag = Some(Drag::Map);
            pane.show_on_map(at);
            return;
        }
        model.drag = Some(Drag::Pane(at));
        let step = pane.hit(&model.run, at);
        let again = model.clicked.is_some_and(|(before, when)| {
            before == at && model.clock.0.saturating_sub(when.0) <= DOUBLE.0
        });
        model.clicked = (!again).then_some((at, model.clock));
        let found = step.is_some();
        navigation::select(model, step);
        if again && found {
            model.drag = None;
            model.focus = Focus::Inspector;
        }
    } else if let Some(area) = areas.inspector.filter(|area| area.contains(at)) {
        model.focus = Focus::Inspector;
        match layout::tab_at(area, at, &model.keymap) {
            Some(tab) => pages::show(model, tab),
            None if group::click(model, at) => {}
            None => match pages::named_at(model, at) {
                Some(step) => navigation::jump_to(model, step),
                None => pages::click_tree(model, at),
            },
        }
    }
}

/// Takes the border above the waterfall, or selects the step of a line.
fn click_strip(model: &mut Model, at: Position) {
    if at.y == model.strip.area.y {
        model.drag = Some(Drag::Strip);
        return;
    }
    let step = model.strip.pane.hit(&model.run, at);
    navigation::select(model, step);
}

/// Whether the border between the view and the inspector is here. Where one stands below the other, that is the part of
/// the inspector's border that has no name in it.
fn is_divider(areas: layout::Areas, at: Position) -> bool {
    let (Some(view), Some(inspector)) = (areas.graph, areas.inspector) else {
        return false;
    };
    if inspector.x > view.x {
        let rows = view.y + 1..view.bottom().saturating_sub(1);
        rows.contains(&at.y) && (at.x + 1 == inspector.x || at.x == inspector.x)
    } else {
        at.y == inspector.y && inspector.contains(at)
    }
}

/// Moves that border to the pointer.
fn drag_divider(model: &mut Model, at: Position) {
    let areas = layout::areas(model);
    let (Some(view), Some(inspector)) = (areas.graph, areas.inspector) else {
        return;
    };
    let by = if inspector.x > view.x {
        i32::from(inspector.x) - i32::from(at.x)
    } else {
        i32::from(inspector.y) - i32::from(at.y)
    };
    navigation::move_divider(model, i16::try_from(by).unwrap_or(0));
    model.dirty = true;
}

/// Moves what is in view with the pointer.
fn drag(model: &mut Model, at: Position) {
    match model.drag {
        Some(Drag::Scrubber) => {
            let line = layout::scrubber(&layout::areas(model));
            let at = Position { y: line.y, ..at };
            if let Some(position) = layout::position_at(model, line, at) {
                model.show_position(position);
            }
        }
        Some(Drag::Inspector) => drag_divider(model, at),
        Some(Drag::Strip) => {
            let by = i32::from(model.strip.area.y) - i32::from(at.y);
            model.strip.grow(i16::try_from(by).unwrap_or(0));
            model.dirty = true;
        }
        Some(Drag::Map) => {
            model.panes.get_mut(model.view).show_on_map(at);
            model.dirty = true;
        }
        Some(Drag::Pane(from)) => {
            model.drag = Some(Drag::Pane(at));
            let by = |from: u16, to: u16| i32::from(from) - i32::from(to);
            let (columns, rows) = (by(from.x, at.x), by(from.y, at.y));
            model.panes.get_mut(model.view).pan(columns, rows);
            model.dirty = true;
        }
        None => {}
    }
}
