//! Plans of other systems as plans of Plandeck.
//!
//! A format is a file: it tells its documents by their content, and turns one into steps and tools. What cannot be carried
//! over is listed in [`Converted::left_out`] with its place; a step that cannot be called at all stays in the plan, and
//! fails with the remedy. Neighbouring files are read through [`ConvertOptions::files`]: this room opens none.

mod arazzo;
mod builder;
mod dagu;
mod place;
mod promptflow;
mod source;
mod task_master;
mod template;
#[cfg(test)]
mod tests;

use crate::plan::{ExecutionPlan, PlanFaults, Source as PlanSource};
use crate::tools::Catalog;
use builder::PlanBuilder;
use serde_json::Value;
use source::Source;

/// The file of this name, from the folder of the document: its text, or why it cannot be read.
pub type ReadFile<'f> = &'f dyn Fn(&str) -> Result<String, String>;

/// What is known beside the document.
pub struct ConvertOptions<'o> {
    /// What the plan is called where the document has no name: that of its file.
    pub name: &'o str,
    /// The workflow to convert, of a document with several.
    pub workflow: Option<&'o str>,
    /// The format (`arazzo`, …); by the content where it is `None`.
    pub format: Option<&'o str>,
    /// OpenAPI documents: the name of the source that each one stands for, where one is given, what the file is called,
    /// and its text.
    pub open_api: &'o [(Option<String>, String, String)],
    /// Reads neighbouring files.
    pub files: ReadFile<'o>,
}

/// A plan that was made of another system's.
#[derive(Debug)]
pub struct Converted {
    /// The plan with its own tools, as a file has it.
    pub plan: Value,
    /// What the document is: the word for [`ConvertOptions::format`], and in words.
    pub format: (&'static str, &'static str),
    /// What is not carried over.
    pub left_out: Vec<LeftOut>,
}

/// Something that is not carried over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Where it stands: `line 12, step pay`.
    pub place: String,
    /// What it is, and what to do about it.
    pub what: String,
}

impl std::fmt::Display for LeftOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// Why no plan came of a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    /// It is of no format that is known.
    #[error("it is none of these plans: {0}")]
    Unknown(String),
    /// No format has this name.
    #[error("the format \"{0}\" is not known; there are: {1}")]
    NoFormat(String, String),
    /// It is neither JSON nor YAML.
    #[error("line {line}: {what}")]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// It is of a format, and a part of it is wrong.
    #[error("{format}: {place}: {what}")]
    Wrong {
        /// The format, in words.
        format: &'static str,
        /// Where: `line 12`.
        place: String,
        /// What is wrong, and the remedy where there is one.
        what: String,
    },
    /// The plan that it becomes does not pass the check.
    #[error("{format}: the plan that it becomes is not sound: {what}")]
    Unsound {
        /// The format, in words.
        format: &'static str,
        /// The first fault.
        what: String,
    },
}

/// What is wrong with a document of a format.
#[derive(Debug)]
struct Fault {
    place: String,
    what: String,
}

/// A format: its word, what it is in words, how its documents are told, and its converter.
struct PlanFormat {
    word: &'static str,
    name: &'static str,
    is: fn(&Value) -> bool,
    convert: fn(&Source<'_>, &mut PlanBuilder) -> Result<(), Fault>,
}

const FORMATS: &[PlanFormat] = &[
    PlanFormat {
        word: "arazzo",
        name: "an Arazzo description",
        is: arazzo::is,
        convert: arazzo::convert,
    },
    PlanFormat {
        word: "promptflow",
        name: "a flow of promptflow",
        is: promptflow::is,
        convert: promptflow::convert,
    },
    PlanFormat {
        word: "dagu",
        name: "a workflow of Dagu",
        is: dagu::is,
        convert: dagu::convert,
    },
    PlanFormat {
        word: "taskmaster",
        name: "a file of tasks (Task Master)",
        is: task_master::is,
        convert: task_master::convert,
    },
];

fn words() -> String {
    let all = FORMATS.iter();
    let all: Vec<String> = all
        .map(|format| format!("{} ({})", format.name, format.word))
        .collect();
    all.join(", ")
}

/// What a text is, in words, where it is a plan of another system.
pub fn recognized(text: &str) -> Option<&'static str> {
    let value = source::documents(text).ok()?.swap_remove(0).value;
    let found = FORMATS.iter().find(|format| (format.is)(&value))?;
    Some(found.name)
}

/// Makes a plan of another system's. The plan passes `plandeck check`.
///
/// # Errors
/// Where the text is of no known format, or a part of it is wrong; nothing is lost in silence.
pub fn converted(text: &str, options: &ConvertOptions<'_>) -> Result<Converted, ConvertError> {
    let named = match options.format {
        None => None,
        Some(word) => Some(
            FORMATS
                .iter()
                .find(|format| format.word == word)
                .ok_or_else(|| ConvertError::NoFormat(word.to_owned(), words()))?,
        ),
    };
    let documents = source::documents(text)?;
    let is = |format: &&PlanFormat| (format.is)(&documents[0].value);
    let found = FORMATS.iter().find(is);
    let format = match (named, found) {
        (Some(named), _) if is(&named) => named,
        (Some(named), _) => {
            return Err(ConvertError::Wrong {
                format: named.name,
                place: "line 1".to_owned(),
                what: "it is not one".to_owned(),
            });
        }
        (None, Some(found)) => found,
        (None, None) => return Err(ConvertError::Unknown(words())),
    };
    let source = Source { documents, options };
    let mut builder = PlanBuilder::new(options.name);
    (format.convert)(&source, &mut builder).map_err(|fault| ConvertError::Wrong {
        format: format.name,
        place: fault.place,
        what: fault.what,
    })?;
    let (plan, left_out) = builder.finish();
    check(&plan).map_err(|faults| {
        let first = faults.errors().next();
        let words = |fault: &crate::plan::Diagnostic| match &fault.step {
            Some(step) => format!("step {step}: {}", fault.message),
            None => fault.message.clone(),
        };
        ConvertError::Unsound {
            format: format.name,
            what: first.map_or_else(String::new, words),
        }
    })?;
    Ok(Converted {
        plan,
        format: (format.word, format.name),
        left_out,
    })
}

/// Checks a plan with its own tools, as `plandeck check` does.
fn check(plan: &Value) -> Result<ExecutionPlan, PlanFaults> {
    let text = plan.to_string();
    let draft = crate::plan::parse("plan.json", text.as_bytes())?;
    let source = PlanSource {
        name: "plan.json".into(),
        text: text.as_str().into(),
    };
    let catalog = Catalog::from_value(plan, &source, None)?;
    draft.check(Some(&catalog), None)
}
