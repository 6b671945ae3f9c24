//! Python literals as the arguments of a call.

use crate::plan::node::{Kind, MAX_DEPTH, Member, Node};
use crate::text::is_beyond_64_bits;
use serde_json::Number;
use std::ops::Range;

/// The arguments of a call.
pub(super) struct Arguments {
    pub positional: Vec<Node>,
    pub named: Vec<Member>,
    /// Where the parenthesis stands that ends them.
    pub close: usize,
    /// Strings that stand side by side, which Python makes one of.
    pub joined: Option<Range<usize>>,
}

/// The arguments that begin at `start` of `text`, after the parenthesis; `None` where they are not Python literals, or
/// not closed before `end`.
pub(super) fn arguments(text: &str, start: usize, end: usize) -> Option<Arguments> {
    let mut reader = Reader {
        text,
        at: start,
        end,
        joined: None,
    };
    let (mut positional, mut named) = (Vec::new(), Vec::new());
    reader.arguments(&mut positional, &mut named)?;
    Some(Arguments {
        positional,
        named,
        close: reader.at - 1,
        joined: reader.joined,
    })
}

/// Reads Python literals.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    end: usize,
    joined: Option<Range<usize>>,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..self.end]
    }

    /// Passes over blanks, comments and continued lines.
    fn blanks(&mut self) {
        loop {
            let after = self.rest().trim_start();
            self.at = self.end - after.len();
            if after.starts_with('#') {
                self.at += after.find('\n').unwrap_or(after.len());
            } else if after.starts_with("\\\n") {
                self.at += 2;
            } else {
                return;
            }
        }
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
            if self.take(')') {
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
            if self.take(')') {
                return Some(());
            }
            if !self.take(',') {
                return None;
            }
        }
    }

    /// `name=`, where that stands here.
    fn keyword(&mut self) -> Option<Range<usize>> {
        let rest = self.rest();
        let length = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        let name = self.at..self.at + length;
        if length == 0 || rest.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let after = rest[length..].trim_start();
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
        if let Some(text) = self.strings(depth).ok()? {
            return Some(Node::text(text, start..self.at));
        }
        let kind = match self.rest().chars().next()? {
            '[' => {
                self.at += 1;
                Kind::List(self.list(']', depth)?.0)
            }
            '(' => {
                self.at += 1;
                match self.list(')', depth)? {
                    // Parentheses around one value are none of a tuple.
                    (mut list, false) if list.len() == 1 => list.pop()?.kind,
                    (list, _) => Kind::List(list),
                }
            }
            '{' => {
                self.at += 1;
                self.dict(depth)?
            }
            '$' => {
                self.at += reference(self.rest());
                Kind::Text(self.text[start..self.at].into())
            }
            _ => self.word()?,
        };
        Some(Node::new(kind, start..self.at))
    }

    fn word(&mut self) -> Option<Kind> {
        let rest = self.rest();
        let length = rest
            .find(|c: char| c.is_whitespace() || ",()[]{}:=\"'#".contains(c))
            .unwrap_or(rest.len());
        let word = &rest[..length];
        self.at += length;
        match word {
            "" => None,
            "True" | "true" => Some(Kind::Bool(true)),
            "False" | "false" => Some(Kind::Bool(false)),
            "None" | "null" => Some(Kind::Null),
            word if is_beyond_64_bits(&word.replace('_', "")) => None,
            _ => number(word).map(Kind::Number),
        }
    }

    /// The elements up to `close`, and whether a comma follows the last.
    fn list(&mut self, close: char, depth: usize) -> Option<(Vec<Node>, bool)> {
        let mut list = Vec::new();
        let mut after_comma = false;
        loop {
            self.blanks();
            if self.take(close) {
                return Some((list, after_comma));
            }
            list.push(self.value(depth + 1)?);
            self.blanks();
            after_comma = self.take(',');
            if !after_comma {
                return self.take(close).then_some((list, false));
            }
        }
    }

    /// A dictionary, or a set, which becomes a list.
    fn dict(&mut self, depth: usize) -> Option<Kind> {
        let mut members: Vec<Member> = Vec::new();
        loop {
            self.blanks();
            if self.take('}') {
                return Some(Kind::Object(members));
            }
            let key = self.value(depth + 1)?;
            self.blanks();
            if !self.take(':') {
                if !members.is_empty() {
                    return None;
                }
                let mut list = vec![key];
                if self.take(',') {
                    list.extend(self.list('}', depth)?.0);
                } else if !self.take('}') {
                    return None;
                }
                return Some(Kind::List(list));
            }
            let name = match key.kind {
                Kind::Text(name) => name,
                Kind::Number(number) => number.to_string().into(),
                _ => return None,
            };
            let value = self.value(depth + 1)?;
            // Python would forget the first of two.
            if members.iter().any(|member| *member.key == *name) {
                return None;
            }
            members.push(Member {
                key: name,
                key_span: key.span,
                value,
            });
            self.blanks();
            if !self.take(',') {
                return self.take('}').then_some(Kind::Object(members));
            }
        }
    }

    /// The string literals that stand here side by side, as one text. In a list it is not clear whether two of them
    /// are one or lack a comma.
    fn strings(&mut self, depth: usize) -> Result<Option<String>, Malformed> {
        let Some(opening) = Opening::of(self.rest()) else {
            return Ok(None);
        };
        let start = self.at;
        let mut read = self.string(&opening).ok_or(Malformed)?;
        loop {
            let end = self.at;
            self.blanks();
            let Some(opening) = Opening::of(self.rest()) else {
                self.at = end;
                return Ok(Some(read));
            };
            if depth > 0 {
                return Err(Malformed);
            }
            read.push_str(&self.string(&opening).ok_or(Malformed)?);
            self.joined.get_or_insert(start..self.at);
        }
    }

    fn string(&mut self, opening: &Opening) -> Option<String> {
        self.at += opening.length;
        let mut read = String::new();
        loop {
            let rest = self.rest();
            let character = rest.chars().next()?;
            if opening.is_triple {
                if rest.starts_with(opening.closer_triple()) {
                    self.at += 3;
                    return Some(read);
                }
            } else if opening.closes(character) {
                self.at += character.len_utf8();
                return Some(read);
            }
            self.at += character.len_utf8();
            match character {
                '\n' if !opening.is_triple && begins_call(self.rest()) => return None,
                '{' if opening.is_formatted => return None,
                '\\' if opening.is_raw => {
                    read.push('\\');
                    let escaped = self.rest().chars().next()?;
                    self.at += escaped.len_utf8();
                    read.push(escaped);
                }
                '\\' => self.escape(&mut read)?,
                other => read.push(other),
            }
        }
    }

    /// What stands after a backslash.
    fn escape(&mut self, read: &mut String) -> Option<()> {
        let rest = self.rest();
        let escaped = rest.chars().next()?;
        self.at += escaped.len_utf8();
        let digits = match escaped {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        if digits > 0 {
            let written = rest.get(1..=digits)?;
            let all = written.bytes().all(|byte| byte.is_ascii_hexdigit());
            let code = all.then(|| u32::from_str_radix(written, 16).ok())??;
            read.push(char::from_u32(code)?);
            self.at += digits;
            return Some(());
        }
        match escaped {
            'n' => read.push('\n'),
            't' => read.push('\t'),
            'r' => read.push('\r'),
            'a' => read.push('\u{7}'),
            'b' => read.push('\u{8}'),
            'f' => read.push('\u{c}'),
            'v' => read.push('\u{b}'),
            '0'..='7' => {
                let length = rest
                    .bytes()
                    .take(3)
                    .take_while(|byte| matches!(byte, b'0'..=b'7'))
                    .count();
                let code = u32::from_str_radix(&rest[..length], 8).ok()?;
                read.push(char::from_u32(code)?);
                self.at += length - 1;
            }
            'N' if rest[1..].starts_with('{') => return None,
            '\n' => {}
            '\\' | '"' | '\'' => read.push(escaped),
            other => {
                read.push('\\');
                read.push(other);
            }
        }
        Some(())
    }
}

