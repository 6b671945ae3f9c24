//! The cost view as a view of the run.

use super::pane::CostPane;
use crate::plan::StepIx;
use crate::run::RunState;
use crate::tui::dashboard::panes::pane::{Caption, Direction, Pane};
use crate::tui::dashboard::panes::pane_context::PaneContext;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

impl Pane for CostPane {
    fn go(&mut self, run: &RunState, selected: Option<StepIx>, to: Direction) -> Option<StepIx> {
        CostPane::go(self, run, selected, to.rows())
    }

    fn first(&mut self) -> Option<StepIx> {
        CostPane::first(self)
    }

    fn last(&mut self, _: &RunState) -> Option<StepIx> {
        CostPane::last(self)
    }

    fn page(&mut self, run: &RunState, selected: Option<StepIx>, pages: isize) -> Option<StepIx> {
        let rows = pages * CostPane::page(self);
        CostPane::go(self, run, selected, rows)
    }

    fn hit(&mut self, _: &RunState, at: Position) -> Option<StepIx> {
        self.click(at)
    }

    fn scroll(&mut self, _: Position, _: i32, rows: i32) {
        CostPane::scroll(self, rows as isize);
    }

    fn pan(&mut self, _: i32, rows: i32) {
        CostPane::scroll(self, rows as isize);
    }

    fn keep_visible(&mut self, _: Option<StepIx>) {
        CostPane::keep_visible(self);
    }

    fn is_behind(&self) -> bool {
        CostPane::is_behind(self)
    }

    fn draw(&mut self, buf: &mut Buffer, area: Rect, context: &PaneContext<'_>) -> Caption {
        CostPane::draw(self, buf, area, context)
    }
}
