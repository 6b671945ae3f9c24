//! The list: what of its parts fits what was typed, and where the selection is.

use super::item::{PlanItem, RunItem};
use super::model::Model;
use super::row::{Part, Row};
use crate::text::fuzzy::{Found, Query};

/// What is selected.
#[derive(Clone, Copy, Debug)]
pub enum Selected<'a> {
    /// A run.
    Run(&'a RunItem),
    /// A plan, of this folder or a sample.
    Plan(&'a PlanItem),
}

impl Model {
    /// Works out which rows fit what was typed, and selects what `kept` names where it is still there, else
    /// the first that can be.
    pub(super) fn keep_rows(&mut self, kept: Option<&str>) {
        let mut query = Query::new(self.field.text());
        self.rows.clear();
        for part in Part::ALL {
            let ranked = self.ranked(part, &mut query);
            let nothing_to_say = ranked.is_empty() && (part != Part::Runs || !query.is_empty());
            if nothing_to_say {
                continue;
            }
            if !self.rows.is_empty() {
                self.rows.push(Row::Gap);
            }
            self.rows.push(Row::Heading(part, ranked.len()));
            let items = ranked.into_iter();
            self.rows
                .extend(items.map(|(at, found)| Row::Item(part, at, found)));
        }
        let same = kept.and_then(|kept| {
            let mut rows = 0..self.rows.len();
            rows.find(|at| self.identity_of(*at).as_deref() == Some(kept))
        });
        self.selected = same.or_else(|| self.next_item(0, 1)).unwrap_or(0);
        if same.is_none() {
            self.top = 0;
        }
    }

    fn ranked(&self, part: Part, query: &mut Query) -> Vec<(usize, Found)> {
        let mut plans = |plans: &[PlanItem]| {
            query.rank(
                plans
                    .iter()
                    .map(|plan| [&*plan.name, &*plan.shown, &*plan.about]),
            )
        };
        match part {
            Part::Plans => plans(&self.plans),
            Part::Samples => plans(&self.samples),
            // With nothing typed forks stand below their parents.
            Part::Runs if query.is_empty() => {
                let order = self.tree.iter();
                order.map(|(at, _)| (*at, Found::default())).collect()
            }
            Part::Runs => query.rank(self.runs.iter().map(|run| {
                let when = &*run.started_at;
                // Scattered letters are in most ids.
                let mut words = self.field.text().split_whitespace();
                let id = words.any(|word| run.run_id.contains(word));
                let id = if id { &*run.run_id } else { "" };
                [&*run.plan, run.standing.word(), when, &*run.worker, id]
            })),
        }
    }

    /// What the row is, whatever place it has.
    fn identity_of(&self, row: usize) -> Option<String> {
        Some(match self.at(row)? {
            Selected::Run(run) => format!("run {}", run.run_id),
            Selected::Plan(plan) => format!("plan {:?}", plan.place),
        })
    }

    /// How deep the run in a row stands below the run that it was forked from.
    pub(super) fn depth_of(&self, run: usize) -> usize {
        if !self.field.is_empty() {
            return 0;
        }
        self.depths.get(run).map_or(0, |depth| usize::from(*depth))
    }

    /// What is selected, whatever place it has.
    pub(super) fn identity(&self) -> Option<String> {
        self.identity_of(self.selected)
    }

    /// What stands in a row.
    pub fn at(&self, row: usize) -> Option<Selected<'_>> {
        let Row::Item(part, at, _) = self.rows.get(row)? else {
            return None;
        };
        match part {
            Part::Plans => self.plans.get(*at).map(Selected::Plan),
            Part::Samples => self.samples.get(*at).map(Selected::Plan),
            Part::Runs => self.runs.get(*at).map(Selected::Run),
        }
    }

    /// What is selected.
    pub fn selected(&self) -> Option<Selected<'_>> {
        self.at(self.selected)
    }

    /// The selected run.
    pub fn run(&self) -> Option<&RunItem> {
        match self.selected()? {
            Selected::Run(run) => Some(run),
            Selected::Plan(_) => None,
        }
    }

    /// The first item from `from` on, forwards or backwards.
    fn next_item(&self, from: usize, step: isize) -> Option<usize> {
        let mut at = from;
        while at < self.rows.len() {
            if matches!(self.rows[at], Row::Item(..)) {
                return Some(at);
            }
            at = at.checked_add_signed(step)?;
        }
        None
    }

    /// Moves the selection by so many rows, to an item, not past the ends.
    pub(super) fn move_by(&mut self, rows: isize) {
        let last = self.rows.len().saturating_sub(1);
        let aim = self.selected.saturating_add_signed(rows).min(last);
        let step = if rows < 0 { -1 } else { 1 };
        let found = self.next_item(aim, step);
        if let Some(found) = found.or_else(|| self.next_item(aim, -step)) {
            self.selected = found;
        }
    }

    /// Goes to the first item of the next part, going around.
    pub(super) fn next_part(&mut self, forward: bool) {
        let headings: Vec<usize> = (0..self.rows.len())
            .filter(|at| matches!(self.rows[*at], Row::Heading(_, 1..)))
            .collect();
        let here = headings.iter().rposition(|at| *at < self.selected);
        let count = headings.len();
        let Some(here) = here.filter(|_| count > 0) else {
            return;
        };
        let next = if forward { here + 1 } else { here + count - 1 };
        self.selected = headings[next % count] + 1;
    }
}
