//! Opening and closing what lies over the panes.

use super::json_filter;
use super::presentation;
use crate::tui::dashboard::state::inspected;
use crate::tui::dashboard::state::model::{Focus, Model};
use crate::tui::dashboard::state::overlay::Overlay;
use crate::tui::input::palette::Palette;

/// Closes what lies over the panes.
pub(crate) fn close(model: &mut Model) {
    model.overlay = None;
}

/// Shows every action with its keys, and nothing typed.
pub(crate) fn open_palette(model: &mut Model) {
    model.overlay = Some(Overlay::Palette(Palette::default()));
}

/// Chooses another action in the list of actions.
pub(crate) fn in_palette(model: &mut Model, choose: impl FnOnce(&mut Palette)) {
    if let Some(Overlay::Palette(palette)) = &mut model.overlay {
        choose(palette);
    }
}

/// Shows why the selected step was called, or no longer.
pub(crate) fn toggle_explain(model: &mut Model) {
    model.overlay = match model.overlay {
        Some(Overlay::Explain(_)) => None,
        _ => Some(Overlay::Explain(0)),
    }
}

/// Shows the final result, or no longer.
pub(crate) fn toggle_result(model: &mut Model) {
    model.overlay = match model.overlay {
        Some(Overlay::Result(_)) => None,
        _ => Some(Overlay::Result(0)),
    }
}

/// Goes back: from what lies over the panes, from the one that has all the room, from the inspector, from comparing.
pub(crate) fn back(model: &mut Model) {
    if model.overlay.take().is_some() {
        return;
    }
    if model.focus == Focus::Inspector && model.inspector.search.take().is_some() {
        return;
    }
    if model.focus == Focus::Inspector && model.inspector.table.take().is_some() {
        return;
    }
    if model.focus == Focus::Inspector && inspected::filter(model).is_some() {
        json_filter::drop_filter(model);
        return;
    }
    if model.maximised {
        model.maximised = false;
    } else if model.focus == Focus::Inspector {
        model.inspector.of_run = false;
        model.focus = Focus::Graph;
    } else if model.against.is_some() {
        model.end_comparison();
    } else if model.presentation.is_some() {
        presentation::toggle(model);
    }
}
