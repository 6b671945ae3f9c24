//! ReWOO's text: a line `Plan: …`, then `#E1 = Tool[…]`. The step's id is `E1`, and `#E1` names its output.
//!
//! The argument is free text. It ends with the bracket that closes it, also when that stands in a later line. If the
//! brackets of a line do not match, it reaches to the last one of the line, as in the planner's own reader.

use super::dialect::Dialect;
use super::text_lines;
use crate::plan::diagnostic::{Collector, Diagnostic, Severity, shown};
use crate::plan::draft_plan::{DraftPlan, DraftStep, Placed};
use crate::plan::model;
use crate::plan::node::Node;
use crate::plan::read::{cut_off_at, json, left_out};
use crate::plan::reference_syntax::own::{OwnReference, ReferenceSyntax};
use crate::plan::written::Written;
use std::ops::Range;
use std::sync::Arc;

pub(super) struct ReWoo;

impl Dialect for ReWoo {
    fn name(&self) -> model::Dialect {
        model::Dialect::ReWoo
    }

    fn recognises(&self, plan: &Written<'_>) -> bool {
        plan.text().is_some_and(|text| {
            let heads = text.match_indices("#E").map(|(at, _)| Head::at(text, at));
            heads.flatten().any(|head| head.call.is_some())
        })
    }

    fn read(&self, plan: Written<'_>, notices: &mut Collector) -> DraftPlan {
        let (text, part) = plan.into_text();
        let mut reader = Reader {
            text,
            plan: DraftPlan::new(self.name(), part.clone()),
            part,
            intention: None,
            notices,
        };
        reader.read();
        reader.plan
    }

    fn references(&self) -> &'static ReferenceSyntax {
        &ReferenceSyntax {
            own: Some(OwnReference {
                forms: &[("#", "")],
                id_prefix: "E",
                may_be_amount: false,
                has_path: false,
                placeholder: None,
            }),
            declare: true,
        }
    }
}

/// The beginning of `#E1 = Tool[`. Places are those of the source.
struct Head {
    id: Range<usize>,
    /// The tool, and where its argument begins; `None` where no call follows the equals sign.
    call: Option<(Range<usize>, usize)>,
}

impl Head {
    /// What begins with the `#E` at `at`.
    fn at(text: &str, at: usize) -> Option<Self> {
        let digits = run(text, at + 2, |c| c.is_ascii_digit())?;
        let id = at + 1..digits.end;
        let sign = skip(text, digits.end);
        if !text[sign..].starts_with(['=', ':']) {
            return None;
        }
        let call = run(text, skip(text, sign + 1), |c| {
            c.is_alphanumeric() || "_-./".contains(c)
        })
        .and_then(|tool| {
            let open = skip(text, tool.end);
            text[open..].starts_with('[').then_some((tool, open + 1))
        });
        // `#E1: the result` only speaks of it.
        let is_head = call.is_some() || text[sign..].starts_with('=');
        is_head.then_some(Self { id, call })
    }

    /// The next one from `from` on.
    fn next(text: &str, from: usize) -> Option<Self> {
        let found = text[from..].match_indices("#E");
        found
            .map(|(at, _)| from + at)
            .find_map(|at| Self::at(text, at))
    }
}

fn run(text: &str, start: usize, belongs: impl Fn(char) -> bool) -> Option<Range<usize>> {
    let length = text[start..]
        .find(|c: char| !belongs(c))
        .unwrap_or(text.len() - start);
    (length > 0).then_some(start..start + length)
}

/// The place after blanks and marks of emphasis.
fn skip(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start_matches([' ', '\t', '*', '`']).len()
}

/// What follows `Plan:` at the beginning of a text, which may be numbered and emphasised.
fn intention(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(is_mark).strip_prefix("Plan")?;
    let rest = rest.trim_start_matches([' ', '*']);
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = rest.trim_start_matches([' ', '*']).strip_prefix(':')?;
    Some(rest.trim_start_matches('*'))
}

fn is_mark(c: char) -> bool {
    c.is_whitespace() || "*#->`_".contains(c)
}

/// Whether a text is the beginning of `#E1` and no more.
fn begins_head(text: &str) -> bool {
    let digits = text.strip_prefix("#E").unwrap_or(text);
    text == "#" || (text.starts_with("#E") && digits.chars().all(|c| c.is_ascii_digit()))
}

