//! What watch expressions look at: the run as one JSON object.

use crate::plan::StepInput;
use crate::run::{RunPhase, RunState, StepState};
use crate::units::Money;
use serde_json::{Map, Value, json};

/// The run at the event that `state` has come to, as an object:
///
/// - `run`: `id`, `status`, `cost` in dollars, `calls`, `elapsed_s`;
/// - `context`: the values that the plan was given;
/// - `steps`: by id, elements of `for_each` steps as `ID[N]`: `status`, `input`, `output`, `error`, `cost` in dollars,
///   `attempts`. What is not known is null.
pub fn watched(state: &RunState) -> Value {
    let header = state.header.as_deref();
    let steps: Map<String, Value> = state
        .steps
        .iter()
        .map(|row| (row.info.id.to_string(), step(state, row)))
        .collect();
    json!({
        "run": {
            "id": header.map(|header| &header.run_id),
            "status": status(state),
            "cost": cost(state, state.spent),
            "calls": state.calls,
            "elapsed_s": state.wall(state.at).seconds(),
        },
        "context": header.map(|header| &*header.context),
        "steps": steps,
    })
}

fn step(state: &RunState, row: &StepState) -> Value {
    let ended = row
        .attempts
        .iter()
        .filter_map(|attempt| attempt.end.as_ref());
    let spent = ended.map(|(_, end)| end.cost.unwrap_or_default()).sum();
    json!({
        "status": row.status.word(),
        "input": row.input().map(StepInput::to_value),
        "output": row.output,
        "error": row.error.as_ref().map(|error| &error.message),
        "cost": cost(state, spent),
        "attempts": row.attempts.len(),
    })
}

/// An amount in dollars; `None` where cost is not tracked.
fn cost(state: &RunState, sum: Money) -> Option<Money> {
    let header = state.header.as_ref();
    header.is_none_or(|header| header.track_cost).then_some(sum)
}

fn status(state: &RunState) -> Value {
    match state.phase {
        RunPhase::Empty | RunPhase::Running => json!("running"),
        RunPhase::Paused => json!("paused"),
        RunPhase::Stopping => json!("stopping"),
        RunPhase::Ended(outcome) => json!(outcome),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_has_not_begun_has_every_part() {
        let root = watched(&RunState::default());
        assert_eq!(root["run"]["status"], "running");
        assert_eq!(root["context"], Value::Null);
        assert_eq!(root["steps"], json!({}));
    }
}
