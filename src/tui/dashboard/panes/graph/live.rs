//! What a node says of an answer that is arriving.

use super::card::Card;
use super::text;
use crate::plan::StepIx;
use crate::run::{LiveAnswers, RunState, StepState};
use std::collections::HashMap;

/// How fast the answer of one step arrives, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arriving {
    /// `35 tok/s`; `None` while there is one part.
    speed: Option<String>,
    /// `first 0.4s`: the time to the first part.
    first: String,
}

/// How fast answers arrive, by their steps.
pub(super) type Live = HashMap<StepIx, Arriving>;

/// The words for these answers.
pub(super) fn words(answers: &LiveAnswers, run: &RunState) -> Live {
    let words = answers.iter().filter_map(|(step, answer)| {
        let attempt = run
            .steps
            .get(step.at())
            .and_then(StepState::running_attempt)?;
        let first = text::span(answer.first? - attempt.started);
        let speed = answer.tokens_per_second();
        let arriving = Arriving {
            speed: speed.map(|speed| format!("{speed:.0} tok/s")),
            first: format!("first {first}"),
        };
        Some((*step, arriving))
    });
    words.collect()
}

impl Card {
    /// Adds how fast the answer arrives, as far as there is room.
    pub(super) fn arriving(&mut self, arriving: &Arriving) {
        let time = self.time.clone();
        let Arriving { speed, first } = arriving;
        let lines = match speed {
            Some(speed) => [
                format!("{time}  {speed}  {first}"),
                format!("{time}  {speed}"),
            ],
            None => [format!("{time}  {first}"), time],
        };
        self.lines.splice(0..0, lines);
    }
}
