//! A batch as Markdown.

use super::{BatchReport, ItemReport, cost_or_unknown, dollars, time};
use crate::report::markdown::{plain, table};
use crate::run::Quantiles;
use crate::text::format;
use std::fmt::Write as _;

impl BatchReport {
    /// The report as Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("# {}\n\n", plain(&self.plan));
        for (name, value) in self.facts() {
            let _ = writeln!(text, "- {name}: {}", plain(&value));
        }
        text.push('\n');
        if self.counts.ended() > 0 {
            text += "## Items\n\n";
            let row = |name: &str, found: &Quantiles, show: fn(f64) -> String| {
                let figures = [found.p50, found.p90, found.p99, found.max];
                let mut row = vec![name.to_owned()];
                row.extend(figures.map(show));
                row
            };
            text += &table(
                &["", "half below", "90 % below", "99 % below", "at most"],
                [
                    row("time", &self.latency_ms, time),
                    row("cost", &self.cost_usd, dollars),
                ],
            );
        }
        if !self.steps.is_empty() {
            text += "## Steps\n\n";
            let rows = self.steps.iter().map(|step| {
                vec![
                    plain(&step.id),
                    time(step.time_ms.p50),
                    time(step.time_ms.p90),
                    time(step.time_ms.p99),
                    format::cost_or_zero(step.cost),
                    format::thousands(step.attempts),
                    format::thousands(step.failed()),
                ]
            });
            text += &table(
                &[
                    "step",
                    "half below",
                    "90 % below",
                    "99 % below",
                    "cost",
                    "attempts",
                    "failed",
                ],
                rows,
            );
        }
        if !self.failures.is_empty() {
            text += "## Failures\n\n";
            let rows = self.failures.iter().map(|group| {
                vec![
                    plain(&group.message),
                    plain(group.step.as_deref().unwrap_or_default()),
                    group.kind.to_owned(),
                    format::thousands(group.count),
                    plain(&group.example),
                ]
            });
            text += &table(&["message", "step", "type", "items", "such as"], rows);
        }
        for (name, items) in [
            ("Slowest items", &self.slowest),
            ("Most expensive items", &self.most_expensive),
        ] {
            if !items.is_empty() {
                let _ = writeln!(text, "## {name}\n");
                text += &table(
                    &["item", "status", "time", "cost", "run"],
                    items.iter().map(row),
                );
            }
        }
        text
    }
}

fn row(item: &ItemReport) -> Vec<String> {
    vec![
        plain(&item.key),
        item.status.word().replace('_', " "),
        time(item.latency_ms),
        cost_or_unknown(item.cost),
        plain(&item.run_id),
    ]
}
