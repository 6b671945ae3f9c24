//! The run shown beside another run, or a step beside itself.

use super::comparison::Pair;
use super::model::Model;
use crate::plan::StepIx;
use crate::run::{StepState, Verdict};

impl Model {
    /// The pairs that the selected step has.
    pub fn pairs(&self) -> Vec<Pair> {
        let Some(row) = self.row() else {
            return Vec::new();
        };
        let attempts = (1..row.attempts.len()).map(|at| Pair::Attempts(at - 1));
        let twin = self.twin(row).map(|_| Pair::Runs);
        attempts.chain(twin).collect()
    }

    /// The same step in the run that this one is compared with.
    pub(crate) fn twin(&self, row: &StepState) -> Option<&StepState> {
        self.against.as_ref()?.comparison.row(&row.info.id)
    }

    /// How a step stands to the other run, where there is one.
    pub fn verdict(&self, ix: StepIx) -> Option<Verdict> {
        Some(self.against.as_ref()?.comparison.of(ix))
    }

    /// Takes in what changed in the run shown.
    pub(crate) fn keep_comparison(&mut self) {
        if let Some(against) = &mut self.against
            && against.comparison.refresh(&self.run)
        {
            self.panes
                .graph
                .set_differing(against.comparison.differing());
        }
    }

    /// Holds the run against no other any more.
    pub(crate) fn end_comparison(&mut self) {
        self.against = None;
        self.panes.graph.set_differing(std::iter::empty());
    }
}
