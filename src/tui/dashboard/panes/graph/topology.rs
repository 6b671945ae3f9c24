//! The nodes of the picture and their edges, with what is folded in one node.
//!
//! ```text
//!  rows ─▶ heads    elements into their `for_each` step, calls into the step whose code made them, steps into their
//!                   group, as far as they are folded
//!       ─▶ owners   what waits for nothing but a folded subtree belongs to it
//!       ─▶ nodes    what is left, in the plan's order; elements stand before their step, which waits for them
//! ```

use super::folds::Folds;
use super::rows::Rows;
use super::text;
use crate::plan::StepIx;
use crate::run::{RunHeader, RunState};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The nodes and edges of one picture.
#[derive(Clone, Debug, Default)]
pub(super) struct Topology {
    /// The run.
    pub(super) header: Option<Arc<RunHeader>>,
    /// The row that stands for each node.
    pub(super) steps: Vec<StepIx>,
    /// The rows folded into a node, itself included; for other nodes nothing.
    pub(super) members: HashMap<u32, Arc<[StepIx]>>,
    /// The node of each row.
    node_of: Vec<u32>,
    /// What each node is called.
    pub(super) labels: Vec<Arc<str>>,
    /// The tool of each node.
    pub(super) tools: Vec<Arc<str>>,
    /// Columns of the widest label, with the mark beside it.
    pub(super) widest: usize,
    /// Columns of the widest tool's name.
    pub(super) widest_tool: usize,
    /// (source, target) by node.
    pub(super) edges: Vec<(u32, u32)>,
    /// Whether cost is shown.
    pub(super) cost: bool,
    /// For each node what it waits for.
    pub(super) above: Vec<Vec<u32>>,
    /// For each node what waits for it.
    pub(super) below: Vec<Vec<u32>>,
}

impl Topology {
    /// The picture of `rows` with these folds; `lean` where groups of alike steps are folded unless they were
    /// opened.
    pub(super) fn new(rows: &Rows, state: &RunState, folds: &Folds, lean: bool) -> Self {
        let mut plan = Assignment::new(rows, state, folds, lean);
        plan.fold_subtrees(folds);
        let mut topology = Self {
            header: rows.header.clone(),
            cost: state.header.as_ref().is_none_or(|header| header.track_cost),
            ..Self::default()
        };
        let mut node_at = vec![u32::MAX; plan.head.len()];
        for &unit in &plan.units {
            if plan.head[unit.at()] == unit.0 {
                node_at[unit.at()] = topology.steps.len() as u32;
                topology.steps.push(unit);
            }
        }
        topology.node_of = plan
            .head
            .iter()
            .map(|&head| node_at[head as usize])
            .collect();
        topology.name(rows, &plan);
        topology.connect(&plan);
        topology
    }

    fn name(&mut self, rows: &Rows, plan: &Assignment<'_>) {
        let mut members: Vec<Vec<StepIx>> = vec![Vec::new(); self.steps.len()];
        for &unit in &plan.units {
            members[self.node_of[unit.at()] as usize].push(unit);
        }
        for (node, members) in members.into_iter().enumerate() {
            let row = self.steps[node];
            let mut label = Arc::clone(&rows.labels[row.at()]);
            let mut mark = 0;
            if members.len() > 1 {
                if plan.folded_group(row) && members.len() == rows.group(row).len() {
                    label = rows.group_name(row);
                }
                mark = members.len().to_string().len() + 2;
                self.members.insert(node as u32, members.into());
            }
            let tool = Arc::clone(&rows.tools[row.at()]);
            self.widest = self.widest.max(text::width(&label) + mark);
            self.widest_tool = self.widest_tool.max(text::width(&tool));
            self.labels.push(label);
            self.tools.push(tool);
        }
    }

    fn connect(&mut self, plan: &Assignment<'_>) {
        let count = self.steps.len();
        self.above = vec![Vec::new(); count];
        self.below = vec![Vec::new(); count];
        let mut into: Vec<Vec<u32>> = vec![Vec::new(); count];
        for &unit in &plan.units {
            let to = self.node_of[unit.at()];
            for before in plan.before(unit) {
                let from = self.node_of.get(before.at()).copied().unwrap_or(to);
                if from != to {
                    into[to as usize].push(from);
                }
            }
        }
        // The last node for which each node was seen as a source.
        let mut seen = vec![u32::MAX; count];
        for (to, sources) in into.into_iter().enumerate() {
            for from in sources {
                if std::mem::replace(&mut seen[from as usize], to as u32) != to as u32 {
                    self.edges.push((from, to as u32));
                    self.above[to].push(from);
                    self.below[from as usize].push(to as u32);
                }
            }
        }
    }

    /// Whether a picture of `other` would be one of this.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.steps == other.steps && self.edges == other.edges && self.members == other.members
    }

    /// Whether it shows the same run.
    pub(super) fn same_run(&self, other: &Self) -> bool {
        match (&self.header, &other.header) {
            (Some(ours), Some(theirs)) => ours.is_of_same_run(theirs),
            _ => false,
        }
    }

    /// The node that shows this row.
    pub(super) fn node(&self, step: StepIx) -> Option<u32> {
        self.node_of
            .get(step.at())
            .copied()
            .filter(|&node| node != u32::MAX)
    }

    /// The row that a node shows.
    pub(super) fn step(&self, node: u32) -> Option<StepIx> {
        self.steps.get(node as usize).copied()
    }
}

