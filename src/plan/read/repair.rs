//! Repairs what a model wrote: the plan is found in the text around it, and each repair is reported at its place.

use super::json;
use crate::plan::diagnostic::{Collector, Diagnostic, Severity};
use crate::plan::node::{Kind, Node};
use std::ops::Range;

/// Only texts up to this size, as a model writes them, are repaired; longer ones must be strict JSON.
const MAX_REPAIRED: usize = 256 << 10;
/// The maximum of opening brackets from which a plan is read.
const MAX_CANDIDATES: usize = 8;

/// A code fence: its first line, and what stands inside.
pub(super) struct Fence {
    pub open: Range<usize>,
    pub start: usize,
    pub end: usize,
}

/// The first code fence whose content could be a plan.
pub(super) fn fence(body: &str) -> Option<Fence> {
    let mut open: Option<Range<usize>> = None;
    let mut at = 0;
    for line in body.split_inclusive('\n') {
        let next = at + line.len();
        if line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~") {
            match open.take() {
                None => open = Some(at..at + line.trim_end().len()),
                Some(first) => {
                    if let Some(found) = content(body, first, at) {
                        return Some(found);
                    }
                }
            }
        }
        at = next;
    }
    // A fence that is not closed: the answer was cut off.
    open.and_then(|first| content(body, first, body.len()))
}

fn content(body: &str, open: Range<usize>, end: usize) -> Option<Fence> {
    let line_end = body[open.end..end].find('\n')? + open.end;
    let inner = &body[line_end..end];
    let start = line_end + (inner.len() - inner.trim_start().len());
    let trimmed = inner.trim();
    let promising = trimmed.starts_with(['{', '['])
        || trimmed.contains("steps")
        || trimmed.contains("#E1")
        || trimmed.starts_with("1.");
    (promising && !trimmed.is_empty()).then(|| Fence {
        open,
        start,
        end: start + trimmed.len(),
    })
}

/// Looks for a plan in `part` of `text`, repairing it where that is needed.
pub(super) fn read(text: &str, part: Range<usize>, collector: &mut Collector) -> Option<Node> {
    let body = &text[part.clone()];
    let mut seen_to = 0;
    for _ in 0..MAX_CANDIDATES {
        let opening = seen_to + body[seen_to..].find(['{', '['])?;
        let closing = balanced(&body[opening..]).map(|length| opening + length);
        if closing.is_none() && body.len() > MAX_REPAIRED {
            return None;
        }
        let last = body.rfind(['}', ']']).map_or(body.len(), |at| at + 1);
        let mut ends: Vec<usize> = closing.into_iter().chain([last, body.len()]).collect();
        ends.dedup();
        for end in ends {
            if end <= opening {
                continue;
            }
            let block = opening..end;
            if let Some(node) = attempt(text, &part, &block, collector) {
                return Some(node);
            }
            if body.len() > MAX_REPAIRED {
                break;
            }
        }
        seen_to = closing.unwrap_or(opening + 1);
    }
    None
}

fn attempt(
    text: &str,
    part: &Range<usize>,
    block: &Range<usize>,
    collector: &mut Collector,
) -> Option<Node> {
    let body = &text[part.clone()];
    let original = &body[block.clone()];
    let offset = part.start + block.start;
    let mut found = None;
    if let Ok(node) = json::read_at(original, offset) {
        found = Some((node, Vec::new()));
    } else if original.len() <= MAX_REPAIRED {
        let repaired = jsonrepair_rs::jsonrepair(original).ok()?;
        let mut node = json::read(&repaired).ok()?;
        let alignment = Alignment::of(original, &repaired);
        node.map_spans(&|span| {
            let start = alignment.original(span.start);
            let end = alignment.original(span.end).max(start);
            bounded(original, start, end, offset)
        });
        found = Some((node, alignment.edits));
    }
    let (node, edits) = found.filter(|(node, _)| is_plan(node))?;
    report_around(body, block, part.start, collector);
    report_edits(original, &edits, offset, collector);
    Some(node)
}

