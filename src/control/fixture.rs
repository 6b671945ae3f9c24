//! A run for the tests of this room.

use crate::plan::Dialect;
use crate::run::{EventKind, Rates, ResourceLimits, RunEvent, RunHeader, RunState, StepInfo};
use crate::units::{Micros, Money};
use std::sync::Arc;

/// A run that has begun; its only step, `a`, is pending.
pub(super) fn waiting_run() -> RunState {
    let step = StepInfo {
        id: "a".into(),
        tool: "t".into(),
        kind: "jq".into(),
        depends_on: Arc::default(),
        description: None,
        parent: None,
        parameters: None,
        not_reused: None,
        sequential: false,
        price: None,
        checks: None,
    };
    let header = RunHeader {
        run_id: "r".into(),
        plan: "p".into(),
        dialect: Dialect::Documented,
        started_at: "2026-01-01T00:00:00Z".into(),
        worker: "offline".into(),
        simulated: false,
        track_cost: true,
        limits: ResourceLimits::default(),
        rates: Rates::default(),
        priced: false,
        context: Arc::default(),
        steps: [step].into(),
        forked_from: None,
        spent_before: Money::ZERO,
        pace: None,
    };
    RunState::from_events(&[RunEvent {
        seq: 0,
        at: Micros(0),
        kind: EventKind::RunStarted(Arc::new(header)),
    }])
}
