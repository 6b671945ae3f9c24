//! `plandeck repair`: has the planner correct the plan of a run that failed, and runs what that changes.

use super::args::run::{RunArgs, ScreenArgs};
use super::args::trials::RepairArgs;
use super::confirm::confirmed;
use super::context::context;
use super::failure::Failure;
use super::output::{end_passing_line, note, note_line, out_json, passing_line};
use super::plan::{explain, succeeded};
use super::terminal::signal_code;
use super::{run, trust};
use crate::planner::PlanningProgress;
use crate::session::{Changes, PlanChange, PriorRun, Repair, Repaired, SessionError, Settings};
use crate::text::format;
use crate::tui::EndingSignals;
use crate::units::Money;
use serde_json::{Value, json};
use std::sync::Arc;

/// Asks, shows what comes of it, and applies it where the user agrees.
pub(super) async fn repair(args: RepairArgs) -> Result<u8, Failure> {
    let here = std::env::current_dir().unwrap_or_default();
    let settings = Settings::load(&here)?;
    let mut options = args.planner.options(&args.go_on.source);
    options.planner = options.planner.or_else(|| settings.planner.clone());
    options.source.trust = trust::is_given(args.go_on.trust);
    let source = &args.go_on.source;
    options.source.context = context(&source.context_file, &source.context)?;
    let report = |progress: &PlanningProgress| match progress {
        PlanningProgress::Arriving(arriving) => passing_line(&arriving.to_string()),
        progress => note_line(&progress.to_string()),
    };
    let step = args.step.as_deref();
    let repair = Repair::open(&args.run, step, options, &settings, report).await?;
    for one in &repair.planning.notes {
        note_line(one);
    }
    let max = repair.max_cost()?;
    if args.dry_run {
        return dry_run(&args, &repair, max);
    }
    note_line(&in_words(&repair, max));
    if max != Some(Money::ZERO) && !args.yes && !confirmed("ask it?")? {
        return Ok(0);
    }
    let mut signals = EndingSignals::listen_in_background()
        .map_err(|error| Failure::usage(format!("signals: {error}")))?;
    let asked = tokio::select! {
        asked = Box::pin(repair.ask(args.output.as_deref())) => asked,
        number = signals.next() => {
            end_passing_line();
            return Ok(signal_code(number));
        }
    };
    drop(signals);
    end_passing_line();
    let repaired = match asked {
        Err(SessionError::Planning(failure)) => {
            explain(&failure, args.color);
            let code = Failure::from(SessionError::Planning(failure)).code();
            return Err(Failure::Said(code));
        }
        asked => asked?,
    };
    finish(args, &repair, repaired).await
}

/// Shows the corrected plan, and writes and runs it where the user agrees.
async fn finish(args: RepairArgs, repair: &Repair, repaired: Repaired) -> Result<u8, Failure> {
    let is_same = repaired.changed.diff.is_empty();
    if is_same {
        note_line("the plan stays as it is");
    } else {
        note(&repaired.diff());
        note_line(&preview(&repaired.change));
    }
    let mut answer = to_json(repair, &repaired);
    let is_applied = !is_same && (args.yes || confirmed("write it and run it?")?);
    answer["applied"] = json!(is_applied);
    if !is_applied {
        if args.json {
            out_json(&answer)?;
        }
        return Ok(u8::from(is_same));
    }
    let file = args.output.clone().unwrap_or_else(|| repair.file.clone());
    match &args.output {
        None => repaired.file.write_if_as_read()?,
        Some(file) => std::fs::write(file, repaired.file.text())
            .map_err(|error| SessionError::file(file.display().to_string(), error))?,
    }
    note_line(&format!("the plan is in {}", file.display()));
    let prior = PriorRun::fork(&repair.run_id, Changes::default())?;
    let mut all = RunArgs::by_default();
    all.plan = Some(file);
    all.source = args.go_on.source;
    all.source.tools = repair.planning.tools().to_vec();
    all.limits = args.go_on.limits;
    all.trust = args.go_on.trust;
    all.allow_unsandboxed = args.go_on.allow_unsandboxed;
    all.headless = args.headless;
    all.json = args.json;
    all.screen = ScreenArgs {
        color: Some(args.color),
        ..ScreenArgs::default()
    };
    all.planning = args.json.then_some(answer);
    Box::pin(run::run_from(all, Some(prior))).await
}

fn amount(cost: Option<Money>) -> String {
    cost.map_or_else(|| "an unknown amount".to_owned(), |cost| cost.to_string())
}

fn in_words(repair: &Repair, max: Option<Money>) -> String {
    let name = repair.planning.planner.name();
    let max = match max {
        Some(max) => format!("at most {max}"),
        None => amount(None),
    };
    format!(
        "a correction of {} asks {name} once to three times, for {max} each",
        repair.file.display()
    )
}

fn dry_run(args: &RepairArgs, repair: &Repair, max: Option<Money>) -> Result<u8, Failure> {
    if args.json {
        out_json(&json!({
            "run_id": repair.run_id,
            "step": args.step,
            "plan": repair.file,
            "planner": repair.planning.planner.name(),
            "requests": {"min": 1, "max": 3},
            "cost_usd": {"min": Money::ZERO, "max_of_one": max},
        }))?;
    } else {
        note_line(&in_words(repair, max));
    }
    Ok(0)
}

fn ids(ids: &[Arc<str>]) -> String {
    let shown: Vec<String> = ids
        .iter()
        .take(12)
        .map(|id| crate::text::line(id))
        .collect();
    match ids.len().saturating_sub(shown.len()) {
        0 if shown.is_empty() => "nothing".to_owned(),
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// What the corrected plan runs again, and what that costs.
fn preview(change: &PlanChange) -> String {
    let price = if change.price.is_free() {
        "free".to_owned()
    } else {
        format!(
            "{} expected, {} at most",
            amount(change.price.expected),
            amount(change.price.max)
        )
    };
    format!(
        "runs {}; {} stay as they are; {price}",
        ids(&change.reruns),
        format::count(change.stays, "step")
    )
}

fn to_json(repair: &Repair, repaired: &Repaired) -> Value {
    let mut all = succeeded(&repaired.document.value, &repaired.changed.record);
    let change = &repaired.change;
    all["run_id"] = json!(repair.run_id);
    all["diff"] = json!(repaired.diff());
    all["preview"] = json!({
        "changed": change.changed,
        "reruns": change.reruns,
        "stays": change.stays,
        "cost_usd": {"min": change.price.min, "expected": change.price.expected, "max": change.price.max},
    });
    all
}
