//! The parent's side of the sandbox: starts child processes, sends them code, and keeps idle ones for the next call.

use super::confinement;
use super::cpython;
use super::ending::exit_reason;
use super::log::PrintLog;
use super::program::Program;
use super::protocol::{Language, MARK, MAX_LINE_BYTES, Reply, Request};
use super::work::Work;
use crate::plan::Evaluation;
use crate::text::json::{self, JsonError};
use crate::text::message::quote_end;
use crate::tools::CallLog;
use crate::tools::cancel::cancellable;
use crate::tools::error::ToolError;
use crate::tools::group::{Group, Keeper, start_single};
use crate::tools::launch::{self, STARTED};
use crate::tools::secrets::SharedSecrets;
use serde_json::Value;
use std::borrow::Cow;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio_util::sync::CancellationToken;

/// The default memory limit of a sandbox, in mebibytes.
const MEMORY_MB: u64 = 512;

/// The default limit of processor time of one call, in seconds.
const SECONDS: u64 = 300;

/// The time limits for validating a value, and for saying what is wrong with it.
const VALIDATION_LIMIT: Duration = Duration::from_secs(10);
const DESCRIPTION_LIMIT: Duration = Duration::from_secs(3);

/// The maximum of idle sandboxes.
const MAX_IDLE: usize = 8;

/// The most of what code prints that is logged, in bytes.
const MAX_LOGGED: usize = 4 << 20;

/// A sandbox is replaced after this many calls, or when it uses this much memory.
const MAX_CALLS: u32 = 10_000;
const MAX_HELD_MB: u64 = 192;

/// An older sandbox is replaced: it cannot read the time zone again, which it knows for five minutes.
const MAX_AGE: Duration = Duration::from_mins(4);

/// The time limit for starting a sandbox, generous for a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// Who ends a sandbox with a processor share: its launcher, where the system has supervisors.
const KEEPER: Keeper = if cfg!(target_os = "linux") {
    Keeper::Supervisor
} else {
    Keeper::ThisProcess
};

/// The sandboxes of one toolbox.
#[derive(Debug, Default)]
pub(crate) struct Sandbox {
    program: Program,
    secrets: SharedSecrets,
    /// Whether code may run where the system cannot confine it.
    allow_unsandboxed: bool,
    idle: Mutex<Vec<SandboxProcess>>,
}

#[derive(Debug)]
struct SandboxProcess {
    /// Where a launcher supervises the sandbox. It is dropped first: then the launcher is told to end it.
    group: Option<Group>,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    memory_mb: u64,
    cpu_percent: Option<u32>,
    calls: u32,
    started: Instant,
    /// The interpreter of Python.
    interpreter: String,
    /// What of the system confines it; `None` where nothing does.
    walls: Option<String>,
}

impl Sandbox {
    /// Sandboxes that are started from `program`. What code says is shown without `secrets`.
    pub(crate) fn new(program: Program, secrets: SharedSecrets, allow_unsandboxed: bool) -> Self {
        Self {
            program,
            secrets,
            allow_unsandboxed,
            idle: Mutex::default(),
        }
    }

    /// The program that sandboxes are started from.
    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    /// Runs the code. Cancelling the call or dropping the future ends its sandbox.
    pub(crate) async fn run(
        &self,
        work: Work<'_>,
        log: &CallLog,
        cancel: &CancellationToken,
    ) -> Result<Value, ToolError> {
        cancellable(cancel, self.work(work, log)).await?
    }

    /// The value of an expression: for a condition whether it holds, else a list of the value, which is empty where it
    /// is undefined.
    pub(crate) async fn evaluate(
        &self,
        evaluation: Evaluation,
        memory_mb: Option<u64>,
        limit: Duration,
    ) -> Result<Value, ToolError> {
        let input = Value::Object(evaluation.variables);
        let work = Work {
            language: if evaluation.is_condition {
                Language::Condition
            } else {
                Language::Expression
            },
            source: &evaluation.text,
            input: &input,
            memory_mb,
            cpu_percent: None,
            time: Some(limit),
            about: None,
        };
        let nothing: CallLog = Arc::new(|_, _| {});
        tokio::time::timeout(limit, self.work(work, &nothing))
            .await
            .unwrap_or_else(|_| {
                let seconds = limit.as_secs_f64();
                Err(ToolError::permanent(format!(
                    "it has no value within {seconds} s"
                )))
            })
    }

    /// What is wrong with a value, one violation a line; `None` where it is valid against the schema.
    pub(crate) async fn violation(
        &self,
        schema: &Value,
        value: &Value,
    ) -> Result<Option<String>, String> {
        let source = schema.to_string();
        let is_valid = self
            .validate(Language::Schema, &source, value, VALIDATION_LIMIT)
            .await?;
        if is_valid == Value::Bool(true) {
            return Ok(None);
        }
        let why = self.validate(Language::Violations, &source, value, DESCRIPTION_LIMIT);
        Ok(Some(match why.await {
            Ok(Value::String(violation)) => violation,
            Ok(_) => return Err("a pattern in it goes back too often".to_owned()),
            Err(why) => format!("it is not valid; which part is not was not found out: {why}"),
        }))
    }

