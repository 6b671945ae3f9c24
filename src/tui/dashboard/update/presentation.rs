//! Presenting a run to an audience.

use crate::tui::dashboard::panes::graph::Level;
use crate::tui::dashboard::state::model::{Focus, Model};
use crate::tui::dashboard::state::presentation::Presentation;

/// The most steps that are shown as cards, of which the pane may show some.
const CARDS: usize = 300;

/// Presents the run, or ends that: the screen is then as it was.
pub(crate) fn toggle(model: &mut Model) {
    if let Some(before) = model.presentation.take() {
        model.panes.graph.choose(before.level);
    } else {
        let has_cards = model.run.steps.len() <= CARDS;
        let level = if has_cards {
            model.panes.graph.choose(Some(Level::Card))
        } else {
            model.panes.graph.choose(None)
        };
        model.presentation = Some(Presentation {
            level,
            pressed: None,
        });
        model.focus = Focus::Graph;
        if model.in_progress() {
            model.follow = true;
            model.follow_run();
        }
    }
    model.keep_visible();
}
