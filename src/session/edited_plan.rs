//! The plan file of a recorded run: where a step stands in it, and what an edit makes run again.

use super::changes::Changes;
use super::error::SessionError;
use super::load::{load_draft, read_draft};
use super::options::SourceOptions;
use super::resume::PriorRun;
use super::settings::Settings;
use super::trust::{Judgement, TrustedOnce};
use crate::engine::{definitions, step_prices};
use crate::plan::{ExecutionPlan, StepIx, parse};
use crate::run::{Forecast, StepPrice};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

/// What an edited plan runs again of a recorded run.
#[derive(Debug)]
pub(crate) struct PlanChange {
    /// Steps that are new or defined otherwise, in the plan's order.
    pub changed: Vec<Arc<str>>,
    /// Every step that runs: those, what depends on them, and what has no output yet.
    pub reruns: Vec<Arc<str>>,
    /// How many steps keep their outputs.
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
    let (changed, open) = prior.compared(&loaded.plan, &digests);
    let prices = step_prices(&loaded.plan, &loaded.context, &loaded.toolbox);
    Ok(of(&loaded.plan, &changed, &open, &prices))
}

fn of(
    plan: &ExecutionPlan,
    changed: &HashSet<Arc<str>>,
    open: &HashSet<Arc<str>>,
    prices: &[Option<StepPrice>],
) -> PlanChange {
    let mut runs = vec![false; plan.steps.len()];
    // Steps may stand before what they depend on.
    let mut again = true;
    while again {
        again = false;
        for (at, step) in plan.steps.iter().enumerate() {
            let after = |from: &StepIx| runs.get(from.at()).copied().unwrap_or(false);
            let runs_now = changed.contains(&step.id)
                || open.contains(&step.id)
                || step.depends_on.iter().any(after);
            again |= runs_now && !runs[at];
            runs[at] |= runs_now;
        }
    }
    let of_plan = || plan.steps.iter().zip(&runs);
    let ids = |is: &dyn Fn(&Arc<str>, bool) -> bool| -> Vec<Arc<str>> {
        of_plan()
            .filter(|(step, runs)| is(&step.id, **runs))
            .map(|(step, _)| Arc::clone(&step.id))
            .collect()
    };
    let reruns = ids(&|_, runs| runs);
    let price = Forecast::of(
        prices
            .iter()
            .zip(&runs)
            .filter(|(_, runs)| **runs)
            .map(|(price, _)| price.as_ref()),
    );
    PlanChange {
        changed: ids(&|id, _| changed.contains(id)),
        stays: plan.steps.len() - reruns.len(),
        reruns,
        price,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_depends_on_a_change_runs_and_the_rest_stays() {
        let plan = ExecutionPlan::from_value(json!({
            "tools": {"same": {"type": "jq", "filter": "."}},
            "steps": [
                {"id": "late", "tool": "same", "parameters": {"x": "step:middle"}},
                {"id": "middle", "tool": "same", "parameters": {"x": "step:first"}},
                {"id": "first", "tool": "same"},
                {"id": "other", "tool": "same"},
                {"id": "failed", "tool": "same", "parameters": {"x": "step:other"}},
            ]
        }))
        .unwrap();
        let set = |ids: &[&str]| ids.iter().map(|id| Arc::from(*id)).collect();
        let words = |ids: &[Arc<str>]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        let change = of(&plan, &set(&["middle"]), &set(&["failed"]), &[]);
        assert_eq!(words(&change.changed), ["middle"]);
        assert_eq!(words(&change.reruns), ["late", "middle", "failed"]);
        assert_eq!(change.stays, 2);
    }
}
