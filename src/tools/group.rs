//! The process group of a child, which ends with everything in it.

use std::time::Duration;
use tokio::process::Child;

/// The time between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_millis(300);

/// The group of a child that was started as the leader of one. Dropping it kills the group.
#[derive(Debug)]
pub struct Group {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

impl Group {
    /// The group that `child` leads.
    #[cfg(unix)]
    pub fn of(child: &Child) -> Self {
        let leader = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(rustix::process::Pid::from_raw);
        Self { leader }
    }

    /// On other systems there are no groups; the child itself is killed by its handle.
    #[cfg(not(unix))]
    pub fn of(_child: &Child) -> Self {
        Self {}
    }

    /// Kills the whole group, once.
    pub fn kill(&mut self) {
        #[cfg(unix)]
        if let Some(leader) = self.leader.take() {
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }

    /// Asks the group to end, and kills what is left of it shortly after.
    pub async fn end(&mut self, child: &mut Child) {
        #[cfg(unix)]
        if let Some(leader) = self.leader {
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::TERM);
            // A stopped process handles a signal only after it is continued.
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::CONT);
            let _ = tokio::time::timeout(GRACE, child.wait()).await;
        }
        self.kill();
        let _ = child.kill().await;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
