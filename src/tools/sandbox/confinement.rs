//! Which code may run where the system does not confine it.

use super::cpython::{self, Setup};
use super::protocol::Language;
use crate::tools::error::ToolError;

/// How CPython is started.
///
/// # Errors
/// Where it is not installed; where the system has no jail for it and that is not allowed.
pub(super) async fn cpython(
    allow_unsandboxed: bool,
    memory_mb: u64,
    seconds: u64,
) -> Result<Setup, ToolError> {
    let installed = cpython::installed().await?;
    if installed.jail.is_none() && !allow_unsandboxed {
        return Err(ToolError::permanent(
            "CPython cannot be confined on this system, which lacks Landlock or seccomp; use the embedded interpreter \
             (`python: embedded`), or --allow-unsandboxed, which runs it with the limits of its process alone",
        ));
    }
    Ok(installed.setup(memory_mb, seconds))
}

/// Refuses Python where the system should have walls and has none: `walls` are those that stand.
///
/// # Errors
/// Where that is not allowed.
pub(super) fn check(
    language: Language,
    walls: Option<&str>,
    allow_unsandboxed: bool,
) -> Result<(), ToolError> {
    // On other systems the embedded interpreter is the wall.
    let needs = language == Language::Python && cfg!(target_os = "linux");
    if needs && walls.is_none() && !allow_unsandboxed {
        return Err(ToolError::permanent(
            "code cannot be confined on this system, which has neither Landlock nor seccomp; \
             --allow-unsandboxed runs it with the limits of its process alone",
        ));
    }
    Ok(())
}
