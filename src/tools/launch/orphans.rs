//! What is left of a program whose supervisor was killed.
//!
//! A supervisor ends all that its program started, because orphans become its children. Where it is itself killed, they
//! become children of this process, if this process adopts orphans too: those are the children that it did not start,
//! and that lead or belong to another session. So everything that this process starts in another session is started
//! here.

use super::control_group;
use super::family::{self, Member};
use rustix::process::{
    Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, waitpid,
};
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::process::{Child, Command};

/// Whether orphans become children of this process.
static ADOPTS: AtomicBool = AtomicBool::new(false);

/// The children that this process has started, with when each did, as the system counts: an id is used again. A child
/// is among them before anyone else looks.
static OWN: Own = Own {
    starting: RwLock::new(()),
    children: Mutex::new(None),
};

/// How often it is looked for more orphans after the last one, and how long after each other.
const QUIET_LOOKS: u32 = 10;
const LOOK_AGAIN: Duration = Duration::from_millis(5);
const SELDOM: Duration = Duration::from_millis(250);

struct Own {
    starting: RwLock<()>,
    children: Mutex<Option<HashMap<Pid, u64>>>,
}

/// Has this process adopt the orphans of its descendants. Only for a program whose every child is its own to end.
pub(crate) fn adopt() {
    let adopts = set_child_subreaper(Some(getpid())).is_ok();
    ADOPTS.store(adopts, Ordering::Relaxed);
}

/// The group in which launchers make one for their program; `None` where they cannot.
pub(in crate::tools) fn parent_group() -> Option<&'static Path> {
    control_group::parent(ADOPTS.load(Ordering::Relaxed))
}

/// A launcher, by its id and by when it started, as the system counts.
#[derive(Clone, Copy, Debug)]
pub(in crate::tools) struct Launcher {
    id: Pid,
    started: u64,
}

/// Starts a child that is not an orphan: it stays a child of this process, and is not ended with a launcher.
pub(in crate::tools) fn start_own(command: &mut Command) -> io::Result<(Child, Option<Launcher>)> {
    let _starting = OWN.starting.read().unwrap_or_else(PoisonError::into_inner);
    let child = command.spawn()?;
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    let launcher = id.and_then(Pid::from_raw).map(|id| {
        let started = Member::read(id).map_or(0, |member| member.started);
        own(|all| all.insert(id, started));
        Launcher { id, started }
    });
    Ok((child, launcher))
}

impl Launcher {
    /// It has ended, and with it all that it supervised.
    pub(crate) fn has_ended(self) {
        own(|all| all.remove(&self.id));
    }

    /// It was killed: kills the program and what that started, and removes its control group.
    pub(crate) fn was_killed(self) {
        if let Some(parent) = parent_group() {
            control_group::kill_of(parent, self.id);
        }
        Self::while_none_starts(|| family::kill_all(|| self.left()));
        self.has_ended();
        // Where no thread can be started, they are reaped with this process.
        let _ = std::thread::Builder::new().spawn(move || self.reap());
    }

    /// Reaps what was killed, and removes its control group as soon as that is empty. A process becomes a child of this one only when its own parent has ended, so there may be
    /// more of them each time.
    fn reap(self) {
        let mut quiet = 0;
        let mut pause = LOOK_AGAIN;
        while quiet < QUIET_LOOKS {
            let left = Self::while_none_starts(|| self.adopted());
            quiet = if left.is_empty() { quiet + 1 } else { 0 };
            for child in left {
                let _ = kill_process(child.id, Signal::KILL);
                let _ = waitpid(Some(child.id), WaitOptions::NOHANG);
            }
            if let Some(parent) = parent_group() {
                control_group::remove_of(parent, self.id);
            }
            std::thread::sleep(pause);
            // What does not end at once waits for a device.
            pause = (pause + pause / 8).min(SELDOM);
        }
    }

    /// Does something while no child of this process starts: what has just been started is not taken for an orphan.
    fn while_none_starts<T>(what: impl FnOnce() -> T) -> T {
        let _none_starts = OWN.starting.write().unwrap_or_else(PoisonError::into_inner);
        what()
    }

    fn left(self) -> Vec<Pid> {
        let mut found = family::members_of_leader(self.id);
        for orphan in self.adopted() {
            found.extend(family::descendants(orphan.id));
            found.push(orphan);
        }
        let living = found.iter().filter(|member| !member.has_ended());
        living.map(|member| member.id).collect()
    }

    /// The children of this process that it did not start and that began after this launcher.
    fn adopted(self) -> Vec<Member> {
        if !ADOPTS.load(Ordering::Relaxed) {
            return Vec::new();
        }
        // It is 0 where the leader is outside of this process's namespace, as in many containers.
        let session = Member::read(getpid()).map_or(0, |this| this.session);
        let mut children = family::children_of(getpid());
        let is_own = |child: &Member| own(|all| all.get(&child.id) == Some(&child.started));
        children.retain(|child| {
            child.session != session && child.started >= self.started && !is_own(child)
        });
        children
    }
}

fn own<T>(what: impl FnOnce(&mut HashMap<Pid, u64>) -> T) -> T {
    let mut all = OWN.children.lock().unwrap_or_else(PoisonError::into_inner);
    what(all.get_or_insert_default())
}
