//! Sandboxes that wait for work.

use super::process::SandboxProcess;
use super::shape::Shape;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The maximum of idle sandboxes.
const MAX_IDLE: usize = 8;

/// An older sandbox is replaced: it cannot read the time zone again, which it knows for five minutes.
const MAX_AGE: Duration = Duration::from_mins(4);

/// The sandboxes that wait.
#[derive(Debug, Default)]
pub(super) struct Idle(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    processes: Vec<SandboxProcess>,
    /// Runs that want one ready.
    runs: usize,
}

impl Idle {
    /// One of this shape.
    pub(super) fn take(&self, shape: &Shape) -> Option<SandboxProcess> {
        let idle = &mut self.lock().processes;
        loop {
            let fits = |process: &SandboxProcess| process.shape == *shape;
            let mut process = idle.iter().rposition(fits).map(|at| idle.swap_remove(at))?;
            match process.child.try_wait() {
                Ok(None) if process.started.elapsed() < MAX_AGE => return Some(process),
                Ok(None) => {}
                Ok(status) => {
                    if let Some(group) = &mut process.group {
                        group.ended(status);
                    }
                }
                Err(_) => {}
            }
        }
    }

    /// Takes one back.
    pub(super) fn give_back(&self, process: SandboxProcess) {
        let idle = &mut self.lock().processes;
        if idle.len() >= MAX_IDLE {
            idle.remove(0);
        }
        idle.push(process);
    }

    /// Whether one of this shape waits, or no run wants one ready.
    pub(super) fn has(&self, shape: &Shape) -> bool {
        let waiting = self.lock();
        let mut processes = waiting.processes.iter();
        waiting.runs == 0 || processes.any(|process| process.shape == *shape)
    }

    /// A run that wants one ready begins or ends. With the last one all that wait end.
    pub(super) fn count(&self, begins: bool) {
        let ended = {
            let mut waiting = self.lock();
            if begins {
                waiting.runs += 1;
                return;
            }
            waiting.runs = waiting.runs.saturating_sub(1);
            if waiting.runs == 0 {
                std::mem::take(&mut waiting.processes)
            } else {
                Vec::new()
            }
        };
        drop(ended);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
