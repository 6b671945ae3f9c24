//! The grid of a group: what is chosen in it, and how it was drawn last.

use crate::plan::StepIx;
use ratatui::layout::{Position, Rect};

/// What is chosen in the grid of a group, and how it was drawn last.
#[derive(Debug, Default)]
pub(crate) struct GroupGrid {
    /// The group, by its step.
    pub of: Option<StepIx>,
    /// The member that was gone into: its page is its own, although it stands for its group.
    pub entered: Option<StepIx>,
    /// The member that is chosen.
    pub chosen: Option<StepIx>,
    /// The first row in view.
    pub first_row: usize,
    /// The members in the order in which they are drawn.
    pub order: Vec<StepIx>,
    /// Where they are drawn.
    pub area: Rect,
    /// Members in a row.
    pub columns: usize,
    /// Cells from one to the next.
    pub pitch: usize,
}

impl GroupGrid {
    /// The place of the chosen member; the first where none is chosen.
    pub(crate) fn place(&self) -> usize {
        let place = self.order.iter().position(|ix| Some(*ix) == self.chosen);
        place.unwrap_or(0)
    }

    /// Chooses the member so many places on.
    pub(crate) fn move_by(&mut self, by: isize) {
        let last = self.order.len().saturating_sub(1);
        let place = self.place().saturating_add_signed(by).min(last);
        self.chosen = self.order.get(place).copied();
    }

    /// Chooses the member so many rows on; the first or the last with the least or the greatest number.
    pub(crate) fn move_rows(&mut self, rows: isize) {
        match rows {
            isize::MIN | isize::MAX => self.move_by(rows),
            rows => {
                let columns = self.columns.max(1) as isize;
                let place = self.place() as isize + rows.saturating_mul(columns);
                // Beyond an end, the column is kept.
                let last = self.order.len() as isize - 1;
                if (0..=last).contains(&place) {
                    self.move_by(rows.saturating_mul(columns));
                } else {
                    self.move_by(if rows < 0 { isize::MIN } else { isize::MAX });
                }
            }
        }
    }

    /// The member that is drawn at this place.
    pub(crate) fn at(&self, at: Position) -> Option<StepIx> {
        if !self.area.contains(at) || self.pitch == 0 {
            return None;
        }
        let column = usize::from(at.x - self.area.x) / self.pitch;
        let row = self.first_row + usize::from(at.y - self.area.y);
        let place = row * self.columns + column;
        self.order
            .get(place)
            .copied()
            .filter(|_| column < self.columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_can_be_chosen() {
        let mut grid = GroupGrid {
            order: (0..5_000).map(StepIx).collect(),
            columns: 40,
            ..GroupGrid::default()
        };
        grid.move_rows(1);
        assert_eq!(grid.chosen, Some(StepIx(40)));
        grid.move_by(-1);
        assert_eq!(grid.chosen, Some(StepIx(39)));
        grid.move_rows(98);
        grid.move_by(41);
        assert_eq!(grid.chosen, Some(StepIx(4_000)));
        grid.move_rows(isize::MAX);
        assert_eq!(grid.chosen, Some(StepIx(4_999)));
        grid.move_rows(7);
        assert_eq!(grid.chosen, Some(StepIx(4_999)));
        grid.move_rows(isize::MIN);
        grid.move_by(-9);
        assert_eq!(grid.chosen, Some(StepIx(0)));
        let mut empty = GroupGrid::default();
        empty.move_by(1);
        empty.move_rows(-1);
        assert_eq!((empty.chosen, empty.at(Position::new(0, 0))), (None, None));
    }
}
