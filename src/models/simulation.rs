//! Simulated calls: fake outputs, latency, cost and failures, for demonstrations without a model.
//!
//! Everything is drawn from the seed, the tool's name, its input and the attempt, so a run looks the same each time. A
//! tool with rules gives the output of its rules: then only time, tokens and cost are drawn.

use super::RequestError;
use super::answer_listener::AnswerPart;
use super::cost_basis::CostBasis;
use super::fake_value::fake_output;
use super::prices::{Price, Prices};
use super::prompt::{self, Task};
use super::worker_report::WorkerReport;
use crate::units::{Charge, Money, Tokens};
use serde_json::Value;
use std::time::Duration;

/// The percentage of first attempts that fail with a transient error.
const FAILURES: u32 = 4;

/// The model whose prices the simulated costs follow where none is named.
const MODEL: &str = "gpt-4o-mini";

/// What stands for the model where none is named.
pub(super) const NAME: &str = "simulated";

/// The maximum of tokens of a simulated call.
pub(super) const MAX_TOKENS: Tokens = Tokens::plain(2_000, 400);

/// The parts in which a followed answer arrives.
const PARTS: usize = 24;

/// The call to simulate.
pub(super) struct SimulatedCall<'a> {
    /// What determines everything that is drawn, beside the tool, its input and the attempt.
    pub(super) seed: u64,
    /// What is asked.
    pub(super) task: &'a Task<'a>,
    /// The input of the tool.
    pub(super) input: &'a Value,
    /// Counts from 1; only a first attempt fails.
    pub(super) attempt: u32,
    /// The price of its tokens.
    pub(super) price: Price,
}

/// The result of a simulated call.
#[derive(Clone, Debug)]
struct Simulated {
    output: Result<Value, RequestError>,
    latency: Duration,
    tokens: Tokens,
    charges: Vec<Charge>,
}

/// The maximum cost of a simulated call.
pub(super) fn max_cost(price: Price) -> Money {
    price.cost(price.most_expensive(MAX_TOKENS))
}

/// The price of a simulated call that names no model with a known price.
pub(super) fn default_price() -> Price {
    Prices::default().get(MODEL).unwrap_or(Price::FREE)
}

