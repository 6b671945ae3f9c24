//! A plan in JSON as models write it: it is found in the text around it, and each repair is reported at its place.

use super::fault::SyntaxFault;
use super::{json, left_out};
use crate::plan::diagnostic::{Collector, Diagnostic, Severity};
use crate::plan::node::{Kind, Node};
use crate::text::loose_json::{self, Edit, Fault, Repair, Repaired};
use crate::text::visible;
use std::ops::Range;

/// The members that name a step.
const IDS: [&str; 2] = ["id", "step_id"];

/// As many brackets in prose are looked at as if they held a plan. Each look may read the whole rest of the text.
const MAX_LOOKS: usize = 64;

/// A plan in a text.
struct Found {
    node: Node,
    edits: Vec<Edit>,
    span: Range<usize>,
}

/// Looks for the one plan in `part` of `text`, repairing its form where that is needed; `None` where there is none.
/// `is_whole` says that the part was not cut off.
pub(super) fn read(
    text: &str,
    part: &Range<usize>,
    is_whole: bool,
    collector: &mut Collector,
) -> Result<Option<Node>, SyntaxFault> {
    let body = &text[..part.end];
    let Some(last_field) = left_out::last_field(&body[part.start..]) else {
        return Ok(None);
    };
    let last_field = part.start + last_field;
    let mut plan: Option<Found> = None;
    // What stands outside of the plan. The same plan again has the same meaning.
    let mut outside = vec![part.start];
    let mut from = part.start;
    let mut looks = 0;
    while let Some(open) = body[from..].find(['{', '[']).map(|at| from + at) {
        // A plan holds fields.
        if open > last_field {
            break;
        }
        if looks == MAX_LOOKS
            && let Some(prose) = prose(body, open)
        {
            from = prose.end;
            continue;
        }
        match value(body, open, is_whole) {
            Ok(found) => {
                from = found.span.end;
                if !is_plan(&found.node) {
                    continue;
                }
                match &plan {
                    Some(first) if first.node.to_value() != found.node.to_value() => {
                        return Err(left_out::two_plans(open..open + 1));
                    }
                    _ => outside.extend([found.span.start, found.span.end]),
                }
                plan = plan.or(Some(found));
            }
            Err(fault) => {
                from = prose(body, open).ok_or(fault)?.end;
                looks += 1;
            }
        }
    }
    let Some(plan) = plan else {
        return Ok(None);
    };
    outside.push(part.end);
    for gap in outside.chunks(2).map(|gap| gap[0]..gap[1]) {
        if let Some(at) = left_out::part_of_a_plan(&text[gap.clone()]) {
            return Err(left_out::stray(text, gap.start + at));
        }
    }
    left_out::report_around(text, part, &plan.span, collector);
    report_edits(&plan.edits, &plan.span, collector);
    Ok(Some(plan.node))
}

/// What the bracket at `open` begins where it is prose: such brackets hold words, and no field of a plan.
fn prose(body: &str, open: usize) -> Option<Range<usize>> {
    let prose = open..open + balanced(&body[open..])?;
    let field = left_out::last_field(&body[prose.clone()]);
    field.is_none().then_some(prose)
}

/// The value that begins at `open`, read strictly where that is possible.
fn value(body: &str, open: usize, is_whole: bool) -> Result<Found, SyntaxFault> {
    if let Some(length) = balanced(&body[open..])
        && !loose_json::is_attached(&body[open + length..])
    {
        let span = open..open + length;
        match json::read_at(&body[span.clone()], open) {
            Ok(node) => {
                return Ok(Found {
                    node,
                    edits: Vec::new(),
                    span,
                });
            }
            Err(fault) if fault.code != "bad_json" => return Err(fault),
            Err(_) => {}
        }
    }
    let repaired =
        loose_json::read(body, open, is_whole).map_err(|fault| syntax_fault(body, open, fault))?;
    let mut node = json::read(&repaired.json).map_err(|mut fault| {
        fault.span = repaired.place(&fault.span);
        fault
    })?;
    node.map_spans(&|span| repaired.place(span));
    if repaired.left_open > 0 && !is_whole && !may_end_open(&node) {
        return Err(cut_off(body, open, body.trim_end().len()));
    }
    let Repaired { edits, span, .. } = repaired;
    Ok(Found { node, edits, span })
}

/// Whether the brace that ends a plan may be missing at the end of the text: nothing that a step says can have stood
/// after it. Its steps are complete, and so is the synthesis in the dialect that always has one.
fn may_end_open(plan: &Node) -> bool {
    let Some(members) = plan.as_object() else {
        return false;
    };
    let has = |key: &str| members.iter().any(|member| *member.key == *key);
    let ends_in_object_or_list = members
        .last()
        .is_some_and(|last| matches!(last.value.kind, Kind::List(_) | Kind::Object(_)));
    let is_runtime = has("request_id")
        || plan
            .get("steps")
            .and_then(Node::as_list)
            .is_some_and(|steps| steps.iter().any(|step| step.get("input").is_some()));
    has("steps") && ends_in_object_or_list && (!is_runtime || has("final_synthesis"))
}

