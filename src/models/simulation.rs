//! Simulated calls: fake outputs, latency, cost and failures, for demonstrations without a model.
//!
//! Everything is drawn from the seed, the tool's name, its input and the attempt, so a run looks the same each time.

use super::RequestError;
use super::fake_value::fake_output;
use super::prices::{Price, Prices};
use crate::units::{Charge, Money, Tokens};
use serde_json::Value;
use std::time::Duration;

/// The percentage of calls that fail, and the percentage of failures that are transient.
const FAILURES: u32 = 4;
const TRANSIENT: u32 = 80;

/// The model whose prices the simulated costs follow.
const MODEL: &str = "gpt-4o-mini";

/// One simulated call.
#[derive(Clone, Debug)]
pub(super) struct Simulated {
    /// The output, or a simulated failure.
    pub(super) output: Result<Value, RequestError>,
    /// The simulated duration of the call.
    pub(super) latency: Duration,
    /// The simulated usage.
    pub(super) tokens: Tokens,
    /// The simulated cost.
    pub(super) cost: Money,
    /// Its parts.
    pub(super) charges: Vec<Charge>,
}

/// The maximum cost of a simulated call.
pub(super) fn max_cost() -> Money {
    price().cost(Tokens::plain(2_000, 400))
}

fn price() -> Price {
    Prices::default().get(MODEL).unwrap_or(Price::FREE)
}

/// Simulates a call. `attempt` counts from 1; only a first attempt fails.
pub(super) fn simulate(
    seed: u64,
    tool: &str,
    input: &Value,
    attempt: u32,
    schema: Option<&Value>,
) -> Simulated {
    let call = hash(seed, tool, input);
    let mut trial =
        fastrand::Rng::with_seed(call ^ u64::from(attempt).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let latency = Duration::from_millis(trial.u64(150..=900));
    let input_tokens = trial.u64(120..=2_000);
    let tokens = Tokens::plain(input_tokens, trial.u64(20..=400));
    let output = if attempt == 1 && trial.u32(0..100) < FAILURES {
        let transient = trial.u32(0..100) < TRANSIENT;
        let what = if transient {
            "the model is overloaded (503)"
        } else {
            "the model refused the input (400)"
        };
        Err(RequestError {
            retryable: transient,
            ..RequestError::permanent(format!("simulated: {what}"))
        })
    } else {
        Ok(fake_output(call, tool, schema))
    };
    let charges: Vec<Charge> = if output.is_ok() {
        price().charges(tokens).collect()
    } else {
        Vec::new()
    };
    Simulated {
        cost: charges.iter().map(Charge::cost).sum(),
        charges,
        output,
        latency,
        tokens,
    }
}

fn hash(seed: u64, tool: &str, input: &Value) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(tool.as_bytes());
    hasher.update(&[0]);
    hasher.update(input.to_string().as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_same_call_is_simulated_alike() {
        let schema = json!({"type": "object", "properties": {"a": {"type": "string"}, "n": {"type": "integer"}}, "required": ["a", "n"]});
        let one = simulate(7, "t", &json!({"x": 1}), 2, Some(&schema));
        let two = simulate(7, "t", &json!({"x": 1}), 2, Some(&schema));
        assert_eq!(
            (one.output.clone(), one.latency, one.cost),
            (two.output, two.latency, two.cost)
        );
        let other = simulate(8, "t", &json!({"x": 1}), 2, Some(&schema));
        assert_ne!((one.output, one.latency), (other.output, other.latency));
    }

    #[test]
    fn figures_stay_in_their_bounds() {
        let mut failed = 0;
        for n in 0..500 {
            let call = simulate(1, "t", &json!(n), 1, None);
            assert!((150..=900).contains(&call.latency.as_millis()));
            assert!(call.cost <= max_cost());
            failed += u32::from(call.output.is_err());
            assert!(simulate(1, "t", &json!(n), 2, None).output.is_ok());
        }
        assert!((5..=50).contains(&failed), "{failed}");
    }
}
