//! A memory limit for a program and everything that it starts, shared memory included.
//!
//! The limits of the system hold for one process, and none counts shared memory. So the memory of all processes is
//! added up many times a second: private pages, shared pages once, and files in memory that are open.

use super::family::Member;
use rustix::fs::{FileType, stat};
use rustix::process::Pid;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

/// How fast a program can fill memory, in bytes a second: the next look is when it could reach the limit.
const FILL_RATE: f64 = 4e9;

/// The bounds of the time between two looks.
const SHORTEST: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_millis(50);

/// Looking may take this part of the time.
const MAX_EFFORT: u32 = 10;

/// A file in memory, by its device and number.
type Object = (u64, u64);

/// The memory limit of a family.
pub(super) struct MemoryLimit {
    /// In bytes.
    limit: u64,
    /// Files in memory that did not change since then belong to others, in seconds since 1970.
    started: i64,
    /// Where files are in memory.
    in_memory: Vec<PathBuf>,
    next_look: Duration,
}

impl MemoryLimit {
    pub(super) fn new(limit_mb: u64) -> Self {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let mut in_memory = mounts_in_memory(&mounts);
        // What the system itself mounts: `memfd_create`, shared anonymous memory and that of System V.
        in_memory.extend(["/dev/shm".into(), "/dev/zero".into()]);
        Self {
            limit: limit_mb.saturating_mul(1 << 20),
            started: i64::try_from(now.as_secs()).unwrap_or(i64::MAX) - 1,
            in_memory,
            next_look: SHORTEST,
        }
    }

    /// When to look again.
    pub(super) fn next_look(&self) -> Duration {
        self.next_look
    }

    /// Whether the processes together use more than the limit.
    pub(super) fn is_exceeded(&mut self, members: &[Member]) -> bool {
        let begun = Instant::now();
        let living = || members.iter().filter(|member| !member.has_ended());
        let mut files = HashMap::new();
        for member in living() {
            self.open_files(member.id, &mut files);
        }
        let resident: u64 = living().map(|member| resident(member.id)).sum();
        // Pages that several processes share are counted several times here: that is never too little.
        let mut used = resident + files.values().sum::<u64>();
        if used > self.limit {
            used = exact(living().map(|member| member.id), &files).unwrap_or(used);
        }
        let left = self.limit.saturating_sub(used);
        self.next_look = Duration::from_secs_f64(left as f64 / FILL_RATE)
            .clamp(SHORTEST, LONGEST)
            .max(begun.elapsed() * MAX_EFFORT);
        used > self.limit
    }

    /// Adds the files in memory that a process has open and that changed since the program started, with their sizes.
    fn open_files(&self, id: Pid, files: &mut HashMap<Object, u64>) {
        let folder = format!("/proc/{}/fd", id.as_raw_nonzero());
        let Ok(entries) = std::fs::read_dir(folder) else {
            return;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            // The path is looked at first: a file on a network could block.
            let is_in_memory = std::fs::read_link(&path).is_ok_and(|target| {
                target
                    .as_os_str()
                    .as_encoded_bytes()
                    .starts_with(b"/memfd:")
                    || self.in_memory.iter().any(|mount| target.starts_with(mount))
            });
            if is_in_memory
                && let Ok(found) = stat(&path)
                && FileType::from_raw_mode(found.st_mode) == FileType::RegularFile
                && found.st_mtime >= self.started
            {
                let size = u64::try_from(found.st_blocks).unwrap_or(0) * 512;
                files.insert((found.st_dev, found.st_ino), size);
            }
        }
    }
}

/// Where file systems in memory are mounted, from `/proc/self/mountinfo`.
fn mounts_in_memory(mounts: &str) -> Vec<PathBuf> {
    let mounts = mounts.lines().filter_map(|line| {
        let (place, system) = line.split_once(" - ")?;
        let kind = system.split(' ').next()?;
        let place = place.split(' ').nth(4)?;
        (kind == "tmpfs" && place != "/dev").then(|| place.replace("\\040", " ").into())
    });
    mounts.collect()
}

/// The private and shared memory of a process, in bytes, without files that are mapped.
fn resident(id: Pid) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", id.as_raw_nonzero()));
    let status = status.unwrap_or_default();
    ["RssAnon:", "RssShmem:", "VmSwap:", "HugetlbPages:"]
        .iter()
        .map(|name| figure(&status, name))
        .sum()
}

/// The memory of processes in bytes, with each shared page counted once; `None` where the system does not say.
fn exact(processes: impl Iterator<Item = Pid>, files: &HashMap<Object, u64>) -> Option<u64> {
    let (mut private, mut shared) = (0, 0);
    let mut mapped: HashSet<u64> = HashSet::new();
    for id in processes {
        let id = id.as_raw_nonzero();
        let Ok(rollup) = std::fs::read_to_string(format!("/proc/{id}/smaps_rollup")) else {
            // It has ended, or it is another user's.
            private += resident(Pid::from_raw(id.get())?);
            continue;
        };
        if !rollup.contains("Pss_Anon:") && !rollup.is_empty() {
            return None;
        }
        private += figure(&rollup, "Pss_Anon:") + figure(&rollup, "SwapPss:");
        shared += figure(&rollup, "Pss_Shmem:");
        let maps = std::fs::read_to_string(format!("/proc/{id}/maps")).unwrap_or_default();
        // Address, rights, offset, device, number of the file, path.
        let numbers = maps
            .lines()
            .filter_map(|line| line.split_ascii_whitespace().nth(4));
        mapped.extend(numbers.filter_map(|number| number.parse::<u64>().ok()));
    }
    // Files in memory that are open count in full; of other mappings counts what was touched.
    let open: u64 = files.values().sum();
    let both = files
        .iter()
        .filter(|((_, number), _)| mapped.contains(number));
    let both: u64 = both.map(|(_, size)| size).sum();
    Some(private + open + shared.saturating_sub(both))
}

/// A figure in a list of lines `Name:  12 kB`, in bytes; 0 where it is missing.
fn figure(lines: &str, name: &str) -> u64 {
    let line = lines.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|line| line.split_ascii_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_in_memory_are_found() {
        let mounts = "22 1 0:20 / / rw shared:1 - ext4 /dev/vda rw\n\
                      25 22 0:24 / /dev/shm rw,nosuid - tmpfs tmpfs rw,size=1g\n\
                      26 22 0:25 / /my\\040files rw - tmpfs none rw\n\
                      27 22 0:5 / /dev rw - tmpfs none rw\n";
        assert_eq!(
            mounts_in_memory(mounts),
            [PathBuf::from("/dev/shm"), PathBuf::from("/my files")]
        );
    }

    #[test]
    fn figures_are_read_by_their_names() {
        let lines = "Pss:   9 kB\nPss_Anon:    12 kB\nSwapPss: 0 kB\n";
        assert_eq!(figure(lines, "Pss_Anon:"), 12 * 1024);
        assert_eq!(figure(lines, "Pss_Shmem:"), 0);
    }
}
