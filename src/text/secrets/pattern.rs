//! One spelling of a secret, compared with a text character by character.
//!
//! At each place of the text a character of the secret may stand as it is, in the other case, or as any escape has it;
//! one secret may mix them, as an address does that encodes only some characters. What cleaning drops may stand
//! between two characters. Several readings are followed side by side, so no choice is ever wrong.

use super::escapes;
use crate::text::is_unsafe;
use crate::text::message::after_escape;
use std::collections::HashSet;

/// The longest escape sequence that is waited for, in bytes.
const MAX_SEQUENCE: usize = 512;

/// How the characters of a pattern are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Upper and lower case are the same.
    Text,
    /// The characters of base64: case matters, both alphabets are the same, and line breaks may stand anywhere.
    Base64,
}

impl Kind {
    /// The characters that count as `c`.
    pub fn alike(self, c: char) -> impl Iterator<Item = char> {
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
pub fn fold(c: char) -> char {
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
pub struct Pattern {
    kind: Kind,
    elements: Vec<Element>,
}

/// What a pattern comes to at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// It does not stand there.
    No,
    /// It ends before this byte.
    To(usize),
    /// The end of the text cuts off what may be a match.
    CutOff {
        /// Where a shorter reading ends.
        to: Option<usize>,
        /// How many characters are there.
        matched: usize,
    },
}

impl Pattern {
    /// The pattern of `text`. Blanks in it may be others or missing in a text, and what cleaning drops is not looked for.
    pub fn new(text: &str, kind: Kind) -> Self {
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
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its first character.
    pub fn first(&self) -> Option<char> {
        Some(self.elements.first()?.c)
    }

    /// How many bytes its characters have.
    pub fn bytes(&self) -> usize {
        self.elements
            .iter()
            .map(|element| element.c.len_utf8())
            .sum()
    }

    /// Whether the text at `start` is this secret. `last`: no more text follows.
    pub fn at(&self, text: &str, start: usize, last: bool) -> Match {
        if self.is_refused(text.as_bytes(), start) {
            return Match::No;
        }
        let mut open = vec![(0, start)];
        let mut seen = HashSet::new();
        let mut end = None;
        let mut cut_off: Option<usize> = None;
        while let Some((matched, at)) = open.pop() {
            let Some(wanted) = self.elements.get(matched) else {
                end = end.max(Some(at));
                continue;
            };
            if !seen.insert((matched, at)) {
                continue;
            }
            let Some(c) = text[at..].chars().next() else {
                cut_off = cut_off.max(Some(matched));
                continue;
            };
            self.step(*wanted, matched, (c, at + c.len_utf8()), &mut open);
            if c == '\u{1b}' && matched > 0 {
                let rest = &text[at + 1..];
                let after = after_escape(rest);
                open.push((matched, text.len() - after.len()));
                // The rest of the sequence may still come.
                if after.len() == rest.len() && rest.len() < MAX_SEQUENCE {
                    cut_off = cut_off.max(Some(matched));
                }
            }
            if c.is_ascii() && escapes::introduces(c as u8) {
                let readings = escapes::read(text, at);
                for (c, length) in readings.chars {
                    self.step(*wanted, matched, (c, at + length), &mut open);
                }
                if readings.incomplete {
                    cut_off = cut_off.max(Some(matched));
                }
            }
        }
        match (cut_off.filter(|_| !last), end) {
            (Some(matched), to) => Match::CutOff { to, matched },
            (None, Some(to)) => Match::To(to),
            (None, None) => Match::No,
        }
    }

    /// Goes on from a character of the text that ends before `next`.
    fn step(
        &self,
        wanted: Element,
        matched: usize,
        (c, next): (char, usize),
        open: &mut Vec<(usize, usize)>,
    ) {
        if self.kind.is_same(wanted.c, c) {
            open.push((matched + 1, next));
        }
        let is_between = match self.kind {
            Kind::Text => is_unsafe(c) || wanted.gap && c.is_whitespace(),
            Kind::Base64 => matches!(c, '\n' | '\r') || is_unsafe(c),
        };
        if is_between && matched > 0 {
            open.push((matched, next));
        }
    }

    /// Whether it can be seen at once that nothing matches: a plain character, after which comes a plain one that is not
    /// the second.
    fn is_refused(&self, text: &[u8], start: usize) -> bool {
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
