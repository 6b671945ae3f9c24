//! A scheduler for a run that goes on where its record ends.

use super::elements::element_id;
use super::rows::Stage;
use super::{Element, Scheduler};
use crate::plan::StepIx;
use crate::run::RunState;
use serde_json::Value;
use std::sync::Arc;

impl Scheduler {
    /// Goes on after `run`, whose plan this is: every row is at its beginning, as after a reset, and attempts are counted
    /// on. The time of the run so far counts against no limit.
    pub(crate) fn go_on(&mut self, run: &RunState) {
        for (at, state) in run.steps.iter().enumerate() {
            let attempts = state.attempts.last().map_or(0, |last| last.number);
            let row = StepIx(at as u32);
            match (state.caller, state.info.parent) {
                _ if at < self.steps.len() => {}
                (Some(caller), Some(parent)) => {
                    self.add_dormant_call(caller, parent, &state.info.id);
                }
                (None, Some(parent)) => self.add_dormant(row, parent),
                (_, None) => {}
            }
            if self.rows.exists(row) {
                self.rows[row].attempts = attempts;
            }
        }
        self.resources.calls = run.calls;
        self.clock.go_on(run.at);
    }

    /// The row of an element whose list is not known yet.
    fn add_dormant(&mut self, row: StepIx, parent: StepIx) {
        let step = self.steps.get(parent);
        let added = self.rows.add_element(step);
        debug_assert_eq!(added, row);
        self.rows[added].stage = Stage::Dormant;
        let index = self.elements.remember(parent, added);
        let element = Element {
            parent,
            index,
            id: element_id(&self.steps.get(parent).id, index as usize),
            item: Arc::new(Value::Null),
        };
        self.elements.all.insert(row, element);
    }

    /// The row of a call that the code of `caller` made, and may make again.
    fn add_dormant_call(&mut self, caller: StepIx, parent: StepIx, id: &Arc<str>) {
        let added = self.rows.add_element(self.steps.get(parent));
        self.rows[added].stage = Stage::Dormant;
        self.callers.know(caller, id, added);
    }
}
