//! `plandeck runs`: lists recorded runs, and removes old ones.

use super::args::history::{RunsAction, RunsArgs};
use super::failure::Failure;
use super::output::{note, out, out_json};
use crate::report::{BatchRow, batches_table, runs_table};
use crate::run::{RunSummary, run_tree};
use crate::session::{all_batches, all_runs, runs_of_batch};
use crate::store::{BatchSummary, PruneRules, Store, StoreError};
use crate::text::format;
use serde_json::{Value, json};
use std::iter::Peekable;

/// Prints the list of runs, or removes old runs.
pub(super) fn runs(args: &RunsArgs) -> Result<u8, Failure> {
    match &args.action {
        None => {
            let mut runs = match &args.batch {
                Some(name) => runs_of_batch(name)?,
                None => all_runs()?,
            };
            runs.truncate(args.limit.unwrap_or(usize::MAX));
            match (args.json, args.tree) {
                (true, false) => out_json(&runs)?,
                (true, true) => out_json(&forest(&runs))?,
                (false, tree) => {
                    let mut text = runs_table(&runs, tree);
                    if args.batch.is_none() {
                        text += &batches_table(&batch_rows()?);
                    }
                    out(&text)?;
                }
            }
        }
        Some(RunsAction::Prune(prune)) => {
            let rules = PruneRules {
                older_than: prune.older_than,
                keep: prune.keep,
                max_bytes: prune.max_size,
            };
            let mut store = match Store::open() {
                Err(StoreError::Empty(_)) => return Ok(0),
                store => store?,
            };
            let pruned = store.prune(&rules)?;
            if args.json || prune.json {
                out_json(&pruned.runs)?;
            }
            let files = match pruned.files {
                0 => String::new(),
                files => format!(" and {}", format::count(files, "file")),
            };
            note(&format!(
                "removed {}{files}: {} → {}\n",
                format::count(pruned.runs.len(), "run"),
                format::bytes(pruned.bytes_before as usize),
                format::bytes(pruned.bytes_after as usize)
            ));
        }
    }
    Ok(0)
}

fn batch_rows() -> Result<Vec<BatchRow>, Failure> {
    let row = |batch: BatchSummary| BatchRow {
        batch: batch.record.batch,
        plan: batch.record.plan,
        started_at: batch.record.started_at,
        counts: batch.counts,
        cost: batch.cost,
    };
    Ok(all_batches()?.into_iter().map(row).collect())
}

/// The runs with their forks in `forks`, those of a deeper one too.
fn forest(runs: &[RunSummary]) -> Vec<Value> {
    let ids: Vec<(&str, Option<&str>)> = runs
        .iter()
        .map(|run| (&*run.run_id, run.forked_from.as_deref()))
        .collect();
    let order = run_tree(&ids);
    level(runs, &mut order.into_iter().peekable(), 0)
}

/// The runs from here on that stand as deep as this, with those below them.
fn level(
    runs: &[RunSummary],
    order: &mut Peekable<impl Iterator<Item = (usize, u8)>>,
    depth: u8,
) -> Vec<Value> {
    let mut found = Vec::new();
    while let Some((at, _)) = order.next_if(|(_, deep)| *deep == depth) {
        let mut value = json!(runs[at]);
        value["forks"] = level(runs, order, depth + 1).into();
        found.push(value);
    }
    found
}
