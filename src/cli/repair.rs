//! `plandeck repair`: has the planner correct the plan of a run of which a step failed, and runs what that changes. A run
//! that is still running hands over to one that goes on with the corrected plan.

use super::args::run::{RunArgs, ScreenArgs};
use super::args::trials::RepairArgs;
use super::confirm::confirmed;
use super::context::context;
use super::failure::Failure;
use super::live_run::{Found, find};
use super::output::{end_passing_line, note, note_line, out_json, passing_line};
use super::plan::{explain, succeeded};
use super::restructure::handed_over;
use super::terminal::signal_code;
use super::{run, trust};
use crate::control::{Client, ClientError, PlanRequest};
use crate::planner::PlanningProgress;
use crate::run::{Forecast, Preview};
use crate::session::{Changes, PriorRun, Repair, Repaired, SessionError, Settings};
use crate::text::format;
use crate::tui::EndingSignals;
use crate::units::Money;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// Asks, shows what comes of it, and applies it where the user agrees.
pub(super) async fn repair(args: RepairArgs) -> Result<u8, Failure> {
    let here = std::env::current_dir().unwrap_or_default();
    let settings = Settings::load(&here)?;
    let mut options = args.planner.options(&args.go_on.source);
    options.planner = options.planner.or_else(|| settings.planner.clone());
    options.source.trust = trust::is_given(args.go_on.consent.trust);
    let source = &args.go_on.source;
    options.source.context = context(&source.context_file, &source.context)?;
    let report = |progress: &PlanningProgress| match progress {
        PlanningProgress::Arriving(arriving) => passing_line(&arriving.to_string()),
        progress => note_line(&progress.to_string()),
    };
    let failed = (args.run.as_str(), args.step.as_deref());
    let repair = Repair::open(failed, None, options, &settings, report).await?;
    if let Some(client) = live(&repair)? {
        // Where nobody goes on with an edited plan, nothing is paid for one.
        let asked = PlanRequest::of(&repair.unchanged(), true);
        client.edit_plan(&asked).await.map_err(refused)?;
    }
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
    if repaired.changed.diff.is_empty() {
        note_line("the plan stays as it is");
        if args.json {
            let mut answer = to_json(&repair, &repaired);
            answer["applied"] = json!(false);
            out_json(&answer)?;
        }
        return Ok(1);
    }
    note(&repaired.diff());
    // The run may have ended meanwhile.
    match live(&repair)? {
        Some(client) => hand_over(args, &repair, repaired, client).await,
        None => finish(args, &repair, repaired).await,
    }
}

/// What takes edits to the run, where it is running.
fn live(repair: &Repair) -> Result<Option<Client>, Failure> {
    Ok(match find(&repair.run_id, None)? {
        Found::Live { client, .. } => Some(client),
        Found::Stored(_) => None,
    })
}

#[allow(clippy::needless_pass_by_value, reason = "passed to `map_err`")]
fn refused(error: ClientError) -> Failure {
    Failure::usage(error.to_string())
}

/// Has the run that is running hand over to one that goes on with the corrected plan, where the user agrees.
async fn hand_over(
    args: RepairArgs,
    repair: &Repair,
    repaired: Repaired,
    client: Client,
) -> Result<u8, Failure> {
    let edit = repair.edit(&repaired);
    let asked = client.edit_plan(&PlanRequest::of(&edit, true)).await;
    let shown = asked.and_then(|shown| {
        serde_json::from_value::<Preview>(shown)
            .map_err(|error| ClientError::Unreachable(error.to_string()))
    });
    let shown = shown.map_err(refused)?;
    let (cost, stays) = (shown.cost_usd, shown.stays.len());
    let reruns: Vec<Arc<str>> = shown.reruns.into_iter().map(|one| one.step).collect();
    let price = Forecast {
        min: cost.min,
        expected: cost.expected,
        max: cost.max,
    };
    note_line(&preview(&reruns, stays, &price));
    let mut answer = to_json(repair, &repaired);
    answer["preview"] = json!({"reruns": reruns, "stays": stays, "cost_usd": range(&price)});
    let is_applied = args.yes || confirmed("go on with it?")?;
    answer["applied"] = json!(is_applied);
    if is_applied {
        if let Some(file) = &args.output {
            write_to(file, &repaired)?;
        }
        let accepted = client.edit_plan(&PlanRequest::of(&edit, false)).await;
        let accepted = accepted.map_err(refused)?;
        note_line(&handed_over(&repair.run_id, &accepted));
        note_line(&format!(
            "no file has the corrected plan: plandeck save {} writes it",
            accepted["run_id"].as_str().unwrap_or_default()
        ));
        answer["hand_over"] = json!({"run_id": accepted["run_id"], "held": accepted["held"]});
    }
    if args.json {
        out_json(&answer)?;
    }
    Ok(0)
}

fn write_to(file: &Path, repaired: &Repaired) -> Result<(), Failure> {
    std::fs::write(file, &*repaired.text)
        .map_err(|error| SessionError::file(file.display().to_string(), error))?;
    note_line(&format!("the plan is in {}", file.display()));
    Ok(())
}

/// Writes and runs the corrected plan, where the user agrees.
async fn finish(args: RepairArgs, repair: &Repair, repaired: Repaired) -> Result<u8, Failure> {
    let change = repair.change(&repaired).await?;
    note_line(&preview(&change.reruns, change.stays, &change.price));
    let mut answer = to_json(repair, &repaired);
    answer["preview"] = json!({
        "changed": change.changed,
        "reruns": change.reruns,
        "stays": change.stays,
        "cost_usd": range(&change.price),
    });
    let question = if repair.is_of_file() {
        "write it and run it?"
    } else {
        "run it?"
    };
    let is_applied = args.yes || confirmed(question)?;
    answer["applied"] = json!(is_applied);
    if !is_applied {
        if args.json {
            out_json(&answer)?;
        }
        return Ok(0);
    }
    if let Some(file) = &args.output {
        write_to(file, &repaired)?;
    }
    let prior = PriorRun::fork(&repair.run_id, Changes::default())?;
    let mut all = RunArgs::by_default();
    all.source = args.go_on.source;
    if repair.is_of_file() {
        if args.output.is_none() {
            repaired.file().write_if_as_read()?;
            note_line(&format!("the plan is in {}", repair.file.display()));
        }
        all.plan = args.output.or_else(|| Some(repair.file.clone()));
        all.source.tools = repair.planning.tools().to_vec();
    } else {
        let edited = repair.edit(&repaired);
        let edited = edited.of_run(&prior, all.source.options())?;
        all.plan = Some(edited.file.clone());
        all.edited = Some(edited);
        note_line(
            "the run had a plan that no file has, and so has the one that follows: plandeck save writes it",
        );
    }
    all.limits = args.go_on.limits;
    all.policy.consent = args.go_on.consent;
    all.shown = args.shown;
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
fn preview(reruns: &[Arc<str>], stays: usize, price: &Forecast) -> String {
    let cost = if price.is_free() {
        "free".to_owned()
    } else {
        format!(
            "{} expected, {} at most",
            amount(price.expected),
            amount(price.max)
        )
    };
    format!(
        "runs {}; {} stay as they are; {cost}",
        ids(reruns),
        format::count(stays, "step")
    )
}

fn range(price: &Forecast) -> Value {
    json!({"min": price.min, "expected": price.expected, "max": price.max})
}

fn to_json(repair: &Repair, repaired: &Repaired) -> Value {
    let mut all = succeeded(&repaired.document.value, &repaired.changed.record);
    all["run_id"] = json!(repair.run_id);
    all["diff"] = json!(repaired.diff());
    all
}
