//! From bytes, or from a value, to a draft.

use super::diagnostic::{Collector, Diagnostic, PlanFaults, Severity, Source};
use super::dialects;
use super::draft::Draft;
use super::node::{MAX_DEPTH, Node};
use super::read;
use super::written::Written;
use serde_json::Value;

/// Reads a plan; `name` is the file's name or path, or what the text is.
///
/// # Errors
/// Where no plan can be seen in the text. What is wrong with a plan that can be seen is found by
/// [`Draft::check`], together with everything else.
pub fn parse(name: &str, bytes: &[u8]) -> Result<Draft, PlanFaults> {
    let mut collector = Collector::default();
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.valid_up_to();
            let help = match bytes {
                [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
                    Some("it looks like UTF-16; save it as UTF-8")
                }
                _ => None,
            };
            // The excerpt needs what is before the place and a little after it, not megabytes of noise.
            let end = bytes.len().min(at + 64);
            let source = source(name, &String::from_utf8_lossy(&bytes[..end]));
            let mut diagnostic =
                Diagnostic::new(Severity::Error, "not_text", "the file is no UTF-8 text")
                    .at(at..at + '\u{fffd}'.len_utf8());
            diagnostic.help = help.map(str::to_owned);
            collector.push(diagnostic);
            return Err(collector.faults(source));
        }
    };
    let source = source(name, text);
    let text = read::without_thoughts(text, &mut collector);
    match read::read(&text, &dialects::is_planners_text, &mut collector) {
        Ok(written) => draft(source, written, collector),
        Err(fault) => {
            collector.push(fault.into_diagnostic());
            Err(collector.faults(source))
        }
    }
}

/// A draft of a plan that is a value already; places in messages are empty.
pub(super) fn from_value(value: Value) -> Result<Draft, PlanFaults> {
    let mut collector = Collector::default();
    let source = source("plan", "");
    if depth(&value) > MAX_DEPTH {
        collector.error("too_deep", "the plan is nested too deep", &(0..0));
        return Err(collector.faults(source));
    }
    draft(source, Written::Value(Node::from_value(value)), collector)
}

/// The nesting of a value, counted without recursion.
fn depth(value: &Value) -> usize {
    let mut deepest = 0;
    let mut open = vec![(value, 1)];
    while let Some((value, level)) = open.pop() {
        match value {
            Value::Array(list) => open.extend(list.iter().map(|element| (element, level + 1))),
            Value::Object(map) => open.extend(map.values().map(|member| (member, level + 1))),
            _ => continue,
        }
        deepest = deepest.max(level);
    }
    deepest
}

fn source(name: &str, text: &str) -> Source {
    Source {
        name: name.into(),
        text: text.into(),
    }
}

fn draft(
    source: Source,
    written: Written<'_>,
    mut collector: Collector,
) -> Result<Draft, PlanFaults> {
    let Some(plan) = dialects::read(written, &mut collector) else {
        return Err(collector.faults(source));
    };
    let name = plan
        .name
        .clone()
        .unwrap_or_else(|| stem(&source.name).into());
    Ok(Draft {
        source,
        plan,
        name,
        collector,
    })
}

/// A file's name without its folder and its last extension.
fn stem(name: &str) -> &str {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    match file.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => file,
    }
}
