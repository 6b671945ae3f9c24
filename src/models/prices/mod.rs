//! What models cost: the built-in table by date, and prices of the user's own.

mod price;
mod table;

pub(crate) use price::dollars;
pub use price::{LongInput, Price, PriceError};
pub use table::PriceRow;

use jiff::civil::Date;
use std::collections::HashMap;
use std::sync::Arc;

/// Prices by model: those that the user gave, then the built-in table as it holds on a date.
#[derive(Clone, Debug)]
pub struct Prices {
    own: Arc<HashMap<String, Price>>,
    date: Date,
}

impl Default for Prices {
    /// The built-in prices as they hold today (UTC).
    fn default() -> Self {
        let now = jiff::Timestamp::now();
        Self::on(now.to_zoned(jiff::tz::TimeZone::UTC).date())
    }
}

/// The maximum of tokens that one call of a model may have, where the built-in table says it.
pub(super) fn context_window(model: &str) -> Option<u64> {
    table::find(model)?.window()
}

impl Prices {
    /// The built-in prices as they hold on a date.
    pub fn on(date: Date) -> Self {
        Self {
            own: Arc::default(),
            date,
        }
    }

    /// These prices with the price of one model added or replaced. The name may begin with a provider, as in
    /// `openai/gpt-4o`; without one it holds for every provider.
    #[must_use]
    pub fn with(mut self, model: &str, price: Price) -> Self {
        Arc::make_mut(&mut self.own).insert(model.to_owned(), price);
        self
    }

    /// The price of `PROVIDER/MODEL` or `MODEL`; `None` where it is not known. A date, a version or `-latest` at the
    /// end of the name does not matter where the whole name has no entry. A model that the provider's own list does
    /// not have is looked for without the provider, among those who make models.
    pub fn get(&self, model: &str) -> Option<Price> {
        self.own_price(model)
            .or_else(|| table::find(model).map(|entry| entry.price_on(self.date)))
    }

    /// The row of the built-in table that [`get`](Self::get) takes for a model.
    pub fn row(&self, model: &str) -> Option<PriceRow> {
        table::find(model).map(|entry| entry.row_on(self.date))
    }

    /// What a model costs, and who says so: the user's own price, else that of the built-in table.
    pub fn listed(&self, model: &str) -> Option<PriceRow> {
        let own = self.own_price(model);
        own.map(|price| PriceRow::own(model, price))
            .or_else(|| self.row(model))
    }

    /// The user's own price of a model, if there is one.
    pub(crate) fn own_price(&self, model: &str) -> Option<Price> {
        if self.own.is_empty() {
            return None;
        }
        let mut name = model;
        loop {
            let found = self.own.get(name).or_else(|| self.own.get(undated(name)));
            if let Some(price) = found {
                return Some(*price);
            }
            name = name.split_once('/')?.1;
        }
    }

    /// Every price of the built-in table as it holds on this date, then the user's own.
    pub fn rows(&self) -> Vec<PriceRow> {
        let mut own: Vec<_> = self.own.iter().collect();
        own.sort_by_key(|(model, _)| *model);
        table::rows(self.date)
            .chain(
                own.into_iter()
                    .map(|(model, price)| PriceRow::own(model, *price)),
            )
            .collect()
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

#[cfg(test)]
mod tests;
