//! Repeated calls of one step on its recorded input: their price, and what they answer.

use super::editor::Editor;
use crate::plan::StepIx;
use crate::run::{CallEdit, GivenCall, RepeatPrice, Repeats};
use std::sync::Arc;

/// How many calls can be chosen.
const TIMES: [u32; 9] = [1, 2, 3, 5, 10, 20, 50, 100, 200];
/// How many are chosen at first.
const AT_FIRST: usize = 3;

/// What is known of repeated calls that were started.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// What came of those that have ended.
    pub repeats: Repeats,
    /// Whether no more follow.
    pub is_over: bool,
}

/// How far they are.
#[derive(Debug, PartialEq)]
pub(crate) enum Stage {
    /// Their price is shown, where it is known by now.
    Priced(Option<Result<RepeatPrice, Arc<str>>>),
    /// They are being made.
    Running(Option<Box<Repeats>>),
    /// The user has stopped them; those that are running end.
    Stopping(Option<Box<Repeats>>),
    /// They have ended, or could not be made.
    Over(Result<Box<Repeats>, Arc<str>>),
}

/// A line of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ending<'a> {
    /// An answer that some calls gave.
    Answer(&'a crate::run::EqualAnswers),
    /// Why some calls failed.
    Failure(&'a crate::run::EqualFailures),
}

/// Repeated calls of a step.
#[derive(Debug)]
pub struct Trying {
    /// The number of the question.
    pub(crate) number: u64,
    pub(crate) step: StepIx,
    /// Its id.
    pub(crate) id: Arc<str>,
    /// The prompt and the model, where they are not those that the step has in the run.
    pub(crate) call: GivenCall,
    /// The edit after which the step is called so; `None` where it is called so already.
    pub(crate) edit: Option<CallEdit>,
    /// Where the prompt was typed, to go back to.
    pub(crate) editor: Option<Box<Editor>>,
    times: usize,
    pub(crate) stage: Stage,
    /// What one call costs.
    pub(crate) price: Option<RepeatPrice>,
    /// The chosen line of the table.
    pub(crate) chosen: usize,
}

impl Trying {
    pub(crate) fn new(number: u64, (step, id): (StepIx, Arc<str>), call: GivenCall) -> Self {
        Self {
            number,
            step,
            id,
            call,
            edit: None,
            editor: None,
            times: AT_FIRST,
            stage: Stage::Priced(None),
            price: None,
            chosen: 0,
        }
    }

    /// How many calls there are to be.
    pub(crate) fn times(&self) -> u32 {
        TIMES.get(self.times).copied().unwrap_or(1)
    }

    /// Chooses more calls, or fewer.
    pub(crate) fn change_times(&mut self, more: bool) {
        self.times = if more {
            (self.times + 1).min(TIMES.len() - 1)
        } else {
            self.times.saturating_sub(1)
        };
    }

    /// What came of the calls so far.
    pub(crate) fn repeats(&self) -> Option<&Repeats> {
        match &self.stage {
            Stage::Priced(_) | Stage::Over(Err(_)) => None,
            Stage::Running(repeats) | Stage::Stopping(repeats) => repeats.as_deref(),
            Stage::Over(Ok(repeats)) => Some(repeats),
        }
    }

    /// The lines of the table: answers, then failures.
    pub(crate) fn endings(&self) -> Vec<Ending<'_>> {
        let Some(repeats) = self.repeats() else {
            return Vec::new();
        };
        let answers = repeats.agreement.answers.iter().map(Ending::Answer);
        let failures = repeats.failures.iter().map(Ending::Failure);
        answers.chain(failures).collect()
    }

    /// Chooses another line.
    pub(crate) fn choose(&mut self, by: isize) {
        let last = self.endings().len().saturating_sub(1);
        self.chosen = self.chosen.saturating_add_signed(by).min(last);
    }

    /// Takes in what came of the calls.
    pub(crate) fn take(&mut self, tried: Result<Box<Tried>, Arc<str>>) {
        self.stage = match (tried, &self.stage) {
            (Err(why), _) => Stage::Over(Err(why)),
            (Ok(tried), _) if tried.is_over => Stage::Over(Ok(Box::new(tried.repeats))),
            (Ok(tried), Stage::Stopping(_)) => Stage::Stopping(Some(Box::new(tried.repeats))),
            (Ok(tried), _) => Stage::Running(Some(Box::new(tried.repeats))),
        };
        self.choose(0);
    }
}
