//! `plandeck show`: prints the result of a run.

use super::args::history::ShowArgs;
use super::batch_show::show_batch;
use super::failure::Failure;
use super::named::batch_named;
use super::output::{out, out_json};
use super::recorded::recording;
use super::show_raw::show_raw;
use super::terminal::stdout_colour;
use crate::report::{
    given_in_words, handle_in_words, result_of, savings, settlement_in_words, short, sum_in_words,
    summary, watched,
};
use crate::run::{RunState, RunSummary, RunWord, Savings, StepSource, StepState, figures};
use crate::session::{
    Settings, filtered, recorded_catalog_of, recorded_plan_of, savings as savings_of,
};
use crate::text::format;
use crate::text::json::beginning;
use crate::units::Money;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

/// Cells of an output that is not as expected.
const MADE: usize = 200;

/// Prints the result of a run; of an interrupted one, as far as it got.
pub(super) async fn show(args: ShowArgs) -> Result<u8, Failure> {
    let args = &args;
    if args.plan || args.tools {
        return show_source(args);
    }
    let plain = !args.savings && args.raw.is_none() && args.watch.is_empty();
    if plain && let Some((store, batch)) = batch_named(&args.run)? {
        return Box::pin(show_batch(&store, &batch, args.json)).await;
    }
    let recording = recording(&args.run)?;
    let state = RunState::from_events(&recording.events);
    let status = recording.summary.status;
    if args.savings {
        return show_savings(args, &recording.summary, &state);
    }
    if !args.watch.is_empty() {
        return show_watched(args, &state).await;
    }
    if let Some(steps) = &args.raw {
        return show_raw(args, &state, steps);
    }
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
            .ended_at()
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
        if let Some(error) = row.error.as_ref().filter(|_| row.is_unexpected()) {
            let message = crate::text::line(&error.message);
            let _ = writeln!(text, "{:25}{message}", "");
        }
        if let Some(made) = &row.rejected {
            let made = crate::text::line(&beginning(made, MADE));
            let _ = writeln!(text, "{:25}it made {}", "", crate::text::fit(&made, MADE));
        }
        if !row.calls().is_empty() {
            let _ = writeln!(text, "{:25}{}", "", calls_in_words(&state, row));
        }
        if let Some(settlement) = &row.settlement {
            let _ = writeln!(text, "{:25}{}", "", settlement_in_words(settlement));
        }
        if let Some(words) = handle_in_words(row) {
            let _ = writeln!(text, "{:25}{words}", "");
        }
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
    if status == RunWord::Waiting {
        let _ = writeln!(
            text,
            "waiting; answer with: plandeck run --resume {} --approve STEP=yes",
            recording.summary.run_id
        );
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

/// Prints what the run was made from.
fn show_source(args: &ShowArgs) -> Result<u8, Failure> {
    if args.plan {
        let plan = recorded_plan_of(&args.run)?;
        let plan = plan.ok_or_else(|| Failure::usage("the plan of the run is not on record"))?;
        out(&plan)?;
        return Ok(0);
    }
    let record = recorded_catalog_of(&args.run)?.ok_or_else(|| {
        Failure::usage("the catalog of the run is not on record: an older version recorded it")
    })?;
    out_json(&record.to_catalog())?;
    Ok(0)
}

/// What the expressions make of the run; one that cannot be evaluated is a fault of the command.
async fn show_watched(args: &ShowArgs, state: &RunState) -> Result<u8, Failure> {
    let mut values = Map::new();
    let (root, mut faults) = (watched(state), Vec::new());
    for filter in &args.watch {
        match filtered(&root, filter).await {
            Ok(value) => drop(values.insert(filter.clone(), value)),
            Err(fault) => faults.push(format!("--watch {filter}: {fault}")),
        }
    }
    if args.json {
        out_json(&values)?;
    } else {
        for (filter, value) in &values {
            out(&format!("{}  {value}\n", crate::text::line(filter)))?;
        }
    }
    if faults.is_empty() {
        Ok(0)
    } else {
        Err(Failure::usage(faults.join("\n")))
    }
}

/// The tools that the code of a step has called, with how often.
fn calls_in_words(state: &RunState, row: &StepState) -> String {
    let mut tools: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let calls = row.calls().iter();
    for call in calls.filter_map(|ix| state.steps.get(ix.at())) {
        let (all, failed) = tools.entry(&call.info.tool).or_default();
        *all += 1;
        *failed += usize::from(call.status.went_wrong());
    }
    let words = tools.into_iter().map(|(tool, (all, failed))| {
        let tool = crate::text::fit(tool, 40);
        match failed {
            0 => format!("{tool} ×{all}"),
            failed => format!("{tool} ×{all} ({failed} failed)"),
        }
    });
    let words: Vec<String> = words.collect();
    format!("its code called {}", words.join(", "))
}

/// Prints what the plan saves, compared with a large model that does all the work.
fn show_savings(args: &ShowArgs, summary: &RunSummary, state: &RunState) -> Result<u8, Failure> {
    let settings = Settings::load(&std::env::current_dir().unwrap_or_default())?;
    let saved = savings_of(summary, state, args.planner.as_deref(), &settings)?;
    if args.json {
        out_json(&savings_to_json(&summary.run_id, &saved, args.executions))?;
    } else {
        out(&savings_to_text(&saved, args.executions))?;
    }
    Ok(0)
}

fn savings_to_json(run: &str, saved: &Savings, more: Option<u64>) -> Value {
    let rows = saved.rows(more).into_iter().map(|row| {
        json!({"executions": row.executions, "planned": row.planned, "all_large": row.all_large, "saved": row.all_large - row.planned})
    });
    json!({
        "run_id": run,
        "large_model": saved.large,
        "planning": {"cost": saved.planning, "source": if saved.planning_is_recorded { "recorded" } else { "estimated" }},
        "execution": {"cost": saved.small, "calls": saved.calls, "tokens": saved.tokens},
        "all_large": {"cost": saved.all_large},
        "executions": rows.collect::<Vec<_>>(),
        "break_even": saved.break_even(),
        "assumptions": saved.assumptions,
    })
}

fn savings_to_text(saved: &Savings, more: Option<u64>) -> String {
    let amount =
        |cost: Option<Money>| cost.map_or_else(|| "unknown".to_owned(), |cost| cost.to_string());
    let source = if saved.planning_is_recorded {
        "recorded"
    } else {
        "estimated"
    };
    let mut text = format!(
        "planning, once       {}  ({source}, {})\nan execution         {}  ({})\nall by the large     {}  ({})\n",
        amount(saved.planning),
        saved.large,
        amount(saved.small),
        format::count(saved.calls as usize, "model call"),
        amount(saved.all_large),
        saved.large
    );
    let rows = saved.rows(more);
    if !rows.is_empty() {
        let _ = writeln!(
            text,
            "\n{:>12}  {:>14}  {:>14}  {:>14}",
            "executions", "plan + small", "all large", "saved"
        );
    }
    for row in rows {
        let _ = writeln!(
            text,
            "{:>12}  {:>14}  {:>14}  {:>14}",
            format::thousands(row.executions),
            row.planned.to_string(),
            row.all_large.to_string(),
            (row.all_large - row.planned).to_string()
        );
    }
    text.push('\n');
    match saved.break_even() {
        Some(count) => {
            let _ = writeln!(
                text,
                "the plan is the cheaper way from execution {} on",
                format::thousands(count)
            );
        }
        None if saved.calls == 0 => {
            text.push_str("this run asked no model: there are no tokens to compare\n");
        }
        None => text.push_str(
            "the plan is not cheaper at any number of executions, or a price is not known\n",
        ),
    }
    text.push_str("\nassumptions\n");
    for assumption in &saved.assumptions {
        let _ = writeln!(text, "- {assumption}");
    }
    text
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
    if let Some(given) = &row.given_call {
        let set = given_in_words(given).map(|(what, value)| match &*value {
            "" => format!("{what} set by the user"),
            value => format!("{what} set by the user: {}", crate::text::line(value)),
        });
        notes.extend(set);
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
