//! The edits of the run, written to its plan and its catalog once their difference was seen.

use crate::tui::dashboard::history::{EditsDiff, HistoryQuery};
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::{Overlay, SaveEdits};
use std::sync::Arc;

/// Whether the difference is shown.
pub(crate) fn is_shown(model: &Model) -> bool {
    matches!(model.overlay, Some(Overlay::SaveEdits(_)))
}

/// Whether the run has files on record that its edits can be saved to: on this machine, or where the run is live.
pub(crate) fn can_open(model: &Model) -> bool {
    (model.forkable || model.attached) && model.run.header.is_some()
}

/// Whether there is something to write.
pub(crate) fn can_write(model: &Model) -> bool {
    seen(model).is_some_and(|diff| !diff.is_empty())
}

fn seen(model: &Model) -> Option<&str> {
    match &model.overlay {
        Some(Overlay::SaveEdits(edits)) => Some(&edits.known.as_ref().ok()?.diff),
        _ => None,
    }
}

/// Asks what the edits change.
pub(crate) fn open(model: &mut Model) -> Vec<Effect> {
    let Some(header) = model.run.header.as_deref() else {
        return Vec::new();
    };
    let run_id = Arc::clone(&header.run_id);
    vec![Effect::Ask(HistoryQuery::EditsDiff { run_id })]
}

/// Shows it.
pub(super) fn take(model: &mut Model, known: Result<Box<EditsDiff>, Arc<str>>) {
    model.dirty = true;
    if is_shown(model) {
        model.notice = Some("the difference is another one by now".to_owned());
    }
    model.overlay = Some(Overlay::SaveEdits(SaveEdits { known, scroll: 0 }));
}

/// Writes what was seen.
pub(crate) fn write(model: &mut Model) -> Vec<Effect> {
    let (Some(diff), Some(header)) = (seen(model), model.run.header.as_deref()) else {
        return Vec::new();
    };
    vec![Effect::Ask(HistoryQuery::WriteEdits {
        run_id: Arc::clone(&header.run_id),
        diff: diff.to_owned(),
    })]
}

/// The files are written, or not.
pub(super) fn written(model: &mut Model, written: Result<(), Arc<str>>) {
    model.dirty = true;
    if is_shown(model) {
        model.overlay = None;
    }
    model.notice = Some(match written {
        Ok(()) => "the edits are saved".to_owned(),
        Err(why) => why.to_string(),
    });
}
