//! Watch expressions: jq over the run, with the last values and what changed.

use serde_json::Value;
use std::sync::Arc;

/// What an expression makes of the run; the error says why it makes nothing.
pub(crate) type Watched = Result<Arc<Value>, Arc<str>>;

/// One expression.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Watch {
    /// The jq text.
    pub text: String,
    /// What it makes of the run; `None` before it is known.
    pub value: Option<Watched>,
    /// What it made before, where the last look at the run changed it.
    pub was: Option<Watched>,
}

/// The expressions, and the question about them that is on its way.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    list: Vec<Watch>,
    /// The number of the question, and the event of the run that it is about.
    asked: Option<(u64, u64)>,
    /// The event that the values are about.
    answered: Option<u64>,
    numbers: u64,
}

impl Watches {
    /// Those with these texts; empty ones are none. What is known of a text stays known.
    pub(crate) fn set(&mut self, texts: impl IntoIterator<Item = String>) {
        let mut known = std::mem::take(&mut self.list);
        let texts = texts.into_iter().map(|text| text.trim().to_owned());
        let watch = |text: String| {
            let at = known.iter().position(|watch| watch.text == text);
            let of_text = || Watch {
                text: text.clone(),
                ..Watch::default()
            };
            at.map_or_else(of_text, |at| known.swap_remove(at))
        };
        self.list = texts.filter(|text| !text.is_empty()).map(watch).collect();
        // What is on its way is about other expressions.
        (self.asked, self.answered) = (None, None);
    }

    /// The expressions, in order.
    pub(crate) fn list(&self) -> &[Watch] {
        &self.list
    }

    /// Their texts.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.list.iter().map(|watch| watch.text.clone()).collect()
    }

    /// The number of the question to ask about the run at this event; nothing while one is on its way, or where the
    /// answer is known.
    pub(crate) fn ask(&mut self, event: u64) -> Option<u64> {
        let is_known = self.asked.is_some() || self.answered == Some(event);
        if self.list.is_empty() || event == 0 || is_known {
            return None;
        }
        self.numbers += 1;
        self.asked = Some((self.numbers, event));
        Some(self.numbers)
    }

    /// Takes in the answers; whether they were waited for.
    pub(crate) fn take(&mut self, number: u64, answers: Vec<Watched>) -> bool {
        let Some((_, event)) = self.asked.take_if(|(asked, _)| *asked == number) else {
            return false;
        };
        self.answered = Some(event);
        for (watch, answer) in self.list.iter_mut().zip(answers) {
            let before = watch.value.replace(answer);
            watch.was = before.filter(|before| watch.value.as_ref() != Some(before));
        }
        true
    }
}

/// The expressions while they are edited, and which of them has the cursor; the last one is a new one.
#[derive(Clone, Debug)]
pub struct WatchEdit {
    pub(crate) fields: Vec<crate::tui::input::text_field::Field>,
    pub(crate) at: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(value: Value) -> Vec<Watched> {
        vec![Ok(Arc::new(value))]
    }

    #[test]
    fn a_value_that_changes_says_what_it_was() {
        let mut watches = Watches::default();
        assert_eq!(watches.ask(3), None, "there is nothing to ask");
        watches.set([" .run.cost ".to_owned(), " ".to_owned()]);
        assert_eq!(watches.texts(), [".run.cost"]);
        assert_eq!(watches.ask(3), Some(1));
        assert_eq!(watches.ask(4), None, "one at a time");
        assert!(!watches.take(7, answer(json!(1))));
        assert!(watches.take(1, answer(json!(1))));
        assert_eq!(watches.list()[0].was, None, "the first value is no change");
        assert_eq!((watches.ask(3), watches.ask(4)), (None, Some(2)));
        watches.take(2, answer(json!(2)));
        assert_eq!(watches.list()[0].was, Some(Ok(Arc::new(json!(1)))));
        watches.ask(5);
        watches.take(3, answer(json!(2)));
        assert_eq!(watches.list()[0].was, None);
        watches.set([".a".to_owned(), ".run.cost".to_owned()]);
        assert_eq!(watches.list()[0].value, None);
        assert_eq!(watches.list()[1].value, Some(Ok(Arc::new(json!(2)))));
        assert_eq!(watches.ask(5), Some(4), "the new one is not known yet");
    }
}
