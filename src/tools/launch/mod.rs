//! The launcher: this program, started in place of another.
//!
//! On Linux it starts the program and stays beside it as its supervisor, so that everything that the program
//! starts ends with it. Other systems have neither child subreapers nor `/proc`: there it sets the limits that the
//! system has, leaves the terminal and becomes the program.

#[cfg(target_os = "linux")]
mod control_group;
#[cfg(target_os = "linux")]
mod descriptors;
#[cfg(target_os = "linux")]
pub(super) mod family;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
pub(super) mod orphans;
#[cfg(target_os = "linux")]
pub(super) mod share;
mod start;
#[cfg(target_os = "linux")]
mod supervisor;

#[cfg(target_os = "linux")]
pub(super) use descriptors::close_inherited;
#[cfg(target_os = "linux")]
pub(crate) use orphans::adopt;
pub(crate) use start::Start;

use super::jail::Jail;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// The launcher's exit code where the program could not be started, and the beginning of its message.
pub(super) const NOT_STARTED: u8 = 127;
pub(super) const NOT_STARTED_MARK: &str = "plandeck: cannot start ";

/// What the message says after the program where its jail could not be made.
pub(super) const NO_JAIL: &str = "its jail cannot be made";

/// The launcher's exit code where the program used too much memory, and the beginning of its message.
pub(super) const OVER_MEMORY: u8 = 137;
pub(super) const OVER_MEMORY_MARK: &str = "plandeck: over the memory limit of ";

/// The first line of a launcher on standard error, by which it is told from any other program.
pub(super) const STARTED: &str = "plandeck: launcher";

/// The time between asking programs to end and killing them.
pub(super) const GRACE: Duration = Duration::from_millis(300);

/// The launcher's arguments: `[--parent ID] [--memory-mb N] [--cpu-percent P] [--group FOLDER] [--jail JSON] --
/// PROGRAM [ARGUMENT…]`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Launch {
    /// The process with which the program ends.
    parent: Option<u32>,
    memory_mb: Option<u64>,
    cpu_percent: Option<u32>,
    /// Where the launcher makes a control group; for the second stage: the one of the program.
    group: Option<PathBuf>,
    /// The jail that the program is put in.
    jail: Option<Jail>,
    program: OsString,
    arguments: Vec<OsString>,
}

impl Launch {
    /// Reads the arguments; `None` where they are not the launcher's.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = OsString>) -> Option<Self> {
        let (mut parent, mut memory_mb, mut cpu_percent) = (None, None, None);
        let (mut group, mut jail) = (None, None);
        loop {
            let flag = arguments.next()?;
            if flag == "--" {
                break;
            }
            let value = arguments.next()?;
            if flag == "--group" {
                group = Some(value.into());
                continue;
            }
            let value = value.to_str()?;
            match flag.to_str()? {
                "--jail" => jail = Some(serde_json::from_str(value).ok()?),
                "--parent" => parent = Some(value.parse().ok()?),
                "--memory-mb" => memory_mb = Some(value.parse().ok()?),
                "--cpu-percent" => {
                    cpu_percent = Some(value.parse().ok().filter(|percent| *percent > 0)?);
                }
                _ => return None,
            }
        }
        Some(Self {
            parent,
            memory_mb,
            cpu_percent,
            group,
            jail,
            program: arguments.next()?,
            arguments: arguments.collect(),
        })
    }

    /// Supervises the program until it ends, or becomes it where the system has no means for that.
    pub(crate) fn run(self) -> ExitCode {
        #[cfg(target_os = "linux")]
        {
            supervisor::supervise(&self)
        }
        #[cfg(not(target_os = "linux"))]
        {
            write_line(STARTED);
            #[cfg(unix)]
            let _ = rustix::process::setsid();
            self.start().run()
        }
    }

    /// The second stage, as which this program starts itself to become the other: the same arguments.
    pub(crate) fn start(self) -> Start {
        Start {
            parent: self.parent,
            memory_mb: self.memory_mb,
            group: self.group,
            jail: self.jail,
            program: self.program,
            arguments: self.arguments,
        }
    }
}

/// Tells the launcher of this command where it can make a control group, if it can.
pub(super) fn with_group(command: &mut tokio::process::Command) {
    #[cfg(target_os = "linux")]
    if let Some(parent) = orphans::parent_group() {
        command.arg("--group").arg(parent);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = command;
}

/// Tells the parent something on standard error, which the parent may have closed.
fn write_line(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn not_started(program: &OsString, error: &std::io::Error) -> ExitCode {
    write_line(&format!("{NOT_STARTED_MARK}{}: {error}", program.display()));
    ExitCode::from(NOT_STARTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<Launch> {
        Launch::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn arguments_after_the_dashes_are_the_programs() {
        let launch =
            parse("--parent 7 --memory-mb 64 --group /g --cpu-percent 50 -- prog --memory-mb x")
                .unwrap();
        assert_eq!(launch.parent, Some(7));
        assert_eq!(launch.group, Some("/g".into()));
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
