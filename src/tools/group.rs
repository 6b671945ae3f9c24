//! A child with everything that it started, which end together.

use super::launch::GRACE;
#[cfg(target_os = "linux")]
use super::launch::orphans::{Launcher, start_own};
use std::io;
use std::process::ExitStatus;
use std::time::Duration;
use tokio::process::{Child, Command};

/// How long a supervisor may take to end its program after the grace time. Then it is no longer waited for.
const SUPERVISOR: Duration = Duration::from_millis(1_200);

/// Who ends what a child started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeper {
    /// The child is a launcher, which stays as the supervisor of the program.
    Supervisor,
    /// This process: the child is the program, or a launcher that becomes it.
    ThisProcess,
}

/// Starts a child that ends alone and of which nothing is left.
pub(super) fn start_single(command: &mut Command) -> io::Result<Child> {
    #[cfg(target_os = "linux")]
    return start_own(command).map(|(child, _)| child);
    #[cfg(not(target_os = "linux"))]
    command.spawn()
}

/// A child and what it started. Dropping it ends them.
#[derive(Debug)]
pub(super) struct Group {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
    /// The child, where it is a launcher that stays.
    #[cfg(target_os = "linux")]
    launcher: Option<Launcher>,
    keeper: Keeper,
}

impl Group {
    /// Starts a child. Where nothing supervises it, it leads a process group.
    pub(super) fn start(command: &mut Command, keeper: Keeper) -> io::Result<(Child, Self)> {
        #[cfg(target_os = "linux")]
        let (child, launcher) = start_own(command)?;
        #[cfg(not(target_os = "linux"))]
        let child = command.spawn()?;
        let group = Self {
            #[cfg(unix)]
            leader: leader(&child),
            #[cfg(target_os = "linux")]
            launcher: launcher.filter(|_| keeper == Keeper::Supervisor),
            keeper,
        };
        Ok((child, group))
    }

    /// Ends them all, once: a supervisor asks its program first and kills what is left of it shortly after, without being
    /// waited for.
    fn end_unattended(&mut self) {
        #[cfg(unix)]
        if let Some(leader) = self.leader.take() {
            match self.keeper {
                Keeper::Supervisor => signal_supervisor(leader, rustix::process::Signal::TERM),
                Keeper::ThisProcess => kill_group(leader),
            }
        }
    }

    /// Notes that the child has ended with this status, and kills what its supervisor has left: nothing, unless the
    /// supervisor itself was killed.
    pub(super) fn ended(&mut self, status: Option<ExitStatus>) {
        #[cfg(unix)]
        match (self.keeper, self.leader.take()) {
            (Keeper::Supervisor, Some(leader)) => {
                let by_signal = |status: ExitStatus| status.code().is_none();
                if status.is_none_or(by_signal) {
                    kill_group(leader);
                    self.launcher_was_killed();
                } else {
                    self.launcher_has_ended();
                }
            }
            (Keeper::ThisProcess, Some(leader)) => kill_group(leader),
            (_, None) => {}
        }
    }

    /// Asks them all to end, and kills what is left of them shortly after.
    pub(super) async fn end(&mut self, child: &mut Child) {
        #[cfg(unix)]
        if let Some(leader) = self.leader {
            match self.keeper {
                Keeper::Supervisor => {
                    signal_supervisor(leader, rustix::process::Signal::TERM);
                    let ended = tokio::time::timeout(GRACE + SUPERVISOR, child.wait()).await;
                    if let Ok(status) = ended {
                        self.ended(status.ok());
                        return;
                    }
                    self.leader = None;
                    kill_group(leader);
                }
                Keeper::ThisProcess => {
                    use rustix::process::{Signal, kill_process_group};
                    let _ = kill_process_group(leader, Signal::TERM);
                    // A stopped process handles a signal only after it is continued.
                    let _ = kill_process_group(leader, Signal::CONT);
                    let _ = tokio::time::timeout(GRACE, child.wait()).await;
                }
            }
        }
        self.end_unattended();
        let _ = child.kill().await;
        self.launcher_was_killed();
    }

    fn launcher_has_ended(&mut self) {
        #[cfg(target_os = "linux")]
        if let Some(launcher) = self.launcher.take() {
            launcher.has_ended();
        }
    }

    /// Its orphans are children of this process now.
    fn launcher_was_killed(&mut self) {
        #[cfg(target_os = "linux")]
        if let Some(launcher) = self.launcher.take() {
            launcher.was_killed();
        }
    }
}

#[cfg(unix)]
fn leader(child: &Child) -> Option<rustix::process::Pid> {
    let id = child.id().and_then(|id| i32::try_from(id).ok())?;
    rustix::process::Pid::from_raw(id)
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end_unattended();
    }
}

/// Sends a signal to a supervisor, even a stopped one.
#[cfg(unix)]
fn signal_supervisor(supervisor: rustix::process::Pid, signal: rustix::process::Signal) {
    use rustix::process::{Signal, kill_process};
    let _ = kill_process(supervisor, signal);
    let _ = kill_process(supervisor, Signal::CONT);
}

/// Kills the group and the session that `leader` leads or led, and what they started as far as it can be found.
#[cfg(unix)]
fn kill_group(leader: rustix::process::Pid) {
    #[cfg(target_os = "linux")]
    super::launch::family::kill_all(|| super::launch::family::of_leader(leader));
    let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
}
