//! The smallest set of differences that makes a result bad: delta debugging, with every set tested once.

use std::collections::{BTreeMap, BTreeSet};

/// A set of differences, by their places.
pub(crate) type Set = BTreeSet<usize>;

/// What came of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The result of the good run.
    Good,
    /// The result of the bad run.
    Bad,
    /// Neither, or not to be found out.
    Unresolved,
}

/// Tests sets of differences.
pub(crate) trait Tester {
    /// Why testing cannot go on.
    type Error;

    /// What comes of the good run with these differences of the bad one.
    fn test(
        &mut self,
        set: &Set,
    ) -> impl std::future::Future<Output = Result<Verdict, Self::Error>> + Send;
}

/// A set that makes the result bad, of which nothing can be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Minimal {
    /// The set.
    pub set: Set,
    /// Whether every smaller set was tested, too, and none of them makes the result bad.
    pub is_smallest: bool,
}

/// The most sets that are tested only to see whether there is a smaller one.
const MAX_SMALLER: usize = 64;

/// Tests each set once.
struct Cached<'t, T> {
    tester: &'t mut T,
    known: BTreeMap<Set, Verdict>,
}

impl<T: Tester> Cached<'_, T> {
    async fn is_bad(&mut self, set: &Set) -> Result<bool, T::Error> {
        if let Some(verdict) = self.known.get(set) {
            return Ok(*verdict == Verdict::Bad);
        }
        let verdict = self.tester.test(set).await?;
        self.known.insert(set.clone(), verdict);
        Ok(verdict == Verdict::Bad)
    }
}

/// Of `count` differences, which all together make the result bad and without which it is good, a smallest set that does.
/// Both of those are known, and not tested.
///
/// # Errors
/// Where a test cannot be made.
pub(crate) async fn minimize<T: Tester>(count: usize, tester: &mut T) -> Result<Minimal, T::Error> {
    let mut set: Set = (0..count).collect();
    let known = BTreeMap::from([(Set::new(), Verdict::Good), (set.clone(), Verdict::Bad)]);
    let mut cached = Cached { tester, known };
    let mut parts = 2;
    while set.len() >= 2 {
        let chunks = split(&set, parts);
        if let Some(bad) = first_bad(&mut cached, chunks.iter().cloned()).await? {
            (set, parts) = (bad, 2);
            continue;
        }
        let rests = chunks.iter().map(|chunk| &set - chunk);
        if let Some(bad) = first_bad(&mut cached, rests).await? {
            (set, parts) = (bad, (parts - 1).max(2));
            continue;
        }
        if parts >= set.len() {
            break;
        }
        parts = (parts * 2).min(set.len());
    }
    let smaller = smaller_sets(count, set.len());
    let is_smallest = smaller.is_some();
    if let Some(bad) = first_bad(&mut cached, smaller.into_iter().flatten()).await? {
        set = bad;
    }
    Ok(Minimal { set, is_smallest })
}

/// The first of these sets that makes the result bad.
async fn first_bad<T: Tester>(
    cached: &mut Cached<'_, T>,
    sets: impl Iterator<Item = Set>,
) -> Result<Option<Set>, T::Error> {
    for set in sets {
        if cached.is_bad(&set).await? {
            return Ok(Some(set));
        }
    }
    Ok(None)
}

/// The set in as many parts of about the same size.
fn split(set: &Set, parts: usize) -> Vec<Set> {
    let all: Vec<usize> = set.iter().copied().collect();
    let bounds = (0..=parts).map(|part| part * all.len() / parts);
    let bounds: Vec<usize> = bounds.collect();
    let chunks = bounds.windows(2).map(|bound| &all[bound[0]..bound[1]]);
    chunks
        .map(|chunk| chunk.iter().copied().collect())
        .collect()
}

