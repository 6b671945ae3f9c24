//! What a pane needs to know to draw itself.

use crate::plan::StepIx;
use crate::run::{Figures, RunState};
use crate::tui::dashboard::state::step_names::StepNames;
use crate::tui::theme::Theme;
use crate::units::Micros;
use std::collections::BTreeSet;

/// A run as it is looked at in one frame.
#[derive(Clone, Copy)]
pub struct PaneContext<'a> {
    /// The run.
    pub run: &'a RunState,
    /// Its figures, worked out some time before.
    pub figures: &'a Figures,
    /// The ids of its steps, to be cut alike in every view.
    pub names: &'a StepNames,
    /// Steps with a breakpoint.
    pub breakpoints: &'a BTreeSet<StepIx>,
    /// The step that every pane shows as selected.
    pub selected: Option<StepIx>,
    /// The time that is shown.
    pub now: Micros,
    /// Styles and shapes.
    pub theme: &'a Theme,
    /// Whether the selection goes with what runs.
    pub follow: bool,
    /// Whether keys are typed into the filter of the view.
    pub typing: bool,
}
