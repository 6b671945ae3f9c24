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

/// What helps where the embedded interpreter lacks something.
const REMEDY: &str =
    "the embedded interpreter has a part of Python; `python: cpython` runs the code by CPython";

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
        if self == Self::Python && Self::lacking(&message).is_some() {
            return format!("{message}\n{REMEDY}");
        }
        message
    }

    /// What the embedded interpreter lacks, from the message of an error that is about that.
    pub(crate) fn lacking(message: &str) -> Option<&str> {
        const LACKS: [&str; 5] = [
            "ModuleNotFoundError",
            "ImportError",
            "NotImplementedError",
            "not supported",
            "not yet",
        ];
        let mut lines = message.lines().rev().filter(|line| *line != REMEDY);
        lines.find(|line| LACKS.iter().any(|word| line.contains(word)))
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
    /// The functions by which code calls tools, and whether it calls any tool by its name; `None` where it calls none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Functions>,
}

/// The functions by which code calls tools.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Functions {
    pub names: Vec<String>,
    /// Whether there is `call_tool`.
    pub any: bool,
}

/// What became of a call that the code asked for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answer<'a> {
    /// Which call.
    pub number: u32,
    /// Whether the call was made: only these count where the code says how many it has seen.
    pub is_made: bool,
    pub outcome: Outcome<'a>,
}

/// The output of a tool, or why there is none.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome<'a> {
    Output(Cow<'a, Value>),
    Error(Cow<'a, str>),
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
    /// The code calls a tool.
    Call {
        /// Which call: each has another number.
        number: u32,
        /// The function, or the tool itself.
        name: String,
        /// Whether that is the tool itself.
        is_tool: bool,
        /// The parameters.
        input: Value,
    },
    /// The code can do nothing until one of its calls has ended.
    Waits {
        /// How many answers it has seen to calls that were made.
        answered: u32,
        /// How many answers it has seen in all.
        seen: u32,
    },
    /// The output, and the memory that the sandbox uses now, in mebibytes.
    Output { value: Value, memory_mb: u64 },
    /// The work failed.
    Error(String),
}
