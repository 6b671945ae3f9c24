//! `plandeck show`: prints the result of a run.

use super::args::history::ShowArgs;
use super::failure::Failure;
use super::output::{out, out_json};
use super::recorded::recording;
use super::terminal::stdout_colour;
use crate::report::{result_of, savings, short, sum_in_words, summary};
use crate::run::{RunState, RunWord, StepSource, StepState, figures};
use crate::text::format;
use std::collections::HashMap;
use std::fmt::Write as _;

/// Prints the result of a run; of an interrupted one, as far as it got.
pub fn show(args: &ShowArgs) -> Result<u8, Failure> {
    let recording = recording(&args.run)?;
    let state = RunState::from_events(&recording.events);
    let status = recording.summary.status;
    if args.json {
        let result = result_of(&state, status.word());
        out_json(&result)?;
        return Ok(0);
    }
    let mut text = summary(&state, stdout_colour());
    let critical = on_the_critical_path(&state);
    let rows = state.steps.iter().enumerate();
    for (at, row) in rows.filter(|(_, row)| row.info.parent.is_none()) {
        let ended = row
            .ended_at
            .map_or_else(String::new, |at| format!("{:>9.3}s", at.seconds()));
        let status = match (status, row.running_attempt()) {
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
        for (_, end) in row
            .attempts
            .iter()
            .filter_map(|attempt| attempt.end.as_ref())
        {
            if let Some(sum) = sum_in_words(end) {
                let model = end.model.as_deref().unwrap_or("call");
                let model = crate::text::fit(model, 40);
                let _ = writeln!(text, "{:25}attempt {}, {model}: {sum}", "", end.attempt);
            }
        }
    }
    if let Some(from) = &recording.summary.forked_from {
        let _ = writeln!(text, "forked from run {from}");
    }
    if status == RunWord::Interrupted {
        let _ = writeln!(
            text,
            "interrupted; resume with: plandeck run --resume {}",
            recording.summary.run_id
        );
    }
    out(&text)?;
    Ok(0)
}

/// Where an output came from if its tool was not called, and what that saved.
fn origin(row: &StepState) -> String {
    let word = match row.source {
        Some(StepSource::Cache) => "from the cache",
        Some(StepSource::Recorded) => "recorded",
        Some(StepSource::Mock) => "supplied by the user",
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
        notes.push("input set by the user".to_owned());
    }
    notes.retain(|note| !note.is_empty());
    if notes.is_empty() {
        String::new()
    } else {
        format!("  ({})", notes.join("; "))
    }
}

/// For each step on the critical path: the most that speeding it up could save, in words.
fn on_the_critical_path(state: &RunState) -> HashMap<usize, String> {
    let figures = figures(state, state.at);
    let rows = figures.critical_path.iter().zip(&figures.potential);
    rows.map(|(ix, potential)| {
        let saved = format::duration(*potential);
        (ix.at(), format!("  critical path, could save {saved}"))
    })
    .collect()
}
