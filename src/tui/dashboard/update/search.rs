//! Finding a step by a few letters of its id, its tool or its description.

use crate::plan::StepIx;
use crate::run::{RunState, StepState};
use crate::text::fuzzy::{Found, Query};
use crate::tui::dashboard::state::model::Model;
use crate::tui::input::text_field::Field;
use crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;
use std::cmp::Reverse;

/// A search under way. What it found best is looked at while it goes on.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// What was typed so far.
    pub query: Field,
    /// The steps that answer it, the best first; every step while nothing was typed.
    pub found: Vec<StepIx>,
    /// Which of them is looked at.
    pub at: usize,
    /// Where the list was drawn last, and the first of `found` in it.
    pub(crate) list: (Rect, usize),
    /// What was selected before.
    before: Option<StepIx>,
    /// Whether the selection went with the run before.
    follow: bool,
}

/// Opens the search.
pub(crate) fn open(model: &mut Model) {
    let mut search = Search {
        before: model.selected,
        follow: model.follow,
        ..Search::default()
    };
    search.found = steps(&model.run, "");
    model.follow = false;
    model.search = Some(search);
}

/// Takes in a key that is part of the text; whether it was one.
pub(crate) fn typed(model: &mut Model, event: &KeyEvent) -> bool {
    let Some(search) = &mut model.search else {
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

/// Looks anew for what was typed, and at what answers it best.
fn look(model: &mut Model) {
    let Some(search) = &mut model.search else {
        return;
    };
    search.found = steps(&model.run, search.query.text());
    search.at = 0;
    let lit: &[StepIx] = if search.query.text().trim().is_empty() {
        &[]
    } else {
        &search.found
    };
    model.graph.set_matches(lit);
    if search.query.text().trim().is_empty() {
        let before = search.before;
        show(model, before);
    } else {
        preview(model);
    }
}

/// Looks at the answer `by` places on.
pub(crate) fn go(model: &mut Model, by: isize) {
    if let Some(search) = &mut model.search {
        let last = search.found.len().saturating_sub(1);
        search.at = search.at.saturating_add_signed(by).min(last);
        preview(model);
    }
}

/// Takes the answer that is drawn in this row of the screen.
pub(crate) fn click(model: &mut Model, column: u16, row: u16) {
    let Some(search) = &mut model.search else {
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
    let step = model
        .search
        .as_ref()
        .and_then(|search| search.found.get(search.at).copied());
    show(model, step);
}

fn show(model: &mut Model, step: Option<StepIx>) {
    if let Some(step) = step {
        model.select(step);
        // The list lies over the lower part of the pane.
        model.graph.centre_on(step);
    }
}

/// Stays with what is looked at. Where nothing was found, that is what was selected before.
pub(crate) fn accept(model: &mut Model) {
    let Some(search) = model.search.as_ref() else {
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
    if let Some(search) = &model.search {
        let (before, follow) = (search.before, search.follow);
        close(model);
        if let Some(step) = before {
            model.select(step);
        }
        model.follow = follow;
    }
}

fn close(model: &mut Model) {
    model.search = None;
    model.overlay = None;
    model.graph.set_matches(&[]);
}

/// The steps that answer what was typed, the best first. Among equals the order of the plan stays.
fn steps(run: &RunState, typed: &str) -> Vec<StepIx> {
    let query = Query::new(typed);
    if query.is_empty() {
        return (0..run.steps.len() as u32).map(StepIx).collect();
    }
    let mut found: Vec<(Reverse<i32>, StepIx)> = run
        .steps
        .iter()
        .enumerate()
        .filter_map(|(at, row)| {
            let found = answer(&query, typed, row)?;
            // Of two that answer alike the one whose id does was meant.
            let score = found.score + 4 * found.in_field(0).count() as i32;
            Some((Reverse(score), StepIx(at as u32)))
        })
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, step)| step).collect()
}

/// How a row answers; the fields are its id, its tool and its description.
pub(crate) fn answer(query: &Query, typed: &str, row: &StepState) -> Option<Found> {
    let description = row.info.description.as_deref().unwrap_or_default();
    // Scattered letters are found in all prose: of a description at least one word has to stand in it.
    let stands = |word: &str| contains(description, word);
    let description = if typed.split_whitespace().any(stands) {
        description
    } else {
        ""
    };
    query.find(&[&row.info.id, &row.info.tool, description])
}

fn contains(text: &str, word: &str) -> bool {
    text.as_bytes()
        .windows(word.len().max(1))
        .any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}
