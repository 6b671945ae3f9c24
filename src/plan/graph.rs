//! The shape of a plan: how deep, how wide, where it begins and ends.

use super::cycles::followers;
use super::ids::StepIx;
use super::model::ExecutionPlan;
use std::sync::Arc;

/// Facts about the DAG that follow from the plan alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// How many steps there are.
    pub steps: usize,
    /// How many dependencies there are.
    pub edges: usize,
    /// The steps of the longest chain.
    pub depth: usize,
    /// The size of the largest level. More steps could run at once where levels overlap, so this is a lower bound of
    /// the largest set of independent steps, which would be expensive to find.
    pub width: usize,
    /// The steps that wait for nothing.
    pub roots: Vec<StepIx>,
    /// The steps that nothing waits for.
    pub sinks: Vec<StepIx>,
    /// The steps by level: a step's level is one more than the highest of what it waits for.
    pub levels: Vec<Vec<StepIx>>,
    /// One of the longest chains, from its root to its sink.
    pub critical_path: Vec<StepIx>,
}

impl Shape {
    /// The shape of a plan; linear in its steps and dependencies.
    pub(crate) fn of(plan: &ExecutionPlan) -> Self {
        let steps = plan.steps.iter();
        let dependencies: Vec<Arc<[StepIx]>> =
            steps.map(|step| Arc::clone(&step.depends_on)).collect();
        Self::of_dependencies(&dependencies)
    }

    fn of_dependencies(dependencies: &[Arc<[StepIx]>]) -> Self {
        let count = dependencies.len();
        let (starts, list) = followers(dependencies);
        let mut waiting: Vec<usize> = dependencies.iter().map(|list| list.len()).collect();
        let mut level = vec![0_usize; count];
        let mut before: Vec<Option<u32>> = vec![None; count];
        let mut free: Vec<usize> = (0..count).filter(|step| waiting[*step] == 0).collect();
        let roots = free.iter().map(|step| StepIx(*step as u32)).collect();
        let mut at = 0;
        while let Some(&step) = free.get(at) {
            at += 1;
            for follower in &list[starts[step]..starts[step + 1]] {
                let follower = *follower as usize;
                if level[step] + 1 > level[follower] || before[follower].is_none() {
                    level[follower] = level[step] + 1;
                    before[follower] = Some(step as u32);
                }
                waiting[follower] -= 1;
                if waiting[follower] == 0 {
                    free.push(follower);
                }
            }
        }
        let depth = level.iter().map(|level| level + 1).max().unwrap_or(0);
        let mut levels = vec![Vec::new(); depth];
        for (step, level) in level.iter().enumerate() {
            levels[*level].push(StepIx(step as u32));
        }
        let mut critical_path = Vec::with_capacity(depth);
        let mut end = levels.last().and_then(|level| level.first().copied());
        while let Some(step) = end {
            critical_path.push(step);
            end = before[step.at()].map(StepIx);
        }
        critical_path.reverse();
        Self {
            steps: count,
            edges: list.len(),
            depth,
            width: levels.iter().map(Vec::len).max().unwrap_or(0),
            roots,
            sinks: (0..count)
                .filter(|step| starts[*step] == starts[*step + 1])
                .map(|step| StepIx(step as u32))
                .collect(),
            levels,
            critical_path,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn steps(positions: &[u32]) -> Vec<StepIx> {
        positions.iter().copied().map(StepIx).collect()
    }

    #[test]
    fn a_diamond_with_a_tail() {
        let plan = ExecutionPlan::from_json(
            r#"{"steps": [
                {"id": "a", "tool": "t"}, {"id": "b", "tool": "t", "depends_on": ["a"]},
                {"id": "c", "tool": "t", "depends_on": ["a"]},
                {"id": "d", "tool": "t", "depends_on": ["b", "c"]}, {"id": "e", "tool": "t"}
            ]}"#,
        )
        .unwrap();
        let shape = Shape::of(&plan);
        assert_eq!(
            (shape.steps, shape.edges, shape.depth, shape.width),
            (5, 4, 3, 2)
        );
        assert_eq!(shape.roots, steps(&[0, 4]));
        assert_eq!(shape.sinks, steps(&[3, 4]));
        assert_eq!(shape.levels, [steps(&[0, 4]), steps(&[1, 2]), steps(&[3])]);
        assert_eq!(shape.critical_path, steps(&[0, 1, 3]));
    }

    /// The steps of the longest chain that ends with `step`.
    fn longest(dependencies: &[Arc<[StepIx]>], step: usize) -> usize {
        let before = dependencies[step].iter();
        1 + before
            .map(|ix| longest(dependencies, ix.at()))
            .max()
            .unwrap_or(0)
    }

    proptest! {
        #[test]
        fn depth_and_critical_path_are_the_longest_chain(
            rows in prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..3), 1..12)
        ) {
            let dependencies: Vec<Arc<[StepIx]>> = rows
                .iter()
                .enumerate()
                .map(|(step, row)| {
                    let mut list: Vec<StepIx> = row
                        .iter()
                        .filter(|_| step > 0)
                        .map(|index| StepIx(index.index(step) as u32))
                        .collect();
                    list.sort_unstable();
                    list.dedup();
                    list.into()
                })
                .collect();
            let shape = Shape::of_dependencies(&dependencies);
            let longest = (0..dependencies.len()).map(|step| longest(&dependencies, step)).max();
            prop_assert_eq!(Some(shape.depth), longest);
            prop_assert_eq!(shape.critical_path.len(), shape.depth);
            for pair in shape.critical_path.windows(2) {
                prop_assert!(dependencies[pair[1].at()].contains(&pair[0]));
            }
            prop_assert_eq!(shape.levels.iter().map(Vec::len).sum::<usize>(), shape.steps);
        }
    }
}
