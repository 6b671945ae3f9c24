//! Which part of the items is in view, and how many stand in one row.

use std::ops::Range;

/// Up to so many times as many items as rows have rows of their own, through which one scrolls.
const SCROLLED: usize = 3;

/// The part of the ordered items that is in view. Where there are more items than rows, a row stands for several; going
/// into such a row shows its items alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The parts that were gone into, the innermost last: places in the order.
    spans: Vec<Range<usize>>,
    /// Whether every item has a row of its own, through which one scrolls.
    pub listed: bool,
    /// The chosen place in the order: the first of its row.
    pub chosen: usize,
    /// The first row in view.
    top: usize,
    /// Rows that there is room for.
    rows: usize,
    /// Items in the order.
    count: usize,
}

impl Window {
    /// The items in view or scrolled through.
    pub(super) fn span(&self) -> Range<usize> {
        let all = 0..self.count;
        match self.spans.last() {
            Some(span) => span.start.min(self.count)..span.end.min(self.count),
            None => all,
        }
    }

    /// Items in a row.
    pub(super) fn per_row(&self) -> usize {
        let (count, rows) = (self.span().len(), self.rows.max(1));
        if self.listed || count <= rows * SCROLLED {
            1
        } else {
            count.div_ceil(rows)
        }
    }

    fn row_of(&self, place: usize) -> usize {
        (place.saturating_sub(self.span().start)) / self.per_row()
    }

    /// Rows that there are, in view or not.
    fn all_rows(&self) -> usize {
        self.span().len().div_ceil(self.per_row())
    }

    /// Says how much room and how many items there are, and keeps what is chosen in view.
    pub(super) fn fit(&mut self, rows: usize, count: usize) {
        self.rows = rows;
        self.count = count;
        while self.spans.last().is_some_and(|span| span.start >= count) {
            self.spans.pop();
        }
        let span = self.span();
        self.chosen = self
            .chosen
            .clamp(span.start, span.end.max(span.start + 1) - 1);
        let row = self.row_of(self.chosen);
        self.top = self.top.min(row);
        if rows > 0 && row >= self.top + rows {
            self.top = row + 1 - rows;
        }
        self.top = self.top.min(self.all_rows().saturating_sub(rows));
    }

    /// The rows in view: the places of their items.
    pub(super) fn rows(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let (span, per) = (self.span(), self.per_row());
        let last = self.all_rows().min(self.top + self.rows);
        (self.top..last).map(move |row| {
            let from = span.start + row * per;
            from..(from + per).min(span.end)
        })
    }

    /// The chosen row among those in view.
    pub(super) fn chosen_row(&self) -> usize {
        self.row_of(self.chosen).saturating_sub(self.top)
    }

    /// The places of the items of the chosen row.
    pub(super) fn chosen_span(&self) -> Range<usize> {
        let (span, per) = (self.span(), self.per_row());
        let from = span.start + self.row_of(self.chosen) * per;
        from.min(span.end)..(from + per).min(span.end)
    }

    /// Chooses the row so many rows on.
    pub(super) fn move_by(&mut self, rows: isize) {
        let last = self.all_rows().saturating_sub(1);
        let row = self
            .row_of(self.chosen)
            .saturating_add_signed(rows)
            .min(last);
        self.chosen = self.span().start + row * self.per_row();
        self.fit(self.rows, self.count);
    }

    /// Chooses the row in view at this place, where there is one; whether it was chosen before.
    pub(super) fn choose_row(&mut self, row: usize) -> Option<bool> {
        let found = self.rows().nth(row)?;
        let was = self.chosen_span() == found;
        self.chosen = found.start;
        Some(was)
    }

    pub(super) fn page(&self) -> isize {
        self.rows.saturating_sub(1).max(1) as isize
    }

    /// Goes into the chosen row; whether it has several items.
    pub(super) fn go_in(&mut self) -> bool {
        let span = self.chosen_span();
        if span.len() <= 1 {
            return false;
        }
        self.chosen = span.start;
        self.top = 0;
        self.spans.push(span);
        self.fit(self.rows, self.count);
        true
    }

    /// Goes back to what it was gone in from; whether there was something.
    pub(super) fn go_out(&mut self) -> bool {
        if std::mem::take(&mut self.listed) {
            self.fit(self.rows, self.count);
            return true;
        }
        let Some(span) = self.spans.pop() else {
            return false;
        };
        self.chosen = span.start;
        self.top = 0;
        self.fit(self.rows, self.count);
        true
    }

    /// Whether [`Window::go_out`] would do something.
    pub(super) fn is_inside(&self) -> bool {
        self.listed || !self.spans.is_empty()
    }

    /// Shows all, from the beginning.
    pub(super) fn reset(&mut self) {
        self.spans.clear();
        (self.chosen, self.top) = (0, 0);
    }

    /// The first row in view, the end of those in view, and all rows.
    pub(super) fn scroll(&self) -> (usize, usize, usize) {
        let all = self.all_rows();
        (self.top, all.min(self.top + self.rows), all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(rows: usize, count: usize) -> Window {
        let mut window = Window::default();
        window.fit(rows, count);
        window
    }

    #[test]
    fn every_item_can_be_reached_by_going_in() {
        let mut window = window(9, 100_000);
        window.move_by(4);
        let mut depth = 0;
        while window.go_in() {
            depth += 1;
            window.move_by(3);
        }
        assert_eq!(depth, 4);
        assert_eq!(window.chosen_span().len(), 1);
        let place = window.chosen;
        assert!((44_448..55_560).contains(&place), "{place}");
        while window.go_out() {}
        assert_eq!(window.span(), 0..100_000);
        assert!(window.chosen_span().contains(&44_448));
    }

    #[test]
    fn rows_cover_all_items_once() {
        for count in [0, 1, 8, 9, 10, 12, 1_000, 99_999] {
            let window = window(9, count);
            let mut next = 0;
            for row in window.rows() {
                assert_eq!(row.start, next);
                next = row.end;
            }
            assert!(
                next == count || window.per_row() == 1 && next == 9,
                "{count}"
            );
        }
    }

    #[test]
    fn a_list_scrolls_and_stays_in_its_bounds() {
        let mut window = window(10, 1_000);
        window.listed = true;
        window.move_by(15);
        assert_eq!(window.chosen, 15);
        assert!(window.rows().any(|row| row == (15..16)));
        window.move_by(isize::MAX);
        assert_eq!((window.chosen, window.scroll()), (999, (990, 1000, 1000)));
        window.fit(10, 3);
        assert_eq!(window.chosen, 2);
        window.move_by(isize::MIN);
        assert_eq!(window.chosen, 0);
        window.fit(0, 0);
        window.move_by(1);
        assert_eq!((window.chosen, window.go_in()), (0, false));
    }
}
