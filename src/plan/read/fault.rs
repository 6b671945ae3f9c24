//! What keeps a text from being read as JSON or YAML.

use crate::plan::diagnostic::{Diagnostic, Severity};
use crate::plan::node::MAX_DEPTH;
use crate::text::visible;
use std::ops::Range;

/// What keeps a text from being read.
#[derive(Debug)]
pub(in crate::plan) struct SyntaxFault {
    pub code: &'static str,
    pub message: String,
    pub help: Option<String>,
    pub span: Range<usize>,
}

impl SyntaxFault {
    pub(crate) fn new(code: &'static str, message: impl Into<String>, span: Range<usize>) -> Self {
        Self {
            code,
            message: message.into(),
            help: None,
            span,
        }
    }

    pub(crate) fn too_deep(at: usize) -> Self {
        Self::new(
            "too_deep",
            format!("nested deeper than {MAX_DEPTH} levels"),
            at..at + 1,
        )
    }

    /// The fault of an integer, as it is written, that a value cannot hold.
    pub(crate) fn beyond_64_bits(written: &str, span: Range<usize>) -> Self {
        Self {
            help: Some("write it as text, in quotes: its digits stay as they are".to_owned()),
            ..Self::new(
                "bad_number",
                format!("the integer {} is beyond 64 bits", visible(written, 60)),
                span,
            )
        }
    }

    pub(crate) fn into_diagnostic(self) -> Diagnostic {
        Diagnostic {
            help: self.help,
            ..Diagnostic::new(Severity::Error, self.code, self.message).at(self.span)
        }
    }

    /// The same in a text that begins `by` bytes earlier.
    pub(crate) fn moved(mut self, by: usize) -> Self {
        self.span = self.span.start + by..self.span.end + by;
        self
    }
}
