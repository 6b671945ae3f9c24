//! What a sandbox is made for: its interpreter and its limits.

use super::work::Work;

/// The default memory limit of a sandbox, in mebibytes.
pub(super) const MEMORY_MB: u64 = 512;

/// The default limit of processor time of one call, in seconds.
pub(super) const SECONDS: u64 = 300;

/// The limit of processor time of a piece of work, in seconds.
pub(super) fn seconds(work: &Work<'_>) -> u64 {
    work.time
        .map_or(SECONDS, |time| time.as_secs().saturating_add(1))
}

/// What a sandbox is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub memory_mb: u64,
    pub cpu_percent: Option<u32>,
    /// The processor time of CPython; `None` for the embedded interpreter.
    pub cpython_seconds: Option<u64>,
}