/// The fault of a text that ends at `end` inside the value that begins at `open`.
fn cut_off(body: &str, open: usize, end: usize) -> SyntaxFault {
    let ending = loose_json::ending(body, open, &IDS);
    let line = body[..end].rfind('\n').map_or(open, |at| at + 1).max(open);
    let start = body.ceil_char_boundary(line.max(end.saturating_sub(60)));
    cut_off_at(
        ending.inside.as_deref(),
        ending.after.as_deref(),
        start..end,
    )
}

/// The fault of a plan that ends inside a step, or after one.
pub(in crate::plan) fn cut_off_at(
    inside: Option<&str>,
    after: Option<&str>,
    place: Range<usize>,
) -> SyntaxFault {
    let message = match (inside, after) {
        (Some(step), _) => format!("the plan is cut off in step {}", visible(step, 80)),
        (None, Some(step)) => format!("the plan is cut off after step {}", visible(step, 80)),
        (None, None) => "the plan is cut off".to_owned(),
    };
    let mut fault = SyntaxFault::new("cut_off", message, place);
    fault.help = Some(
        "let the model answer again with more output tokens, or complete the plan yourself"
            .to_owned(),
    );
    fault
}

fn syntax_fault(body: &str, open: usize, fault: Fault) -> SyntaxFault {
    let end = body.trim_end().len();
    let bad = |message: &str, span: Range<usize>| {
        SyntaxFault::new("bad_json", format!("it is not valid JSON: {message}"), span)
    };
    let character = |at: usize| {
        let length = body[at..].chars().next().map_or(0, char::len_utf8);
        at..at + length
    };
    match fault {
        Fault::CutOff { .. } => cut_off(body, open, end),
        Fault::Open { at } => {
            let mut fault = cut_off(body, open, end);
            fault
                .message
                .push_str(": a string that begins here does not end");
            fault.span = at..at + body[at..].lines().next().unwrap_or_default().len();
            fault
        }
        Fault::Unknown { span } => {
            let word = visible(&body[span.clone()], 40);
            bad(&format!("`{word}` cannot stand here"), span)
        }
        Fault::Backslash { at } => {
            let mut fault = bad(
                "some backslashes in this string are no escapes, so it is not clear what this one means",
                character(at),
            );
            fault.help = Some("write `\\\\` for each backslash".to_owned());
            fault
        }
        Fault::Brackets { at } => bad(
            "a bracket is missing or one too many, and there is more than one way to repair that",
            character(at),
        ),
        Fault::Attached { at } => bad(
            "there is more after its end",
            character(body.len() - body[at..].trim_start().len()),
        ),
        Fault::TooLong => json::read_at(&body[open..], open)
            .err()
            .unwrap_or_else(|| bad("it is too long to be repaired", character(open))),
    }
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

/// Reports the repairs, each kind once, at its first place.
fn report_edits(edits: &[Edit], span: &Range<usize>, collector: &mut Collector) {
    let mut kinds: Vec<Repair> = edits.iter().map(|edit| edit.repair).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for kind in kinds {
        let mut places = edits.iter().filter(|edit| edit.repair == kind);
        let Some(first) = places.next() else {
            continue;
        };
        let (code, what) = describe(kind);
        let message = match places.count() {
            0 => what.to_owned(),
            more => format!("{what} ({} places)", more + 1),
        };
        let at = first.at.min(span.end.saturating_sub(1));
        collector.push(Diagnostic::new(Severity::Repaired, code, message).at(at..at + 1));
    }
}

fn describe(repair: Repair) -> (&'static str, &'static str) {
    match repair {
        Repair::ExtraComma => ("trailing_comma", "an extra comma was left out"),
        Repair::MissingBracket => ("missing_bracket", "a missing bracket was added"),
        Repair::ExtraBracket => ("extra_bracket", "an extra bracket was left out"),
        Repair::MissingComma => ("missing_comma", "a missing comma or colon was added"),
        Repair::Quotes => ("quotes", "missing or unusual quotes became double quotes"),
        Repair::Keyword => ("keyword", "a Python word became its JSON counterpart"),
        Repair::Escape => ("escape", "a character in a string was escaped"),
        Repair::Backslash => (
            "backslash",
            "a backslash that is not a JSON escape stands for itself",
        ),
        Repair::Comment => ("repaired", "a comment was left out"),
    }
}
