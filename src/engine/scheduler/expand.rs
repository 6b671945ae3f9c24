//! `for_each`: rows that appear at run time, one for each element of a list.

use super::{Action, Node, Phase, Scheduler};
use crate::plan::StepIx;
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

/// The rows of one `for_each` step; a list that became shorter leaves rows unused at the end.
#[derive(Debug, Default)]
pub(super) struct Expansion {
    pub(super) rows: Vec<StepIx>,
    pub(super) used: usize,
    pub(super) open: usize,
}

impl Scheduler {
    pub(super) fn element(&self, row: StepIx) -> Option<&Element> {
        self.elements.get(row.at().checked_sub(self.steps.len())?)
    }

    /// Whether a row is left over from a longer list.
    pub(super) fn is_orphan(&self, row: StepIx) -> bool {
        self.element(row).is_some_and(|element| {
            self.expansions
                .get(&element.parent)
                .is_none_or(|e| element.index as usize >= e.used)
        })
    }

    pub(super) fn expand(&mut self, parent: StepIx, items: Vec<Arc<Value>>, out: &mut Vec<Action>) {
        let mut expansion = self.expansions.remove(&parent).unwrap_or_default();
        let known = expansion.rows.len();
        expansion.used = items.len();
        expansion.open = items.len();
        let mut added: Vec<StepInfo> = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            if let Some(row) = expansion.rows.get(index) {
                let at = row.at() - self.steps.len();
                self.elements[at].item = item;
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
            self.nodes.push(Node::default());
            added.push(info);
        }
        let rows: Vec<StepIx> = expansion.rows[..expansion.used].to_vec();
        let count = rows.len();
        self.expansions.insert(parent, expansion);
        self.node(parent).status = StepStatus::Running;
        out.push(Action::Emit(Fact::StepExpanded {
            step: self.key(parent),
            count: count as u32,
            elements: added.into(),
        }));
        self.unfinished += count;
        for (index, row) in rows.into_iter().enumerate() {
            if index < known {
                self.clear(row, out);
            }
            self.make_ready(row, out);
        }
        if count == 0 {
            self.succeed(
                parent,
                Arc::new(Value::Array(Vec::new())),
                StepSource::Call,
                out,
            );
        }
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
        }
    }

    pub(super) fn make_ready(&mut self, row: StepIx, out: &mut Vec<Action>) {
        self.node(row).status = StepStatus::Ready;
        let step = self.key(row);
        out.push(Action::Emit(Fact::StepReady { step }));
        self.queue(row);
    }

    /// A retried element brings its `for_each` step back to life.
    pub(super) fn element_started(&mut self, row: StepIx) {
        if let Some(parent) = self.element(row).map(|element| element.parent) {
            self.node(parent).status = StepStatus::Running;
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
        let rows: Vec<StepIx> = expansion.rows[..expansion.used].to_vec();
        let ended = |status| {
            rows.iter()
                .filter(|row| self.nodes[row.at()].status == status)
                .count()
        };
        let failed = ended(StepStatus::Failed);
        if failed > 0 {
            let error = self.elements_failed(parent, &rows, failed);
            self.fail(parent, error, out);
        } else if ended(StepStatus::Cancelled) > 0 || matches!(self.phase, Phase::Stopping(_)) {
            let step = self.key(parent);
            out.push(Action::Emit(Fact::StepCancelled { step }));
            self.end_row(parent, StepStatus::Cancelled);
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

    fn elements_failed(&self, parent: StepIx, rows: &[StepIx], failed: usize) -> Box<RunError> {
        let first = rows
            .iter()
            .filter(|row| self.nodes[row.at()].status == StepStatus::Failed)
            .find_map(|row| self.errors.get(row));
        let what = first.map_or("", |error| &error.message);
        Box::new(RunError {
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
        })
    }
}
