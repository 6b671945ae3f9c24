//! `process` tools: a program, the parameters as JSON on its standard input, its standard output as JSON or
//! text.
//!
//! The program runs in a process group of its own. The group is killed when the call is cancelled or dropped
//! and also when the program has ended by itself: what it left running in the background does not outlive the
//! call. Lines on its standard error go to the log as they come.

use super::catalog::ProcessSettings;
use super::group::Group;
use super::placeholder::{Filler, Missing};
use super::secrets::Secrets;
use super::services::Services;
use super::{Call, CallReport, Tool, ToolError};
use crate::run::LogStream;
use crate::text::message::{clean, quote_end};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Map, Value};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, Command};
use tokio_util::task::AbortOnDropHandle;

/// What a program may print on standard output, in bytes.
const LARGEST_OUTPUT: usize = 64 << 20;

/// What is kept of its standard error for an error message.
const LONGEST_TAIL: usize = 4 << 10;

/// A longer line on standard error is logged in pieces.
const LONGEST_LINE: usize = 8 << 10;

/// After the program ended its pipes are empty within this time, unless something that left its group still
/// holds them.
const DRAIN: Duration = Duration::from_secs(1);

/// The launcher's exit code where the program could not be started, and what it says then.
pub(crate) const NOT_STARTED: u8 = 127;
pub(crate) const NOT_STARTED_MARK: &str = "plandeck: cannot start ";

/// A program.
pub struct ProcessTool {
    program: Arc<Settings>,
    repeatable: bool,
    timeout: Option<Duration>,
    services: Arc<Services>,
}

struct Settings {
    process: ProcessSettings,
    folder: Option<PathBuf>,
}

impl ProcessTool {
    /// A tool that runs `process`; `folder` is the catalog's.
    pub fn new(
        process: ProcessSettings,
        folder: Option<&Path>,
        repeatable: bool,
        timeout: Option<Duration>,
        services: Arc<Services>,
    ) -> Self {
        Self {
            program: Arc::new(Settings {
                process,
                folder: folder.map(Path::to_path_buf),
            }),
            repeatable,
            timeout,
            services,
        }
    }
}

impl Tool for ProcessTool {
    fn kind(&self) -> &'static str {
        "process"
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let (program, services) = (self.program.clone(), self.services.clone());
        async move {
            let mut started = false;
            let mut report = CallReport::free(run(&program, &services, &call, &mut started).await);
            // What was run, for the record; a program that was never started leaves none.
            report.prompt = started.then(|| program.process.command.join(" ").into());
            report
        }
        .boxed()
    }

    fn repeatable(&self) -> bool {
        self.repeatable
    }

    fn timeout(&self) -> Option<Duration> {
        self.timeout
    }
}

async fn run(
    settings: &Settings,
    services: &Services,
    call: &Call,
    started: &mut bool,
) -> Result<Value, ToolError> {
    let Prepared {
        mut command,
        secrets,
        share,
    } = command(settings, services, call)?;
    let input = serde_json::to_vec(&*call.input).map_err(|error| {
        ToolError::permanent(format!("the parameters cannot be written as JSON: {error}"))
    })?;
    let name = &settings.process.command[0];
    let mut child = command
        .spawn()
        .map_err(|error| not_started(name, &error.to_string(), error.kind()))?;
    *started = true;
    let mut group = Group::of(&child);
    let _held = share
        .zip(child.id())
        .map(|(percent, leader)| hold(leader, percent));
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(ToolError::permanent(format!(
            "the program {name} has no pipes"
        )));
    };
    let work = async {
        // Too much output ends all of it: what the program still says then does not matter.
        let pipes = async {
            let fed = async {
                feed(stdin, input).await;
                Ok(())
            };
            let log = async { Ok(Log::new(call, &secrets).follow(stderr).await) };
            let ((), output, tail) = tokio::try_join!(fed, collect(stdout), log)?;
            Ok::<_, ToolError>((output, tail))
        };
        tokio::pin!(pipes);
        let ((output, tail), status) = tokio::select! {
            said = &mut pipes => (said?, child.wait().await),
            status = child.wait() => {
                group.kill();
                let said = tokio::time::timeout(DRAIN, &mut pipes).await.map_err(|_| {
                    ToolError::permanent(format!("the program {name} ended, but something it started still holds its output"))
                })?;
                (said?, status)
            }
        };
        group.kill();
        let status = status.map_err(|error| {
            ToolError::permanent(format!("the program {name} was lost: {error}"))
        })?;
        Ok::<_, ToolError>((output, status, tail))
    };
    let ended = tokio::select! {
        biased;
        () = call.cancel.cancelled() => None,
        ended = work => Some(ended),
    };
    let Some(ended) = ended else {
        group.end(&mut child).await;
        return Err(ToolError::permanent("cancelled"));
    };
    let (output, status, tail) = ended?;
    if !status.success() {
        return Err(failure(name, status, &secrets.redact(&tail)));
    }
    Ok(secrets.redact_value(read_output(name, output)?))
}

