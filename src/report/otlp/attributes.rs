//! Attributes as OTLP has them in JSON.

use crate::units::{Charge, Tokens};
use serde_json::{Value, json};

/// An attribute that is a text.
pub(crate) fn attribute(name: &str, value: &str) -> Value {
    json!({"key": name, "value": {"stringValue": value}})
}

pub(super) fn whole(name: &str, value: u64) -> Value {
    json!({"key": name, "value": {"intValue": value.to_string()}})
}

pub(super) fn number(name: &str, value: f64) -> Value {
    json!({"key": name, "value": {"doubleValue": value}})
}

pub(super) fn usage(tokens: &Tokens) -> Vec<Value> {
    let mut counts = vec![
        whole("gen_ai.usage.input_tokens", tokens.input),
        whole("gen_ai.usage.output_tokens", tokens.output),
    ];
    if tokens.cached_input > 0 {
        let name = "gen_ai.usage.cache_read.input_tokens";
        counts.push(whole(name, tokens.cached_input));
    }
    let written = tokens.cache_write.filter(|count| *count > 0);
    counts.extend(written.map(|count| whole("gen_ai.usage.cache_creation.input_tokens", count)));
    let reasoning = tokens.reasoning.filter(|count| *count > 0);
    counts.extend(reasoning.map(|count| whole("gen_ai.usage.reasoning.output_tokens", count)));
    counts
}

/// A part of the cost, by its class: `plandeck.cost.cached_input_usd`.
pub(super) fn cost_of(charge: &Charge) -> Value {
    let class = serde_json::to_value(charge.class).unwrap_or_default();
    let name = format!("plandeck.cost.{}_usd", text_of(&class));
    number(&name, charge.cost().usd())
}

pub(super) fn text_of(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
