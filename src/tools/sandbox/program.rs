//! Where the plandeck program is, which is started as sandbox and launcher.

use super::protocol::MARK;
use crate::tools::error::ToolError;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the running program can be started as a sandbox or a launcher.
static SERVES: AtomicBool = AtomicBool::new(false);

/// Declares that the running program handles the arguments `__sandbox`, `__launch` and `__start`. A program that does not would
/// run its own `main` again in each child, and start itself without end.
pub(crate) fn this_program_serves() {
    SERVES.store(true, Ordering::Relaxed);
}

/// Where the plandeck program is, which is started to run code and to limit other programs.
#[derive(Clone, Debug, Default)]
pub struct Program(Option<PathBuf>);

impl Program {
    /// The program at `path`.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(Some(path.into()))
    }

    /// The given place, else what `PLANDECK_EXE` names, else the running program where it can serve, else `plandeck`
    /// on the search path.
    pub fn path(&self) -> Result<PathBuf, ToolError> {
        if std::env::var_os(MARK).is_some() {
            return Err(ToolError::permanent("a sandbox cannot start another"));
        }
        if let Some(path) = &self.0 {
            return Ok(path.clone());
        }
        if let Some(path) = std::env::var_os("PLANDECK_EXE") {
            return Ok(path.into());
        }
        if SERVES.load(Ordering::Relaxed) {
            return std::env::current_exe().map_err(|error| {
                ToolError::permanent(format!(
                    "the plandeck program was not found ({error}); set PLANDECK_EXE to its path"
                ))
            });
        }
        on_search_path().ok_or_else(|| {
            ToolError::permanent(
                "the plandeck program was not found: give its path with Execution::program or in PLANDECK_EXE, \
                 let main begin with plandeck::cli::as_child, or add its folder to PATH",
            )
        })
    }
}

fn on_search_path() -> Option<PathBuf> {
    let name = format!("plandeck{}", std::env::consts::EXE_SUFFIX);
    let folders = std::env::var_os("PATH")?;
    let mut places = std::env::split_paths(&folders).map(|folder| folder.join(&name));
    places.find(|place| place.is_absolute() && place.is_file())
}
