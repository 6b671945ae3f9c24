//! `for_each`: rows that appear at run time, one for each element of a list.

use super::{Action, Node, Scheduler, Stage};
use crate::plan::{Mode, StepIx};
use crate::run::{ErrorKind, Fact, RunError, StepInfo, StepSource, StepStatus};
use serde_json::Value;
use std::sync::Arc;

/// A row that runs for one element.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) parent: StepIx,
    pub(super) index: u32,
    pub(super) id: Arc<str>,
    pub(super) item: Arc<Value>,
}

/// The rows of one `for_each` step. A list that became shorter leaves dormant rows at the end.
#[derive(Debug, Default)]
pub(super) struct Expansion {
    pub(super) rows: Vec<StepIx>,
    /// How many elements the list has; nothing while the step is not expanded.
    pub(super) used: usize,
    /// Elements that have not ended.
    pub(super) open: usize,
    /// Attempts that have to end before the step begins anew.
    pub(super) draining: usize,
}

impl Scheduler {
    pub(super) fn element(&self, row: StepIx) -> Option<&Element> {
        self.elements.get(row.at().checked_sub(self.steps.len())?)
    }

    /// Whether a row is a `for_each` step whose elements are its rows at present.
    pub(super) fn is_expanded(&self, row: StepIx) -> bool {
        !self.expansions.is_empty() && self.expansions.get(&row).is_some_and(|e| e.used > 0)
    }

    pub(super) fn expand(&mut self, parent: StepIx, items: Vec<Arc<Value>>, out: &mut Vec<Action>) {
        let mut expansion = self.expansions.remove(&parent).unwrap_or_default();
        let count = items.len();
        expansion.used = count;
        expansion.open = count;
        let mut added: Vec<StepInfo> = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            if let Some(row) = expansion.rows.get(index) {
                self.elements[row.at() - self.steps.len()].item = item;
                self.node(*row).stage = Stage::Idle;
                continue;
            }
            let info = self.element_info(parent, index);
            expansion.rows.push(StepIx(self.nodes.len() as u32));
            self.elements.push(Element {
                parent,
                index: index as u32,
                id: info.id.clone(),
                item,
            });
            self.nodes.push(Node::of(&self.steps[parent.at()]));
            added.push(info);
        }
        let rows: Vec<StepIx> = expansion.rows[..count].to_vec();
        self.expansions.insert(parent, expansion);
        self.node(parent).status = StepStatus::Running;
        out.push(Action::Emit(Fact::StepExpanded {
            step: self.key(parent),
            count: count as u32,
            elements: added.into(),
        }));
        self.unfinished += count;
        for row in rows {
            self.make_ready(row, out);
        }
        if count == 0 {
            let nothing = Arc::new(Value::Array(Vec::new()));
            self.succeed(parent, nothing, StepSource::Call, out);
        }
    }

    /// Takes the elements of a `for_each` step back, because it begins anew. Returns whether that is done; it
    /// is not while attempts are under way, which are cancelled.
    pub(super) fn dismiss_elements(&mut self, parent: StepIx, out: &mut Vec<Action>) -> bool {
        if !self.is_expanded(parent) {
            return true;
        }
        let mut draining = 0;
        for row in self.elements_of(parent) {
            let node = self.node(row);
            match node.stage {
                Stage::Calling => {
                    node.rerun = true;
                    draining += 1;
                    out.push(Action::Cancel(row));
                }
                // It is given up below, once nothing is under way.
                Stage::Asked => {}
                _ => self.leave(row),
            }
        }
        if draining > 0 {
            if let Some(expansion) = self.expansions.get_mut(&parent) {
                expansion.draining = draining;
            }
            return false;
        }
        for row in self.elements_of(parent) {
            if !self.is_over(row) {
                self.unfinished -= 1;
            }
            self.leave(row);
            self.clear(row, out);
            self.node(row).stage = Stage::Dormant;
        }
        if let Some(expansion) = self.expansions.get_mut(&parent) {
            expansion.used = 0;
        }
        true
    }

    /// An attempt has ended that kept a `for_each` step from beginning anew. Returns whether it was the last.
    pub(super) fn element_is_back(&mut self, parent: StepIx, out: &mut Vec<Action>) -> bool {
        let Some(expansion) = self.expansions.get_mut(&parent) else {
            return true;
        };
        expansion.draining = expansion.draining.saturating_sub(1);
        expansion.draining == 0 && self.dismiss_elements(parent, out)
    }

    fn elements_of(&self, parent: StepIx) -> Vec<StepIx> {
        self.expansions
            .get(&parent)
            .map_or_else(Vec::new, |e| e.rows[..e.used].to_vec())
    }

    fn element_info(&self, parent: StepIx, index: usize) -> StepInfo {
        let step = &self.steps[parent.at()];
        StepInfo {
            id: format!("{}[{index}]", step.id).into(),
            tool: step.tool.clone(),
            kind: "".into(),
            depends_on: step.depends_on.to_vec().into(),
            description: None,
            parent: Some(parent),
            parameters: None,
            not_reused: None,
            sequential: step.mode == Mode::Sequential,
            price: None,
        }
    }

    /// An element ended; with the last one the `for_each` step ends.
    pub(super) fn element_settled(&mut self, row: StepIx, out: &mut Vec<Action>) {
        let Some(parent) = self.element(row).map(|element| element.parent) else {
            return;
        };
        let Some(expansion) = self.expansions.get_mut(&parent) else {
            return;
        };
        expansion.open = expansion.open.saturating_sub(1);
        if expansion.open > 0 || self.nodes[parent.at()].status.has_ended() {
            return;
        }
        let rows = self.elements_of(parent);
        let count = |is: &dyn Fn(&Node) -> bool| {
            let nodes = rows.iter().map(|row| &self.nodes[row.at()]);
            nodes.filter(|node| is(node)).count()
        };
        let failed = count(&|node| node.status.went_wrong());
        let cut_short = count(&|node| node.stopped || node.status == StepStatus::Cancelled);
        if self.nodes[parent.at()].rerun {
            // It was about to begin anew when the run was stopped: what it came to has been taken back.
            self.cancelled(parent, out);
        } else if failed > 0 {
            let error = self.elements_failed(parent, &rows, failed);
            self.fail(parent, Box::new(error), out);
        } else if cut_short > 0 {
            self.cancelled(parent, out);
        } else {
            let outputs = rows
                .iter()
                .map(|row| self.output(*row).map_or(Value::Null, |o| Value::clone(o)))
                .collect();
            self.succeed(
                parent,
                Arc::new(Value::Array(outputs)),
                StepSource::Call,
                out,
            );
        }
    }

    fn elements_failed(&self, parent: StepIx, rows: &[StepIx], failed: usize) -> RunError {
        let first = rows
            .iter()
            .filter(|row| self.nodes[row.at()].status.went_wrong())
            .find_map(|row| self.errors.get(row));
        let what = first.map_or("", |error| &error.message);
        RunError {
            kind: first.map_or(ErrorKind::ToolExecutionError, |error| error.kind),
            step: Some(self.steps[parent.at()].id.clone()),
            tool_name: Some(self.steps[parent.at()].tool.clone()),
            message: format!(
                "{failed} of {} elements failed; the first: {what}",
                rows.len()
            )
            .into(),
            retryable: first.is_some_and(|error| error.retryable),
            attempts: 0,
        }
    }
}
