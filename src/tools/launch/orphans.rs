//! What is left of a program whose supervisor was killed.
//!
//! A supervisor ends all that its program started, because orphans become its children. Where it is itself killed, they
//! become children of this process, if this process adopts orphans too: those are the children that it did not start,
//! and that lead or belong to another session.

use super::control_group;
use super::family::{self, Member};
use rustix::process::{Pid, WaitOptions, getpid, getsid, set_child_subreaper, waitpid};
use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};

/// Whether orphans become children of this process.
static ADOPTS: AtomicBool = AtomicBool::new(false);

/// The launchers that this process has started and that have not ended. A launcher is in it before anyone else looks.
static LAUNCHERS: Launchers = Launchers {
    starting: RwLock::new(()),
    known: Mutex::new(None),
};

struct Launchers {
    starting: RwLock<()>,
    known: Mutex<Option<HashSet<Pid>>>,
}

/// Has this process adopt the orphans of its descendants. Only for a program whose every child is its own to end.
pub fn adopt() {
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

impl Launcher {
    /// Starts one with `start`, which gives it and its id.
    pub fn start<T>(
        start: impl FnOnce() -> io::Result<(T, Option<Pid>)>,
    ) -> io::Result<(T, Option<Self>)> {
        let _starting = LAUNCHERS
            .starting
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let (child, id) = start()?;
        let launcher = id.map(|id| {
            known(|all| all.insert(id));
            let started = Member::read(id).map_or(0, |member| member.started);
            Self { id, started }
        });
        Ok((child, launcher))
    }

    /// It has ended, and with it all that it supervised.
    pub fn has_ended(self) {
        known(|all| all.remove(&self.id));
    }

    /// It was killed: kills the program and what that started, and removes its control group.
    pub fn was_killed(self) {
        if let Some(parent) = parent_group() {
            control_group::kill_of(parent, self.id);
        }
        {
            // What has just been started is not taken for an orphan.
            let _none_starts = LAUNCHERS
                .starting
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            family::kill_all(|| self.left());
        }
        self.has_ended();
        let children: Vec<Pid> = self.adopted().iter().map(|member| member.id).collect();
        // Those that do not end at once wait for a device.
        std::thread::spawn(move || {
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
        let session = getsid(None).map_or(0, |id| id.as_raw_nonzero().get());
        let mut children = family::children_of(getpid());
        let is_launcher = |id| known(|all| all.contains(&id)) && id != self.id;
        children.retain(|child| {
            child.session != session && child.started >= self.started && !is_launcher(child.id)
        });
        children
    }
}

fn known<T>(what: impl FnOnce(&mut HashSet<Pid>) -> T) -> T {
    let mut all = LAUNCHERS
        .known
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    what(all.get_or_insert_default())
}
