//! LLMCompiler's text: numbered lines `1. tool("…", $1)`, ended by `N. join()`. The number is the id, and
//! `$1` or `${1}` names its output. The arguments are Python literals, by position or by name.

use crate::plan::Dialect;
use crate::plan::diagnostic::{Collector, Diagnostic, Severity, shown};
use crate::plan::draft::{DraftPlan, DraftStep, Placed};
use crate::plan::node::{Kind, MAX_DEPTH, Member, Node};
use serde_json::Number;
use std::ops::Range;
use std::sync::Arc;

/// A numbered call: where its parts stand.
struct Call {
    id: Range<usize>,
    tool: Range<usize>,
    /// Between the parentheses.
    arguments: Range<usize>,
    end: usize,
    /// Whether its own closing parenthesis was found.
    closed: bool,
}

pub(in crate::plan) fn recognises(text: &str) -> bool {
    lines(text).any(|(at, _)| call(text, at, false).is_some())
}

pub(in crate::plan) fn read(
    text: &str,
    part: Range<usize>,
    collector: &mut Collector,
) -> DraftPlan {
    let body = &text[part.clone()];
    let mut plan = DraftPlan::new(Dialect::LlmCompiler, part.clone());
    let mut thought: Option<Arc<str>> = None;
    let mut from = 0;
    // Once a parenthesis was never closed, looking beyond the line for others would cost the square of the text.
    let mut beyond_line = true;
    for (at, line) in lines(body) {
        if at < from {
            continue;
        }
        let Some(call) = call(body, at, beyond_line) else {
            if let Some(text) = line.trim().strip_prefix("Thought:") {
                thought = Some(text.trim().into());
            } else if !is_marker(line) {
                let start = part.start + at;
                collector.push(
                    Diagnostic::new(
                        Severity::Repaired,
                        "text_around",
                        "a line that is no numbered call was left out",
                    )
                    .at(start..start + line.trim_end().len()),
                );
            }
            continue;
        };
        from = call.end;
        beyond_line &= call.closed;
        let tool = &body[call.tool.clone()];
        if tool == "join" {
            // It ends the plan and calls nothing: what its parameters would be is the plan's result anyway.
            thought = None;
            continue;
        }
        let place = |range: &Range<usize>| range.start + part.start..range.end + part.start;
        let mut step = DraftStep::new(place(&(call.id.start..call.end)));
        step.id = Some(Placed::new(body[call.id.clone()].into(), place(&call.id)));
        step.tool = Some(Placed::new(tool.into(), place(&call.tool)));
        step.description = thought.take();
        read_arguments(text, place(&call.arguments), &mut step, collector);
        plan.steps.push(step);
    }
    plan
}

fn is_marker(line: &str) -> bool {
    let line = line.trim();
    line.is_empty()
        || line.starts_with('<')
        || line.starts_with("###")
        || line.starts_with("---")
        || line.starts_with("```")
        || line.starts_with("Plan:")
        || line.starts_with("Question:")
}

/// The lines and where they begin.
fn lines(body: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    body.split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        (start, line)
    })
}

fn call(body: &str, line: usize, beyond_line: bool) -> Option<Call> {
    let start =
        line + body[line..].len() - body[line..].trim_start_matches([' ', '\t', '*', '-']).len();
    let id = run(body, start, |c| c.is_ascii_digit())?;
    let after = body[id.end..].strip_prefix(['.', ')'])?;
    let at = body.len() - after.trim_start_matches([' ', '\t']).len();
    let tool = run(body, at, |c| c.is_alphanumeric() || "_-.".contains(c))?;
    if !body[tool.end..].starts_with('(') {
        return None;
    }
    let open = tool.end + 1;
    let (close, closed) = closing(body, open, beyond_line);
    Some(Call {
        id,
        tool,
        arguments: open..close,
        end: (close + 1).min(body.len()),
        closed,
    })
}

fn run(body: &str, start: usize, belongs: impl Fn(char) -> bool) -> Option<Range<usize>> {
    let length = body[start..]
        .find(|c: char| !belongs(c))
        .unwrap_or(body.len() - start);
    (length > 0).then_some(start..start + length)
}

/// The parenthesis that ends the call: its own one, else the last of the line.
fn closing(body: &str, open: usize, beyond_line: bool) -> (usize, bool) {
    let mut depth = 1_usize;
    let mut quote = None;
    let mut escaped = false;
    let limit = if beyond_line {
        body.len()
    } else {
        body[open..].find('\n').map_or(body.len(), |at| open + at)
    };
    for (at, byte) in body[open..limit].bytes().enumerate() {
        match (quote, byte) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(mark), _) if mark == byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'(') => depth += 1,
            (None, b')') => {
                depth -= 1;
                if depth == 0 {
                    return (open + at, true);
                }
            }
            (None, _) => {}
        }
    }
    let line = body[open..].lines().next().unwrap_or_default();
    (open + line.rfind(')').unwrap_or(line.len()), false)
}

fn read_arguments(text: &str, span: Range<usize>, step: &mut DraftStep, collector: &mut Collector) {
    let raw = &text[span.clone()];
    let mut reader = Reader {
        text,
        at: span.start,
        end: span.end,
    };
    let mut named: Vec<Member> = Vec::new();
    let mut positional = Vec::new();
    if reader.arguments(&mut positional, &mut named).is_some() {
        for (at, member) in named.iter().enumerate() {
            if named[..at].iter().any(|other| other.key == member.key) {
                collector.error(
                    "duplicate_key",
                    format!("the argument {} is given twice", shown(&member.key)),
                    &member.key_span,
                );
            }
        }
        step.positional = positional;
        step.parameters = Node::object(named, span);
        return;
    }
    // What is no Python is taken as one text, as the planner's own reader does.
    let trimmed = raw.trim();
    let start = span.start + (raw.len() - raw.trim_start().len());
    let place = start..start + trimmed.len();
    collector.push(
        Diagnostic::new(
            Severity::Warning,
            "loose_arguments",
            "the arguments are no Python literals; they are passed on as one text",
        )
        .at(place.clone()),
    );
    step.positional = vec![Node::text(trimmed, place)];
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
                        key: self.text[key.clone()].to_owned(),
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
        let name = run(self.text, self.at, |c| c.is_alphanumeric() || c == '_')?;
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
            '"' | '\'' => Kind::Text(self.string(first)?),
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
                Kind::Text(self.text[start..self.at].to_owned())
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
            members.retain(|member| member.key != name);
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