/// A string literal that is not valid.
struct Malformed;

/// How a string literal begins.
struct Opening {
    quote: char,
    is_raw: bool,
    is_formatted: bool,
    is_triple: bool,
    /// The length of the prefix and the quotes.
    length: usize,
}

impl Opening {
    fn of(text: &str) -> Option<Self> {
        let prefix = text
            .bytes()
            .take(2)
            .take_while(|byte| b"rRuUbBfF".contains(byte))
            .count();
        let letters = text[..prefix].to_ascii_lowercase();
        if !matches!(
            letters.as_str(),
            "" | "r" | "u" | "b" | "f" | "br" | "rb" | "fr" | "rf"
        ) {
            return None;
        }
        let marks = &text[prefix..];
        let quote = marks.chars().next().filter(|c| {
            matches!(
                c,
                '"' | '\'' | '\u{201c}' | '\u{201d}' | '\u{2018}' | '\u{2019}'
            )
        })?;
        let is_triple = marks.starts_with("\"\"\"") || marks.starts_with("'''");
        let quotes = if is_triple { 3 } else { quote.len_utf8() };
        Some(Self {
            quote,
            is_raw: letters.contains('r'),
            is_formatted: letters.contains('f'),
            is_triple,
            length: prefix + quotes,
        })
    }

