//! The timeline as a view of the run.

use super::pane::Timeline;
use crate::plan::StepIx;
use crate::run::RunState;
use crate::tui::dashboard::panes::pane::{Caption, Direction, Pane};
use crate::tui::dashboard::panes::pane_context::PaneContext;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

impl Pane for Timeline {
    fn go(&mut self, run: &RunState, selected: Option<StepIx>, to: Direction) -> Option<StepIx> {
        Timeline::go(self, run, selected, to)
    }

    fn first(&mut self) -> Option<StepIx> {
        Timeline::first(self)
    }

    fn last(&mut self, run: &RunState) -> Option<StepIx> {
        Timeline::last(self, run)
    }

    fn page(&mut self, run: &RunState, selected: Option<StepIx>, pages: isize) -> Option<StepIx> {
        Timeline::page(self, run, selected, pages)
    }

    fn hit(&mut self, run: &RunState, at: Position) -> Option<StepIx> {
        Timeline::hit(self, run, at)
    }

    fn scroll(&mut self, _: Position, columns: i32, rows: i32) {
        Timeline::pan(self, columns, rows);
    }

    fn pan(&mut self, columns: i32, rows: i32) {
        Timeline::pan(self, columns, rows);
    }

    fn keep_visible(&mut self, _: Option<StepIx>) {
        Timeline::keep_visible(self);
    }

    fn is_behind(&self) -> bool {
        Timeline::is_behind(self)
    }

    fn draw(&mut self, buf: &mut Buffer, area: Rect, context: &PaneContext<'_>) -> Caption {
        Timeline::draw(self, buf, area, context, context.follow)
    }

    fn can_zoom(&self) -> bool {
        true
    }

    fn zoom(&mut self, by: i8, run: &RunState, selected: Option<StepIx>) {
        Timeline::zoom(self, by, run, selected);
    }

    fn fit(&mut self, _: Option<StepIx>) {
        Timeline::fit(self);
    }
}
