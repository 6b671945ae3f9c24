//! Things side by side: attempts of one step, and the run compared with another run of its plan.

use super::model::Model;
use crate::plan::StepIx;
use crate::run::{Comparison, StepState, Verdict};
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
    /// They cannot be told.
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

impl Model {
    /// The pairs that the selected step has.
    pub fn pairs(&self) -> Vec<Pair> {
        let Some(row) = self.row() else {
            return Vec::new();
        };
        let attempts = (1..row.attempts.len()).map(|at| Pair::Attempts(at - 1));
        let twin = self.twin(row).map(|_| Pair::Runs);
        attempts.chain(twin).collect()
    }

    /// The same step in the run that this one is held against.
    pub fn twin(&self, row: &StepState) -> Option<&StepState> {
        self.against.as_ref()?.comparison.row(&row.info.id)
    }

    /// How a step stands to the other run, where there is one.
    pub fn verdict(&self, ix: StepIx) -> Option<Verdict> {
        Some(self.against.as_ref()?.comparison.of(ix))
    }

    /// Takes in what changed in the run shown.
    pub(crate) fn keep_comparison(&mut self) {
        if let Some(against) = &mut self.against
            && against.comparison.refresh(&self.run)
        {
            self.panes
                .graph
                .set_differing(against.comparison.differing());
        }
    }

    /// Holds the run against no other any more.
    pub(crate) fn end_comparison(&mut self) {
        self.against = None;
        self.panes.graph.set_differing(std::iter::empty());
    }
}