    async fn validate(
        &self,
        language: Language,
        source: &str,
        value: &Value,
        limit: Duration,
    ) -> Result<Value, String> {
        let work = Work {
            language,
            source,
            input: value,
            memory_mb: None,
            cpu_percent: None,
            time: Some(limit),
            about: None,
        };
        let nothing: CallLog = Arc::new(|_, _| {});
        match tokio::time::timeout(limit, self.work(work, &nothing)).await {
            Ok(answer) => answer.map_err(|error| error.message),
            Err(_) => Err(format!("it did not end within {} s", limit.as_secs())),
        }
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
        if line.len() > MAX_LINE_BYTES {
            return Err(ToolError::permanent(format!(
                "the input has {} MB; the maximum for {} is {} MB",
                line.len() >> 20,
                work.language.subject(),
                MAX_LINE_BYTES >> 20
            )));
        }
        let memory_mb = work.memory_mb.unwrap_or(MEMORY_MB);
        let is_cpython = work.language == Language::Cpython;
        let idle = if is_cpython {
            None
        } else {
            self.take_idle(memory_mb, work.cpu_percent)
        };
        let mut process = if let Some(process) = idle {
            process
        } else {
            let path = self.program.path().map_err(|error| ToolError {
                message: format!("{}: {}", work.language.why_sandboxed(), error.message),
                ..error
            })?;
            let setup = if is_cpython {
                Some(
                    Box::pin(confinement::cpython(
                        self.allow_unsandboxed,
                        memory_mb,
                        seconds,
                    ))
                    .await?,
                )
            } else {
                None
            };
            Box::pin(SandboxProcess::start(
                path,
                memory_mb,
                work.cpu_percent,
                setup,
            ))
            .await?
        };
        confinement::check(
            work.language,
            process.walls.as_deref(),
            self.allow_unsandboxed,
        )?;
        if let Some(about) = work.about {
            let _ = about.set(process.about());
        }
        process.calls += 1;
        // A sandbox reads a whole line before it writes anything, so this cannot deadlock. The reason of a broken
        // pipe is reported when the answer is read.
        let _ = process.input.write_all(&line).await;
        let _ = process.input.flush().await;
        let mut printed = PrintLog::new(log, self.secrets.now());
        let mut logged = 0;
        let until = Instant::now() + Duration::from_secs(seconds);
        let ended = loop {
            let reply = if is_cpython {
                let Ok(reply) = tokio::time::timeout_at(until.into(), process.reply()).await else {
                    let why = format!("the code did not end within {seconds} s and was stopped");
                    break Err(ToolError::permanent(why));
                };
                reply
            } else {
                process.reply().await
            };
            let reply = match reply {
                Some(Err(error)) if error.is_refusal() => {
                    if !is_cpython {
                        self.give_back(process);
                    }
                    break Err(ToolError::permanent(format!("the output is {error}")));
                }
                Some(reply) => reply.ok(),
                None => None,
            };
            match reply {
                Some(Reply::Ready | Reply::About { .. }) => {}
                // An interpreter that is taken over could print without end.
                Some(Reply::Log(_) | Reply::LogPart(_)) if logged > MAX_LOGGED => {}
                Some(Reply::Log(line)) => {
                    logged += line.len();
                    printed.push(&(line + "\n"));
                }
                Some(Reply::LogPart(part)) => {
                    logged += part.len();
                    printed.push(&part);
                }
                Some(Reply::Output {
                    value,
                    memory_mb: held,
                }) => {
                    if !is_cpython && process.calls < MAX_CALLS && held < MAX_HELD_MB {
                        self.give_back(process);
                    }
                    break Ok(value);
                }
                Some(Reply::Error(message)) => {
                    if !is_cpython {
                        self.give_back(process);
                    }
                    let message = self.secrets.now().quote_end(&message, 4_000);
                    break Err(ToolError::permanent(work.language.with_remedy(message)));
                }
                None => {
                    let (status, said) = process.stderr_tail().await;
                    break Err(ToolError::permanent(exit_reason(
                        work.language,
                        status,
                        &said,
                        memory_mb,
                        seconds,
                    )));
                }
            }
        };
        printed.finish();
        ended
    }

    fn take_idle(&self, memory_mb: u64, cpu_percent: Option<u32>) -> Option<SandboxProcess> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let fits = |process: &SandboxProcess| {
                process.memory_mb == memory_mb && process.cpu_percent == cpu_percent
            };
            let mut process = idle.iter().rposition(fits).map(|at| idle.swap_remove(at))?;
            match process.child.try_wait() {
                Ok(None) if process.started.elapsed() < MAX_AGE => return Some(process),
                Ok(None) => {}
                Ok(status) => {
                    if let Some(group) = &mut process.group {
                        group.ended(status);
                    }
                }
                Err(_) => {}
            }
        }
    }

    fn give_back(&self, process: SandboxProcess) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() >= MAX_IDLE {
            idle.remove(0);
        }
        idle.push(process);
    }
}

impl SandboxProcess {
    async fn start(
        path: PathBuf,
        memory_mb: u64,
        cpu_percent: Option<u32>,
        cpython: Option<cpython::Setup>,
    ) -> Result<Self, ToolError> {
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
            memory_mb,
            cpu_percent,
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
        let Some(Ok(Reply::Ready)) = self.reply().await else {
            return None;
        };
        match self.reply().await {
            Some(Ok(Reply::About { interpreter, walls })) => Some((interpreter, walls)),
            _ => None,
        }
    }

    /// What runs the code, and what confines it.
    fn about(&self) -> String {
        let by = self.walls.as_deref().unwrap_or("nothing of the system");
        format!("run by {}, confined by {by} and limits", self.interpreter)
    }

    /// The next message of the sandbox; `None` where it has ended.
    async fn reply(&mut self) -> Option<Result<Reply, JsonError>> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.output).take(MAX_LINE_BYTES as u64);
        let read = bounded.read_until(b'\n', &mut line).await.ok()?;
        if read == 0 || line.last() != Some(&b'\n') {
            return None;
        }
        Some(json::read(&line))
    }

    /// Ends the sandbox; returns its exit status and the end of its standard error.
    async fn stderr_tail(&mut self) -> (Option<ExitStatus>, String) {
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
