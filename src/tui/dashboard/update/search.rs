//! What is typed into the search for a step, and going to what it found.

use crate::plan::StepIx;
use crate::tui::dashboard::message::Effect;
use crate::tui::dashboard::state::model::Model;
use crate::tui::dashboard::state::overlay::Overlay;
use crate::tui::dashboard::state::search::{Search, steps};
use crossterm::event::{KeyCode, KeyEvent};

/// The search that lies over the panes.
fn open_search(model: &mut Model) -> Option<&mut Search> {
    match &mut model.overlay {
        Some(Overlay::Search(search)) => Some(search),
        _ => None,
    }
}

/// Opens the search.
fn open(model: &mut Model) {
    let search = Search {
        before: model.selected,
        follow: model.follow,
        found: steps(&model.run, ""),
        ..Search::default()
    };
    model.follow = false;
    model.overlay = Some(Overlay::Search(search));
}

/// Opens the search with these words typed into it.
pub(crate) fn open_with(model: &mut Model, words: &str) -> Vec<Effect> {
    open(model);
    paste(model, words);
    Vec::new()
}

/// Takes in a key that is part of the text; whether it was one.
pub(crate) fn typed(model: &mut Model, event: &KeyEvent) -> bool {
    let Some(search) = open_search(model) else {
        return false;
    };
    if search.query.is_empty() && event.code == KeyCode::Backspace {
        cancel(model);
        return true;
    }
    if !search.query.edit(event) {
        return false;
    }
    look(model);
    true
}

/// Takes in pasted text.
pub(crate) fn paste(model: &mut Model, text: &str) {
    if let Some(search) = open_search(model) {
        search.query.insert(text);
        look(model);
    }
}

/// Searches again for what was typed, and looks at what answers it best.
fn look(model: &mut Model) {
    let Some(Overlay::Search(search)) = &mut model.overlay else {
        return;
    };
    search.found = steps(&model.run, search.query.text());
    search.at = 0;
    if search.query.text().trim().is_empty() {
        let before = search.before;
        model.panes.graph.set_matches(&[]);
        show(model, before);
    } else {
        model.panes.graph.set_matches(&search.found);
        preview(model);
    }
}

/// Looks at the answer `by` places on.
pub(crate) fn go(model: &mut Model, by: isize) {
    if let Some(search) = open_search(model) {
        let last = search.found.len().saturating_sub(1);
        search.at = search.at.saturating_add_signed(by).min(last);
        preview(model);
    }
}

/// Takes the answer that is drawn in this row of the screen.
pub(crate) fn click(model: &mut Model, column: u16, row: u16) {
    let Some(search) = open_search(model) else {
        return;
    };
    let (area, first) = search.list;
    if area.contains((column, row).into()) {
        let at = first + usize::from(row - area.y);
        if at < search.found.len() {
            search.at = at;
            preview(model);
            accept(model);
        }
    }
}

fn preview(model: &mut Model) {
    let step = open_search(model).and_then(|search| search.found.get(search.at).copied());
    show(model, step);
}

fn show(model: &mut Model, step: Option<StepIx>) {
    if let Some(step) = step {
        model.select(step);
        // The list lies over the lower part of the pane.
        model.panes.graph.centre_on(step);
    }
}

/// Stays with what is looked at. Where nothing was found, that is what was selected before.
pub(crate) fn accept(model: &mut Model) {
    let Some(search) = open_search(model) else {
        return;
    };
    let (query, count) = (search.query.text().trim().to_owned(), search.found.len());
    if count == 0 {
        model.notice = Some(format!("no step answers “{query}”"));
        cancel(model);
        return;
    }
    preview(model);
    close(model);
}

/// Goes back to what was selected before.
pub(crate) fn cancel(model: &mut Model) {
    if let Some(search) = open_search(model) {
        let (before, follow) = (search.before, search.follow);
        close(model);
        if let Some(step) = before {
            model.select(step);
        }
        model.follow = follow;
    }
}

fn close(model: &mut Model) {
    model.overlay = None;
    model.panes.graph.set_matches(&[]);
}
