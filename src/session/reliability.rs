//! How reliable a plan is by the runs on record.

use super::error::SessionError;
use super::filtered::filtered;
use super::history::all_runs;
use super::load::Loaded;
use super::options::SourceOptions;
use super::recorded_plan::{Version, load_of_run};
use super::repeated_call::of_definition;
use super::resume::PriorRun;
use super::settings::Settings;
use crate::engine::definitions;
use crate::plan::Step;
use crate::run::{Agreement, Reliability, RunState, RunWord, StepRecord, add_run, ended_calls};
use crate::store::StoreError;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// The most runs that are read, the latest first, and the most steps that they have in all.
const RUNS: usize = 50;
const STEPS: u64 = 100_000;

/// What is on record of a plan.
struct Found {
    runs: u32,
    records: Vec<StepRecord>,
    trials: Vec<Repeated>,
}

/// Calls of a step that were repeated on one input.
struct Repeated {
    /// The place of the step in the plan.
    at: usize,
    /// The answers; `None` for a call that failed.
    answers: Vec<Option<Arc<Value>>>,
    /// The filter by which they are compared.
    by: Option<String>,
}

impl Loaded {
    /// How often the plan comes to its usual result, by its latest runs on record, as far as their steps are defined the
    /// same, and by calls that were repeated; `None` where nothing is on record.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub(crate) async fn reliability(&self) -> Result<Option<Reliability>, StoreError> {
        Ok(self.on_record()?.reliability().await)
    }

    fn on_record(&self) -> Result<Found, StoreError> {
        let plan = &self.plan;
        let known = definitions(plan, &self.toolbox);
        let of_step = |step: &Step| StepRecord::of(&step.id);
        let mut found = Found {
            runs: 0,
            records: plan.steps.iter().map(of_step).collect(),
            trials: Vec::new(),
        };
        let by_definition: HashMap<String, usize> =
            known.iter().map(of_definition).zip(0..).collect();
        let repeating = format!(" of {}, ", plan.name);
        let mut left = STEPS;
        for run in all_runs()? {
            let is_over = !matches!(run.status, RunWord::Running | RunWord::Interrupted);
            let repeats = run.plan.contains(&repeating) && run.plan.ends_with(" times");
            let is_of_plan = run.plan == plan.name;
            if !is_over || !(is_of_plan || repeats) {
                continue;
            }
            if left < run.steps || found.runs as usize == RUNS {
                break;
            }
            left -= run.steps;
            // One that cannot be read says nothing.
            let Ok(prior) = PriorRun::look_at(&run.run_id) else {
                continue;
            };
            if is_of_plan {
                let changed = prior.compared(plan, &known);
                let counts = |step: &str| !changed.contains(step);
                add_run(&mut found.records, prior.state(), counts);
                found.runs += 1;
            } else if let Some(at) = prior.repeated().and_then(|of| by_definition.get(of)) {
                let calls = ended_calls(prior.state()).into_iter();
                found.trials.push(Repeated {
                    at: *at,
                    answers: calls.map(|(_, answer)| answer.ok()).collect(),
                    by: prior.compared_by().map(str::to_owned),
                });
            }
        }
        Ok(found)
    }
}

impl Found {
    async fn reliability(mut self) -> Option<Reliability> {
        for trial in self.trials {
            let mut compared = Vec::new();
            for answer in trial.answers {
                compared.push(match (answer, &trial.by) {
                    (Some(answer), Some(by)) => filtered(&answer, by).await.ok().map(Arc::new),
                    (answer, _) => answer,
                });
            }
            let agreement = Agreement::of(compared);
            let most = agreement.answers.first().map_or(0, |answer| answer.count);
            let record = &mut self.records[trial.at];
            record.repeated += u32::try_from(agreement.n).unwrap_or(u32::MAX);
            record.agreeing += u32::try_from(most).unwrap_or(u32::MAX);
        }
        Reliability::of(self.records, self.runs)
    }
}

/// The same of the plan of a run, which may be running.
///
/// # Errors
/// Where the plan or the store cannot be read.
pub(crate) async fn reliability_of(run: &RunState) -> Result<Option<Reliability>, SessionError> {
    let header = run.header.as_deref();
    let run_id = header.map_or_else(Arc::default, |header| Arc::clone(&header.run_id));
    let prior = PriorRun::look_at(&run_id)?;
    let settings = Settings::load(&std::env::current_dir().unwrap_or_default())?;
    let source = SourceOptions::default();
    let loaded = load_of_run(&prior, Version::Recorded, source, &settings).await?;
    let Ok(found) = tokio::task::spawn_blocking(move || loaded.on_record()).await else {
        return Ok(None);
    };
    Ok(found?.reliability().await)
}
