//! What the picture knows of the rows of a run, whatever is folded: how they are called, and which are alike.

use super::text;
use crate::plan::StepIx;
use crate::run::{RunHeader, RunState};
use crate::tui::dashboard::state::step_names::StepNames;
use std::collections::HashMap;
use std::sync::Arc;

/// Characters of a tool's name that are looked at.
const MOST_NAME: usize = 80;
/// Steps up to which alike ones are found again when steps were added to the plan.
const FEW: usize = 5_000;
/// The fewest steps that are worth folding into one.
const ALIKE: usize = 4;

/// What alike steps have in common: the tool, what they wait for, and what waits for them.
type Alike<'a> = (&'a str, Vec<u32>, &'a [u32]);

/// The rows of one run.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// The run.
    pub(super) header: Option<Arc<RunHeader>>,
    /// How many of the rows are steps of the plan.
    of_plan: usize,
    /// What each row is called: its id, made safe.
    pub(super) labels: Vec<Arc<str>>,
    /// The ids, to be cut alike.
    pub(super) names: StepNames,
    /// The tool of each row.
    pub(super) tools: Vec<Arc<str>>,
    /// The `for_each` step of each element.
    pub(super) parents: Vec<Option<StepIx>>,
    /// For each row the first of the rows that are like it, itself included; `None` where they are too few.
    group_of: Vec<Option<StepIx>>,
    groups: HashMap<StepIx, Arc<[StepIx]>>,
}

impl Rows {
    /// Whether rows came or went since the last [`Rows::sync`].
    pub(super) fn is_behind(&self, state: &RunState) -> bool {
        !self.same_run(state) || self.labels.len() != state.steps.len()
    }

    fn same_run(&self, state: &RunState) -> bool {
        match (&self.header, &state.header) {
            (Some(ours), Some(theirs)) => ours.is_of_same_run(theirs),
            (None, None) => true,
            _ => false,
        }
    }

    /// Takes in what changed; whether this is another run. The state may be an earlier one of the same run, with
    /// fewer rows.
    pub(super) fn sync(&mut self, state: &RunState) -> bool {
        let fresh = !self.same_run(state);
        if fresh {
            *self = Self {
                header: state.header.clone(),
                ..Self::default()
            };
        }
        let known = self.labels.len().min(state.steps.len());
        self.labels.truncate(known);
        self.tools.truncate(known);
        self.parents.truncate(known);
        for row in state.steps.iter().skip(known) {
            self.labels.push(crate::text::line(&row.info.id).into());
            self.tools
                .push(text::clean(&row.info.tool, MOST_NAME).into());
            self.parents.push(row.info.parent);
        }
        let of_plan = state.header.as_ref().map_or(0, |header| header.steps.len());
        let has_more = self.of_plan != of_plan && of_plan <= FEW;
        if fresh || has_more {
            self.find_alike(state);
        }
        self.of_plan = of_plan;
        self.group_of.resize(self.labels.len(), None);
        self.names.keep(state);
        fresh
    }

    /// Finds steps that call the same tool, wait for the same steps and are waited for by the same steps.
    fn find_alike(&mut self, state: &RunState) {
        let mut after: Vec<Vec<u32>> = vec![Vec::new(); state.steps.len()];
        for (at, row) in state.steps.iter().enumerate() {
            for before in row.info.depends_on.iter() {
                if let Some(after) = after.get_mut(before.at()) {
                    after.push(at as u32);
                }
            }
        }
        let mut alike: HashMap<Alike<'_>, Vec<StepIx>> = HashMap::new();
        for (at, row) in state.steps.iter().enumerate() {
            if row.info.parent.is_none() {
                let mut before: Vec<u32> = row.info.depends_on.iter().map(|ix| ix.0).collect();
                before.sort_unstable();
                let key = (&*row.info.tool, before, after[at].as_slice());
                alike.entry(key).or_default().push(StepIx(at as u32));
            }
        }
        self.groups.clear();
        self.group_of = vec![None; state.steps.len()];
        for members in alike.into_values().filter(|rows| rows.len() >= ALIKE) {
            for member in &members {
                self.group_of[member.at()] = Some(members[0]);
            }
            self.groups.insert(members[0], members.into());
        }
    }

    /// The first of the steps like this one, itself included, where there are some.
    pub(super) fn group_of(&self, row: StepIx) -> Option<StepIx> {
        self.group_of.get(row.at()).copied().flatten()
    }

    /// The steps of the group with this first one.
    pub(super) fn group(&self, first: StepIx) -> &[StepIx] {
        self.groups.get(&first).map_or(&[], |rows| &**rows)
    }

    /// Whether any steps are alike.
    pub(super) fn has_groups(&self) -> bool {
        !self.groups.is_empty()
    }

    /// A name for all steps of a group: what their names begin with, else their tool.
    pub(super) fn group_name(&self, first: StepIx) -> Arc<str> {
        let mut names = self.group(first).iter().map(|row| &*self.labels[row.at()]);
        let mut common = names.next().unwrap_or_default();
        for name in names {
            let same = common
                .char_indices()
                .zip(name.chars())
                .find(|((_, a), b)| a != b)
                .map_or(common.len().min(name.len()), |((at, _), _)| at);
            common = &common[..same];
        }
        let common = common
            .trim_end_matches(|c: char| c.is_ascii_digit())
            .trim_end_matches(|c: char| !c.is_alphanumeric());
        let starts_with_letter = common.chars().next().is_some_and(char::is_alphabetic);
        if common.chars().count() > 1 && starts_with_letter {
            common.into()
        } else {
            Arc::clone(&self.tools[first.at()])
        }
    }
}
