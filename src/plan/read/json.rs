//! Strict JSON with places.

use super::SyntaxFault;
use crate::plan::node::{Kind, MAX_DEPTH, Member, Node};
use crate::text::visible;
use jsonc_parser::ast;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde::de::IgnoredAny;
use std::collections::HashSet;

/// Reads a JSON value that fills the whole text.
pub(super) fn read(text: &str) -> Result<Node, SyntaxFault> {
    check_depth(text)?;
    // The judge of what is JSON: exact, and without recursion. The other reader is laxer, but knows places.
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        return Err(from_serde(text, &error));
    }
    let options = ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let parsed = parse_to_ast(text, &CollectOptions::default(), &options).map_err(|error| {
        let range = error.range();
        SyntaxFault::new(
            "bad_json",
            format!("no JSON: {}", visible(&error.kind().to_string(), 200)),
            boundary(text, range.start)..boundary(text, range.end.max(range.start + 1)),
        )
    })?;
    match parsed.value {
        Some(value) => to_node(value),
        None => Err(SyntaxFault::new("empty", "the file is empty", 0..0)),
    }
}

/// Looks for nesting that a reader could not bear, without any recursion of its own.
fn check_depth(text: &str) -> Result<(), SyntaxFault> {
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
                    return Err(SyntaxFault::too_deep(at));
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

fn from_serde(text: &str, error: &serde_json::Error) -> SyntaxFault {
    let mut message = error.to_string();
    if let Some(cut) = message.rfind(" at line ") {
        message.truncate(cut);
    }
    let line_start = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum::<usize>();
    let at = boundary(text, line_start + error.column().saturating_sub(1));
    let end = text[at..].chars().next().map_or(at, |c| at + c.len_utf8());
    SyntaxFault::new(
        "bad_json",
        format!("no JSON: {}", visible(&message, 200)),
        at..end,
    )
}

/// The last place at or before `at` where a character begins.
fn boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn to_node(value: ast::Value<'_>) -> Result<Node, SyntaxFault> {
    Ok(match value {
        ast::Value::NullKeyword(null) => Node::new(Kind::Null, null.range.start..null.range.end),
        ast::Value::BooleanLit(truth) => {
            Node::new(Kind::Bool(truth.value), truth.range.start..truth.range.end)
        }
        ast::Value::NumberLit(number) => {
            let span = number.range.start..number.range.end;
            let value = serde_json::from_str(number.value).map_err(|_| {
                SyntaxFault::new(
                    "bad_number",
                    format!("the number {} is out of range", visible(number.value, 40)),
                    span.clone(),
                )
            })?;
            Node::new(Kind::Number(value), span)
        }
        ast::Value::StringLit(text) => {
            Node::text(text.value.into_owned(), text.range.start..text.range.end)
        }
        ast::Value::Array(array) => {
            let span = array.range.start..array.range.end;
            let elements = array
                .elements
                .into_iter()
                .map(to_node)
                .collect::<Result<_, _>>()?;
            Node::new(Kind::List(elements), span)
        }
        ast::Value::Object(object) => {
            let span = object.range.start..object.range.end;
            let mut members = Vec::with_capacity(object.properties.len());
            for property in object.properties {
                let key_span = match &property.name {
                    ast::ObjectPropName::String(name) => name.range.start..name.range.end,
                    ast::ObjectPropName::Word(name) => name.range.start..name.range.end,
                };
                members.push(Member {
                    key: property.name.into_string(),
                    key_span,
                    value: to_node(property.value)?,
                });
            }
            refuse_duplicates(&members)?;
            Node::object(members, span)
        }
    })
}

/// Two members of one name: which is meant cannot be known.
fn refuse_duplicates(members: &[Member]) -> Result<(), SyntaxFault> {
    let twice = if members.len() <= 16 {
        members
            .iter()
            .enumerate()
            .find(|(at, member)| members[..*at].iter().any(|other| other.key == member.key))
            .map(|(_, member)| member)
    } else {
        let mut seen = HashSet::with_capacity(members.len());
        members
            .iter()
            .find(|member| !seen.insert(member.key.as_str()))
    };
    match twice {
        None => Ok(()),
        Some(member) => Err(SyntaxFault::new(
            "duplicate_key",
            format!(
                "`{}` is given twice in the same object",
                visible(&member.key, 80)
            ),
            member.key_span.clone(),
        )),
    }
}
