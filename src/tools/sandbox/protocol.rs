//! The protocol between this program and its sandboxes: one JSON object a line, in both directions.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;

/// The environment variable that marks a sandbox, so that one never starts another.
pub(super) const MARK: &str = "PLANDECK_SANDBOX";

/// The maximum size of a line in either direction, in bytes.
pub(super) const MAX_LINE_BYTES: usize = 96 << 20;

/// What a piece of work is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Language {
    /// Python: `input_data` in, `output` out.
    Python,
    /// The same by real CPython.
    Cpython,
    /// A jq filter.
    Jq,
    /// An expression of a plan; its variables are the input.
    Expression,
    /// The same, asked only whether it holds.
    Condition,
    /// A JSON Schema, asked whether the input is valid.
    Schema,
    /// The same, asked what is wrong with an input that is not.
    Violations,
}

impl Language {
    /// Why its code needs a sandbox, for a message where there is none.
    pub(super) const fn why_sandboxed(self) -> &'static str {
        match self {
            Self::Python | Self::Cpython => "Python code runs in a process of the plandeck program",
            Self::Jq => {
                "a jq filter that could run long or grow without a bound runs in a process of the plandeck program"
            }
            Self::Expression | Self::Condition => {
                "an expression that could run long or grow without a bound is evaluated in a process of the plandeck program"
            }
            Self::Schema | Self::Violations => {
                "a value whose validation could take long is validated in a process of the plandeck program"
            }
        }
    }

    /// An error of the code, with the remedy where the embedded interpreter lacks something.
    pub(super) fn with_remedy(self, message: String) -> String {
        const LACKS: [&str; 5] = [
            "ModuleNotFoundError",
            "ImportError",
            "NotImplementedError",
            "not supported",
            "not yet",
        ];
        if self == Self::Python && LACKS.iter().any(|word| message.contains(word)) {
            return format!(
                "{message}\nthe embedded interpreter has a part of Python; `python: cpython` runs the code by CPython"
            );
        }
        message
    }

    /// What is run, for a message.
    pub(super) const fn subject(self) -> &'static str {
        match self {
            Self::Python | Self::Cpython => "the code",
            Self::Jq => "the filter",
            Self::Expression | Self::Condition => "the expression",
            Self::Schema | Self::Violations => "validation",
        }
    }
}

/// One piece of work.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request<'a> {
    pub language: Language,
    pub source: Cow<'a, str>,
    pub input: Cow<'a, Value>,
    /// The limit of processor time, in seconds.
    pub seconds: u64,
}

/// A message of a sandbox.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply {
    /// The sandbox has started; what it is comes next.
    Ready,
    /// What the sandbox is.
    About {
        /// The interpreter of Python.
        interpreter: String,
        /// What of the system confines it; `None` where that is said elsewhere, or nothing does.
        walls: Option<String>,
    },
    /// A line that was printed.
    Log(String),
    /// A part of a line, which goes on.
    LogPart(String),
    /// The output, and the memory that the sandbox uses now, in mebibytes.
    Output { value: Value, memory_mb: u64 },
    /// The work failed.
    Error(String),
}
