//! What a plan is before it runs, for the home screen: its graph, its tools, what a run can cost and what it needs.

use super::planner::{price, steps};
use crate::cli::args::run::RunArgs;
use crate::cli::context::context;
use crate::cli::failure::Failure;
use crate::cli::samples;
use crate::engine::step_prices;
use crate::run::Forecast;
use crate::session::{SessionError, Settings, load_to_check};
use crate::tools::Toolbox;
use crate::tui::home::{Answer, PlanDetail, PlanPlace, ToolOfPlan};
use std::path::Path;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

/// How long a plan has to stay selected before it is read.
const REST: Duration = Duration::from_millis(120);

/// Reads a plan, and tells the home screen.
pub(super) async fn tell(
    place: PlanPlace,
    args: RunArgs,
    here: std::path::PathBuf,
    answers: UnboundedSender<Answer>,
) {
    tokio::time::sleep(REST).await;
    let detail = match read(&place, &args, &here).await {
        Ok(detail) => detail,
        Err(failure) => PlanDetail {
            fault: Some(fault(&failure).into()),
            ..PlanDetail::default()
        },
    };
    // Fails only where the screen is gone.
    let _ = answers.send(Answer::PlanDetail(place, Box::new(detail)));
}

/// Why the plan could not be run, in a line or two.
fn fault(failure: &Failure) -> String {
    match failure {
        Failure::Session(SessionError::Faults(all)) => {
            let diagnostics = all.iter().flat_map(|faults| &faults.diagnostics);
            let mut messages = diagnostics.map(|diagnostic| diagnostic.message.clone());
            let first = messages.next().unwrap_or_default();
            match messages.count() {
                0 => first,
                more => format!("{first} (and {more} more: Enter shows them)"),
            }
        }
        failure => failure.message(),
    }
}

async fn read(place: &PlanPlace, args: &RunArgs, here: &Path) -> Result<PlanDetail, Failure> {
    let settings = Settings::load(here)?;
    let mut source = args.source.options();
    settings.complete(&mut source);
    source.context = context(&args.source.context_file, &args.source.context)?;
    let given = source.context.clone();
    // A sample is read where nobody minds its files.
    let (file, _folder) = match place {
        PlanPlace::File(file) => (file.clone(), None),
        PlanPlace::Sample(name) => {
            let folder = tempfile::tempdir()
                .map_err(|error| Failure::usage(format!("a temporary folder: {error}")))?;
            (
                samples::unpack_into(folder.path(), name, true)?,
                Some(folder),
            )
        }
    };
    let loaded = load_to_check(&file, source, &settings).await?;
    let plan = &loaded.plan;
    let prices = step_prices(plan, &loaded.context, &loaded.toolbox);
    let mut tools: Vec<ToolOfPlan> = Vec::new();
    for step in plan.steps.iter() {
        match tools.iter_mut().find(|tool| *tool.name == *step.tool) {
            Some(tool) => tool.steps += 1,
            None => tools.push(ToolOfPlan {
                name: step.tool.to_string().into(),
                kind: loaded
                    .toolbox
                    .tool(&step.tool)
                    .map_or("unknown", |tool| tool.kind().name)
                    .into(),
                steps: 1,
            }),
        }
    }
    tools.sort_by_key(|tool| std::cmp::Reverse(tool.steps));
    let missing = plan.context_names.iter().filter(|name| {
        let name: &str = name;
        !given.contains_key(name) && !plan.context.contains_key(name)
    });
    Ok(PlanDetail {
        needs: missing.map(|name| name.to_string().into()).collect(),
        price: price(
            &loaded.worker.name(),
            Forecast::of(prices.iter().map(Option::as_ref)),
        )
        .into(),
        steps: steps(plan),
        tools,
        fault: None,
    })
}
