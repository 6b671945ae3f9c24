//! Strict JSON with places.
//!
//! One walk over the text, since plans of 100,000 steps are read with it. What it refuses is looked at again by
//! `serde_json`, whose words for what is wrong are good ones.

use super::fault::SyntaxFault;
use super::shared_text::SharedText;
use crate::plan::node::{Kind, MAX_DEPTH, Member, Node};
use crate::text::{is_beyond_64_bits, visible};
use serde::de::IgnoredAny;
use serde_json::Number;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

/// Reads a JSON value that fills the whole text.
pub(super) fn read(text: &str) -> Result<Node, SyntaxFault> {
    read_at(text, 0)
}

/// Reads a JSON value that fills the whole text, which stands at `offset` in the source.
pub(super) fn read_at(text: &str, offset: usize) -> Result<Node, SyntaxFault> {
    let mut reader = Reader {
        text,
        at: 0,
        offset,
        shared: SharedText::default(),
        fault: None,
    };
    if let Some(node) = reader.whole() {
        return Ok(node);
    }
    let at = reader.at;
    let fault = reader.fault.take();
    // Invalid syntax is reported before valid syntax that is refused.
    let fault = too_deep(text)
        .or_else(|| not_json(text))
        .or(fault)
        .unwrap_or_else(|| SyntaxFault::new("bad_json", "it is not valid JSON", at..at + 1));
    Err(fault.moved(offset))
}

/// The JSON object that fills `text`, which stands at `offset` in the source.
pub(in crate::plan) fn object_at(text: &str, offset: usize) -> Option<Node> {
    if !text.starts_with('{') {
        return None;
    }
    read_at(text, offset).ok()
}

/// A walk along a text. A value that cannot be read is `None`, and `fault` may say why.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Where the text stands in the source.
    offset: usize,
    shared: SharedText,
    fault: Option<SyntaxFault>,
}

