//! The order of runs as a tree: forks below the runs that they were forked from.

use std::collections::HashMap;

/// The deepest that a run is shown.
const DEPTH: u8 = 6;

/// The places of runs in the order of a list, each with how deep it stands; `runs` are ids with the ids of parents, the
/// newest first. A parent and its forks stand where the newest of them would; a fork whose parent is not there stands by
/// itself.
pub(crate) fn run_tree(runs: &[(&str, Option<&str>)]) -> Vec<(usize, u8)> {
    let places: HashMap<&str, usize> = runs
        .iter()
        .enumerate()
        .map(|(at, (id, _))| (*id, at))
        .collect();
    let parent = |at: usize| {
        let parent = runs[at].1?;
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

    fn ids(runs: &[(&str, Option<&str>)]) -> Vec<String> {
        let order = run_tree(runs).into_iter();
        order
            .map(|(at, depth)| format!("{}{}", "-".repeat(depth.into()), runs[at].0))
            .collect()
    }

    #[test]
    fn forks_stand_below_their_parents() {
        let runs = [
            ("f3", Some("f1")),
            ("other", None),
            ("f2", Some("root")),
            ("f1", Some("root")),
            ("stray", Some("gone")),
            ("root", None),
            ("old", None),
        ];
        assert_eq!(
            ids(&runs),
            ["root", "-f2", "-f1", "--f3", "other", "stray", "old"]
        );
    }

    #[test]
    fn each_run_is_there_once_whatever_they_claim() {
        let runs = [
            ("a", Some("b")),
            ("b", Some("c")),
            ("c", Some("a")),
            ("self", Some("self")),
            ("d", Some("c")),
        ];
        let mut places: Vec<usize> = run_tree(&runs).into_iter().map(|(at, _)| at).collect();
        places.sort_unstable();
        assert_eq!(places, [0, 1, 2, 3, 4]);
        let names: Vec<String> = (0..=10_000).map(|at| at.to_string()).collect();
        let long: Vec<(&str, Option<&str>)> = names
            .windows(2)
            .map(|pair| (&*pair[0], Some(&*pair[1])))
            .collect();
        assert_eq!(run_tree(&long).len(), 10_000);
    }
}
