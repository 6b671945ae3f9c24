//! `plandeck runs`: lists recorded runs, and removes old ones.

use super::args::history::{RunsAction, RunsArgs};
use super::failure::Failure;
use super::output::{note, out, out_json};
use crate::report::runs_table;
use crate::session::all_runs;
use crate::store::{PruneRules, Store, StoreError};
use crate::text::format;

/// Prints the list of runs, or removes old runs.
pub(super) fn runs(args: &RunsArgs) -> Result<u8, Failure> {
    match &args.action {
        None => {
            let mut runs = all_runs()?;
            runs.truncate(args.limit.unwrap_or(usize::MAX));
            if args.json {
                out_json(&runs)?;
            } else {
                out(&runs_table(&runs))?;
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
