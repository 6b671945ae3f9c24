//! What a plan saves: planned once by a large model and executed by small ones, compared with a large model that does
//! all of it each time. Computed from a recorded run's tokens and dated prices.

use super::error::SessionError;
use super::settings::Settings;
use crate::models::{PROVIDERS, Prices};
use crate::planner::planner_model;
use crate::run::{RunState, RunSummary, Savings};
use crate::store::Store;
use crate::text::{format, json};
use crate::units::{Money, Tokens};
use serde_json::Value;

/// The prompt of a planner that is not recorded: rules, tools and context, in tokens.
const UNKNOWN_PROMPT: u64 = 4_000;
/// The tokens of a written plan, for each byte of it.
const BYTES_PER_TOKEN: u64 = 4;

/// What the plan of a run saves, in a run that may not be on record: what planning cost is then an estimate. The large
/// model is that of the plan, else of the provider of the run's worker.
///
/// # Errors
/// Where the settings cannot be read.
pub(crate) fn savings_so_far(state: &RunState) -> Result<Savings, SessionError> {
    let settings = Settings::load(&std::env::current_dir().unwrap_or_default())?;
    let run_id = state.header.as_deref().map_or("", |header| &header.run_id);
    let found = Store::open().and_then(|store| store.details(&store.find(run_id)?));
    let plan_text = found.ok().and_then(|details| details.plan_text);
    let worker = state.header.as_deref().map_or("", |header| &header.worker);
    let plan_text = plan_text.as_deref().unwrap_or_default();
    Ok(compare(
        state,
        worker,
        plan_text,
        None,
        &settings.model_prices()?,
    ))
}

/// What the plan of a recorded run saves. `large` names the model that plans and that would do the work alone; by default
/// it is the large model of the provider of the run's worker.
///
/// # Errors
/// Where the store or the settings cannot be read.
pub fn savings(
    run: &RunSummary,
    state: &RunState,
    large: Option<&str>,
    settings: &Settings,
) -> Result<Savings, SessionError> {
    let prices = settings.model_prices()?;
    let details = Store::open()?.details(run)?;
    let plan_text = details.plan_text.as_deref().unwrap_or_default();
    let worker = state.header.as_deref().map_or("", |header| &header.worker);
    Ok(compare(state, worker, plan_text, large, &prices))
}

fn compare(
    state: &RunState,
    worker: &str,
    plan_text: &str,
    large: Option<&str>,
    prices: &Prices,
) -> Savings {
    let recorded = recorded_planning(plan_text);
    let planner = recorded.as_ref().map(|planning| planning.planner.clone());
    let large = large
        .map(str::to_owned)
        .or(planner)
        .unwrap_or_else(|| large_model_of(worker));
    let mut assumptions = Vec::new();
    let price = prices.get(&large);
    let (mut tokens, mut calls, mut all_large) = (Tokens::default(), 0, price.map(|_| Money::ZERO));
    let (mut small, mut unknown) = (Money::ZERO, 0);
    for end in ended_attempts(state) {
        match end.cost {
            Some(cost) => small += cost,
            None => unknown += 1,
        }
        let Some(used) = end.tokens.as_deref() else {
            // Fixed prices of tools are paid either way.
            all_large = all_large.zip(end.cost).map(|(sum, cost)| sum + cost);
            continue;
        };
        tokens += *used;
        calls += 1;
        let plain = Tokens::plain(used.input, used.output);
        all_large = all_large
            .zip(price)
            .map(|(sum, price)| sum + price.cost(plain));
    }
    let planning = match &recorded {
        Some(planning) => planning.cost,
        None => price.map(|price| {
            price.cost(Tokens::plain(
                UNKNOWN_PROMPT,
                plan_text.len() as u64 / BYTES_PER_TOKEN,
            ))
        }),
    };
    assumptions.push(format!(
        "{large} uses as many tokens as the models of this run did: {} in {}",
        tokens.input + tokens.output,
        format::count(calls as usize, "call")
    ));
    assumptions.push(
        "each execution is like this one: as many calls, the same lengths, no cached outputs"
            .to_owned(),
    );
    if recorded.is_none() {
        assumptions.push(format!(
            "what planning cost is not recorded with the plan; it is estimated as one request of {UNKNOWN_PROMPT} input \
             tokens and the plan's own length"
        ));
    }
    if let Some(row) = prices.row(&large) {
        let date = row
            .date
            .map_or_else(|| "the settings".to_owned(), |date| date.to_string());
        assumptions.push(format!(
            "the prices of {large} are those of {date} ({})",
            row.source
        ));
    }
    if price.is_none() {
        assumptions.push(format!(
            "the price of {large} is not known: set it in plandeck.toml"
        ));
    }
    if unknown > 0 {
        assumptions.push(format!(
            "the cost of {unknown} calls of this run is not known"
        ));
    }
    let reused = state
        .steps
        .iter()
        .filter(|row| row.reused.is_some())
        .count();
    if reused > 0 {
        assumptions.push(format!(
            "{reused} steps of this run had cached outputs: their calls are in neither sum"
        ));
    }
    Savings {
        large,
        planning,
        planning_is_recorded: recorded.is_some(),
        tokens,
        calls,
        small: (unknown == 0).then_some(small),
        all_large,
        assumptions,
    }
}

/// The large model of the provider of a worker.
fn large_model_of(worker: &str) -> String {
    let provider = worker.split_once('/').map(|(provider, _)| provider);
    let provider = provider.filter(|provider| planner_model(provider).is_some());
    let provider = provider.unwrap_or(PROVIDERS[0].name);
    format!("{provider}/{}", planner_model(provider).unwrap_or_default())
}

fn ended_attempts(state: &RunState) -> impl Iterator<Item = &crate::run::AttemptEnd> {
    let attempts = state.steps.iter().flat_map(|row| row.attempts.iter());
    attempts.filter_map(|attempt| attempt.end.as_ref().map(|(_, end)| &**end))
}

/// What a plan's own `metadata.planning` says.
struct RecordedPlanning {
    planner: String,
    cost: Option<Money>,
}

fn recorded_planning(plan_text: &str) -> Option<RecordedPlanning> {
    let plan: Value = json::read(plan_text.as_bytes())
        .ok()
        .or_else(|| crate::plan::read_data(plan_text).ok())?;
    let planning = plan.pointer("/metadata/planning")?;
    let planner = planning
        .get("planner")?
        .as_str()
        .filter(|planner| *planner != "offline")?;
    Some(RecordedPlanning {
        planner: planner.to_owned(),
        cost: planning
            .get("cost_usd")
            .and_then(Value::as_f64)
            .map(Money::from_usd),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_large_model_is_that_of_the_worker_s_provider() {
        assert_eq!(
            large_model_of("anthropic/claude-haiku-4-5"),
            "anthropic/claude-sonnet-4-5"
        );
        assert_eq!(large_model_of("offline"), "openai/gpt-4o");
        let text = "metadata: {planning: {planner: openai/o3, cost_usd: 0.02}}\nsteps: []";
        let planning = recorded_planning(text).unwrap();
        assert_eq!(
            (&*planning.planner, planning.cost),
            ("openai/o3", Some(Money::from_usd(0.02)))
        );
    }
}
