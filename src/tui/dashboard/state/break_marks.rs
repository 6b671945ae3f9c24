//! The steps that have a breakpoint, which the views mark.

use crate::plan::StepIx;
use crate::run::{Breakpoint, RunState};
use std::collections::BTreeSet;

/// What the marks were computed from.
#[derive(Debug, Default)]
pub(crate) struct BreakMarks {
    set: BTreeSet<Breakpoint>,
    rows: usize,
}

impl BreakMarks {
    /// The rows with a breakpoint of their own, where they are others than the last time.
    pub(crate) fn changed(&mut self, run: &RunState) -> Option<BTreeSet<StepIx>> {
        if self.set == run.breakpoints && self.rows == run.steps.len() {
            return None;
        }
        (self.set, self.rows) = (run.breakpoints.clone(), run.steps.len());
        Some(marked(run))
    }
}

fn marked(run: &RunState) -> BTreeSet<StepIx> {
    let ids: BTreeSet<&str> = run.breakpoints.iter().map(|one| &*one.step).collect();
    if ids.is_empty() {
        return BTreeSet::new();
    }
    let rows = run.steps.iter().enumerate();
    rows.filter(|(_, row)| ids.contains(&*row.info.id))
        .map(|(at, _)| StepIx(at as u32))
        .collect()
}

/// The breakpoints of a step, in words.
pub(crate) fn of_step(run: &RunState, id: &str) -> Vec<String> {
    let about = run.breakpoints.iter().filter(|one| one.is_about(id));
    about
        .map(|one| {
            let text = one.to_string();
            let when = text.strip_prefix(&*one.step).unwrap_or_default();
            match when.trim_start_matches(':') {
                "" => "before each attempt".to_owned(),
                "after" => "after it has ended".to_owned(),
                "failure" => "where it fails".to_owned(),
                condition => format!("where {}", crate::text::line(condition)),
            }
        })
        .collect()
}
