//! What models cost.

use crate::units::{Money, Tokens};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// The prices of one model, each for one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// An input token.
    pub input: Money,
    /// An input token that the provider served from its cache.
    pub cached_input: Money,
    /// An output token.
    pub output: Money,
}

impl Price {
    /// The price of a model on the user's own machine.
    pub const FREE: Self = Self {
        input: Money::ZERO,
        cached_input: Money::ZERO,
        output: Money::ZERO,
    };

    /// The price from dollars per million tokens, as decimal numbers with at most six decimals. Without a
    /// cached price the input price counts for cached tokens too.
    ///
    /// # Errors
    /// Where a number is not valid, is negative, or has too many decimals.
    pub fn per_million(
        input: &str,
        cached_input: Option<&str>,
        output: &str,
    ) -> Result<Self, PriceError> {
        let input_price = per_token(input)?;
        Ok(Self {
            input: input_price,
            cached_input: cached_input.map_or(Ok(input_price), per_token)?,
            output: per_token(output)?,
        })
    }

    /// What these tokens cost.
    pub fn cost(&self, tokens: Tokens) -> Money {
        let cached = tokens.cached_input.min(tokens.input);
        self.input.times(tokens.input - cached)
            + self.cached_input.times(cached)
            + self.output.times(tokens.output)
    }
}

/// Why a price or a table of prices cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// Not an amount of dollars, negative, or with too many decimals.
    #[error("\"{0}\" is not a price in dollars with at most six decimals")]
    NotAPrice(String),
    /// The table is not valid TOML.
    #[error("the price table is not valid TOML: {0}")]
    NotToml(String),
    /// The table has no `[models]`.
    #[error("the price table has no [models]")]
    NoModels,
    /// A row lacks `input` or `output`.
    #[error("`input` and `output` are needed")]
    MissingField,
    /// What is wrong with the row of one model.
    #[error("the price of {model}: {source}")]
    Model {
        /// The model.
        model: String,
        /// What is wrong.
        #[source]
        source: Box<PriceError>,
    },
}

/// Prices by model name.
#[derive(Clone, Debug)]
pub struct Prices {
    by_model: Arc<HashMap<String, Price>>,
}

impl Default for Prices {
    /// The built-in table, read once: checking a plan needs it for every step.
    fn default() -> Self {
        static BUILT_IN: LazyLock<Prices> = LazyLock::new(|| {
            let empty = Prices {
                by_model: Arc::default(),
            };
            empty
                .with_table(include_str!("prices.toml"))
                .unwrap_or(empty)
        });
        BUILT_IN.clone()
    }
}

impl Prices {
    /// These prices, replaced or extended by those of a TOML table:
    /// `[models]` and a line `"name" = { input = "0.15", cached = "0.075", output = "0.60" }` for each, in
    /// dollars per million tokens.
    ///
    /// # Errors
    /// Where the table cannot be read; the model is named.
    pub fn with_table(&self, text: &str) -> Result<Self, PriceError> {
        let table: toml::Table = text
            .parse()
            .map_err(|error: toml::de::Error| PriceError::NotToml(error.to_string()))?;
        let models = table
            .get("models")
            .and_then(toml::Value::as_table)
            .ok_or(PriceError::NoModels)?;
        let mut by_model = (*self.by_model).clone();
        for (model, prices) in models {
            let number = |field: &str| prices.get(field).map(number_text);
            let price = match (number("input"), number("output")) {
                (Some(input), Some(output)) => {
                    Price::per_million(&input, number("cached").as_deref(), &output)
                }
                _ => Err(PriceError::MissingField),
            };
            let price = price.map_err(|error| PriceError::Model {
                model: model.clone(),
                source: Box::new(error),
            })?;
            by_model.insert(model.clone(), price);
        }
        Ok(Self {
            by_model: Arc::new(by_model),
        })
    }

    /// These prices with the price of one model added or replaced.
    #[must_use]
    pub fn with(&self, model: &str, price: Price) -> Self {
        let mut by_model = (*self.by_model).clone();
        by_model.insert(model.to_owned(), price);
        Self {
            by_model: Arc::new(by_model),
        }
    }

    /// The price of `model`; `None` where it is not known. A date, a version or `-latest` at the end of the name, and
    /// a provider before it, do not matter where the whole name has no entry.
    pub fn get(&self, model: &str) -> Option<Price> {
        let mut name = model;
        loop {
            if let Some(price) = self
                .by_model
                .get(name)
                .or_else(|| self.by_model.get(undated(name)))
            {
                return Some(*price);
            }
            name = name.split_once('/')?.1;
        }
    }
}

