//! Starts a program with its limits, its folder and its environment.

use super::Program;
use super::confined::Confined;
use crate::tools::group::Keeper;
use crate::tools::launch;
use crate::tools::passed_on::passed_on;
use crate::tools::services::Services;
use crate::tools::template::{Missing, TemplateRenderer};
use crate::tools::{Call, ToolError};
use serde_json::Map;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::process::Command;
use tokio_util::task::AbortOnDropHandle;

/// The variable that has the name of the attempt.
const ATTEMPT: &str = "PLANDECK_ATTEMPT";
/// The variable that has the span of the attempt, where OpenTelemetry looks for it.
const TRACE: &str = "TRACEPARENT";

/// A command that is ready to be started.
pub(super) struct Prepared {
    pub command: Command,
    /// Who ends what the program starts.
    pub keeper: Keeper,
    /// Whether the command is a launcher that becomes the program or supervises it.
    pub launched: bool,
    /// The processor share that this process enforces itself, in percent of one core; `None` where the launcher does.
    pub share: Option<u32>,
    /// The jail, where it has one; its temporary folder goes with it.
    pub confined: Option<Confined>,
}

/// Enforces a group's processor share until the returned handle is dropped.
#[cfg(target_os = "linux")]
pub(super) fn hold(leader: u32, percent: u32) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(launch::share::hold(leader, percent)))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn hold(_leader: u32, _percent: u32) {}

/// What is wrong with a launcher that did not say it is one.
pub(super) fn no_launcher(services: &Services) -> ToolError {
    let path = services.sandbox.program().path();
    let path = path.map_or_else(|_| "plandeck".into(), |path| path.display().to_string());
    ToolError::permanent(format!(
        "programs cannot be started with {path}: it is not a plandeck program, or one of another version; \
         set PLANDECK_EXE to the path of the plandeck program"
    ))
}

/// The command where there is no launcher, in a program that uses the library: a shell sets the memory limit.
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

pub(super) fn prepare(
    settings: &Program,
    services: &Services,
    call: &Call,
) -> Result<Prepared, ToolError> {
    let process = &settings.process;
    let folder = settings
        .folder
        .as_deref()
        .map(PathBuf::as_path)
        .filter(|folder| !folder.as_os_str().is_empty());
    // A relative path of a program starts from the catalog's folder, not from where the program runs.
    let program = match folder {
        Some(folder) if process.command[0].contains('/') => folder.join(&*process.command[0]),
        _ => PathBuf::from(&*process.command[0]),
    };
    let program = if program.is_relative() && program.components().count() > 1 {
        std::path::absolute(&program).unwrap_or(program)
    } else {
        program
    };
    let confined = match &process.jail {
        None => None,
        Some(jail) => Some(Confined::new(jail, settings, &program, services)?),
    };
    let jail = confined
        .as_ref()
        .and_then(|confined| confined.jail.as_ref());
    let limited = call.max_memory_mb.is_some() || call.max_cpu_percent.is_some();
    // On other systems a launcher has nothing to do without limits.
    let starter = (limited || cfg!(unix)).then(|| services.sandbox.program().path());
    let launched = matches!(starter, Some(Ok(_)));
    let mut share = None;
    let mut command = match starter {
        None => Command::new(program),
        Some(Ok(path)) => {
            let mut command = Command::new(path);
            let parent = std::process::id().to_string();
            command.args(["__launch", "--parent", &parent]);
            if let Some(memory) = call.max_memory_mb {
                command.args(["--memory-mb", &memory.to_string()]);
            }
            if let Some(percent) = call.max_cpu_percent {
                command.args(["--cpu-percent", &percent.to_string()]);
            }
            launch::with_group(&mut command);
            if let Some(jail) = jail {
                let jail = serde_json::to_string(jail).map_err(|error| {
                    ToolError::permanent(format!(
                        "the jail of {} cannot be made: {error}",
                        process.command[0]
                    ))
                })?;
                command.args(["--jail", &jail]);
            }
            command.arg("--").arg(program);
            command
        }
        // Without a launcher nothing can go into the jail.
        Some(Err(why)) if jail.is_some() => return Err(why),
        // On other systems nothing else can enforce the limit.
        Some(Err(why)) if limited && cfg!(not(target_os = "linux")) => return Err(why),
        Some(Err(_)) => {
            share = call.max_cpu_percent;
            without_launcher(program, call)
        }
    };
    // Keys of providers and other variables are none of the program's business.
    command
        .env_clear()
        .envs(passed_on())
        .env(ATTEMPT, &*call.idempotency_key)
        .envs(call.trace.as_deref().map(|trace| (TRACE, trace)));
    let none = Map::new();
    let parameters = call.input.as_object().unwrap_or(&none);
    let mut renderer =
        TemplateRenderer::new(parameters, Missing::Error).with_environment(&services.environment);
    if let Some(confined) = &confined {
        command.env("TMPDIR", confined.temporary.path());
    }
    for (name, value) in &process.env {
        let value = renderer.text(value, str::to_owned);
        let value =
            value.map_err(|error| ToolError::permanent(format!("in `env`, {name}: {error}")))?;
        command.env(&**name, value);
    }
    command
        .args(process.command[1..].iter().map(|argument| &**argument))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let keeper = if launched && cfg!(target_os = "linux") {
        Keeper::Supervisor
    } else {
        Keeper::ThisProcess
    };
    // A supervisor ends its program first; its group tells it to.
    command.kill_on_drop(keeper == Keeper::ThisProcess);
    // A launcher leads a session, and so a group.
    #[cfg(unix)]
    if !launched {
        command.process_group(0);
    }
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
        keeper,
        launched,
        share,
        confined,
    })
}

pub(super) fn not_started(name: &str, error: &str, kind: io::ErrorKind) -> ToolError {
    let remedy = match kind {
        io::ErrorKind::NotFound => "install it, or give its path in the tool's `command`",
        io::ErrorKind::PermissionDenied => {
            "make it executable, or name its interpreter first in the tool's `command`"
        }
        _ => "check that it runs on its own",
    };
    ToolError::permanent(format!(
        "the program {name} cannot be started: {error}; {remedy}"
    ))
}