/// What is about to be started.
struct Prepared {
    command: Command,
    secrets: Secrets,
    /// The share of a processor, in percent, that this program has to keep it to.
    share: Option<u32>,
}

/// Keeps a group to its share until what is given back is dropped.
#[cfg(target_os = "linux")]
fn hold(leader: u32, percent: u32) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(super::launch::share::hold(leader, percent)))
}

#[cfg(not(target_os = "linux"))]
fn hold(_leader: u32, _percent: u32) {}

/// The program under the limits of `call` where there is no launcher, in a program that uses the library. A shell sets
/// the limit on memory.
fn without_launcher(program: PathBuf, call: &Call) -> Command {
    let Some(memory_mb) = call.max_memory_mb else {
        return Command::new(program);
    };
    let mut command = Command::new("sh");
    let kilobytes = memory_mb.saturating_mul(1024).to_string();
    let script = r#"ulimit -d "$1" && shift && exec "$@""#;
    command.args(["-c", script, "sh", &kilobytes]).arg(program);
    command
}

fn command(settings: &Settings, services: &Services, call: &Call) -> Result<Prepared, ToolError> {
    let process = &settings.process;
    let folder = settings
        .folder
        .as_deref()
        .filter(|folder| !folder.as_os_str().is_empty());
    // A program named by a relative path is looked for from the catalog's folder, not from where it runs.
    let program = match folder {
        Some(folder) if process.command[0].contains('/') => folder.join(&*process.command[0]),
        _ => PathBuf::from(&*process.command[0]),
    };
    let program = if program.is_relative() && program.components().count() > 1 {
        std::path::absolute(&program).unwrap_or(program)
    } else {
        program
    };
    let limited = call.max_memory_mb.is_some() || call.max_cpu_percent.is_some();
    let launcher = limited.then(|| services.sandbox.program().path());
    let mut share = None;
    let mut command = match launcher {
        None => Command::new(program),
        Some(Ok(launcher)) => {
            let mut command = Command::new(launcher);
            command.arg("__launch");
            if let Some(memory) = call.max_memory_mb {
                command.args(["--memory-mb", &memory.to_string()]);
            }
            if let Some(percent) = call.max_cpu_percent {
                command.args(["--cpu-percent", &percent.to_string()]);
            }
            command.arg("--").arg(program);
            command
        }
        // Elsewhere nothing here could limit it.
        Some(Err(why)) if cfg!(not(target_os = "linux")) => return Err(why),
        Some(Err(_)) => {
            share = call.max_cpu_percent;
            without_launcher(program, call)
        }
    };
    let parameters = Map::new();
    let mut filler =
        Filler::new(&parameters, Missing::Error).with_environment(&services.environment);
    for (name, value) in &process.env {
        let value = filler
            .text(value, str::to_owned)
            .map_err(ToolError::permanent)?;
        command.env(&**name, value);
    }
    command
        .args(process.command[1..].iter().map(|argument| &**argument))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    if let Some(cwd) = process.cwd.as_deref().or(folder) {
        if !cwd.is_dir() {
            return Err(ToolError::permanent(format!(
                "the folder {} to run in does not exist",
                cwd.display()
            )));
        }
        command.current_dir(cwd);
    }
    Ok(Prepared {
        command,
        secrets: filler.secrets,
        share,
    })
}

fn not_started(name: &str, error: &str, kind: io::ErrorKind) -> ToolError {
    let remedy = match kind {
        io::ErrorKind::NotFound => "install it, or give its path in the tool's `command`",
        io::ErrorKind::PermissionDenied => {
            "make it executable, or name its interpreter first in the tool's `command`"
        }
        _ => "see whether it runs by itself",
    };
    ToolError::permanent(format!(
        "the program {name} cannot be started: {error}; {remedy}"
    ))
}

/// Writes the input. A program that does not read it breaks the pipe, and that is its right.
async fn feed(mut stdin: ChildStdin, input: Vec<u8>) {
    let _ = stdin.write_all(&input).await;
    let _ = stdin.shutdown().await;
}

