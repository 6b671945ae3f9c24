//! `for_each`: rows that appear at run time, one for each element of a list.

use super::call_row::CallRow;
use super::rows::Row;
use super::steps::Steps;
use super::{Action, Scheduler, Stage, Turn};
use crate::plan::{Mode, StepIx};
use crate::run::{ErrorKind, EventKind, RunError, StepInfo, StepSource, StepStatus};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// A row that runs for one element.
#[derive(Debug)]
pub(super) struct Element {
    /// The `for_each` step.
    pub parent: StepIx,
    /// Its place in the list.
    pub index: u32,
    /// What it is called.
    pub id: Arc<str>,
    /// The element of the list.
    pub item: Arc<Value>,
}

/// The rows of one `for_each` step. A list that became shorter leaves dormant rows at the end.
#[derive(Debug, Default)]
struct Expansion {
    rows: Vec<StepIx>,
    /// How many elements the list has; nothing while the step is not expanded.
    used: usize,
    /// Elements that have not ended.
    open: usize,
}

/// The rows that follow those of the plan's steps: the elements of all `for_each` steps, and the calls that code makes.
#[derive(Debug)]
pub(super) struct Elements {
    /// How many steps the plan has.
    steps: usize,
    /// By row; calls that code makes have their rows in between.
    pub(super) all: HashMap<StepIx, Element>,
    calls: HashMap<StepIx, CallRow>,
    expansions: HashMap<StepIx, Expansion>,
}

impl Elements {
    /// No elements, for a plan of so many steps.
    pub(super) fn new(steps: usize) -> Self {
        Self {
            steps,
            all: HashMap::new(),
            calls: HashMap::new(),
            expansions: HashMap::new(),
        }
    }

    /// The element that a row runs for; `None` for a step of the plan.
    pub(super) fn get(&self, row: StepIx) -> Option<&Element> {
        if row.at() < self.steps {
            return None;
        }
        self.all.get(&row)
    }

    /// The call that a row is; `None` for a step of the plan and for an element.
    pub(super) fn call(&self, row: StepIx) -> Option<&CallRow> {
        if row.at() < self.steps {
            return None;
        }
        self.calls.get(&row)
    }

    /// The same, to change it.
    pub(super) fn call_mut(&mut self, row: StepIx) -> Option<&mut CallRow> {
        self.calls.get_mut(&row)
    }

    /// A row is this call.
    pub(super) fn set_call(&mut self, row: StepIx, call: CallRow) {
        self.calls.insert(row, call);
    }

    /// The plan's step behind a row.
    pub(super) fn plan_step(&self, row: StepIx) -> StepIx {
        if row.at() < self.steps {
            return row;
        }
        let of_call = || self.calls.get(&row).map(|call| call.parent);
        let of_element = self.all.get(&row).map(|element| element.parent);
        of_element.or_else(of_call).unwrap_or(row)
    }

    /// Whether a row is a `for_each` step whose elements are its rows at present.
    pub(super) fn is_expanded(&self, row: StepIx) -> bool {
        !self.expansions.is_empty() && self.expansions.get(&row).is_some_and(|e| e.used > 0)
    }

    /// The rows of the elements that a `for_each` step has at present.
    fn of(&self, parent: StepIx) -> Vec<StepIx> {
        let expansion = self.expansions.get(&parent);
        expansion.map_or_else(Vec::new, |e| e.rows[..e.used].to_vec())
    }

    /// A row of an element of an earlier time, which the list may have again. Returns its place in the list.
    pub(super) fn remember(&mut self, parent: StepIx, row: StepIx) -> u32 {
        let rows = &mut self.expansions.entry(parent).or_default().rows;
        rows.push(row);
        rows.len() as u32 - 1
    }

    /// An element that had ended runs again. Returns how many elements the list has.
    pub(super) fn reopen(&mut self, parent: StepIx) -> Option<u32> {
        let expansion = self.expansions.get_mut(&parent)?;
        expansion.open += 1;
        Some(expansion.used as u32)
    }

    /// An element ended. Returns whether it was the last.
    fn close(&mut self, parent: StepIx) -> bool {
        self.expansions.get_mut(&parent).is_some_and(|expansion| {
            expansion.open = expansion.open.saturating_sub(1);
            expansion.open == 0
        })
    }
}

/// What an element is called.
pub(super) fn element_id(step: &str, index: usize) -> Arc<str> {
    format!("{step}[{index}]").into()
}

fn element_info(steps: &Steps, parent: StepIx, index: usize) -> StepInfo {
    let step = steps.get(parent);
    StepInfo {
        id: element_id(&step.id, index),
        tool: step.tool.clone(),
        kind: "".into(),
        depends_on: Arc::clone(&step.depends_on),
        description: None,
        parent: Some(parent),
        parameters: None,
        not_reused: None,
        sequential: step.settings.mode == Mode::Sequential,
        price: None,
        checks: None,
    }
}

