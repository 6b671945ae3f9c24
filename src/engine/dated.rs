//! When an earlier run began and ended, and what taking over one of its outputs saves.

use crate::plan::StepInput;
use crate::run::{Reuse, RunState, StepState};
use crate::units::Micros;
use jiff::Timestamp;
use std::sync::Arc;

/// The moments of an earlier run, seen from now.
pub(super) struct Dated {
    started: Option<Timestamp>,
    now: Timestamp,
}

impl Dated {
    /// Those of the run that `state` is the fold of.
    pub(super) fn of(state: &RunState) -> Self {
        let header = state.header.as_deref();
        Self {
            started: header.and_then(|header| header.started_at.parse().ok()),
            now: Timestamp::now(),
        }
    }

    /// How long ago the moment `at` of that run is.
    pub(super) fn age(&self, at: Micros) -> Micros {
        let since_start = self.started.map_or(0, |started| {
            self.now.as_microsecond() - started.as_microsecond()
        });
        Micros(u64::try_from(since_start).unwrap_or(0)) - at
    }

    /// What the output of a row saves where it is taken over.
    pub(super) fn reuse(&self, row: &StepState, run_id: &Arc<str>) -> Reuse {
        let age = self.age(row.ended_at().unwrap_or_default());
        match &row.reused {
            Some(before) => Reuse {
                age: before.age + age,
                pinned: false,
                ..Reuse::clone(before)
            },
            None => Reuse {
                run_id: Arc::clone(run_id),
                age,
                cost: row.cost.unwrap_or_default(),
                service: row.service,
                pinned: false,
                input: StepInput::default(),
            },
        }
    }
}
