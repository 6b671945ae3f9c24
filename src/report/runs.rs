//! Runs as a table.

use crate::run::{RunSummary, RunWord, run_tree};
use crate::text::{fit, format, pad};
use crate::units::Money;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt::Write as _;
use std::sync::Arc;

/// Cells of a run's id.
const ID: usize = 36;

/// A batch in a list.
#[derive(Clone, Debug)]
pub(crate) struct BatchRow {
    /// Its id.
    pub batch: Arc<str>,
    /// The plan's name.
    pub plan: Arc<str>,
    /// When it started, RFC 3339.
    pub started_at: Arc<str>,
    /// How many items have which status.
    pub counts: Vec<(Arc<str>, u64)>,
    /// What its runs cost.
    pub cost: Option<Money>,
}

/// A line for each batch, under a head; nothing where there is none.
pub(crate) fn batches_table(batches: &[BatchRow]) -> String {
    if batches.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "\n{}  {}  {}  {:>10}  ITEMS\n",
        pad("BATCH", ID),
        pad("PLAN", 20),
        pad("STARTED", 19),
        "COST"
    );
    for batch in batches {
        let cost = batch
            .cost
            .map_or_else(|| "-".to_owned(), |cost: Money| cost.to_string());
        let counts = batch.counts.iter();
        let counts = counts.map(|(status, count)| match &**status {
            // Its process is running them, or is gone.
            "running" => format!("{count} not ended"),
            word => format!("{count} {word}"),
        });
        let _ = writeln!(
            text,
            "{}  {}  {}  {cost:>10}  {}",
            pad(&fit(&batch.batch, ID), ID),
            pad(&fit(&batch.plan, 20), 20),
            pad(&local_time(&batch.started_at), 19),
            counts.collect::<Vec<_>>().join(", ")
        );
    }
    text.push_str("list the runs of a batch with: plandeck runs --batch BATCH\n");
    text
}

/// A line for each run, under a head; with `tree` forks stand below the runs that they were forked from. What it names
/// comes from plans and is made safe to print.
pub(crate) fn runs_table(runs: &[RunSummary], tree: bool) -> String {
    let order = if tree {
        let ids = runs.iter();
        let ids = ids.map(|run| (&*run.run_id, run.forked_from.as_deref()));
        run_tree(&ids.collect::<Vec<_>>())
    } else {
        (0..runs.len()).map(|at| (at, 0)).collect()
    };
    let deepest = order.iter().map(|(_, depth)| *depth).max();
    let ids = ID + 2 * usize::from(deepest.unwrap_or(0));
    let mut text = format!(
        "{}  {}  {}  {}  {:>8}  {:>10}  {}\n",
        pad("RUN", ids),
        pad("PLAN", 20),
        pad("STATUS", 14),
        pad("STARTED", 19),
        "TIME",
        "COST",
        "STEPS"
    );
    for (at, depth) in order {
        let run = &runs[at];
        let branch = match depth {
            0 => String::new(),
            deep => format!("{}└ ", "  ".repeat(usize::from(deep) - 1)),
        };
        let cost = run
            .cost
            .map_or_else(|| "-".to_owned(), |cost: Money| cost.to_string());
        let _ = writeln!(
            text,
            "{}  {}  {}  {}  {:>8}  {cost:>10}  {}/{}",
            pad(&format!("{branch}{}", fit(&run.run_id, ID)), ids),
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
