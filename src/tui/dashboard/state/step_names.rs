//! The ids of the steps that there are, cut alike wherever one is too long.

use crate::run::{RunHeader, RunState};
use crate::text::names::Names;
use std::ops::Deref;
use std::sync::Arc;

/// The ids of one run.
#[derive(Debug, Default)]
pub struct StepNames {
    header: Option<Arc<RunHeader>>,
    steps: usize,
    names: Names,
}

impl StepNames {
    /// Takes in which steps there are in the run.
    pub(crate) fn keep(&mut self, run: &RunState) {
        let same = match (&self.header, &run.header) {
            (Some(ours), Some(theirs)) => ours.is_of_same_run(theirs),
            (None, None) => true,
            _ => false,
        };
        if same && self.steps == run.steps.len() {
            return;
        }
        let known = if same && self.steps < run.steps.len() {
            self.steps
        } else {
            self.names = Names::default();
            0
        };
        self.header.clone_from(&run.header);
        self.steps = run.steps.len();
        let more = run.steps.iter().skip(known);
        self.names.add(more.map(|row| Arc::clone(&row.info.id)));
    }
}

impl Deref for StepNames {
    type Target = Names;

    fn deref(&self) -> &Names {
        &self.names
    }
}
