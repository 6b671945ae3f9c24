//! The descendants of a process, as `/proc` lists them.

use rustix::process::{Pid, Signal, kill_process};
use std::collections::HashSet;
use std::path::Path;
use std::sync::OnceLock;

/// `/proc` counts processor time in hundredths of a second.
const CLOCK: f64 = 100.0;

/// One process as `/proc/ID/stat` describes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Member {
    pub id: Pid,
    pub parent: i32,
    pub group: i32,
    pub session: i32,
    /// `R` for runnable, `T` for stopped, `Z` for ended but not reaped, ….
    pub state: u8,
    /// When it started, in clock ticks since the system started: together with the id it is unique.
    pub started: u64,
    /// Its own processor time, in seconds.
    pub own: f64,
    /// The processor time of the children that it has reaped, theirs included, in seconds.
    pub reaped: f64,
}

impl Member {
    /// The process of this id; `None` where there is none.
    pub(super) fn read(id: Pid) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", id.as_raw_nonzero())).ok()?;
        Self::parse(id, &stat)
    }

    fn parse(id: Pid, stat: &str) -> Option<Self> {
        // The name in parentheses may contain anything. After it: state, parent, group, session, …; the four times
        // are the 12th to 15th, the start is the 20th.
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
        let number = |at: usize| fields.get(at)?.parse::<i32>().ok();
        let seconds = |from: usize| -> Option<f64> {
            let times = fields.get(from..from + 2)?;
            let ticks: Option<Vec<u64>> = times.iter().map(|time| time.parse().ok()).collect();
            Some(ticks?.iter().sum::<u64>() as f64 / CLOCK)
        };
        Some(Self {
            id,
            state: *fields.first()?.as_bytes().first()?,
            parent: number(1)?,
            group: number(2)?,
            session: number(3)?,
            own: seconds(11)?,
            reaped: seconds(13)?,
            started: fields.get(19)?.parse().ok()?,
        })
    }

    /// Whether it has ended and only waits to be reaped.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.state, b'Z' | b'X')
    }

    /// Sends it a signal; whether it could be sent.
    pub(super) fn signal(&self, signal: Signal) -> bool {
        kill_process(self.id, signal).is_ok()
    }
}

/// The descendants of `root` that exist now, ended ones that are not reaped included. Processes that come or go while
/// the list is made may be missing.
pub(super) fn descendants(root: Pid) -> Vec<Member> {
    if !lists_children() {
        return descendants_in(&everything(), root);
    }
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        for child in children(parent) {
            if seen.insert(child)
                && let Some(member) = Member::read(child)
            {
                found.push(member);
                parents.push(child);
            }
        }
    }
    found
}

/// Whether this system lists the children of a process; else the list of all processes is searched.
fn lists_children() -> bool {
    static LISTS: OnceLock<bool> = OnceLock::new();
    *LISTS.get_or_init(|| Path::new("/proc/thread-self/children").exists())
}

/// The children of all threads of a process.
fn children(parent: Pid) -> Vec<Pid> {
    let tasks = format!("/proc/{}/task", parent.as_raw_nonzero());
    let Ok(tasks) = std::fs::read_dir(tasks) else {
        return Vec::new();
    };
    let listed = tasks.filter_map(|task| {
        let task = task.ok()?.path().join("children");
        std::fs::read_to_string(task).ok()
    });
    listed
        .flat_map(|ids| {
            let ids = ids.split_ascii_whitespace();
            ids.filter_map(|id| Pid::from_raw(id.parse().ok()?))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The children of a process that exist now, ended ones that are not reaped included.
pub(super) fn children_of(parent: Pid) -> Vec<Member> {
    if lists_children() {
        return children(parent)
            .into_iter()
            .filter_map(Member::read)
            .collect();
    }
    let mut all = everything();
    all.retain(|member| member.parent == parent.as_raw_nonzero().get());
    all
}

/// All processes that can be seen.
fn everything() -> Vec<Member> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name();
            Member::read(Pid::from_raw(name.to_str()?.parse().ok()?)?)
        })
        .collect()
}

fn descendants_in(everything: &[Member], root: Pid) -> Vec<Member> {
    let mut found = Vec::new();
    let mut parents = vec![root.as_raw_nonzero().get()];
    while let Some(parent) = parents.pop() {
        for member in everything.iter().filter(|member| member.parent == parent) {
            found.push(*member);
            parents.push(member.id.as_raw_nonzero().get());
        }
    }
    found
}

/// What can be found of a program that nothing supervises: the members of the group and the session that `leader`
/// leads or led, and their descendants.
pub(in crate::tools) fn of_leader(leader: Pid) -> Vec<Pid> {
    let members = members_of_leader(leader);
    members.iter().map(|member| member.id).collect()
}

pub(super) fn members_of_leader(leader: Pid) -> Vec<Member> {
    let everything = everything();
    let raw = leader.as_raw_nonzero().get();
    let mut found: Vec<Member> = Vec::new();
    let mut ids = HashSet::new();
    for member in &everything {
        if member.group == raw || member.session == raw {
            let below = descendants_in(&everything, member.id);
            let more = std::iter::once(*member).chain(below);
            found.extend(more.filter(|member| ids.insert(member.id)));
        }
    }
    found
}

/// Kills processes that are searched with `find`: first stops them all, so that none starts another meanwhile. It looks
/// until two looks in a row find nothing new: where a process ends, its children have another parent, and one look may
/// miss them. Returns after some rounds even where there are still others.
pub(in crate::tools) fn kill_all(find: impl Fn() -> Vec<Pid>) {
    let mut stopped = HashSet::new();
    let mut quiet = 0;
    for _ in 0..50 {
        let mut is_new = false;
        for id in find() {
            if stopped.insert(id) {
                is_new |= kill_process(id, Signal::STOP).is_ok();
            }
        }
        quiet = if is_new { 0 } else { quiet + 1 };
        if quiet == 2 {
            break;
        }
    }
    for id in stopped {
        let _ = kill_process(id, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_is_no_obstacle() {
        let stat = "12 (a) R 1 (b) T 7 12 5 0 -1 4194304 1 2 3 4 150 50 20 5 20 0 1 0 4711 9 9";
        let id = Pid::from_raw(12).unwrap();
        let member = Member::parse(id, stat).unwrap();
        assert_eq!((member.parent, member.group, member.session), (7, 12, 5));
        assert_eq!((member.own, member.reaped), (2.0, 0.25));
        assert_eq!((member.state, member.started), (b'T', 4711));
        assert_eq!(Member::parse(id, "12 (cut) R 1 2"), None);
    }

    #[test]
    fn both_ways_find_the_same_descendants() {
        let mut shell = std::process::Command::new("sh")
            .args(["-c", "sleep 600 & sleep 600 & echo; wait"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = std::io::BufReader::new(shell.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut output, &mut line).unwrap();
        let id = Pid::from_child(&shell);
        let ids = |members: Vec<Member>| -> HashSet<Pid> {
            members.iter().map(|member| member.id).collect()
        };
        let listed = ids(descendants(id));
        assert_eq!(listed.len(), 2);
        assert_eq!(listed, ids(descendants_in(&everything(), id)));
        kill_all(|| {
            let below = descendants(id).into_iter().map(|member| member.id);
            below.chain([id]).collect()
        });
        assert!(!shell.wait().unwrap().success());
    }
}
