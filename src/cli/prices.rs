//! `plandeck prices`: lists what models cost.

use super::args::PricesArgs;
use super::columns;
use super::failure::Failure;
use super::output::{note_line, out, out_json};
use crate::models::PriceRow;
use crate::session::Settings;
use crate::text::line;
use crate::units::Money;
use serde_json::{Value, json};

/// Prints the built-in prices as they hold today and those of the settings. Without a match it exits with 1.
pub(super) fn prices(args: &PricesArgs) -> Result<u8, Failure> {
    let prices = Settings::load(&std::env::current_dir().unwrap_or_default())?.model_prices()?;
    let wanted = args.model.as_deref().unwrap_or("").to_lowercase();
    let mut rows = prices.rows();
    rows.retain(|row| name(row).to_lowercase().contains(&wanted));
    // A name with a version, or one by which the provider knows a model too.
    if rows.is_empty()
        && let Some(row) = prices.row(&wanted)
    {
        rows.push(row);
    }
    if args.json {
        let list: Vec<Value> = rows.iter().map(described).collect();
        out_json(&Value::Array(list))?;
    } else {
        out(&table(&rows))?;
    }
    if rows.is_empty() {
        note_line(&format!(
            "no price of a model whose name contains \"{}\"; `[prices]` in plandeck.toml gives one",
            line(&wanted)
        ));
        return Ok(1);
    }
    Ok(0)
}

fn name(row: &PriceRow) -> String {
    match &row.provider {
        Some(provider) => format!("{provider}/{}", row.model),
        None => row.model.clone(),
    }
}

/// A price of a token as dollars per million tokens.
pub(super) fn per_million(price: Money) -> f64 {
    price.pico() as f64 / 1e6
}

fn described(row: &PriceRow) -> Value {
    let long = row.price.long_input.map(|long| {
        json!({
            "above_input_tokens": long.above,
            "input_usd_per_million": per_million(long.input),
            "cached_input_usd_per_million": per_million(long.cached_input),
            "output_usd_per_million": per_million(long.output),
        })
    });
    json!({
        "model": row.model,
        "provider": row.provider,
        "context_window": row.context_window,
        "input_usd_per_million": per_million(row.price.input),
        "cached_input_usd_per_million": row.cached_input.map(per_million),
        "cache_write_usd_per_million": row.cache_write.map(per_million),
        "cache_write_1h_usd_per_million": row.cache_write_1h.map(per_million),
        "output_usd_per_million": per_million(row.price.output),
        "long_input": long,
        "batch": row.batch.map(|(input, output)| json!({
            "input_usd_per_million": per_million(input),
            "output_usd_per_million": per_million(output),
        })),
        "since": row.since,
        "source": row.source,
        "date": row.date,
    })
}

/// The rows in columns, dollars per million tokens; a price for long inputs stands on a line of its own.
fn table(rows: &[PriceRow]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let number = |price: Money| per_million(price).to_string();
    let optional = |price: Option<Money>| price.map_or_else(|| "-".to_owned(), number);
    let head = [
        "dollars per million tokens",
        "input",
        "cached",
        "cache write",
        "output",
        "date",
        "source",
    ];
    let mut lines = vec![head.map(str::to_owned)];
    for row in rows {
        let date = row
            .date
            .map_or_else(|| "-".to_owned(), |date| date.to_string());
        lines.push([
            line(&name(row)),
            number(row.price.input),
            optional(row.cached_input),
            optional(row.cache_write),
            number(row.price.output),
            date,
            line(&row.source),
        ]);
        if let Some(long) = row.price.long_input {
            lines.push([
                format!("  above {} input tokens", long.above),
                number(long.input),
                optional(Some(long.cached_input).filter(|_| row.cached_input.is_some())),
                String::new(),
                number(long.output),
                String::new(),
                String::new(),
            ]);
        }
    }
    columns::aligned(&lines, 1..5)
}
