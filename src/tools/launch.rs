//! The launcher: this program, started in place of another, sets limits and becomes or supervises it.
//!
//! Memory limits are inherited over `exec`, so the launcher sets them on itself and then becomes the program. They
//! apply to each process that the program starts, and count private writable memory; reserved address space does not
//! count, so runtimes that reserve much of it work.
//!
//! There is no such limit for a processor share, and control groups are seldom writable. With a processor share the
//! launcher stays, measures the processor time of its process group twenty times a second, and stops the group with
//! SIGSTOP while it is ahead of its share.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

/// The launcher's exit code where the program could not be started, and the beginning of its message.
pub(super) const NOT_STARTED: u8 = 127;
pub(super) const NOT_STARTED_MARK: &str = "plandeck: cannot start ";

/// The launcher's arguments: `[--memory-mb N] [--cpu-percent P] -- PROGRAM [ARGUMENT…]`.
#[derive(Debug, PartialEq, Eq)]
pub struct Launch {
    memory_mb: Option<u64>,
    cpu_percent: Option<u32>,
    program: OsString,
    arguments: Vec<OsString>,
}

impl Launch {
    /// Reads the arguments; `None` where they are not the launcher's.
    pub fn parse(mut arguments: impl Iterator<Item = OsString>) -> Option<Self> {
        let (mut memory_mb, mut cpu_percent) = (None, None);
        loop {
            let flag = arguments.next()?;
            if flag == "--" {
                break;
            }
            let value = arguments.next()?;
            let value = value.to_str()?;
            match flag.to_str()? {
                "--memory-mb" => memory_mb = Some(value.parse().ok()?),
                "--cpu-percent" => {
                    cpu_percent = Some(value.parse().ok().filter(|percent| *percent > 0)?);
                }
                _ => return None,
            }
        }
        Some(Self {
            memory_mb,
            cpu_percent,
            program: arguments.next()?,
            arguments: arguments.collect(),
        })
    }

    /// Becomes the program, or supervises it until it ends. Returns only where the program could not be started or
    /// was supervised.
    pub fn run(self) -> ExitCode {
        if let Some(memory) = self.memory_mb
            && let Err(error) = limit_memory(memory)
        {
            return not_started(&self.program, &error);
        }
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        match self.cpu_percent {
            #[cfg(target_os = "linux")]
            Some(percent) => match command.spawn() {
                Ok(child) => share::supervise(child, percent),
                Err(error) => not_started(&self.program, &error),
            },
            _ => become_program(command, &self.program),
        }
    }
}

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

fn not_started(program: &OsString, error: &std::io::Error) -> ExitCode {
    eprintln!("{NOT_STARTED_MARK}{}: {error}", program.display());
    ExitCode::from(NOT_STARTED)
}

#[cfg(target_os = "linux")]
pub(super) mod share {
    use rustix::process::{Pid, Signal, getpgrp, getpid, kill_process};
    use std::num::NonZeroI32;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Child, ExitCode};
    use std::time::{Duration, Instant};

    const TICK: Duration = Duration::from_millis(50);

    /// Processor time that a group may use beyond its share, in seconds: short programs are not slowed down.
    const BURST: f64 = 0.1;

    /// `/proc` counts processor time in hundredths of a second.
    const CLOCK: f64 = 100.0;

    /// Waits for `child` and stops its group while it is ahead of `percent` of one core.
    pub fn supervise(mut child: Child, percent: u32) -> ExitCode {
        let mut balance = Balance::new(percent);
        let group = getpgrp().as_raw_nonzero();
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) => {}
                Err(_) => return ExitCode::FAILURE,
            }
            balance.keep(&members(group, Some(getpid())));
            std::thread::sleep(TICK);
        };
        match (
            status.code(),
            status.signal().and_then(Signal::from_named_raw),
        ) {
            (Some(code), _) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
            (None, Some(signal)) => {
                // The parent sees by which signal the program ended.
                let _ = kill_process(getpid(), signal);
                ExitCode::FAILURE
            }
            (None, None) => ExitCode::FAILURE,
        }
    }

    /// Stops the group that `leader` leads while it is ahead of `percent` of one core, until the future is dropped.
    /// For a program that cannot start itself as a launcher.
    pub async fn hold(leader: u32, percent: u32) {
        let group = i32::try_from(leader).ok().and_then(NonZeroI32::new);
        let Some(group) = group else { return };
        let mut balance = Balance::new(percent);
        loop {
            balance.keep(&members(group, None));
            tokio::time::sleep(TICK).await;
        }
    }

    /// The processor time of a group compared with its share.
    struct Balance {
        started: Instant,
        percent: f64,
        /// The time of processes that have ended stays counted.
        max_used: f64,
        held: bool,
    }

    impl Balance {
        fn new(percent: u32) -> Self {
            Self {
                started: Instant::now(),
                percent: percent.into(),
                max_used: 0.0,
                held: false,
            }
        }

        /// Stops the group where it is ahead of its share, and continues it where it no longer is.
        fn keep(&mut self, members: &[Member]) {
            let used = members.iter().map(|member| member.used).sum();
            self.max_used = self.max_used.max(used);
            let share = self.started.elapsed().as_secs_f64() * self.percent / 100.0;
            let ahead = self.max_used > share + BURST;
            // While it is ahead, new processes are stopped too.
            if ahead || self.held {
                let signal = if ahead { Signal::STOP } else { Signal::CONT };
                for member in members {
                    let _ = kill_process(member.id, signal);
                }
                self.held = ahead;
            }
        }
    }

    struct Member {
        id: Pid,
        /// Processor time, that of its ended children included, in seconds.
        used: f64,
    }

    /// The processes of a group, except one.
    fn members(group: NonZeroI32, but: Option<Pid>) -> Vec<Member> {
        let Ok(entries) = std::fs::read_dir("/proc") else {
            return Vec::new();
        };
        entries
            .filter_map(|entry| {
                let name = entry.ok()?.file_name();
                let id = Pid::from_raw(name.to_str()?.parse().ok()?)?;
                if Some(id) == but {
                    return None;
                }
                let stat =
                    std::fs::read_to_string(format!("/proc/{}/stat", id.as_raw_nonzero())).ok()?;
                // After the name in parentheses: state, parent, group, …, and from the 12th the four times.
                let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
                if fields.get(2)?.parse::<i32>().ok()? != group.get() {
                    return None;
                }
                let ticks: u64 = fields
                    .get(11..15)?
                    .iter()
                    .filter_map(|field| field.parse::<u64>().ok())
                    .sum();
                Some(Member {
                    id,
                    used: ticks as f64 / CLOCK,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<Launch> {
        Launch::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn arguments_after_the_dashes_are_the_programs() {
        let launch = parse("--memory-mb 64 --cpu-percent 50 -- prog --memory-mb x").unwrap();
        assert_eq!((launch.memory_mb, launch.cpu_percent), (Some(64), Some(50)));
        assert_eq!(launch.program, "prog");
        assert_eq!(launch.arguments, ["--memory-mb", "x"]);
        for bad in [
            "",
            "--",
            "prog",
            "--memory-mb -- x",
            "--memory-mb x -- y",
            "--cpu-percent 0 -- x",
            "--other 1 -- x",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