/// Takes the simulated time, `slowness` times, and reports what a model would have.
pub(super) async fn perform(call: SimulatedCall<'_>, slowness: u32) -> WorkerReport {
    let simulated = simulate(&call);
    let output = simulated.output.as_ref().ok();
    let answer = output.map(|output| match output {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    let latency = simulated.latency * slowness;
    let streamed = arrive(&call, answer.as_deref(), latency).await;
    WorkerReport {
        cost: Some(simulated.charges.iter().map(Charge::cost).sum()),
        charges: simulated.charges,
        basis: CostBasis::Billed,
        tokens: Some(simulated.tokens),
        model: Some(call.task.model.unwrap_or(NAME).into()),
        prompt: Some(prompt::transcript(&prompt::messages(call.task, call.input)).into()),
        answer: answer.map(Into::into),
        reasoning: None,
        first_token: streamed,
        tokens_per_second: None,
        exchanges: Vec::new(),
        output: simulated.output,
    }
}

/// Lets the answer arrive in parts over the time that it takes; when the first part came, where somebody follows it.
async fn arrive(
    call: &SimulatedCall<'_>,
    answer: Option<&str>,
    latency: Duration,
) -> Option<Duration> {
    let (Some(listener), Some(answer)) = (call.task.listener, answer) else {
        tokio::time::sleep(latency).await;
        return None;
    };
    listener.take(AnswerPart::Asked);
    let first = latency / 4;
    tokio::time::sleep(first).await;
    let each = answer.chars().count().div_ceil(PARTS).max(1);
    let ends: Vec<usize> = answer
        .char_indices()
        .map(|(at, _)| at)
        .step_by(each)
        .skip(1)
        .chain([answer.len()])
        .collect();
    let pause = first * 3 / ends.len() as u32;
    let mut from = 0;
    for to in ends {
        listener.take(AnswerPart::Text(&answer[from..to]));
        from = to;
        tokio::time::sleep(pause).await;
    }
    Some(first)
}

fn simulate(call: &SimulatedCall<'_>) -> Simulated {
    let tool = call.task.name;
    let drawn = hash(call.seed, tool, call.input);
    let attempt = u64::from(call.attempt);
    let mut trial = fastrand::Rng::with_seed(drawn ^ attempt.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let latency = Duration::from_millis(trial.u64(150..=900));
    let input_tokens = trial.u64(120..=MAX_TOKENS.input);
    let tokens = Tokens::plain(input_tokens, trial.u64(20..=MAX_TOKENS.output));
    let output = if call.attempt == 1 && trial.u32(0..100) < FAILURES {
        Err(RequestError {
            retryable: true,
            ..RequestError::permanent("simulated: the server is overloaded (503)".to_owned())
        })
    } else if let Some(output) = call.task.known_output {
        Ok(output.clone())
    } else {
        Ok(fake_output(drawn, tool, call.task.output_schema))
    };
    let charges = if output.is_ok() {
        call.price.charges(tokens).collect()
    } else {
        Vec::new()
    };
    Simulated {
        output,
        latency,
        tokens,
        charges,
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

    fn call<'a>(
        seed: u64,
        task: &'a Task<'a>,
        input: &'a Value,
        attempt: u32,
    ) -> SimulatedCall<'a> {
        SimulatedCall {
            seed,
            task,
            input,
            attempt,
            price: default_price(),
        }
    }

    fn cost(call: &Simulated) -> Money {
        call.charges.iter().map(Charge::cost).sum()
    }

    #[test]
    fn the_same_call_is_simulated_alike() {
        let schema = json!({"type": "object", "properties": {"a": {"type": "string"}, "n": {"type": "integer"}}, "required": ["a", "n"]});
        let task = Task {
            name: "t",
            output_schema: Some(&schema),
            ..Task::default()
        };
        let input = json!({"x": 1});
        let [one, two, other] = [7, 7, 8].map(|seed| simulate(&call(seed, &task, &input, 2)));
        assert_eq!(
            (one.output.clone(), one.latency, cost(&one)),
            (two.output.clone(), two.latency, cost(&two))
        );
        assert_ne!((one.output, one.latency), (other.output, other.latency));
    }

    #[test]
    fn figures_stay_in_their_bounds() {
        let task = Task {
            name: "t",
            ..Task::default()
        };
        let mut failed = 0;
        for n in 0..500 {
            let input = json!(n);
            let first = simulate(&call(1, &task, &input, 1));
            assert!((150..=900).contains(&first.latency.as_millis()));
            assert!(cost(&first) <= max_cost(default_price()));
            if let Err(error) = &first.output {
                assert!(error.retryable);
                failed += 1;
            }
            assert!(simulate(&call(1, &task, &input, 2)).output.is_ok());
        }
        assert!((5..=50).contains(&failed), "{failed}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_output_by_rules_is_answered_and_arrives_in_parts() {
        let output = json!({"words": "grüße an alle"});
        let arrived: std::sync::Arc<std::sync::Mutex<String>> = std::sync::Arc::default();
        let into = arrived.clone();
        let listener = crate::models::AnswerListener::new(move |part| {
            if let AnswerPart::Text(text) = part {
                into.lock().unwrap().push_str(text);
            }
        });
        let task = Task {
            name: "t",
            model: Some("gpt-4o"),
            known_output: Some(&output),
            listener: Some(&listener),
            ..Task::default()
        };
        let report = perform(call(3, &task, &json!(1), 2), 1).await;
        assert_eq!(report.output.unwrap(), output);
        assert_eq!(*arrived.lock().unwrap(), output.to_string());
        assert_eq!(report.model.as_deref(), Some("gpt-4o"));
        assert!(report.cost.unwrap() > Money::ZERO);
    }
}
