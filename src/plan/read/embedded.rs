//! A YAML plan with prose around it, as a model answers that was asked for a plan alone.

use super::fault::SyntaxFault;
use super::{left_out, yaml};
use crate::plan::diagnostic::Collector;
use crate::plan::node::Node;

/// Looks for the plan in `body`, whose line `steps:` begins at `steps`. What was left out is reported, and is an error
/// where it could belong to the plan; `offset` is where `body` stands in the source.
pub(super) fn read(
    body: &str,
    steps: usize,
    offset: usize,
    collector: &mut Collector,
) -> Result<Option<Node>, SyntaxFault> {
    let kept = beginning(body, steps)..ending(body, steps);
    let (before, after) = (&body[..kept.start], &body[kept.end..]);
    if before.trim().is_empty() && after.trim().is_empty() {
        return Ok(None);
    }
    let Ok(mut node) = yaml::read(&body[kept.clone()]) else {
        return Ok(None);
    };
    for (outside, start) in [(before, 0), (after, kept.end)] {
        let found = left_out::part_of_a_plan(outside).or_else(|| indented(outside));
        if let Some(at) = found {
            return Err(left_out::stray(body, start + at));
        }
    }
    node.shift(kept.start);
    let mut notices = Collector::default();
    left_out::report_around(body, &(0..body.len()), &kept, &mut notices);
    for mut notice in notices.finish() {
        notice.span = notice
            .span
            .map(|span| span.start + offset..span.end + offset);
        collector.push(notice);
    }
    Ok(Some(node))
}

/// The first line that is indented or an element, as the lines of a plan are and those of prose around it are not.
fn indented(text: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if !line.trim().is_empty() && line.starts_with([' ', '\t', '}', ']']) {
            return Some(at);
        }
        at += line.len();
    }
    None
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