/// Every set of fewer than `size` differences but the empty one, the smallest first; `None` where there are too many.
fn smaller_sets(count: usize, size: usize) -> Option<Vec<Set>> {
    let mut all: Vec<Set> = Vec::new();
    let mut last: Vec<Set> = vec![Set::new()];
    for _ in 1..size {
        let mut next = Vec::new();
        for set in &last {
            let from = set.last().map_or(0, |last| last + 1);
            for more in from..count {
                let mut larger = set.clone();
                larger.insert(more);
                next.push(larger);
                if all.len() + next.len() > MAX_SMALLER {
                    return None;
                }
            }
        }
        all.extend(next.iter().cloned());
        last = next;
    }
    Some(all)
}

/// How many forks finding a cause among `count` differences takes: what is to be expected where one of them alone is it,
/// and the most.
pub(crate) fn forks(count: usize) -> (usize, usize) {
    if count < 2 {
        return (0, 0);
    }
    let halvings = usize::try_from(count.next_power_of_two().trailing_zeros()).unwrap_or(1);
    // Each round of delta debugging tests at most as many parts and rests as there are differences.
    (
        halvings + halvings / 2 + 1,
        count * count + 3 * count + MAX_SMALLER,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;
    use proptest::prelude::*;

    struct Causes {
        /// Any of these sets makes the result bad.
        sets: Vec<Set>,
        /// These differences only go with those.
        needs: Vec<(usize, usize)>,
        tested: Vec<Set>,
    }

    impl Causes {
        fn verdict(&self, set: &Set) -> Verdict {
            let lacks = |(one, other): &(usize, usize)| set.contains(one) && !set.contains(other);
            if self.needs.iter().any(lacks) {
                Verdict::Unresolved
            } else if self.sets.iter().any(|cause| cause.is_subset(set)) {
                Verdict::Bad
            } else {
                Verdict::Good
            }
        }
    }

    impl Tester for Causes {
        type Error = std::convert::Infallible;

        async fn test(&mut self, set: &Set) -> Result<Verdict, Self::Error> {
            assert!(!self.tested.contains(set), "each set is tested once");
            self.tested.push(set.clone());
            Ok(self.verdict(set))
        }
    }

    #[test]
    fn one_of_many_is_found_by_halving() {
        let sets = vec![Set::from([77])];
        let mut tester = Causes {
            sets,
            needs: Vec::new(),
            tested: Vec::new(),
        };
        let Ok(found) = block_on(minimize(100, &mut tester));
        assert_eq!((found.set, found.is_smallest), (Set::from([77]), true));
        assert!(
            tester.tested.len() <= forks(100).0 + 3,
            "{}",
            tester.tested.len()
        );
    }

    proptest! {
        #[test]
        fn nothing_can_be_left_out_of_what_is_found(
            count in 1usize..9,
            causes in prop::collection::vec(prop::collection::btree_set(0usize..9, 1..4), 1..4),
            needs in prop::collection::vec((0usize..9, 0usize..9), 0..3),
        ) {
            let within = |set: &Set| set.iter().all(|at| *at < count);
            let mut causes: Vec<Set> = causes.into_iter().filter(within).collect();
            if causes.is_empty() {
                causes.push((0..count).collect());
            }
            let needs = needs.into_iter().filter(|(one, other)| *one < count && *other < count).collect();
            let mut tester = Causes { sets: causes, needs, tested: Vec::new() };
            let all: Vec<Set> = (0..1usize << count)
                .map(|bits| (0..count).filter(|at| bits >> at & 1 == 1).collect())
                .collect();
            prop_assert_eq!(tester.verdict(&(0..count).collect()), Verdict::Bad);
            let Ok(found) = block_on(minimize(count, &mut tester));
            prop_assert_eq!(tester.verdict(&found.set), Verdict::Bad);
            for at in &found.set {
                let rest = &found.set - &Set::from([*at]);
                prop_assert_ne!(tester.verdict(&rest), Verdict::Bad);
            }
            let smallest = all.iter().filter(|set| tester.verdict(set) == Verdict::Bad).map(Set::len).min();
            if found.is_smallest {
                prop_assert_eq!(Some(found.set.len()), smallest);
            }
            prop_assert!(tester.tested.len() <= forks(count).1);
        }
    }
}
