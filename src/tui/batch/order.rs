//! Which items are shown, and in which order.

use crate::run::{BatchEntry, BatchState, RunWord, StepStatus};
use std::cmp::Reverse;

/// What the items are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Their place in the input.
    #[default]
    Input,
    /// What went wrong first, then what is running.
    Status,
    /// The slowest first.
    Time,
    /// The most expensive first.
    Cost,
}

impl Sort {
    pub(super) const fn next(self) -> Self {
        match self {
            Self::Input => Self::Status,
            Self::Status => Self::Time,
            Self::Time => Self::Cost,
            Self::Cost => Self::Input,
        }
    }

    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Input => "as in the input",
            Self::Status => "failed first",
            Self::Time => "slowest first",
            Self::Cost => "most expensive first",
        }
    }
}

/// Which items are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// All of them.
    #[default]
    All,
    /// Those that failed, were stopped by a limit or cancelled.
    Failed,
    /// Those that are running.
    Running,
    /// Those that wait for an approval.
    Waiting,
    /// Those that succeeded.
    Succeeded,
    /// Those of a group of failures.
    Group(u32),
}

impl Filter {
    pub(super) const fn next(self) -> Self {
        match self {
            Self::All => Self::Failed,
            Self::Failed => Self::Running,
            Self::Running => Self::Waiting,
            Self::Waiting => Self::Succeeded,
            Self::Succeeded | Self::Group(_) => Self::All,
        }
    }

    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::All => "all items",
            Self::Failed => "failed",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Succeeded => "succeeded",
            Self::Group(_) => "like failures",
        }
    }

    fn takes(self, item: &BatchEntry) -> bool {
        let Some(status) = item.status else {
            return self == Self::All;
        };
        match self {
            Self::All => true,
            Self::Failed => is_wrong(status),
            Self::Running => is_running(status),
            Self::Waiting => status == RunWord::Waiting,
            Self::Succeeded => status == RunWord::Succeeded,
            Self::Group(group) => item.group == Some(group),
        }
    }
}

/// Whether an item did not come to a good end.
pub(super) const fn is_wrong(status: RunWord) -> bool {
    matches!(
        status,
        RunWord::Failed | RunWord::LimitExceeded | RunWord::Cancelled
    )
}

pub(super) const fn is_running(status: RunWord) -> bool {
    matches!(status, RunWord::Running | RunWord::Interrupted)
}

/// The items that are shown, in their order: what fits the filter and has `typed` in its key. With a step the figures
/// are those of that step.
pub(super) fn order(
    state: &BatchState,
    (sort, step): (Sort, Option<usize>),
    filter: Filter,
    typed: &str,
) -> Vec<u32> {
    let nothing = BatchEntry::default();
    let item = |at: usize| state.items().get(at).unwrap_or(&nothing);
    let typed = typed.trim();
    let shown = |at: &usize| {
        let item = item(*at);
        filter.takes(item) && (typed.is_empty() || item.key.contains(typed))
    };
    let all = 0..state.total();
    let mut order: Vec<u32> = all.filter(shown).map(|at| at as u32).collect();
    match sort {
        Sort::Input => {}
        Sort::Status => order.sort_by_key(|at| urgency(state, *at as usize, step)),
        Sort::Time => order.sort_by_cached_key(|at| {
            let at = *at as usize;
            Reverse(match step.and_then(|step| state.cells(at).get(step)) {
                Some(cell) => cell.service.0,
                None => item(at).latency.0,
            })
        }),
        Sort::Cost => order.sort_by_cached_key(|at| {
            let at = *at as usize;
            let cost = match step.and_then(|step| state.cells(at).get(step)) {
                Some(cell) => cell.cost,
                None => item(at).cost,
            };
            Reverse(cost.unwrap_or_default())
        }),
    }
    order
}

/// The lower, the sooner the user wants to see it.
fn urgency(state: &BatchState, at: usize, step: Option<usize>) -> u8 {
    let Some(status) = state.items().get(at).and_then(|item| item.status) else {
        return 9;
    };
    if let Some(cell) = step.and_then(|step| state.cells(at).get(step)) {
        return match cell.status {
            StepStatus::Failed => 0,
            StepStatus::Unknown => 1,
            StepStatus::Running => 3,
            StepStatus::Cancelled => 4,
            StepStatus::Skipped => 5,
            StepStatus::Succeeded => 7,
            StepStatus::Ready | StepStatus::Pending => 8,
        };
    }
    match status {
        RunWord::Failed => 0,
        RunWord::LimitExceeded => 1,
        RunWord::Cancelled => 2,
        RunWord::Waiting => 3,
        RunWord::Running | RunWord::Interrupted => 4,
        RunWord::Succeeded => 7,
    }
}
