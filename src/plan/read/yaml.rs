//! YAML with places.

use super::fault::SyntaxFault;
use super::json::duplicate;
use crate::plan::node::{Kind, MAX_DEPTH, Member, Node};
use crate::text::{is_beyond_64_bits, visible};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use serde_saphyr::{Location, Spanned};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// The reader needs some tens of kilobytes of stack for each level of nesting; this is enough for twice the allowed
/// depth, whatever stack the caller's thread has.
const STACK: usize = 16 << 20;

/// Reads the one YAML document in `text`. Anchors and merge keys are followed within bounds.
pub(super) fn read(text: &str) -> Result<Node, SyntaxFault> {
    let read = std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("yaml".to_owned())
            .stack_size(STACK)
            .spawn_scoped(scope, || read_here(text))
            .ok()
            .and_then(|thread| thread.join().ok())
    });
    read.unwrap_or_else(|| {
        Err(SyntaxFault::new(
            "bad_yaml",
            "the YAML reader could not be run",
            0..0,
        ))
    })
}

fn read_here(text: &str) -> Result<Node, SyntaxFault> {
    let scale = text.len().max(1 << 20);
    let options = serde_saphyr::options! {
        strict_booleans: true,
        with_snippet: false,
        // The maximum that anchors may add: an attack of a few lines expands to billions.
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 100_000,
            max_replay_stack_depth: 16,
            max_alias_expansions_per_anchor: 10_000,
        },
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            // As many as the text can hold without anchors; what anchors add is bounded below.
            max_events: scale,
            max_nodes: scale,
            max_total_scalar_bytes: scale.saturating_mul(2),
            max_aliases: 10_000,
            max_anchors: 10_000,
            max_documents: 1,
        },
    };
    let spanned: Spanned<Yaml> =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            let mut span = error
                .location()
                .map_or(0..0, |location| place(text, location));
            let rendered = error.without_snippet().to_string();
            let message = rendered.lines().next().unwrap_or_default();
            // Said of the text in which it stands, which may have begun lines before it.
            if message.contains("found a tab")
                && let Some(tab) = text[span.start..].find('\t')
            {
                span = span.start + tab..span.start + tab + 1;
            }
            // The place is reported separately.
            let message = message.split(" at line ").next().unwrap_or(message);
            let lowered = message.to_lowercase();
            let says = |words: &[&str]| words.iter().any(|word| lowered.contains(word));
            if says(&["depth", "recursion", "nesting"]) {
                let at = span.start;
                let mut fault = SyntaxFault::too_deep(at);
                fault.span = span;
                return fault;
            }
            if says(&["budget", "document"])
                && let Some(fault) = several_documents(text)
            {
                return fault;
            }
            if says(&["budget", "alias", "replay"]) {
                return SyntaxFault::new(
                    "too_big",
                    "the YAML is too large: its anchors expand to more than is allowed",
                    span,
                );
            }
            let code = if lowered.contains("duplicate") {
                "duplicate_key"
            } else {
                "bad_yaml"
            };
            SyntaxFault::new(
                code,
                format!("it is not valid YAML: {}", visible(message, 300)),
                span,
            )
        })?;
    to_node(spanned, text)
}

/// The fault of a file with more than one document.
fn several_documents(text: &str) -> Option<SyntaxFault> {
    let mut begins = Vec::new();
    let mut has_content = false;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let marker = line
            .strip_prefix("---")
            .filter(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        let is_content =
            |line: &str| !matches!(line.trim_start().chars().next(), None | Some('#' | '%'));
        if let Some(rest) = marker {
            begins.push(at);
            has_content = is_content(rest);
        } else if line.trim_end() == "..." {
            has_content = false;
        } else if is_content(line) && !has_content {
            has_content = true;
            if begins.is_empty() {
                begins.push(at);
            }
        }
        at += line.len();
    }
    let second = *begins.get(1)?;
    let count = match begins.len() {
        2 => "two".to_owned(),
        3 => "three".to_owned(),
        more => more.to_string(),
    };
    let mut fault = SyntaxFault::new(
        "several_documents",
        format!("the file holds {count} YAML documents"),
        second..second + 3,
    );
    fault.help = Some("a line `---` begins a document; leave only one of them".to_owned());
    Some(fault)
}

/// Whether the text ends where the value of a key or an element should stand, as one that was cut off does.
pub(super) fn ends_without_value(root: &Node, text: &str) -> bool {
    let mut node = root;
    loop {
        let next = match &node.kind {
            Kind::List(list) => list.last(),
            Kind::Object(members) => members.last().map(|member| &member.value),
            Kind::Null => {
                let line = text.trim_end().lines().next_back().unwrap_or_default();
                let line = line.split(" #").next().unwrap_or_default().trim_end();
                return line.ends_with(':') || line.ends_with('-');
            }
            _ => return false,
        };
        let Some(next) = next else { return false };
        node = next;
    }
}

/// Where something stands. Faults in the form itself come with a line and a column only.
fn place(text: &str, location: Location) -> Range<usize> {
    let span = location.span();
    let start = span
        .byte_offset()
        .and_then(|offset| usize::try_from(offset).ok())
        .unwrap_or_else(|| byte_at(text, location.line(), location.column()))
        .min(text.len());
    let length = span
        .byte_len()
        .map_or(0, |length| usize::try_from(length).unwrap_or(0));
    let mut start = start;
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = (start + length).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    if end <= start {
        end = text[start..]
            .chars()
            .next()
            .map_or(start, |c| start + c.len_utf8());
    }
    start..end
}

