//! The inspector: its pages, scrolling, and the clipboard.

use super::search;
use crate::plan::StepIx;
use crate::run::Savings;
use crate::tui::dashboard::history::HistoryQuery;
use crate::tui::dashboard::layout;
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::page;
use crate::tui::dashboard::state::comparison::Runs;
use crate::tui::dashboard::state::inspected;
use crate::tui::dashboard::state::inspector::Tab;
use crate::tui::dashboard::state::model::{Focus, Model, SavingsOfRun};
use crate::tui::dashboard::state::overlay::Overlay;
use crate::tui::widgets::tree::JsonTree;
use ratatui::layout::Position;
use std::sync::Arc;

/// Turns to a page; where the inspector has no place on the screen it is opened.
pub(crate) fn show(model: &mut Model, tab: Tab) {
    if model.inspector.tab != tab || model.inspector.of_run {
        model.inspector.rewind();
    }
    model.inspector.of_run = false;
    model.inspector.tab = tab;
    if layout::areas(model).inspector.is_none() {
        model.focus = Focus::Inspector;
    }
}

/// Shows the run as a whole.
pub(crate) fn show_run(model: &mut Model) -> Vec<Effect> {
    model.inspector.of_run = true;
    model.inspector.scroll = 0;
    model.focus = Focus::Inspector;
    let shown = Box::new(model.run.clone());
    let mut effects = vec![Effect::Ask(HistoryQuery::Reliability { shown })];
    effects.extend(ask_for_savings(model));
    effects
}

/// Asks what the plan saves, where the page of the run is shown, the run has ended, and it has not been asked since.
pub(crate) fn ask_for_savings(model: &mut Model) -> Vec<Effect> {
    let run = &model.run;
    let is_due = model.inspector.of_run && run.has_ended() && !model.is_past();
    let is_known = model
        .savings
        .as_ref()
        .is_some_and(|saved| saved.at == run.at);
    let has_asked_models = run.tokens.input > 0 || run.tokens.output > 0;
    if !is_due || is_known || !has_asked_models {
        return Vec::new();
    }
    let shown = Box::new(run.clone());
    model.savings = Some(SavingsOfRun {
        at: shown.at,
        known: None,
    });
    vec![Effect::Ask(HistoryQuery::Savings { shown })]
}

/// Takes in what the plan saves.
pub(crate) fn take_savings(model: &mut Model, saved: Result<Box<Savings>, Arc<str>>) {
    model.dirty = true;
    if let Some(asked) = &mut model.savings {
        asked.known = Some(saved);
    }
}

/// Shows values as text, or as a tree.
pub(crate) fn toggle_raw(model: &mut Model) {
    model.inspector.raw = !model.inspector.raw;
    model.inspector.scroll = 0;
}

/// Changes what is folded or selected in the tree that is shown.
pub(crate) fn tree(model: &mut Model, change: impl FnOnce(&mut JsonTree)) {
    if let Some(step) = model.selected
        && let Some((value, _)) = inspected::value(model)
    {
        change(model.inspector.tree(step, &value));
    }
}

/// Folds the tree by a level, or unfolds one more.
pub(crate) fn change_level(model: &mut Model, more: bool) {
    if let Some((value, _)) = inspected::value(model) {
        tree(model, |tree| tree.change_level(&value, more));
    }
}

/// Selects what the tree shows at this place, and folds or unfolds it.
pub(crate) fn click_tree(model: &mut Model, at: Position) {
    if inspected::is_tree(model) {
        tree(model, |tree| tree.click(at));
    }
}

/// The step that the page names at this place.
pub(crate) fn named_at(model: &Model, at: Position) -> Option<StepIx> {
    let text = model.inspector.page_area;
    if !text.contains(at) {
        return None;
    }
    let line = usize::from(at.y - text.y) + model.inspector.scroll;
    page::named(model, usize::from(text.width), line)
}

/// Scrolls what is in front by so many lines, or moves what is chosen in it.
pub(crate) fn scroll(model: &mut Model, lines: isize) {
    let in_tree = inspected::is_tree(model);
    let in_grid = super::group::in_grid(model);
    match &mut model.overlay {
        Some(Overlay::Palette(palette)) => palette.scroll(lines),
        Some(Overlay::Themes(_)) => super::themes::move_by(model, lines.signum()),
        Some(Overlay::Explain(at) | Overlay::Result(at)) => {
            *at = at.saturating_add_signed(lines);
        }
        Some(Overlay::Runs(choice)) => {
            if let Runs::Found(runs) = &choice.runs {
                let most = runs.len().saturating_sub(1);
                choice.chosen = choice.chosen.saturating_add_signed(lines).min(most);
            }
        }
        Some(Overlay::SideBySide(shown)) => {
            let most = shown.extent.0.saturating_sub(shown.extent.1);
            shown.scroll = shown.scroll.saturating_add_signed(lines).min(most);
        }
        Some(Overlay::Search(_)) => search::go(model, lines.signum()),
        Some(Overlay::Bare(page)) => page.scroll_by(lines),
        Some(Overlay::Previewed(shown)) => {
            shown.scroll = shown.scroll.saturating_add_signed(lines);
        }
        Some(Overlay::SaveEdits(edits)) => {
            edits.scroll = edits.scroll.saturating_add_signed(lines);
        }
        Some(Overlay::Structure(shown)) => {
            shown.scroll = shown.scroll.saturating_add_signed(lines);
        }
        Some(Overlay::PlanEdit(edit)) => edit.scroll = edit.scroll.saturating_add_signed(lines),
        _ if in_grid => model.inspector.grid.move_rows(lines),
        _ if model.inspector.table.is_some() => super::json_table::move_rows(model, lines),
        _ if in_tree => tree(model, |tree| tree.select_by(lines)),
        _ => model.inspector.scroll_by(lines),
    }
}

/// Scrolls by pages.
pub(crate) fn scroll_page(model: &mut Model, pages: isize) {
    let height = match &model.overlay {
        Some(Overlay::SideBySide(shown)) => shown.extent.1,
        Some(Overlay::Bare(page)) => page.height,
        _ => model.inspector.extent.1,
    };
    let height = height.saturating_sub(1).max(1);
    scroll(model, pages * height as isize);
}
