//! This program's side: starts sandboxes, hands them work, and keeps the idle ones warm.

use super::protocol::{LONGEST_LINE, Language, MARK, Reply, Request};
use crate::run::LogStream;
use crate::text::message::{clean, quote_end};
use crate::tools::cancel::cancellable;
use crate::tools::group::Group;
use crate::tools::{CallLog, ToolError};
use serde_json::Value;
use std::borrow::Cow;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio_util::sync::CancellationToken;

/// Memory of a sandbox where no limit is given, in mebibytes.
const MEMORY_MB: u64 = 512;

/// Processor time of one piece of work where no time is given, in seconds.
const SECONDS: u64 = 300;

/// Idle sandboxes that are kept.
const MOST_IDLE: usize = 8;

/// A sandbox is replaced after this many pieces of work, or when it holds this much memory.
const MOST_CALLS: u32 = 10_000;
const MOST_HELD_MB: u64 = 192;

/// A busy machine may take this long to start one.
const START: Duration = Duration::from_secs(20);

/// Whether the running program can be started as a sandbox or a launcher.
static SERVES: AtomicBool = AtomicBool::new(false);

/// The running program hands the arguments after `__sandbox` and `__launch` on. One that does not would begin anew
/// if it were started like this, and start itself again from there, without end.
pub fn this_program_serves() {
    SERVES.store(true, Ordering::Relaxed);
}

/// Where this program is found when it has to start itself.
#[derive(Clone, Debug, Default)]
pub struct Program(Option<PathBuf>);

impl Program {
    /// At a given place.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(Some(path.into()))
    }

    /// The given place, else what `PLANDECK_EXE` names, else the running program where it can serve, else `plandeck`
    /// on the search path.
    pub fn path(&self) -> Result<PathBuf, ToolError> {
        if std::env::var_os(MARK).is_some() {
            return Err(ToolError::permanent("a sandbox cannot start another"));
        }
        if let Some(path) = &self.0 {
            return Ok(path.clone());
        }
        if let Some(path) = std::env::var_os("PLANDECK_EXE") {
            return Ok(path.into());
        }
        if SERVES.load(Ordering::Relaxed) {
            return std::env::current_exe().map_err(|error| {
                ToolError::permanent(format!(
                    "the plandeck program was not found ({error}); set PLANDECK_EXE to its path"
                ))
            });
        }
        on_search_path().ok_or_else(|| {
            ToolError::permanent(
                "code runs in a process of the plandeck program, which was not found: set PLANDECK_EXE to its path, \
                 or let main begin with plandeck::cli::as_child",
            )
        })
    }
}

fn on_search_path() -> Option<PathBuf> {
    let name = format!("plandeck{}", std::env::consts::EXE_SUFFIX);
    let folders = std::env::var_os("PATH")?;
    let mut places = std::env::split_paths(&folders).map(|folder| folder.join(&name));
    places.find(|place| place.is_absolute() && place.is_file())
}

/// One piece of work.
#[derive(Clone, Copy, Debug)]
pub struct Work<'a> {
    /// What it is written in.
    pub language: Language,
    /// The code.
    pub source: &'a str,
    /// What it is given.
    pub input: &'a Value,
    /// Memory it may use, in mebibytes; 512 where it is not given.
    pub memory_mb: Option<u64>,
    /// Processor share, in percent of one core.
    pub cpu_percent: Option<u32>,
    /// Processor time it may take.
    pub time: Option<Duration>,
}

/// The sandboxes of one toolbox.
#[derive(Debug, Default)]
pub struct Sandbox {
    program: Program,
    idle: Mutex<Vec<SandboxProcess>>,
}

#[derive(Debug)]
struct SandboxProcess {
    child: Child,
    /// With a launcher between, the sandbox is a member of its group.
    group: Group,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    memory_mb: u64,
    cpu_percent: Option<u32>,
    calls: u32,
}

impl Sandbox {
    /// Sandboxes that are started from `program`.
    pub fn new(program: Program) -> Self {
        Self {
            program,
            idle: Mutex::default(),
        }
    }

    /// The program that sandboxes are started from.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Does one piece of work. Cancelling or dropping ends the sandbox that does it.
    pub async fn run(
        &self,
        work: Work<'_>,
        log: &CallLog,
        cancel: &CancellationToken,
    ) -> Result<Value, ToolError> {
        cancellable(cancel, self.work(work, log)).await?
    }

    async fn work(&self, work: Work<'_>, log: &CallLog) -> Result<Value, ToolError> {
        let seconds = work
            .time
            .map_or(SECONDS, |time| time.as_secs().saturating_add(1));
        let request = Request {
            language: work.language,
            source: Cow::Borrowed(work.source),
            input: Cow::Borrowed(work.input),
            seconds,
        };
        let mut line = serde_json::to_vec(&request).map_err(|error| {
            ToolError::permanent(format!("the input cannot be written as JSON: {error}"))
        })?;
        line.push(b'\n');
        if line.len() > LONGEST_LINE {
            return Err(ToolError::permanent(format!(
                "the input has {} MB, and {} are the most that code is given",
                line.len() >> 20,
                LONGEST_LINE >> 20
            )));
        }
        let memory_mb = work.memory_mb.unwrap_or(MEMORY_MB);
        let mut process = match self.take_idle(memory_mb, work.cpu_percent) {
            Some(process) => process,
            None => SandboxProcess::start(&self.program, memory_mb, work.cpu_percent).await?,
        };
        process.calls += 1;
        // Writing and reading take turns: a sandbox reads a whole line before it says anything. A broken pipe
        // shows up again, with its reason, when the answer is read.
        let _ = process.input.write_all(&line).await;
        let _ = process.input.flush().await;
        loop {
            match process.reply().await {
                Some(Reply::Ready) => {}
                Some(Reply::Log(line)) => log(LogStream::Stderr, &clean(&line, 8 << 10)),
                Some(Reply::Output {
                    value,
                    memory_mb: held,
                }) => {
                    if process.calls < MOST_CALLS && held < MOST_HELD_MB {
                        self.give_back(process);
                    }
                    return Ok(value);
                }
                Some(Reply::Error(message)) => {
                    self.give_back(process);
                    return Err(ToolError::permanent(quote_end(&message, 4_000)));
                }
                None => return Err(process.exit_reason(memory_mb, seconds).await),
            }
        }
    }

