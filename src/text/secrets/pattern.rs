//! One spelling of a secret, and how its characters are compared with those of a text.

use super::escapes;
use crate::text::is_unsafe;

/// How the characters of a pattern are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Upper and lower case are the same.
    Text,
    /// The characters of base64: case matters, both alphabets are the same, and line breaks may stand anywhere.
    Base64,
}

impl Kind {
    /// The characters that count as `c`.
    pub(super) fn alike(self, c: char) -> impl Iterator<Item = char> {
        let other = match (self, c) {
            (Self::Base64, '+') => Some('-'),
            (Self::Base64, '/') => Some('_'),
            // An address has slashes where a backslash was written.
            (Self::Text, '\\') => Some('/'),
            _ => None,
        };
        std::iter::once(c).chain(other)
    }

    fn is_same(self, wanted: char, c: char) -> bool {
        match self {
            Self::Text => wanted == fold(c) || wanted == '\\' && c == '/',
            Self::Base64 => self.alike(wanted).any(|alike| alike == c),
        }
    }
}

/// `c` in lower case, where that is one character.
pub(super) fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None) => lower,
        _ => c,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Element {
    /// Folded where the kind ignores case.
    c: char,
    /// Whether blanks may stand before it, or have gone.
    gap: bool,
}

/// One spelling of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    kind: Kind,
    elements: Vec<Element>,
}

impl Pattern {
    /// The pattern of `text`. Blanks in it may be others or missing in a text, and what cleaning drops is not looked for.
    pub(super) fn new(text: &str, kind: Kind) -> Self {
        let mut elements = Vec::new();
        let mut gap = false;
        for c in text.chars() {
            if c.is_whitespace() {
                gap = true;
            } else if !is_unsafe(c) {
                let c = if kind == Kind::Text { fold(c) } else { c };
                elements.push(Element { c, gap });
                gap = false;
            }
        }
        Self { kind, elements }
    }

    /// How characters are compared.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Its first character.
    pub(super) fn first(&self) -> Option<char> {
        Some(self.elements.first()?.c)
    }

    /// How many bytes its characters have.
    pub(super) fn bytes(&self) -> usize {
        self.elements
            .iter()
            .map(|element| element.c.len_utf8())
            .sum()
    }

    /// Whether all characters are matched.
    pub(super) fn is_whole(&self, matched: usize) -> bool {
        matched == self.elements.len()
    }

    /// Whether `c` is the character after the first `matched` ones.
    pub(super) fn takes(&self, matched: usize, c: char) -> bool {
        let wanted = self.elements.get(matched);
        wanted.is_some_and(|wanted| self.kind.is_same(wanted.c, c))
    }

    /// Whether `c` may stand before the character after the first `matched` ones, and does not count.
    pub(super) fn passes_over(&self, matched: usize, c: char) -> bool {
        let Some(wanted) = self.elements.get(matched).filter(|_| matched > 0) else {
            return false;
        };
        match self.kind {
            Kind::Text => is_unsafe(c) || wanted.gap && c.is_whitespace(),
            Kind::Base64 => matches!(c, '\n' | '\r') || is_unsafe(c),
        }
    }

    /// Whether it can be seen at once that nothing matches: a plain character, after which comes a plain one that is not
    /// the second.
    pub(super) fn is_refused(&self, text: &[u8], start: usize) -> bool {
        let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && !escapes::introduces(byte);
        let (Some(first), Some(second)) = (text.get(start), self.elements.get(1)) else {
            return false;
        };
        let (true, Some(after)) = (is_plain(*first), text.get(start + 1)) else {
            return false;
        };
        is_plain(*after)
            && !(second.gap && *after == b' ')
            && !self.kind.is_same(second.c, char::from(*after))
    }
}
