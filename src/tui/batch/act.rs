//! What the actions of the view of a batch do.

use super::message::Effect;
use super::model::{Focus, Model, Question};
use super::order::Filter;
use crate::tui::terminal::screen::{Outcome, TerminalEffect};

/// Moves what has the focus.
pub(super) fn go(model: &mut Model, rows: isize) {
    if let Some(palette) = &mut model.palette {
        palette.scroll(rows);
        return;
    }
    if let Some((_, scroll)) = &mut model.compared {
        *scroll = scroll.saturating_add_signed(rows);
        return;
    }
    match model.focus {
        Focus::Items => model.window.move_by(rows),
        Focus::Failures => {
            let last = model.state.failures().len().saturating_sub(1);
            model.group = model.group.saturating_add_signed(rows).min(last);
        }
    }
}

/// Chooses the step so many places on; before the first one none is chosen.
pub(super) fn go_step(model: &mut Model, by: isize) {
    let place = model.step.map_or(0, |step| step + 1);
    let last = model.state.steps.len();
    model.step = place.saturating_add_signed(by).min(last).checked_sub(1);
}

/// Goes into what is chosen: a row of several items, an item's run, or the items of a group.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    if model.focus == Focus::Failures {
        if let Some(group) = model.chosen_group() {
            show(model, Filter::Group(group));
            model.focus = Focus::Items;
        }
        return Vec::new();
    }
    if model.window.go_in() {
        return Vec::new();
    }
    match model.item() {
        Some((_, item)) if item.status.is_some() => vec![Effect::Open(item.run_id.clone())],
        _ => {
            if !model.order.is_empty() {
                model.notice = Some("this item has not begun".to_owned());
            }
            Vec::new()
        }
    }
}

/// Shows the items that the filter takes, from the beginning.
pub(super) fn show(model: &mut Model, filter: Filter) {
    model.filter = filter;
    model.window.reset();
}

/// Sorts the items by the next figure, from the beginning.
pub(super) fn sort(model: &mut Model) {
    model.sort = model.sort.next();
    model.window.reset();
}

/// Gives the focus to the other part.
pub(super) fn turn_focus(model: &mut Model) {
    model.focus = match model.focus {
        Focus::Items if !model.state.failures().is_empty() => Focus::Failures,
        _ => Focus::Items,
    };
}

/// Whether there is something to go back from before the view is left.
pub(super) fn can_go_back(model: &Model) -> bool {
    model.focus == Focus::Failures
        || model.window.is_inside()
        || model.filter != Filter::All
        || !model.field.is_empty()
}

/// Goes back by one.
pub(super) fn back(model: &mut Model) {
    if model.focus == Focus::Failures {
        model.focus = Focus::Items;
    } else if !model.window.go_out() {
        if model.field.is_empty() {
            show(model, Filter::All);
        } else {
            model.field.clear();
            model.window.reset();
        }
    }
}

/// Gives every item a row, or shows all at once again.
pub(super) fn turn_list(model: &mut Model) {
    model.window.listed = !model.window.listed;
}

/// Leaves; asks first where that stops the batch.
pub(super) fn leave(model: &mut Model) -> Vec<Effect> {
    if model.owned && model.state.header.live && model.question.is_none() {
        model.question = Some(Question::Stop);
        return Vec::new();
    }
    vec![Effect::Terminal(TerminalEffect::Leave(Outcome::Quit))]
}

/// Asks how the batch differs from the one before it.
pub(super) fn compare(model: &mut Model) -> Vec<Effect> {
    model.notice = Some("comparing with the batch before…".to_owned());
    vec![Effect::Compare]
}

/// Stops the batch: the view stays until its items have stopped.
pub(super) fn stop(model: &mut Model) -> Vec<Effect> {
    model.question = None;
    model.stopping = true;
    vec![Effect::Stop]
}

pub(super) fn terminal(effect: TerminalEffect) -> Vec<Effect> {
    vec![Effect::Terminal(effect)]
}
