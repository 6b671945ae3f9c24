//! `plandeck plan`: writes a plan for a task, changes one, or rewrites one without changing what it gives.

use super::args::plan::PlanArgs;
use super::args::run::{ColorWhen, RunArgs, ScreenArgs};
use super::context::context;
use super::failure::Failure;
use super::output::{end_passing_line, note, note_line, notes, out, out_json, passing_line};
use super::terminal::{signal_code, stderr_colour};
use super::{recorded, run, trust};
use crate::plan::ExecutionPlan;
use crate::planner::{PlanningFailure, PlanningProgress, PlanningRecord, Rewrite};
use crate::report::{DiagnosticStyle, diagnostics_to_json, render_faults};
use crate::run::RunState;
use crate::session::{
    PlanDocument, Planning, SessionError, Settings, correction, failures_of, keep_plan, optimize,
};
use crate::text::format::count;
use crate::tui::EndingSignals;
use crate::units::Money;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// Writes, changes or rewrites a plan and returns the exit code.
pub(super) async fn plan(args: PlanArgs) -> Result<u8, Failure> {
    let here = std::env::current_dir().unwrap_or_default();
    let settings = Settings::load(&here)?;
    if let Some(file) = args.optimize.clone() {
        return optimized(&args, &file, &settings).await;
    }
    let mut signals = EndingSignals::listen_in_background()
        .map_err(|error| Failure::usage(format!("signals: {error}")))?;
    let made = tokio::select! {
        made = Box::pin(made(&args, &settings)) => made,
        number = signals.next() => {
            end_passing_line();
            return Ok(signal_code(number));
        }
    };
    end_passing_line();
    let made = made?;
    drop(signals);
    finish(args, made).await
}

/// A plan with what it took.
struct Made {
    document: PlanDocument,
    tools: Vec<PathBuf>,
    json: Value,
}

/// Asks the planner.
async fn made(args: &PlanArgs, settings: &Settings) -> Result<Made, Failure> {
    let mut options = args.planner.options(&args.source);
    settings.complete(&mut options.source);
    options.source.trust = trust::is_given(args.running.policy.consent.trust);
    options.planner = options.planner.or_else(|| settings.planner.clone());
    options.source.context = context(&args.source.context_file, &args.source.context)?;
    let file = args.refine.clone().unwrap_or_default();
    let was_chosen = options.planner.is_some();
    let report = |progress: &PlanningProgress| match progress {
        PlanningProgress::Arriving(arriving) => passing_line(&arriving.to_string()),
        progress => note_line(&progress.to_string()),
    };
    let planning = Planning::open(&file, options, settings, report).await?;
    if planning.planner.is_offline() && !was_chosen {
        note_line("no model is configured, so the offline planner searches the catalog");
    }
    for one in &planning.notes {
        note_line(one);
    }
    let made = match &args.refine {
        Some(file) => refined(args, &planning, file).await,
        None => written(args, &planning).await,
    };
    match made {
        Err(Failure::Session(SessionError::Planning(failure))) if args.json => {
            explain(&failure, args.color);
            out_json(&failed(&failure))?;
            Err(Failure::Said(
                Failure::from(SessionError::Planning(failure)).code(),
            ))
        }
        Err(Failure::Session(SessionError::Planning(failure))) => {
            explain(&failure, args.color);
            let code = Failure::from(SessionError::Planning(failure)).code();
            Err(Failure::Said(code))
        }
        made => made,
    }
}

async fn written(args: &PlanArgs, planning: &Planning) -> Result<Made, Failure> {
    let task = args.task.as_deref().unwrap_or_default();
    let created = planning.create(task).await?;
    for one in &created.notes {
        note_line(one);
    }
    say_what_it_took(&created.plan, &created.record);
    let document = planning.document(&created.plan, task, &created.record, args.output.as_deref());
    Ok(Made {
        json: succeeded(&document.value, &created.record),
        tools: planning.tools().to_vec(),
        document,
    })
}

