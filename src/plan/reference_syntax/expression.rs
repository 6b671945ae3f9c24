//! Expressions: each name in them becomes a variable, and what other languages write becomes Jinja's.

use super::plain::Head;
use super::words::{
    ends_after, identifier, identifier_without_dash, is_joiner, is_keyword, is_name_before,
    name_and_path, quoted, tokens,
};
use super::{Fault, Vocabulary};
use crate::plan::expression::{Expression, MAX_LENGTH, MAX_TOKENS, Meaning, Variable};
use crate::plan::reference::Root;
use std::sync::Arc;

impl Vocabulary<'_> {
    /// Compiles an expression; `source` is how the plan has it.
    pub(crate) fn expression(&self, text: &str, source: &str) -> Result<Expression, Fault> {
        if text.len() > MAX_LENGTH {
            return Err(Fault::BadExpression(format!(
                "it is longer than {MAX_LENGTH} bytes"
            )));
        }
        if tokens(text) > MAX_TOKENS {
            return Err(Fault::BadExpression(format!(
                "it has more than {MAX_TOKENS} words and signs"
            )));
        }
        let mut variables = Vec::new();
        let flat = self.rewrite(text, &mut variables)?;
        Expression::compile(source.into(), &flat, variables).map_err(Fault::BadExpression)
    }

    /// Replaces each name of a step, an item or all outputs by a variable, and what other languages write by
    /// what Jinja does.
    fn rewrite(&self, text: &str, variables: &mut Vec<Variable>) -> Result<String, Fault> {
        let mut flat = String::with_capacity(text.len() + 16);
        let mut at = 0;
        let mut previous = ' ';
        while let Some(character) = text[at..].chars().next() {
            let rest = &text[at..];
            if matches!(character, '"' | '\'') {
                let length = quoted(rest, character);
                flat.push_str(&rest[..length]);
                at += length;
                previous = character;
                continue;
            }
            let begins_name =
                (character.is_alphanumeric() || character == '_') && !is_name_before(previous);
            if begins_name {
                let (length, replacement) = self.rewrite_name(rest, variables)?;
                flat.push_str(&replacement);
                previous = rest[..length].chars().next_back().unwrap_or(' ');
                at += length;
                continue;
            }
            if let Some((length, test)) = compared_with_nothing(rest) {
                flat.push_str(test);
                at += length;
                previous = ' ';
                continue;
            }
            let operator = [
                ("&&", " and "),
                ("||", " or "),
                ("===", "=="),
                ("!==", "!="),
                ("!=", "!="),
                ("!", " not "),
            ]
            .into_iter()
            .find(|(written, _)| rest.starts_with(written));
            if let Some((written, meant)) = operator {
                flat.push_str(meant);
                at += written.len();
                previous = ' ';
                continue;
            }
            flat.push(character);
            // `| length` and `. field`: the blank between changes nothing.
            if !(character.is_whitespace() && matches!(previous, '.' | '|')) {
                previous = character;
            }
            at += character.len_utf8();
        }
        Ok(flat)
    }

    fn rewrite_name(
        &self,
        rest: &str,
        variables: &mut Vec<Variable>,
    ) -> Result<(usize, String), Fault> {
        // Where the name itself ends; what follows it is the language's.
        let candidate = name_and_path(rest);
        let Some((head, length)) = self.longest_head(rest, candidate).filter(|(_, length)| {
            let after = rest[*length..].trim_start();
            let is_argument_name = after.starts_with('=') && !after.starts_with("==");
            !is_argument_name && !is_keyword(&rest[..*length])
        }) else {
            let length = identifier_without_dash(rest).max(1);
            let length = rest
                .char_indices()
                .nth(1)
                .map_or(rest.len(), |(at, _)| at.max(length));
            let name = &rest[..length];
            return Ok((
                length,
                if name == "null" {
                    "none".to_owned()
                } else {
                    name.to_owned()
                },
            ));
        };
        let after = &rest[length..];
        let (meaning, length) = match head {
            Head::Unknown(id) => return Err(Fault::UnknownStep(id)),
            Head::OfSteps(step) => {
                if ends_after(after, ".output") {
                    (Meaning::Root(Root::Step(step)), length + ".output".len())
                } else if ends_after(after, ".status") {
                    (Meaning::Status(step), length + ".status".len())
                } else {
                    (Meaning::Root(Root::Step(step)), length)
                }
            }
            Head::Known(Root::Step(step)) if ends_after(after, ".output") => {
                (Meaning::Output(step), length + ".output".len())
            }
            Head::Known(root) => (Meaning::Root(root), length),
        };
        let name = if let Some(variable) = variables
            .iter()
            .find(|variable| variable.meaning == meaning)
        {
            Arc::clone(&variable.name)
        } else {
            let name: Arc<str> = format!("__ref_{}", variables.len()).into();
            variables.push(Variable {
                name: Arc::clone(&name),
                meaning,
            });
            name
        };
        Ok((length, name.to_string()))
    }

    fn longest_head(&self, rest: &str, candidate: &str) -> Option<(Head, usize)> {
        if rest.starts_with("steps[") || rest.starts_with("steps.") {
            return self.head(rest);
        }
        // A number is a number here, even where a step has it as its id.
        if candidate.starts_with(|c: char| c.is_ascii_digit())
            && candidate[..identifier(candidate)]
                .chars()
                .all(|c| c.is_ascii_digit())
        {
            return None;
        }
        // `s1-s2` may be one id or a difference: the longest id that the plan has decides.
        let mut end = identifier(candidate);
        loop {
            let name = &candidate[..end];
            if let Some(found) = self.head(name).filter(|(_, length)| *length == end) {
                return Some(found);
            }
            if name.contains(|c| c == '-' || is_joiner(c)) && (self.context)(name) {
                return Some((Head::Known(Root::Context(name.into())), end));
            }
            if name == "context" && !(self.context)(name) {
                let field = candidate[end..].strip_prefix('.')?;
                let length = identifier_without_dash(field);
                if length > 0 {
                    let root = Root::Context(field[..length].into());
                    return Some((Head::Known(root), end + 1 + length));
                }
            }
            end = name.rfind('-')?;
        }
    }
}

/// `== null` and `!= null`, which hold for what is undefined too: as a test, and the length in the text.
fn compared_with_nothing(text: &str) -> Option<(usize, &'static str)> {
    let (sign, meant) = [("==", " is nothing "), ("!=", " is not nothing ")]
        .into_iter()
        .find(|(sign, _)| text.starts_with(sign))?;
    let after = text[sign.len()..].trim_start_matches('=').trim_start();
    let length = identifier_without_dash(after);
    matches!(&after[..length], "null" | "none" | "None")
        .then(|| (text.len() - after.len() + length, meant))
}