    fn take_idle(&self, memory_mb: u64, cpu_percent: Option<u32>) -> Option<SandboxProcess> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let fits = |process: &SandboxProcess| {
                process.memory_mb == memory_mb && process.cpu_percent == cpu_percent
            };
            let mut process = idle.iter().rposition(fits).map(|at| idle.swap_remove(at))?;
            if matches!(process.child.try_wait(), Ok(None)) {
                return Some(process);
            }
        }
    }

    fn give_back(&self, process: SandboxProcess) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() >= MOST_IDLE {
            idle.remove(0);
        }
        idle.push(process);
    }
}

impl SandboxProcess {
    async fn start(
        program: &Program,
        memory_mb: u64,
        cpu_percent: Option<u32>,
    ) -> Result<Self, ToolError> {
        let path = program.path()?;
        let unusable = |why: String| {
            ToolError::permanent(format!(
                "the sandbox could not be started from {}: {why}; set PLANDECK_EXE to the path of the plandeck program",
                path.display()
            ))
        };
        let mut command = Command::new(&path);
        if let Some(percent) = cpu_percent {
            command
                .args(["__launch", "--cpu-percent", &percent.to_string(), "--"])
                .arg(&path);
        }
        command
            .args(["__sandbox", "--memory-mb", &memory_mb.to_string()])
            .env_clear()
            .env(MARK, "1")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command
            .spawn()
            .map_err(|error| unusable(error.to_string()))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(unusable("it has no pipes".to_owned()));
        };
        let mut process = Self {
            group: Group::of(&child),
            child,
            input,
            output: BufReader::new(output),
            memory_mb,
            cpu_percent,
            calls: 0,
        };
        match tokio::time::timeout(START, process.reply()).await {
            Ok(Some(Reply::Ready)) => Ok(process),
            Ok(_) => {
                let said = process.stderr_tail().await.1;
                Err(unusable(if said.is_empty() {
                    "it did not answer as one".to_owned()
                } else {
                    said
                }))
            }
            Err(_) => Err(unusable(format!(
                "it was not up after {} s",
                START.as_secs()
            ))),
        }
    }

    /// The next thing the sandbox says; `None` where it is gone or talks nonsense.
    async fn reply(&mut self) -> Option<Reply> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.output).take(LONGEST_LINE as u64);
        let read = bounded.read_until(b'\n', &mut line).await.ok()?;
        if read == 0 || line.last() != Some(&b'\n') {
            return None;
        }
        serde_json::from_slice(&line).ok()
    }

    /// Ends the sandbox; how it ended and what it said on standard error.
    async fn stderr_tail(&mut self) -> (Option<ExitStatus>, String) {
        // It may be on its way out by itself, and how it ends is what matters.
        let ended = tokio::time::timeout(Duration::from_millis(500), self.child.wait()).await;
        let status = if let Ok(status) = ended {
            status.ok()
        } else {
            self.group.kill();
            let _ = self.child.kill().await;
            None
        };
        let mut said = Vec::new();
        if let Some(stderr) = self.child.stderr.take() {
            let mut stderr = stderr.take(64 << 10);
            let _ = tokio::time::timeout(Duration::from_millis(200), stderr.read_to_end(&mut said))
                .await;
        }
        (status, quote_end(&String::from_utf8_lossy(&said), 400))
    }

    async fn exit_reason(mut self, memory_mb: u64, seconds: u64) -> ToolError {
        let (status, said) = self.stderr_tail().await;
        ToolError::permanent(if said.contains("memory allocation of") {
            format!("the code used more than {memory_mb} MB of memory and was stopped")
        } else if said.contains("overflowed its stack") {
            "the code recursed too deep and was stopped".to_owned()
        } else {
            match status.map(|status| (signal(status), status)) {
                Some((Some(SIGXCPU), _)) => {
                    format!("the code used more than {seconds} s of processor time and was stopped")
                }
                Some((Some(SIGSEGV), _)) => "the code recursed too deep and was stopped".to_owned(),
                Some((_, status)) => {
                    format!("the sandbox ended while the code ran ({status}) {said}")
                        .trim_end()
                        .to_owned()
                }
                None => {
                    "the sandbox gave an answer that could not be read, and was stopped".to_owned()
                }
            }
        })
    }
}

const SIGXCPU: i32 = 24;
const SIGSEGV: i32 = 11;

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_status: ExitStatus) -> Option<i32> {
    None
}
