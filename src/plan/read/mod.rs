//! From bytes to a value with places, or to the text of a planner: what form a plan is in is seen from its
//! content alone.

mod around;
mod json;
mod repair;
mod yaml;

use super::diagnostic::{Collector, Diagnostic, Severity};
use super::dialects;
use super::node::Node;
use serde_json::Value;
use std::ops::Range;

/// What a plan is, for who gave something else.
pub(super) const NO_PLAN_HELP: &str =
    "a plan is an object with `steps` in JSON or YAML, or the text of a planner in a known form";

/// What was read.
pub(super) enum Read {
    /// JSON or YAML.
    Value(Node),
    /// Numbered calls.
    LlmCompiler(Range<usize>),
    /// Plans and evidences.
    ReWoo(Range<usize>),
}

/// What keeps a text from being read.
#[derive(Debug)]
pub(super) struct SyntaxFault {
    pub code: &'static str,
    pub message: String,
    pub help: Option<String>,
    pub span: Range<usize>,
}

impl SyntaxFault {
    fn new(code: &'static str, message: impl Into<String>, span: Range<usize>) -> Self {
        Self {
            code,
            message: message.into(),
            help: None,
            span,
        }
    }

    fn too_deep(at: usize) -> Self {
        Self::new(
            "too_deep",
            format!("nested deeper than {} levels", super::node::MAX_DEPTH),
            at..at + 1,
        )
    }

    pub fn report(self, collector: &mut Collector) {
        let mut diagnostic =
            Diagnostic::new(Severity::Error, self.code, self.message).at(self.span);
        diagnostic.help = self.help;
        collector.push(diagnostic);
    }
}

/// Reads `text`. What was repaired on the way is reported to `collector`.
pub(super) fn read(text: &str, collector: &mut Collector) -> Result<Read, SyntaxFault> {
    if let Some(at) = text.find('\0') {
        return Err(SyntaxFault::new(
            "not_text",
            "the file holds a NUL byte: it is no text",
            at..at + 1,
        ));
    }
    let start = text.len()
        - text
            .trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n'])
            .len();
    if start == text.len() {
        return Err(SyntaxFault::new("empty", "the file is empty", 0..0));
    }
    read_part(text, start..text.len(), collector, true)
}

/// The value in a file that is no plan: JSON where it begins like JSON, else YAML, read as strictly as plans are.
pub(crate) fn data(text: &str) -> Result<Value, Diagnostic> {
    let body = text.trim_start_matches('\u{feff}');
    let start = text.len() - body.len();
    let value = if body.trim_start().starts_with(['{', '[']) {
        json::read(body)
    } else {
        yaml::read(body)
    };
    value.map(|node| node.to_value()).map_err(|fault| {
        let fault = moved(fault, start);
        Diagnostic {
            help: fault.help,
            ..Diagnostic::new(Severity::Error, fault.code, fault.message).at(fault.span)
        }
    })
}

fn read_part(
    text: &str,
    part: Range<usize>,
    collector: &mut Collector,
    may_be_fenced: bool,
) -> Result<Read, SyntaxFault> {
    let body = &text[part.clone()];
    if body.starts_with(['{', '[']) {
        return match json::read(body) {
            Ok(mut node) => {
                shift(&mut node, part.start);
                Ok(Read::Value(node))
            }
            Err(fault) => repair::read(text, part.clone(), collector)
                .map(Read::Value)
                .ok_or_else(|| moved(fault, part.start)),
        };
    }
    let steps_line = find_line(body, |line| {
        line.strip_prefix("steps")
            .is_some_and(|rest| rest.trim_start().starts_with(':'))
    });
    if may_be_fenced && let Some(fence) = repair::fence(body) {
        let before_yaml = steps_line.is_none_or(|line| fence.open.start < line);
        if before_yaml {
            let inner = part.start + fence.start..part.start + fence.end;
            collector.push(
                Diagnostic::new(
                    Severity::Repaired,
                    "code_fence",
                    "the plan stands in a code fence; what is around it was left out",
                )
                .at(part.start + fence.open.start..part.start + fence.open.end),
            );
            return read_part(text, inner, collector, false);
        }
    }
    if steps_line.is_none() {
        if dialects::rewoo::recognises(body) {
            return Ok(Read::ReWoo(part));
        }
        if dialects::llmcompiler::recognises(body) {
            return Ok(Read::LlmCompiler(part));
        }
        if !looks_like_yaml(body) {
            if let Some(node) = repair::read(text, part.clone(), collector) {
                return Ok(Read::Value(node));
            }
            let line = body.lines().next().unwrap_or_default().trim_end().len();
            let mut fault = SyntaxFault::new(
                "not_a_plan",
                "this is no plan in any form that is known",
                part.start..part.start + line,
            );
            fault.help = Some(NO_PLAN_HELP.to_owned());
            return Err(fault);
        }
    }
    let read = yaml::read(body);
    let worth_a_look = match &read {
        Ok(node) => !repair::is_plan(node),
        Err(fault) => fault.code == "bad_yaml",
    };
    if worth_a_look {
        // Prose may look like YAML, and stand around a plan that is none.
        if let Some(node) = repair::read(text, part.clone(), collector) {
            return Ok(Read::Value(node));
        }
        let steps = steps_line.filter(|_| read.is_err());
        if let Some(mut node) = steps.and_then(|at| around::read(body, at, part.start, collector)) {
            shift(&mut node, part.start);
            return Ok(Read::Value(node));
        }
    }
    let mut node = read.map_err(|fault| moved(fault, part.start))?;
    shift(&mut node, part.start);
    Ok(Read::Value(node))
}

/// Whether the first line that says something is a mapping's or a list's.
fn looks_like_yaml(body: &str) -> bool {
    let Some(line) = body
        .lines()
        .find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
    else {
        return false;
    };
    if line.starts_with("---") || line.starts_with("- ") || line.starts_with('%') {
        return true;
    }
    let key = line.split(':').next().unwrap_or_default();
    line.len() > key.len()
        && !key.is_empty()
        && key.len() < 64
        && key
            .trim_matches(['"', '\''])
            .chars()
            .all(|c| c.is_alphanumeric() || "_-.".contains(c))
}

/// The offset of the first line that `wanted` takes.
fn find_line(body: &str, wanted: impl Fn(&str) -> bool) -> Option<usize> {
    let mut at = 0;
    for line in body.split_inclusive('\n') {
        if wanted(line) {
            return Some(at);
        }
        at += line.len();
    }
    None
}

fn shift(node: &mut Node, by: usize) {
    if by > 0 {
        node.map_spans(&|span| span.start + by..span.end + by);
    }
}

fn moved(mut fault: SyntaxFault, by: usize) -> SyntaxFault {
    fault.span = fault.span.start + by..fault.span.end + by;
    fault
}

/// The JSON object that fills `text`, which stands at `offset` in the source.
pub(super) fn json_object(text: &str, offset: usize) -> Option<Node> {
    if !text.starts_with('{') {
        return None;
    }
    let mut node = json::read(text).ok()?;
    shift(&mut node, offset);
    node.as_object().is_some().then_some(node)
}