impl Reader<'_> {
    fn whole(&mut self) -> Option<Node> {
        let value = self.value(0)?;
        self.blanks();
        (self.at == self.text.len()).then_some(value)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn take(&mut self, mark: u8) -> bool {
        let found = self.peek() == Some(mark);
        self.at += usize::from(found);
        found
    }

    fn place(&self, start: usize) -> Range<usize> {
        start + self.offset..self.at + self.offset
    }

    /// `depth` is how many lists and objects are open.
    fn value(&mut self, depth: usize) -> Option<Node> {
        self.blanks();
        let start = self.at;
        let kind = match self.peek()? {
            b'"' => Kind::Text(self.string()?),
            b'{' => self.object(depth + 1)?,
            b'[' => self.list(depth + 1)?,
            b't' => self.word("true", Kind::Bool(true))?,
            b'f' => self.word("false", Kind::Bool(false))?,
            b'n' => self.word("null", Kind::Null)?,
            b'-' | b'0'..=b'9' => Kind::Number(self.number()?),
            _ => return None,
        };
        Some(Node::new(kind, self.place(start)))
    }

    fn word(&mut self, word: &str, kind: Kind) -> Option<Kind> {
        self.text.get(self.at..)?.strip_prefix(word)?;
        self.at += word.len();
        Some(kind)
    }

    fn object(&mut self, depth: usize) -> Option<Kind> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.at += 1;
        let mut members: Vec<Member> = Vec::new();
        self.blanks();
        if self.take(b'}') {
            return Some(Kind::Object(members));
        }
        loop {
            self.blanks();
            let start = self.at;
            if self.peek() != Some(b'"') {
                return None;
            }
            let key = self.string()?;
            let key_span = self.place(start);
            self.blanks();
            if !self.take(b':') {
                return None;
            }
            let value = self.value(depth)?;
            members.push(Member {
                key,
                key_span,
                value,
            });
            self.blanks();
            if self.take(b',') {
                continue;
            }
            if !self.take(b'}') {
                return None;
            }
            if let Some(fault) = duplicate(&members, self.offset) {
                self.fault = Some(fault);
                return None;
            }
            return Some(Kind::Object(members));
        }
    }

    fn list(&mut self, depth: usize) -> Option<Kind> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.at += 1;
        let mut list = Vec::new();
        self.blanks();
        if self.take(b']') {
            return Some(Kind::List(list));
        }
        loop {
            list.push(self.value(depth)?);
            self.blanks();
            if self.take(b',') {
                continue;
            }
            return self.take(b']').then_some(Kind::List(list));
        }
    }

    /// The string that begins here with its quote.
    fn string(&mut self) -> Option<Arc<str>> {
        let start = self.at + 1;
        let rest = self.text.as_bytes().get(start..)?;
        let end = start + rest.iter().position(|byte| is_special(*byte))?;
        self.at = end;
        match self.peek()? {
            b'"' => {
                self.at += 1;
                Some(self.shared.get(self.text.get(start..end)?))
            }
            b'\\' => self.escaped(start),
            _ => None,
        }
    }

    /// The string that begins before `start` and has its first escape here.
    fn escaped(&mut self, start: usize) -> Option<Arc<str>> {
        loop {
            let rest = self.text.as_bytes().get(self.at..)?;
            self.at += rest.iter().position(|byte| is_special(*byte))?;
            match self.peek()? {
                b'"' => break,
                // The character after it belongs to the escape, whatever it is.
                b'\\' => self.at += 2,
                _ => return None,
            }
        }
        self.at += 1;
        let written = self.text.get(start - 1..self.at)?;
        let text: String = serde_json::from_str(written)
            .map_err(|error| {
                self.fault = Some(SyntaxFault::new(
                    "bad_json",
                    format!("it is not valid JSON: {}", message(&error)),
                    start - 1..self.at,
                ));
            })
            .ok()?;
        Some(text.into())
    }

    fn number(&mut self) -> Option<Number> {
        let start = self.at;
        let rest = self.text.get(start..)?;
        let length = rest
            .bytes()
            .position(|byte| !matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
            .unwrap_or(rest.len());
        self.at += length;
        let written = rest.get(..length)?;
        let is_short = length < 18 && (length == 1 || !written.starts_with('0'));
        if is_short
            && written.bytes().all(|byte| byte.is_ascii_digit())
            && let Ok(number) = written.parse::<u64>()
        {
            return Some(number.into());
        }
        if is_beyond_64_bits(written) {
            self.fault = Some(SyntaxFault::beyond_64_bits(written, start..self.at));
            return None;
        }
        let number = serde_json::from_str(written);
        if number.is_err() {
            self.fault = Some(SyntaxFault::new(
                "bad_number",
                format!("the number {} is out of range", visible(written, 40)),
                start..self.at,
            ));
        }
        number.ok()
    }
}

/// What ends a run of plain characters in a string.
fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Finds nesting that is too deep for a recursive reader, without recursion.
fn too_deep(text: &str) -> Option<SyntaxFault> {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Some(SyntaxFault::too_deep(at));
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// What `serde_json` finds wrong with a text: exact, and without recursion.
fn not_json(text: &str) -> Option<SyntaxFault> {
    let error = serde_json::from_str::<IgnoredAny>(text).err()?;
    let line_start = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum::<usize>();
    let at = text.floor_char_boundary(line_start + error.column().saturating_sub(1));
    let end = text[at..].chars().next().map_or(at, |c| at + c.len_utf8());
    Some(SyntaxFault::new(
        "bad_json",
        format!("it is not valid JSON: {}", message(&error)),
        at..end,
    ))
}

/// The message of an error, without its place.
fn message(error: &serde_json::Error) -> String {
    let mut message = error.to_string();
    if let Some(cut) = message.rfind(" at line ") {
        message.truncate(cut);
    }
    visible(&message, 200)
}

/// The fault of two members with the same name. The places of `members` count from `offset`.
pub(super) fn duplicate(members: &[Member], offset: usize) -> Option<SyntaxFault> {
    let twice = if members.len() <= 16 {
        members
            .iter()
            .enumerate()
            .find(|(at, member)| members[..*at].iter().any(|other| other.key == member.key))
            .map(|(_, member)| member)
    } else {
        let mut seen = HashSet::with_capacity(members.len());
        members.iter().find(|member| !seen.insert(&*member.key))
    }?;
    let span = twice.key_span.start - offset..twice.key_span.end - offset;
    Some(SyntaxFault::new(
        "duplicate_key",
        format!(
            "`{}` is given twice in the same object",
            visible(&twice.key, 80)
        ),
        span,
    ))
}
