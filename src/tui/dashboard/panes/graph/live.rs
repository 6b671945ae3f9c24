//! What a node says of an answer that is arriving.

use super::card::Card;
use super::detail::Detail;
use crate::plan::StepIx;
use crate::run::{LiveAnswer, LiveAnswers, RunState, StepState};
use crate::text::{format, line, thoughts};
use crate::tui::Theme;
use std::collections::HashMap;

/// Bytes of an answer that are looked at.
const LOOKED_AT: usize = 400;

/// How fast the answer of one step arrives, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arriving {
    /// `35 tok/s`; `None` while there is one part.
    speed: Option<String>,
    /// `first 0.4s`: the time to the first part.
    first: String,
    /// The end of the answer, in one line; of the thoughts where there is no answer yet.
    end: String,
    /// Whether it is thoughts.
    thinks: bool,
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
        let first = format::duration(answer.first? - attempt.started);
        let speed = answer.tokens_per_second();
        let (end, thinks) = end(answer);
        let arriving = Arriving {
            speed: speed.map(|speed| format!("{speed:.0} tok/s")),
            first: format!("first {first}"),
            end,
            thinks,
        };
        Some((*step, arriving))
    });
    words.collect()
}

/// The end of what has arrived, and whether it is thoughts.
fn end(answer: &LiveAnswer) -> (String, bool) {
    let (text, thought) = thoughts::split(&answer.text);
    let (words, thinks) = match (text.trim(), thought.trim()) {
        ("", "") => (answer.reasoning.trim(), true),
        ("", thought) => (thought, true),
        (text, _) => (text, false),
    };
    let mut from = words.len().saturating_sub(LOOKED_AT);
    while !words.is_char_boundary(from) {
        from += 1;
    }
    let words: Vec<&str> = words[from..].split_whitespace().collect();
    (line(&words.join(" ")), thinks)
}

impl Arriving {
    /// The lines of a card: the end of the answer, and how fast it comes.
    pub(super) fn details(&self, lines: usize, theme: &Theme) -> Vec<Detail> {
        let style = if self.thinks { theme.dim } else { theme.text };
        let rows = lines.saturating_sub(1);
        let speed = match &self.speed {
            Some(speed) => vec![format!("{speed}  {}", self.first), speed.clone()],
            None => vec![self.first.clone()],
        };
        vec![
            Detail::End(self.end.clone(), style, rows),
            Detail::Words(speed, theme.dim),
        ]
    }
}

impl Card {
    /// Adds how fast the answer arrives, as far as there is room.
    pub(super) fn arriving(&mut self, arriving: &Arriving) {
        let time = self.time.clone();
        let Arriving { speed, first, .. } = arriving;
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
