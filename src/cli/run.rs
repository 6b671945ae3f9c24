//! `plandeck run`: a run with the dashboard, or without a screen.

use super::args::RunArgs;
use super::cut_short;
use super::dashboard;
use super::failure::Failure;
use super::fork::Fork;
use super::headless::{JsonLinesSink, ProgressSink};
use super::load::load;
use super::record::{Earlier, on_record};
use super::settings::Settings;
use super::signals::Signals;
use crate::engine::{Engine, Settings as EngineSettings, step_prices};
use crate::run::{ExecutionResult, RunCommand, RunOutcome, RunState};
use serde_json::Value;
use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::Path;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Commands that may wait for the engine.
const COMMANDS: usize = 64;

/// Runs a plan and gives the exit code.
pub async fn run(mut args: RunArgs) -> Result<u8, Failure> {
    if args.record.unknown.is_some() && args.record.resume.is_none() {
        return Err(Failure::usage("--unknown belongs to --resume or to a fork"));
    }
    if let Some(code) = cut_short::go_on(&mut args).await? {
        return Ok(code);
    }
    let earlier = Earlier::find(&args.record)?;
    run_from(args, earlier).await
}

/// The same where a run goes on with another one, or is forked from it; then the forks that are asked for in the
/// dashboard, one after the other.
pub async fn run_from(args: RunArgs, earlier: Option<Earlier>) -> Result<u8, Failure> {
    let mut next = (args.clone(), earlier);
    loop {
        let (code, fork) = Box::pin(run_once(next.0, next.1)).await?;
        let Some(fork) = fork else {
            return Ok(code);
        };
        let mut again = args.clone();
        again.record.resume = None;
        again.paused = false;
        // They are those of the first run.
        again.events = None;
        next = (again, Some(fork.earlier()?));
    }
}

async fn run_once(
    mut args: RunArgs,
    earlier: Option<Earlier>,
) -> Result<(u8, Option<Fork>), Failure> {
    let here = std::env::current_dir().unwrap_or_default();
    let settings = Settings::load(&here)?;
    if let Some(earlier) = &earlier {
        earlier.complete(&mut args)?;
    }
    settings.complete(&mut args.source, &mut args.screen)?;
    let Some(plan) = args.plan.clone() else {
        return Err(Failure::usage("which plan? plandeck run PLAN"));
    };
    let headless = is_headless(&args);
    if headless && args.paused {
        return Err(Failure::usage(
            "--paused needs the dashboard: without it nobody could go on",
        ));
    }
    let limits = settings.limits_of(&args)?;
    let loaded = load(&plan, &args.source, &settings).await?;
    loaded.refuse_unpriced(&limits, !args.no_track_cost)?;
    let engine_settings = EngineSettings {
        limits,
        track_cost: !args.no_track_cost,
        fail_fast: args.fail_fast,
        paused: args.paused,
        interactive: !headless,
        worker: loaded.worker.name().into(),
        simulated: loaded.worker.is_simulated(),
        rates: settings.rates_of(&args),
        seed: args.source.seed.unwrap_or_else(|| fastrand::u64(..)),
    };
    let prices = step_prices(&loaded.plan, &loaded.context, &*loaded.toolbox);
    let engine = Engine::new(
        loaded.plan.clone(),
        loaded.context.clone(),
        loaded.toolbox.clone(),
        engine_settings,
    )
    .with_prices(prices);
    // First of all sinks: nobody hears of an end that is not on record.
    let (engine, keep) = on_record(engine, &loaded, &args, earlier, headless)?;
    let engine = with_events(engine, &args)?;
    // Also with the dashboard: they stand in the scrollback when it was left.
    loaded.tell_warnings(args.screen.color.unwrap_or_default());
    let done = if headless {
        run_headless(engine, &args).await.map(|code| (code, None))
    } else {
        dashboard::open(engine, &loaded, &args).await
    };
    keep.tell();
    // As with the state of the run: freeing a large plan is of no use any more.
    std::mem::forget(loaded.plan.clone());
    done
}

/// Whether the run has no dashboard.
pub fn is_headless(args: &RunArgs) -> bool {
    let on_stdout = args.events.as_deref() == Some(Path::new("-"));
    args.headless
        || args.json
        || on_stdout
        || !std::io::stdout().is_terminal()
        || !std::io::stdin().is_terminal()
}

fn with_events(engine: Engine, args: &RunArgs) -> Result<Engine, Failure> {
    Ok(match args.events.as_deref() {
        None => engine,
        Some(file) if file == Path::new("-") => {
            engine.with_sink(JsonLinesSink::new(std::io::stdout()))
        }
        Some(file) => {
            let out = File::create(file)
                .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
            engine.with_sink(JsonLinesSink::new(out))
        }
    })
}

async fn run_headless(engine: Engine, args: &RunArgs) -> Result<u8, Failure> {
    let mut signals =
        Signals::new().map_err(|error| Failure::usage(format!("signals: {error}")))?;
    let (send, commands) = mpsc::channel(COMMANDS);
    let engine = engine.with_sink(ProgressSink::default());
    let mut running = tokio::spawn(engine.run(Instant::now(), commands));
    let mut signalled = None;
    let state = loop {
        tokio::select! {
            ended = &mut running => {
                break ended.map_err(|error| Failure::usage(format!("the engine failed: {error}")))?;
            }
            code = signals.next() => match signalled {
                None => {
                    signalled = Some(code);
                    // A full queue means that the engine is about to read it; the run may also be over.
                    let _ = send.try_send(RunCommand::Stop);
                }
                Some(_) => return Ok(code),
            }
        }
    };
    let result = ExecutionResult::of(&state);
    print(&result, args);
    let code = exit_code(&state, signalled);
    // The process ends: to free every row and every output by itself would only take time.
    std::mem::forget((state, result));
    Ok(code)
}

/// The exit code of a run that ended, or of the signal that stopped it.
pub fn exit_code(state: &RunState, signalled: Option<u8>) -> u8 {
    use crate::run::RunPhase::Ended;
    match (state.phase, signalled) {
        (Ended(RunOutcome::Succeeded), _) => 0,
        (_, Some(code)) => code,
        (Ended(RunOutcome::Failed), None) => 1,
        (Ended(RunOutcome::LimitExceeded), None) => 3,
        _ => 130,
    }
}

fn print(result: &ExecutionResult, args: &RunArgs) {
    let mut out = std::io::stdout().lock();
    let text = if args.json {
        serde_json::to_string(result).ok().map(escaped)
    } else if args.events.as_deref() == Some(Path::new("-")) {
        None
    } else {
        shown(&result.result)
    };
    if let Some(text) = text {
        // Whoever closed standard output does not want to hear of it.
        let _ = writeln!(out, "{text}");
        let _ = out.flush();
    }
}

/// The final result for people and pipes: text as it is, anything else as indented JSON.
fn shown(result: &Value) -> Option<String> {
    match result {
        Value::Null => None,
        Value::String(text) if std::io::stdout().is_terminal() => {
            let lines = text.lines().map(crate::text::line);
            Some(lines.collect::<Vec<_>>().join("\n"))
        }
        Value::String(text) => Some(text.clone()),
        other => serde_json::to_string_pretty(other).ok().map(escaped),
    }
}

/// JSON that no terminal can obey.
fn escaped(json: String) -> String {
    match crate::text::escape_json(&json) {
        std::borrow::Cow::Borrowed(_) => json,
        std::borrow::Cow::Owned(escaped) => escaped,
    }
}
