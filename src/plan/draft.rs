//! A plan as it was read, before it is held against a catalog and a context.

use super::diagnostic::{Collector, Diagnostic, PlanFaults, Severity, Source};
use super::node::Node;
use super::read::{self, Read};
use super::{Dialect, Mode, RetryPolicy, Trigger, dialects};
use serde_json::{Map, Value};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// A value and where it stood, in bytes.
#[derive(Clone, Debug)]
pub(super) struct Placed<T> {
    pub value: T,
    pub span: Range<usize>,
}

impl<T> Placed<T> {
    pub fn new(value: T, span: Range<usize>) -> Self {
        Self { value, span }
    }
}

/// A step whose references are still text.
#[derive(Clone, Debug)]
pub(super) struct DraftStep {
    pub id: Option<Placed<Arc<str>>>,
    pub tool: Option<Placed<Arc<str>>>,
    pub parameters: Node,
    /// Arguments by position, in the dialects that have them; their names come from the catalog.
    pub positional: Vec<Node>,
    pub depends_on: Vec<Placed<Arc<str>>>,
    pub run_if: Option<Node>,
    pub for_each: Option<Node>,
    pub trigger: Trigger,
    pub mode: Mode,
    pub timeout: Option<Duration>,
    pub retry: Option<RetryPolicy>,
    pub cache: Option<bool>,
    pub model: Option<Arc<str>>,
    pub idempotency_key: Option<Arc<str>>,
    pub description: Option<Arc<str>>,
    pub extra: Map<String, Value>,
    /// Whether it is the plan's `final_synthesis`: it waits for every sink.
    pub synthesis: bool,
    pub span: Range<usize>,
}

impl DraftStep {
    pub fn new(span: Range<usize>) -> Self {
        Self {
            id: None,
            tool: None,
            parameters: Node::object(Vec::new(), span.clone()),
            positional: Vec::new(),
            depends_on: Vec::new(),
            run_if: None,
            for_each: None,
            trigger: Trigger::default(),
            mode: Mode::default(),
            timeout: None,
            retry: None,
            cache: None,
            model: None,
            idempotency_key: None,
            description: None,
            extra: Map::new(),
            synthesis: false,
            span,
        }
    }

    /// The best place for a fault about the step as a whole.
    pub fn place(&self) -> Range<usize> {
        self.id
            .as_ref()
            .or(self.tool.as_ref())
            .map_or_else(|| first_byte(&self.span), |placed| placed.span.clone())
    }
}

/// The opening of something long.
pub(super) fn first_byte(span: &Range<usize>) -> Range<usize> {
    span.start..span.end.min(span.start + 1)
}

/// What every dialect becomes.
#[derive(Clone, Debug)]
pub(super) struct DraftPlan {
    pub name: Option<Arc<str>>,
    pub dialect: Dialect,
    pub steps: Vec<DraftStep>,
    pub context: Map<String, Value>,
    pub catalog: Option<Value>,
    /// Whether something in the place of a step could not be read as one, and that was reported.
    pub unreadable: bool,
    pub span: Range<usize>,
}

impl DraftPlan {
    pub fn new(dialect: Dialect, span: Range<usize>) -> Self {
        Self {
            name: None,
            dialect,
            steps: Vec::new(),
            context: Map::new(),
            catalog: None,
            unreadable: false,
            span,
        }
    }
}

/// A plan as it was read: its dialect is known and its steps are found, but nothing was checked.
///
/// [`Draft::check`] makes an [`super::ExecutionPlan`] of it.
#[derive(Clone, Debug)]
pub struct Draft {
    pub(super) source: Source,
    pub(super) plan: DraftPlan,
    pub(super) name: Arc<str>,
    pub(super) collector: Collector,
}

impl Draft {
    /// What people call the plan.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it was written.
    pub fn dialect(&self) -> Dialect {
        self.plan.dialect
    }

    /// The text it was read from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The catalog inside the plan: an object with `tools` or `mcpServers`, or both, as they stand there.
    pub fn catalog(&self) -> Option<&Value> {
        self.plan.catalog.as_ref()
    }

    /// Context values that the plan itself brings.
    pub fn context(&self) -> &Map<String, Value> {
        &self.plan.context
    }

    /// How many steps were found.
    pub fn len(&self) -> usize {
        self.plan.steps.len()
    }

    /// Whether no step was found.
    pub fn is_empty(&self) -> bool {
        self.plan.steps.is_empty()
    }
}

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
            return Err(faults(source, collector));
        }
    };
    let source = source(name, text);
    match read::read(text, &mut collector) {
        Err(fault) => {
            fault.report(&mut collector);
            Err(faults(source, collector))
        }
        Ok(Read::Value(root)) => draft(
            source,
            dialects::read_value(root, &mut collector),
            collector,
        ),
        Ok(Read::LlmCompiler(part)) => {
            let plan = dialects::llmcompiler::read(text, part, &mut collector);
            draft(source, Some(plan), collector)
        }
        Ok(Read::ReWoo(part)) => {
            let plan = dialects::rewoo::read(text, part);
            draft(source, Some(plan), collector)
        }
    }
}

/// A draft of a plan that is a value already; places in messages are empty.
pub(super) fn from_value(value: Value) -> Result<Draft, PlanFaults> {
    let mut collector = Collector::default();
    let source = source("plan", "");
    if depth(&value) > super::node::MAX_DEPTH {
        collector.error("too_deep", "the plan is nested too deep", &(0..0));
        return Err(faults(source, collector));
    }
    let plan = dialects::read_value(Node::from_value(value), &mut collector);
    draft(source, plan, collector)
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

/// A place is sometimes known by its first byte only: the characters that it touches.
fn whole_characters(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(span.start);
    start..text.ceil_char_boundary(span.end).max(start)
}

pub(super) fn faults(source_text: Source, collector: Collector) -> PlanFaults {
    let mut diagnostics = collector.finish();
    for span in diagnostics.iter_mut().filter_map(|one| one.span.as_mut()) {
        *span = whole_characters(&source_text.text, span);
    }
    PlanFaults {
        source_text,
        diagnostics,
    }
}

fn draft(
    source: Source,
    plan: Option<DraftPlan>,
    collector: Collector,
) -> Result<Draft, PlanFaults> {
    let Some(plan) = plan else {
        return Err(faults(source, collector));
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
