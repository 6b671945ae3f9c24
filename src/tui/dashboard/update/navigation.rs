//! Moving about among the steps: the selection, the views, and what of them is shown.

use crate::plan::StepIx;
use crate::text::format;
use crate::tui::dashboard::layout;
use crate::tui::dashboard::panes::View;
use crate::tui::dashboard::panes::pane::{Direction, FoldResult, Pane};
use crate::tui::dashboard::state::model::{Focus, Model};
use crate::tui::dashboard::state::trail::Along;

/// The key of `jump-back`, for notices.
const BACK: &str = "backspace";

/// Goes where an arrow key leads in the view that is shown.
pub(crate) fn go(model: &mut Model, towards: Direction) {
    let pane = model.panes.get_mut(model.view);
    let next = pane.go(&model.run, model.selected, towards);
    select(model, next);
}

/// Goes to the first step.
pub(crate) fn first(model: &mut Model) {
    let next = model.panes.get_mut(model.view).first();
    select(model, next);
}

/// Goes to the last step.
pub(crate) fn last(model: &mut Model) {
    let next = model.panes.get_mut(model.view).last(&model.run);
    select(model, next);
}

/// Goes so many pages on, or back.
pub(crate) fn page_by(model: &mut Model, pages: isize) {
    let pane = model.panes.get_mut(model.view);
    let next = pane.page(&model.run, model.selected, pages);
    model.follow = false;
    select(model, next);
}

/// Goes to the next failure, or to the one before.
pub(crate) fn go_to_failure(model: &mut Model, forward: bool) {
    select(model, model.run_index.failure(model.selected, forward));
}

/// The user's own choice ends following.
pub(crate) fn select(model: &mut Model, step: Option<StepIx>) {
    if let Some(step) = step {
        model.follow = false;
        model.select(step);
    }
}

/// Lets the selection go with what runs, or no longer.
pub(crate) fn follow(model: &mut Model) {
    model.follow = !model.follow;
    model.notice = Some(if model.follow {
        "following running steps".to_owned()
    } else {
        "no longer following".to_owned()
    });
    model.follow_run();
}

/// Goes along an edge: to what the selected step waits for, or to what waits for it. Again from the same step: to the
/// next of them.
pub(crate) fn jump(model: &mut Model, along: Along) {
    let Some(from) = model.selected else { return };
    let neighbours = neighbours(model, along);
    let count = neighbours.len();
    let place = model.trail.next(from, along, count);
    let Some(&to) = neighbours.get(place) else {
        return;
    };
    select(model, Some(to));
    let which = match along {
        Along::Up => "that it waits for",
        Along::Down => "that wait for it",
    };
    let back = BACK;
    model.notice = Some(match count {
        1 => format!("{back} goes back"),
        _ => format!("{} of {count} {which}; {back} goes back", place + 1),
    });
}

/// The steps that the selected one waits for, or those that wait for it.
pub(crate) fn neighbours(model: &Model, along: Along) -> Vec<StepIx> {
    let Some(step) = model.selected else {
        return Vec::new();
    };
    match (along, model.run.steps.get(step.at())) {
        (Along::Up, Some(row)) => row.info.depends_on.to_vec(),
        (Along::Down, Some(_)) => model.run_index.dependents(step).to_vec(),
        (_, None) => Vec::new(),
    }
}

/// Goes to a step that is named on the page of the selected one.
pub(crate) fn jump_to(model: &mut Model, step: StepIx) {
    if let Some(from) = model.selected {
        model.trail.left(from);
    }
    select(model, Some(step));
    model.notice = Some(format!("{BACK} goes back"));
}

/// Goes back along the edge that was last gone along.
pub(crate) fn jump_back(model: &mut Model) {
    let step = model.trail.back();
    select(model, step);
}

/// Shows a view; the key of the view that is shown goes back to the graph.
pub(crate) fn show_view(model: &mut Model, view: View) {
    model.view = if model.view == view {
        View::Graph
    } else {
        view
    };
    model.focus = Focus::Graph;
    model.keep_visible();
}

/// Shows the waterfall below the graph, or no longer.
pub(crate) fn toggle_strip(model: &mut Model) {
    let height = layout::areas(model).graph.map_or(0, |area| area.height);
    let steps = model
        .run
        .header
        .as_deref()
        .map_or(0, |header| header.steps.len());
    model.strip.toggle(height, steps);
    model.keep_visible();
}

/// Makes the inspector so many cells larger, as far as both panes stay.
pub(crate) fn move_divider(model: &mut Model, by: i16) {
    let place = |model: &Model| {
        let inspector = layout::areas(model).inspector.unwrap_or_default();
        inspector.x as i16 + inspector.y as i16
    };
    let (before, known) = (place(model), model.inspector_wider);
    model.inspector_wider = known.saturating_add(by);
    // Where a pane is as small as it gets, the way back is not longer than what was seen.
    model.inspector_wider = known.saturating_add(before - place(model));
}

/// Selects the step of the critical path without which the run would have been shortest.
pub(crate) fn bottleneck(model: &mut Model) {
    let figures = &model.figures;
    let potentials = figures.critical_path.iter().zip(&figures.potential);
    // Where nothing could be saved (two equal paths), the longest call is what there is to look at.
    let service = |step: &StepIx| model.run.steps.get(step.at()).map(|row| row.service);
    let best = potentials
        .enumerate()
        .max_by_key(|(at, (step, potential))| (**potential, service(step), std::cmp::Reverse(*at)))
        .map(|(_, (step, potential))| (*step, *potential));
    let Some((step, potential)) = best else {
        return;
    };
    let saved = format::duration(potential);
    let span = format::duration(figures.span);
    select(model, Some(step));
    model.panes.graph.centre_on(step);
    let id = model
        .row()
        .map_or_else(String::new, |row| model.names.fit(&row.info.id, 40));
    model.notice = Some(format!(
        "bottleneck {id}: could save up to {saved} of the critical path's {span}"
    ));
}

/// Folds or unfolds what the selected step is part of.
pub(crate) fn fold_steps(model: &mut Model) {
    let Some(step) = model.selected else { return };
    let pane = model.panes.get_mut(model.view);
    match pane.fold(&model.run, step) {
        Some(FoldResult::Select(next)) => select(model, next),
        Some(FoldResult::Say(words)) => model.notice = Some(words),
        None => {}
    }
}

/// Brings the selected step to the middle of the graph.
pub(crate) fn centre(model: &mut Model) {
    if let Some(step) = model.selected {
        model.panes.graph.centre_on(step);
    }
}

/// Shows more detail (1) or less (-1).
pub(crate) fn zoom(model: &mut Model, by: i8) {
    let pane = model.panes.get_mut(model.view);
    pane.zoom(by, &model.run, model.selected);
}

/// Goes on to the left (-1) or to the right (1) in the view.
pub(crate) fn shift(model: &mut Model, by: i32) {
    model.panes.get_mut(model.view).shift(by);
}

/// Shows the detail that fits.
pub(crate) fn fit(model: &mut Model) {
    model.panes.get_mut(model.view).fit(model.selected);
    if model.view == View::Graph {
        model.strip.fit();
    }
}

/// Turns the graph from top-down to left-right, or back.
pub(crate) fn turn_graph(model: &mut Model) {
    model.panes.graph.turn();
    if let Some(step) = model.selected {
        model.panes.graph.keep_visible(Some(step));
    }
}
