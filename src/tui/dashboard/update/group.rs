//! Moving about in the grid of a group, and going into a member.

use super::navigation;
use crate::tui::dashboard::page;
use crate::tui::dashboard::state::model::{Focus, Model};
use ratatui::layout::Position;

/// Whether the grid of a group has the keys.
pub(crate) fn in_grid(model: &Model) -> bool {
    model.overlay.is_none()
        && model.focus == Focus::Inspector
        && page::group_members(model).is_some()
}

/// Chooses the member so many places on.
pub(crate) fn move_by(model: &mut Model, by: isize) {
    model.inspector.grid.move_by(by);
}

/// Goes into the chosen member; backspace goes back.
pub(crate) fn enter(model: &mut Model) {
    let grid = &model.inspector.grid;
    if let Some(step) = grid.order.get(grid.place()).copied() {
        navigation::jump_to(model, step);
        model.inspector.grid.entered = Some(step);
        model.focus = Focus::Inspector;
    }
}

/// Chooses the member at this place; the one that is chosen is gone into.
pub(crate) fn click(model: &mut Model, at: Position) -> bool {
    let shown = page::group_members(model).is_some();
    let Some(step) = model.inspector.grid.at(at).filter(|_| shown) else {
        return false;
    };
    let grid = &mut model.inspector.grid;
    let again = grid.chosen == Some(step);
    grid.chosen = Some(step);
    if again {
        enter(model);
    }
    true
}