async fn refined(args: &PlanArgs, planning: &Planning, file: &Path) -> Result<Made, Failure> {
    let instruction = instruction(args)?;
    let name = planning.planner.name();
    let ask = |max: Option<Money>| {
        let max = max.map_or_else(
            || "an unknown amount".to_owned(),
            |max| format!("at most {max}"),
        );
        note_line(&format!(
            "a change asks {name} once to three times, for {max} each"
        ));
    };
    let changed = planning.refine(file, &instruction, ask).await?;
    if changed.diff.is_empty() {
        note_line("the plan stays as it is");
    } else {
        note(&changed.diff);
    }
    say_what_it_took(&changed.plan, &changed.record);
    let document = planning.document(&changed.plan, "", &changed.record, args.output.as_deref());
    Ok(Made {
        json: succeeded(&document.value, &changed.record),
        tools: planning.tools().to_vec(),
        document,
    })
}

/// What is asked for, with what failed in a run.
fn instruction(args: &PlanArgs) -> Result<String, Failure> {
    let mut text = args.task.clone().unwrap_or_default();
    let Some(name) = &args.failure else {
        return Ok(text);
    };
    let recording = recorded::recording(name)?;
    let state = RunState::from_events(&recording.events);
    let failures = failures_of(&state, None)
        .ok_or_else(|| Failure::usage(format!("--failure {name}: no step of this run failed")))?;
    text.push_str(&correction(&failures));
    Ok(text)
}

/// Writes or prints the plan, and runs it.
async fn finish(mut args: PlanArgs, mut made: Made) -> Result<u8, Failure> {
    if let Some(why) = &made.document.needs_tools {
        note_line(&format!(
            "{why}, so check and run the plan with the same --tools"
        ));
    }
    if let Some(file) = &args.output {
        made.document.write(file)?;
        note_line(&format!("the plan is in {}", file.display()));
    }
    if !args.run {
        if args.json {
            out_json(&made.json)?;
        } else if args.output.is_none() {
            out(&made.document.text(None))?;
        }
        return Ok(0);
    }
    let file = match &args.output {
        Some(file) => file.clone(),
        None => keep_plan(&made.document)?,
    };
    args.source.tools = made.tools;
    Box::pin(run::run_from(run_args(args, file, made.json.take()), None)).await
}

fn run_args(args: PlanArgs, file: PathBuf, planning: Value) -> RunArgs {
    let mut all = RunArgs::by_default();
    all.plan = Some(file);
    all.source = args.source;
    all.limits = args.running.limits;
    all.shown = args.running.shown;
    all.json = args.json;
    all.events = args.running.events;
    all.policy = args.running.policy;
    // What was rewritten or changed is the plan of somebody.
    all.is_planned = args.optimize.is_none() && args.refine.is_none();
    all.screen = ScreenArgs {
        color: Some(args.color),
        ..ScreenArgs::default()
    };
    all.planning = args.json.then_some(planning);
    all
}

fn say_what_it_took(plan: &ExecutionPlan, record: &PlanningRecord) {
    let steps = count(plan.steps.len(), "step");
    let cost = record.cost.map_or_else(
        || "at an unknown cost".to_owned(),
        |cost| format!("for {cost}"),
    );
    let requests = count(record.attempts as usize, "attempt");
    let seconds = record.latency.as_secs_f64();
    note_line(&format!(
        "{} wrote a plan of {steps} in {requests}, {seconds:.1} s, {cost}",
        record.planner
    ));
    if !plan.context_names.is_empty() {
        let names: Vec<String> = plan
            .context_names
            .iter()
            .map(|name| crate::text::visible(name, 60))
            .collect();
        note_line(&format!("it takes from the context: {}", names.join(", ")));
    }
}

/// Prints why there is no plan: the faults of the last answer, then the message.
pub(super) fn explain(failure: &PlanningFailure, color: ColorWhen) {
    if let Some(faults) = failure.error.faults() {
        note(&render_faults(
            faults,
            DiagnosticStyle::for_stderr(stderr_colour(color)),
        ));
    }
    note_line(&failure.error.to_string());
    let record = &failure.record;
    if record.attempts > 0 && record.cost != Some(Money::ZERO) {
        let cost = record
            .cost
            .map_or_else(|| "an unknown amount".to_owned(), |cost| cost.to_string());
        note_line(&format!(
            "planning took {} and {cost}",
            count(record.attempts as usize, "request")
        ));
    }
}

/// The plan and what it took.
pub(super) fn succeeded(plan: &Value, record: &PlanningRecord) -> Value {
    let mut members = took(record);
    let mut all = Map::from_iter([("plan".to_owned(), plan.clone())]);
    all.append(&mut members);
    Value::Object(all)
}

