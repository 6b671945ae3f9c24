//! Makes plans for the home screen, and says what they cost.

use crate::cli::args::run::RunArgs;
use crate::cli::context::context;
use crate::cli::failure::Failure;
use crate::engine::step_prices;
use crate::plan::{ExecutionPlan, StepIx};
use crate::planner::{ArrivedStep, PlanningProgress, PlanningRecord};
use crate::run::Forecast;
use crate::session::{Planning, PlanningOptions, SessionError, Settings, keep_plan, load_to_check};
use crate::text::format::count;
use crate::tui::home::{Answer, MadePlan, MadeStep, PlanRequest, PlanningAnswer};
use std::path::{Path, PathBuf};
use tokio::sync::mpsc::UnboundedSender;

/// Makes a plan, and tells the home screen how that goes.
pub(super) async fn make(
    request: PlanRequest,
    args: RunArgs,
    here: PathBuf,
    answers: UnboundedSender<Answer>,
) {
    let answer = match made(&request, &args, &here, &answers).await {
        Ok(made) => PlanningAnswer::Made(Box::new(made)),
        Err(failure) => PlanningAnswer::Failed(super::message(&failure)),
    };
    // Fails only where the screen is gone.
    let _ = answers.send(Answer::Planning(answer));
}

async fn made(
    request: &PlanRequest,
    args: &RunArgs,
    here: &Path,
    answers: &UnboundedSender<Answer>,
) -> Result<MadePlan, Failure> {
    let settings = Settings::load(here)?;
    let mut options = PlanningOptions {
        source: args.source.options(),
        planner: args.planner.clone().or_else(|| settings.planner.clone()),
        ..PlanningOptions::default()
    };
    settings.complete(&mut options.source);
    options.source.trust = crate::cli::trust::is_given(args.policy.consent.trust);
    options.source.context = context(&args.source.context_file, &args.source.context)?;
    let mut source = options.source.clone();
    let sender = answers.clone();
    let report = move |progress: &PlanningProgress| {
        let line = progress.to_string();
        let answer = match progress {
            PlanningProgress::Arriving(arriving) => PlanningAnswer::Arriving {
                line,
                steps: arrived(&arriving.steps),
            },
            _ => PlanningAnswer::Progress(line),
        };
        let _ = sender.send(Answer::Planning(answer));
    };
    let planning = Planning::open(
        request.change.as_deref().unwrap_or(Path::new("")),
        options,
        &settings,
        report,
    )
    .await?;
    if planning.catalog.tools().is_empty() {
        return Err(Failure::usage(
            "there are no tools here: a catalog is a file tools.yaml in this folder, or is given with --tools FILE",
        ));
    }
    let (plan, record, notes, diff, task) = match &request.change {
        None => {
            let created = planning.create(&request.task).await?;
            (
                created.plan,
                created.record,
                created.notes,
                String::new(),
                &*request.task,
            )
        }
        Some(file) => {
            let changed = planning.refine(file, &request.task, |_| {}).await?;
            let diff = if changed.diff.is_empty() {
                "nothing changed".to_owned()
            } else {
                changed.diff
            };
            (changed.plan, changed.record, Vec::new(), diff, "")
        }
    };
    let document = planning.document(&plan, task, &record, None);
    let file = keep_plan(&document)?;
    source.tools = planning.tools().to_vec();
    let price = match load_to_check(&file, source.clone(), &settings).await {
        Ok(loaded) => {
            let prices = step_prices(&loaded.plan, &loaded.context, &loaded.toolbox);
            price(
                &loaded.worker.name(),
                Forecast::of(prices.iter().map(Option::as_ref)),
            )
        }
        Err(SessionError::Faults(faults)) => return Err(SessionError::Faults(faults).into()),
        Err(error) => error.to_string(),
    };
    Ok(MadePlan {
        name: plan.name.clone(),
        steps: steps(&plan),
        file,
        tools: source.tools,
        took: took(&record),
        price,
        notes,
        diff,
    })
}

fn took(record: &PlanningRecord) -> String {
    let cost = record.cost.map_or_else(
        || "at an unknown cost".to_owned(),
        |cost| format!("for {cost}"),
    );
    let corrections = match record.corrections.len() {
        0 => String::new(),
        corrections => format!(", {}", count(corrections, "correction")),
    };
    format!(
        "{} in {:.1} s {cost}{corrections}",
        record.planner,
        record.latency.as_secs_f64()
    )
}

pub(super) fn price(worker: &str, forecast: Forecast) -> String {
    if forecast.is_free() {
        return format!("costs nothing (worker {worker})");
    }
    let about = forecast
        .expected
        .map_or_else(String::new, |expected| format!("about {expected}, "));
    let most = forecast.max.map_or_else(
        || "of unknown cost".to_owned(),
        |max| format!("at most {max}"),
    );
    format!("{about}{most} (worker {worker})")
}

/// The steps that have arrived.
fn arrived(steps: &[ArrivedStep]) -> Vec<MadeStep> {
    let steps = steps.iter().map(|step| MadeStep {
        id: step.id.to_string(),
        tool: step.tool.to_string(),
        waits_for: step.waits_for.iter().map(ToString::to_string).collect(),
        depth: 0,
    });
    steps.collect()
}

/// The steps, each with what it waits for and how deep it stands in the graph.
pub(super) fn steps(plan: &ExecutionPlan) -> Vec<MadeStep> {
    let mut depths = vec![0; plan.steps.len()];
    // Steps need not stand after what they wait for.
    for _ in 0..plan.steps.len() {
        let before = depths.clone();
        for (at, step) in plan.steps.iter().enumerate() {
            let above = step
                .depends_on
                .iter()
                .map(|of: &StepIx| depths[of.at()] + 1);
            depths[at] = above.max().unwrap_or(0);
        }
        if before == depths {
            break;
        }
    }
    let steps = plan.steps.iter().zip(depths);
    let steps = steps.map(|(step, depth)| MadeStep {
        id: step.id.to_string(),
        tool: step.tool.to_string(),
        waits_for: step
            .depends_on
            .iter()
            .filter_map(|of| plan.step(*of))
            .map(|of| of.id.to_string())
            .collect(),
        depth,
    });
    steps.collect()
}
