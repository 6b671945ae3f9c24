//! `plandeck runs`: the runs on record, and removing old ones.

use super::args::{RunsAction, RunsArgs};
use super::failure::Failure;
use super::record::fault;
use crate::report::runs_table;
use crate::store::{PruneRules, RunSummary, Store, StoreError};
use crate::text::format;

/// Prints the runs, or removes some.
pub fn runs(args: &RunsArgs) -> Result<u8, Failure> {
    match &args.action {
        None => {
            let mut runs = all()?;
            runs.truncate(args.limit.unwrap_or(usize::MAX));
            super::say(&if args.json {
                serde_json::to_string(&runs).unwrap_or_default() + "\n"
            } else {
                runs_table(&runs)
            });
        }
        Some(RunsAction::Prune(prune)) => {
            let rules = PruneRules {
                older_than: prune.older_than,
                keep: prune.keep,
                max_bytes: prune.max_size,
            };
            let mut store = match Store::open() {
                Err(StoreError::Empty(_)) => return Ok(0),
                store => store.map_err(fault)?,
            };
            let pruned = store.prune(&rules).map_err(fault)?;
            if args.json || prune.json {
                super::say(&(serde_json::to_string(&pruned.runs).unwrap_or_default() + "\n"));
            }
            note_line!(
                "removed {}: {} → {}",
                format::count(pruned.runs.len(), "run"),
                format::bytes(pruned.bytes_before as usize),
                format::bytes(pruned.bytes_after as usize)
            );
        }
    }
    Ok(0)
}

/// Every run; none where nothing has been recorded yet.
fn all() -> Result<Vec<RunSummary>, Failure> {
    match Store::open() {
        Err(StoreError::Empty(_)) => Ok(Vec::new()),
        store => store.and_then(|store| store.runs()).map_err(fault),
    }
}