/// `gpt-4o-2024-08-06`, `claude-3-5-haiku-20241022`, `mistral-small-latest` and `gemini-1.5-pro-002` without their
/// ends.
fn undated(model: &str) -> &str {
    let Some((rest, last)) = model.rsplit_once('-') else {
        return model;
    };
    let digits = |text: &str, count: usize| {
        text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if last == "latest" || digits(last, 8) || digits(last, 3) || digits(last, 4) {
        return rest;
    }
    // YYYY-MM-DD
    if digits(last, 2)
        && let Some((rest, month)) = rest.rsplit_once('-')
        && let Some((rest, year)) = rest.rsplit_once('-')
        && digits(month, 2)
        && digits(year, 4)
    {
        return rest;
    }
    model
}

fn number_text(value: &toml::Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn per_token(per_million: &str) -> Result<Money, PriceError> {
    // A dollar per million tokens is a millionth of a dollar per token.
    scaled(per_million, 1_000_000).ok_or_else(|| PriceError::NotAPrice(per_million.to_owned()))
}

/// Dollars from a decimal number, exactly; `None` where it is not a number, negative, too large, or finer than a
/// picodollar.
pub fn dollars(text: &str) -> Option<Money> {
    scaled(text, 1_000_000_000_000)
}

fn scaled(text: &str, pico_per_unit: i64) -> Option<Money> {
    let number = Decimal::from_str_exact(text)
        .or_else(|_| Decimal::from_scientific(text))
        .ok()?;
    let pico = number.checked_mul(Decimal::from(pico_per_unit))?;
    let negative = pico.is_sign_negative() && !pico.is_zero();
    if negative || !pico.fract().is_zero() {
        return None;
    }
    pico.to_i64().map(Money::from_pico)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_built_in_table_is_read_once() {
        let (first, second) = (Prices::default(), Prices::default());
        assert!(Arc::ptr_eq(&first.by_model, &second.by_model));
    }

    #[test]
    fn the_built_in_table_is_read_whole() {
        let prices = Prices::default();
        let mini = prices.get("gpt-4o-mini").unwrap();
        assert_eq!(mini.input, Money::from_pico(150_000));
        assert_eq!(mini.cached_input, Money::from_pico(75_000));
        assert_eq!(mini.output, Money::from_pico(600_000));
        assert_eq!(
            prices.get("gpt-4o").unwrap().output,
            Money::from_pico(10_000_000)
        );
        assert!(prices.by_model.len() > 30);
    }

    #[test]
    fn names_with_dates_and_providers_are_found() {
        let prices = Prices::default();
        for (name, like) in [
            ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
            ("openai/gpt-4o-mini", "gpt-4o-mini"),
            ("claude-3-5-haiku-20241022", "claude-3-5-haiku"),
            ("mistral-small-latest", "mistral-small"),
            ("gemini-1.5-pro-002", "gemini-1.5-pro"),
        ] {
            assert_eq!(prices.get(name), prices.get(like), "{name}");
            assert!(prices.get(name).is_some(), "{name}");
        }
        assert_eq!(prices.get("gpt-4o-mini-audio-preview"), None);
        assert_eq!(prices.get("my-own-model"), None);
    }

    #[test]
    fn cached_tokens_cost_their_own_price() {
        let price = Prices::default().get("gpt-4o-mini").unwrap();
        let tokens = Tokens {
            input: 1000,
            cached_input: 400,
            output: 10,
        };
        assert_eq!(
            price.cost(tokens).pico(),
            600 * 150_000 + 400 * 75_000 + 10 * 600_000
        );
        let odd = Tokens {
            input: 10,
            cached_input: 40,
            output: 0,
        };
        assert_eq!(price.cost(odd).pico(), 10 * 75_000);
    }

    #[test]
    fn a_custom_table_takes_precedence() {
        let prices = Prices::default()
            .with_table("[models]\n\"gpt-4o\" = { input = 1, output = \"2.5\" }\n\"mine\" = { input = 0.01, output = 0 }")
            .unwrap();
        assert_eq!(
            prices.get("gpt-4o").unwrap().cached_input,
            Money::from_pico(1_000_000)
        );
        assert_eq!(prices.get("mine").unwrap().input, Money::from_pico(10_000));
        for bad in [
            "x",
            "[models]\na = 1",
            "[models]\na = { input = \"-1\", output = \"1\" }",
            "[models]\na = { input = \"0.0000001\", output = \"1\" }",
        ] {
            assert!(Prices::default().with_table(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn prices_are_exact(micro in 0i64..100_000_000) {
            let text = format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000);
            prop_assert_eq!(per_token(&text).unwrap().pico(), micro);
        }
    }
}