async fn collect(mut stdout: impl AsyncRead + Unpin) -> Result<Vec<u8>, ToolError> {
    let mut output = Vec::new();
    let mut chunk = vec![0; 64 << 10];
    loop {
        let read = stdout.read(&mut chunk).await.map_err(|error| {
            ToolError::permanent(format!("its output could not be read: {error}"))
        })?;
        if read == 0 {
            return Ok(output);
        }
        if output.len() + read > LARGEST_OUTPUT {
            return Err(ToolError::permanent(format!(
                "the program printed more than {} MB and was stopped; let it print less, or a path to its output",
                LARGEST_OUTPUT >> 20
            )));
        }
        output.extend_from_slice(&chunk[..read]);
    }
}

/// Standard error: each line to the log, the end kept.
struct Log<'a> {
    call: &'a Call,
    secrets: &'a Secrets,
    line: Vec<u8>,
    tail: String,
}

impl<'a> Log<'a> {
    fn new(call: &'a Call, secrets: &'a Secrets) -> Self {
        Self {
            call,
            secrets,
            line: Vec::new(),
            tail: String::new(),
        }
    }

    /// Until its end; what is kept of it.
    async fn follow(mut self, mut stderr: impl AsyncRead + Unpin) -> String {
        let mut chunk = vec![0; 8 << 10];
        while let Ok(read @ 1..) = stderr.read(&mut chunk).await {
            for piece in chunk[..read].split_inclusive(|byte| *byte == b'\n') {
                self.line.extend_from_slice(piece);
                if piece.ends_with(b"\n") || self.line.len() >= LONGEST_LINE {
                    self.say();
                }
            }
        }
        self.say();
        self.tail
    }

    fn say(&mut self) {
        let line = String::from_utf8_lossy(&self.line).into_owned();
        self.line.clear();
        let line = self.secrets.redact(line.trim_end_matches(['\n', '\r']));
        if line.is_empty() {
            return;
        }
        (self.call.log)(LogStream::Stderr, &clean(&line, LONGEST_LINE));
        self.tail.push_str(&line);
        self.tail.push('\n');
        if self.tail.len() > 2 * LONGEST_TAIL {
            let mut from = self.tail.len() - LONGEST_TAIL;
            while !self.tail.is_char_boundary(from) {
                from += 1;
            }
            self.tail.drain(..from);
        }
    }
}

fn failure(name: &str, status: ExitStatus, tail: &str) -> ToolError {
    if status.code() == Some(i32::from(NOT_STARTED))
        && let Some((_, error)) = tail.split_once(NOT_STARTED_MARK)
    {
        let error = error.trim();
        let kind = if error.contains("No such file") {
            io::ErrorKind::NotFound
        } else {
            io::ErrorKind::Other
        };
        return not_started(
            name,
            error.split_once(": ").map_or(error, |(_, why)| why),
            kind,
        );
    }
    let how = match (status.code(), signal(status)) {
        (Some(code), _) => format!("exited with code {code}"),
        (None, Some(number)) => format!("was ended by signal {number} ({})", signal_name(number)),
        (None, None) => "ended".to_owned(),
    };
    let tail = quote_end(tail, LONGEST_TAIL);
    // What a status means only the program knows. Whether it may be run again at all is the policy's to say,
    // or the catalog's with `read_only` and `idempotent`.
    ToolError::passing(if tail.is_empty() {
        format!("the program {name} {how} and said nothing")
    } else {
        format!("the program {name} {how}: {tail}")
    })
}

/// JSON, else text without one line feed at its end. Nothing at all is `null`.
fn read_output(name: &str, output: Vec<u8>) -> Result<Value, ToolError> {
    let text = String::from_utf8(output).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        ToolError::permanent(format!(
            "the program {name} printed what is no UTF-8 text (byte {at} of {}); let it print JSON or text",
            error.as_bytes().len()
        ))
    })?;
    super::read_json_or_text(text)
        .map_err(|error| ToolError::permanent(format!("the program {name} printed {error}")))
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_status: ExitStatus) -> Option<i32> {
    None
}

fn signal_name(number: i32) -> &'static str {
    match number {
        1 => "hang-up",
        2 => "interrupt",
        4 => "illegal instruction",
        6 => "abort, often for lack of memory",
        7 => "bus error",
        8 => "arithmetic error",
        9 => "kill",
        11 => "invalid memory access",
        13 => "broken pipe",
        15 => "termination",
        24 => "processor time limit",
        31 => "refused system call",
        _ => "unnamed",
    }
}
