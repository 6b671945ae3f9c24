//! What is shown as one: the elements of a `for_each` step, or the steps that the graph has folded into a node.

use super::model::Model;
use super::step_look::StepLook;
use crate::plan::StepIx;
use crate::run::{RunState, StepState, StepStatus};
use crate::tui::dashboard::panes::View;
use crate::units::{Micros, Money};

/// The members of the group that is selected; nothing where a single step is.
pub(crate) fn members(model: &Model) -> Vec<StepIx> {
    let (Some(step), Some(row)) = (model.selected, model.row()) else {
        return Vec::new();
    };
    if row.is_expanded() {
        return row.elements().to_vec();
    }
    if model.view == View::Graph && model.inspector.grid.entered != Some(step) {
        return model.panes.graph.folded(step);
    }
    Vec::new()
}

/// Least, middle and greatest, and the sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spread<T> {
    pub min: T,
    pub median: T,
    pub max: T,
    pub total: T,
}

fn spread<T: Copy + Ord>(mut values: Vec<T>, total: T) -> Option<Spread<T>> {
    values.sort_unstable();
    Some(Spread {
        min: *values.first()?,
        // Of two in the middle the lower one: it is a value that occurred.
        median: values[(values.len() - 1) / 2],
        max: *values.last()?,
        total,
    })
}

/// What a group came to so far.
#[derive(Debug)]
pub(crate) struct GroupFigures {
    /// Members by status, in the order of [`StepStatus::ALL`].
    pub counts: [usize; 8],
    /// The service time of members whose calls have ended.
    pub time: Option<Spread<Micros>>,
    /// What calls of members cost; nothing where no call did.
    pub cost: Option<Spread<Money>>,
    /// Attempts of all members.
    pub attempts: usize,
}

/// The figures of a group.
pub(crate) fn figures(run: &RunState, members: &[StepIx]) -> GroupFigures {
    let mut counts = [0; 8];
    let (mut times, mut costs) = (Vec::new(), Vec::new());
    let mut attempts = 0;
    for row in members.iter().filter_map(|ix| run.steps.get(ix.at())) {
        counts[row.status as usize] += 1;
        attempts += row.attempts.len();
        let is_over = row.status.has_ended() && !row.attempts.is_empty();
        times.extend(is_over.then_some(row.service));
        costs.extend(row.cost.filter(|_| is_over));
    }
    let time = times.iter().fold(Micros(0), |sum, time| sum + *time);
    let cost: Money = costs.iter().copied().sum();
    GroupFigures {
        counts,
        time: spread(times, time),
        cost: spread(costs, cost).filter(|spread| !spread.total.is_zero()),
        attempts,
    }
}

/// The members in the order of the grid: failures first, then what runs and waits, then what has ended; alike ones in the
/// order of the list.
pub(crate) fn in_order(run: &RunState, members: &[StepIx]) -> Vec<StepIx> {
    let mut ranked: Vec<Vec<StepIx>> = vec![Vec::new(); RANKS];
    for ix in members {
        if let Some(row) = run.steps.get(ix.at()) {
            ranked[rank(row)].push(*ix);
        }
    }
    ranked.concat()
}

const RANKS: usize = 6;

fn rank(row: &StepState) -> usize {
    match StepLook::of(row, false) {
        StepLook::Status(StepStatus::Failed | StepStatus::Unknown) => 0,
        StepLook::Status(StepStatus::Cancelled | StepStatus::Skipped) => 1,
        StepLook::Retry | StepLook::Asks => 2,
        StepLook::Status(StepStatus::Running) => 3,
        StepLook::Status(StepStatus::Succeeded) => 5,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::StepSource;
    use crate::tui::fixture::{RunFixture, info};

    fn run() -> RunState {
        RunFixture::new(vec![info("fetch", "http_get", "http", &[])])
            .ready(0)
            .expand(0, 5)
            .ready(1)
            .ready(2)
            .ready(3)
            .ready(4)
            .ready(5)
            .call(1, 0)
            .call(2, 1)
            .call(3, 2)
            .at(100)
            .end(1, Some(0.004), None, None)
            .done(1, StepSource::Call)
            .at(300)
            .end(2, Some(0.001), Some("no route"), None)
            .fail(2, "no route")
            .call(4, 0)
            .at(350)
            .end(4, Some(0.002), None, None)
            .done(4, StepSource::Call)
            .run
    }

    #[test]
    fn failures_come_first_and_the_figures_are_of_what_has_ended() {
        let run = run();
        let members: Vec<StepIx> = run.steps[0].elements().to_vec();
        let order: Vec<u32> = in_order(&run, &members).iter().map(|ix| ix.0).collect();
        assert_eq!(order, [2, 3, 5, 1, 4]);
        let figures = figures(&run, &members);
        let ms = |ms: u64| Micros(ms * 1_000);
        assert_eq!(
            figures.time,
            Some(Spread {
                min: ms(50),
                median: ms(100),
                max: ms(300),
                total: ms(450)
            })
        );
        let usd = |thousandths: f64| Money::from_usd(thousandths / 1e3);
        assert_eq!(
            figures.cost,
            Some(Spread {
                min: usd(1.0),
                median: usd(2.0),
                max: usd(4.0),
                total: usd(7.0)
            })
        );
        assert_eq!(figures.attempts, 4);
        assert_eq!(figures.counts.iter().sum::<usize>(), 5);
    }
}
