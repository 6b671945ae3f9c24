//! What lies over the panes, each with the state that it needs and no other thing has.

use super::answer_form::AnswerForm;
use super::break_line::BreakLine;
use super::comparison::{RunChoice, SideBySide};
use super::correction::PlanChange;
use super::editor::Editor;
use super::previewed::Previewed;
use super::repairing::Repairing;
use super::search::Search;
use super::setting_line::SettingLine;
use super::structure::Structure;
use super::trying::Trying;
use super::watches::WatchEdit;
use crate::plan::StepIx;
use crate::tui::dashboard::history::EditsDiff;
use crate::tui::input::palette::Palette;
use crate::tui::theme::choice::ThemeChoice;
use std::sync::Arc;

/// Something that is asked before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Leave while the run has not ended.
    Quit,
    /// Stop the run.
    Stop,
    /// Raise the limit that stopped the run.
    Raise,
    /// Skip this step.
    Skip(StepIx),
    /// Fork the run from this step.
    Fork(StepIx),
}

/// A page without frames.
#[derive(Debug)]
pub struct BarePage {
    pub(crate) text: String,
    /// The lines, for a screen of `width` cells.
    pub(crate) lines: Vec<String>,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) scroll: usize,
}

impl BarePage {
    pub(crate) fn new(text: String) -> Self {
        Self {
            text,
            lines: Vec::new(),
            width: 0,
            height: 0,
            scroll: 0,
        }
    }

    /// Scrolls by so many lines, within the page.
    pub(crate) fn scroll_by(&mut self, lines: isize) {
        let most = self.lines.len().saturating_sub(self.height);
        self.scroll = self.scroll.saturating_add_signed(lines).min(most);
    }
}

/// What an edit of the plan changes.
#[derive(Debug)]
pub struct PlanEdit {
    /// What runs again, or what is wrong with the plan.
    pub known: Result<Box<PlanChange>, Arc<str>>,
    /// Lines scrolled down.
    pub scroll: usize,
}

/// The edits of the run as changes of its files.
#[derive(Debug)]
pub struct SaveEdits {
    /// The difference, or why there is none.
    pub known: Result<Box<EditsDiff>, Arc<str>>,
    /// Lines scrolled down.
    pub scroll: usize,
}

/// What lies over the panes.
#[derive(Debug)]
pub enum Overlay {
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
    /// Nothing to see: keys are typed into the search of the page.
    PageSearch,
    /// Nothing to see: keys are typed into the jq line of the page.
    JsonFilter,
    /// The page without frames.
    Bare(BarePage),
    /// Every action with its keys.
    Palette(Palette),
    /// The themes to choose one from, seen at once.
    Themes(Box<ThemeChoice>),
    /// A value that is being edited.
    Editor(Box<Editor>),
    /// The settings of the run, and the line that changes one.
    Settings(SettingLine),
    /// What an edit of the plan changes, or its faults.
    PlanEdit(PlanEdit),
    /// What an edit of the plan's structure would do.
    Structure(Box<Structure>),
    /// What the edits of the run change in its files, before it is written.
    SaveEdits(SaveEdits),
    /// What a command would do, before it is given.
    Previewed(Box<Previewed>),
    /// Repeated calls of a step: their price, and what they answer.
    Trying(Box<Trying>),
    /// A correction of the plan, for which the planner is asked.
    Repairing(Box<Repairing>),
    /// What the server of a running call asks.
    Answer(Box<AnswerForm>),
    /// What happened to this step, whose result is unknown.
    Unknown(StepIx),
    /// When a breakpoint of a step holds.
    Break(BreakLine),
    /// The watch expressions, while they are edited.
    Watches(WatchEdit),
    /// Whether the call of this step may be made.
    Approval(StepIx),
}

impl Overlay {
    /// Whether this question is asked.
    pub(crate) fn asks(overlay: Option<&Self>, question: Question) -> bool {
        matches!(overlay, Some(Self::Question(asked)) if *asked == question)
    }
}
