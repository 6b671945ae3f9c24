//! The tokens of JSON as models write it: each string, number and word with the form that JSON has for it.

use super::{Edit, Fault, Repair};
use serde_json::Number;
use std::ops::Range;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `{` or `[`.
    Open(u8),
    /// `}` or `]`.
    Close(u8),
    Comma,
    Colon,
    /// A string, which may be a key.
    Text,
    /// A number, true, false or null.
    Scalar,
}

/// A token and its place in the source.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub kind: Kind,
    pub span: Range<usize>,
    /// How JSON writes it, where the source does not.
    pub json: Option<String>,
}

impl Token {
    pub(super) fn mark(kind: Kind, span: Range<usize>) -> Self {
        Self {
            kind,
            span,
            json: None,
        }
    }

    /// The token in JSON.
    pub(super) fn written<'a>(&'a self, text: &'a str) -> &'a str {
        if let Some(json) = &self.json {
            return json;
        }
        match self.kind {
            Kind::Open(b'{') => "{",
            Kind::Open(_) => "[",
            Kind::Close(b'}') => "}",
            Kind::Close(_) => "]",
            Kind::Comma => ",",
            Kind::Colon => ":",
            Kind::Text | Kind::Scalar => &text[self.span.clone()],
        }
    }
}

/// Reads token by token, strictly but for what has one meaning only: other quotes, unquoted keys, Python's words,
/// comments, unescaped characters.
pub(super) struct Tokens<'a> {
    pub text: &'a str,
    pub at: usize,
    pub end: usize,
    pub edits: Vec<Edit>,
}

