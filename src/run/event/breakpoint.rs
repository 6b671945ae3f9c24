//! What events record of breakpoints: where a run is to be held, and where it is.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Where a run is to be held. As a text: `STEP`, `STEP:after`, `STEP:failure`, `STEP:output.total > 5`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Breakpoint {
    /// The id of a step, or of an element (`ID[3]`); `*` for every one.
    pub step: Arc<str>,
    /// When it is held there.
    #[serde(flatten)]
    pub when: BreakWhen,
}

/// When a breakpoint holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "when", content = "condition", rename_all = "snake_case")]
pub enum BreakWhen {
    /// Before each attempt.
    #[default]
    Before,
    /// After the step has ended, before anything follows from that.
    After,
    /// The same where it failed.
    Failure,
    /// Where this expression over `input`, `attempt`, `output` and `cost` holds: after the step has ended where it looks
    /// at `output` or `cost`, else before an attempt.
    Condition(Arc<str>),
}

/// On which side of a step the run is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldAt {
    /// Before an attempt.
    Before,
    /// After it has ended.
    After,
    /// After it has failed.
    Failure,
    /// Before an attempt, because the run was to go there.
    Target,
    /// The run was to go there, and it will not start.
    Missed,
}

impl HeldAt {
    /// In words, before the name of the step.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Before | Self::Target => "before",
            Self::Missed => "on the way to",
            Self::After => "after",
            Self::Failure => "at the failure of",
        }
    }
}

impl Breakpoint {
    /// What stands for every step.
    pub const ALL: &'static str = "*";

    /// A breakpoint before each attempt of a step.
    pub fn before(step: &Arc<str>) -> Self {
        Self {
            step: Arc::clone(step),
            when: BreakWhen::Before,
        }
    }

    /// Reads `STEP[:WHEN]`. An id may hold colons: the longest that `is_known` says is one is taken.
    ///
    /// # Errors
    /// What is wrong, and what would be right.
    pub fn parse(text: &str, is_known: impl Fn(&str) -> bool) -> Result<Self, String> {
        let text = text.trim();
        let ends = text.rmatch_indices(':').map(|(at, _)| at);
        let mut ends = std::iter::once(text.len()).chain(ends);
        let end = ends.find(|end| is_known(&text[..*end]));
        let Some(end) = end else {
            let step = text.split(':').next().unwrap_or_default();
            return Err(format!(
                "the plan has no step {step}; a breakpoint is STEP[:WHEN]"
            ));
        };
        let when = match text[end..].trim_start_matches(':').trim() {
            "" | "before" => BreakWhen::Before,
            "after" => BreakWhen::After,
            "failure" => BreakWhen::Failure,
            condition => BreakWhen::Condition(condition.into()),
        };
        Ok(Self {
            step: text[..end].into(),
            when,
        })
    }

    /// Whether an id is one that a call could have which the code of a row makes, as `ROW/TOOL[N]`: there may be no such
    /// call yet. `is_row` says what is the id of a row.
    pub(crate) fn could_be_call(id: &str, is_row: impl Fn(&str) -> bool) -> bool {
        let index = id.strip_suffix(']').and_then(|id| id.rsplit_once('['));
        let is_numbered = index.is_some_and(|(_, index)| index.parse::<u32>().is_ok());
        let mut callers = id.match_indices('/').map(|(at, _)| &id[..at]);
        is_numbered && callers.any(is_row)
    }

    /// Whether it is about the step or element of this id.
    pub fn is_about(&self, id: &str) -> bool {
        *self.step == *id || *self.step == *Self::ALL
    }
}

impl fmt::Display for Breakpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.step)?;
        match &self.when {
            BreakWhen::Before => Ok(()),
            BreakWhen::After => f.write_str(":after"),
            BreakWhen::Failure => f.write_str(":failure"),
            BreakWhen::Condition(condition) => write!(f, ":{condition}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_the_id_of_its_code_and_a_number() {
        let is_row = |id: &str| ["c", "list[2]"].contains(&id);
        for id in ["c/fetch[0]", "list[2]/a/b[10]", "c/deeper[0]/deeper[1]"] {
            assert!(Breakpoint::could_be_call(id, is_row), "{id}");
        }
        for id in ["c", "c/fetch", "d/fetch[0]", "list[3]/a[0]", "c/fetch[x]"] {
            assert!(!Breakpoint::could_be_call(id, is_row), "{id}");
        }
    }

    #[test]
    fn a_breakpoint_is_read_as_it_is_written() {
        let known = |id: &str| ["a", "a:b", "list[2]", "*"].contains(&id);
        for text in [
            "a",
            "a:after",
            "a:failure",
            "a:b",
            "a:b:after",
            "list[2]",
            "*:failure",
            "a:output.n > 5",
        ] {
            assert_eq!(Breakpoint::parse(text, known).unwrap().to_string(), text);
        }
        let read = |text| Breakpoint::parse(text, known).unwrap();
        assert_eq!(read(" a:before ").when, BreakWhen::Before);
        assert_eq!(
            read("a:{'x': 1}.x == input").when,
            BreakWhen::Condition("{'x': 1}.x == input".into())
        );
        let fault = Breakpoint::parse("c:after", known).unwrap_err();
        assert!(fault.contains("no step c"), "{fault}");
        let json = serde_json::to_string(&read("a:after")).unwrap();
        assert_eq!(json, r#"{"step":"a","when":"after"}"#);
        let json = serde_json::to_string(&read("a:cost > 1")).unwrap();
        assert_eq!(
            json,
            r#"{"step":"a","when":"condition","condition":"cost > 1"}"#
        );
        assert_eq!(
            serde_json::from_str::<Breakpoint>(&json).unwrap(),
            read("a:cost > 1")
        );
    }
}