/// Which row stands for which.
struct Assignment<'a> {
    rows: &'a Rows,
    state: &'a RunState,
    /// The rows that are shown by themselves or folded with others, in the order of the picture: the plan's
    /// steps, and the elements and calls of open steps.
    units: Vec<StepIx>,
    /// By row.
    head: Vec<u32>,
    /// By row: whether it is a step with its elements or its calls beside it.
    open: Vec<bool>,
    folded: Vec<bool>,
    /// What open steps, and what stands beside them, wait for.
    waits: HashMap<StepIx, Vec<StepIx>>,
}

impl<'a> Assignment<'a> {
    fn new(rows: &'a Rows, state: &'a RunState, folds: &Folds, lean: bool) -> Self {
        let count = state.steps.len().min(rows.labels.len());
        let mut plan = Self {
            rows,
            state,
            units: Vec::with_capacity(count),
            head: (0..count as u32).collect(),
            open: vec![false; count],
            folded: vec![false; count],
            waits: HashMap::new(),
        };
        for at in 0..count {
            let row = StepIx(at as u32);
            if let Some(parent) = rows.parents[at] {
                // Its step was seen before; what it stands for is set there where the element is shown.
                if plan.open.get(parent.at()) != Some(&true) || plan.head[at] != u32::MAX {
                    plan.head[at] = plan.head.get(parent.at()).copied().unwrap_or(at as u32);
                } else {
                    plan.head[at] = row.0;
                }
                continue;
            }
            if let Some(first) = rows.group_of(row)
                && folds.folds_group(first, lean)
            {
                plan.head[at] = first.0;
                plan.folded[at] = true;
            } else if folds.is_open(row) {
                let under = state.under(row);
                for &row in under.iter().filter(|row| row.at() < count) {
                    plan.open[at] = true;
                    plan.head[row.at()] = u32::MAX;
                    plan.units.push(row);
                }
                plan.wait(state, row, &under);
            }
            plan.units.push(row);
        }
        plan
    }

    /// Whether the row is in a group that is folded.
    fn folded_group(&self, row: StepIx) -> bool {
        self.folded[row.at()]
    }

    /// What a unit waits for.
    fn before(&self, unit: StepIx) -> &[StepIx] {
        if let Some(before) = self.waits.get(&unit) {
            return before;
        }
        let row = &self.state.steps[unit.at()];
        match row.info.parent {
            Some(parent) => &self.state.steps[parent.at()].info.depends_on,
            None => &row.info.depends_on,
        }
    }

    /// Finds what an open step and what stands beside it wait for: a `for_each` step for its elements, code for the calls
    /// that it made, and a call for the one whose answer the code had before.
    fn wait(&mut self, state: &RunState, step: StepIx, under: &[StepIx]) {
        let shown: HashSet<StepIx> = under.iter().copied().collect();
        for &unit in under.iter().chain([&step]) {
            let Some(row) = state.steps.get(unit.at()) else {
                continue;
            };
            let own = match row.elements() {
                [] => row.calls(),
                elements => elements,
            };
            let earlier = row.info.depends_on.iter().copied();
            let earlier = earlier.filter(|it| row.caller.is_some() && shown.contains(it));
            let before: Vec<StepIx> = if own.is_empty() {
                earlier.collect()
            } else {
                own.to_vec()
            };
            if !before.is_empty() {
                self.waits.insert(unit, before);
            }
        }
    }

    /// Folds what waits, at any distance, for nothing but a closed step.
    fn fold_subtrees(&mut self, folds: &Folds) {
        let roots = folds.subtrees(self.rows);
        if roots.is_empty() {
            return;
        }
        let owner = self.owners(&|row| roots.contains(&row));
        for head in &mut self.head {
            if let Some(owner) = owner[*head as usize] {
                *head = owner;
            }
        }
    }

    /// By head: the root that everything it waits for belongs to.
    fn owners(&self, is_root: &dyn Fn(StepIx) -> bool) -> Vec<Option<u32>> {
        let count = self.head.len();
        let mut waits = vec![0u32; count];
        let mut after: Vec<Vec<u32>> = vec![Vec::new(); count];
        let is_head = |unit: &&StepIx| self.head[unit.at()] == unit.0;
        for &unit in self.units.iter().filter(is_head) {
            for before in self.before(unit) {
                if let Some(&head) = self.head.get(before.at()) {
                    after[head as usize].push(unit.0);
                    waits[unit.at()] += 1;
                }
            }
        }
        let heads = self.units.iter().filter(is_head);
        let mut ready: Vec<u32> = heads
            .map(|unit| unit.0)
            .filter(|&at| waits[at as usize] == 0)
            .collect();
        let mut owner: Vec<Option<u32>> = vec![None; count];
        while let Some(head) = ready.pop() {
            let mut common: Option<Option<u32>> = None;
            for before in self.before(StepIx(head)) {
                let Some(&before) = self.head.get(before.at()) else {
                    continue;
                };
                let own =
                    owner[before as usize].or_else(|| is_root(StepIx(before)).then_some(before));
                common = match common {
                    None => Some(own),
                    Some(other) if other == own => common,
                    Some(_) => Some(None),
                };
            }
            owner[head as usize] = common.flatten();
            for &next in &after[head as usize] {
                waits[next as usize] -= 1;
                if waits[next as usize] == 0 {
                    ready.push(next);
                }
            }
        }
        owner
    }
}

/// How many rows would be folded into `root`.
pub(super) fn subtree(
    rows: &Rows,
    state: &RunState,
    folds: &Folds,
    lean: bool,
    root: StepIx,
) -> usize {
    let plan = Assignment::new(rows, state, folds, lean);
    let owner = plan.owners(&|row| row == root);
    let below = |unit: &&StepIx| owner[plan.head[unit.at()] as usize] == Some(root.0);
    plan.units.iter().filter(below).count()
}
