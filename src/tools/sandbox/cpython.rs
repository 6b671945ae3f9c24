//! Real CPython in a jail: where it is, and the process that becomes it.

use crate::tools::error::ToolError;
use crate::tools::group::start_single;
use crate::tools::jail::{Jail, JailKind};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::sync::OnceCell;

/// What the interpreter runs: it reads one request and answers it.
pub(super) const RUNNER: &str = include_str!("cpython.py");

/// What it says about itself.
const ASKED: &str = "import json, sys, sysconfig\n\
    paths = sysconfig.get_paths()\n\
    names = ['stdlib', 'platstdlib', 'purelib', 'platlib']\n\
    libraries = [sysconfig.get_config_var('LIBDIR')]\n\
    print(json.dumps({'executable': getattr(sys, '_base_executable', None) or sys.executable, \
    'major': sys.version_info[0], 'paths': [paths[name] for name in names] + libraries}))";

/// The time limit for that; a wrapper that chooses a version is slow.
const ASK_TIMEOUT: Duration = Duration::from_secs(20);

/// Folders and files of the system with the libraries that an interpreter loads, and the time zones.
const LIBRARIES: [&str; 9] = [
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/nix/store",
    "/etc/ld.so.cache",
    "/usr/share/zoneinfo",
];

/// An interpreter that is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cpython {
    /// The interpreter itself.
    pub executable: PathBuf,
    /// Its jail; `None` where this system has none.
    pub jail: Option<Jail>,
}

#[derive(Deserialize)]
struct Answer {
    executable: PathBuf,
    major: u32,
    paths: Vec<Option<PathBuf>>,
}

/// The interpreter that `python3` on the search path is; it is asked once.
pub(super) async fn installed() -> Result<&'static Cpython, ToolError> {
    static FOUND: OnceCell<Cpython> = OnceCell::const_new();
    FOUND.get_or_try_init(ask).await
}

async fn ask() -> Result<Cpython, ToolError> {
    let missing = |why: &str| {
        ToolError::permanent(format!(
            "`python: cpython` needs CPython 3, and `python3` on PATH {why}; install it, or leave `python` out for the \
             embedded interpreter"
        ))
    };
    let mut command = Command::new("python3");
    command
        .args(["-I", "-c", ASKED])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let child = start_single(&mut command)
        .map_err(|error| missing(&format!("cannot be started: {error}")))?;
    let output = tokio::time::timeout(ASK_TIMEOUT, child.wait_with_output()).await;
    let output = output.map_err(|_| missing("does not answer"))?;
    let output = output.map_err(|error| missing(&format!("cannot be asked: {error}")))?;
    let answer: Option<Answer> = serde_json::from_slice(&output.stdout).ok();
    let answer = answer.filter(|answer| answer.major == 3);
    let answer = answer.ok_or_else(|| missing("is no CPython 3"))?;
    let mut reads: Vec<PathBuf> = LIBRARIES.iter().map(PathBuf::from).collect();
    reads.extend(answer.paths.into_iter().flatten());
    let executable = answer.executable.canonicalize();
    let executable =
        executable.map_err(|error| missing(&format!("names itself wrongly: {error}")))?;
    reads.push(executable.clone());
    reads.retain(|path| path.exists());
    let jail = JailKind::landlock().map(|by| Jail {
        by,
        reads,
        writes: Vec::new(),
        network: false,
        is_strict: true,
    });
    Ok(Cpython { executable, jail })
}

impl Cpython {
    /// How it is started for one call.
    pub(super) fn setup(&self, memory_mb: u64, seconds: u64) -> Setup {
        Setup {
            executable: self.executable.clone(),
            jail: self.jail.clone(),
            memory_mb,
            seconds,
        }
    }
}

/// What a process is told that becomes CPython.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Setup {
    executable: PathBuf,
    jail: Option<Jail>,
    memory_mb: u64,
    /// The limit of processor time.
    seconds: u64,
}

impl Setup {
    /// The arguments of the process. Paths that are not UTF-8 are refused there.
    pub(super) fn arguments(&self) -> [String; 2] {
        let setup = serde_json::to_string(self).unwrap_or_default();
        ["--cpython".to_owned(), setup]
    }

    /// What of the system confines it.
    pub(super) fn walls(&self) -> Option<String> {
        self.jail.as_ref().map(|jail| jail.by.to_string())
    }

    /// Reads the arguments; `None` where they are none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// What the interpreter itself takes of the address space, in mebibytes.
const OWN_MB: u64 = 192;

/// Files that it may have open at once.
const MAX_FILES: u64 = 64;

/// Becomes CPython in its jail; returns only where that is not possible.
#[cfg(unix)]
pub(crate) fn become_cpython(setup: &Setup) -> io::Error {
    use rlimit::Resource;
    use std::os::unix::process::CommandExt;
    #[cfg(target_os = "linux")]
    crate::tools::launch::close_inherited();
    let _ = rustix::process::setsid();
    let mut command = std::process::Command::new(&setup.executable);
    // Isolated from the environment and the user's own packages; it writes no files.
    command
        .args(["-I", "-B", "-X", "utf8", "-c", RUNNER])
        .env_clear();
    let limit = |resource: Resource, soft: u64, hard: u64| {
        let (_, most) = resource.get()?;
        resource.set(soft.min(most), hard.min(most))
    };
    let space = (setup.memory_mb + OWN_MB) << 20;
    let prepare = || -> io::Result<()> {
        limit(Resource::CORE, 0, 0)?;
        limit(Resource::FSIZE, 0, 0)?;
        limit(Resource::NOFILE, MAX_FILES, MAX_FILES)?;
        // Whoever ignores the first limit meets the second.
        limit(Resource::CPU, setup.seconds + 1, setup.seconds + 2)?;
        if let Some(jail) = &setup.jail {
            jail.enter(OsString::new(), Vec::new())?;
        }
        // The last: this process has more than that.
        limit(Resource::AS, space, space)
    };
    match prepare() {
        Ok(()) => command.exec(),
        Err(error) => io::Error::other(format!("its jail cannot be made: {error}")),
    }
}

/// Other systems cannot confine it.
#[cfg(not(unix))]
pub(crate) fn become_cpython(_setup: &Setup) -> io::Error {
    io::Error::other("this system cannot confine it")
}
