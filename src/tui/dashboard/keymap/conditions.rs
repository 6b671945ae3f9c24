//! When actions of the dashboard are possible.

use crate::run::{RunCommand, RunPhase, StepStatus};
use crate::tui::dashboard::layout;
use crate::tui::dashboard::panes::View;
use crate::tui::dashboard::state::inspector::Tab;
use crate::tui::dashboard::state::model::{Focus, Model};
use crate::tui::dashboard::state::overlay::Overlay;
use crate::tui::dashboard::state::trail::Along;
use crate::tui::dashboard::update::{break_line, navigation};

pub(crate) fn on_graph(model: &Model) -> bool {
    model.focus == Focus::Graph && !model.run.steps.is_empty()
}

/// Whether an edge leads this way from the selected step.
pub(crate) fn waits(model: &Model, along: Along) -> bool {
    model.overlay.is_none() && !navigation::neighbours(model, along).is_empty()
}

pub(crate) fn shows(model: &Model, view: View) -> bool {
    model.view == view
}

/// Whether the waterfall stands below the graph.
pub(crate) fn strip_shown(model: &Model) -> bool {
    shows(model, View::Graph) && !model.strip.area.is_empty()
}

/// Whether the view and the inspector share the screen.
pub(crate) fn sized(model: &Model) -> bool {
    let areas = layout::areas(model);
    model.overlay.is_none() && areas.graph.is_some() && areas.inspector.is_some()
}

pub(crate) fn zooms(model: &Model) -> bool {
    model.panes.get(model.view).can_zoom()
}

pub(crate) fn shifts(model: &Model) -> bool {
    model.panes.get(model.view).can_shift()
}

pub(crate) fn folds(model: &Model) -> bool {
    on_graph(model) && selected(model) && model.panes.get(model.view).can_fold()
}

pub(crate) fn filtering(model: &Model) -> bool {
    matches!(model.overlay, Some(Overlay::Filter))
}

pub(crate) fn on_inspector(model: &Model) -> bool {
    model.focus == Focus::Inspector && model.selected.is_some()
}

pub(crate) fn scrolls(model: &Model) -> bool {
    on_inspector(model)
        || matches!(
            model.overlay,
            Some(
                Overlay::Explain(_)
                    | Overlay::Result(_)
                    | Overlay::SideBySide(_)
                    | Overlay::Runs(_)
                    | Overlay::Bare(_)
                    | Overlay::PlanEdit(_)
                    | Overlay::Structure(_)
                    | Overlay::SaveEdits(_)
                    | Overlay::Repairing(_)
                    | Overlay::Previewed(_)
            )
        )
}

pub(crate) fn in_tree(model: &Model) -> bool {
    on_inspector(model)
        && !model.inspector.raw
        && model.inspector.table.is_none()
        && matches!(model.inspector.tab, Tab::Input | Tab::Output)
}

pub(crate) fn typing_json_filter(model: &Model) -> bool {
    matches!(model.overlay, Some(Overlay::JsonFilter))
}

/// Whether a table has the keys.
pub(crate) fn in_table(model: &Model) -> bool {
    on_inspector(model) && model.inspector.table.is_some()
}

pub(crate) fn typing_page_search(model: &Model) -> bool {
    matches!(model.overlay, Some(Overlay::PageSearch))
}

/// Whether something is looked for in the page that has the keys.
pub(crate) fn searches_page(model: &Model) -> bool {
    on_inspector(model)
        && model
            .inspector
            .search
            .as_ref()
            .is_some_and(|search| search.words().is_some())
}

/// Whether the selected step was called in a way that a shell can repeat.
pub(crate) fn has_command(model: &Model) -> bool {
    let row = model.row();
    row.is_some_and(|row| {
        matches!(&*row.info.kind, "process" | "http")
            && row
                .attempts
                .last()
                .is_some_and(|attempt| attempt.end.is_some())
    })
}

/// Whether there is a page of the inspector: of the selected step, or of the run.
pub(crate) fn has_page(model: &Model) -> bool {
    selected(model) || model.inspector.of_run
}

pub(crate) fn on_text(model: &Model) -> bool {
    on_inspector(model) && !in_tree(model) && !in_table(model)
}

pub(crate) fn selected(model: &Model) -> bool {
    model.row().is_some()
}

pub(crate) fn status_is(model: &Model, test: fn(StepStatus) -> bool) -> bool {
    model.row().is_some_and(|row| test(row.status))
}

