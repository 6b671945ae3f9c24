//! The plan file of a recorded run: where a step stands in it, and what an edit makes run again.

use super::changes::Changes;
use super::draft::read_draft;
use super::error::SessionError;
use super::load::load_draft;
use super::options::SourceOptions;
use super::previewed::Intended;
use super::resume::PriorRun;
use super::settings::Settings;
use super::trust::{Judgement, TrustedOnce};
use crate::engine::{UnknownSteps, definitions};
use crate::plan::parse;
use crate::run::Forecast;
use std::path::PathBuf;
use std::sync::Arc;

/// What an edited plan runs again of a recorded run.
#[derive(Debug)]
pub(crate) struct PlanChange {
    /// Steps that are new or defined otherwise, in the plan's order.
    pub changed: Vec<Arc<str>>,
    /// Every step that runs: those, what depends on them, and what has no output yet.
    pub reruns: Vec<Arc<str>>,
    /// How many steps stay as they are, those that are removed included.
    pub stays: usize,
    /// What the steps that run can cost.
    pub price: Forecast,
}

/// The plan file of a recorded run, and the line of a step in it, from 1.
///
/// # Errors
/// When there is no such run, or its plan is on no file.
pub(crate) fn place_in_plan(run_id: &str, step: &str) -> Result<(PathBuf, usize), SessionError> {
    let prior = PriorRun::fork(run_id, Changes::default())?;
    let (mut file, mut source) = (None, SourceOptions::default());
    prior.complete(&mut file, &mut source)?;
    if prior.edited_plan().is_some() {
        return Err(SessionError::PlanEdit(format!(
            "the plan of this run is an edited one that no file has: `plandeck save {run_id}` writes it to its file"
        )));
    }
    let file = file.ok_or_else(|| SessionError::PlanNotOnFile(run_id.into()))?;
    let whole = step.split('[').next().unwrap_or(step);
    // A plan with faults is opened at its beginning.
    let line = read_draft(&file).ok().and_then(|draft| {
        let own = draft.line_of(step);
        own.or_else(|| draft.line_of(whole))
    });
    Ok((file, line.unwrap_or(1)))
}

/// What the plan file of a recorded run, as it is now, runs again.
///
/// # Errors
/// When the plan cannot run as it is: its faults, each with its place.
pub(crate) async fn plan_change(run_id: &str) -> Result<PlanChange, SessionError> {
    change_with(run_id, None).await
}

/// The same of a text that would replace the file's.
///
/// # Errors
/// When the plan cannot run as it would be: its faults, each with its place.
pub(crate) async fn change_with(
    run_id: &str,
    text: Option<String>,
) -> Result<PlanChange, SessionError> {
    let prior = PriorRun::fork(run_id, Changes::default())?;
    let (mut file, mut source) = (None, SourceOptions::default());
    prior.complete(&mut file, &mut source)?;
    let file = file.ok_or_else(|| SessionError::PlanNotOnFile(run_id.into()))?;
    let folder = std::env::current_dir().unwrap_or_default();
    let settings = Settings::load(&folder)?;
    settings.complete(&mut source);
    let text = text.map_or_else(|| source.plan_text.clone(), |text| Some(text.into()));
    let draft = match text {
        Some(text) => parse(&file.display().to_string(), text.as_bytes())?,
        None => read_draft(&file)?,
    };
    let loaded = load_draft(draft, &file, source, &settings, true).await?;
    // What an edit would start that nobody has consented to is not asked for its tools.
    let loaded = match loaded.judge(&TrustedOnce::default())? {
        Judgement::Trusted(consent) => Box::pin(loaded.with_listed_tools(&consent)).await?,
        Judgement::Asks(_) => loaded,
    };
    let digests = definitions(&loaded.plan, &loaded.toolbox);
    let changed = prior.compared(&loaded.plan, &digests);
    let intended = Intended {
        limits: settings.limits()?,
        track_cost: true,
        unknown: UnknownSteps::default(),
    };
    let preview = loaded.preview(Some(prior), intended, ("fork", None))?;
    let steps = loaded.plan.steps.iter().map(|step| &step.id);
    let cost = preview.cost_usd;
    Ok(PlanChange {
        changed: steps.filter(|id| changed.contains(*id)).cloned().collect(),
        reruns: preview.reruns.into_iter().map(|one| one.step).collect(),
        stays: preview.stays.len(),
        price: Forecast {
            min: cost.min,
            expected: cost.expected,
            max: cost.max,
        },
    })
}
