//! Like failures of the items of a batch: of one step, one type, and one message apart from its numbers and ids.

use crate::run::RunError;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Groups that are counted apart; what comes later is counted together.
const MOST_GROUPS: usize = 200;

/// Failures that are alike: of one step, one type, and one message apart from its numbers and ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailureGroup {
    /// How many items failed so.
    pub count: u64,
    /// The step, where it is about one.
    pub step: Option<Arc<str>>,
    /// The type of the error.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The message, with `#` for numbers and ids.
    pub message: Arc<str>,
    /// The key of the first item that failed so, in the order of the input.
    pub example: Arc<str>,
    #[serde(skip)]
    index: u64,
}

/// The step, the type and the masked message of like failures.
type Likeness = (Option<Arc<str>>, &'static str, Arc<str>);

/// The groups of a batch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failures {
    numbers: BTreeMap<Likeness, u32>,
    groups: Vec<FailureGroup>,
}

impl Failures {
    /// Counts the failure of the item with this key at this place of the input; gives the number of its group.
    pub(crate) fn add(&mut self, error: &RunError, (index, key): (u64, &Arc<str>)) -> u32 {
        let message: Arc<str> = masked(&error.message).into();
        let mut like = (error.step.clone(), error.kind.word(), message);
        if self.groups.len() >= MOST_GROUPS && !self.numbers.contains_key(&like) {
            like = (None, error.kind.word(), "other messages".into());
        }
        let next = self.groups.len() as u32;
        let number = *self.numbers.entry(like.clone()).or_insert(next);
        if number == next {
            let (step, kind, message) = like;
            self.groups.push(FailureGroup {
                count: 0,
                step,
                kind,
                message,
                example: Arc::clone(key),
                index,
            });
        }
        let group = &mut self.groups[number as usize];
        // Items end in any order.
        if group.count == 0 || index < group.index {
            group.example = Arc::clone(key);
            group.index = index;
        }
        group.count += 1;
        number
    }

    /// An item of this group has failed no more.
    pub(crate) fn remove(&mut self, number: u32) {
        if let Some(group) = self.groups.get_mut(number as usize) {
            group.count = group.count.saturating_sub(1);
        }
    }

    /// The groups that have items, with their numbers, the most frequent first.
    pub(crate) fn groups(&self) -> Vec<(u32, &FailureGroup)> {
        let groups = (0..).zip(&self.groups);
        let mut groups: Vec<(u32, &FailureGroup)> =
            groups.filter(|(_, group)| group.count > 0).collect();
        groups.sort_by(|(_, a), (_, b)| {
            let by_name = || (&a.step, a.kind, &a.message).cmp(&(&b.step, b.kind, &b.message));
            b.count.cmp(&a.count).then_with(by_name)
        });
        groups
    }

    /// The group of this number.
    pub(crate) fn group(&self, number: u32) -> Option<&FailureGroup> {
        self.groups.get(number as usize)
    }
}

/// A message with `#` for each word that has a digit, so that numbers and ids make no difference.
fn masked(message: &str) -> String {
    let mut text = String::with_capacity(message.len());
    let mut word = String::new();
    let end = |word: &mut String, text: &mut String| {
        if word.contains(|c: char| c.is_ascii_digit()) {
            text.push('#');
        } else {
            text.push_str(word);
        }
        word.clear();
    };
    for c in message.chars() {
        if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') && !word.is_empty() {
            word.push(c);
        } else {
            end(&mut word, &mut text);
            text.push(c);
        }
    }
    end(&mut word, &mut text);
    text
}