/// The byte of a line and a column, both from 1; columns count characters.
fn byte_at(text: &str, line: u64, column: u64) -> usize {
    let before = |n: u64| usize::try_from(n.saturating_sub(1)).unwrap_or(usize::MAX);
    let start = text
        .split_inclusive('\n')
        .take(before(line))
        .map(str::len)
        .sum::<usize>();
    let rest = &text[start..];
    let end = rest.find('\n').unwrap_or(rest.len());
    let within = rest[..end].char_indices().nth(before(column));
    start + within.map_or(end, |(at, _)| at)
}

enum Yaml {
    Scalar(Kind),
    List(Vec<Spanned<Yaml>>),
    Object(Vec<(Spanned<Key>, Spanned<Yaml>)>),
}

/// A key, and whether it was written as text.
struct Key(Arc<str>, bool);

fn to_node(spanned: Spanned<Yaml>, text: &str) -> Result<Node, SyntaxFault> {
    let span = place(text, spanned.referenced);
    let kind = match spanned.value {
        Yaml::Scalar(kind) => scalar(kind, &text[place(text, spanned.defined)], &span)?,
        Yaml::List(list) => Kind::List(
            list.into_iter()
                .map(|node| to_node(node, text))
                .collect::<Result<_, _>>()?,
        ),
        Yaml::Object(members) => {
            let members: Vec<Member> = members
                .into_iter()
                .map(|(key, value)| {
                    Ok(Member {
                        key_span: place(text, key.referenced),
                        key: key_text(&key.value, &text[place(text, key.defined)]),
                        value: to_node(value, text)?,
                    })
                })
                .collect::<Result<_, SyntaxFault>>()?;
            // `1` and `"1"` are two keys in YAML and one here.
            if let Some(fault) = duplicate(&members, 0) {
                return Err(fault);
            }
            Kind::Object(members)
        }
    };
    Ok(Node::new(kind, span))
}

/// A scalar as it is meant. `written` is how it stands in the text.
fn scalar(kind: Kind, written: &str, span: &Range<usize>) -> Result<Kind, SyntaxFault> {
    let Kind::Number(number) = &kind else {
        return Ok(kind);
    };
    // A number with a leading zero is a postcode, an account or a telephone number more often than a quantity, and is
    // decimal to some readers and octal to others. As text nothing of it is lost.
    if has_leading_zero(written) {
        return Ok(Kind::Text(written.into()));
    }
    if number.is_f64() && is_beyond_64_bits(written) {
        return Err(SyntaxFault::beyond_64_bits(written, span.clone()));
    }
    Ok(kind)
}

fn has_leading_zero(written: &str) -> bool {
    let digits = written.strip_prefix(['-', '+']).unwrap_or(written);
    digits.starts_with('0') && digits[1..].starts_with(|c: char| c.is_ascii_digit())
}

/// A key as it is written: `007` and `1e3` are no other keys than they look.
fn key_text(key: &Key, written: &str) -> Arc<str> {
    let Key(text, is_text) = key;
    let is_number = written.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    if *is_text || !is_number {
        Arc::clone(text)
    } else {
        written.into()
    }
}

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(YamlVisitor)
    }
}

struct YamlVisitor;

impl<'de> Visitor<'de> for YamlVisitor {
    type Value = Yaml;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON has too")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Yaml, E> {
        Ok(Yaml::Scalar(Kind::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Yaml, E> {
        Ok(Yaml::Scalar(Kind::Number(value.into())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Yaml, E> {
        Ok(Yaml::Scalar(Kind::Number(value.into())))
    }

    fn visit_i128<E: serde::de::Error>(self, value: i128) -> Result<Yaml, E> {
        self.visit_f64(value as f64)
    }

    fn visit_u128<E: serde::de::Error>(self, value: u128) -> Result<Yaml, E> {
        self.visit_f64(value as f64)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Yaml, E> {
        Number::from_f64(value)
            .map(|number| Yaml::Scalar(Kind::Number(number)))
            .ok_or_else(|| E::custom("infinity and NaN are not valid JSON numbers"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Yaml, E> {
        Ok(Yaml::Scalar(Kind::Text(value.into())))
    }

    fn visit_string<E>(self, value: String) -> Result<Yaml, E> {
        Ok(Yaml::Scalar(Kind::Text(value.into())))
    }

    fn visit_unit<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Scalar(Kind::Null))
    }

    fn visit_none<E>(self) -> Result<Yaml, E> {
        Ok(Yaml::Scalar(Kind::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Yaml, D::Error> {
        Yaml::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Yaml, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = access.next_element()? {
            list.push(element);
        }
        Ok(Yaml::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Yaml, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = access.next_key()? {
            members.push((key, access.next_value()?));
        }
        Ok(Yaml::Object(members))
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Yaml::deserialize(deserializer)? {
            Yaml::Scalar(Kind::Text(text)) => Ok(Self(text, true)),
            Yaml::Scalar(Kind::Bool(truth)) => Ok(Self(truth.to_string().into(), false)),
            Yaml::Scalar(Kind::Number(number)) => Ok(Self(number.to_string().into(), false)),
            Yaml::Scalar(Kind::Null) => Ok(Self("null".into(), false)),
            _ => Err(D::Error::custom("a key must be text")),
        }
    }
}
