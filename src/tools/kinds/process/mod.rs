//! `process` tools: a program that reads the parameters as JSON from standard input and prints its output as JSON
//! or text.
//!
//! The program runs under a launcher, in a session of its own. It is killed with everything that it started when the
//! call is cancelled or dropped, and when the program has ended: processes that it left in the background do not
//! outlive the call. Lines on its standard error go to the log at once, and those on its standard output unless they are a
//! JSON value.

mod command;
mod confined;
pub(in crate::tools) mod log;
mod output;

use crate::models::CostBasis;
use crate::models::off_thread::off_thread;
use crate::run::NotReused;
use crate::tools::cancel::cancellable;
use crate::tools::definition::{
    BuildContext, BuildError, FingerprintParts, KindEntry, ToolDefinition, ToolSettings,
};
use crate::tools::fields::Fields;
use crate::tools::group::Group;
use crate::tools::kind::DAY;
use crate::tools::passed_on::passed_on;
use crate::tools::services::Services;
use crate::tools::{Call, CallPolicy, CallReport, FileInputs, Reaches, Tool, ToolError, ToolKind};
use command::{Prepared, hold, no_launcher, not_started};
use confined::Confined;
pub use confined::JailSettings;
use futures::FutureExt;
use futures::future::BoxFuture;
use log::{ErrorLog, OutputLog, log_value};
use output::{Printed, collect, failure, feed, launch_failure, read_output};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long the pipes of a program that has ended are still read. A process that left its group may hold them open.
const DRAIN: Duration = Duration::from_secs(1);

pub(in crate::tools) static KIND: ToolKind = ToolKind {
    free: true,
    takes_key: true,
    time_to_live: DAY,
    ..ToolKind::new("process")
};

pub(super) static ENTRY: KindEntry = KindEntry {
    kind: &KIND,
    fields: &["command", "cwd", "env", "inputs", "jail"],
    implied_by: &["command"],
    rank: 1,
    parse: |fields| Arc::new(parse(fields)),
};

/// A program.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessSettings {
    /// The program and its arguments; at least one.
    pub command: Vec<Arc<str>>,
    /// Where it runs; the catalog's folder where it is not given.
    pub cwd: Option<PathBuf>,
    /// Variables added to the environment, with `${VAR}` for others and `{{name}}` for parameters.
    pub env: Vec<(Arc<str>, Arc<str>)>,
    /// Files, folders and globs that determine its output, relative to where it runs.
    pub inputs: Vec<Arc<str>>,
    /// What it may reach; `None` where it has no jail.
    pub jail: Option<JailSettings>,
}

fn parse(fields: &mut Fields<'_>) -> ProcessSettings {
    if !fields.has("command") {
        fields.fault("command", "a process tool needs a `command`");
    }
    let command = fields.command("command").unwrap_or_default();
    let cwd = fields.text("cwd").map(|cwd| fields.path(&cwd));
    ProcessSettings {
        command,
        cwd,
        env: fields.texts("env"),
        inputs: inputs(fields),
        jail: confined::parse(fields),
    }
}

fn inputs(fields: &mut Fields<'_>) -> Vec<Arc<str>> {
    let mut inputs = Vec::new();
    for input in fields.list("inputs").unwrap_or_default() {
        match input.as_str() {
            Some(name) if !name.trim().is_empty() => match glob::Pattern::new(name) {
                Ok(_) => inputs.push(name.into()),
                Err(error) => fields.fault("inputs", format!("`inputs`: \"{name}\": {error}")),
            },
            _ => fields.fault(
                "inputs",
                "`inputs` must be a list of files, folders and globs",
            ),
        }
    }
    inputs
}

impl ToolSettings for ProcessSettings {
    fn kind(&self) -> &'static ToolKind {
        &KIND
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Arc<dyn Tool>, BuildError> {
        Ok(Arc::new(ProcessTool {
            program: Arc::new(Program {
                process: self.clone(),
                folder: context.definition.folder.clone(),
            }),
            policy: context.definition.policy(),
            services: context.services.clone(),
        }))
    }

