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
    /// The steps in view, each with where it begins.
    pub steps: Vec<(usize, u16)>,
    /// Cells of a step.
    pub step: u16,
    /// Steps that are not in view, before and after.
    pub hidden: (usize, usize),
    /// Figures of the items.
    pub failed: Option<(u16, u16)>,
    /// Their times.
    pub time: Option<(u16, u16)>,
    /// Their costs.
    pub cost: Option<(u16, u16)>,
}

impl Columns {
    /// The columns in `area` for so many steps with names of so many cells, of which the chosen one is in view. `first` is
    /// the first one in view before, and after.
    pub(super) fn new(
        area: Rect,
        (label, steps, name): (u16, usize, u16),
        chosen: Option<usize>,
        first: &mut usize,
    ) -> Self {
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
        let name = name.clamp(STEP.start, STEP.end);
        let failed = take(FAILED, (name + GAP) * steps.clamp(1, NAMED) as u16);
        // The last one needs no gap: there is one before the figures.
        let room = right.saturating_sub(left) + GAP;
        let fit = usize::from(room / (STEP.start + GAP)).clamp(1, steps.max(1));
        if let Some(chosen) = chosen {
            *first = (*first).clamp((chosen + 1).saturating_sub(fit), chosen);
        }
        *first = (*first).min(steps.saturating_sub(fit));
        let shown = fit.min(steps);
        let step = (room / fit as u16).saturating_sub(GAP).min(STEP.end);
        let mut places = Vec::new();
        for at in *first..*first + shown {
            places.push((at, left));
            left += step + GAP;
        }
        Self {
            label: (area.x, label),
            steps: places,
            step,
            hidden: (*first, steps - shown - *first),
            failed,
            time,
            cost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn columns_stand_side_by_side_within_the_area(
            width in 0u16..300,
            label in 4u16..30,
            steps in 0usize..600,
            name in 0u16..40,
            chosen in prop::option::of(0usize..600),
            before in 0usize..700,
        ) {
            let area = Rect::new(3, 1, width, 10);
            let chosen = chosen.filter(|chosen| *chosen < steps);
            let mut first = before;
            let columns = Columns::new(area, (label, steps, name), chosen, &mut first);
            let mut at = area.x;
            let spans = [columns.label].into_iter()
                .chain(columns.steps.iter().map(|(_, x)| (*x, columns.step)))
                .chain([columns.failed, columns.time, columns.cost].into_iter().flatten());
            for (x, cells) in spans.filter(|(_, cells)| *cells > 0) {
                prop_assert!(x >= at, "{:?}", columns);
                at = x + cells;
            }
            prop_assert!(at <= area.right().max(area.x + 6) + 1, "{} {:?}", at, columns);
            prop_assert_eq!(columns.hidden.0 + columns.steps.len() + columns.hidden.1, steps);
            if let Some(chosen) = chosen {
                prop_assert!(columns.steps.iter().any(|(step, _)| *step == chosen));
            }
        }
    }
}
