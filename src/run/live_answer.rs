//! Answers that are arriving: progress of running attempts that is shown and never recorded. What a run is does not
//! depend on it; the whole answer is in the event that ends the attempt.

use crate::plan::StepIx;
use crate::units::Micros;
use std::collections::BTreeMap;

/// The bytes of each text that are kept in view. The whole answer comes with the attempt's end.
const KEPT: usize = 64 << 10;

/// Bytes to a token, about.
const BYTES_PER_TOKEN: u64 = 4;

/// What has arrived of the answer of a running attempt, or was added to it: without secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveAnswer {
    /// The attempt's number.
    pub attempt: u32,
    /// The number of the request within the attempt, from 1: a bad answer is repaired by another.
    pub request: u32,
    /// The text, or its end where it is long. Thoughts between `<think>` tags are part of it.
    pub text: String,
    /// What the model thinks, or the end of it.
    pub reasoning: String,
    /// The bytes of both in all.
    pub bytes: u64,
    /// When the first part arrived, from the start of the run.
    pub first: Option<Micros>,
    /// When the last part arrived.
    pub last: Option<Micros>,
}

impl LiveAnswer {
    /// Adds a part that arrived at this time.
    pub fn push(&mut self, at: Micros, text: &str, reasoning: &str) {
        self.add(text, reasoning);
        self.bytes += (text.len() + reasoning.len()) as u64;
        self.first.get_or_insert(at);
        self.last = Some(at);
    }

    /// Takes in what came after it, as [`push`](Self::push) gathered it in another one.
    pub fn extend(&mut self, more: Self) {
        if (more.attempt, more.request) != (self.attempt, self.request) {
            *self = more;
            return;
        }
        self.add(&more.text, &more.reasoning);
        self.bytes += more.bytes;
        self.first = self.first.or(more.first);
        self.last = more.last.or(self.last);
    }

    fn add(&mut self, text: &str, reasoning: &str) {
        for (kept, more) in [(&mut self.text, text), (&mut self.reasoning, reasoning)] {
            kept.push_str(more);
            if kept.len() > KEPT {
                // Half, so that this is done seldom.
                let cut = kept.len() - KEPT / 2;
                let cut = (cut..kept.len()).find(|at| kept.is_char_boundary(*at));
                kept.drain(..cut.unwrap_or(0));
            }
        }
    }

    /// About how many tokens have arrived: the server counts them only at the end.
    pub fn tokens(&self) -> u64 {
        self.bytes.div_ceil(BYTES_PER_TOKEN)
    }

    /// About how many tokens arrive in a second; `None` for a single part.
    pub fn tokens_per_second(&self) -> Option<f64> {
        let seconds = (self.last? - self.first?).0 as f64 / 1e6;
        (seconds > 0.0).then(|| self.tokens() as f64 / seconds)
    }
}

/// The answers that are arriving, by the row of their attempt.
pub type LiveAnswers = BTreeMap<StepIx, LiveAnswer>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_whichever_way_they_are_gathered() {
        let mut one = LiveAnswer::default();
        let (mut first, mut second) = (LiveAnswer::default(), LiveAnswer::default());
        for (at, text, reasoning) in [(100, "", "Hm"), (300, "Tea ", ""), (2_100, "4.50", "")] {
            one.push(Micros(at * 1_000), text, reasoning);
            let gathered = if at < 300 { &mut first } else { &mut second };
            gathered.push(Micros(at * 1_000), text, reasoning);
        }
        first.extend(second);
        assert_eq!(first, one);
        assert_eq!((&*one.text, &*one.reasoning), ("Tea 4.50", "Hm"));
        assert_eq!(one.tokens(), 3);
        assert_eq!(one.tokens_per_second(), Some(1.5));
        // Another request begins again.
        let repair = LiveAnswer {
            request: 1,
            ..LiveAnswer::default()
        };
        first.extend(repair.clone());
        assert_eq!(first, repair);
    }

    #[test]
    fn only_the_end_of_a_long_text_is_kept() {
        let mut answer = LiveAnswer::default();
        for _ in 0..10_000 {
            answer.push(Micros(1), "zwölf ", "");
        }
        answer.push(Micros(2), "end", "");
        assert!(answer.text.len() <= KEPT && answer.text.ends_with("zwölf end"));
        assert_eq!(answer.bytes, 70_003);
        assert_eq!(answer.tokens_per_second().map(f64::is_finite), Some(true));
    }
}
