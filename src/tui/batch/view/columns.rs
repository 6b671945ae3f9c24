//! Where the columns of the grid stand: the items' names, a column for each step, and the figures of the items.

use ratatui::layout::Rect;
use std::ops::Range;

/// The fewest and the most cells of a step's column, without the gap after it.
const STEP: Range<u16> = 6..26;
/// Steps whose names are to be read before there is a column for failures.
const NAMED: usize = 8;
/// Cells between two columns.
const GAP: u16 = 2;
/// Cells of the figures at the right: failures, time and cost.
const FAILED: u16 = 6;
const TIME: u16 = 6;
const COST: u16 = 8;

/// The columns of the grid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Columns {
    /// The names of the items: where they begin, and their cells.
    pub label: (u16, u16),
    /// The steps in view.
    pub steps: Vec<StepColumn>,
    /// Steps that are not in view, before and after.
    pub hidden: (usize, usize),
    /// Figures of the items.
    pub failed: Option<(u16, u16)>,
    /// Their times.
    pub time: Option<(u16, u16)>,
    /// Their costs.
    pub cost: Option<(u16, u16)>,
}

/// The column of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StepColumn {
    /// Its place in the plan's order.
    pub step: usize,
    /// Where it begins.
    pub x: u16,
    /// Its cells.
    pub cells: u16,
}

impl Columns {
    /// The columns in `area`: `label` cells for the names of the items, and the steps whose names have so many cells, of
    /// which the chosen one is in view. `first` is the first one in view before, and after.
    pub(super) fn new(
        area: Rect,
        label: u16,
        names: &[u16],
        chosen: Option<usize>,
        first: &mut usize,
    ) -> Self {
        let steps = names.len();
        let label = label.min(area.width / 3).max(6.min(area.width));
        let mut right = area.right();
        let mut left = area.x + label + GAP;
        let mut take = |cells: u16, needs: u16| {
            let fits = right.saturating_sub(cells + GAP) >= left + needs;
            fits.then(|| {
                right -= cells + GAP;
                (right + GAP, cells)
            })
        };
        let least = (STEP.start + GAP) * (steps.clamp(1, 3) as u16);
        let cost = take(COST, least);
        let time = take(TIME, least);
        let needed = names.iter().take(NAMED);
        let needed: u16 = needed
            .map(|name| name.clamp(&STEP.start, &STEP.end) + GAP)
            .sum();
        let failed = take(FAILED, needed.max(least));
        // The last one needs no gap: there is one before the figures.
        let room = right.saturating_sub(left) + GAP;
        let fit = usize::from(room / (STEP.start + GAP)).clamp(1, steps.max(1));
        if let Some(chosen) = chosen {
            *first = (*first).clamp((chosen + 1).saturating_sub(fit), chosen);
        }
        *first = (*first).min(steps.saturating_sub(fit));
        let shown = fit.min(steps);
        let shown_names = &names[*first..*first + shown];
        let widths = shared(room.saturating_sub(GAP * shown as u16), shown_names);
        let mut places = Vec::new();
        for (step, cells) in (*first..).zip(widths) {
            let x = left;
            left += cells + GAP;
            places.push(StepColumn { step, x, cells });
        }
        Self {
            label: (area.x, label),
            steps: places,
            hidden: (*first, steps - shown - *first),
            failed,
            time,
            cost,
        }
    }
}

/// The cells of each step where all have so many together: what its name needs, and the rest so that they become alike.
fn shared(room: u16, names: &[u16]) -> Vec<u16> {
    let count = names.len().max(1) as u16;
    let least = (room / count).min(STEP.start);
    let mut cells = vec![least; names.len()];
    let mut left = room.saturating_sub(least * count);
    let needs = names.iter().map(|name| *name.clamp(&STEP.start, &STEP.end));
    let needs: Vec<u16> = needs.collect();
    let most = vec![STEP.end; names.len()];
    for wanted in [needs, most] {
        while left > 0 {
            let narrow = (0..cells.len()).filter(|at| cells[*at] < wanted[*at]);
            let Some(at) = narrow.min_by_key(|at| cells[*at]) else {
                break;
            };
            cells[at] += 1;
            left -= 1;
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_come_before_columns_that_are_alike() {
        assert_eq!(shared(52, &[12, 7, 10, 5, 6]), [12, 10, 10, 10, 10]);
        assert_eq!(shared(100, &[12, 7, 10, 5, 6]), [20; 5]);
        assert_eq!(shared(34, &[12, 7, 10, 5, 6]), [8, 7, 7, 6, 6]);
        assert_eq!(shared(400, &[12, 7]), [STEP.end; 2]);
        assert_eq!(shared(9, &[12, 7]), [5, 4]);
        assert!(shared(9, &[]).is_empty());
    }

    proptest! {
        #[test]
        fn columns_stand_side_by_side_within_the_area(
            width in 0u16..300,
            label in 4u16..30,
            names in proptest::collection::vec(0u16..40, 0..600),
            chosen in prop::option::of(0usize..600),
            before in 0usize..700,
        ) {
            let area = Rect::new(3, 1, width, 10);
            let steps = names.len();
            let chosen = chosen.filter(|chosen| *chosen < steps);
            let mut first = before;
            let columns = Columns::new(area, label, &names, chosen, &mut first);
            let mut at = area.x;
            let spans = [columns.label].into_iter()
                .chain(columns.steps.iter().map(|column| (column.x, column.cells)))
                .chain([columns.failed, columns.time, columns.cost].into_iter().flatten());
            for (x, cells) in spans.filter(|(_, cells)| *cells > 0) {
                prop_assert!(x >= at, "{:?}", columns);
                at = x + cells;
            }
            prop_assert!(at <= area.right().max(area.x + 6) + 1, "{} {:?}", at, columns);
            prop_assert_eq!(columns.hidden.0 + columns.steps.len() + columns.hidden.1, steps);
            if let Some(chosen) = chosen {
                prop_assert!(columns.steps.iter().any(|column| column.step == chosen));
            }
        }
    }
}
