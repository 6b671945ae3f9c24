//! What a sandbox is given to do.

use super::protocol::Language;
use crate::tools::CodePort;
use serde_json::Value;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// A call of code in a sandbox.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work<'a> {
    /// The language of `source`.
    pub language: Language,
    /// The code.
    pub source: &'a str,
    /// The value that the code reads: `input_data` in Python, `.` in jq.
    pub input: &'a Value,
    /// The memory limit, in mebibytes; by default 512.
    pub memory_mb: Option<u64>,
    /// The processor share, in percent of one core.
    pub cpu_percent: Option<u32>,
    /// The limit of processor time; by default 300 s.
    pub time: Option<Duration>,
    /// Where Python calls other tools.
    pub port: Option<&'a CodePort>,
    /// Where it is kept what ran the code, and what confined that.
    pub about: Option<&'a OnceLock<String>>,
    /// Where it is noted that the code has called a tool.
    pub has_called: Option<&'a AtomicBool>,
}
