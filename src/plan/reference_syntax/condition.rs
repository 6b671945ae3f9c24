//! Conditions: bare, between braces, or mixed.

use super::closer::Closer;
use super::plain::Plain;
use super::words::{identifier_without_dash, trim_marks};
use super::{Fault, Vocabulary};
use crate::plan::expression::{Expression, Meaning, Variable};
use crate::plan::path::Segment;
use crate::plan::reference::Root;
use std::sync::Arc;

impl Vocabulary<'_> {
    /// Reads a condition: bare, between braces, or mixed.
    pub(crate) fn condition(&self, text: &str) -> Result<Expression, Fault> {
        if let Some(id) = text.trim().strip_prefix("step:") {
            return match self.ids.find(id) {
                Some(step) => compile_alone(Meaning::Root(Root::Step(step)), text),
                None => Err(Fault::UnknownStep(id.to_owned())),
            };
        }
        let mut flat = String::with_capacity(text.len());
        let mut at = 0;
        let mut closer = Closer::default();
        while let Some(found) = next_opening(text, at) {
            let (close, length) = if text[found..].starts_with("{{") {
                (closer.find(text, found + 2), 2)
            } else {
                (text[found + 2..].find('}').map(|end| found + 2 + end), 1)
            };
            let Some(close) = close else { break };
            let inner = &text[found + 2..close];
            let inner = if length == 2 {
                trim_marks(inner).0
            } else {
                inner
            };
            let end = close + length;
            let before = &text[at..found];
            let inner = self.as_expression(inner);
            // `"{{s1.state}}" == "done"`: the quotes only mark an inserted text.
            let quote = before
                .chars()
                .next_back()
                .filter(|c| matches!(c, '"' | '\''));
            if let Some(quote) = quote.filter(|quote| text[end..].starts_with(*quote)) {
                flat.push_str(&before[..before.len() - quote.len_utf8()]);
                flat.push_str("((");
                flat.push_str(&inner);
                flat.push_str(")|string)");
                at = end + quote.len_utf8();
            } else {
                flat.push_str(before);
                flat.push('(');
                flat.push_str(&inner);
                flat.push(')');
                at = end;
            }
        }
        flat.push_str(&text[at..]);
        self.expression(&flat, text)
    }

    /// A plain reference in Jinja's words: a number as an id, and dashes in fields, would be arithmetic there.
    /// Anything else stays as it is.
    fn as_expression(&self, inner: &str) -> String {
        let Plain::Reference(root, path) = self.plain(inner.trim()) else {
            return inner.to_owned();
        };
        let first_is_output =
            matches!(path.first(), Some(Segment::Field(field)) if &**field == "output");
        let mut text = match &root {
            Root::Step(step) if !first_is_output => {
                let id = self.ids.id(*step);
                if id.contains('"') {
                    return inner.to_owned();
                }
                format!("steps[\"{id}\"]")
            }
            Root::Context(name) if identifier_without_dash(name) == name.len() => name.to_string(),
            _ => return inner.to_owned(),
        };
        for segment in &path {
            match segment {
                Segment::Field(field) if field.contains(['"', '\\']) => return inner.to_owned(),
                Segment::Field(field) => match field.parse::<i64>() {
                    Ok(index) => push_index(&mut text, index),
                    Err(_) => text.extend(["[\"", &**field, "\"]"]),
                },
                Segment::Index(index) => push_index(&mut text, *index),
            }
        }
        text
    }
}

fn push_index(text: &mut String, index: i64) {
    text.push('[');
    text.push_str(&index.to_string());
    text.push(']');
}

fn compile_alone(meaning: Meaning, source: &str) -> Result<Expression, Fault> {
    let name: Arc<str> = "__ref_0".into();
    let variable = Variable {
        name: Arc::clone(&name),
        meaning,
    };
    Expression::compile(source.into(), &name, vec![variable]).map_err(Fault::BadExpression)
}

fn next_opening(text: &str, from: usize) -> Option<usize> {
    let braces = text[from..].find("{{");
    let dollar = text[from..].find("${");
    braces.into_iter().chain(dollar).min().map(|at| at + from)
}
