//! Opening and closing what lies over the panes.

use super::presentation;
use crate::tui::dashboard::state::model::{Focus, Model};
use crate::tui::dashboard::state::overlay::Overlay;

/// Closes what lies over the panes.
pub(crate) fn close(model: &mut Model) {
    model.overlay = None;
}

/// Shows the keys, or no longer.
pub(crate) fn toggle_help(model: &mut Model) {
    model.overlay = match model.overlay {
        Some(Overlay::Help(_)) => None,
        _ => Some(Overlay::Help(0)),
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
