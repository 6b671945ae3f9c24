//! Edits of the plan's structure: written in the user's editor, shown with their price, and run as a fork.

use super::{previewed, run_commands};
use crate::plan::StepIx;
use crate::run::{EventKind, RunCommand, RunEvent, RunPhase};
use crate::tui::dashboard::history::{HistoryQuery, PricedEdit};
use crate::tui::dashboard::keymap::conditions::can_give;
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::correction::Correction;
use crate::tui::dashboard::state::editor::Editor;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::Overlay;
use crate::tui::dashboard::state::structure::{Structure, StructureEdit};
use crate::tui::dashboard::state::tool_definition::ToolDefinition;
use crate::tui::terminal::screen::{
    Outcome, OutsideEnd, OutsideFile, OutsideProgram, TerminalEffect,
};
use std::sync::Arc;

/// Whether the plan can be edited at the selected step: the run is on record.
pub(crate) fn can_begin(model: &Model) -> bool {
    has_plan(model) && selected(model).is_some()
}

/// Whether the plan of the run can be edited: it is on record.
pub(super) fn has_plan(model: &Model) -> bool {
    let is_stopping = !model.is_replay() && model.run.phase == RunPhase::Stopping;
    // Whoever only looks on at a run cannot ask what an edit would do.
    let can_ask = if model.attached {
        model.previews.is_some() && !model.run.has_ended()
    } else {
        model.forkable
    };
    can_ask && !is_stopping
}

/// Whether the run is running, so that it hands over to one that has the edited plan.
pub(super) fn hands_over(model: &Model) -> bool {
    !model.is_replay() && !model.run.has_ended()
}

/// The id of the selected step of the plan; of an element, that of its step.
pub(super) fn selected(model: &Model) -> Option<Arc<str>> {
    let row = model.row()?;
    if row.caller.is_some() {
        return None;
    }
    let parent = row.info.parent.and_then(|ix| model.run.steps.get(ix.at()));
    Some(Arc::clone(&parent.unwrap_or(row).info.id))
}

/// The row of the step of this id.
pub(super) fn row_of(model: &Model, id: &str) -> Option<StepIx> {
    let mut rows = model.run.steps.iter();
    rows.position(|row| *row.info.id == *id)
        .map(|at| StepIx(at as u32))
}

/// A new step before the selected one.
pub(crate) fn insert_before(model: &mut Model) -> Vec<Effect> {
    begin(model, StructureEdit::Before)
}

/// A new step after the selected one.
pub(crate) fn insert_after(model: &mut Model) -> Vec<Effect> {
    begin(model, StructureEdit::After)
}

/// The selected step goes.
pub(crate) fn remove(model: &mut Model) -> Vec<Effect> {
    begin(model, StructureEdit::Remove)
}

/// What the selected step waits for.
pub(crate) fn depend(model: &mut Model) -> Vec<Effect> {
    let Some(id) = selected(model) else {
        return Vec::new();
    };
    let mut rows = model.run.steps.iter();
    let row = rows.find(|row| row.info.id == id);
    let known = row.into_iter().flat_map(|row| row.info.depends_on.iter());
    let known = known.filter_map(|ix| model.run.steps.get(ix.at()));
    let known = known.map(|row| Arc::clone(&row.info.id)).collect();
    begin(model, |step| StructureEdit::Depend(step, known))
}

fn begin(model: &mut Model, edit: impl FnOnce(Arc<str>) -> StructureEdit) -> Vec<Effect> {
    let Some(step) = selected(model) else {
        return Vec::new();
    };
    let structure = Structure::new(edit(step), &model.run);
    if structure.is_written() {
        write(model, structure)
    } else {
        work_out(model, structure)
    }
}

/// Asks what the plan would do as the planner has corrected it.
pub(super) fn corrected(
    model: &mut Model,
    step: Arc<str>,
    correction: Box<Correction>,
) -> Vec<Effect> {
    let edit = StructureEdit::Repair(step, correction);
    let structure = Structure::new(edit, &model.run);
    work_out(model, structure)
}

/// Opens what is written for it in the user's editor.
fn write(model: &mut Model, structure: Structure) -> Vec<Effect> {
    let file = OutsideFile::Text {
        name: "step.yaml".to_owned(),
        text: structure.text.clone(),
    };
    model.overlay = None;
    model.written = Some(Box::new(structure));
    let open = TerminalEffect::Open(OutsideProgram::Editor, file);
    vec![Effect::Terminal(open)]
}

/// The editor has ended.
pub(super) fn returned(
    model: &mut Model,
    mut structure: Box<Structure>,
    end: OutsideEnd,
) -> Vec<Effect> {
    match end {
        OutsideEnd::Failed(why) => model.notice = Some(why),
        OutsideEnd::Unchanged if structure.known.is_some() => {
            model.overlay = Some(Overlay::Structure(structure));
        }
        OutsideEnd::Unchanged => model.notice = Some("the plan stays as it is".to_owned()),
        OutsideEnd::Changed(text) => {
            structure.text = text;
            return work_out(model, *structure);
        }
    }
    Vec::new()
}