impl<'a> Tokens<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..self.end]
    }

    fn edit(&mut self, repair: Repair, at: usize) {
        self.edits.push(Edit::new(repair, at));
    }

    /// The next token; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Token>, Fault> {
        self.blanks_and_comments()?;
        let start = self.at;
        let Some(first) = self.rest().chars().next() else {
            return Ok(None);
        };
        let mark = match first {
            '{' | '[' => Some(Kind::Open(first as u8)),
            '}' | ']' => Some(Kind::Close(first as u8)),
            ',' => Some(Kind::Comma),
            ':' => Some(Kind::Colon),
            _ => None,
        };
        if let Some(kind) = mark {
            self.at += 1;
            return Ok(Some(Token::mark(kind, start..self.at)));
        }
        if let Some(closers) = closers(first) {
            return self.string(first, closers).map(Some);
        }
        self.word().map(Some)
    }

    fn blanks_and_comments(&mut self) -> Result<(), Fault> {
        loop {
            let rest = self.rest();
            let after = rest.trim_start();
            self.at = self.end - after.len();
            let length = if after.starts_with("//") || after.starts_with('#') {
                after.find('\n').unwrap_or(after.len())
            } else if after.starts_with("/*") {
                match after.find("*/") {
                    Some(length) => length + 2,
                    None => return Err(Fault::Open { at: self.at }),
                }
            } else {
                return Ok(());
            };
            self.edit(Repair::Comment, self.at);
            self.at += length;
        }
    }

    /// A number or a word.
    fn word(&mut self) -> Result<Token, Fault> {
        let start = self.at;
        let rest = self.rest();
        let length = rest
            .find(|c: char| !(c.is_alphanumeric() || "_-+.$@".contains(c)))
            .unwrap_or(rest.len());
        let word = rest[..length].to_owned();
        let span = start..start + length.max(rest.chars().next().map_or(0, char::len_utf8));
        self.at += length;
        let followed_by_colon = rest[length..].trim_start().starts_with(':');
        let is_key = followed_by_colon && word.starts_with(|c: char| c.is_alphabetic() || c == '_');
        let replaced = match word.as_str() {
            _ if is_key => {
                self.edit(Repair::Quotes, start);
                return Ok(Token {
                    kind: Kind::Text,
                    span,
                    json: Some(quoted(&word)),
                });
            }
            "true" | "false" | "null" => None,
            "True" => Some("true"),
            "False" => Some("false"),
            "None" | "undefined" => Some("null"),
            _ if serde_json::from_str::<Number>(&word).is_ok() => None,
            _ => return Err(Fault::Unknown { span }),
        };
        if replaced.is_some() {
            self.edit(Repair::Keyword, start);
        }
        Ok(Token {
            kind: Kind::Scalar,
            span,
            json: replaced.map(str::to_owned),
        })
    }

    fn string(&mut self, first: char, closers: &[char]) -> Result<Token, Fault> {
        let start = self.at;
        self.at += first.len_utf8();
        let mut content = String::new();
        let mut strict = first == '"';
        if !strict {
            self.edit(Repair::Quotes, start);
        }
        // Backslashes that JSON knows and that mean another character, and backslashes that it does not know.
        let (mut known, mut unknown) = (None, None);
        loop {
            let at = self.at;
            let Some(character) = self.rest().chars().next() else {
                return Err(Fault::Open { at: start });
            };
            self.at += character.len_utf8();
            if closers.contains(&character) {
                break;
            }
            match character {
                '\\' => {
                    let Some(escaped) = self.rest().chars().next() else {
                        return Err(Fault::Open { at: start });
                    };
                    match escaped {
                        '"' | '\\' | '/' => content.push(escaped),
                        'b' | 'f' | 'n' | 'r' | 't' => {
                            known = known.or(Some(at));
                            content.push(match escaped {
                                'b' => '\u{8}',
                                'f' => '\u{c}',
                                'n' => '\n',
                                'r' => '\r',
                                _ => '\t',
                            });
                        }
                        'u' if hexadecimal(&self.rest()[1..]).is_some() => {
                            known = known.or(Some(at));
                            let unit = hexadecimal(&self.rest()[1..]).unwrap_or_default();
                            let (decoded, more) = self.unicode(unit, at)?;
                            content.push(decoded);
                            self.at += more;
                        }
                        _ if closers.contains(&escaped) || escaped == '\'' => {
                            strict = false;
                            self.edit(Repair::Escape, at);
                            content.push(escaped);
                        }
                        '\n' | '\r' => return Err(Fault::Backslash { at }),
                        _ => {
                            unknown = unknown.or(Some(at));
                            strict = false;
                            self.edit(Repair::Backslash, at);
                            content.push('\\');
                            continue;
                        }
                    }
                    self.at += escaped.len_utf8();
                }
                '\0'..='\u{1f}' => {
                    strict = false;
                    self.edit(Repair::Escape, at);
                    content.push(character);
                }
                other => content.push(other),
            }
        }
        // `C:\temp\docs`: where one backslash is literal, the others may be as well.
        if let (Some(at), Some(_)) = (known, unknown) {
            return Err(Fault::Backslash { at });
        }
        Ok(Token {
            kind: Kind::Text,
            span: start..self.at,
            json: (!strict).then(|| quoted(&content)),
        })
    }

    /// The character of `\uXXXX`, whose `u` is here, and how many bytes follow the `u`'s first four digits.
    fn unicode(&self, unit: u16, at: usize) -> Result<(char, usize), Fault> {
        let second = self.rest()[5..]
            .strip_prefix("\\u")
            .and_then(hexadecimal)
            .filter(|low| (0xd800..0xdc00).contains(&unit) && (0xdc00..0xe000).contains(low));
        let units = std::iter::once(unit).chain(second);
        match char::decode_utf16(units).next() {
            Some(Ok(character)) => Ok((character, if second.is_some() { 10 } else { 4 })),
            _ => Err(Fault::Unknown { span: at..at + 6 }),
        }
    }
}

fn hexadecimal(text: &str) -> Option<u16> {
    let digits = text.get(..4)?;
    let all = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    all.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
}

/// What closes a string that opens with this character.
fn closers(open: char) -> Option<&'static [char]> {
    Some(match open {
        '"' => &['"'],
        '\'' => &['\''],
        '`' => &['`'],
        '\u{201c}' | '\u{201d}' | '\u{201e}' => &['\u{201c}', '\u{201d}'],
        '\u{2018}' | '\u{2019}' | '\u{201a}' => &['\u{2018}', '\u{2019}'],
        '\u{ab}' => &['\u{bb}'],
        _ => return None,
    })
}

pub(super) fn quoted(content: &str) -> String {
    serde_json::Value::from(content).to_string()
}
