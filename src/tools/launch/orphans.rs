//! What is left of a program whose supervisor was killed.
//!
//! A supervisor ends all that its program started, because orphans become its children. Where it is itself killed, they
//! become children of this process, if this process adopts orphans too: those are the children that it did not start,
//! and that lead or belong to another session. So everything that this process starts in another session is started
//! here.

use super::control_group;
use super::family::{self, Member};
use rustix::process::{Pid, WaitOptions, getpid, set_child_subreaper, waitpid};
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use tokio::process::{Child, Command};

/// Whether orphans become children of this process.
static ADOPTS: AtomicBool = AtomicBool::new(false);

/// The children that this process has started, with when each did, as the system counts: an id is used again. A child
/// is among them before anyone else looks.
static OWN: Own = Own {
    starting: RwLock::new(()),
    children: Mutex::new(None),
};

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
        let children: Vec<Pid> = {
            // What has just been started is not taken for an orphan.
            let _none_starts = OWN.starting.write().unwrap_or_else(PoisonError::into_inner);
            family::kill_all(|| self.left());
            self.adopted().iter().map(|member| member.id).collect()
        };
        self.has_ended();
        // Those that do not end at once wait for a device. Where no thread can be started, they are reaped with this
        // process.
        let _ = std::thread::Builder::new().spawn(move || {
            for id in children {
                let _ = waitpid(Some(id), WaitOptions::empty());
            }
            if let Some(parent) = parent_group() {
                control_group::remove_of(parent, self.id);
            }
        });
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
