//! A batch as one page for a browser, which needs nothing beside it.

use super::{BatchReport, ItemReport, cost_or_unknown, dollars, time};
use crate::report::page::Page;
use crate::run::Quantiles;
use crate::text::{format, line};
use serde_json::{Value, json};

const BODY: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");

impl BatchReport {
    /// The page.
    ///
    /// # Errors
    /// None that a batch can cause: where the template is wrong.
    pub(crate) fn html(&self) -> Result<String, minijinja::Error> {
        let quantiles = |found: &Quantiles, show: fn(f64) -> String| -> Vec<String> {
            [found.p50, found.p90, found.p99, found.max]
                .map(show)
                .to_vec()
        };
        // Bars of times are as long as the slowest step's.
        let longest = self.steps.iter().map(|step| step.time_ms.p99);
        let longest = longest.fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        let most_expensive = self.steps.iter().map(|step| step.cost.usd());
        let most_expensive = most_expensive.fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        let steps = self.steps.iter().map(|step| {
            let all: u64 = step.statuses.values().sum();
            let share = |word: &str| {
                let count = step.statuses.get(word).copied().unwrap_or(0);
                percent(count as f64 / all.max(1) as f64)
            };
            json!({
                "id": line(&step.id),
                "succeeded": share("succeeded"),
                "failed": percent(step.failed() as f64 / all.max(1) as f64),
                "times": quantiles(&step.time_ms, time),
                "half": percent(step.time_ms.p50 / longest),
                "most": percent(step.time_ms.p99 / longest),
                "cost": format::cost_or_zero(step.cost),
                "part": percent(step.cost.usd() / most_expensive),
                "attempts": format::thousands(step.attempts),
                "wrong": format::thousands(step.failed()),
            })
        });
        let failures = self.failures.iter().map(|group| {
            json!({
                "count": format::thousands(group.count),
                "step": line(group.step.as_deref().unwrap_or_default()),
                "kind": group.kind,
                "message": line(&group.message),
                "example": line(&group.example),
            })
        });
        let items = |items: &[ItemReport]| -> Vec<Value> { items.iter().map(item).collect() };
        let page = Page {
            title: format!("{}: a batch", line(&self.plan)),
            heading: line(&self.plan),
            figures: json!(self.facts()),
            style: STYLE,
            body: BODY,
            footer: format!(
                "Batch {}. Quantiles are exact to a percent.",
                line(&self.batch)
            ),
            script: None,
            values: json!({
                "time": quantiles(&self.latency_ms, time),
                "cost": quantiles(&self.cost_usd, dollars),
                "steps": steps.collect::<Vec<_>>(),
                "failures": failures.collect::<Vec<_>>(),
                "lists": [
                    {"name": "Slowest items", "items": items(&self.slowest)},
                    {"name": "Most expensive items", "items": items(&self.most_expensive)},
                ],
            }),
        };
        page.render()
    }
}

fn item(item: &ItemReport) -> Value {
    json!({
        "key": line(&item.key),
        "status": item.status.word().replace('_', " "),
        "time": time(item.latency_ms),
        "cost": cost_or_unknown(item.cost),
        "run": line(&item.run_id),
    })
}

/// A share as a length: what is there at all is seen.
fn percent(share: f64) -> f64 {
    if share > 0.0 {
        (share * 100.0).clamp(0.5, 100.0)
    } else {
        0.0
    }
}
