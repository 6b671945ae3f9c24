//! A batch for people: its figures as text, as Markdown, as a page, and as JSON.

mod diff;
mod markdown;
mod page;
mod text;

pub(crate) use diff::BatchDiff;
pub(crate) use text::{failure_lines, quantile_lines};

use crate::run::{BatchState, FailureGroup, ItemCounts, Quantiles, RunWord, StepStatus};
use crate::text::{format, line};
use crate::units::{Micros, Money};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Items that are listed.
const LISTED: usize = 10;

/// The figures of a batch. As JSON times are milliseconds, money is dollars.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct BatchReport {
    batch: Arc<str>,
    plan: Arc<str>,
    /// Whether a process works on it.
    live: bool,
    /// When it started, RFC 3339.
    started_at: String,
    items: u64,
    counts: ItemCounts,
    cost: Money,
    /// From its start to its last item's end.
    seconds: f64,
    items_per_second: f64,
    /// Of an item.
    latency_ms: Quantiles,
    /// Of an item.
    cost_usd: Quantiles,
    steps: Vec<StepReport>,
    failures: Vec<FailureGroup>,
    slowest: Vec<ItemReport>,
    most_expensive: Vec<ItemReport>,
}

/// The figures of a step of all items.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct StepReport {
    id: Arc<str>,
    /// In how many items it has which status.
    statuses: BTreeMap<&'static str, u64>,
    attempts: u64,
    cost: Money,
    time_ms: Quantiles,
    cost_usd: Quantiles,
}

/// An item that stands out.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ItemReport {
    key: Arc<str>,
    index: usize,
    run_id: Arc<str>,
    status: RunWord,
    latency_ms: f64,
    cost: Option<Money>,
}

impl BatchReport {
    /// The figures of `state` at `now`, in milliseconds since 1970.
    pub(crate) fn of(state: &BatchState, now: i64) -> Self {
        let header = &state.header;
        let started = jiff::Timestamp::from_millisecond(header.started).unwrap_or_default();
        let steps = header.steps.iter().zip(&state.steps);
        Self {
            batch: Arc::clone(&header.batch),
            plan: Arc::clone(&header.plan),
            live: header.live,
            started_at: started.to_string(),
            items: state.total() as u64,
            counts: state.counts,
            cost: state.cost,
            seconds: state.passed(now).seconds(),
            items_per_second: state.per_second(now),
            latency_ms: state.latency_ms(),
            cost_usd: state.cost_usd(),
            steps: steps
                .map(|(id, step)| StepReport {
                    id: Arc::clone(id),
                    statuses: StepStatus::ALL
                        .into_iter()
                        .zip(step.counts)
                        .filter(|(_, count)| *count > 0)
                        .map(|(status, count)| (status.word(), count))
                        .collect(),
                    attempts: step.attempts,
                    cost: step.cost,
                    time_ms: step.time_ms(),
                    cost_usd: step.cost_usd(),
                })
                .collect(),
            failures: state
                .failures()
                .into_iter()
                .map(|(_, group)| group.clone())
                .collect(),
            slowest: outstanding(state, |item| item.latency.0),
            most_expensive: outstanding(state, |item| {
                item.cost.map_or(0, |cost| cost.pico().max(0) as u64)
            }),
        }
    }

    /// What stands at the head of a report.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let started = crate::report::local_time(&self.started_at);
        let counts = self.counts;
        let mut facts = vec![
            ("items", format::thousands(self.items)),
            ("ended", self.counts_in_words()),
            ("cost", format::cost_or_zero(self.cost)),
            (
                "time",
                format::duration(Micros((self.seconds * 1e6) as u64)),
            ),
            ("items a second", format!("{:.1}", self.items_per_second)),
            ("started", started),
            ("batch", line(&self.batch)),
        ];
        if counts.ended() > 0 && !self.cost.is_zero() {
            let each = Money::from_usd(self.cost.usd() / counts.ended() as f64);
            facts.insert(3, ("cost of an item", format::cost(each)));
        }
        facts
    }

    /// How many items ended how, in words.
    fn counts_in_words(&self) -> String {
        let counts = self.counts;
        let begun = counts.ended() + counts.running;
        let running = if self.live { "running" } else { "interrupted" };
        let parts = [
            (counts.succeeded, "succeeded"),
            (counts.failed, "failed"),
            (counts.limit_exceeded, "stopped by a limit"),
            (counts.waiting, "waiting"),
            (counts.cancelled, "cancelled"),
            (counts.running, running),
            (self.items.saturating_sub(begun), "not begun"),
        ];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = parts
            .map(|(count, word)| format!("{} {word}", format::thousands(*count)))
            .collect();
        parts.join(", ")
    }
}

/// The items that have ended with the highest figures, the highest first; those with none are left out.
fn outstanding(
    state: &BatchState,
    figure: impl Fn(&crate::run::BatchEntry) -> u64,
) -> Vec<ItemReport> {
    let ended = state.items().iter().enumerate();
    let ended = ended.filter(|(_, item)| item.has_ended() && figure(item) > 0);
    let mut items: Vec<_> = ended.collect();
    let by = |(at, item): &(usize, &crate::run::BatchEntry)| (std::cmp::Reverse(figure(item)), *at);
    if items.len() > LISTED {
        items.select_nth_unstable_by_key(LISTED, by);
        items.truncate(LISTED);
    }
    items.sort_unstable_by_key(by);
    let report = |(index, item): (usize, &crate::run::BatchEntry)| ItemReport {
        key: Arc::clone(&item.key),
        index,
        run_id: Arc::clone(&item.run_id),
        status: item.status.unwrap_or(RunWord::Running),
        latency_ms: item.latency.ms(),
        cost: item.cost,
    };
    items.into_iter().map(report).collect()
}

fn time(ms: f64) -> String {
    format::duration(Micros((ms * 1e3) as u64))
}

fn dollars(usd: f64) -> String {
    format::cost_or_zero(Money::from_usd(usd))
}

fn cost_or_unknown(cost: Option<Money>) -> String {
    cost.map_or_else(|| "not known".to_owned(), format::cost_or_zero)
}