/// Whether the next part of a plan begins at the beginning of a text.
fn begins_part(text: &str) -> bool {
    let start = text.len()
        - text
            .trim_start_matches([' ', '\t', '*', '-', '>', '`', ',', ';', '.'])
            .len();
    intention(text).is_some()
        || (text[start..].starts_with("#E") && Head::at(text, start).is_some())
}

struct Reader<'a, 'n> {
    text: &'a str,
    part: Range<usize>,
    plan: DraftPlan,
    /// What `Plan:` says of the evidence that comes next, and where.
    intention: Option<(String, Range<usize>)>,
    notices: &'n mut Collector,
}

impl Reader<'_, '_> {
    fn read(&mut self) {
        let text = &self.text[..self.part.end];
        let mut at = self.part.start;
        while let Some(head) = Head::next(text, at) {
            self.between(at..head.id.start - 1);
            let id = &text[head.id.clone()];
            let Some((tool, start)) = head.call else {
                let line = line_end(text, head.id.end);
                let place = head.id.start - 1..line;
                self.fault_of_step(id, place, "has no call such as `Tool[input]`");
                at = line;
                self.intention = None;
                continue;
            };
            let Some(close) = self.close(id, start) else {
                self.plan.unreadable = true;
                return;
            };
            let mut step = DraftStep::new(head.id.start - 1..close + 1);
            step.id = Some(Placed::new(id.into(), head.id.clone()));
            step.tool = Some(Placed::new(text[tool.clone()].into(), tool));
            step.settings_mut().description =
                self.intention.take().map(|(words, _)| Arc::from(words));
            self.argument(id, start..close, &mut step);
            self.plan.steps.push(step);
            at = close + 1;
        }
        self.between(at..self.part.end);
        let rest = text[at..]
            .trim()
            .trim_start_matches(['*', '-'])
            .trim_start();
        let begins_next = !rest.is_empty() && ("Plan:".starts_with(rest) || begins_head(rest));
        if begins_next || self.intention.is_some() {
            let last = self.plan.steps.last().and_then(|step| step.id.as_ref());
            let place = text_lines::last(text, &self.part);
            let fault = cut_off_at(None, last.map(|id| &*id.value), place);
            self.notices.push(fault.into_diagnostic());
        }
    }

    /// Where the argument of a step ends that begins at `start`.
    fn close(&mut self, id: &str, start: usize) -> Option<usize> {
        let text = &self.text[..self.part.end];
        let end = line_end(text, start);
        let Some(close) = closing(text, start, end) else {
            return self.close_in_later_line(id, start, end);
        };
        let rest = &text[close + 1..end];
        let next = next_part(rest);
        let own = rest[..next].trim();
        if own.is_empty() || is_balanced(own) {
            return Some(close);
        }
        let last = own
            .rfind(']')
            .map(|at| close + 1 + (rest[..next].len() - rest[..next].trim_start().len()) + at);
        let Some(last) = last.filter(|_| !own.chars().all(|c| c == ']' || c == '*')) else {
            self.fault_of_step(
                id,
                start..end,
                "has a bracket that is missing or one too many",
            );
            return Some(close);
        };
        self.notices.push(
            Diagnostic::new(
                Severity::Warning,
                "brackets",
                format!("the brackets of step {} do not match; its input reaches to the last one of the line", shown(id)),
            )
            .at(start..last),
        );
        Some(last)
    }

    /// The bracket that closes an argument of several lines; it ends before the next part of the plan.
    fn close_in_later_line(&mut self, id: &str, start: usize, first: usize) -> Option<usize> {
        let text = &self.text[..self.part.end];
        let mut end = first;
        while end < text.len() && !begins_part(&text[end + 1..line_end(text, end + 1)]) {
            end = line_end(text, end + 1);
        }
        if let Some(close) = closing(text, start, end) {
            return Some(close);
        }
        if text[end..].trim().is_empty() {
            let fault = cut_off_at(Some(id), None, start..first);
            self.notices.push(fault.into_diagnostic());
        } else {
            self.fault_of_step(
                id,
                start..first,
                "has an input that is not closed by a bracket",
            );
        }
        None
    }

