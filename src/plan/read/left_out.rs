//! What is left out of a text: prose may be, and is reported; what a plan consists of may not.

use super::fault::SyntaxFault;
use crate::plan::diagnostic::{Collector, Diagnostic, Severity};
use std::ops::Range;

/// Fields that stand in plans and steps. Between quotes, or after a brace or a comma, they are not prose.
const FIELDS: [&str; 10] = [
    "steps",
    "tool",
    "tool_name",
    "step_id",
    "depends_on",
    "run_if",
    "for_each",
    "final_synthesis",
    "task",
    "dep",
];
/// Those of them that begin no line of prose either.
const UNLIKE_PROSE: [&str; 7] = [
    "steps",
    "tool",
    "tool_name",
    "step_id",
    "depends_on",
    "run_if",
    "final_synthesis",
];

/// The last place at which a field of a plan stands in `text`.
pub(in crate::plan) fn last_field(text: &str) -> Option<usize> {
    let of = |field: &&str| {
        let found = text.rmatch_indices(*field);
        found
            .map(|(at, _)| at)
            .find(|at| is_field(text, *at, field))
    };
    FIELDS.iter().filter_map(of).max()
}

/// The first place at which something stands in `text` that belongs to a plan and not to prose: a field, the name of a
/// member without its value, or a comma before what follows.
pub(in crate::plan) fn part_of_a_plan(text: &str) -> Option<usize> {
    let of = |field: &&str| {
        let found = text.match_indices(*field);
        found
            .map(|(at, _)| at)
            .find(|at| is_field(text, *at, field))
    };
    let end = text.trim_end();
    let is_member = end
        .strip_suffix(':')
        .is_some_and(|key| key.trim_end().ends_with(is_quote));
    let continues = is_member || (end.ends_with(',') && end.contains(is_quote));
    let fields = FIELDS.iter().filter_map(of);
    fields.chain(continues.then(|| end.len() - 1)).min()
}

fn is_quote(c: char) -> bool {
    "\"'`\u{201c}\u{201d}\u{2018}\u{2019}".contains(c)
}

/// Whether the word at `at` is the name of a member.
fn is_field(text: &str, at: usize, field: &str) -> bool {
    let (before, after) = (&text[..at], &text[at + field.len()..]);
    let unquoted = after.strip_prefix(is_quote);
    if !unquoted
        .unwrap_or(after)
        .trim_start_matches([' ', '\t'])
        .starts_with(':')
    {
        return false;
    }
    if before.ends_with(is_quote) && unquoted.is_some() {
        return true;
    }
    let before = before.trim_end_matches([' ', '\t']);
    if before.ends_with(['{', ',']) {
        return true;
    }
    let before = before.strip_suffix('-').unwrap_or(before);
    let begins_line = before.trim_end_matches([' ', '\t']).ends_with('\n') || before.is_empty();
    begins_line && UNLIKE_PROSE.contains(&field)
}

/// Reports the parts of `text` before and after `kept` as left out.
pub(super) fn report_around(
    text: &str,
    part: &Range<usize>,
    kept: &Range<usize>,
    collector: &mut Collector,
) {
    for (range, code, message) in [
        (
            part.start..kept.start,
            "text_before",
            "the text before the plan was left out",
        ),
        (
            kept.end..part.end,
            "text_after",
            "the text after the plan was left out",
        ),
    ] {
        if let Some(line) = first_line(text, &range) {
            collector.push(Diagnostic::new(Severity::Repaired, code, message).at(line));
        }
    }
}

/// The first line with content in a part of a text.
pub(in crate::plan) fn first_line(text: &str, part: &Range<usize>) -> Option<Range<usize>> {
    let inner = &text[part.clone()];
    let start = part.start + (inner.len() - inner.trim_start().len());
    let line = inner.trim().lines().next()?;
    Some(start..start + line.trim_end().len())
}

/// The fault of a part of a plan at `at` that belongs to no plan.
pub(super) fn stray(text: &str, at: usize) -> SyntaxFault {
    let line = text[at..].lines().next().unwrap_or_default();
    let mut fault = SyntaxFault::new(
        "stray_part",
        "the text holds parts of a plan beside the plan",
        at..at + line.trim_end().len(),
    );
    fault.help = Some("leave only the plan, or put it in one code fence".to_owned());
    fault
}

/// The fault of a second plan in the text.
pub(in crate::plan) fn two_plans(place: Range<usize>) -> SyntaxFault {
    let mut fault = SyntaxFault::new("two_plans", "the text holds more than one plan", place);
    fault.help = Some("leave the plan that is to run, and remove the others".to_owned());
    fault
}
