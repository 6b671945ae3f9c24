//! What is wrong with a plan, and where.

use crate::text::visible;
use serde::Serialize;
use std::ops::Range;
use std::sync::Arc;

/// How much a diagnostic matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The plan runs; the user should know.
    Warning,
    /// The plan runs because this was repaired.
    Repaired,
    /// The plan does not run.
    Error,
}

/// One fault, with its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How much it matters.
    pub severity: Severity,
    /// A stable name, for instance `unknown_tool`.
    pub code: &'static str,
    /// What is wrong, in one sentence.
    pub message: String,
    /// The likely repair.
    pub help: Option<String>,
    /// The place in the source, in bytes.
    pub span: Option<Range<usize>>,
    /// The step it is about.
    pub step: Option<Arc<str>>,
}

impl Diagnostic {
    /// A diagnostic without a place, a step or a remedy.
    pub fn new(severity: Severity, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity,
            code,
            message: message.into(),
            help: None,
            span: None,
            step: None,
        }
    }

    /// The same at this place, in bytes.
    #[must_use]
    pub fn at(mut self, span: Range<usize>) -> Self {
        self.span = Some(span);
        self
    }

    /// The same with a remedy.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same about this step.
    #[must_use]
    pub fn step(mut self, step: Option<&Arc<str>>) -> Self {
        self.step = step.cloned();
        self
    }
}

/// The text a plan or a catalog was read from.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file's name as the user gave it, or what the text is.
    pub name: Arc<str>,
    /// The whole text.
    pub text: Arc<str>,
}

/// Every fault that keeps a plan from running, and the warnings found on the way.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", summary(.source_text, .diagnostics))]
pub struct PlanFaults {
    /// The text that the places refer to.
    pub source_text: Source,
    /// In the order of their places.
    pub diagnostics: Vec<Diagnostic>,
}

impl PlanFaults {
    /// The diagnostics that keep the plan from running.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

fn summary(source: &Source, diagnostics: &[Diagnostic]) -> String {
    let mut errors = diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Error);
    let name = visible(&source.name, 200);
    match (errors.next(), errors.count()) {
        (None, _) => format!("{name}: no fault"),
        (Some(first), 0) => format!("{name}: {}", first.message),
        (Some(first), 1) => format!("{name}: {} (and 1 more fault)", first.message),
        (Some(first), more) => format!("{name}: {} (and {more} more faults)", first.message),
    }
}

/// The maximum of diagnostics that are kept of one plan; further ones are only counted.
const MAX_KEPT: usize = 500;

/// Collects diagnostics while a plan is read and checked.
#[derive(Clone, Debug, Default)]
pub(super) struct Collector {
    kept: Vec<Diagnostic>,
    errors: usize,
    dropped: usize,
}

impl Collector {
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        let is_error = diagnostic.severity == Severity::Error;
        self.errors += usize::from(is_error);
        if self.kept.len() < MAX_KEPT {
            self.kept.push(diagnostic);
            return;
        }
        self.dropped += 1;
        // An error replaces a warning.
        if is_error
            && self.errors <= MAX_KEPT
            && let Some(slot) = self
                .kept
                .iter_mut()
                .rev()
                .find(|kept| kept.severity != Severity::Error)
        {
            *slot = diagnostic;
        }
    }

    pub(super) fn error(
        &mut self,
        code: &'static str,
        message: impl Into<String>,
        span: &Range<usize>,
    ) {
        self.push(Diagnostic::new(Severity::Error, code, message).at(span.clone()));
    }

    pub(super) fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// All of them, as what keeps the plan in `source` from running.
    pub(super) fn faults(self, source: Source) -> PlanFaults {
        let mut diagnostics = self.finish();
        for span in diagnostics.iter_mut().filter_map(|one| one.span.as_mut()) {
            *span = whole_characters(&source.text, span);
        }
        PlanFaults {
            source_text: source,
            diagnostics,
        }
    }

    /// All of them, in the order of their places.
    pub(super) fn finish(mut self) -> Vec<Diagnostic> {
        self.kept
            .sort_by_key(|diagnostic| diagnostic.span.as_ref().map_or(0, |span| span.start));
        if self.dropped > 0 {
            let severity = if self.errors > 0 {
                Severity::Error
            } else {
                Severity::Warning
            };
            self.kept.push(Diagnostic::new(
                severity,
                "more",
                format!("{} more are not listed", self.dropped),
            ));
        }
        self.kept
    }
}

/// A place extended to whole characters, since some places are known by one byte only.
fn whole_characters(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(span.start);
    start..text.ceil_char_boundary(span.end).max(start)
}

/// A name from the plan in a message: between backticks, bounded, without control characters.
pub(super) fn shown(name: &str) -> String {
    format!("`{}`", visible(name, 80))
}
