//! Answers to approvals that are given before a run begins.

use std::sync::Arc;

/// Whether the calls of steps may be made, by the ids of steps; `*` is every step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers(Vec<(Arc<str>, bool)>);

impl Answers {
    /// The id that stands for every step.
    pub const ALL: &'static str = "*";

    /// These answers; of two for the same the last one counts.
    pub fn new(answers: impl IntoIterator<Item = (Arc<str>, bool)>) -> Self {
        Self(answers.into_iter().collect())
    }

    /// The ids for which there are answers.
    pub fn ids(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.iter().map(|(id, _)| id)
    }

    /// The answer for a step, or for an element of the step `of`: its own, else that of its step, else that of every
    /// step.
    pub fn of(&self, id: &str, of: &str) -> Option<bool> {
        let named = |wanted: &str| {
            let mut last = self.0.iter().rev();
            last.find(|(known, _)| **known == *wanted)
                .map(|(_, granted)| *granted)
        };
        named(id).or_else(|| named(of)).or_else(|| named(Self::ALL))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_answer_counts_and_of_two_the_last() {
        let given = [
            ("*", false),
            ("send", true),
            ("send[2]", false),
            ("send", false),
            ("send", true),
        ];
        let answers = Answers::new(given.map(|(id, granted)| (id.into(), granted)));
        assert_eq!(answers.of("send", "send"), Some(true));
        assert_eq!(answers.of("send[1]", "send"), Some(true));
        assert_eq!(answers.of("send[2]", "send"), Some(false));
        assert_eq!(answers.of("other", "other"), Some(false));
        assert_eq!(Answers::default().of("send", "send"), None);
    }
}
