//! The values that an expression names, in words: why it does not hold.

use super::view::View;
use super::{Expression, Meaning};
use crate::plan::path::{Segment, follow};
use crate::plan::reference::{Root, Scope};
use crate::text::json::beginning;
use crate::text::secrets::Secrets;
use crate::text::visible;
use serde_json::Value;
use std::fmt::Write;

/// The maximum of values that are told.
const VALUES: usize = 4;

/// The maximum length of one that is told, in characters.
const LENGTH: usize = 80;

/// Bytes of its JSON text that are enough for that.
const LOOKED_AT: usize = 4 * LENGTH + 4;

impl Expression {
    /// `: output.total is -5, limit is 100`: the values that it names, as far as `scope` has them; empty where it names
    /// none. Secrets are left out before anything is cut.
    pub(crate) fn values_in_words(&self, scope: &dyn Scope, secrets: &Secrets) -> String {
        let shown = |value: &Value| {
            let redacted = secrets.redacted(value);
            let text = beginning(redacted.as_ref().unwrap_or(value), LOOKED_AT);
            visible(&text, LENGTH)
        };
        let mut words = String::new();
        let named = self.variables.iter().flat_map(|passed| {
            let meaning = &passed.variable.meaning;
            passed.paths.iter().map(move |path| (meaning, path))
        });
        for (meaning, path) in named.take(VALUES) {
            words.push_str(if words.is_empty() { ": " } else { ", " });
            meaning.write_name(scope, &mut words);
            write_path(path, &mut words);
            let value = match meaning.view(scope) {
                View::Value(value) => follow(value, path).map(shown),
                View::Made(value) => Some(shown(&value)),
                View::Undefined | View::Outputs(_) => None,
            };
            match value {
                Some(value) => words.extend([" is ", &value]),
                None => words.push_str(" is not there"),
            }
        }
        words
    }
}

impl Meaning {
    fn write_name(&self, scope: &dyn Scope, words: &mut String) {
        match self {
            Self::Root(Root::Own(own)) => words.push_str(own.name()),
            Self::Root(Root::Item) => words.push_str("item"),
            Self::Root(Root::Index) => words.push_str("index"),
            Self::Root(Root::Outputs) => words.push_str("steps"),
            Self::Root(Root::Context(name)) => words.push_str(&visible(name, LENGTH)),
            Self::Root(Root::Step(step)) | Self::Output(step) => {
                words.push_str(&visible(scope.id(*step), LENGTH));
            }
            Self::Status(step) => {
                words.push_str(&visible(scope.id(*step), LENGTH));
                words.push_str(".status");
            }
        }
    }
}

fn write_path(path: &[Segment], words: &mut String) {
    for segment in path {
        // Writing to a string cannot fail.
        let _ = match segment {
            Segment::Field(field) => write!(words, ".{}", visible(field, LENGTH)),
            Segment::Index(index) => write!(words, "[{index}]"),
        };
    }
}
