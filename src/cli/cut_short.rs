//! A plan whose last run was cut short: going on with that run is offered, or hinted at.

use super::args::{JournalWhen, RunArgs};
use super::failure::Failure;
use super::load::screen_options;
use super::run::is_headless;
use super::settings::Settings;
use crate::report::local_time;
use crate::run::{RunState, StepStatus};
use crate::store::{RunSummary, RunWord, Store, StoreError};
use crate::tui::{Offer, Outcome, Reply, offer};
use std::path::Path;

/// Events of the run that are read to say which steps were under way; of a longer one that is not said.
const EVENTS: u64 = 100_000;

/// Looks whether the last run of the plan was cut short. With the dashboard a person is asked, and where they
/// want to go on `args` say so afterwards; without it a hint is given. An exit code is where the plan is not to
/// be run at all.
pub async fn go_on(args: &mut RunArgs) -> Result<Option<u8>, Failure> {
    let off = args.record.journal == JournalWhen::Off;
    let Some(plan) = args.plan.as_deref().filter(|_| !off) else {
        return Ok(None);
    };
    if args.record.resume.is_some() || plan == Path::new("-") {
        return Ok(None);
    }
    // A store that cannot be read is told about when the run is to be recorded.
    let Ok(Some((store, run))) = last(plan) else {
        return Ok(None);
    };
    if is_headless(args) {
        note_line!(
            "plandeck: the last run of this plan was cut short; to go on with it: plandeck run --resume {}",
            run.run_id
        );
        return Ok(None);
    }
    let here = std::env::current_dir().unwrap_or_default();
    let (mut source, mut screen) = (args.source.clone(), args.screen.clone());
    Settings::load(&here)?.complete(&mut source, &mut screen)?;
    let options = screen_options(String::new(), &screen);
    let reply = offer(what(&store, &run), options).await;
    match reply.map_err(|error| Failure::usage(error.to_string()))? {
        Reply::GoOn => {
            args.record.resume = Some(run.run_id.to_string());
            Ok(None)
        }
        Reply::Anew => Ok(None),
        Reply::Leave(Outcome::Signal(number)) => Ok(Some(128 + number as u8)),
        Reply::Leave(_) => Ok(Some(0)),
    }
}

/// The last run of the plan, where it was cut short and nobody has gone on with it.
fn last(plan: &Path) -> Result<Option<(Store, RunSummary)>, StoreError> {
    let plan = std::path::absolute(plan).unwrap_or_else(|_| plan.to_path_buf());
    let store = Store::open()?;
    let Some(run) = store.last_of(&plan.to_string_lossy())? else {
        return Ok(None);
    };
    let open = run.status == RunWord::Interrupted && store.successor(&run)?.is_none();
    Ok(open.then_some((store, run)))
}

fn what(store: &Store, run: &RunSummary) -> Offer {
    let mut under_way = Vec::new();
    if run.events <= EVENTS {
        let state = RunState::from_events(&store.load(run).events);
        let rows = state
            .steps
            .iter()
            .filter(|row| row.under_way().is_some() || row.status == StepStatus::Unknown);
        under_way.extend(rows.map(|row| row.info.id.clone()));
    }
    Offer {
        plan: run.plan.clone(),
        started_at: local_time(&run.started_at).into(),
        done: run.steps_completed,
        steps: run.steps,
        cost: run.cost,
        under_way,
    }
}
