//! Reads a text into a value with places, or into the text of a planner. The form of a plan is recognised by its
//! content alone.

mod embedded;
pub(super) mod fault;
mod find;
pub(super) mod json;
pub(super) mod left_out;
mod shared_text;
mod yaml;

use super::diagnostic::{Collector, Diagnostic, Severity};
use super::node::Node;
use super::written::{NO_PLAN_HELP, Written};
use crate::text::{fences, thoughts};
use fault::SyntaxFault;
pub(super) use find::cut_off_at;
use serde_json::Value;
use std::borrow::Cow;
use std::ops::Range;

/// The text without what a model thought aloud: its place is blank. A file that is valid as it stands keeps it, since
/// there it is a value.
pub(super) fn without_thoughts<'a>(text: &'a str, collector: &mut Collector) -> Cow<'a, str> {
    let parts = thoughts::find(text);
    let Some(first) = parts.first() else {
        return Cow::Borrowed(text);
    };
    let body = text.trim_start_matches('\u{feff}');
    let is_valid = if body.trim_start().starts_with(['{', '[']) {
        json::read(body).is_ok()
    } else {
        yaml::read(body).is_ok_and(|root| find::is_plan(&root))
    };
    if is_valid {
        return Cow::Borrowed(text);
    }
    let line = left_out::first_line(text, first).unwrap_or(first.clone());
    collector.push(
        Diagnostic::new(
            Severity::Repaired,
            "thoughts",
            "what the model thought aloud was left out",
        )
        .at(line),
    );
    Cow::Owned(thoughts::blanked(text, &parts))
}

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
    let mut forms = Forms {
        text,
        is_planners_text,
        collector,
    };
    forms.read(start..text.len(), Around::Nothing)
}

/// The value in a file that is not a plan: JSON where it begins like JSON, else YAML, read as strictly as a plan.
pub(crate) fn data(text: &str) -> Result<Value, Diagnostic> {
    data_node(text).map(|node| node.to_value())
}

/// The same with places.
pub(super) fn data_node(text: &str) -> Result<Node, Diagnostic> {
    let body = text.trim_start_matches('\u{feff}');
    let start = text.len() - body.len();
    let value = if body.trim_start().starts_with(['{', '[']) {
        json::read(body)
    } else {
        yaml::read(body)
    };
    match value {
        Ok(mut node) => {
            node.shift(start);
            Ok(node)
        }
        Err(fault) => Err(fault.moved(start).into_diagnostic()),
    }
}

/// The value of a text that is JSON or YAML as it stands, and whether it is JSON.
pub(super) fn strictly(text: &str) -> Option<(Node, bool)> {
    let body = text.trim_start_matches('\u{feff}');
    let read = json::read(body).map(|node| (node, true));
    let read = read.or_else(|_| yaml::read(body).map(|node| (node, false)));
    let (mut node, is_json) = read.ok()?;
    node.shift(text.len() - body.len());
    Some((node, is_json))
}

/// What stands around a part of a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    /// It is the whole text.
    Nothing,
    /// A code fence, which shows that the part is complete.
    Fence,
    /// A code fence that is not closed: the text may have been cut off.
    OpenFence,
}

/// Recognises the form of a text.
struct Forms<'a, 'r> {
    text: &'a str,
    is_planners_text: &'r dyn Fn(&str) -> bool,
    collector: &'r mut Collector,
}