/// Asks what it would do.
fn work_out(model: &mut Model, structure: Structure) -> Vec<Effect> {
    let Some(header) = model.run.header.as_deref() else {
        return Vec::new();
    };
    let query = HistoryQuery::Structure {
        run_id: Arc::clone(&header.run_id),
        live: hands_over(model).then(|| Box::new(model.run.clone())),
        edit: structure.edit.clone(),
        text: structure.text.clone(),
    };
    model.banner = false;
    model.overlay = Some(Overlay::Structure(Box::new(Structure {
        known: None,
        to: None,
        on_top_of: model.run.hand_over.clone(),
        scroll: 0,
        ..structure
    })));
    vec![Effect::Ask(query)]
}

/// Takes in what it would do, or what is wrong with it.
pub(super) fn take(model: &mut Model, known: Result<PricedEdit, Arc<str>>) {
    if let Some(Overlay::Structure(structure)) = &mut model.overlay {
        structure.known = Some(known.map(|(preview, to)| {
            structure.to = to;
            preview
        }));
        model.dirty = true;
    }
}

/// Says what has become of an edit of the plan of a run that is running.
pub(super) fn told(model: &mut Model, events: &[RunEvent]) {
    let set = events.iter().rev().find_map(|event| match &event.kind {
        EventKind::HandOverSet { to } => Some(to),
        _ => None,
    });
    match set {
        Some(Some(to)) => {
            let step = model.names.fit(&to.step, 24);
            model.notice = Some(format!(
                "the edit of the plan ({} {step}) takes effect when nothing is running",
                to.words()
            ));
        }
        Some(None) => model.notice = Some("the plan stays as it is".to_owned()),
        None => {}
    }
}

/// Whether the run is still to hand over.
fn is_open(model: &Model) -> bool {
    model.run.hand_over.is_some() && !model.run.has_ended()
}

/// Whether there is an edit to take back: of the plan, or of a step.
pub(crate) fn can_undo(model: &Model) -> bool {
    is_open(model) || can_give(model, &RunCommand::Undo)
}

/// Takes back the edit of the plan that has not taken effect, or the last edit of a step.
pub(crate) fn undo(model: &mut Model) -> Vec<Effect> {
    if is_open(model) {
        run_commands::command(RunCommand::HandOver(None))
    } else {
        previewed::offer(model, RunCommand::Undo)
    }
}

/// Whether such an edit is shown.
pub(crate) fn is_shown(model: &Model) -> bool {
    matches!(model.overlay, Some(Overlay::Structure(_)))
}

/// Whether it can be done.
pub(crate) fn can_run(model: &Model) -> bool {
    matches!(&model.overlay, Some(Overlay::Structure(structure)) if matches!(structure.known, Some(Ok(_))))
}

/// Whether something was written for it that can be written again.
pub(crate) fn can_write(model: &Model) -> bool {
    matches!(&model.overlay, Some(Overlay::Structure(structure)) if structure.is_written() && structure.known.is_some())
}

/// Opens what was written in the editor again.
pub(crate) fn write_again(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Structure(structure)) = model.overlay.take() else {
        return Vec::new();
    };
    match &structure.edit {
        StructureEdit::Define(step, tool) => {
            let row = row_of(model, step).unwrap_or_default();
            let mut editor = Editor::of_tool(row, tool.clone());
            editor.replace(&structure.text);
            model.overlay = Some(Overlay::Editor(Box::new(editor)));
            Vec::new()
        }
        _ => write(model, *structure),
    }
}

/// Asks what another definition of the tool of a step would do.
pub(super) fn define(
    model: &mut Model,
    step: StepIx,
    tool: Box<ToolDefinition>,
    text: String,
) -> Vec<Effect> {
    let row = model.run.steps.get(step.at());
    let Some(step) = row.map(|row| Arc::clone(&row.info.id)) else {
        return Vec::new();
    };
    let structure = Structure::new(StructureEdit::Define(step, tool), &model.run);
    work_out(model, Structure { text, ..structure })
}

/// Leaves for a fork that has the edited plan, or has the run hand over to one that has it.
pub(crate) fn run(model: &mut Model) -> Vec<Effect> {
    if let Some(Overlay::Structure(structure)) = model.overlay.take()
        && let Some(to) = structure.to
    {
        // It has ended meanwhile, and is forked like any other, or the plan is another by now: the price is another too.
        if model.run.has_ended() || model.run.hand_over != structure.on_top_of {
            return work_out(
                model,
                Structure {
                    to: None,
                    ..*structure
                },
            );
        }
        return run_commands::command(RunCommand::HandOver(Some(to)));
    }
    vec![Effect::Terminal(TerminalEffect::Leave(
        Outcome::Restructured,
    ))]
}
