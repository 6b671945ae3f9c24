//! The prices that a catalog gives the model of a tool.

use super::fields::Fields;
use crate::models::Price;
use serde_json::{Map, Value};

/// The field of the catalog.
pub(super) const FIELD: &str = "price";

/// The classes of tokens that it may price, as the settings name them.
const CLASSES: [&str; 5] = ["input", "cached", "cache_write", "cache_write_1h", "output"];

/// The price of a model, in dollars per million tokens: `{input, cached, cache_write, cache_write_1h, output}`, of which
/// `input` and `output` are needed. A fault where it is not that.
pub(super) fn read(fields: &mut Fields<'_>) -> Option<Price> {
    let prices = fields.object(FIELD)?;
    match parse(&prices) {
        Ok(price) => Some(price),
        Err(fault) => {
            fields.fault(FIELD, fault);
            None
        }
    }
}

fn parse(prices: &Map<String, Value>) -> Result<Price, String> {
    if let Some(other) = prices.keys().find(|name| !CLASSES.contains(&name.as_str())) {
        let near = crate::plan::closest(other, CLASSES.iter().copied());
        let near = near.map_or_else(
            || format!("there are: {}", CLASSES.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(format!(
            "`{FIELD}.{other}` is not a class of tokens; {near}"
        ));
    }
    let class = |name: &str| match prices.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(Value::String(text)) => Ok(Some(text.trim().trim_start_matches('$').to_owned())),
        Some(other) => Err(format!(
            "`{FIELD}.{name}` must be dollars per million tokens, not {}",
            super::fields::type_name(other)
        )),
    };
    let needed = |name: &str| {
        class(name)?.ok_or_else(|| {
            format!(
                "`{FIELD}` has no `{name}`: give at least `input` and `output`, in dollars per million tokens"
            )
        })
    };
    let price = Price::per_million(
        &needed("input")?,
        class("cached")?.as_deref(),
        &needed("output")?,
    );
    let (written, hour) = (class("cache_write")?, class("cache_write_1h")?);
    price
        .and_then(|price| price.cache_writes(written.as_deref(), hour.as_deref()))
        .map_err(|why| format!("`{FIELD}`: {why} per million tokens"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Money, Tokens};
    use serde_json::json;

    fn of(prices: &Value) -> Result<Price, String> {
        parse(prices.as_object().unwrap())
    }

    #[test]
    fn each_class_is_exact_and_defaults_to_the_input() {
        let whole = json!({"input": 0.35, "cached": "0.0875", "cache_write": "$0.4375", "cache_write_1h": 0.7, "output": 2});
        let tokens = Tokens {
            cached_input: 100,
            cache_write: Some(30),
            cache_write_1h: Some(10),
            ..Tokens::plain(1_000, 7)
        };
        assert_eq!(
            of(&whole).unwrap().cost(tokens),
            Money::from_pico(
                870 * 350_000 + 100 * 87_500 + 20 * 437_500 + 10 * 700_000 + 7 * 2_000_000
            )
        );
        let short = of(&json!({"input": 3, "output": 4.5, "cached": null})).unwrap();
        assert_eq!(
            (short.cached_input, short.cache_write),
            (short.input, short.input)
        );
    }

    #[test]
    fn what_is_not_a_price_is_named() {
        for (prices, says) in [
            (json!({"input": 1}), "no `output`"),
            (json!({"output": 1}), "no `input`"),
            (json!({"input": -1, "output": 1}), "\"-1\" is not a price"),
            (json!({"input": 1e-9, "output": 1}), "is not a price"),
            (json!({"input": 1, "output": [2]}), "`price.output` must be"),
            (
                json!({"input": 1, "output": 2, "cahced": 3}),
                "did you mean `cached`?",
            ),
            (
                json!({"input": 1, "output": 2, "zzz": 3}),
                "there are: input",
            ),
            (
                json!({"input": 1, "output": 2, "cache_write": "free"}),
                "\"free\"",
            ),
        ] {
            let fault = of(&prices).unwrap_err();
            assert!(fault.contains(says), "{prices}: {fault}");
        }
    }
}