impl Scheduler {
    /// A `for_each` step runs once for each of these.
    pub(super) fn expand(&mut self, parent: StepIx, items: Vec<Arc<Value>>, turn: &mut Turn<'_>) {
        let mut expansion = self.elements.expansions.remove(&parent).unwrap_or_default();
        let count = items.len();
        expansion.used = count;
        expansion.open = count;
        let mut added: Vec<StepInfo> = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            if let Some(row) = expansion.rows.get(index) {
                if let Some(element) = self.elements.all.get_mut(row) {
                    element.item = item;
                }
                self.rows[*row].stage = Stage::Idle;
                continue;
            }
            let info = element_info(&self.steps, parent, index);
            let row = self.rows.add_element(self.steps.get(parent));
            expansion.rows.push(row);
            let element = Element {
                parent,
                index: index as u32,
                id: info.id.clone(),
                item,
            };
            self.elements.all.insert(row, element);
            added.push(info);
        }
        let rows: Vec<StepIx> = expansion.rows[..count].to_vec();
        self.elements.expansions.insert(parent, expansion);
        self.rows[parent].status = StepStatus::Running;
        turn.emit(EventKind::StepExpanded {
            step: self.key(parent),
            count: count as u32,
            elements: added.into(),
        });
        self.rows.unfinished += count;
        for row in rows {
            self.make_ready(row, turn);
        }
        if count == 0 {
            let nothing = Arc::new(Value::Array(Vec::new()));
            self.succeed(parent, nothing, StepSource::Call, None, turn);
        }
    }

    /// Takes the elements of a `for_each` step back, because it begins again. Returns whether that is done; it
    /// is not while their attempts are running, which are cancelled.
    pub(super) fn dismiss_elements(&mut self, parent: StepIx, turn: &mut Turn<'_>) -> bool {
        if !self.elements.is_expanded(parent) {
            return true;
        }
        let rows = self.elements.of(parent);
        let mut left = 0;
        for row in &rows {
            match &mut self.rows[*row].stage {
                Stage::Calling(call) => {
                    call.rerun = true;
                    left += 1;
                    turn.act(Action::Cancel(*row));
                }
                // It is given up below, once nothing is running.
                Stage::Asked => {}
                _ => {
                    self.leave(*row);
                    // Nobody waits behind what is taken back.
                    self.resources.rates.forget(*row);
                }
            }
        }
        if left > 0 {
            self.rows[parent].stage = Stage::Draining { left };
            return false;
        }
        for row in rows {
            if !self.rows[row].is_over() {
                self.rows.unfinished -= 1;
            }
            self.leave(row);
            self.clear(row, turn);
            self.rows[row].stage = Stage::Dormant;
        }
        if let Some(expansion) = self.elements.expansions.get_mut(&parent) {
            expansion.used = 0;
        }
        true
    }

    /// A row's cancelled attempt has ended. Returns whether its step can begin again: a `for_each` step can
    /// after the last attempt of its elements.
    pub(super) fn element_is_back(&mut self, step: StepIx, turn: &mut Turn<'_>) -> bool {
        let Stage::Draining { left } = &mut self.rows[step].stage else {
            return true;
        };
        *left -= 1;
        if *left > 0 {
            return false;
        }
        self.rows[step].stage = Stage::Idle;
        self.dismiss_elements(step, turn)
    }

    /// An element ended; with the last one the `for_each` step ends.
    pub(super) fn element_ended(&mut self, parent: StepIx, turn: &mut Turn<'_>) {
        if !self.elements.close(parent) || self.rows[parent].status.has_ended() {
            return;
        }
        let rows = self.elements.of(parent);
        let ended = || rows.iter().map(|row| &self.rows[*row]);
        let failed = ended().filter(|row| row.status.went_wrong()).count();
        let incomplete = ended().any(Row::is_incomplete);
        if self.rows[parent].begins_again() {
            // It was about to begin again when the run was stopped: what it came to has been taken back.
            self.cancel(parent, turn);
        } else if failed > 0 {
            let error = self.elements_failed(parent, &rows, failed);
            self.fail(parent, Box::new(error), turn);
        } else if incomplete {
            self.cancel(parent, turn);
        } else {
            let outputs = rows
                .iter()
                .map(|row| self.output(*row).map_or(Value::Null, |o| Value::clone(o)))
                .collect();
            let outputs = Arc::new(Value::Array(outputs));
            self.succeed(parent, outputs, StepSource::Call, None, turn);
        }
    }

    fn elements_failed(&self, parent: StepIx, rows: &[StepIx], failed: usize) -> RunError {
        let first = rows
            .iter()
            .filter(|row| self.rows[**row].status.went_wrong())
            .find_map(|row| self.outcome.error(*row));
        let what = first.map_or("", |error| &error.message);
        let step = self.steps.get(parent);
        RunError {
            kind: first.map_or(ErrorKind::ToolExecutionError, |error| error.kind),
            step: Some(step.id.clone()),
            tool_name: Some(step.tool.clone()),
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
