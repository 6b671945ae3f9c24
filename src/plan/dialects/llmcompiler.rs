//! LLMCompiler's text: numbered lines `1. tool("…", $1)`, ended by `N. join()`. The number is the id, and
//! `$1` or `${1}` names its output. The arguments are Python literals, by position or by name.

use super::dialect::Dialect;
use super::python;
use crate::plan::diagnostic::{Collector, Diagnostic, Severity, shown};
use crate::plan::draft_plan::{DraftPlan, DraftStep, Placed};
use crate::plan::model;
use crate::plan::node::Node;
use crate::plan::reference_syntax::own::{OwnReference, ReferenceSyntax};
use crate::plan::written::Written;
use std::ops::Range;
use std::sync::Arc;

pub(super) struct LlmCompiler;

impl Dialect for LlmCompiler {
    fn name(&self) -> model::Dialect {
        model::Dialect::LlmCompiler
    }

    fn recognises(&self, plan: &Written<'_>) -> bool {
        plan.text()
            .is_some_and(|text| lines(text).any(|(at, _)| call(text, at, false).is_some()))
    }

    fn read(&self, plan: Written<'_>, notices: &mut Collector) -> DraftPlan {
        let (text, part) = plan.into_text();
        let body = &text[part.clone()];
        let mut plan = DraftPlan::new(self.name(), part.clone());
        let mut thought: Option<Arc<str>> = None;
        let mut from = 0;
        // Once a parenthesis is not closed, searching beyond the line for others would cost the square of the text.
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
                    notices.push(
                        Diagnostic::new(
                            Severity::Repaired,
                            "text_around",
                            "a line that is not a numbered call was left out",
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
                // It ends the plan and calls no tool; its parameters are the plan's result anyway.
                thought = None;
                continue;
            }
            let place = |range: &Range<usize>| range.start + part.start..range.end + part.start;
            let mut step = DraftStep::new(place(&(call.id.start..call.end)));
            step.id = Some(Placed::new(body[call.id.clone()].into(), place(&call.id)));
            step.tool = Some(Placed::new(tool.into(), place(&call.tool)));
            step.settings_mut().description = thought.take();
            read_arguments(text, place(&call.arguments), &mut step, notices);
            plan.steps.push(step);
        }
        plan
    }

    fn references(&self) -> &'static ReferenceSyntax {
        &ReferenceSyntax {
            own: Some(OwnReference {
                before_id: "$",
                id_prefix: "",
                may_be_text: true,
            }),
            declare: true,
        }
    }
}

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

fn read_arguments(text: &str, span: Range<usize>, step: &mut DraftStep, notices: &mut Collector) {
    let raw = &text[span.clone()];
    if let Some((positional, named)) = python::arguments(text, span.clone()) {
        for (at, member) in named.iter().enumerate() {
            if named[..at].iter().any(|other| *other.key == *member.key) {
                notices.error(
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
    // Arguments that are not Python become one text, as in the planner's own reader.
    let trimmed = raw.trim();
    let start = span.start + (raw.len() - raw.trim_start().len());
    let place = start..start + trimmed.len();
    notices.push(
        Diagnostic::new(
            Severity::Warning,
            "loose_arguments",
            "the arguments are not Python literals; they are passed on as one text",
        )
        .at(place.clone()),
    );
    step.positional = vec![Node::text(trimmed, place)];
}
