//! A text cut into pieces: what stands as it is, references, expressions.

use super::closer::Closer;
use super::plain::{Plain, path};
use super::words::trim_marks;
use super::{Fault, Piece, Vocabulary};
use crate::plan::path::Segment;
use crate::plan::reference::{Reference, Root};
use std::ops::Range;
use std::sync::Arc;

impl Vocabulary<'_> {
    /// Splits a text into pieces; `None` where it is only text.
    pub(crate) fn pieces(&self, text: &str) -> Option<Vec<Piece>> {
        if let Some(id) = text.strip_prefix("step:")
            && !id.is_empty()
            && !id.contains(char::is_whitespace)
            && !self.in_code
        {
            return Some(vec![self.step_reference(text, id)]);
        }
        let may_begin = |byte| {
            matches!(byte, b'{' | b'$')
                || self
                    .syntax
                    .own
                    .as_ref()
                    .is_some_and(|own| own.begins_with(byte))
        };
        if !text.bytes().any(may_begin) {
            return None;
        }
        let mut pieces = Vec::new();
        let mut plain_from = 0;
        let mut at = 0;
        let mut closer = Closer::default();
        let bytes = text.as_bytes();
        while at < bytes.len() {
            let found = self.own(text, at).or_else(|| match bytes[at] {
                b'{' if bytes.get(at + 1) == Some(&b'{') => self.braces(text, at, &mut closer),
                b'$' => self.dollar(text, at),
                _ => None,
            });
            match found {
                None => at += 1,
                Some((end, piece)) => {
                    let (before, after) = self.trims(&text[at..end], &piece);
                    let plain = &text[plain_from..at];
                    let plain = if before { plain.trim_end() } else { plain };
                    if !plain.is_empty() {
                        pieces.push(Piece::Text(plain_from..plain_from + plain.len()));
                    }
                    pieces.push(piece);
                    let rest = &text[end..];
                    let rest = if after { rest.trim_start() } else { rest };
                    at = text.len() - rest.len();
                    plain_from = at;
                }
            }
        }
        if pieces.is_empty() {
            return None;
        }
        if plain_from < text.len() {
            pieces.push(Piece::Text(plain_from..text.len()));
        }
        Some(pieces)
    }

    /// Whether the text before and after a piece loses its blanks, as `{{-` and `-}}` ask for.
    fn trims(&self, source: &str, piece: &Piece) -> (bool, bool) {
        let inner = source
            .strip_prefix("{{")
            .and_then(|rest| rest.strip_suffix("}}"));
        match (inner, piece) {
            (Some(inner), Piece::Reference(..) | Piece::Expression(..)) if !self.in_code => {
                let (_, before, after) = trim_marks(inner);
                (before, after)
            }
            _ => (false, false),
        }
    }

    fn step_reference(&self, text: &str, id: &str) -> Piece {
        let span = 0..text.len();
        match self.ids.leading(id) {
            Some((step, length)) => match path(&id[length..]) {
                Some(path) => Piece::Reference(span, reference(Root::Step(step), path, text)),
                None => Piece::Fault(span, Fault::UnknownStep(id.to_owned())),
            },
            None => Piece::Fault(span, Fault::UnknownStep(id.to_owned())),
        }
    }

    /// The piece of a text that is exactly one `{{…}}`: what most parameters with a reference are.
    pub(crate) fn whole(&self, text: &Arc<str>) -> Option<Piece> {
        if !text.starts_with("{{") || !text.ends_with("}}") {
            return None;
        }
        let close = Closer::default().find(text, 2)?;
        if close + 2 != text.len() {
            return None;
        }
        self.between_braces(0..text.len(), &text[2..close], || Arc::clone(text))
    }

    /// `{{…}}`.
    fn braces(&self, text: &str, at: usize, closer: &mut Closer) -> Option<(usize, Piece)> {
        let close = closer.find(text, at + 2)?;
        let span = at..close + 2;
        let source = || Arc::from(&text[span.clone()]);
        let piece = self.between_braces(span.clone(), &text[at + 2..close], source)?;
        Some((span.end, piece))
    }

    fn between_braces(
        &self,
        span: Range<usize>,
        inner: &str,
        source: impl Fn() -> Arc<str>,
    ) -> Option<Piece> {
        let inner = if self.in_code {
            inner
        } else {
            trim_marks(inner).0
        };
        if inner.trim().is_empty() {
            return None;
        }
        Some(match self.plain(inner.trim()) {
            Plain::Reference(root, path) => {
                if self.in_code
                    && let Root::Context(name) = &root
                    && !(self.context)(name)
                {
                    return None;
                }
                Piece::Reference(span, reference(root, path, source()))
            }
            _ if self.in_code => return None,
            Plain::UnknownStep(id) => Piece::Fault(span, Fault::UnknownStep(id)),
            Plain::Status(_) | Plain::No => match self.expression(inner, &source()) {
                Ok(expression) => Piece::Expression(span, expression),
                Err(fault) => Piece::Fault(span, fault),
            },
        })
    }

    /// `${ID.field}`.
    fn dollar(&self, text: &str, at: usize) -> Option<(usize, Piece)> {
        let inner = text[at..].strip_prefix("${")?;
        let close = inner.find(['}', '{', '\n'])?;
        if !inner[close..].starts_with('}') {
            return None;
        }
        let inner = &inner[..close];
        let span = at..at + 2 + close + 1;
        let source = &text[span.clone()];
        let piece = match self.plain(inner.trim()) {
            Plain::Reference(root, path) => {
                // An unknown bare name is a variable of another language, as in `${HOME}`.
                if let Root::Context(name) = &root
                    && !(self.context)(name)
                {
                    if path.is_empty() || self.in_code {
                        return None;
                    }
                    return Some((
                        span.end,
                        Piece::Fault(span, Fault::UnknownStep(name.to_string())),
                    ));
                }
                Piece::Reference(span.clone(), reference(root, path, source))
            }
            Plain::UnknownStep(id) if !self.in_code => {
                Piece::Fault(span.clone(), Fault::UnknownStep(id))
            }
            _ => return None,
        };
        Some((span.end, piece))
    }

    /// A reference in the dialect's own form. One that no step has is a fault where it stands alone; inside a
    /// longer text it may well be an amount of money, so it stays text and is mentioned.
    fn own(&self, text: &str, at: usize) -> Option<(usize, Piece)> {
        let own = self.syntax.own.as_ref()?;
        let Some(mut found) = own.find(text, at) else {
            if let Some(end) = own.index_after(text, at) {
                return Some((end, Piece::Fault(at..end, Fault::Index)));
            }
            let end = at + own.placeholder(text, at)?;
            return Some((end, Piece::Fault(at..end, Fault::Placeholder)));
        };
        // `see $1[0]` may be a note; alone it is an element.
        let is_alone = at == 0 && found.path.end == text.len();
        if text[found.path.clone()].starts_with('[') && !is_alone {
            found.path.end = found.path.start;
        }
        let digits = at..found.path.start;
        let span = at..found.path.end;
        let id = &text[found.id];
        let piece = match self.ids.find(id) {
            Some(_) if found.is_amount => Piece::Fault(digits, Fault::Amount(id.to_owned())),
            Some(step) => {
                let path = path(&text[found.path]).unwrap_or_default();
                let source = &text[span.clone()];
                let reference = reference(Root::Step(step), path, source);
                return Some((span.end, Piece::Reference(span, reference)));
            }
            None if own.may_be_amount && digits.len() < text.len() => {
                Piece::Fault(digits, Fault::Text(id.to_owned()))
            }
            None => Piece::Fault(digits, Fault::UnknownStep(id.to_owned())),
        };
        Some((found.path.start, piece))
    }
}

fn reference(root: Root, path: Vec<Segment>, source: impl Into<Arc<str>>) -> Reference {
    Reference {
        root,
        path: path.into(),
        source: source.into(),
    }
}
