//! What every view of the run can do, so that nothing outside of a view's folder has to know which views there are.

use super::pane_context::PaneContext;
use crate::plan::StepIx;
use crate::run::RunState;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

/// Where an arrow key points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// To a lower row number.
    Up,
    /// To a higher row number.
    Down,
    /// To a lower column number.
    Left,
    /// To a higher column number.
    Right,
}

impl Direction {
    /// The other way.
    #[must_use]
    pub(crate) const fn opposite(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }

    /// The rows that it leads on: -1, 0 or 1.
    pub(crate) const fn rows(self) -> isize {
        match self {
            Self::Up => -1,
            Self::Down => 1,
            Self::Left | Self::Right => 0,
        }
    }
}

/// The result of folding or unfolding a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoldResult {
    /// This step is to be selected now, where it is one.
    Select(Option<StepIx>),
    /// This is to be said to the user.
    Say(String),
}

/// What stands in the border below a view.
pub(crate) type Caption = String;

/// A view of the run. Steps that it gives are to be selected; `None` leaves the selection as it is.
pub trait Pane {
    /// Takes in which steps there are in the run as it is now, whatever event of it is shown.
    fn sync(&mut self, _latest: &RunState) {}
    /// The step to which an arrow key leads.
    fn go(
        &mut self,
        run: &RunState,
        selected: Option<StepIx>,
        towards: Direction,
    ) -> Option<StepIx>;
    /// The step at the beginning.
    fn first(&mut self) -> Option<StepIx>;
    /// The step at the end.
    fn last(&mut self, run: &RunState) -> Option<StepIx>;
    /// The step `pages` on, or back. A view that moves what it shows instead gives none.
    fn page(&mut self, run: &RunState, selected: Option<StepIx>, pages: isize) -> Option<StepIx>;
    /// The step at a cell of the screen that was clicked, as of the last frame.
    fn hit(&mut self, run: &RunState, at: Position) -> Option<StepIx>;
    /// Turns the wheel over a cell of the screen, by so many columns and rows.
    fn scroll(&mut self, at: Position, columns: i32, rows: i32);
    /// Moves what is shown by so many columns and rows, as the pointer drags it.
    fn pan(&mut self, columns: i32, rows: i32);
    /// Brings the selected step into view in the next frame.
    fn keep_visible(&mut self, selected: Option<StepIx>);
    /// Whether a later frame shows more although nothing more happens.
    fn is_behind(&self) -> bool;
    /// Draws the view; gives what stands in its border.
    fn draw(&mut self, buf: &mut Buffer, area: Rect, context: &PaneContext<'_>) -> Caption;

    /// Whether more or less detail can be shown.
    fn can_zoom(&self) -> bool {
        false
    }
    /// Shows more detail (1) or less (-1).
    fn zoom(&mut self, _by: i8, _run: &RunState, _selected: Option<StepIx>) {}
    /// Shows the detail that fits.
    fn fit(&mut self, _selected: Option<StepIx>) {}
    /// Whether what is shown goes on to the left and to the right.
    fn can_shift(&self) -> bool {
        false
    }
    /// Goes on to the left (-1) or to the right (1).
    fn shift(&mut self, _by: i32) {}
    /// Whether steps can be folded.
    fn can_fold(&self) -> bool {
        false
    }
    /// Folds or unfolds what the step is part of.
    fn fold(&mut self, _run: &RunState, _step: StepIx) -> Option<FoldResult> {
        None
    }
    /// Whether a map of the whole is at this cell of the screen.
    fn has_map_at(&self, _at: Position) -> bool {
        false
    }
    /// Shows what a cell of the map stands for.
    fn show_on_map(&mut self, _at: Position) {}
}