    fn reaches(&self, _definition: &ToolDefinition, reaches: &mut Reaches) {
        let words = self.command.iter().map(|word| &**word);
        match &self.jail {
            None => reaches.program(words),
            Some(jail) => reaches.program_in(words, jail.in_words()),
        }
        reaches.variables_in(self.env.iter().map(|(_, value)| &**value));
    }

    fn programs(&self, definition: &ToolDefinition) -> Option<FileInputs> {
        Some(self.files(definition))
    }

    fn fingerprint(&self, parts: &mut FingerprintParts<'_>) -> Option<NotReused> {
        parts.put("command", json!(self.command));
        let catalog = parts.definition.folder.as_deref();
        let catalog = catalog.map(PathBuf::as_path);
        // A catalog is the same in another folder, and on another machine.
        let cwd = self.cwd.as_deref().map(|cwd| within(catalog, cwd));
        parts.put("cwd", json!(cwd.filter(|cwd| *cwd != PathBuf::new())));
        parts.put("env", json!(self.env));
        let jail = self.jail.as_ref().map(|jail| jail.to_value_in(catalog));
        parts.put("jail", json!(jail));
        // Absolute, so that the fingerprint does not depend on how the path of the catalog was written.
        let folder = self.cwd.as_deref().or(catalog).map(absolute);
        parts.value(
            "cwd",
            folder.map(|folder| folder.to_string_lossy().into_owned()),
        );
        if !self.inputs.is_empty() {
            parts.put("inputs", json!(self.inputs));
        }
        parts.variables(self.env.iter().map(|(_, value)| &**value));
        for (name, value) in passed_on() {
            parts.value(name, Some(value.to_string_lossy().into_owned()));
        }
        parts.files = Some(self.files(parts.definition));
        parts.unless_it_reads(false)
    }
}

impl ProcessSettings {
    /// The files that determine the output.
    fn files(&self, definition: &ToolDefinition) -> FileInputs {
        self.files_in(definition.folder.as_deref())
    }

    /// The same, of a catalog in this folder.
    fn files_in(&self, catalog: Option<&PathBuf>) -> FileInputs {
        let catalog = catalog.map(PathBuf::as_path);
        let cwd = self.cwd.as_deref().or(catalog);
        FileInputs::new(&self.command, catalog, cwd, &self.inputs)
    }
}

/// The path as the catalog in this folder can have it; empty where it is the folder.
fn within(catalog: Option<&Path>, path: &Path) -> PathBuf {
    let path = absolute(path);
    let inside = catalog.and_then(|folder| path.strip_prefix(absolute(folder)).ok());
    inside.map_or_else(|| path.clone(), Path::to_path_buf)
}

fn absolute(folder: &Path) -> PathBuf {
    // The empty path is the current folder.
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    std::path::absolute(folder)
        .map_or_else(|_| folder.to_path_buf(), |path| path.components().collect())
}

struct ProcessTool {
    program: Arc<Program>,
    policy: CallPolicy,
    services: Arc<Services>,
}

struct Program {
    process: ProcessSettings,
    /// The catalog's.
    folder: Option<Arc<PathBuf>>,
}

impl Program {
    /// The command as a shell reads it, after a change of the folder where it runs in another one than this process.
    fn command_line(&self) -> String {
        let words = || self.process.command.iter().map(|word| &**word);
        let command = shlex::try_join(words()).unwrap_or_else(|_| self.process.command.join(" "));
        let folder = self.process.cwd.as_deref();
        let folder = folder.or(self.folder.as_deref().map(PathBuf::as_path));
        let folder = folder
            .map(absolute)
            .filter(|folder| std::env::current_dir().is_ok_and(|here| absolute(&here) != *folder));
        match folder {
            None => command,
            Some(folder) => {
                let folder = folder.to_string_lossy();
                match shlex::try_quote(&folder) {
                    Ok(quoted) => format!("cd {quoted} && {command}"),
                    Err(_) => command,
                }
            }
        }
    }
}

