//! What a step needs: everything that comes before it.

use super::{RunState, SkipReason, StepStatus};
use crate::plan::StepIx;

impl RunState {
    /// Which of the plan's steps the row of this id needs, its own step included; the id may be of an element or a call
    /// that does not exist yet. `None` where no step is behind it.
    pub(crate) fn needed_by(&self, id: &str) -> Option<Vec<bool>> {
        let steps = self.header.as_ref().map_or(0, |header| header.steps.len());
        let inside = self
            .steps
            .iter()
            .take(steps)
            .enumerate()
            .filter(|(_, row)| {
                let rest = id.strip_prefix(&*row.info.id);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '/']))
            });
        let (step, _) = inside.max_by_key(|(_, row)| row.info.id.len())?;
        let mut needed = vec![false; steps];
        let mut left = vec![step];
        while let Some(step) = left.pop() {
            if std::mem::replace(&mut needed[step], true) {
                continue;
            }
            if let Some(row) = self.steps.get(step) {
                left.extend(row.info.depends_on.iter().map(|before| before.at()));
            }
        }
        Some(needed)
    }

    /// The rows that the row of this id needs and that went wrong or were kept from running.
    pub(crate) fn in_the_way_to(&self, id: &str) -> Vec<StepIx> {
        let Some(needed) = self.needed_by(id) else {
            return Vec::new();
        };
        let rows = self
            .steps
            .iter()
            .zip(0..)
            .map(|(row, at)| (row, StepIx(at)));
        let in_the_way = rows.filter(|(row, ix)| {
            let step = row.info.parent.unwrap_or(*ix);
            let is_stopped = matches!(row.reason, Some(SkipReason::Limit | SkipReason::User));
            let went_wrong = matches!(row.status, StepStatus::Failed | StepStatus::Cancelled)
                || row.status == StepStatus::Skipped && is_stopped && !row.skipped_by_hand;
            let is_own = *row.info.id == *id || row.caller.is_some() || row.is_expanded();
            went_wrong && !is_own && needed.get(step.at()).copied().unwrap_or_default()
        });
        in_the_way.map(|(_, ix)| ix).collect()
    }
}
