//! What is typed to see fewer rows.

use super::column;
use crate::run::{RunState, StepState, StepStatus};

/// Words that a row has to have, or must not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// As it was typed.
    pub(super) typed: String,
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    word: String,
    /// Of one status only.
    status: Option<StepStatus>,
    without: bool,
}

impl Filter {
    /// Reads what was typed: words that are part of the id, the tool, the model, the status or the source
    /// (`unexpected` has what failed its expectations); `is:failed` for a status and nothing else, `-word` for rows that do not have it.
    pub(super) fn read(typed: &str) -> Self {
        let terms = typed.split_whitespace().map(Term::read);
        Self {
            typed: typed.to_owned(),
            terms: terms.filter(|term| !term.word.is_empty()).collect(),
        }
    }

    /// Whether every row passes.
    pub(super) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether a row passes.
    pub(super) fn passes(&self, run: &RunState, row: &StepState) -> bool {
        self.terms
            .iter()
            .all(|term| term.fits(run, row) != term.without)
    }
}

impl Term {
    fn read(typed: &str) -> Self {
        let (without, word) = match typed.strip_prefix('-') {
            Some(word) => (true, word),
            None => (false, typed),
        };
        let word = word.to_lowercase();
        // A status that is still being typed already shows what it will.
        let status = word.strip_prefix("is:").and_then(|start| {
            let mut all = StepStatus::ALL.into_iter();
            all.find(|status| !start.is_empty() && status.word().starts_with(start))
        });
        Self {
            word,
            status,
            without,
        }
    }

    fn fits(&self, run: &RunState, row: &StepState) -> bool {
        if let Some(status) = self.status {
            return row.status == status;
        }
        let has = |text: &str| {
            text.contains(&self.word) || text.to_lowercase().contains(self.word.as_str())
        };
        has(&row.info.id)
            || has(&row.info.tool)
            || has(row.status.word())
            || has(column::status(run, row))
            || row.source.is_some_and(|source| has(column::source(source)))
            || row.model().is_some_and(|model| has(model))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixture;

    fn passing(typed: &str) -> Vec<String> {
        let run = fixture::eventful().run;
        let filter = Filter::read(typed);
        let rows = run.steps.iter().filter(|row| filter.passes(&run, row));
        rows.map(|row| row.info.id.to_string()).collect()
    }

    #[test]
    fn words_are_looked_for_everywhere_and_all_of_them_count() {
        assert_eq!(passing("EXTRACT"), ["extract"]);
        assert_eq!(passing("gpt"), ["extract", "items"]);
        assert_eq!(passing("gpt ocr"), ["extract"]);
        assert_eq!(passing("pages failed"), ["pages[1]"]);
        assert_eq!(passing(" ").len(), 12);
    }

    #[test]
    fn a_status_and_what_is_not_wanted() {
        assert_eq!(passing("is:fail"), ["pages[1]"]);
        assert_eq!(
            passing("pages -failed -is:running"),
            ["pages[0]", "pages[2]", "pages[3]"]
        );
        assert_eq!(passing("is:nothing").len(), 0);
    }
}
