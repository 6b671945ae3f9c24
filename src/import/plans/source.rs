//! The document that is converted.

use super::place::Place;
use super::{ConvertError, ConvertOptions, Fault};
use crate::plan::PlacedData;
use crate::text::message::quote;
use serde_json::Value;

/// A document of a text.
pub(super) struct Document {
    pub value: Value,
    data: PlacedData,
    /// How many lines of the text stand before it.
    lines_before: usize,
}

impl Document {
    /// Where a part of it stands, in words.
    pub(super) fn line(&self, place: &Place) -> String {
        format!("line {}", self.lines_before + self.data.line(place.path()))
    }

    /// The same of a part that belongs to a step.
    pub(super) fn line_of(&self, place: &Place, step: &str) -> String {
        format!("{}, step {}", self.line(place), quote(step, 80))
    }

    pub(super) fn fault(&self, place: &Place, what: impl Into<String>) -> Fault {
        Fault {
            place: self.line(place),
            what: what.into(),
        }
    }
}

/// A text with what is known beside it.
pub(super) struct Source<'s> {
    /// At least one.
    pub documents: Vec<Document>,
    pub options: &'s ConvertOptions<'s>,
}

/// The documents of a text: those between the lines `---` of YAML, else the only one.
///
/// # Errors
/// Where one is neither JSON nor YAML.
pub(super) fn documents(text: &str) -> Result<Vec<Document>, ConvertError> {
    let mut documents = Vec::new();
    let mut lines_before = 0;
    for part in parts(text) {
        let lines = part.matches('\n').count();
        let is_blank = part.lines().all(|line| {
            let line = line.trim();
            line.is_empty() || line.starts_with('#') || line == "---"
        });
        if !is_blank {
            let data = PlacedData::read(part).map_err(|fault| {
                let before = fault.span.as_ref().and_then(|span| part.get(..span.start));
                ConvertError::Malformed {
                    line: lines_before + before.map_or(0, |text| text.matches('\n').count()) + 1,
                    what: fault.message,
                }
            })?;
            documents.push(Document {
                value: data.value(),
                data,
                lines_before,
            });
        }
        lines_before += lines;
    }
    if documents.is_empty() {
        return Err(ConvertError::Malformed {
            line: 1,
            what: "it is empty".to_owned(),
        });
    }
    Ok(documents)
}

/// A text, cut before each line `---`.
fn parts(text: &str) -> Vec<&str> {
    if text
        .trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with(['{', '['])
    {
        return vec![text];
    }
    let mut parts = Vec::new();
    let (mut from, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        let is_marker = line
            .strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        if is_marker && at > from {
            parts.push(&text[from..at]);
            from = at;
        }
        at += line.len();
    }
    parts.push(&text[from..]);
    parts
}
