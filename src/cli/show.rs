//! `plandeck show`, `diff`, `export` and `replay`: what is on record of a run.

use super::archive::WithArchive;
use super::args::{DiffArgs, ExplainArgs, ExportArgs, ExportFormat, ReplayArgs, RunArgs, ShowArgs};
use super::failure::Failure;
use super::fork::Fork;
use super::load::screen_options;
use super::record::fault;
use super::replayed::{ReplayFeed, Tape};
use super::run::run_from;
use super::signals::Signals;
use crate::plan::StepIx;
use crate::report::{
    Progress, RunDiff, csv, explain, json_lines, result_of, savings, short, summary, trace,
};
use crate::run::{Fact, RunEvent, RunState, StepSource, StepState, figures};
use crate::store::{Recording, RunWord, Store};
use crate::text::format;
use crate::tui::{self, Feed, Outcome};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::Path;

fn recording(name: &str) -> Result<Recording, Failure> {
    let load = || {
        let store = Store::open()?;
        Ok(store.load(&store.find(name)?))
    };
    let recording: Recording = load().map_err(fault)?;
    if let Some(damage) = &recording.damage {
        note_line!(
            "plandeck: warning: {}",
            crate::text::line(&damage.to_string())
        );
    }
    if recording.unrecorded {
        note_line!(
            "plandeck: warning: the journal broke while this run went on: more happened than is on record"
        );
    }
    Ok(recording)
}

/// Prints the result of a run as far as it got.
pub fn show(args: &ShowArgs) -> Result<u8, Failure> {
    let recording = recording(&args.run)?;
    let state = RunState::from_events(&recording.events);
    let status = recording.summary.status;
    if args.json {
        let result = result_of(&state, status.word());
        super::say(&(result.to_string() + "\n"));
        return Ok(0);
    }
    let colour = std::io::stdout().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let mut text = summary(&state, colour);
    let critical = on_the_critical_path(&state);
    let rows = state.steps.iter().enumerate();
    for (at, row) in rows.filter(|(_, row)| row.info.parent.is_none()) {
        let ended = row
            .ended_at
            .map_or_else(String::new, |at| format!("{:>9.3}s", at.seconds()));
        let status = match (status, row.under_way()) {
            (RunWord::Interrupted, Some(_)) => "unknown",
            _ => row.status.word(),
        };
        let id = crate::text::fit(&row.info.id, 60);
        let path = critical.get(&at).map_or("", String::as_str);
        let _ = writeln!(
            text,
            "  {status:<10} {ended:>10}  {id}{path}{}",
            origin(row)
        );
    }
    if let Some(from) = &recording.summary.forked_from {
        let _ = writeln!(text, "forked from run {from}");
    }
    if status == RunWord::Interrupted {
        let _ = writeln!(
            text,
            "cut short; go on with: plandeck run --resume {}",
            recording.summary.run_id
        );
    }
    super::say(&text);
    Ok(0)
}

/// Where an output came from that was not called for, and what that saved.
fn origin(row: &StepState) -> String {
    let word = match row.source {
        Some(StepSource::Cache) => "from the cache",
        Some(StepSource::Recorded) => "recorded",
        Some(StepSource::Mock) => "supplied by a person",
        Some(StepSource::Call) | None => "",
    };
    let mut words = word.to_owned();
    if let Some(reused) = &row.reused {
        let (run, age) = (short(&reused.run_id), format::age(reused.age));
        let _ = write!(
            words,
            ": {age} old, of run {run}, saved {}",
            savings(reused)
        );
    }
    let mut notes = vec![words];
    if row.pinned {
        notes.push("pinned".to_owned());
    }
    if row.given.is_some() {
        notes.push("input set by a person".to_owned());
    }
    notes.retain(|note| !note.is_empty());
    if notes.is_empty() {
        String::new()
    } else {
        format!("  ({})", notes.join("; "))
    }
}

/// Prints why a step was called, or why it was not.
pub fn why(args: &ExplainArgs) -> Result<u8, Failure> {
    let recording = recording(&args.run)?;
    let state = RunState::from_events(&recording.events);
    let ids = || state.steps.iter().map(|row| &*row.info.id);
    let Some(at) = ids().position(|id| id == args.step) else {
        return Err(Failure::usage(no_such_step(&args.step, ids())));
    };
    let explanation = explain(&state, StepIx(at as u32));
    super::say(&if args.json {
        serde_json::to_string(&explanation).unwrap_or_default() + "\n"
    } else {
        explanation.map_or_else(String::new, |explanation| explanation.text())
    });
    Ok(0)
}

/// What is said of a step that is not there.
pub fn no_such_step<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let near = known
        .map(|id| (strsim::jaro_winkler(name, id), id))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((_, id)) => format!("there is no step {name:?}: did you mean {id:?}?"),
        None => format!("there is no step {name:?}"),
    }
}

