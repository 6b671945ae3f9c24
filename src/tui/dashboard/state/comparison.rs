//! Things side by side: attempts of one step, and the run compared with another run of its plan.

use crate::plan::StepIx;
use crate::run::Comparison;
use crate::tui::dashboard::history::PastRun;
use ratatui::text::Line;
use std::sync::Arc;

/// The run that the one shown is compared with.
#[derive(Debug)]
pub struct Against {
    /// Which it is.
    pub run: PastRun,
    /// How they differ.
    pub comparison: Comparison,
}

/// The runs to choose from.
#[derive(Debug, Default)]
pub enum Runs {
    /// They have been asked for.
    #[default]
    Asked,
    /// Here they are.
    Found(Vec<PastRun>),
    /// They cannot be listed.
    Failed(Arc<str>),
}

/// The choice of another run to compare with.
#[derive(Debug, Default)]
pub struct RunChoice {
    /// The runs to choose from.
    pub runs: Runs,
    /// The one among them that Enter takes.
    pub chosen: usize,
    /// Whether one was taken that is being read.
    pub reading: bool,
}

/// What is drawn, until something changes that it depends on: the step, the pair, the width, and the event.
pub(crate) type DrawnKey = (Option<StepIx>, usize, u16, usize);

/// Two things that are shown side by side.
#[derive(Debug, Default)]
pub struct SideBySide {
    /// The pair that is shown, from 0.
    pub pair: usize,
    /// Lines scrolled down.
    pub scroll: usize,
    /// Lines in all and lines shown, when it was last drawn.
    pub extent: (usize, usize),
    pub(crate) drawn: Option<(DrawnKey, Vec<Line<'static>>)>,
}

/// Two things to be shown side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pair {
    /// Two attempts of the selected step, by position, the second the one after the first.
    Attempts(usize),
    /// The selected step in the other run, and in this one.
    Runs,
}