pub(crate) fn can_retry(model: &Model) -> bool {
    status_is(model, StepStatus::has_ended) && model.run.phase != RunPhase::Stopping
}

/// Whether the run can go on until the selected step is about to start.
pub(crate) fn can_run_to(model: &Model) -> bool {
    !model.is_replay()
        && model.overlay.is_none()
        && model
            .selected
            .is_some_and(|step| model.latest().not_before(step).is_none())
}

pub(crate) fn can_skip(model: &Model) -> bool {
    model.in_progress()
        && status_is(model, |status| {
            matches!(status, StepStatus::Pending | StepStatus::Ready)
        })
}

/// Whether the selected row came to an output of its own.
pub(crate) fn has_own_output(model: &Model) -> bool {
    let row = model.row();
    row.is_some_and(|row| row.status == StepStatus::Succeeded && row.elements().is_empty())
}

pub(crate) fn can_edit(model: &Model) -> bool {
    let row = model.row();
    model.run.phase != RunPhase::Stopping
        && row.is_some_and(|row| {
            // The code that made a call has its answer already.
            let is_answered = row.caller.is_some() && row.status.has_ended();
            row.running_attempt().is_none() && row.elements().is_empty() && !is_answered
        })
}

/// Whether the run takes this command now.
pub(crate) fn can_give(model: &Model, command: &RunCommand) -> bool {
    command.refusal(&model.run).is_none()
}

pub(crate) fn can_fork(model: &Model) -> bool {
    let over = model.is_replay() || model.run.has_ended();
    model.forkable && over && selected(model)
}

pub(crate) fn failed(model: &Model) -> bool {
    model.run_index.failures() > 0
}

pub(crate) fn is_before_the_last(model: &Model) -> bool {
    model.position() < model.time_travel.history().len()
}

pub(crate) fn side_by_side(model: &Model) -> bool {
    matches!(model.overlay, Some(Overlay::SideBySide(_)))
}

pub(crate) fn choosing_run(model: &Model) -> bool {
    matches!(model.overlay, Some(Overlay::Runs(_)))
}

pub(crate) fn asked(model: &Model) -> bool {
    matches!(model.overlay, Some(Overlay::Question(_)))
}

pub(crate) fn searching(model: &Model) -> bool {
    matches!(model.overlay, Some(Overlay::Search(_)))
}

pub(crate) fn at_the_graph(model: &Model) -> bool {
    !can_go_back(model)
}

pub(crate) fn asked_unknown(model: &Model) -> bool {
    matches!(model.overlay, Some(Overlay::Unknown(_)))
}

pub(crate) fn in_editor(model: &Model) -> bool {
    matches!(model.overlay, Some(Overlay::Editor(_)))
}

pub(crate) fn in_settings(model: &Model) -> bool {
    matches!(model.overlay, Some(Overlay::Settings(_)))
}

pub(crate) fn in_answer(model: &Model) -> bool {
    matches!(model.overlay, Some(Overlay::Answer(_)))
}

/// Whether settings can be changed: the run takes commands, ended or not.
pub(crate) fn takes_settings(model: &Model) -> bool {
    !matches!(model.run.phase, RunPhase::Empty | RunPhase::Stopping)
}

/// Whether keys are typed into something.
pub(crate) fn types(model: &Model) -> bool {
    in_palette(model)
        || in_editor(model)
        || in_settings(model)
        || break_line::is_open(model)
        || in_answer(model)
}

pub(crate) fn in_palette(model: &Model) -> bool {
    matches!(model.overlay, Some(Overlay::Palette(_)))
}

pub(crate) fn choosing_theme(model: &Model) -> bool {
    matches!(model.overlay, Some(Overlay::Themes(_)))
}

pub(crate) fn can_go_back(model: &Model) -> bool {
    model.against.is_some()
        || model.overlay.is_some()
        || model.maximised
        || model.presentation.is_some()
        || model.focus == Focus::Inspector
}

pub(crate) fn has_result(model: &Model) -> bool {
    model.run.result.is_some()
}

pub(crate) fn on_result(model: &Model) -> bool {
    matches!(model.overlay, Some(Overlay::Result(_)))
}

/// Whether a run that was over before the eye could follow it can be played once more.
pub(crate) fn was_too_fast(model: &Model) -> bool {
    let is_present = !model.is_past() && model.against.is_none();
    model.run.has_ended() && is_present && model.was_over_at_once()
}

pub(crate) fn stoppable(model: &Model) -> bool {
    model.in_progress() && model.run.phase != RunPhase::Stopping
}