impl Tool for ProcessTool {
    fn kind(&self) -> &'static ToolKind {
        &KIND
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let (program, services) = (self.program.clone(), self.services.clone());
        async move {
            let mut started = Started::default();
            let mut report = CallReport::free(run(&program, &services, &call, &mut started).await);
            report.hide(&services.secrets.now());
            if started.is {
                // The command that was run, for the record.
                let mut command = program.command_line();
                if let Some(jail) = started.jail {
                    command = format!("{command}\n# {jail}");
                }
                report.prompt = Some(command.into());
            } else {
                report.basis = CostBasis::NotSent;
            }
            report
        }
        .boxed()
    }

    fn policy(&self) -> CallPolicy {
        self.policy
    }
}

/// What is known of a call that was begun.
#[derive(Default)]
struct Started {
    /// Whether the program was started.
    is: bool,
    /// What its jail lets through.
    jail: Option<String>,
}

async fn run(
    settings: &Program,
    services: &Services,
    call: &Call,
    started: &mut Started,
) -> Result<Value, ToolError> {
    let Prepared {
        mut command,
        keeper,
        launched,
        share,
        confined,
    } = command::prepare(settings, services, call)?;
    started.jail = confined.as_ref().map(Confined::in_words);
    let secrets = services.secrets.now();
    let name = &settings.process.command[0];
    let (mut child, mut group) = Group::start(&mut command, keeper)
        .map_err(|error| not_started(name, &error.to_string(), error.kind()))?;
    started.is = true;
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
        let fed = feed(stdin, Arc::clone(&call.input));
        let pipes = async {
            let printed = OutputLog::new(call, Arc::clone(&secrets));
            let log = async {
                let secrets = Arc::clone(&secrets);
                Ok(ErrorLog::follow(&call.log, secrets, launched, stderr).await)
            };
            tokio::try_join!(collect(stdout, printed), log)
        };
        tokio::pin!(fed, pipes);
        let (mut is_fed, mut read) = (false, None);
        let status = loop {
            tokio::select! {
                () = &mut fed, if !is_fed => is_fed = true,
                // Too much output ends all of it; what the program still prints does not matter.
                all = &mut pipes, if read.is_none() => read = Some(all?),
                // What it has not read by then is not waited for.
                status = child.wait() => break status,
            }
        };
        group.ended(status.as_ref().ok().copied());
        let (output, said) = match read {
            Some(all) => all,
            None => tokio::time::timeout(DRAIN, pipes).await.map_err(|_| {
                ToolError::permanent(format!(
                    "the program {name} ended, but something it started still holds its output"
                ))
            })??,
        };
        let status = status.map_err(|error| {
            ToolError::permanent(format!("the program {name} was lost: {error}"))
        })?;
        Ok::<_, ToolError>((output, status, said))
    };
    let ended = cancellable(&call.cancel, work).await;
    let (printed, status, said) = match ended {
        Ok(ended) => ended?,
        Err(cancelled) => {
            group.end(&mut child).await;
            return Err(cancelled);
        }
    };
    let tail = secrets.redact(&said.tail);
    let not_launched = launched.then(|| {
        if said.by_launcher {
            launch_failure(name, status, &tail)
        } else {
            Some(no_launcher(services))
        }
    });
    if let Some(error) = not_launched.flatten() {
        started.is = false;
        return Err(error);
    }
    let Printed { output, value } = printed;
    if !status.success() {
        // A value is no output now, and may say why.
        log_value(call, &secrets, &value);
        return Err(failure(name, status, &tail));
    }
    let name = Arc::clone(name);
    off_thread(output.len(), move || read_output(&name, output)).await
}
