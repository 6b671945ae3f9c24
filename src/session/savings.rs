//! What a plan saves: planned once by a large model and executed by small ones, compared with a large model that does
//! all of it each time. Computed from a recorded run's tokens and dated prices.

use super::error::SessionError;
use super::settings::Settings;
use crate::models::{PROVIDERS, Prices};
use crate::planner::planner_model;
use crate::run::{RunState, RunSummary};
use crate::store::Store;
use crate::text::json;
use crate::units::{Money, Tokens};
use serde_json::Value;

/// The prompt of a planner that is not recorded: rules, tools and context, in tokens.
const UNKNOWN_PROMPT: u64 = 4_000;
/// The tokens of a written plan, for each byte of it.
const BYTES_PER_TOKEN: u64 = 4;
/// The numbers of executions that are compared.
const EXECUTIONS: [u64; 4] = [1, 10, 100, 1_000];

/// What a plan saves.
#[derive(Clone, Debug)]
pub struct Savings {
    /// The large model, as `PROVIDER/MODEL`.
    pub large: String,
    /// What planning cost once; `None` where the large model has no price.
    pub planning: Option<Money>,
    /// Whether `planning` is what was billed, not an estimate.
    pub planning_is_recorded: bool,
    /// The tokens of all model calls of the run.
    pub tokens: Tokens,
    /// How many model calls they belong to.
    pub calls: u64,
    /// What one execution costs; `None` where some of it is not known.
    pub small: Option<Money>,
    /// What one execution would cost with the same tokens of the large model; `None` where it has no price.
    pub all_large: Option<Money>,
    /// What is assumed, one sentence each.
    pub assumptions: Vec<String>,
}

/// Both sums for a number of executions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavingsRow {
    /// How many executions.
    pub executions: u64,
    /// Planning once, and so many executions.
    pub planned: Money,
    /// So many executions by the large model.
    pub all_large: Money,
}

impl Savings {
    /// The sums for 1, 10, 100 and 1000 executions, and for `more`; empty where a price is not known.
    pub fn rows(&self, more: Option<u64>) -> Vec<SavingsRow> {
        let known = self.planning.zip(self.small).zip(self.all_large);
        let Some(((planning, small), large)) = known else {
            return Vec::new();
        };
        let mut counts: Vec<u64> = EXECUTIONS.into_iter().chain(more).collect();
        counts.sort_unstable();
        counts.dedup();
        let rows = counts.into_iter().map(|executions| SavingsRow {
            executions,
            planned: planning + small.times(executions),
            all_large: large.times(executions),
        });
        rows.collect()
    }

    /// After how many executions the plan is the cheaper way; `None` where it never is, or a price is not known.
    pub fn break_even(&self) -> Option<u64> {
        let saved = (self.all_large? - self.small?).pico();
        let planning = self.planning?.pico();
        (saved > 0).then(|| {
            u64::try_from(planning.max(0) / saved)
                .unwrap_or(u64::MAX)
                .saturating_add(1)
        })
    }
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
        "{large} uses as many tokens as the models of this run did: {} in {calls} calls",
        tokens.input + tokens.output
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

    fn savings(planning: f64, small: f64, large: f64) -> Savings {
        Savings {
            large: "x".to_owned(),
            planning: Some(Money::from_usd(planning)),
            planning_is_recorded: true,
            tokens: Tokens::default(),
            calls: 1,
            small: Some(Money::from_usd(small)),
            all_large: Some(Money::from_usd(large)),
            assumptions: Vec::new(),
        }
    }

    #[test]
    fn planning_is_paid_once_and_executions_each_time() {
        let saved = savings(0.05, 0.0006, 0.09);
        let rows = saved.rows(Some(7));
        let counts: Vec<u64> = rows.iter().map(|row| row.executions).collect();
        assert_eq!(counts, [1, 7, 10, 100, 1_000]);
        assert_eq!(rows[3].planned, Money::from_usd(0.11));
        assert_eq!(rows[3].all_large, Money::from_usd(9.0));
        assert_eq!(saved.break_even(), Some(1));
        assert_eq!(savings(1.0, 0.01, 0.02).break_even(), Some(101));
        assert_eq!(savings(1.0, 0.02, 0.02).break_even(), None);
    }

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
