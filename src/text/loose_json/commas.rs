//! The commas and colons of a JSON value: what is missing is added where one place is possible, what is one too many
//! is left out.

use super::form::{Expects, Form};
use super::token::{Kind, Token};
use super::{Edit, Repair};

/// The tokens of a whole value with its commas and colons as they should be; `None` where something else is wrong.
pub(super) fn fixed(tokens: &[Token]) -> Option<(Vec<Token>, Vec<Edit>)> {
    let mut form = Form::default();
    let mut fixed: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut edits = Vec::new();
    for (number, token) in tokens.iter().enumerate() {
        let expects = form.open.last().copied();
        let at = token.span.start;
        match (token.kind, expects) {
            // A comma that separates nothing.
            (
                Kind::Comma,
                Some(Expects::FirstElement | Expects::Element | Expects::FirstKey | Expects::Key),
            ) => {
                edits.push(Edit::new(Repair::ExtraComma, at));
                continue;
            }
            (Kind::Close(b']'), Some(Expects::Element))
            | (Kind::Close(b'}'), Some(Expects::Key)) => {
                let comma = fixed.pop()?;
                edits.push(Edit::new(Repair::ExtraComma, comma.span.start));
                form.undo_comma();
            }
            (Kind::Text, Some(Expects::CommaInObject))
                if tokens.get(number + 1).map(|next| next.kind) == Some(Kind::Colon) =>
            {
                add(Kind::Comma, at, &mut form, &mut fixed, &mut edits);
            }
            // Two strings side by side may be one, as in Python.
            (Kind::Text, Some(Expects::CommaInList))
                if fixed.last().is_some_and(|last| last.kind == Kind::Text) => {}
            (Kind::Text | Kind::Scalar | Kind::Open(_), Some(Expects::CommaInList)) => {
                add(Kind::Comma, at, &mut form, &mut fixed, &mut edits);
            }
            (Kind::Text | Kind::Scalar | Kind::Open(_), Some(Expects::Colon)) => {
                add(Kind::Colon, at, &mut form, &mut fixed, &mut edits);
            }
            _ => {}
        }
        if !form.take(token.kind) {
            return None;
        }
        fixed.push(token.clone());
    }
    form.is_done.then_some((fixed, edits))
}

fn add(kind: Kind, at: usize, form: &mut Form, fixed: &mut Vec<Token>, edits: &mut Vec<Edit>) {
    form.take(kind);
    fixed.push(Token::mark(kind, at..at));
    edits.push(Edit::new(Repair::MissingComma, at));
}

/// The tokens without the commas before the bracket that closes their list or object: the one extra comma that cannot
/// be the trace of a bracket that is missing.
pub(super) fn without_trailing(tokens: &[Token]) -> (Vec<Token>, Vec<Edit>) {
    let mut open = Vec::new();
    let mut fixed: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut edits = Vec::new();
    for token in tokens {
        match token.kind {
            Kind::Open(mark) => open.push(mark),
            Kind::Close(mark) => {
                let matches = match open.pop() {
                    Some(b'{') => mark == b'}',
                    Some(_) => mark == b']',
                    None => false,
                };
                let before = fixed.len().checked_sub(2).map(|at| fixed[at].kind);
                let follows_value =
                    matches!(before, Some(Kind::Close(_) | Kind::Text | Kind::Scalar));
                if matches
                    && follows_value
                    && let Some(comma) = fixed.pop_if(|last| last.kind == Kind::Comma)
                {
                    edits.push(Edit::new(Repair::ExtraComma, comma.span.start));
                }
            }
            _ => {}
        }
        fixed.push(token.clone());
    }
    (fixed, edits)
}
