//! What the ids and times of a run's spans are made of.

use crate::run::{RunState, TraceParent, run_span, span_of, trace_of};
use crate::units::Micros;
use std::sync::Arc;

/// What the ids of a run's spans are made of, and when its spans are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identity {
    /// The span that the run is in.
    pub(crate) parent: Option<TraceParent>,
    /// How many events the run had when this process went on with it; 0 for a run that it began.
    pub(crate) from: u64,
    /// When that was, by the run's clock.
    pub(crate) began: Micros,
    /// How much later than the run's clock says what happens in this process is, in nanoseconds: a run that goes on may
    /// have stood still for days.
    pub(crate) later: i128,
    /// The run that it resumes.
    pub(crate) resumed_from: Option<Arc<str>>,
}

impl Identity {
    /// The trace of this run.
    pub(super) fn trace(&self, run_id: &str) -> String {
        match &self.parent {
            Some(parent) => parent.trace.clone(),
            None => trace_of(run_id),
        }
    }

    /// The span of this run.
    pub(super) fn run_span(&self, run_id: &str) -> String {
        match self.from {
            0 => run_span(run_id),
            from => span_of(run_id, &["run", &from.to_string()]),
        }
    }
}

/// The id of a run.
pub(super) fn run_id(run: &RunState) -> &str {
    run.header.as_deref().map_or("", |header| &header.run_id)
}
