//! The table as a view of the run.

use super::pane::Table;
use crate::plan::StepIx;
use crate::run::RunState;
use crate::tui::dashboard::panes::pane::{Caption, Direction, FoldResult, Pane};
use crate::tui::dashboard::panes::pane_context::PaneContext;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

impl Pane for Table {
    fn can_shift(&self) -> bool {
        true
    }

    /// Sorts by the column on the left or on the right.
    fn shift(&mut self, by: i32) {
        self.move_sort(by as isize);
    }

    fn go(&mut self, run: &RunState, selected: Option<StepIx>, to: Direction) -> Option<StepIx> {
        match (selected, to) {
            (Some(step), Direction::Left) => Table::fold(self, run, step, false),
            (Some(step), Direction::Right) => Table::fold(self, run, step, true),
            _ => Table::go(self, run, selected, to.rows()),
        }
    }

    fn first(&mut self) -> Option<StepIx> {
        Table::first(self)
    }

    fn last(&mut self, _: &RunState) -> Option<StepIx> {
        Table::last(self)
    }

    fn page(&mut self, run: &RunState, selected: Option<StepIx>, pages: isize) -> Option<StepIx> {
        Table::go(self, run, selected, pages * Table::page(self))
    }

    fn hit(&mut self, _: &RunState, at: Position) -> Option<StepIx> {
        self.click(at)
    }

    fn scroll(&mut self, _: Position, _: i32, rows: i32) {
        Table::scroll(self, rows as isize);
    }

    fn pan(&mut self, _: i32, rows: i32) {
        Table::scroll(self, rows as isize);
    }

    fn keep_visible(&mut self, _: Option<StepIx>) {
        Table::keep_visible(self);
    }

    fn is_behind(&self) -> bool {
        Table::is_behind(self)
    }

    fn draw(&mut self, buf: &mut Buffer, area: Rect, context: &PaneContext<'_>) -> Caption {
        Table::draw(self, buf, area, context, context.typing)
    }

    fn can_fold(&self) -> bool {
        true
    }

    fn fold(&mut self, run: &RunState, step: StepIx) -> Option<FoldResult> {
        let unfolded = Table::fold(self, run, step, true);
        let next = unfolded.or_else(|| Table::fold(self, run, step, false));
        Some(FoldResult::Select(next))
    }
}
