//! `plandeck models`: lists the models that can be reached, and says which worker `auto` takes.

use super::args::ModelsArgs;
use super::columns;
use super::failure::Failure;
use super::output::{note_line, out, out_json};
use super::prices::per_million;
use crate::models::{
    Availability, AvailableModel, ProviderState, SmallModelWorker, available, process_environment,
};
use crate::session::{SessionError, Settings};
use crate::text::line;
use crate::units::Money;
use serde_json::{Value, json};

/// Prints the models. With `--json` also those that the price table has of providers that cannot be reached.
pub(super) async fn models(args: ModelsArgs) -> Result<u8, Failure> {
    let settings = Settings::load(&std::env::current_dir().unwrap_or_default())?;
    let prices = settings.model_prices()?;
    // An address from a project's file gets no key without consent.
    if args.base_url.is_none()
        && let (Some(file), Some(_)) = (&settings.base_url_of, &settings.base_url)
    {
        let file = line(&file.to_string_lossy());
        note_line(&format!(
            "base_url of {file} is not asked: give it with --base-url"
        ));
    }
    let own = settings.base_url.as_deref();
    let own = own.filter(|_| settings.base_url_of.is_none());
    let base_url = args.base_url.as_deref().or(own);
    let environment = process_environment();
    let worker = SmallModelWorker::choose("auto", base_url, environment.clone()).await;
    let worker = worker.map_err(SessionError::from)?;
    let found = available(&environment, base_url, &prices).await;
    if args.json {
        let list: Vec<Value> = found.models.iter().map(described).collect();
        out_json(&Value::Array(list))?;
    } else {
        out(&text(&found, &worker))?;
    }
    Ok(0)
}

fn described(model: &AvailableModel) -> Value {
    json!({
        "id": model.id,
        "provider": model.provider,
        "reachable": model.reachable,
        "context_window": model.context_window,
        "input_usd_per_million": model.input.map(per_million),
        "cached_input_usd_per_million": model.cached_input.map(per_million),
        "output_usd_per_million": model.output.map(per_million),
        "price_source": model.price_source,
        "price_date": model.price_date,
    })
}

fn text(found: &Availability, worker: &SmallModelWorker) -> String {
    let mut text = format!(
        "auto takes {}: {}\n\n",
        line(&worker.name()),
        line(worker.reason().unwrap_or_default())
    );
    let providers: Vec<[String; 3]> = found.providers.iter().map(provider).collect();
    text += &columns::aligned(&providers, 0..0);
    let reachable = found.models.iter().filter(|model| model.reachable);
    let mut rows = vec![
        [
            "model", "context", "input", "cached", "output", "date", "source",
        ]
        .map(str::to_owned),
    ];
    rows.extend(reachable.map(row));
    if rows.len() > 1 {
        text += "\nprices in dollars per million tokens\n";
        text += &columns::aligned(&rows, 1..5);
    }
    text
}

fn provider(state: &ProviderState) -> [String; 3] {
    let standing = match &state.offers {
        Some(Ok(1)) => "1 model".to_owned(),
        Some(Ok(count)) => format!("{count} models"),
        Some(Err(why)) if state.keys.is_empty() => format!("not found: {}", line(why)),
        Some(Err(why)) => format!("not reachable: {}", line(why)),
        None => format!("no key: set {}", state.keys.join(" or ")),
    };
    [state.provider.to_owned(), line(&state.address), standing]
}

fn row(model: &AvailableModel) -> [String; 7] {
    let dash = || "-".to_owned();
    let price = |price: Option<Money>| price.map_or_else(dash, |it| per_million(it).to_string());
    [
        line(&format!("{}/{}", model.provider, model.id)),
        model.context_window.map_or_else(dash, |it| it.to_string()),
        price(model.input),
        price(model.cached_input),
        price(model.output),
        model.price_date.map_or_else(dash, |date| date.to_string()),
        model.price_source.as_deref().map_or_else(dash, line),
    ]
}