/// A range that lies on characters and holds at least one, where there is one.
fn bounded(original: &str, start: usize, end: usize, offset: usize) -> Range<usize> {
    let mut start = start.min(original.len());
    while !original.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = end.clamp(start, original.len());
    while !original.is_char_boundary(end) {
        end += 1;
    }
    start + offset..end + offset
}

/// Whether it is worth taking: a plan, or a list of objects.
pub(super) fn is_plan(node: &Node) -> bool {
    match &node.kind {
        Kind::Object(members) => members.iter().any(|member| {
            matches!(
                &*member.key,
                "steps" | "plan" | "tasks" | "workflow" | "execution_plan"
            )
        }),
        Kind::List(list) => {
            !list.is_empty()
                && list.iter().all(|element| {
                    element.as_object().is_some_and(|members| {
                        members.iter().any(|member| {
                            matches!(
                                &*member.key,
                                "task" | "tool" | "tool_name" | "id" | "step_id"
                            )
                        })
                    })
                })
        }
        _ => false,
    }
}

/// The length of the block that begins with the first bracket, up to its own closing one.
fn balanced(body: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for (at, byte) in body.bytes().enumerate() {
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
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

fn report_around(body: &str, block: &Range<usize>, offset: usize, collector: &mut Collector) {
    for (range, code, message) in [
        (
            0..block.start,
            "text_before",
            "the text before the plan was left out",
        ),
        (
            block.end..body.len(),
            "text_after",
            "the text after the plan was left out",
        ),
    ] {
        let text = &body[range.clone()];
        let trimmed = text.trim();
        if trimmed.is_empty() {
            continue;
        }
        let start = offset + range.start + (text.len() - text.trim_start().len());
        let line = trimmed.lines().next().unwrap_or_default().len();
        collector.push(Diagnostic::new(Severity::Repaired, code, message).at(start..start + line));
    }
}

/// One kind of repair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repair {
    TrailingComma,
    MissingBracket,
    MissingComma,
    Quotes,
    Keyword,
    Escape,
    Other,
}

impl Repair {
    const ALL: [Self; 7] = [
        Self::TrailingComma,
        Self::MissingBracket,
        Self::MissingComma,
        Self::Quotes,
        Self::Keyword,
        Self::Escape,
        Self::Other,
    ];

    fn describe(self) -> (&'static str, &'static str) {
        match self {
            Self::TrailingComma => ("trailing_comma", "an extra comma was left out"),
            Self::MissingBracket => ("missing_bracket", "a missing bracket was added"),
            Self::MissingComma => ("missing_comma", "a missing comma or colon was added"),
            Self::Quotes => ("quotes", "missing or unusual quotes became double quotes"),
            Self::Keyword => ("keyword", "a Python word became its JSON counterpart"),
            Self::Escape => ("escape", "a character in a string was escaped"),
            Self::Other => (
                "repaired",
                "a comment or other text that is not JSON was left out or rewritten",
            ),
        }
    }
}

fn report_edits(
    original: &str,
    edits: &[(Repair, usize)],
    offset: usize,
    collector: &mut Collector,
) {
    for repair in Repair::ALL {
        let mut places = edits.iter().filter(|(kind, _)| *kind == repair);
        let Some((_, first)) = places.next() else {
            continue;
        };
        let (code, what) = repair.describe();
        let message = match places.count() {
            0 => what.to_owned(),
            more => format!("{what} ({} places)", more + 1),
        };
        let at = (*first).min(original.len().saturating_sub(1));
        let span = bounded(original, at, at + 1, offset);
        collector.push(Diagnostic::new(Severity::Repaired, code, message).at(span));
    }
}

/// Which place of the repaired text came from which of the original. The two are the same but for small
/// insertions, deletions and substitutions, so one walk along both finds them; where it is wrong, a place in
/// a message is a little off and nothing else.
struct Alignment {
    /// Places (repaired, original) from which on both go alike.
    anchors: Vec<(usize, usize)>,
    edits: Vec<(Repair, usize)>,
}

impl Alignment {
    fn of(original: &str, repaired: &str) -> Self {
        let (o, r) = (original.as_bytes(), repaired.as_bytes());
        let (mut i, mut j) = (0, 0);
        let mut anchors = vec![(0, 0)];
        let mut edits = Vec::new();
        while j < r.len() {
            if i < o.len() && o[i] == r[j] {
                i += 1;
                j += 1;
                continue;
            }
            let (repair, skipped, added) = difference(&o[i.min(o.len())..], &r[j..]);
            edits.push((repair, i));
            i = (i + skipped).min(o.len());
            j = (j + added).min(r.len());
            anchors.push((j, i));
        }
        if o[i.min(o.len())..]
            .iter()
            .any(|byte| !byte.is_ascii_whitespace())
        {
            edits.push((Repair::Other, i));
        }
        Self { anchors, edits }
    }

    fn original(&self, repaired: usize) -> usize {
        let at = self
            .anchors
            .partition_point(|(from, _)| *from <= repaired)
            .saturating_sub(1);
        let (from, to) = self.anchors[at];
        let next = self.anchors.get(at + 1).map_or(usize::MAX, |(_, to)| *to);
        (to + (repaired - from)).min(next)
    }
}

/// What differs where the texts part: the kind, how many bytes of the original and of the repaired it takes.
fn difference(o: &[u8], r: &[u8]) -> (Repair, usize, usize) {
    let Some(&first) = o.first() else {
        let repair = if r[0] == b'"' {
            Repair::Quotes
        } else {
            Repair::MissingBracket
        };
        return (repair, 0, 1);
    };
    let written = r[0];
    if first == b',' {
        let next = o.iter().skip(1).find(|byte| !byte.is_ascii_whitespace());
        if r.iter().find(|byte| !byte.is_ascii_whitespace()) == next {
            return (Repair::TrailingComma, 1, 0);
        }
    }
    for (python, json) in [
        ("True", "true"),
        ("False", "false"),
        ("None", "null"),
        ("undefined", "null"),
    ] {
        if o.starts_with(python.as_bytes()) && r.starts_with(json.as_bytes()) {
            return (Repair::Keyword, python.len(), json.len());
        }
    }
    if written == b'"' {
        if matches!(first, b'\'' | b'`') {
            return (Repair::Quotes, 1, 1);
        }
        for typographic in ["“", "”", "‘", "’", "«", "»"] {
            if o.starts_with(typographic.as_bytes()) {
                return (Repair::Quotes, typographic.len(), 1);
            }
        }
    }
    if written == b'\\' && (first < 0x20 || first == b'"') {
        let length = if r.get(1) == Some(&b'u') { 6 } else { 2 };
        return (Repair::Escape, 1, length);
    }
    if written == b'"' && r.get(1).is_none_or(|next| *next == first || *next == b'"') {
        return (Repair::Quotes, 0, 1);
    }
    if matches!(written, b'}' | b']') && !matches!(first, b'/' | b'#') {
        return (Repair::MissingBracket, 0, 1);
    }
    if matches!(written, b',' | b':') {
        return (Repair::MissingComma, 0, 1);
    }
    if written == b'"' {
        return (Repair::Quotes, 0, 1);
    }
    // A part of the original was removed: a comment, an ellipsis, a wrapper.
    let sample = &r[..r.len().min(4)];
    let horizon = o.len().min(4096);
    if let Some(gone) = o[..horizon]
        .windows(sample.len())
        .position(|window| window == sample)
    {
        return (Repair::Other, gone.max(1), 0);
    }
    (Repair::Other, 1, 1)
}
