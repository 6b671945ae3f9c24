//! The order of the runs in the list: the newest first, and forks below the runs that they were forked from.

use super::item::RunItem;
use crate::run::run_tree;

/// The places of the runs in the order of the list, each with how deep it stands.
pub(super) fn order(runs: &[RunItem]) -> Vec<(usize, u8)> {
    let runs: Vec<(&str, Option<&str>)> = runs
        .iter()
        .map(|run| (&*run.run_id, run.forked_from.as_deref()))
        .collect();
    run_tree(&runs)
}
