//! A YAML plan with prose around it, as a model answers that was asked for a plan alone.

use super::yaml;
use crate::plan::diagnostic::{Collector, Diagnostic, Severity};
use crate::plan::node::Node;
use std::ops::Range;

/// Looks for the plan in `body`, whose line `steps:` begins at `steps`. What was left out is reported; `offset` is
/// where `body` stands in the source.
pub(super) fn read(
    body: &str,
    steps: usize,
    offset: usize,
    collector: &mut Collector,
) -> Option<Node> {
    let start = beginning(body, steps);
    let end = ending(body, steps);
    let before = body[..start].trim();
    let after = body[end..].trim();
    if before.is_empty() && after.is_empty() {
        return None;
    }
    let mut node = yaml::read(&body[start..end]).ok()?;
    node.shift(start);
    let mut report = |range: Range<usize>, code, message| {
        let text = &body[range.clone()];
        let Some(line) = text.trim().lines().next() else {
            return;
        };
        let at = offset + range.start + (text.len() - text.trim_start().len());
        collector.push(
            Diagnostic::new(Severity::Repaired, code, message).at(at..at + line.trim_end().len()),
        );
    };
    report(
        0..start,
        "text_before",
        "the text before the plan was left out",
    );
    report(
        end..body.len(),
        "text_after",
        "the text after the plan was left out",
    );
    Some(node)
}

/// The first of the lines that lead to `steps` and can be a mapping's.
fn beginning(body: &str, steps: usize) -> usize {
    let mut start = steps;
    for line in body[..steps].split_inclusive('\n').rev() {
        if !belongs(line) || line.starts_with('-') {
            break;
        }
        start -= line.len();
    }
    start
}

/// The end of the last line from `steps` on that can be a mapping's.
fn ending(body: &str, steps: usize) -> usize {
    let mut end = steps;
    for line in body[steps..].split_inclusive('\n') {
        if !belongs(line) {
            break;
        }
        end += line.len();
    }
    end
}

/// Whether a line can stand in a plan: blank, indented, a comment, an element of a list, or a key of one word.
fn belongs(line: &str) -> bool {
    if line.trim().is_empty() || line.starts_with([' ', '\t', '#', '-']) {
        return true;
    }
    let key = line.split(':').next().unwrap_or_default();
    key.len() < line.trim_end().len()
        && !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_\"'".contains(c))
}
