//! The order of the runs in the list: the newest first, and forks below the runs that they were forked from.

use super::item::RunItem;
use std::collections::HashMap;

/// The deepest that a run is shown.
const DEPTH: u8 = 6;

/// The places of the runs in the order of the list, each with how deep it stands. A parent and its forks stand where the
/// newest of them would; a fork whose parent is not there stands by itself.
pub(super) fn order(runs: &[RunItem]) -> Vec<(usize, u8)> {
    let places: HashMap<&str, usize> = runs
        .iter()
        .enumerate()
        .map(|(at, run)| (&*run.run_id, at))
        .collect();
    let parent = |at: usize| {
        let parent = runs[at].forked_from.as_deref()?;
        places.get(parent).copied().filter(|parent| *parent != at)
    };
    let mut forks: HashMap<usize, Vec<usize>> = HashMap::new();
    for at in 0..runs.len() {
        if let Some(parent) = parent(at) {
            forks.entry(parent).or_default().push(at);
        }
    }
    let mut taken = vec![false; runs.len()];
    let mut order = Vec::with_capacity(runs.len());
    for newest in 0..runs.len() {
        let mut root = newest;
        // Runs that claim to be forks of each other end the way up.
        for _ in 0..runs.len() {
            match parent(root).filter(|parent| !taken[*parent] && *parent != newest) {
                Some(above) => root = above,
                None => break,
            }
        }
        let mut open = vec![(root, 0u8)];
        while let Some((at, depth)) = open.pop() {
            if std::mem::replace(&mut taken[at], true) {
                continue;
            }
            order.push((at, depth));
            let own = forks.get(&at).into_iter().flatten();
            open.extend(own.rev().map(|fork| (*fork, (depth + 1).min(DEPTH))));
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::home::Standing;
    use crate::units::Micros;

    fn run(id: &str, forked_from: Option<&str>) -> RunItem {
        RunItem {
            run_id: id.into(),
            plan: "p".into(),
            standing: Standing::Succeeded,
            started: 0,
            started_at: "".into(),
            took: Micros(1),
            cost: None,
            done: 1,
            failed: 0,
            steps: 1,
            worker: "".into(),
            resumed_from: None,
            forked_from: forked_from.map(Into::into),
        }
    }

    fn ids(runs: &[RunItem]) -> Vec<String> {
        let order = order(runs).into_iter();
        order
            .map(|(at, depth)| format!("{}{}", "-".repeat(depth.into()), runs[at].run_id))
            .collect()
    }

    #[test]
    fn forks_stand_below_their_parents() {
        let runs = [
            run("f3", Some("f1")),
            run("other", None),
            run("f2", Some("root")),
            run("f1", Some("root")),
            run("stray", Some("gone")),
            run("root", None),
            run("old", None),
        ];
        assert_eq!(
            ids(&runs),
            ["root", "-f2", "-f1", "--f3", "other", "stray", "old"]
        );
    }

    #[test]
    fn each_run_is_there_once_whatever_they_claim() {
        let runs = [
            run("a", Some("b")),
            run("b", Some("c")),
            run("c", Some("a")),
            run("self", Some("self")),
            run("d", Some("c")),
        ];
        let mut places: Vec<usize> = order(&runs).into_iter().map(|(at, _)| at).collect();
        places.sort_unstable();
        assert_eq!(places, [0, 1, 2, 3, 4]);
        let long: Vec<RunItem> = (0..10_000)
            .map(|at| run(&at.to_string(), Some(&(at + 1).to_string())))
            .collect();
        assert_eq!(order(&long).len(), 10_000);
    }
}