fn failed(failure: &PlanningFailure) -> Value {
    let mut all = Map::from_iter([("plan".to_owned(), Value::Null)]);
    all.append(&mut took(&failure.record));
    let error = &failure.error;
    let diagnostics = error
        .faults()
        .map(|faults| diagnostics_to_json(&faults.source_text, &faults.diagnostics));
    let kind = if error.is_of_budget() {
        "ResourceLimitError"
    } else {
        "PlanError"
    };
    let limits = error.is_of_budget().then_some(["max_planning_cost_usd"]);
    all.insert("exceeded_limits".to_owned(), json!(limits));
    all.insert(
        "error".to_owned(),
        json!({"type": kind, "message": error.to_string(), "diagnostics": diagnostics.unwrap_or_else(|| json!([]))}),
    );
    Value::Object(all)
}

fn took(record: &PlanningRecord) -> Map<String, Value> {
    let corrections = record.corrections.iter().map(|correction| {
        let faults = &correction.faults;
        json!({"attempt": correction.attempt, "diagnostics": diagnostics_to_json(&faults.source_text, &faults.diagnostics)})
    });
    let corrections: Vec<Value> = corrections.collect();
    let took = json!({
        "planner": record.planner,
        "cost": record.cost,
        "latency_ms": (record.latency.as_secs_f64() * 1e6).round() / 1e3,
        "attempts": record.attempts,
        "corrections": corrections,
    });
    match took {
        Value::Object(took) => took,
        _ => Map::new(),
    }
}

async fn optimized(args: &PlanArgs, file: &Path, settings: &Settings) -> Result<u8, Failure> {
    let mut source = args.source.options();
    settings.complete(&mut source);
    source.context = context(&args.source.context_file, &args.source.context)?;
    let done = optimize(file, source, settings).await?;
    notes(&done.loaded.warnings(), args.color);
    let (before, after) = done.optimized.longest_path;
    for (rewrite, saves) in done.optimized.rewrites.iter().zip(&done.saves) {
        note_line(&format!("{rewrite}{}", gain(rewrite, *saves)));
    }
    if done.optimized.rewrites.is_empty() {
        note_line("nothing to rewrite: every call and every dependency is needed");
    } else {
        note(&done.diff);
        note_line(&format!(
            "the longest path has {after} calls, before {before}"
        ));
    }
    let document = PlanDocument::of(&done.optimized.plan, &done.tools, args.output.as_deref());
    let rewrites = done.optimized.rewrites.iter().zip(&done.saves);
    let rewrites: Vec<Value> = rewrites
        .map(|(rewrite, saves)| rewrite_to_json(rewrite, *saves))
        .collect();
    let json = json!({"plan": document.value, "rewrites": rewrites, "longest_path": {"before": before, "after": after}});
    finish(
        args.clone(),
        Made {
            document,
            tools: done.tools,
            json,
        },
    )
    .await
}

/// What a rewrite saves, in words.
fn gain(rewrite: &Rewrite, saves: Option<(Option<Money>, Option<Money>)>) -> String {
    let (before, after) = rewrite.longest_path;
    let mut gains = Vec::new();
    if let Some((expected, max)) = saves {
        let often = match rewrite.kind {
            crate::planner::RewriteKind::MoveCondition => " where the condition is false",
            _ => "",
        };
        gains.push(match (expected, max) {
            (Some(Money::ZERO), Some(Money::ZERO)) => format!("one call{often}"),
            (Some(expected), _) => format!("one call{often}, about {expected}"),
            (None, Some(max)) => format!("one call{often}, at most {max}"),
            (None, None) => format!("one call{often}, of unknown cost"),
        });
    }
    if after < before {
        gains.push(format!(
            "the longest path has {after} calls instead of {before}"
        ));
    }
    if gains.is_empty() {
        String::new()
    } else {
        format!(" (saves {})", gains.join("; "))
    }
}

fn rewrite_to_json(rewrite: &Rewrite, saves: Option<(Option<Money>, Option<Money>)>) -> Value {
    let (before, after) = rewrite.longest_path;
    json!({
        "kind": rewrite.kind.word(),
        "step": rewrite.step,
        "other": rewrite.other,
        "reason": rewrite.reason,
        "saves_call_of": rewrite.saves_call_of,
        "saves_usd": saves.map(|(expected, max)| json!({"expected": expected, "max": max})),
        "longest_path": {"before": before, "after": after},
    })
}