    /// Whether a character ends the string, if it has single quotes.
    fn closes(&self, character: char) -> bool {
        match self.quote {
            '\u{201c}' | '\u{201d}' => matches!(character, '\u{201c}' | '\u{201d}'),
            '\u{2018}' | '\u{2019}' => matches!(character, '\u{2018}' | '\u{2019}'),
            quote => character == quote,
        }
    }

    fn closer_triple(&self) -> &'static str {
        if self.quote == '"' { "\"\"\"" } else { "'''" }
    }
}

/// Whether a line begins as the next part of a plan does: a string that reaches it was not closed.
fn begins_call(text: &str) -> bool {
    // Of this line alone: the next one has its own turn.
    let line = text.trim_start_matches(|c: char| c.is_whitespace() && c != '\n');
    let after = line.trim_start_matches(|c: char| c.is_ascii_digit());
    (after.len() < line.len() && after.starts_with(['.', ')'])) || line.starts_with("Thought:")
}

/// The length of the reference that a text begins with: `$1`, `${1}`, `$name`, with a path after it.
fn reference(text: &str) -> usize {
    let mut length = if let Some(inner) = text.strip_prefix("${") {
        inner.find('}').map_or(2, |close| close + 3)
    } else {
        let name = &text[1..];
        1 + name
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(name.len())
    };
    loop {
        let rest = &text[length..];
        let more = if let Some(field) = rest.strip_prefix('.') {
            let name = field
                .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                .unwrap_or(field.len());
            if name == 0 { 0 } else { name + 1 }
        } else if let Some(index) = rest.strip_prefix('[') {
            let digits = index
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(index.len());
            if digits > 0 && index[digits..].starts_with(']') {
                digits + 2
            } else {
                0
            }
        } else {
            0
        };
        if more == 0 {
            return length;
        }
        length += more;
    }
}

/// A number as Python writes it: `10_000`, `0x1f`, `.5`, `+1`.
fn number(word: &str) -> Option<Number> {
    let (sign, digits) = match word.strip_prefix(['-', '+']) {
        Some(digits) => (if word.starts_with('-') { "-" } else { "" }, digits),
        None => ("", word),
    };
    let plain = without_underscores(digits)?;
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(written) = plain.to_ascii_lowercase().strip_prefix(prefix) {
            let value = i64::from_str_radix(written, radix).ok()?;
            return Some(Number::from(if sign.is_empty() { value } else { -value }));
        }
    }
    if !plain.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let mut json = format!("{sign}{plain}");
    if let Some(fraction) = plain.strip_prefix('.') {
        json = format!("{sign}0.{fraction}");
    }
    if let Some((whole, fraction)) = json.clone().split_once('.')
        && !fraction.starts_with(|c: char| c.is_ascii_digit())
    {
        json = format!("{whole}.0{fraction}");
    }
    let number: Number = serde_json::from_str(&json).ok()?;
    // An integer that is too large would be rounded.
    let is_integer = !plain.contains(['.', 'e', 'E']);
    (!is_integer || !number.is_f64()).then_some(number)
}

/// The digits without the underscores between them; `None` where one stands elsewhere.
fn without_underscores(digits: &str) -> Option<String> {
    if !digits.contains('_') {
        return Some(digits.to_owned());
    }
    let bytes = digits.as_bytes();
    let is_sound = bytes.iter().enumerate().all(|(at, byte)| {
        let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
        *byte != b'_' || (at > 0 && digit(at - 1) && digit(at + 1))
    });
    is_sound.then(|| digits.replace('_', ""))
}
