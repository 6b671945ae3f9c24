//! A batch as text for a terminal.

use super::{BatchReport, dollars, time};
use crate::run::{FailureGroup, Quantiles};
use crate::text::{fit, format, line, pad, width};
use crate::units::Micros;
use std::fmt::Write as _;

/// Groups of failures that are named.
const GROUPS: usize = 10;
/// Cells of a message, and of a step's name.
const MESSAGE: usize = 100;
const STEP: usize = 30;

/// What the items took and cost, each in a line; nothing of costs where nothing cost anything.
pub(crate) fn quantile_lines(latency_ms: &Quantiles, cost_usd: &Quantiles) -> String {
    let mut text = String::new();
    let mut line = |name: &str, found: &Quantiles, show: fn(f64) -> String| {
        let _ = writeln!(
            text,
            "{name} of an item: half below {}, 90 % below {}, 99 % below {}, at most {}",
            show(found.p50),
            show(found.p90),
            show(found.p99),
            show(found.max)
        );
    };
    line("time", latency_ms, time);
    if cost_usd.max > 0.0 {
        line("cost", cost_usd, dollars);
    }
    text
}

/// Like failures, a line each, the most frequent first.
pub(crate) fn failure_lines(groups: &[FailureGroup]) -> String {
    let mut text = String::new();
    for group in groups.iter().take(GROUPS) {
        let step = group.step.as_ref().map(|step| format!("step {step}: "));
        let _ = writeln!(
            text,
            "{:>7}  {}{}: {} (as {})",
            group.count,
            line(&step.unwrap_or_default()),
            group.kind,
            fit(&line(&group.message), MESSAGE),
            line(&group.example)
        );
    }
    if groups.len() > GROUPS {
        let more = groups.len() - GROUPS;
        let _ = writeln!(text, "and {more} more kinds of failure");
    }
    text
}

impl BatchReport {
    /// The figures as text, each line ended by a line feed. What it names comes from plans and tools and is made safe to
    /// print.
    pub(crate) fn text(&self) -> String {
        let ended = format::thousands(self.counts.ended());
        let passed = format::duration(Micros((self.seconds * 1e6) as u64));
        let mut text = format!(
            "batch {}  {}\n{ended} of {} in {passed}: {}; {}\n",
            line(&self.batch),
            fit(&line(&self.plan), STEP),
            format::count(self.items as usize, "item"),
            self.counts_in_words(),
            self.cost
        );
        if self.counts.ended() > 0 {
            text += &quantile_lines(&self.latency_ms, &self.cost_usd);
        }
        self.steps_in_text(&mut text);
        text += &failure_lines(&self.failures);
        text
    }

    fn steps_in_text(&self, text: &mut String) {
        if self.steps.is_empty() {
            return;
        }
        let names = self.steps.iter().map(|step| fit(&line(&step.id), STEP));
        let names: Vec<String> = names.collect();
        let wide = names
            .iter()
            .map(|name| width(name))
            .max()
            .unwrap_or(0)
            .max(4);
        let _ = writeln!(
            text,
            "{}  {:>8}  {:>8}  {:>8}  {:>10}  {:>8}  {:>8}",
            pad("STEP", wide),
            "HALF",
            "90 %",
            "99 %",
            "COST",
            "ATTEMPTS",
            "FAILED"
        );
        for (name, step) in names.iter().zip(&self.steps) {
            let found = step.time_ms;
            let _ = writeln!(
                text,
                "{}  {:>8}  {:>8}  {:>8}  {:>10}  {:>8}  {:>8}",
                pad(name, wide),
                time(found.p50),
                time(found.p90),
                time(found.p99),
                format::cost_or_zero(step.cost),
                format::thousands(step.attempts),
                format::thousands(step.failed())
            );
        }
    }
}

impl super::StepReport {
    /// Items in which it failed, or nobody knows.
    pub(super) fn failed(&self) -> u64 {
        let count = |word: &str| self.statuses.get(word).copied().unwrap_or(0);
        count("failed") + count("unknown")
    }
}
