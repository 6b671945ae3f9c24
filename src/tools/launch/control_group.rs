//! A control group (cgroup v2) for a program and everything that it starts, where the system lets this user make one.
//!
//! The kernel then ends all of it at once, and enforces the limits itself where it has the controllers. A program that
//! may write to the group's parent can leave it, so what the supervisor does without a group it does with one too.

use rustix::fs::{Access, access};
use rustix::process::Pid;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

/// Where control groups of the second version are mounted, alone or beside those of the first.
const MOUNTS: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];

/// How often, and after which time, a group is removed again whose last process has not quite ended.
const REMOVALS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(5);

/// The group in which this process makes others; `None` where it cannot make any. `is_own` says that this process is
/// the plandeck program, which may move itself.
pub(in crate::tools) fn parent(is_own: bool) -> Option<&'static Path> {
    static PARENT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = PARENT.get_or_init(|| {
        let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
        let mount = MOUNTS
            .iter()
            .map(Path::new)
            .find(|mount| mount.join("cgroup.controllers").exists())?;
        let parent = mount.join(own_group(&groups)?);
        let writable = |path: &Path| access(path, Access::WRITE_OK).is_ok();
        if !writable(&parent) || !writable(&parent.join("cgroup.procs")) {
            return None;
        }
        if is_own {
            make_room(&parent, std::process::id());
        }
        Some(parent)
    });
    found.as_deref()
}

/// The path below the mount, from `/proc/self/cgroup`.
fn own_group(groups: &str) -> Option<&str> {
    let path = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    // A group that was removed, or is outside of what this process sees.
    (!path.ends_with(" (deleted)") && !path.starts_with("..")).then_some(path)
}

/// Passes the controllers of memory and processor on to the groups in `parent`. The kernel allows that only where no
/// process is in `parent` itself, so it is done where `process` is the only one: that moves to a group beside the others.
fn make_room(parent: &Path, process: u32) {
    let read = |name: &str| std::fs::read_to_string(parent.join(name)).unwrap_or_default();
    // The root of all groups has no type; what it passes on is not for a program to change.
    if !parent.join("cgroup.type").exists() || read("cgroup.procs").trim() != process.to_string() {
        return;
    }
    let has = |list: &str, name: &str| list.split_whitespace().any(|one| one == name);
    let (available, passed_on) = (read("cgroup.controllers"), read("cgroup.subtree_control"));
    let missing = ["memory", "cpu"]
        .into_iter()
        .filter(|name| has(&available, name) && !has(&passed_on, name));
    let missing: Vec<&str> = missing.collect();
    let main = parent.join("plandeck");
    if missing.is_empty() || make(&main).and_then(|()| enter(&main)).is_err() {
        return;
    }
    for name in missing {
        // What is refused is enforced without the kernel.
        let _ = std::fs::write(parent.join("cgroup.subtree_control"), format!("+{name}"));
    }
}

