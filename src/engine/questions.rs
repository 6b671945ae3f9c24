//! The questions of running calls, and the answers that were given before the run.

use super::calls::Asked;
use crate::plan::StepIx;
use crate::run::Answer;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// The questions of running calls.
#[derive(Default)]
pub(super) struct Questions {
    /// The first one of each row is asked at present.
    pub open: HashMap<StepIx, VecDeque<Asked>>,
    /// The answers that were given before the run, by row or step.
    given: HashMap<Arc<str>, VecDeque<Answer>>,
}

impl Questions {
    /// None yet, with these answers for those that will come.
    pub(super) fn with(answers: &[(Arc<str>, Answer)]) -> Self {
        let mut given: HashMap<Arc<str>, VecDeque<Answer>> = HashMap::new();
        for (step, answer) in answers {
            let of_step = given.entry(Arc::clone(step)).or_default();
            of_step.push_back(answer.clone());
        }
        Self {
            open: HashMap::new(),
            given,
        }
    }

    /// Whether a call waits for an answer.
    pub(super) fn is_waiting(&self) -> bool {
        !self.open.is_empty()
    }

    /// The next of the answers that were given; the last one is given again.
    pub(super) fn given(&mut self, id: &str, step: &str) -> Option<Answer> {
        let name = if self.given.contains_key(id) {
            id
        } else {
            step
        };
        let answers = self.given.get_mut(name)?;
        if answers.len() > 1 {
            return answers.pop_front();
        }
        answers.front().cloned()
    }
}
