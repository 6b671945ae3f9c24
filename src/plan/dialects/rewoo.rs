//! ReWOO's text: a line `Plan: …`, then `#E1 = Tool[…]`. The step's id is `E1`, and `#E1` names its output.

use super::dialect::Dialect;
use crate::plan::diagnostic::Collector;
use crate::plan::draft_plan::{DraftPlan, DraftStep, Placed};
use crate::plan::model;
use crate::plan::node::Node;
use crate::plan::read::json;
use crate::plan::reference_syntax::own::{OwnReference, ReferenceSyntax};
use crate::plan::written::Written;
use std::ops::Range;

pub(super) struct ReWoo;

impl Dialect for ReWoo {
    fn name(&self) -> model::Dialect {
        model::Dialect::ReWoo
    }

    fn recognises(&self, plan: &Written<'_>) -> bool {
        plan.text()
            .is_some_and(|text| next(text, 0, false).is_some())
    }

    fn read(&self, plan: Written<'_>, _notices: &mut Collector) -> DraftPlan {
        let (text, part) = plan.into_text();
        let body = &text[part.clone()];
        let mut plan = DraftPlan::new(self.name(), part.clone());
        let place = |range: &Range<usize>| range.start + part.start..range.end + part.start;
        let mut from = 0;
        // Once a bracket is not closed, searching beyond the line for others would cost the square of the text.
        let mut beyond_line = true;
        while let Some(evidence) = next(body, from, beyond_line) {
            beyond_line &= evidence.closed;
            let before = &body[from..evidence.id.start - 1];
            let mut step = DraftStep::new(place(&(evidence.id.start - 1..evidence.end)));
            step.id = Some(Placed::new(
                body[evidence.id.clone()].into(),
                place(&evidence.id),
            ));
            step.tool = Some(Placed::new(
                body[evidence.tool.clone()].into(),
                place(&evidence.tool),
            ));
            step.settings_mut().description = before.rfind("Plan:").map(|at| {
                let line = before[at + "Plan:".len()..].trim();
                line.into()
            });
            let argument = &body[evidence.argument.clone()];
            let trimmed = argument.trim();
            let start = evidence.argument.start + (argument.len() - argument.trim_start().len());
            let span = place(&(start..start + trimmed.len()));
            match json::object_at(trimmed, span.start) {
                Some(object) => step.parameters = object,
                None if trimmed.is_empty() => {}
                None => step.positional.push(Node::text(unquoted(trimmed), span)),
            }
            from = evidence.end;
            plan.steps.push(step);
        }
        plan
    }

    fn references(&self) -> &'static ReferenceSyntax {
        &ReferenceSyntax {
            own: Some(OwnReference {
                before_id: "#",
                id_prefix: "E",
                may_be_text: false,
            }),
            declare: true,
        }
    }
}

/// An evidence: where its parts stand in the text.
struct Evidence {
    id: Range<usize>,
    tool: Range<usize>,
    argument: Range<usize>,
    end: usize,
    /// Whether its own closing bracket was found.
    closed: bool,
}

/// The text without quotes around it.
fn unquoted(text: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = text
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
            && !inner.contains(quote)
        {
            return inner;
        }
    }
    text
}

/// The next `#E1 = Tool[…]` at or after `from`.
fn next(body: &str, mut from: usize, beyond_line: bool) -> Option<Evidence> {
    while let Some(at) = body[from..].find("#E").map(|at| at + from) {
        if let Some(evidence) = evidence(body, at, beyond_line) {
            return Some(evidence);
        }
        from = at + 2;
    }
    None
}

fn evidence(body: &str, at: usize, beyond_line: bool) -> Option<Evidence> {
    let digits = span_of(body, at + 2, |c| c.is_ascii_digit())?;
    let equals = skip_blanks(body, digits.end);
    if !body[equals..].starts_with('=') {
        return None;
    }
    let tool = span_of(body, skip_blanks(body, equals + 1), |c| {
        c.is_alphanumeric() || "_-./".contains(c)
    })?;
    let open = skip_blanks(body, tool.end);
    if !body[open..].starts_with('[') {
        return None;
    }
    let start = open + 1;
    let (close, closed) = closing(body, start, beyond_line);
    Some(Evidence {
        id: at + 1..digits.end,
        tool,
        argument: start..close,
        end: (close + 1).min(body.len()),
        closed,
    })
}

/// Where the argument that begins at `start` ends: at its own bracket, else at the last one of the line,
/// else at the line's end.
fn closing(body: &str, start: usize, beyond_line: bool) -> (usize, bool) {
    let mut depth = 1_usize;
    let rest = &body[start..];
    // The next evidence cannot belong to this argument.
    let limit = if beyond_line {
        rest.find("\nPlan:").unwrap_or(rest.len())
    } else {
        rest.find('\n').unwrap_or(rest.len())
    };
    for (at, byte) in rest[..limit].bytes().enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' => {
                depth -= 1;
                if depth == 0 {
                    return (start + at, true);
                }
            }
            _ => {}
        }
    }
    let line = rest.lines().next().unwrap_or_default();
    (start + line.rfind(']').unwrap_or(line.len()), false)
}

fn span_of(body: &str, start: usize, belongs: impl Fn(char) -> bool) -> Option<Range<usize>> {
    let length = body[start..]
        .find(|c: char| !belongs(c))
        .unwrap_or(body.len() - start);
    (length > 0).then_some(start..start + length)
}

fn skip_blanks(body: &str, at: usize) -> usize {
    at + body[at..].len() - body[at..].trim_start_matches([' ', '\t']).len()
}
