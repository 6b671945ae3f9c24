//! A server that is a program: starts it, follows its standard error, ends it with its connection.

use super::listeners::Listeners;
use super::observed::Observed;
use super::settings::with_variables;
use super::stdio::{Aside, Pipes};
use super::surroundings::Surroundings;
use crate::run::LogStream;
use crate::tools::group::{Group, Keeper};
use crate::tools::kinds::process::log::ErrorLog;
use crate::tools::launch::{self, GRACE, NOT_STARTED_MARK};
use crate::tools::passed_on::passed_on;
use crate::tools::{CallLog, SharedSecrets};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio_util::sync::CancellationToken;

/// What is wrong with a launcher that did not say it is one.
const NO_LAUNCHER: &str = "programs are started with one that is not plandeck, or of another version; \
     set PLANDECK_EXE to the path of the plandeck program";

/// A program that can be started.
pub(super) struct Startable {
    command: Command,
    keeper: Keeper,
    launched: bool,
    program: String,
}

/// What to start it with.
pub(super) struct Parts<'a> {
    pub command: &'a [Arc<str>],
    pub env: &'a [(Arc<str>, Arc<str>)],
    pub cwd: Option<&'a str>,
    pub folder: Option<&'a Path>,
}

/// Makes the command: the environment is the minimal one that every program gets, and what `env` names.
pub(super) fn prepare(
    parts: &Parts<'_>,
    surroundings: &Surroundings<'_>,
) -> Result<Startable, String> {
    let read =
        |text: &str| with_variables(text, surroundings.environment).map_err(|e| e.to_string());
    let words = parts.command.iter().map(|word| read(word));
    let words: Vec<String> = words.collect::<Result<_, _>>()?;
    let folder = parts.folder.filter(|folder| !folder.as_os_str().is_empty());
    let name = words.first().map_or("", String::as_str);
    let program = match folder {
        Some(folder) if name.contains('/') => folder.join(name),
        _ => PathBuf::from(name),
    };
    let program = if program.is_relative() && program.components().count() > 1 {
        std::path::absolute(&program).unwrap_or(program)
    } else {
        program
    };
    let starter = cfg!(unix)
        .then(|| surroundings.program.path().ok())
        .flatten();
    let launched = starter.is_some();
    let mut command = match starter {
        Some(path) => {
            let mut command = Command::new(path);
            let parent = std::process::id().to_string();
            command.args(["__launch", "--parent", &parent]);
            launch::with_group(&mut command);
            command.arg("--").arg(program);
            command
        }
        None => Command::new(program),
    };
    command.env_clear().envs(passed_on());
    for (name, value) in parts.env {
        command.env(&**name, read(value)?);
    }
    command
        .args(&words[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let keeper = if launched && cfg!(target_os = "linux") {
        Keeper::Supervisor
    } else {
        Keeper::ThisProcess
    };
    command.kill_on_drop(keeper == Keeper::ThisProcess);
    #[cfg(unix)]
    if !launched {
        command.process_group(0);
    }
    let cwd = parts.cwd.map(&read).transpose()?;
    let cwd = cwd.map(|cwd| folder.map_or_else(|| PathBuf::from(&cwd), |folder| folder.join(&cwd)));
    if let Some(cwd) = cwd.as_deref().or(folder) {
        if !cwd.is_dir() {
            return Err(format!(
                "the folder {} to run in does not exist",
                cwd.display()
            ));
        }
        command.current_dir(cwd);
    }
    Ok(Startable {
        command,
        keeper,
        launched,
        program: name.to_owned(),
    })
}

/// Starts it. It ends with the pipes that are returned.
pub(super) fn start(
    startable: &mut Startable,
    listeners: &Arc<Listeners>,
    observed: &Arc<Observed>,
    secrets: &SharedSecrets,
) -> Result<Pipes<ChildStdout, ChildStdin>, String> {
    let (mut child, group) = Group::start(&mut startable.command, startable.keeper)
        .map_err(|error| not_started(&startable.program, &error.to_string()))?;
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(format!("the program {} has no pipes", startable.program));
    };
    let log: CallLog = {
        let (listeners, observed) = (Arc::clone(listeners), Arc::clone(observed));
        Arc::new(move |stream: LogStream, line: &str| {
            observed.said(line);
            listeners.say(stream, line);
        })
    };
    let (now, launched) = (secrets.now(), startable.launched);
    let said = tokio::spawn(async move { ErrorLog::follow(&log, now, launched, stderr).await });
    let ending = CancellationToken::new();
    let end = ending.clone().drop_guard();
    let watched = Arc::clone(observed);
    tokio::spawn(async move {
        let status = until_ended(child, group, &ending).await;
        // What it wrote last says why it ended; something that it started may hold the pipe open.
        let said = tokio::time::timeout(GRACE, said).await;
        let other = matches!(said, Ok(Ok(said)) if launched && !said.by_launcher);
        let tail = watched.tail();
        if let Some((_, error)) = tail.split_once(NOT_STARTED_MARK) {
            let (program, error) = error.split_once(": ").unwrap_or(("", error));
            watched.missing(not_started(program, error));
        } else if other {
            watched.missing(NO_LAUNCHER.to_owned());
        } else {
            watched.exited(how(status));
        }
        watched.ended.cancel();
    });
    let aside = Aside {
        listeners: Arc::clone(listeners),
        observed: Arc::clone(observed),
        secrets: secrets.clone(),
    };
    Ok(Pipes::new(stdout, stdin, aside, end))
}

/// Waits for its end, or ends it: the end of its input asks it to, and what is left shortly after is ended.
async fn until_ended(
    mut child: Child,
    mut group: Group,
    ending: &CancellationToken,
) -> Option<ExitStatus> {
    let status = tokio::select! {
        status = child.wait() => status,
        () = ending.cancelled() => {
            if let Ok(status) = tokio::time::timeout(GRACE, child.wait()).await {
                status
            } else {
                group.end(&mut child).await;
                return None;
            }
        }
    };
    group.ended(status.as_ref().ok().copied());
    status.ok()
}

fn not_started(program: &str, error: &str) -> String {
    let error = error.lines().next().unwrap_or_default().trim();
    format!("{program} cannot be started ({error}); install it, or give its path in `command`")
}

fn how(status: Option<ExitStatus>) -> String {
    match status.and_then(|status| status.code()) {
        Some(0) => "its program ended".to_owned(),
        Some(code) => format!("its program exited with code {code}"),
        None => "its program was ended by a signal".to_owned(),
    }
}
