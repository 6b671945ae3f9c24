//! What a server itself says that a request was billed.
//!
//! Gateways such as `OpenRouter` and `LiteLLM` know the bill; others charge what their list says, and report only
//! tokens. What is not an amount of dollars that a request can cost counts as not said.

use crate::text::format;
use crate::units::{Charge, ChargeClass, Money};
use reqwest::header::HeaderMap;
use serde_json::Value;

/// `LiteLLM`'s header, in dollars.
const HEADER: &str = "x-litellm-response-cost";

/// The dollars that one unit of xAI's `cost_in_usd_ticks` is a part of.
const TICKS_PER_USD: f64 = 1e10;

/// Amounts that differ by no more than this agree: a tenth of a microdollar, to which providers round.
const SAME: Money = Money::from_pico(100_000);

/// More dollars than any request costs.
const MAX_USD: f64 = 100_000.0;

/// The bill in the usage of an answer: `cost` of `OpenRouter`, with what the provider behind it bills by itself where the
/// key is the user's own there; `cost.total_cost` of Perplexity, `cost_in_usd_ticks` of xAI, `estimated_cost` of
/// `DeepInfra`.
pub(super) fn in_usage(usage: &Value) -> Option<Money> {
    if let Some(ticks) = usage.get("cost_in_usd_ticks").and_then(number) {
        return amount(ticks / TICKS_PER_USD);
    }
    let cost = usage.get("cost").filter(|cost| !cost.is_null());
    let cost = cost.or_else(|| usage.get("estimated_cost"))?;
    let own = amount(number(cost.get("total_cost").unwrap_or(cost))?)?;
    let behind = usage
        .pointer("/cost_details/upstream_inference_cost")
        .filter(|_| usage["is_byok"] == true)
        .and_then(number)
        .and_then(amount);
    Some(own + behind.unwrap_or_default())
}

/// The bill in the headers of an answer. A stream's come before its cost is known, so a zero there says nothing.
pub(super) fn in_headers(headers: &HeaderMap) -> Option<Money> {
    let text = headers.get(HEADER)?.to_str().ok()?;
    amount(text.trim().parse().ok()?).filter(|bill| !bill.is_zero())
}

/// Adds a bill to the charges, beside our own sum for the same request (`None` without a price). Of both the higher counts:
/// gives what the bill adds to the cost.
pub(super) fn charge(bill: Money, own: Option<Money>, charges: &mut Vec<Charge>) -> Money {
    let part = |class, count, price| Charge {
        class,
        count,
        price,
        upper_bound: false,
    };
    let more = (bill - own.unwrap_or_default()).max(Money::ZERO);
    for (class, count, price) in [
        (ChargeClass::Billed, 1, more),
        (ChargeClass::Stated, 0, bill),
    ] {
        if class == ChargeClass::Billed && price.is_zero() {
            continue;
        }
        match charges.iter_mut().find(|other| other.class == class) {
            Some(other) => other.price += price,
            None => charges.push(part(class, count, price)),
        }
    }
    more
}

/// A warning where the bill that the provider states is not what the tokens cost at the known prices; `None` where both
/// agree, or one of them is not known.
pub(crate) fn disagreement(charges: &[Charge]) -> Option<String> {
    let bill = charges
        .iter()
        .find(|charge| charge.class == ChargeClass::Stated)?
        .price;
    let counted = charges.iter().filter(|charge| charge.class.is_of_tokens());
    counted.clone().next()?;
    let own: Money = counted.map(Charge::cost).sum();
    let (low, high) = (own.min(bill), own.max(bill));
    (high - low > SAME).then(|| {
        format!(
            "the provider states a bill of {}, but the tokens at the known prices make {}; the higher amount counts. \
             Correct the price with [prices] in plandeck.toml or with the tool's `price`",
            format::exact(bill),
            format::exact(own)
        )
    })
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn amount(usd: f64) -> Option<Money> {
    (0.0..=MAX_USD).contains(&usd).then(|| Money::from_usd(usd))
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;
    use serde_json::json;

    #[test]
    fn each_gateway_has_its_own_way_to_say_it() {
        for (usage, pico) in [
            (json!({"cost": 0.000_123}), 123_000_000),
            (json!({"cost": "0.5"}), 500_000_000_000),
            (json!({"cost": 0}), 0),
            (
                json!({"cost": 0.01, "is_byok": true, "cost_details": {"upstream_inference_cost": 0.2}}),
                210_000_000_000,
            ),
            (
                json!({"cost": 0.01, "is_byok": false, "cost_details": {"upstream_inference_cost": 0.2}}),
                10_000_000_000,
            ),
            (
                json!({"cost": {"input_tokens_cost": 0.002, "total_cost": 0.007}}),
                7_000_000_000,
            ),
            (json!({"cost_in_usd_ticks": 37_756_000}), 3_775_600_000),
            (json!({"cost": null, "estimated_cost": 2.5e-5}), 25_000_000),
        ] {
            assert_eq!(in_usage(&usage), Some(Money::from_pico(pico)), "{usage}");
        }
    }

    #[test]
    fn what_cannot_be_a_bill_is_not_one() {
        for odd in [
            json!(-1),
            json!(1e30),
            json!("free"),
            json!(true),
            json!([1]),
            json!({"sum": 1}),
            json!("nan"),
            json!("inf"),
        ] {
            assert_eq!(in_usage(&json!({ "cost": odd })), None, "{odd}");
        }
        assert_eq!(in_usage(&json!({"prompt_tokens": 3})), None);
        for (text, bill) in [
            ("0.0000765", Some(Money::from_pico(76_500_000))),
            ("1.4999999999999999e-05", Some(Money::from_pico(15_000_000))),
            ("0.0", None),
            ("None", None),
            ("-1", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, HeaderValue::from_static(text));
            assert_eq!(in_headers(&headers), bill, "{text}");
        }
    }
}
