//! What a provider says was used and is billed for.

use super::model::ask;
use crate::Target;
use plandeck::units::Money;

/// The target.
pub const TARGET: Target = Target {
    name: "usage",
    run,
    words: &[
        "\"prompt_tokens\":",
        "\"completion_tokens\":",
        "\"total_tokens\":",
        "\"prompt_tokens_details\":",
        "\"completion_tokens_details\":",
        "\"cached_tokens\":",
        "\"reasoning_tokens\":",
        "\"input_tokens\":",
        "\"output_tokens\":",
        "\"cache_read_input_tokens\":",
        "\"cache_creation_input_tokens\":",
        "\"cost\":",
        "-1",
        "0",
        "1e300",
        "1.5",
        "18446744073709551615",
        "18446744073709551616",
        "9223372036854775807",
        "null",
        "{}",
        "[]",
        "\"12\"",
        "true",
        ",",
        "{",
        "}",
    ],
};

/// Lets a model be answered with this usage, or, where it is not JSON, with this body.
pub fn run(data: &[u8]) {
    let envelope = [
        br#"{"choices":[{"message":{"role":"assistant","content":"{\"total\": 1}"},"finish_reason":"stop"}],"usage":"#,
        data,
        b"}",
    ]
    .concat();
    let is_json = serde_json::from_slice::<serde_json::Value>(data).is_ok();
    let state = ask(if is_json { &envelope } else { data });
    if let Some(cost) = state.and_then(|state| plandeck::ExecutionResult::of(&state).cost) {
        assert!(cost >= Money::from_usd(0.0), "a cost below zero: {cost}");
    }
}
