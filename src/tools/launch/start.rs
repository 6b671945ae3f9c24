//! The second stage: the process that becomes the program.
//!
//! Only a process itself can ask for the signal that ends it with its parent, and the limit of its own memory must not
//! hold for the supervisor. So the supervisor starts this program once more, which sets both and becomes the other.

use super::{NO_JAIL, not_started};
use crate::tools::jail::Jail;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// `[--memory-mb N] [--parent ID] [--group FOLDER] [--jail JSON] -- PROGRAM [ARGUMENT…]`, as the supervisor passes it on.
#[derive(Debug)]
pub(crate) struct Start {
    pub(super) parent: Option<u32>,
    pub(super) memory_mb: Option<u64>,
    /// The control group that it enters.
    pub(super) group: Option<PathBuf>,
    /// The jail that it enters.
    pub(super) jail: Option<Jail>,
    pub(super) program: OsString,
    pub(super) arguments: Vec<OsString>,
}

impl Start {
    /// Becomes the program; returns only where it cannot be started.
    pub(crate) fn run(self) -> ExitCode {
        #[cfg(target_os = "linux")]
        if let Some(parent) = self.parent {
            use rustix::process::{Signal, getppid, set_parent_process_death_signal};
            let _ = set_parent_process_death_signal(Some(Signal::KILL));
            // Where the supervisor ended before that, no signal comes.
            let now = getppid().and_then(|id| u32::try_from(id.as_raw_nonzero().get()).ok());
            if now != Some(parent) {
                return ExitCode::FAILURE;
            }
        }
        #[cfg(target_os = "linux")]
        if let Some(group) = &self.group {
            // Outside of it the program still has its supervisor.
            let _ = super::control_group::enter(group);
        }
        if let Some(memory) = self.memory_mb
            && let Err(error) = limit_memory(memory)
        {
            return not_started(&self.program, &error);
        }
        let named = self.program.clone();
        let (program, arguments) = match &self.jail {
            None => (self.program, self.arguments),
            Some(jail) => match jail.enter(self.program, self.arguments) {
                Ok(inside) => inside,
                Err(error) => {
                    let error = std::io::Error::other(format!("{NO_JAIL}: {error}"));
                    return not_started(&named, &error);
                }
            },
        };
        let mut command = Command::new(program);
        command.args(arguments);
        become_program(command, &named)
    }
}

/// Private writable memory of each process. Reserved address space does not count, so runtimes that reserve much of it
/// work.
fn limit_memory(memory_mb: u64) -> std::io::Result<()> {
    let resource = rlimit::Resource::DATA;
    let (_, hard) = resource.get()?;
    let limit = memory_mb.saturating_mul(1 << 20).min(hard);
    resource.set(limit, limit)
}

#[cfg(unix)]
fn become_program(mut command: Command, program: &OsString) -> ExitCode {
    let error = std::os::unix::process::CommandExt::exec(&mut command);
    not_started(program, &error)
}

#[cfg(not(unix))]
fn become_program(mut command: Command, program: &OsString) -> ExitCode {
    match command.status() {
        Ok(status) => ExitCode::from(
            status
                .code()
                .and_then(|code| u8::try_from(code).ok())
                .unwrap_or(1),
        ),
        Err(error) => not_started(program, &error),
    }
}
