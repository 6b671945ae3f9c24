//! Runs as a table.

use crate::run::{RunSummary, RunWord};
use crate::text::{fit, format, pad};
use crate::units::Money;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt::Write as _;

/// A line for each run, under a head. What it names comes from plans and is made safe to print.
pub(crate) fn runs_table(runs: &[RunSummary]) -> String {
    let mut text = format!(
        "{}  {}  {}  {}  {:>8}  {:>10}  {}\n",
        pad("RUN", 36),
        pad("PLAN", 20),
        pad("STATUS", 14),
        pad("STARTED", 19),
        "TIME",
        "COST",
        "STEPS"
    );
    for run in runs {
        let cost = run
            .cost
            .map_or_else(|| "-".to_owned(), |cost: Money| cost.to_string());
        let _ = writeln!(
            text,
            "{}  {}  {}  {}  {:>8}  {cost:>10}  {}/{}",
            pad(&fit(&run.run_id, 36), 36),
            pad(&fit(&run.plan, 20), 20),
            pad(run.status.word(), 14),
            pad(&local_time(&run.started_at), 19),
            format::duration(run.latency),
            run.steps_completed,
            run.steps
        );
    }
    if runs.iter().any(|run| run.status == RunWord::Interrupted) {
        text.push_str("resume an interrupted run with: plandeck run --resume RUN\n");
    }
    text
}

/// An RFC 3339 time in the local time zone, to the second.
pub(crate) fn local_time(started_at: &str) -> String {
    match started_at.parse::<Timestamp>() {
        Ok(at) => at
            .to_zoned(TimeZone::system())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string(),
        Err(_) => fit(started_at, 19),
    }
}
