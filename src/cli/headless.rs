//! Runs a plan without the dashboard: plain progress on standard error, the result on standard output.

use super::args::run::RunArgs;
use super::failure::Failure;
use super::output::{notes, out_json, out_line};
use super::signals::Signals;
use super::sinks::ProgressSink;
use super::terminal::exit_code;
use crate::run::{ExecutionResult, RunCommand};
use crate::session::PreparedRun;
use crate::text::escape_json;
use serde_json::Value;
use std::io::IsTerminal;
use std::path::Path;

/// Runs to the end, or to the second signal, and returns the exit code.
pub async fn run(prepared: PreparedRun, args: &RunArgs) -> Result<u8, Failure> {
    let mut signals =
        Signals::new().map_err(|error| Failure::usage(format!("signals: {error}")))?;
    let mut live = prepared.with_sink(ProgressSink::default()).start();
    let mut signalled = None;
    let state = loop {
        tokio::select! {
            ended = live.ended() => break ended?,
            code = signals.next() => match signalled {
                None => {
                    signalled = Some(code);
                    // Fails if the run has already ended.
                    let _ = live.commands().send(RunCommand::Stop);
                }
                Some(_) => return Ok(code),
            }
        }
    };
    let result = ExecutionResult::of(&state);
    let printed = print(&result, args);
    notes(
        live.release().as_slice(),
        args.screen.color.unwrap_or_default(),
    );
    printed?;
    let code = exit_code(&state, signalled);
    // The process exits next: freeing every step and output one by one would only take time.
    std::mem::forget((state, result));
    Ok(code)
}

fn print(result: &ExecutionResult, args: &RunArgs) -> Result<(), Failure> {
    if args.json {
        return out_json(result);
    }
    if args.events.as_deref() == Some(Path::new("-")) {
        return Ok(());
    }
    printable(&result.result).map_or(Ok(()), |text| out_line(&text))
}

/// The final result as printed: text as it is, anything else as indented JSON; `None` for null.
fn printable(result: &Value) -> Option<String> {
    match result {
        Value::Null => None,
        Value::String(text) if std::io::stdout().is_terminal() => {
            let lines = text.lines().map(crate::text::line);
            Some(lines.collect::<Vec<_>>().join("\n"))
        }
        Value::String(text) => Some(text.clone()),
        other => {
            let text = serde_json::to_string_pretty(other).ok()?;
            Some(escape_json(&text).into_owned())
        }
    }
}
