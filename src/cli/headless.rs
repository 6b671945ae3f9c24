//! Runs a plan without the dashboard: plain progress on standard error, the result on standard output.

use super::args::run::{JournalWhen, RunArgs};
use super::failure::Failure;
use super::output::{self, notes, out_json, out_line};
use super::terminal::exit_code;
use super::until_end::{End, Until, until_end};
use crate::control::Door;
use crate::run::ExecutionResult;
use crate::session::{ForkRequest, LiveEdits, PreparedRun};
use crate::text::escape_json;
use serde_json::{Value, json};
use std::io::IsTerminal;
use std::path::Path;

/// Runs to the end, or to the second signal, and returns the exit code, and the run to which this one has handed over.
pub(super) async fn run(
    prepared: PreparedRun,
    door: Option<Door>,
    args: &RunArgs,
    edits: &LiveEdits,
) -> Result<(u8, Option<ForkRequest>), Failure> {
    let recorded = args.record.journal != JournalWhen::Off;
    let run = recorded.then(|| prepared.run_id().to_string());
    let Until { live, end, server } = until_end(prepared, door).await?;
    let (state, signalled) = match end {
        End::Ended(state, signalled) => (state, signalled),
        End::Left(code) => return Ok((code, None)),
    };
    let color = args.screen.color.unwrap_or_default();
    if let Some(next) = ForkRequest::of_hand_over(&state, edits) {
        // The run that goes on may listen at the same address.
        drop(server);
        notes(live.release().as_slice(), color);
        return Ok((0, Some(next)));
    }
    let result = ExecutionResult::of(&state);
    let printed = print(&result, args);
    let broken = live.release();
    notes(broken.as_slice(), color);
    let mut code = exit_code(&state, signalled);
    if let Err(failure) = printed {
        let lost = failure.of_result(run.filter(|_| broken.is_none()));
        output::failure(&lost, color);
        // What became of the run says more, where it did not succeed.
        code = if code == 0 { lost.code() } else { code };
    }
    // The process exits next: freeing every step and output one by one would only take time.
    std::mem::forget((state, result));
    Ok((code, None))
}

fn print(result: &ExecutionResult, args: &RunArgs) -> Result<(), Failure> {
    if let Some(planning) = &args.planning {
        let mut both = planning.clone();
        both["run"] = json!(result);
        return out_json(&both);
    }
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
