//! What could run a plan's model tools from here: providers, their models, context windows and prices.

use super::http::HttpClients;
use super::model_list::{self, ServedModel};
use super::prices::{PriceRow, Prices};
use super::provider::{Environment, PROVIDERS, Provider};
use crate::text::secrets::mask_password;
use crate::units::Money;
use futures::future::join_all;
use jiff::civil::Date;

/// Providers and models.
#[derive(Clone, Debug)]
pub(crate) struct Availability {
    /// Every known provider, in the order in which `auto` looks for them.
    pub providers: Vec<ProviderState>,
    /// What the servers that answer offer, then what the built-in table has of the others.
    pub models: Vec<AvailableModel>,
}

/// Whether a provider can be used from here.
#[derive(Clone, Debug)]
pub(crate) struct ProviderState {
    /// Its name in `PROVIDER/MODEL`.
    pub provider: &'static str,
    /// Its address, without a password.
    pub address: String,
    /// The variables that hold its key; empty where it needs none.
    pub keys: &'static [&'static str],
    /// How many models it offers; the error says why it cannot be told. `None` where there is no key to ask with.
    pub offers: Option<Result<usize, String>>,
}

/// A model.
#[derive(Clone, Debug, Default)]
pub(crate) struct AvailableModel {
    /// Its name, as the provider has it.
    pub id: String,
    /// Its provider.
    pub provider: &'static str,
    /// Whether the provider's server answered and offers it.
    pub reachable: bool,
    /// The maximum of tokens that one call may have, where it is known.
    pub context_window: Option<u64>,
    /// The price of an input token; `None` where it is not known.
    pub input: Option<Money>,
    /// The price of an input token from the provider's cache, where there is one.
    pub cached_input: Option<Money>,
    /// The price of an output token.
    pub output: Option<Money>,
    /// The page that the price is from, `settings`, or `local`.
    pub price_source: Option<String>,
    /// The day on which the price was looked up.
    pub price_date: Option<Date>,
}

/// Asks every provider that has a key, and the servers on this machine, for their models. `base_url` is asked instead of
/// the first provider's address.
pub(crate) async fn available(
    environment: &Environment,
    base_url: Option<&str>,
    prices: &Prices,
) -> Availability {
    let clients = HttpClients::default();
    let asked = PROVIDERS.iter().enumerate().map(|(at, provider)| {
        let custom = base_url.filter(|_| at == 0);
        let base = custom.map_or_else(|| provider.base(environment), str::to_owned);
        let has_way = provider.is_local()
            || provider.key(environment).is_some()
            || base.trim_end_matches('/') != provider.base;
        let clients = &clients;
        async move {
            let offered = if has_way {
                Some(model_list::ask(provider, &base, environment, clients).await)
            } else {
                None
            };
            (provider, base, offered)
        }
    });
    let mut found = Availability {
        providers: Vec::new(),
        models: Vec::new(),
    };
    let rows = prices.rows();
    let mut unreachable = Vec::new();
    for (provider, base, offered) in join_all(asked).await {
        if let Some(Ok(served)) = &offered {
            let described = served
                .iter()
                .map(|model| reachable(provider, model, prices));
            found.models.extend(described);
        } else {
            let known = rows
                .iter()
                .filter(|row| row.provider.as_deref() == Some(provider.name));
            unreachable.extend(known.map(|row| of_row(provider, row)));
        }
        found.providers.push(ProviderState {
            provider: provider.name,
            address: mask_password(&base).into_owned(),
            keys: provider.keys,
            offers: offered.map(|served| served.map(|models| models.len())),
        });
    }
    found.models.append(&mut unreachable);
    found
}

fn reachable(provider: &'static Provider, served: &ServedModel, prices: &Prices) -> AvailableModel {
    let name = format!("{}/{}", provider.name, served.id);
    let own = prices.own_price(&name).is_some();
    let known = if provider.is_local() && !own {
        AvailableModel {
            input: Some(Money::ZERO),
            output: Some(Money::ZERO),
            price_source: Some("local".to_owned()),
            ..AvailableModel::default()
        }
    } else {
        let row = prices.listed(&name);
        row.map(|row| of_row(provider, &row)).unwrap_or_default()
    };
    AvailableModel {
        id: served.id.clone(),
        provider: provider.name,
        reachable: true,
        context_window: served.context_window.or(known.context_window),
        ..known
    }
}

fn of_row(provider: &'static Provider, row: &PriceRow) -> AvailableModel {
    AvailableModel {
        id: row.model.clone(),
        provider: provider.name,
        reachable: false,
        context_window: row.context_window,
        input: Some(row.price.input),
        cached_input: row.cached_input,
        output: Some(row.price.output),
        price_source: Some(row.source.clone()),
        price_date: row.date,
    }
}