    /// Reads the argument of a step: an object in JSON, or text.
    fn argument(&mut self, id: &str, span: Range<usize>, step: &mut DraftStep) {
        let raw = &self.text[span.clone()];
        let trimmed = raw.trim();
        let start = span.start + (raw.len() - raw.trim_start().len());
        let place = start..start + trimmed.len();
        if trimmed.is_empty() {
            return;
        }
        if let Some(object) = json::object_at(trimmed, start) {
            step.parameters = object;
            return;
        }
        let begins_object = trimmed
            .strip_prefix('{')
            .is_some_and(|inside| inside.trim_start().starts_with(['"', '\'']));
        let quotes = trimmed.matches('"').count();
        let is_quoted = trimmed.starts_with('"') || trimmed.ends_with('"');
        let braces = trimmed.matches('{').count() != trimmed.matches('}').count();
        if begins_object || (is_quoted && quotes % 2 == 1) || (quotes > 0 && braces) {
            self.fault_of_step(
                id,
                place,
                "has an input in which a quote, bracket or comma is missing or one too many",
            );
            return;
        }
        step.positional.push(Node::text(unquoted(trimmed), place));
    }

    /// The text between two evidences: what is planned, and prose.
    fn between(&mut self, range: Range<usize>) {
        let mut report: Option<Range<usize>> = None;
        for line in text_lines::lines(&self.text[range.clone()]) {
            let place = range.start + line.start..range.start + line.end;
            let line = &self.text[place.clone()];
            let words = line.trim_matches(is_mark);
            if let Some(said) = intention(line) {
                self.unused_intention();
                let said = said.trim_matches(is_mark);
                self.intention =
                    Some((said.to_owned(), place)).filter(|(said, _)| !said.is_empty());
            } else if words.is_empty() || line.trim_start().starts_with("```") {
            } else if is_part_of_a_plan(words) {
                self.notices.error(
                    "unclear_line",
                    "this line looks like a part of the plan and is none of `Plan: …` and `#E1 = Tool[…]`",
                    &place,
                );
            } else if let Some((said, _)) = &mut self.intention {
                said.push(' ');
                said.push_str(words);
            } else {
                report = report.or(Some(place));
            }
        }
        if let Some(place) = report {
            self.notices.push(
                Diagnostic::new(
                    Severity::Repaired,
                    "text_around",
                    "text that is neither a plan nor a call was left out",
                )
                .at(place),
            );
        }
    }

    /// Reports what was planned and never done.
    fn unused_intention(&mut self) {
        if let Some((_, place)) = self.intention.take() {
            self.notices.error(
                "unclear_line",
                "no `#E… = Tool[…]` follows this plan, so a step is missing",
                &place,
            );
        }
    }

    fn fault_of_step(&mut self, id: &str, place: Range<usize>, what: &str) {
        self.notices.error(
            "bad_arguments",
            format!("step {} {what}", shown(id)),
            &place,
        );
    }
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

fn line_end(text: &str, at: usize) -> usize {
    text[at..]
        .find('\n')
        .map_or(text.len(), |length| at + length)
}

/// The bracket that closes the one before `start`, before `end`.
fn closing(text: &str, start: usize, end: usize) -> Option<usize> {
    let mut depth = 1_usize;
    for (at, byte) in text[start..end].bytes().enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(start + at);
        }
    }
    None
}

/// Where the next part of the plan begins in the rest of a line.
fn next_part(rest: &str) -> usize {
    let head = Head::next(rest, 0).map_or(rest.len(), |head| head.id.start - 1);
    let mut plans = rest[..head].match_indices("Plan").map(|(at, _)| at);
    plans
        .find(|at| intention(&rest[*at..]).is_some())
        .unwrap_or(head)
}

fn is_balanced(text: &str) -> bool {
    let mut depth = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'[' => depth += 1,
            b']' if depth == 0 => return false,
            b']' => depth -= 1,
            _ => {}
        }
    }
    depth == 0
}

/// Whether words outside of evidences look like one.
fn is_part_of_a_plan(words: &str) -> bool {
    let id = words.strip_prefix('E').or_else(|| words.strip_prefix("#"));
    let is_evidence = id.is_some_and(|id| {
        let id = id.trim_start_matches('E');
        let rest = id.trim_start_matches(|c: char| c.is_ascii_digit());
        rest.len() < id.len() && rest.trim_start().starts_with(['=', '['])
    });
    let is_call = run(words, 0, |c| c.is_alphanumeric() || "_-./".contains(c))
        .is_some_and(|name| words[name.end..].starts_with('[') && words.ends_with(']'));
    let is_call_inside = words
        .match_indices('[')
        .any(|(at, _)| words[..at].ends_with(char::is_alphanumeric));
    is_evidence
        || is_call
        || is_call_inside
        || words.starts_with('=')
        || words.contains(']') && !is_balanced(words)
        || left_out::part_of_a_plan(words).is_some()
}
