//! What lies over the panes, each with the state that it needs and no other thing has.

use super::comparison::{RunChoice, SideBySide};
use super::editor::Editor;
use super::palette::Palette;
use super::search::Search;
use crate::plan::StepIx;

/// Something that is asked before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Leave while the run has not ended.
    Quit,
    /// Stop the run.
    Stop,
    /// Skip this step.
    Skip(StepIx),
    /// Fork the run from this step.
    Fork(StepIx),
}

/// What lies over the panes.
#[derive(Debug)]
pub enum Overlay {
    /// The keys, scrolled by this many lines.
    Help(usize),
    /// A question.
    Question(Question),
    /// Two attempts of the selected step, or the step in two runs, side by side.
    SideBySide(SideBySide),
    /// The runs to choose one from to compare with.
    Runs(RunChoice),
    /// Why the selected step was called, scrolled by this many lines.
    Explain(usize),
    /// The final result, scrolled by this many lines.
    Result(usize),
    /// The search for a step. The best match is shown while the user types.
    Search(Search),
    /// Nothing to see: keys are typed into the filter of the table.
    Filter,
    /// Every action by its name.
    Palette(Palette),
    /// A value that is being edited.
    Editor(Box<Editor>),
    /// What happened to this step, whose result is unknown.
    Unknown(StepIx),
}

impl Overlay {
    /// Whether this question is asked.
    pub(crate) fn asks(overlay: Option<&Self>, question: Question) -> bool {
        matches!(overlay, Some(Self::Question(asked)) if *asked == question)
    }
}
