//! The jq line of a page: what was typed, and what it made of the value.

use super::tab::Tab;
use crate::plan::StepIx;
use crate::tui::input::text_field::Field;
use serde_json::Value;
use std::sync::Arc;

/// A question that is on its way.
#[derive(Debug)]
struct Asked {
    number: u64,
    text: String,
    of: Arc<Value>,
}

/// The jq line of one page of one step.
#[derive(Debug)]
pub(crate) struct JsonFilter {
    /// What was typed.
    pub field: Field,
    /// The page.
    pub page: (StepIx, Tab),
    asked: Option<Asked>,
    /// The text and the value that the answer is about.
    answered: Option<(String, Arc<Value>)>,
    output: Option<Arc<Value>>,
    /// Why the filter has no output.
    pub fault: Option<Arc<str>>,
    numbers: u64,
}

impl JsonFilter {
    /// An empty line for this page.
    pub(crate) fn new(page: (StepIx, Tab)) -> Self {
        Self {
            field: Field::default(),
            page,
            asked: None,
            answered: None,
            output: None,
            fault: None,
            numbers: 0,
        }
    }

    /// What the filter made of the value; nothing where there is no filter, or it has no output yet.
    pub(crate) fn output(&self) -> Option<&Arc<Value>> {
        self.output.as_ref().filter(|_| !self.is_empty())
    }

    /// Whether the answer is still to come.
    pub(crate) fn is_behind(&self) -> bool {
        self.asked.is_some()
    }

    /// Whether nothing was typed.
    pub(crate) fn is_empty(&self) -> bool {
        self.field.text().trim().is_empty()
    }

    /// What is to be asked about `value` now, with its number: nothing while an answer is on its way, or where it is
    /// known.
    pub(crate) fn ask(&mut self, value: &Arc<Value>) -> Option<(u64, String)> {
        let text = self.field.text().trim();
        if text.is_empty() {
            (self.answered, self.output, self.fault) = (None, None, None);
            return None;
        }
        let is = |(known, of): &(String, Arc<Value>)| known == text && Arc::ptr_eq(of, value);
        if self.asked.is_some() || self.answered.as_ref().is_some_and(is) {
            return None;
        }
        self.numbers += 1;
        let (number, text) = (self.numbers, text.to_owned());
        self.asked = Some(Asked {
            number,
            text: text.clone(),
            of: Arc::clone(value),
        });
        Some((number, text))
    }

    /// Takes in an answer; whether it was waited for. A fault leaves what is shown.
    pub(crate) fn take(&mut self, number: u64, answer: Result<Arc<Value>, Arc<str>>) -> bool {
        let Some(asked) = self.asked.take_if(|asked| asked.number == number) else {
            return false;
        };
        self.answered = Some((asked.text, asked.of));
        match answer {
            Ok(output) => (self.output, self.fault) = (Some(output), None),
            Err(fault) => self.fault = Some(fault),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn filter(text: &str) -> JsonFilter {
        let mut filter = JsonFilter::new((StepIx(0), Tab::Output));
        filter.field.insert(text);
        filter
    }

    #[test]
    fn one_question_is_on_its_way_and_the_last_text_is_asked_next() {
        let value = Arc::new(json!([1, 2]));
        let mut filter = filter(".[");
        assert_eq!(filter.ask(&value), Some((1, ".[".to_owned())));
        filter.field.insert("0");
        filter.field.insert("]");
        assert_eq!(filter.ask(&value), None);
        assert!(!filter.take(7, Ok(Arc::default())), "nobody asked for it");
        assert!(filter.take(1, Err("it ends too soon".into())));
        assert_eq!(filter.ask(&value), Some((2, ".[0]".to_owned())));
        assert!(filter.take(2, Ok(Arc::new(json!(1)))));
        assert_eq!(
            filter.output().map(|output| (**output).clone()),
            Some(json!(1))
        );
        assert_eq!((filter.ask(&value), filter.fault.as_deref()), (None, None));
        // Another value: once more.
        let other = Arc::new(json!([3]));
        assert_eq!(filter.ask(&other), Some((3, ".[0]".to_owned())));
        assert!(filter.take(3, Err("no".into())));
        assert!(filter.output().is_some(), "a fault leaves what is shown");
        filter.field.clear();
        assert_eq!((filter.ask(&other), filter.output()), (None, None));
    }
}