/// What speeding each step of the critical path up could save at the most, in words.
fn on_the_critical_path(state: &RunState) -> HashMap<usize, String> {
    let figures = figures(state, state.at);
    let rows = figures.critical_path.iter().zip(&figures.potential);
    rows.map(|(ix, potential)| {
        let saved = format::duration(*potential);
        (ix.at(), format!("  critical path, could save {saved}"))
    })
    .collect()
}

/// Prints how two runs differ.
pub fn diff(args: &DiffArgs) -> Result<u8, Failure> {
    let [a, b] = [recording(&args.a)?, recording(&args.b)?];
    let states = [&a, &b].map(|run| RunState::from_events(&run.events));
    let words = [&a, &b].map(|run| run.summary.status.word());
    let diff = RunDiff::of([(&states[0], words[0]), (&states[1], words[1])]);
    super::say(&if args.json {
        serde_json::to_string(&diff).unwrap_or_default() + "\n"
    } else {
        diff.text()
    });
    Ok(0)
}

/// Prints a run in another format.
pub fn export(args: &ExportArgs) -> Result<u8, Failure> {
    let recording = recording(&args.run)?;
    let state = RunState::from_events(&recording.events);
    let status = recording.summary.status.word();
    let text = match args.format {
        ExportFormat::Json => result_of(&state, status).to_string() + "\n",
        ExportFormat::Jsonl => json_lines(&recording.events),
        ExportFormat::Csv => csv(&state, status),
        ExportFormat::Trace => trace(&state, status).to_string() + "\n",
    };
    match &args.output {
        None => super::say(&text),
        Some(file) => std::fs::write(file, text)
            .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?,
    }
    Ok(0)
}

/// Plays a recorded run again: in the dashboard on a terminal, as plain progress elsewhere.
pub async fn replay(args: ReplayArgs) -> Result<u8, Failure> {
    let file = Path::new(&args.run);
    let is_file = file.is_file();
    let events = if is_file {
        from_file(file)?
    } else if file.components().count() > 1 {
        return Err(Failure::usage(format!("{}: no such file", args.run)));
    } else {
        recording(&args.run)?.events
    };
    let Some(Fact::RunStarted(header)) = events.first().map(|event| &event.fact) else {
        return Err(Failure::usage(format!(
            "{}: there are no events of a run in it",
            args.run
        )));
    };
    let plan = header.plan.to_string();
    let headless =
        args.headless || !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal();
    if headless {
        return play(ReplayFeed::new(events, args.speed)).await;
    }
    let options = tui::Options {
        replay: Some(args.speed),
        forkable: !is_file,
        ..screen_options(plan, &args.screen)
    };
    let left = tui::run(WithArchive::new(Tape::new(events)), options).await;
    let left = left.map_err(|error| Failure::usage(error.to_string()))?;
    match left.outcome {
        Outcome::Signal(number) => Ok(128 + number as u8),
        Outcome::Fork(step) => {
            let Some(fork) = Fork::of(&left.run, step) else {
                return Ok(0);
            };
            let options = RunArgs {
                screen: args.screen,
                ..RunArgs::by_default()
            };
            run_from(options, Some(fork.earlier()?)).await
        }
        Outcome::Quit | Outcome::TerminalLost => Ok(0),
    }
}

/// Prints what happened, when it happened.
async fn play(mut feed: ReplayFeed) -> Result<u8, Failure> {
    let mut signals =
        Signals::new().map_err(|error| Failure::usage(format!("signals: {error}")))?;
    let mut progress = Progress::default();
    let mut events: Vec<RunEvent> = Vec::new();
    while !feed.is_over() {
        tokio::select! {
            () = feed.changed() => {}
            code = signals.next() => return Ok(code),
        }
        events.clear();
        feed.take(&mut events, usize::MAX);
        for line in events.iter().filter_map(|event| progress.line(event)) {
            super::say(&(line + "\n"));
        }
    }
    Ok(0)
}

/// Events as `--events` and `export --format jsonl` write them.
fn from_file(file: &Path) -> Result<Vec<RunEvent>, Failure> {
    let fault = |what: String| Failure::usage(format!("{}: {what}", file.display()));
    let bytes = std::fs::read(file).map_err(|error| fault(error.to_string()))?;
    let mut events: Vec<RunEvent> = Vec::new();
    for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let fault = |what: String| {
            let what = crate::text::fit(&what, 300);
            fault(format!(
                "line {}: {what}; a file of events is what `run --events FILE` and `export --format jsonl` write",
                at + 1
            ))
        };
        let event: RunEvent =
            serde_json::from_slice(line).map_err(|error| fault(format!("no event: {error}")))?;
        let first = matches!(event.fact, Fact::RunStarted(_));
        if first != events.is_empty() {
            return Err(fault(if first {
                "another run begins here".to_owned()
            } else {
                "the beginning of the run is missing".to_owned()
            }));
        }
        if event.seq != events.len() as u64 {
            return Err(fault(format!(
                "event {} stands where {} should",
                event.seq,
                events.len()
            )));
        }
        events.push(event);
    }
    Ok(events)
}
