//! The plan in the user's editor, and running again what the edit changed.

use crate::tui::dashboard::history::HistoryQuery;
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::correction::PlanChange;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::{Overlay, PlanEdit};
use crate::tui::terminal::screen::{
    Outcome, OutsideEnd, OutsideFile, OutsideProgram, TerminalEffect,
};
use std::path::PathBuf;
use std::sync::Arc;

/// Whether the run has a plan on record that can be edited.
pub(crate) fn can_edit(model: &Model) -> bool {
    model.forkable && model.run.header.is_some()
}

/// Whether what changed can be run again now: a run that goes on is not forked.
pub(crate) fn can_run(model: &Model) -> bool {
    let is_changed = matches!(
        &model.overlay,
        Some(Overlay::PlanEdit(edit)) if matches!(&edit.known, Ok(change) if !change.reruns.is_empty())
    );
    is_changed && (model.is_replay() || model.run.has_ended())
}

/// Whether an edit of the plan is shown.
pub(crate) fn is_shown(model: &Model) -> bool {
    matches!(model.overlay, Some(Overlay::PlanEdit(_)))
}

/// Asks where the selected step stands in its plan.
pub(crate) fn open(model: &mut Model) -> Vec<Effect> {
    model.overlay = None;
    let Some(header) = model.run.header.as_deref() else {
        return Vec::new();
    };
    let step = model
        .row()
        .map_or_else(|| "".into(), |row| Arc::clone(&row.info.id));
    vec![Effect::Ask(HistoryQuery::PlanPlace {
        run_id: Arc::clone(&header.run_id),
        step,
    })]
}

/// Opens the plan there.
pub(super) fn take_place(
    model: &mut Model,
    place: Result<(PathBuf, usize), Arc<str>>,
) -> Vec<Effect> {
    model.dirty = true;
    match place {
        Ok((file, line)) => {
            model.edits_plan = true;
            let file = OutsideFile::Path(file, line);
            let open = TerminalEffect::Open(OutsideProgram::Editor, file);
            vec![Effect::Terminal(open)]
        }
        Err(why) => {
            model.notice = Some(why.to_string());
            Vec::new()
        }
    }
}

/// The editor has ended: asks what changed.
pub(super) fn returned(model: &mut Model, end: OutsideEnd) -> Vec<Effect> {
    model.edits_plan = false;
    let Some(header) = model.run.header.as_deref() else {
        return Vec::new();
    };
    match end {
        OutsideEnd::Failed(why) => model.notice = Some(why),
        OutsideEnd::Unchanged => model.notice = Some("the plan is as it was".to_owned()),
        OutsideEnd::Changed(_) => {
            let run_id = Arc::clone(&header.run_id);
            model.notice = Some("reading the edited plan".to_owned());
            return vec![Effect::Ask(HistoryQuery::PlanChange { run_id })];
        }
    }
    Vec::new()
}

/// Shows what changed, or what is wrong with the plan.
pub(super) fn take_change(model: &mut Model, known: Result<Box<PlanChange>, Arc<str>>) {
    model.dirty = true;
    model.notice = None;
    model.banner = false;
    model.overlay = Some(Overlay::PlanEdit(PlanEdit { known, scroll: 0 }));
}

/// Leaves for a run of its own that runs again what changed.
pub(crate) fn run(model: &mut Model) -> Vec<Effect> {
    model.overlay = None;
    vec![Effect::Terminal(TerminalEffect::Leave(Outcome::RunChanged))]
}
