//! Reads a text into a value with places, or into the text of a planner. The form of a plan is recognised by its
//! content alone.

mod embedded;
mod fault;
pub(super) mod json;
mod repair;
mod shared_text;
mod yaml;

use super::diagnostic::{Collector, Diagnostic, Severity};
use super::written::{NO_PLAN_HELP, Written};
use fault::SyntaxFault;
use serde_json::Value;
use std::ops::Range;

/// Reads `text`. Repairs are reported to `collector`.
///
/// `is_planners_text` says whether what is neither JSON nor YAML is a plan of some dialect.
pub(super) fn read<'a>(
    text: &'a str,
    is_planners_text: &dyn Fn(&str) -> bool,
    collector: &mut Collector,
) -> Result<Written<'a>, SyntaxFault> {
    if let Some(at) = text.find('\0') {
        return Err(SyntaxFault::new(
            "not_text",
            "the file contains a NUL byte: it is not text",
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
    Forms {
        text,
        is_planners_text,
        collector,
    }
    .read(start..text.len(), true)
}

/// The value in a file that is not a plan: JSON where it begins like JSON, else YAML, read as strictly as a plan.
pub(crate) fn data(text: &str) -> Result<Value, Diagnostic> {
    let body = text.trim_start_matches('\u{feff}');
    let start = text.len() - body.len();
    let value = if body.trim_start().starts_with(['{', '[']) {
        json::read(body)
    } else {
        yaml::read(body)
    };
    value
        .map(|node| node.to_value())
        .map_err(|fault| fault.moved(start).into_diagnostic())
}

/// Recognises the form of a text.
struct Forms<'a, 'r> {
    text: &'a str,
    is_planners_text: &'r dyn Fn(&str) -> bool,
    collector: &'r mut Collector,
}

impl<'a> Forms<'a, '_> {
    fn read(
        &mut self,
        part: Range<usize>,
        may_be_fenced: bool,
    ) -> Result<Written<'a>, SyntaxFault> {
        let text = self.text;
        let body = &text[part.clone()];
        if body.starts_with(['{', '[']) {
            return match json::read_at(body, part.start) {
                Ok(node) => Ok(Written::Value(node)),
                Err(fault) => repair::read(text, part.clone(), self.collector)
                    .map(Written::Value)
                    .ok_or(fault),
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
                self.collector.push(
                    Diagnostic::new(
                        Severity::Repaired,
                        "code_fence",
                        "the plan is in a code fence; the text around it was left out",
                    )
                    .at(part.start + fence.open.start..part.start + fence.open.end),
                );
                return self.read(inner, false);
            }
        }
        if steps_line.is_none() {
            if (self.is_planners_text)(body) {
                return Ok(Written::Text { source: text, part });
            }
            if !looks_like_yaml(body) {
                if let Some(node) = repair::read(text, part.clone(), self.collector) {
                    return Ok(Written::Value(node));
                }
                let line = body.lines().next().unwrap_or_default().trim_end().len();
                let mut fault = SyntaxFault::new(
                    "not_a_plan",
                    "this is not a plan in any known form",
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
            // Prose may look like YAML and surround a plan in another form.
            if let Some(node) = repair::read(text, part.clone(), self.collector) {
                return Ok(Written::Value(node));
            }
            let steps = steps_line.filter(|_| read.is_err());
            if let Some(mut node) =
                steps.and_then(|at| embedded::read(body, at, part.start, self.collector))
            {
                node.shift(part.start);
                return Ok(Written::Value(node));
            }
        }
        let mut node = read.map_err(|fault| fault.moved(part.start))?;
        node.shift(part.start);
        Ok(Written::Value(node))
    }
}

/// Whether the first line with content belongs to a mapping or a list.
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
