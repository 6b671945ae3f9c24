//! What is said between this program and its sandboxes: one JSON object a line, in both directions.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;

/// The environment variable that marks a sandbox, so that one never starts another.
pub const MARK: &str = "PLANDECK_SANDBOX";

/// The largest line in either direction, in bytes.
pub const LONGEST_LINE: usize = 96 << 20;

/// What a piece of work is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Python: `input_data` in, `output` out.
    Python,
    /// A jq filter.
    Jq,
}

/// One piece of work.
#[derive(Debug, Serialize, Deserialize)]
pub struct Request<'a> {
    pub language: Language,
    pub source: Cow<'a, str>,
    pub input: Cow<'a, Value>,
    /// Processor time it may take, in seconds.
    pub seconds: u64,
}

/// What a sandbox says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// It is up.
    Ready,
    /// A line that was printed.
    Log(String),
    /// The work is done. With the memory the sandbox holds now, in mebibytes.
    Output { value: Value, memory_mb: u64 },
    /// The work failed.
    Error(String),
}