impl<'a> Forms<'a, '_> {
    fn read(&mut self, part: Range<usize>, around: Around) -> Result<Written<'a>, SyntaxFault> {
        let text = self.text;
        let body = &text[part.clone()];
        let is_whole = around == Around::Fence;
        if body.starts_with(['{', '[']) {
            return match json::read_at(body, part.start) {
                Ok(node) => Ok(Written::Value(node)),
                Err(fault) => find::read(text, &part, is_whole, self.collector)?
                    .map(Written::Value)
                    .ok_or(fault),
            };
        }
        let steps_line = find_line(body, |line| {
            line.strip_prefix("steps")
                .is_some_and(|rest| rest.trim_start().starts_with(':'))
        });
        if around == Around::Nothing
            && let Some(written) = self.fenced(&part, steps_line)?
        {
            return Ok(written);
        }
        if steps_line.is_none() {
            if (self.is_planners_text)(body) {
                // What was cut off is known by the end that a plan has in its dialect, or by the fence.
                if around == Around::OpenFence && !body.contains("join(") {
                    return Err(cut_off(text, &part));
                }
                return Ok(Written::Text { source: text, part });
            }
            if !looks_like_yaml(body) {
                if let Some(node) = find::read(text, &part, is_whole, self.collector)? {
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
        self.yaml(&part, around, steps_line)
    }

    fn yaml(
        &mut self,
        part: &Range<usize>,
        around: Around,
        steps_line: Option<usize>,
    ) -> Result<Written<'a>, SyntaxFault> {
        let text = self.text;
        let body = &text[part.clone()];
        let read = yaml::read(body);
        let worth_a_look = match &read {
            Ok(node) => !find::is_plan(node),
            Err(fault) => fault.code == "bad_yaml",
        };
        if worth_a_look {
            // Prose may look like YAML and surround a plan in another form.
            match find::read(text, part, around == Around::Fence, self.collector) {
                Ok(Some(node)) => return Ok(Written::Value(node)),
                Err(fault) if steps_line.is_none() => return Err(fault),
                _ => {}
            }
            if let Some(at) = steps_line.filter(|_| read.is_err()) {
                let found = embedded::read(body, at, part.start, self.collector)
                    .map_err(|fault| fault.moved(part.start))?;
                if let Some(mut node) = found {
                    node.shift(part.start);
                    return Ok(Written::Value(node));
                }
            }
        }
        let mut node = read.map_err(|fault| fault.moved(part.start))?;
        let is_open = around == Around::OpenFence || yaml::ends_without_value(&node, body);
        if is_open && find::is_plan(&node) {
            return Err(cut_off(text, part));
        }
        node.shift(part.start);
        Ok(Written::Value(node))
    }

    /// The one plan in a code fence, if there is one. With `steps_line`, the fences after it belong to a plan in YAML.
    fn fenced(
        &mut self,
        part: &Range<usize>,
        steps_line: Option<usize>,
    ) -> Result<Option<Written<'a>>, SyntaxFault> {
        let text = self.text;
        let body = &text[part.clone()];
        let mut plan: Option<(Written<'a>, Range<usize>)> = None;
        let mut outside = vec![part.start];
        for fence in fences::find(body) {
            if steps_line.is_some_and(|line| line < fence.opening.start) {
                break;
            }
            let content = &body[fence.content.clone()];
            let inner = part.start + fence.content.start..part.start + fence.content.end;
            let is_promising = content.starts_with(['{', '['])
                || content.contains("steps")
                || (self.is_planners_text)(content);
            if content.is_empty() || !is_promising {
                continue;
            }
            let around = if fence.is_closed {
                Around::Fence
            } else {
                Around::OpenFence
            };
            let mut notices = Collector::default();
            let mut forms = Forms {
                text,
                is_planners_text: self.is_planners_text,
                collector: &mut notices,
            };
            let written = match forms.read(inner.clone(), around) {
                Ok(written) => written,
                Err(fault)
                    if left_out::last_field(content).is_none() && fault.code == "not_a_plan" =>
                {
                    continue;
                }
                Err(fault) => return Err(fault),
            };
            if written.value().is_some_and(|node| !find::is_plan(node)) {
                continue;
            }
            if let Some((first, _)) = &plan
                && !first.is_same(&written)
            {
                return Err(left_out::two_plans(inner.start..inner.start + 1));
            }
            outside.extend([part.start + fence.opening.start, part.start + fence.end]);
            if plan.is_none() {
                for notice in notices.finish() {
                    self.collector.push(notice);
                }
                let opening = part.start + fence.opening.start..part.start + fence.opening.end;
                plan = Some((written, opening));
            }
        }
        let Some((written, opening)) = plan else {
            return Ok(None);
        };
        outside.push(part.end);
        for gap in outside.chunks(2).map(|gap| gap[0]..gap[1]) {
            let prose = &text[gap.clone()];
            let stray = left_out::part_of_a_plan(prose)
                .or_else(|| (self.is_planners_text)(prose).then_some(0));
            if let Some(at) = stray {
                return Err(left_out::stray(text, gap.start + at));
            }
        }
        self.collector.push(
            Diagnostic::new(
                Severity::Repaired,
                "code_fence",
                "the plan is in a code fence; the text around it was left out",
            )
            .at(opening),
        );
        Ok(Some(written))
    }
}

/// The fault of a plan in `part` that has no mark of its end.
fn cut_off(text: &str, part: &Range<usize>) -> SyntaxFault {
    let body = text[part.clone()].trim_end();
    let line = body.rfind('\n').map_or(0, |at| at + 1);
    cut_off_at(None, None, part.start + line..part.start + body.len())
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
