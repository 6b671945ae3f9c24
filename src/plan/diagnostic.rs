//! What is wrong with a plan, and where.

use serde::Serialize;
use std::ops::Range;
use std::sync::Arc;

/// How much a diagnostic matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The plan runs, and somebody should know.
    Warning,
    /// The plan runs because this was mended.
    Repaired,
    /// Nothing runs.
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
#[error("{}: {} fault(s) in the plan", source_text.name, diagnostics.iter().filter(|d| d.severity == Severity::Error).count())]
pub struct PlanFaults {
    /// Where they stand.
    pub source_text: Source,
    /// In the order of their places.
    pub diagnostics: Vec<Diagnostic>,
}