fn make(folder: &Path) -> io::Result<()> {
    match std::fs::create_dir(folder) {
        // It was left by a process of the same id that was killed.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// Moves this process into a group.
pub(super) fn enter(folder: &Path) -> io::Result<()> {
    std::fs::write(folder.join("cgroup.procs"), "0")
}

/// A group for one program.
#[derive(Debug)]
pub(super) struct ControlGroup {
    folder: PathBuf,
    /// Whether the kernel keeps the program within its processor share.
    pub holds_share: bool,
}

impl ControlGroup {
    /// Makes the group of the program that the launcher `launcher` starts, with its limits; `None` where that is not
    /// possible.
    pub(super) fn make(
        parent: &Path,
        launcher: Pid,
        memory_mb: Option<u64>,
        cpu_percent: Option<u32>,
    ) -> Option<Self> {
        let folder = folder_of(parent, launcher);
        make(&folder).ok()?;
        let mut group = Self {
            folder,
            holds_share: false,
        };
        if !group.folder.join("cgroup.kill").exists() {
            // Before Linux 5.14 a group ends nothing.
            group.remove();
            return None;
        }
        if let Some(memory) = memory_mb {
            group.set("memory.max", &memory.saturating_mul(1 << 20).to_string());
            // What is swapped out counts too.
            group.set("memory.swap.max", "0");
            group.set("memory.oom.group", "1");
        }
        if let Some(percent) = cpu_percent {
            // Microseconds of each tenth of a second.
            let quota = u64::from(percent) * 1_000;
            group.holds_share = group.set("cpu.max", &format!("{quota} 100000"));
        }
        Some(group)
    }

    /// Whether the file is there and took the value.
    fn set(&self, name: &str, value: &str) -> bool {
        let path = self.folder.join(name);
        path.exists() && std::fs::write(path, value).is_ok()
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Kills all processes in it.
    pub(super) fn kill(&self) {
        kill(&self.folder);
    }

    /// Whether the kernel killed some for the memory limit.
    pub(super) fn was_over_memory(&self) -> bool {
        let events = std::fs::read_to_string(self.folder.join("memory.events"));
        events.unwrap_or_default().lines().any(|line| {
            let count = line.strip_prefix("oom_kill ");
            count.is_some_and(|count| count.trim() != "0")
        })
    }

    /// Removes it, once nothing is in it.
    pub(super) fn remove(&self) {
        remove(&self.folder);
    }
}

fn folder_of(parent: &Path, launcher: Pid) -> PathBuf {
    parent.join(format!("plandeck-{}", launcher.as_raw_nonzero()))
}

fn kill(folder: &Path) {
    // Opened without creating it: what is no group must not get a file.
    if let Ok(mut file) = std::fs::File::options()
        .write(true)
        .open(folder.join("cgroup.kill"))
    {
        let _ = io::Write::write_all(&mut file, b"1");
    }
}

fn remove(folder: &Path) {
    for _ in 0..REMOVALS {
        match std::fs::remove_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                std::thread::sleep(PAUSE);
            }
            _ => return,
        }
    }
}

/// Kills what is in the group that a launcher made which has been killed itself.
pub(super) fn kill_of(parent: &Path, launcher: Pid) {
    kill(&folder_of(parent, launcher));
}

/// Removes that group, if it is empty by now.
pub(super) fn remove_of(parent: &Path, launcher: Pid) {
    let _ = std::fs::remove_dir(folder_of(parent, launcher));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launcher() -> Pid {
        Pid::from_raw(4711).unwrap()
    }

    /// A folder that stands for a group with the files `names`.
    fn group(folder: &Path, names: &[&str]) {
        std::fs::create_dir_all(folder).unwrap();
        for name in names {
            std::fs::write(folder.join(name), "").unwrap();
        }
    }

    fn read(folder: &Path, name: &str) -> String {
        std::fs::read_to_string(folder.join(name)).unwrap()
    }

    #[test]
    fn limits_are_written_where_the_controllers_are() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("plandeck-4711");
        group(
            &folder,
            &[
                "cgroup.kill",
                "cgroup.procs",
                "memory.max",
                "memory.swap.max",
                "cpu.max",
            ],
        );
        let made = ControlGroup::make(parent.path(), launcher(), Some(64), Some(50)).unwrap();
        assert_eq!(made.folder(), folder);
        assert!(made.holds_share);
        assert_eq!(read(&folder, "memory.max"), "67108864");
        assert_eq!(read(&folder, "memory.swap.max"), "0");
        assert_eq!(read(&folder, "cpu.max"), "50000 100000");
        // This kernel does not end a group as one.
        assert!(!folder.join("memory.oom.group").exists());
        enter(&folder).unwrap();
        assert_eq!(read(&folder, "cgroup.procs"), "0");
        made.kill();
        assert_eq!(read(&folder, "cgroup.kill"), "1");
        assert!(!made.was_over_memory());
        for (events, expected) in [
            ("oom 1\noom_kill 0\n", false),
            ("oom 1\noom_kill 2\n", true),
        ] {
            std::fs::write(folder.join("memory.events"), events).unwrap();
            assert_eq!(made.was_over_memory(), expected);
        }
    }

    #[test]
    fn without_controllers_it_only_ends_what_is_in_it() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("plandeck-4711");
        group(&folder, &["cgroup.kill", "cgroup.procs"]);
        let made = ControlGroup::make(parent.path(), launcher(), Some(64), Some(50)).unwrap();
        assert!(!made.holds_share);
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2);
        kill_of(parent.path(), launcher());
        assert_eq!(read(&folder, "cgroup.kill"), "1");
        // Nothing is created in what is no group.
        kill_of(parent.path(), Pid::from_raw(1).unwrap());
        assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_group_that_ends_nothing_is_not_used() {
        let parent = tempfile::tempdir().unwrap();
        assert!(ControlGroup::make(parent.path(), launcher(), None, None).is_none());
        assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
        let nowhere = parent.path().join("missing");
        assert!(ControlGroup::make(&nowhere, launcher(), None, None).is_none());
    }

    #[test]
    fn controllers_are_passed_on_only_where_this_process_is_alone() {
        let names = [
            "cgroup.type",
            "cgroup.procs",
            "cgroup.subtree_control",
            "cgroup.controllers",
        ];
        for (processes, is_root, expected) in [
            ("77\n", false, true),
            ("77\n78\n", false, false),
            ("77\n", true, false),
        ] {
            let parent = tempfile::tempdir().unwrap();
            let parent = parent.path();
            group(parent, &names);
            group(&parent.join("plandeck"), &["cgroup.procs"]);
            std::fs::write(parent.join("cgroup.procs"), processes).unwrap();
            std::fs::write(parent.join("cgroup.controllers"), "cpuset cpu pids\n").unwrap();
            if is_root {
                std::fs::remove_file(parent.join("cgroup.type")).unwrap();
            }
            make_room(parent, 77);
            assert_eq!(
                read(&parent.join("plandeck"), "cgroup.procs") == "0",
                expected
            );
            assert_eq!(read(parent, "cgroup.subtree_control") == "+cpu", expected);
        }
    }

    #[test]
    fn the_own_group_is_that_of_the_second_version() {
        assert_eq!(
            own_group("5:cpu:/a\n0::/user.slice/b c\n"),
            Some("user.slice/b c")
        );
        assert_eq!(own_group("0::/\n"), Some(""));
        for none in ["5:cpu:/a\n", "0::/a (deleted)\n", "0::/../b\n", ""] {
            assert_eq!(own_group(none), None, "{none}");
        }
    }
}
