//! A search for a step by a few letters of its id, its tool or its description.

use crate::plan::StepIx;
use crate::run::{RunState, StepState};
use crate::text::fuzzy::{Found, Query};
use crate::tui::input::text_field::Field;
use ratatui::layout::Rect;
use std::cmp::Reverse;

/// An open search. The best match is shown while the user types.
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
    pub(crate) before: Option<StepIx>,
    /// Whether the selection went with the run before.
    pub(crate) follow: bool,
}

/// The steps that answer what was typed, the best first. Among equals the order of the plan stays.
pub(crate) fn steps(run: &RunState, typed: &str) -> Vec<StepIx> {
    let mut query = Query::new(typed);
    if query.is_empty() {
        return (0..run.steps.len() as u32).map(StepIx).collect();
    }
    let mut found: Vec<(Reverse<i32>, StepIx)> = run
        .steps
        .iter()
        .enumerate()
        .filter_map(|(at, row)| {
            let found = answer(&mut query, typed, row)?;
            // Of two that answer alike the one whose id does was meant.
            let score = found.score + 4 * found.in_field(0).count() as i32;
            Some((Reverse(score), StepIx(at as u32)))
        })
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, step)| step).collect()
}

/// How a row answers; the fields are its id, its tool and its description.
pub(crate) fn answer(query: &mut Query, typed: &str, row: &StepState) -> Option<Found> {
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
