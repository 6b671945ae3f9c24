//! Which rows of a run are nodes of the picture, how they are called, and their edges.

use super::text;
use crate::plan::StepIx;
use crate::run::{RunHeader, RunState};
use std::sync::Arc;

/// Characters of an id or a tool's name that are looked at.
const MOST_NAME: usize = 80;

/// The nodes of the picture. Elements of a `for_each` step are folded into it and are no nodes.
#[derive(Clone, Debug, Default)]
pub(super) struct Topology {
    header: Option<Arc<RunHeader>>,
    rows: usize,
    /// The row of each node.
    pub(super) steps: Vec<StepIx>,
    /// The node of each row; an element has that of its step.
    node_of: Vec<u32>,
    /// Grows with every change.
    pub(super) version: u64,
    /// What each node is called.
    pub(super) labels: Vec<Arc<str>>,
    /// The tool of each node.
    pub(super) tools: Vec<Arc<str>>,
    /// Columns of the widest label.
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
    /// Whether rows came or went since the last [`Topology::sync`].
    pub(super) fn is_behind(&self, state: &RunState) -> bool {
        !self.same_run(state) || self.rows != state.steps.len()
    }

    fn same_run(&self, state: &RunState) -> bool {
        match (&self.header, &state.header) {
            (Some(ours), Some(theirs)) => Arc::ptr_eq(ours, theirs),
            (None, None) => true,
            _ => false,
        }
    }

    /// Takes in what changed; says whether nodes or edges did.
    pub(super) fn sync(&mut self, state: &RunState) -> bool {
        let same = self.same_run(state);
        if !same || state.steps.len() < self.rows {
            *self = Self {
                header: state.header.clone(),
                cost: state.header.as_ref().is_none_or(|header| header.track_cost),
                version: self.version,
                ..Self::default()
            };
        }
        let known = self.steps.len();
        for row in self.rows..state.steps.len() {
            let info = &state.steps[row].info;
            if let Some(parent) = info.parent {
                let node = self.node_of.get(parent.at()).copied().unwrap_or(u32::MAX);
                self.node_of.push(node);
            } else {
                self.node_of.push(self.steps.len() as u32);
                self.steps.push(StepIx(row as u32));
                let label = label(&info.id, &info.tool);
                let tool = text::clean(&info.tool, MOST_NAME);
                self.widest = self.widest.max(text::width(&label));
                self.widest_tool = self.widest_tool.max(text::width(&tool));
                self.labels.push(label);
                self.tools.push(tool.into());
                self.above.push(Vec::new());
                self.below.push(Vec::new());
            }
        }
        self.rows = state.steps.len();
        // The last node for which each node was seen as a source.
        let mut seen = vec![u32::MAX; self.steps.len()];
        for node in known..self.steps.len() {
            let row = &state.steps[self.steps[node].at()];
            for dependency in row.info.depends_on.iter() {
                let Some(from) = self.node(*dependency) else {
                    continue;
                };
                let to = node as u32;
                if from != to && std::mem::replace(&mut seen[from as usize], to) != to {
                    self.edges.push((from, to));
                    self.above[node].push(from);
                    self.below[from as usize].push(to);
                }
            }
        }
        let changed = !same || self.steps.len() > known;
        self.version += u64::from(changed);
        changed
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

/// The id, or number and tool where the id says nothing by itself (`2`, `step-2`, `s2`).
fn label(id: &str, tool: &str) -> Arc<str> {
    let id = text::clean(id, MOST_NAME);
    let digits = id.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let word = &id[..id.len() - digits.len()];
    let digits = digits.trim_start_matches(['-', '_']);
    let bare = !digits.is_empty()
        && digits.chars().all(|c| c.is_ascii_digit())
        && matches!(
            word.to_ascii_lowercase().as_str(),
            "" | "step" | "s" | "task" | "t" | "node" | "n" | "e"
        );
    if bare {
        format!("{digits} {}", text::clean(tool, MOST_NAME)).into()
    } else {
        id.into()
    }
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn an_id_that_says_nothing_gives_way_to_the_tool() {
        assert_eq!(&*label("2", "categorize"), "2 categorize");
        assert_eq!(&*label("step-12", "ocr"), "12 ocr");
        assert_eq!(&*label("E3", "LLM"), "3 LLM");
        assert_eq!(&*label("extract", "ocr"), "extract");
        assert_eq!(&*label("fetch_2", "http"), "fetch_2");
        assert_eq!(&*label("step", "http"), "step");
        assert_eq!(&*label("a\u{1b}[31m", "x"), "a\u{fffd}[31m");
    }
}
