//! Python literals as the arguments of a call.

use crate::plan::node::{Kind, MAX_DEPTH, Member, Node};
use serde_json::Number;
use std::ops::Range;

/// The arguments by position and by name that stand at `span` of `text`; `None` where they are not Python.
pub(super) fn arguments(text: &str, span: Range<usize>) -> Option<(Vec<Node>, Vec<Member>)> {
    let mut reader = Reader {
        text,
        at: span.start,
        end: span.end,
    };
    let (mut positional, mut named) = (Vec::new(), Vec::new());
    reader.arguments(&mut positional, &mut named)?;
    Some((positional, named))
}

/// Reads Python literals.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    end: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..self.end]
    }

    fn blanks(&mut self) {
        self.at = self.end - self.rest().trim_start().len();
    }

    fn take(&mut self, mark: char) -> bool {
        let found = self.rest().starts_with(mark);
        if found {
            self.at += mark.len_utf8();
        }
        found
    }

    fn arguments(&mut self, positional: &mut Vec<Node>, named: &mut Vec<Member>) -> Option<()> {
        loop {
            self.blanks();
            if self.rest().is_empty() {
                return Some(());
            }
            match self.keyword() {
                Some(key) => {
                    let value = self.value(0)?;
                    named.push(Member {
                        key: self.text[key.clone()].into(),
                        key_span: key,
                        value,
                    });
                }
                None if named.is_empty() => positional.push(self.value(0)?),
                None => return None,
            }
            self.blanks();
            if self.rest().is_empty() {
                return Some(());
            }
            if !self.take(',') {
                return None;
            }
        }
    }

    /// `name=`, where that stands here.
    fn keyword(&mut self) -> Option<Range<usize>> {
        let name = name_at(self.text, self.at, |c| c.is_alphanumeric() || c == '_')?;
        if name.end >= self.end || self.text[name.clone()].starts_with(|c: char| c.is_ascii_digit())
        {
            return None;
        }
        let after = self.text[name.end..self.end].trim_start();
        if !after.starts_with('=') || after.starts_with("==") {
            return None;
        }
        self.at = self.end - after.len() + 1;
        self.blanks();
        Some(name)
    }

    fn value(&mut self, depth: usize) -> Option<Node> {
        if depth > MAX_DEPTH / 2 {
            return None;
        }
        self.blanks();
        let start = self.at;
        let first = self.rest().chars().next()?;
        let kind = match first {
            '"' | '\'' => Kind::Text(self.string(first)?.into()),
            '[' | '(' => {
                self.at += 1;
                let close = if first == '[' { ']' } else { ')' };
                Kind::List(self.list(close, depth)?)
            }
            '{' => {
                self.at += 1;
                Kind::Object(self.dict(depth)?)
            }
            '$' => {
                let length = self
                    .rest()
                    .find(|c: char| !(c.is_alphanumeric() || "${}_".contains(c)))
                    .unwrap_or(self.rest().len());
                self.at += length;
                Kind::Text(self.text[start..self.at].into())
            }
            _ => self.word()?,
        };
        Some(Node::new(kind, start..self.at))
    }

    fn word(&mut self) -> Option<Kind> {
        let length = self
            .rest()
            .find(|c: char| c.is_whitespace() || ",()[]{}:=\"'".contains(c))
            .unwrap_or(self.rest().len());
        let word = self.text[self.at..self.at + length].to_owned();
        self.at += length;
        match word.as_str() {
            "" => None,
            "True" | "true" => Some(Kind::Bool(true)),
            "False" | "false" => Some(Kind::Bool(false)),
            "None" | "null" => Some(Kind::Null),
            _ => serde_json::from_str::<Number>(&word).ok().map(Kind::Number),
        }
    }

    fn list(&mut self, close: char, depth: usize) -> Option<Vec<Node>> {
        let mut list = Vec::new();
        loop {
            self.blanks();
            if self.take(close) {
                return Some(list);
            }
            list.push(self.value(depth + 1)?);
            self.blanks();
            if !self.take(',') {
                return self.take(close).then_some(list);
            }
        }
    }

    fn dict(&mut self, depth: usize) -> Option<Vec<Member>> {
        let mut members: Vec<Member> = Vec::new();
        loop {
            self.blanks();
            if self.take('}') {
                return Some(members);
            }
            let key = self.value(depth + 1)?;
            let Kind::Text(name) = key.kind else {
                return None;
            };
            self.blanks();
            if !self.take(':') {
                return None;
            }
            let value = self.value(depth + 1)?;
            members.retain(|member| *member.key != *name);
            members.push(Member {
                key: name,
                key_span: key.span,
                value,
            });
            self.blanks();
            if !self.take(',') {
                return self.take('}').then_some(members);
            }
        }
    }

    fn string(&mut self, quote: char) -> Option<String> {
        self.at += 1;
        let mut read = String::new();
        loop {
            let character = self.rest().chars().next()?;
            self.at += character.len_utf8();
            match character {
                _ if character == quote => return Some(read),
                '\\' => {
                    let escaped = self.rest().chars().next()?;
                    self.at += escaped.len_utf8();
                    match escaped {
                        'n' => read.push('\n'),
                        't' => read.push('\t'),
                        'r' => read.push('\r'),
                        '\\' | '"' | '\'' => read.push(escaped),
                        '\n' => {}
                        other => {
                            read.push('\\');
                            read.push(other);
                        }
                    }
                }
                other => read.push(other),
            }
        }
    }
}

/// The characters from `start` on that belong together; `None` where there is none.
fn name_at(text: &str, start: usize, belongs: impl Fn(char) -> bool) -> Option<Range<usize>> {
    let length = text[start..]
        .find(|c: char| !belongs(c))
        .unwrap_or(text.len() - start);
    (length > 0).then_some(start..start + length)
}
