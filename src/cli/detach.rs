//! `plandeck run --detach`: starts a run in a process of its own, without a screen.

use super::args::run::{JournalWhen, RunArgs};
use super::failure::Failure;
use super::output::{note, out_json, out_line};
use crate::store::{Store, home};
use serde_json::{Value, json};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The variable that names the file in which the detached process says that its run has started.
const REPORT: &str = "PLANDECK_DETACHED";
/// How often that is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How long a question waits for an answer by default: such a run is there to be steered from elsewhere.
const ANSWER_WITHIN: &str = "--answer-within=600";
/// How long a run that has started may take until it is on record.
const RECORD_WITHIN: Duration = Duration::from_secs(5);

/// Starts the same command in a process of its own, prints the id of its run once it has started, and returns. Where
/// nothing ran, prints what that process said and returns its exit code.
pub(super) async fn detach(args: &RunArgs) -> Result<u8, Failure> {
    if args.record.journal == JournalWhen::Off {
        return Err(Failure::usage(
            "--detach needs a run that is recorded: leave out --journal off",
        ));
    }
    if args.plan.as_deref() == Some(Path::new("-")) {
        return Err(Failure::usage(
            "--detach cannot read the plan from standard input: give it as a file",
        ));
    }
    let trouble = |what: &str, error: &std::io::Error| Failure::usage(format!("{what}: {error}"));
    let home = home()?;
    let folder = home.join("log");
    std::fs::create_dir_all(&folder)
        .map_err(|error| trouble(&folder.display().to_string(), &error))?;
    let log = tempfile::Builder::new()
        .prefix("run-")
        .suffix(".log")
        .tempfile_in(&folder)
        .map_err(|error| trouble(&folder.display().to_string(), &error))?;
    let report = log.path().with_extension("started");
    let both = || log.reopen().map(Stdio::from);
    let program = std::env::current_exe().map_err(|error| trouble("this program", &error))?;
    let mut child = Command::new(program)
        .args(std::env::args_os().skip(1).filter(|arg| arg != "--detach"))
        .arg("--headless")
        .args(args.answer_within.is_none().then_some(ANSWER_WITHIN))
        .env(REPORT, &report)
        .stdin(Stdio::null())
        .stdout(both().map_err(|error| trouble("its log", &error))?)
        .stderr(both().map_err(|error| trouble("its log", &error))?)
        .spawn()
        .map_err(|error| trouble("this program", &error))?;
    loop {
        if let Some(run) = started(&report) {
            let _ = std::fs::remove_file(&report);
            // The next command of the user finds it.
            let _ = tokio::time::timeout(RECORD_WITHIN, recorded(&run)).await;
            let log = kept(log, &folder, &run);
            return tell(args, &run, &log);
        }
        if let Ok(Some(status)) = child.try_wait() {
            // It may have started and ended at once.
            if report.exists() {
                continue;
            }
            note(&std::fs::read_to_string(log.path()).unwrap_or_default());
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            return Ok(code.unwrap_or(super::failure::NOTHING_RAN));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Ends once a run is on record.
async fn recorded(run: &str) {
    while Store::open().and_then(|store| store.find(run)).is_err() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn started(report: &Path) -> Option<String> {
    let run = std::fs::read_to_string(report).ok()?;
    Some(run.strip_suffix('\n')?.to_owned())
}

/// What the detached process prints, under the name of its run.
fn kept(log: tempfile::NamedTempFile, folder: &Path, run: &str) -> PathBuf {
    let path = folder.join(format!("{run}.log"));
    match log.persist(&path) {
        Ok(_) => path,
        Err(error) => error.file.path().to_path_buf(),
    }
}

fn tell(args: &RunArgs, run: &str, log: &Path) -> Result<u8, Failure> {
    let answer: Value = json!({"run_id": run, "log": log});
    if args.json {
        out_json(&answer)?;
    } else {
        out_line(run)?;
    }
    Ok(0)
}

/// In a detached process: leaves the session of the terminal, and says which run has started.
pub(super) fn report_start(run_id: &str) {
    let Some(report) = std::env::var_os(REPORT) else {
        return;
    };
    // Fails where the process leads its group, and then it has no terminal to lose.
    let _ = rustix::process::setsid();
    let path = PathBuf::from(report);
    let half = path.with_extension("half");
    let written = File::create(&half).and_then(|mut file| {
        use std::io::Write;
        writeln!(file, "{run_id}")
    });
    // Where it cannot be written, whoever waits sees the end of the run.
    let _ = written.and_then(|()| std::fs::rename(&half, &path));
}
