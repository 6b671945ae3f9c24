//! The raw bodies of the prompt page: they are no part of the run, so they are read where they are shown.

use crate::run::{AttemptEnd, Exchange};
use crate::tui::dashboard::history::HistoryQuery;
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::inspector::Tab;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::raw_bodies::RawBodies;
use std::sync::Arc;

/// Shows raw bodies on the prompt page, or what is read from them.
pub(crate) fn toggle(model: &mut Model) {
    model.inspector.bodies = !model.inspector.bodies;
    model.inspector.scroll = 0;
    // Once more, where they could not be read.
    model.bodies = None;
}

/// Asks for the bodies of the selected step, where they are shown and not known.
pub(super) fn ask(model: &mut Model) -> Vec<Effect> {
    let inspector = &model.inspector;
    if !inspector.bodies || inspector.of_run || inspector.tab != Tab::Prompt {
        return Vec::new();
    }
    let (Some(row), Some(header)) = (model.row(), model.run.header.as_deref()) else {
        return Vec::new();
    };
    let step = Arc::clone(&row.info.id);
    let ends = || {
        row.attempts
            .iter()
            .filter_map(|attempt| attempt.end.as_ref())
    };
    let ended = ends().count();
    let is_known = model
        .bodies
        .as_ref()
        .is_some_and(|bodies| bodies.step == step && bodies.ended == ended);
    if is_known {
        return Vec::new();
    }
    let query = HistoryQuery::Bodies {
        run_id: Arc::clone(&header.run_id),
        step: Arc::clone(&step),
        attempt: ends()
            .filter(|(_, end)| asked_a_model(end))
            .map(|(_, end)| end.attempt)
            .next_back(),
    };
    // What is shown stays until there is more.
    let known = model.bodies.take().filter(|bodies| bodies.step == step);
    model.bodies = Some(RawBodies {
        step,
        ended,
        known: known.and_then(|bodies| bodies.known),
    });
    vec![Effect::Ask(query)]
}

/// Takes in the bodies of a step.
pub(super) fn take(model: &mut Model, step: &str, read: Result<Vec<Exchange>, Arc<str>>) {
    model.dirty = true;
    if let Some(bodies) = model.bodies.as_mut().filter(|bodies| &*bodies.step == step) {
        bodies.known = Some(read);
    }
}

fn asked_a_model(end: &AttemptEnd) -> bool {
    end.tokens.is_some() && end.model.as_deref() != Some("simulated")
}
