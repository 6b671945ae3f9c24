//! JSON as language models write it.
//!
//! A repair changes the form and never the content: the strings, numbers and words of the result are those of the
//! text, in their order. What could be repaired in two ways is not repaired.
//!
//! ```text
//!  text ─▶ token ─▶ commas ─▶ brackets ─▶ Repaired (strict JSON, its edits, the places of its tokens)
//!                      └── form ──┘
//! ```

mod brackets;
mod commas;
mod ending;
mod form;
#[cfg(test)]
mod tests;
mod token;

use brackets::{Brackets, Change};
pub(crate) use ending::ending;
use std::ops::Range;
use token::{Kind, Token, Tokens};

/// Only texts up to this size, as a model writes them, are repaired.
const MAX_LENGTH: usize = 256 << 10;

/// A kind of repair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Repair {
    /// A comma that separates nothing is left out.
    ExtraComma,
    /// A bracket is added.
    MissingBracket,
    /// A bracket is left out.
    ExtraBracket,
    /// A comma or a colon is added.
    MissingComma,
    /// Other quotes, or none around a key.
    Quotes,
    /// A Python word for true, false or null.
    Keyword,
    /// A character that a string may hold only escaped, or an escape that only other languages have.
    Escape,
    /// A backslash that JSON does not know, which stands for itself.
    Backslash,
    /// A comment is left out.
    Comment,
}

/// A repair and its place in the text, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edit {
    pub at: usize,
    pub repair: Repair,
}

impl Edit {
    fn new(repair: Repair, at: usize) -> Self {
        Self { at, repair }
    }
}

/// Why a text is not read. Places are in bytes of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A string or a comment that begins here does not end.
    Open { at: usize },
    /// The text ends inside the value that begins at the place.
    CutOff { at: usize },
    /// What stands here is not JSON.
    Unknown { span: Range<usize> },
    /// A backslash that may be an escape or stand for itself.
    Backslash { at: usize },
    /// A bracket is missing, or there is one too many, and more than one repair is possible.
    Brackets { at: usize },
    /// What follows the value belongs to it.
    Attached { at: usize },
    /// The text is too long to be repaired.
    TooLong,
}

/// Strict JSON and how it came about.
#[derive(Debug)]
pub(crate) struct Repaired {
    /// The JSON.
    pub json: String,
    /// What was repaired, in the order of the places.
    pub edits: Vec<Edit>,
    /// Where the value stands in the text.
    pub span: Range<usize>,
    /// How many lists and objects the text leaves open at its end.
    pub left_open: usize,
    /// The places of the tokens: in the JSON, and in the text.
    places: Vec<(Range<usize>, Range<usize>)>,
}

impl Repaired {
    /// Where something stands in the text that stands at `span` of the JSON.
    pub(crate) fn place(&self, span: &Range<usize>) -> Range<usize> {
        let first = self
            .places
            .partition_point(|(json, _)| json.end <= span.start);
        let last = self
            .places
            .partition_point(|(json, _)| json.start < span.end);
        let start = self
            .places
            .get(first)
            .map_or(self.span.end, |(_, source)| source.start);
        let end = last
            .checked_sub(1)
            .and_then(|at| self.places.get(at))
            .map_or(start, |(_, source)| source.end);
        start..end.max(start)
    }
}

/// Reads the list or object that begins at `start` of `text` with its bracket. With `is_whole` the text is known to be
/// complete, so that closing brackets at its end were forgotten and not cut off.
pub(crate) fn read(text: &str, start: usize, is_whole: bool) -> Result<Repaired, Fault> {
    if text.len() - start > MAX_LENGTH {
        return Err(Fault::TooLong);
    }
    let mut tokens = Tokens {
        text,
        at: start,
        end: text.len(),
        edits: Vec::new(),
    };
    let mut value = Vec::new();
    let mut depth = 0_usize;
    while let Some(token) = tokens.next()? {
        match token.kind {
            Kind::Open(_) => depth += 1,
            Kind::Close(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        value.push(token);
        if depth == 0 {
            break;
        }
    }
    let end = tokens.at;
    let followed = is_attached(&text[end..]);
    let read = finish(text, &value, tokens.edits, start..end, is_whole);
    match read {
        Ok(repaired) if !followed => Ok(repaired),
        Err(fault @ Fault::CutOff { .. }) => Err(fault),
        other => {
            let fault = other.err().unwrap_or(Fault::Attached { at: end });
            read_to_last_bracket(text, start, is_whole)
                .filter(|repaired| {
                    repaired.span.end > end && !is_attached(&text[repaired.span.end..])
                })
                .ok_or(fault)
        }
    }
}

/// Reads from `start` to the last closing bracket of the text as one value: a bracket inside it may be one too many.
pub(crate) fn read_to_last_bracket(text: &str, start: usize, is_whole: bool) -> Option<Repaired> {
    let end = text.rfind(['}', ']'])? + 1;
    if end <= start || end - start > MAX_LENGTH {
        return None;
    }
    let mut tokens = Tokens {
        text,
        at: start,
        end,
        edits: Vec::new(),
    };
    let mut value = Vec::new();
    while let Some(token) = tokens.next().ok()? {
        value.push(token);
    }
    finish(text, &value, tokens.edits, start..end, is_whole).ok()
}

/// Whether a text goes on with what stands before it: with a comma, a colon or a closing bracket.
pub(crate) fn is_attached(rest: &str) -> bool {
    rest.trim_start().starts_with([',', ':', '}', ']'])
}

/// The result of a value that takes all `tokens`.
fn finish(
    text: &str,
    tokens: &[Token],
    mut edits: Vec<Edit>,
    span: Range<usize>,
    is_whole: bool,
) -> Result<Repaired, Fault> {
    let mut left_open = 0;
    let mut fixed;
    if let Some((with_commas, more)) = commas::fixed(tokens) {
        fixed = with_commas;
        edits.extend(more);
    } else {
        let (kept, more) = commas::without_trailing(tokens);
        fixed = kept;
        edits.extend(more);
        match brackets::look(&fixed, text, is_whole) {
            Brackets::Sound => {}
            Brackets::Repaired(change, closers) => {
                left_open = closers.len();
                match change {
                    Change::Add(number, kind) => {
                        let at = fixed.get(number).map_or(span.end, |next| next.span.start);
                        left_open += usize::from(number == fixed.len());
                        edits.push(Edit::new(Repair::MissingBracket, at));
                        fixed.insert(number, Token::mark(kind, at..at));
                    }
                    Change::Remove(number) => {
                        let removed = fixed.remove(number);
                        edits.push(Edit::new(Repair::ExtraBracket, removed.span.start));
                    }
                }
                for closer in closers {
                    edits.push(Edit::new(Repair::MissingBracket, span.end));
                    fixed.push(Token::mark(Kind::Close(closer), span.end..span.end));
                }
            }
            Brackets::CutOff => return Err(Fault::CutOff { at: span.start }),
            Brackets::Broken(number, several) => {
                let at = fixed.get(number).map_or(span.end, |token| token.span.start);
                let end = fixed.get(number).map_or(span.end, |token| token.span.end);
                return Err(if several {
                    Fault::Brackets { at }
                } else {
                    Fault::Unknown { span: at..end }
                });
            }
        }
    }
    let mut json = String::with_capacity(span.len());
    let mut places = Vec::with_capacity(fixed.len());
    for token in &fixed {
        let from = json.len();
        json.push_str(token.written(text));
        places.push((from..json.len(), token.span.clone()));
    }
    edits.sort_unstable();
    Ok(Repaired {
        json,
        edits,
        span,
        left_open,
        places,
    })
}
