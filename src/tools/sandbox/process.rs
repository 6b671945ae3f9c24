//! One sandbox as its parent sees it: a process with a line of messages in either direction.

use super::cpython;

use super::protocol::{MARK, MAX_LINE_BYTES, Reply};
use super::shape::Shape;
use crate::text::json::{self, JsonError};
use crate::text::message::quote_end;
use crate::tools::error::ToolError;
use crate::tools::group::{Group, Keeper, start_single};
use crate::tools::launch::{self, STARTED};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// The time limit for starting a sandbox, generous for a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// Who ends a sandbox with a processor share: its launcher, where the system has supervisors.
const KEEPER: Keeper = if cfg!(target_os = "linux") {
    Keeper::Supervisor
} else {
    Keeper::ThisProcess
};

/// A sandbox that runs.
#[derive(Debug)]
pub(super) struct SandboxProcess {
    /// Where a launcher supervises the sandbox. It is dropped first: then the launcher is told to end it.
    pub group: Option<Group>,
    pub child: Child,
    pub input: ChildStdin,
    pub output: BufReader<ChildStdout>,
    pub shape: Shape,
    pub calls: u32,
    pub started: Instant,
    /// The interpreter of Python.
    pub interpreter: String,
    /// What of the system confines it; `None` where nothing does.
    pub walls: Option<String>,
}

impl SandboxProcess {
    /// Starts one; `cpython` is how it becomes CPython.
    pub(super) async fn start(
        path: PathBuf,
        shape: Shape,
        cpython: Option<cpython::Setup>,
    ) -> Result<Self, ToolError> {
        let Shape {
            memory_mb,
            cpu_percent,
            ..
        } = shape;
        let unusable = |why: String| {
            ToolError::permanent(format!(
                "the sandbox could not be started from {}: {why}; set PLANDECK_EXE to the path of the plandeck program",
                path.display()
            ))
        };
        let mut command = Command::new(&path);
        if let Some(percent) = cpu_percent {
            command
                .args(["__launch", "--parent", &std::process::id().to_string()])
                .args(["--cpu-percent", &percent.to_string()]);
            launch::with_group(&mut command);
            command.arg("--").arg(&path);
        }
        command
            .args(["__sandbox", "--memory-mb", &memory_mb.to_string()])
            .args(cpython.iter().flat_map(cpython::Setup::arguments))
            .env_clear()
            .env(MARK, "1")
            // The memory limit is one of address space, of which the allocator would reserve a gibibyte beforehand.
            .env("MIMALLOC_ARENA_RESERVE", "0")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(cpu_percent.is_none() || cfg!(not(target_os = "linux")));
        let started = match cpu_percent {
            Some(_) => {
                Group::start(&mut command, KEEPER).map(|(child, group)| (child, Some(group)))
            }
            None => start_single(&mut command).map(|child| (child, None)),
        };
        let (mut child, group) = started.map_err(|error| unusable(error.to_string()))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(unusable("it has no pipes".to_owned()));
        };
        let mut process = Self {
            group,
            child,
            input,
            output: BufReader::new(output),
            shape,
            calls: 0,
            started: Instant::now(),
            interpreter: String::new(),
            walls: None,
        };
        match tokio::time::timeout(START_TIMEOUT, process.about_itself()).await {
            Ok(Some((interpreter, walls))) => {
                process.interpreter = interpreter;
                process.walls = walls.or_else(|| cpython?.walls());
                Ok(process)
            }
            Ok(_) => {
                let said = process.stderr_tail().await.1;
                Err(unusable(if said.is_empty() {
                    "it is not a plandeck program".to_owned()
                } else {
                    said
                }))
            }
            Err(_) => Err(unusable(format!(
                "it did not start within {} s",
                START_TIMEOUT.as_secs()
            ))),
        }
    }

    /// What a sandbox says as it starts; `None` where that is something else.
    async fn about_itself(&mut self) -> Option<(String, Option<String>)> {
        let Some(Ok(Reply::Ready)) = read_reply(&mut self.output).await else {
            return None;
        };
        match read_reply(&mut self.output).await {
            Some(Ok(Reply::About { interpreter, walls })) => Some((interpreter, walls)),
            _ => None,
        }
    }

    /// What runs the code, and what confines it.
    pub(super) fn about(&self) -> String {
        let by = self.walls.as_deref().unwrap_or("nothing of the system");
        format!("run by {}, confined by {by} and limits", self.interpreter)
    }

    /// Ends the sandbox; returns its exit status and the end of its standard error.
    pub(super) async fn stderr_tail(&mut self) -> (Option<ExitStatus>, String) {
        // It may be ending already; its own exit status says why.
        let ended = tokio::time::timeout(Duration::from_millis(500), self.child.wait()).await;
        let status = if let Ok(status) = ended {
            let status = status.ok();
            if let Some(group) = &mut self.group {
                group.ended(status);
            }
            status
        } else {
            match &mut self.group {
                Some(group) => group.end(&mut self.child).await,
                None => drop(self.child.kill().await),
            }
            None
        };
        let mut said = Vec::new();
        if let Some(stderr) = self.child.stderr.take() {
            let mut stderr = stderr.take(64 << 10);
            let _ = tokio::time::timeout(Duration::from_millis(200), stderr.read_to_end(&mut said))
                .await;
        }
        let said = String::from_utf8_lossy(&said);
        let said = said.strip_prefix(STARTED).unwrap_or(&said);
        (status, quote_end(said.trim_start(), 400))
    }
}

/// The next message of a sandbox; `None` where it has ended.
pub(super) async fn read_reply(
    output: &mut BufReader<ChildStdout>,
) -> Option<Result<Reply, JsonError>> {
    let mut line = Vec::new();
    let mut bounded = output.take(MAX_LINE_BYTES as u64);
    let read = bounded.read_until(b'\n', &mut line).await.ok()?;
    if read == 0 || line.last() != Some(&b'\n') {
        return None;
    }
    Some(json::read(&line))
}
