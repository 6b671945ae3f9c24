//! The result: its order, what is `null` and when, and its form as JSON.

use super::super::{
    AttemptDetails, AttemptEnd, EventKind, ResourceLimits, RunEvent, RunHeader, RunOutcome,
    RunState, StepInfo, StepKey, StepSource, figures,
};
use super::ExecutionResult;
use crate::plan::{Dialect, StepInput, StepIx};
use crate::units::{Micros, Money, Tokens};
use serde_json::json;
use std::sync::Arc;

fn key(ix: u32) -> StepKey {
    StepKey {
        ix: StepIx(ix),
        id: ["list", "last", "list[0]", "list[1]"][ix as usize].into(),
    }
}

fn info(ix: u32, parent: Option<u32>) -> StepInfo {
    StepInfo {
        id: key(ix).id,
        tool: "tool".into(),
        kind: "test".into(),
        depends_on: if ix == 1 { vec![StepIx(0)] } else { Vec::new() }.into(),
        description: None,
        parent: parent.map(StepIx),
        parameters: None,
        not_reused: None,
        sequential: false,
        price: None,
        checks: None,
    }
}

/// A list step of two elements and a last step; each call takes 10 ms and costs what is given.
fn run(track_cost: bool, costs: [Option<i64>; 3]) -> RunState {
    let header = RunHeader {
        run_id: "run".into(),
        plan: "plan".into(),
        dialect: Dialect::Documented,
        started_at: "".into(),
        worker: "openai/gpt-4o-mini".into(),
        simulated: false,
        track_cost,
        limits: ResourceLimits::none(),
        rates: crate::run::Rates::default(),
        priced: false,
        context: Arc::default(),
        steps: vec![info(0, None), info(1, None)].into(),
        forked_from: None,
        spent_before: Money::ZERO,
        pace: None,
    };
    let mut kinds = vec![
        (0, EventKind::RunStarted(Arc::new(header))),
        (
            0,
            EventKind::StepExpanded {
                step: key(0),
                count: 2,
                elements: vec![info(2, Some(0)), info(3, Some(0))].into(),
            },
        ),
    ];
    let called = |ix: u32, start: u64, cost: Option<i64>| {
        let ended = AttemptEnd {
            step: key(ix),
            attempt: 1,
            service: Micros(10_000),
            cost: cost.filter(|_| track_cost).map(Money::from_pico),
            details: AttemptDetails {
                tokens: Some(Box::new(Tokens::plain(310, 45))),
                model: Some("gpt-4o-mini".into()),
                ..AttemptDetails::default()
            }
            .boxed(),
            cancelled: false,
        };
        [
            (
                start,
                EventKind::AttemptStarted {
                    step: key(ix),
                    attempt: 1,
                    slot: 0,
                    input: StepInput::default(),
                    reserved: Money::ZERO,
                    why: None,
                    prompt: None,
                },
            ),
            (start + 10_000, EventKind::AttemptEnded(Arc::new(ended))),
            (start + 10_000, succeeded(ix)),
        ]
    };
    // The second element ends first.
    kinds.extend(called(3, 0, costs[1]));
    kinds.extend(called(2, 10_000, costs[0]));
    kinds.push((20_000, succeeded(0)));
    kinds.extend(called(1, 20_000, costs[2]));
    let result = Arc::new(json!("done"));
    kinds.push((
        30_000,
        EventKind::RunEnded {
            status: RunOutcome::Succeeded,
            result,
            error: None,
        },
    ));
    let events = kinds
        .into_iter()
        .enumerate()
        .map(|(seq, (at, kind))| RunEvent {
            seq: seq as u64,
            at: Micros(at),
            kind,
        });
    RunState::from_events(&events.collect::<Vec<_>>())
}

fn succeeded(ix: u32) -> EventKind {
    EventKind::StepSucceeded {
        step: key(ix),
        source: StepSource::Call,
        output: Arc::new(json!(ix)),
        reused: None,
    }
}

#[test]
fn steps_stand_in_the_order_of_the_plan_with_elements_after_their_step() {
    let result = ExecutionResult::of(&run(true, [Some(0); 3]));
    let ids: Vec<&str> = result.steps.iter().map(|step| &*step.id).collect();
    assert_eq!(ids, ["list", "list[0]", "list[1]", "last"]);
    assert_eq!(
        result.steps_completed, 2,
        "a step counts once, whatever its elements"
    );
    assert_eq!(result.critical_path.len(), 2);
    assert_eq!(&*result.critical_path[1], "last");
}

#[test]
fn costs_of_the_steps_add_up_to_the_cost_of_the_run() {
    let result = ExecutionResult::of(&run(true, [Some(5), Some(7), Some(11)]));
    assert_eq!(result.cost, Some(Money::from_pico(23)));
    let sum: Option<Money> = result.steps.iter().map(|step| step.cost).sum();
    assert_eq!(sum, result.cost);
}

#[test]
fn a_call_without_a_price_leaves_the_cost_of_its_step_and_of_the_run_open() {
    let result = ExecutionResult::of(&run(true, [Some(5), None, Some(11)]));
    assert_eq!(result.cost, None);
    let costs: Vec<_> = result
        .steps
        .iter()
        .map(|step| step.cost.map(Money::pico))
        .collect();
    assert_eq!(costs, [Some(0), Some(5), None, Some(11)]);
}

#[test]
fn without_cost_tracking_every_cost_is_null() {
    let result = ExecutionResult::of(&run(false, [Some(5), Some(7), Some(11)]));
    assert_eq!(result.cost, None);
    assert!(result.steps.iter().all(|step| step.cost.is_none()));
    let json = serde_json::to_value(&result).unwrap();
    assert!(json["cost"].is_null() && json["steps"][3]["cost"].is_null());
}

#[test]
fn as_json_it_has_the_fields_of_the_contract() {
    let result = ExecutionResult::of(&run(true, [Some(0), Some(0), Some(200_000_000)]));
    let json = serde_json::to_value(&result).unwrap();
    assert_eq!(
        json["steps"][3],
        json!({
            "id": "last", "tool": "tool", "status": "succeeded", "source": "call", "output": 1,
            "error": null, "reason": null, "cost": 0.0002, "latency_ms": 10.0, "started_ms": 20.0,
            "ended_ms": 30.0, "attempts": 1, "model": "gpt-4o-mini",
            "tokens": {"input": 310, "cached_input": 0, "output": 45}
        })
    );
    let fields: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(
        fields,
        [
            "run_id",
            "plan",
            "status",
            "result",
            "steps",
            "cost",
            "latency_ms",
            "steps_completed",
            "parallel_efficiency",
            "speedup",
            "slot_utilisation",
            "critical_path",
            "exceeded_limits",
            "error",
            "worker",
            "simulated"
        ]
    );
    assert_eq!(json["status"], "succeeded");
    assert_eq!(json["exceeded_limits"], json!(null));
    let back: ExecutionResult = serde_json::from_value(json).unwrap();
    assert_eq!(back, result);
}

#[test]
fn its_figures_are_those_of_the_run() {
    let state = run(true, [Some(0); 3]);
    let (result, figures) = (ExecutionResult::of(&state), figures(&state, state.at));
    let ids = figures
        .critical_path
        .iter()
        .map(|ix| &state.steps[ix.at()].info.id);
    assert!(result.critical_path.iter().eq(ids));
    assert_eq!(
        (
            result.speedup,
            result.parallel_efficiency,
            result.slot_utilisation,
            result.latency_ms
        ),
        (
            figures.speedup,
            figures.parallel_efficiency,
            figures.slot_utilisation,
            figures.wall.ms()
        )
    );
}
