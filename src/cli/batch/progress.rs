//! How far a batch is, on standard error, and its summary at the end.

use crate::cli::output::{end_passing_line, note, passing_line, print_message};
use crate::report::{failure_lines, quantile_lines};
use crate::run::RunOutcome;
use crate::session::{BatchEnd, BatchLine, Tally};
use crate::text::{format, line};
use crate::units::Micros;
use serde_json::json;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// How often a line is printed where standard error is no terminal.
const EVERY: Duration = Duration::from_secs(10);

/// The progress of a batch.
pub(super) struct Progress {
    total: u64,
    began: Instant,
    told: Instant,
    /// Items that ended in this process, by which the rest is estimated.
    ended: u64,
    terminal: bool,
    /// Whether nothing is told until the end.
    quiet: bool,
}

impl Progress {
    /// The progress of a batch of so many items.
    pub(super) fn new(total: u64, quiet: bool) -> Self {
        let now = Instant::now();
        Self {
            total,
            began: now,
            told: now,
            ended: 0,
            terminal: std::io::stderr().is_terminal(),
            quiet,
        }
    }

    /// Whether nothing is told until the end, because the view is open.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// An item has ended.
    pub(super) fn line(&mut self, line: &BatchLine) {
        self.ended += u64::from(line.status != RunOutcome::LimitExceeded);
    }

    /// Tells how far it is: a line that is replaced on a terminal, else one now and then.
    pub(super) fn tell(&mut self, tally: &Tally, running: usize) {
        if self.quiet {
            return;
        }
        if self.terminal {
            passing_line(&self.text(tally, running));
        } else if self.told.elapsed() >= EVERY {
            self.told = Instant::now();
            print_message(&self.text(tally, running));
        }
    }

    fn text(&self, tally: &Tally, running: usize) -> String {
        let counts = tally.counts;
        let done = counts.total();
        let seconds = self.began.elapsed().as_secs_f64().max(0.001);
        let rate = self.ended as f64 / seconds;
        let left = if rate > 0.0 {
            let seconds = self.total.saturating_sub(done) as f64 / rate;
            format!(
                ", {} left",
                format::duration(Micros((seconds * 1e6) as u64))
            )
        } else {
            String::new()
        };
        format!(
            "{done} of {} done, {} failed, {running} running; {rate:.1}/s{left}; {} so far, about {} at the end",
            self.total,
            counts.failed,
            tally.cost,
            tally.expected_cost(self.total)
        )
    }

    /// Prints the summary, as text or as a JSON object.
    pub(super) fn summary(&self, end: &BatchEnd, as_json: bool) {
        if !self.quiet {
            end_passing_line();
        }
        let seconds = self.began.elapsed().as_secs_f64();
        let tally = &end.tally;
        let (latency, cost, groups) = (tally.latency_ms(), tally.cost_usd(), tally.failures());
        if as_json {
            let limit = end.limit.as_ref();
            let summary = json!({
                "batch": end.batch,
                "items": self.total,
                "counts": tally.counts,
                "cost": tally.cost,
                "seconds": seconds,
                "latency_ms": latency,
                "cost_usd": cost,
                "failures": groups,
                "limit": limit.map(|(limit, message)| json!({"limit": limit, "message": message})),
                "stopped": end.stopped,
            });
            note(&format!(
                "{}\n",
                crate::text::escape_json(&summary.to_string())
            ));
            return;
        }
        let counts = tally.counts;
        let parts = [
            (counts.succeeded, "succeeded"),
            (counts.failed, "failed"),
            (counts.limit_exceeded, "limit_exceeded"),
            (counts.waiting, "waiting"),
            (counts.cancelled, "cancelled"),
        ];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = parts
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        let passed = format::duration(Micros((seconds * 1e6) as u64));
        let mut text = format!(
            "{} of {} items in {passed}: {}; {}\n",
            counts.total(),
            self.total,
            parts.join(", "),
            tally.cost
        );
        if counts.total() > counts.limit_exceeded {
            text += &quantile_lines(&latency, &cost);
        }
        if let Some((_, message)) = &end.limit {
            text.push_str("stopped by a limit: ");
            text.push_str(&line(message));
            text.push('\n');
        }
        text += &failure_lines(&groups);
        note(&text);
    }
}
