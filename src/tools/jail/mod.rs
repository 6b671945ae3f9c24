//! A jail for programs: what they may read and write, and whether they reach a network, enforced by the system.
//!
//! A process that is about to become a program goes into its jail first, so that neither the program nor anything that it
//! starts can leave it. Bubblewrap makes the jail where it is installed and works, else Landlock with a filter of system
//! calls, which need no installation.

#[cfg(target_os = "linux")]
mod bubblewrap;
#[cfg(target_os = "linux")]
mod filter;
#[cfg(target_os = "linux")]
mod landlock;
mod places;

#[cfg(target_os = "linux")]
pub(super) use self::landlock::drop_capabilities;
pub(super) use places::beside_program;

use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::PathBuf;

/// What a program may reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Jail {
    /// Who enforces it.
    pub by: JailKind,
    /// Files and folders that it may read and run, besides those of the system.
    pub reads: Vec<PathBuf>,
    /// Files and folders that it may change.
    pub writes: Vec<PathBuf>,
    /// Whether it may reach a network.
    pub network: bool,
    /// Whether it is a single program that computes: it starts no others, writes nothing, and makes only the system calls
    /// that a computation needs.
    pub is_strict: bool,
}

/// Who enforces a jail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JailKind {
    /// The program at this path.
    Bubblewrap(PathBuf),
    /// The kernel's Landlock of this version, with a filter of system calls.
    Landlock(u32),
}

impl JailKind {
    /// The best that this system has; `None` where it has none. It is found out once.
    pub(crate) fn available() -> Option<Self> {
        #[cfg(target_os = "linux")]
        {
            let by_bubblewrap = bubblewrap::usable().map(|path| Self::Bubblewrap(path.clone()));
            by_bubblewrap.or_else(Self::landlock)
        }
        #[cfg(not(target_os = "linux"))]
        None
    }

    /// Landlock, where the kernel has it.
    pub(crate) fn landlock() -> Option<Self> {
        #[cfg(target_os = "linux")]
        {
            landlock::version().map(Self::Landlock)
        }
        #[cfg(not(target_os = "linux"))]
        None
    }
}

impl std::fmt::Display for JailKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bubblewrap(_) => f.write_str("Bubblewrap"),
            Self::Landlock(version) => write!(f, "Landlock {version} and seccomp"),
        }
    }
}

impl Jail {
    /// A jail that lets nothing through but the system's files.
    #[cfg(target_os = "linux")]
    fn of_nothing() -> Self {
        Self {
            by: JailKind::Landlock(0),
            reads: Vec::new(),
            writes: Vec::new(),
            network: false,
            is_strict: false,
        }
    }

    /// Goes into the jail with this process, for ever, where the kernel enforces it; the program to become is unchanged.
    /// Where another program enforces it, gives that program and its arguments, which end with the given ones.
    ///
    /// # Errors
    /// Where a wall cannot be raised. Then nothing may be run.
    #[cfg(target_os = "linux")]
    pub(super) fn enter(
        &self,
        program: OsString,
        arguments: Vec<OsString>,
    ) -> std::io::Result<(OsString, Vec<OsString>)> {
        match &self.by {
            JailKind::Bubblewrap(path) => {
                let mut all = bubblewrap::arguments(self);
                all.push("--".into());
                all.push(program);
                all.extend(arguments);
                Ok((path.clone().into(), all))
            }
            JailKind::Landlock(_) => {
                landlock::enter(self)?;
                filter::apply(self)?;
                Ok((program, arguments))
            }
        }
    }

    /// Other systems have no jail, so that none is asked for.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn enter(
        &self,
        _program: OsString,
        _arguments: Vec<OsString>,
    ) -> std::io::Result<(OsString, Vec<OsString>)> {
        Err(std::io::Error::other("this system has no jail"))
    }

    /// What it lets through, for the record.
    pub(crate) fn in_words(&self) -> String {
        let list = |paths: &[PathBuf]| {
            let paths = paths.iter().map(|path| path.to_string_lossy());
            let paths: Vec<_> = paths.collect();
            if paths.is_empty() {
                "nothing".to_owned()
            } else {
                paths.join(", ")
            }
        };
        let network = if self.network {
            "network"
        } else {
            "no network"
        };
        format!(
            "in a jail by {}: reads the system and {}; writes {}; {network}",
            self.by,
            list(&self.reads),
            list(&self.writes)
        )
    }
}
