//! Names, dates and precedence of prices.

use super::*;
use crate::units::Money;

fn on(date: &str) -> Prices {
    Prices::on(date.parse().unwrap())
}

#[test]
fn a_price_is_exact_to_the_token() {
    let mini = Prices::default().get("gpt-4o-mini").unwrap();
    assert_eq!(mini.input, Money::from_pico(150_000));
    assert_eq!(mini.cached_input, Money::from_pico(75_000));
    assert_eq!(mini.output, Money::from_pico(600_000));
}

#[test]
fn a_price_holds_from_its_date() {
    let output = |date: &str| on(date).get("openai/o3").unwrap().output;
    assert_eq!(output("2025-06-09"), Money::from_pico(40_000_000));
    assert_eq!(output("2025-06-10"), Money::from_pico(8_000_000));
    assert_eq!(output("2031-01-01"), Money::from_pico(8_000_000));
}

#[test]
fn names_with_dates_and_providers_are_found() {
    let prices = Prices::default();
    for (name, like) in [
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("openai/gpt-4o-mini", "gpt-4o-mini"),
        ("openai/gpt-4o-mini-2031-01-01", "gpt-4o-mini"),
        ("claude-3-5-haiku-20241022", "claude-3-5-haiku-latest"),
        ("mistral-small-latest", "mistral-small"),
        ("anthropic/claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("GPT-4o-mini", "gpt-4o-mini"),
    ] {
        assert_eq!(prices.get(name), prices.get(like), "{name}");
        assert!(prices.get(name).is_some(), "{name}");
    }
    for unknown in ["my-own-model", "openai/my-own-model", "", "/", "a/b/c"] {
        assert_eq!(prices.get(unknown), None, "{unknown}");
    }
}

#[test]
fn a_dated_model_with_a_price_of_its_own_has_that() {
    let prices = Prices::default();
    assert_eq!(
        prices.get("gpt-4o-2024-05-13").unwrap().input,
        Money::from_pico(5_000_000)
    );
    assert_eq!(
        prices.get("gpt-4o-2024-08-06").unwrap().input,
        Money::from_pico(2_500_000)
    );
}

#[test]
fn the_same_model_may_cost_more_elsewhere() {
    let prices = Prices::default();
    let own = prices.get("deepseek/deepseek-chat").unwrap();
    let other = prices.get("openrouter/deepseek/deepseek-chat").unwrap();
    assert_ne!(own, other);
}

#[test]
fn long_inputs_have_their_price() {
    let price = Prices::default().get("gemini/gemini-2.5-pro").unwrap();
    let long = price.long_input.unwrap();
    assert_eq!(long.above, 200_000);
    assert!(long.input > price.input && long.output > price.output);
}

#[test]
fn the_users_own_price_takes_precedence() {
    let price = Price::per_million("1", None, "2.5").unwrap();
    let prices = Prices::default().with("gpt-4o", price);
    for name in [
        "gpt-4o",
        "openai/gpt-4o",
        "azure/gpt-4o",
        "gpt-4o-2024-08-06",
    ] {
        assert_eq!(prices.get(name), Some(price), "{name}");
    }
    let rows = prices.rows();
    let own = rows.last().unwrap();
    assert_eq!((&*own.model, &*own.source), ("gpt-4o", "settings"));
}
