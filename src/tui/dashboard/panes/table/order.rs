//! Which rows the table has, and in which order.

use super::column::{self, Column, Key};
use super::facts::Facts;
use super::filter::Filter;
use crate::plan::StepIx;
use crate::run::RunState;
use crate::units::Micros;
use std::collections::{HashMap, HashSet};

/// How the rows are chosen and sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rules {
    /// By which column; in the plan's order where by none.
    pub(super) by: Option<Column>,
    /// Against the direction that the column has by itself.
    pub(super) reversed: bool,
    pub(super) filter: Filter,
    /// The `for_each` rows whose elements are shown.
    pub(super) unfolded: HashSet<StepIx>,
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) step: StepIx,
    /// Whether it is an element under its row.
    pub(super) element: bool,
    /// Whether it is there only for its elements.
    pub(super) context: bool,
}

/// The rows of `run` by these rules.
pub(super) fn rows(
    run: &RunState,
    rules: &Rules,
    now: Micros,
    potential: &HashMap<StepIx, Micros>,
) -> Vec<Entry> {
    let filtered = !rules.filter.is_empty();
    let passes = |step: StepIx| {
        let row = run.steps.get(step.at());
        row.is_some_and(|row| !filtered || rules.filter.passes(run, row))
    };
    let steps = (0..run.steps.len() as u32).map(StepIx);
    let mut own: Vec<(StepIx, bool, Vec<StepIx>)> = steps
        .filter(|step| run.steps[step.at()].info.parent.is_none())
        .filter_map(|step| {
            let fits = passes(step);
            let all = run.under(step);
            // Under a filter the elements that pass are seen also where they are folded.
            let elements: Vec<StepIx> = if filtered {
                all.iter().copied().filter(|step| passes(*step)).collect()
            } else if rules.unfolded.contains(&step) {
                all
            } else {
                Vec::new()
            };
            let shown = if filtered && fits && !rules.unfolded.contains(&step) {
                Vec::new()
            } else {
                elements
            };
            (fits || !shown.is_empty()).then_some((step, fits, shown))
        })
        .collect();
    if let Some(column) = rules.by {
        let down = column.is_number() != rules.reversed;
        let key = |step: StepIx| {
            let facts = Facts::of(run, step, now, potential);
            let row = run.steps.get(step.at());
            row.map_or(Key::Nothing, |row| column::key(column, row, &facts))
        };
        sort(&mut own, |(step, ..)| key(*step), down);
        for (_, _, elements) in &mut own {
            sort(elements, |step| key(*step), down);
        }
    } else if rules.reversed {
        own.reverse();
        for (_, _, elements) in &mut own {
            elements.reverse();
        }
    }
    let mut entries = Vec::with_capacity(own.len());
    for (step, fits, elements) in own {
        entries.push(Entry {
            step,
            element: false,
            context: !fits,
        });
        entries.extend(elements.into_iter().map(|step| Entry {
            step,
            element: true,
            context: false,
        }));
    }
    entries
}

/// Sorts by a key that is worked out once for each; what is equal stays in its order.
fn sort<T>(rows: &mut Vec<T>, key: impl Fn(&T) -> Key, down: bool) {
    let mut keyed: Vec<(Key, T)> = rows.drain(..).map(|row| (key(&row), row)).collect();
    keyed.sort_by(|(a, _), (b, _)| a.compare(b, down));
    rows.extend(keyed.into_iter().map(|(_, row)| row));
}
