//! The DAG as a view of the run.

use super::folds::Folded;
use super::pane::GraphPane;
use crate::plan::StepIx;
use crate::run::RunState;
use crate::text::format;
use crate::tui::dashboard::panes::pane::{Caption, Direction, FoldResult, Pane};
use crate::tui::dashboard::panes::pane_context::PaneContext;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

impl Pane for GraphPane {
    fn sync(&mut self, latest: &RunState) {
        GraphPane::sync(self, latest);
    }

    fn go(&mut self, _: &RunState, selected: Option<StepIx>, to: Direction) -> Option<StepIx> {
        match selected {
            Some(step) => self.neighbour(step, to),
            None => GraphPane::first(self),
        }
    }

    fn first(&mut self) -> Option<StepIx> {
        GraphPane::first(self)
    }

    fn last(&mut self, run: &RunState) -> Option<StepIx> {
        let steps = run.steps.len();
        steps.checked_sub(1).map(|at| StepIx(at as u32))
    }

    fn page(&mut self, _: &RunState, _: Option<StepIx>, pages: isize) -> Option<StepIx> {
        self.pan_page(pages as i32);
        None
    }

    fn hit(&mut self, _: &RunState, at: Position) -> Option<StepIx> {
        GraphPane::hit(self, at.x, at.y)
    }

    fn scroll(&mut self, at: Position, columns: i32, rows: i32) {
        self.wheel(at.x, at.y, columns, rows);
    }

    fn pan(&mut self, columns: i32, rows: i32) {
        GraphPane::pan(self, columns, rows);
    }

    fn keep_visible(&mut self, selected: Option<StepIx>) {
        if let Some(step) = selected {
            GraphPane::keep_visible(self, step);
        }
    }

    fn is_behind(&self) -> bool {
        self.is_busy()
    }

    fn draw(&mut self, buf: &mut Buffer, area: Rect, context: &PaneContext<'_>) -> Caption {
        self.resize(area.as_size(), context.selected);
        let PaneContext {
            run,
            selected,
            now,
            theme,
            ..
        } = *context;
        GraphPane::draw(self, buf, area, run, selected, now, theme);
        Caption::new()
    }

    fn can_zoom(&self) -> bool {
        true
    }

    fn zoom(&mut self, by: i8, _: &RunState, selected: Option<StepIx>) {
        GraphPane::zoom(self, by);
        Pane::keep_visible(self, selected);
    }

    fn fit(&mut self, selected: Option<StepIx>) {
        GraphPane::fit(self);
        Pane::keep_visible(self, selected);
    }

    fn can_fold(&self) -> bool {
        true
    }

    fn fold(&mut self, run: &RunState, step: StepIx) -> Option<FoldResult> {
        let words = match GraphPane::fold(self, run, step) {
            Some(Folded::Closed(steps)) => format!("{} folded", format::count(steps, "step")),
            Some(Folded::Opened(steps)) => format!("{} unfolded", format::count(steps, "step")),
            None => "nothing to fold here: nothing waits for this step alone".to_owned(),
        };
        GraphPane::keep_visible(self, step);
        Some(FoldResult::Say(words))
    }

    fn has_map_at(&self, at: Position) -> bool {
        self.on_map(at.x, at.y)
    }

    fn show_on_map(&mut self, at: Position) {
        self.look_at_map(at.x, at.y);
    }
}
