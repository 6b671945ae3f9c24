//! `plandeck check`: describes a plan and reports its faults, without running anything.

use super::args::CheckArgs;
use super::args::run::{ColorWhen, ScreenArgs};
use super::context::context;
use super::convert::{or_other_plan, other_plan};
use super::failure::{Failure, NOTHING_RAN};
use super::output::{note_line, notes, out, out_json};
use super::{screen, trust};
use crate::engine::step_prices;
use crate::plan::PlanFaults;
use crate::report::{CheckReport, diagnostics_to_json};
use crate::run::Forecast;
use crate::session::{Judgement, Loaded, SessionError, Settings, TrustedOnce, load_to_check};
use serde_json::{Map, Value, json};

/// Prints a description of a plan. Faults go to standard error, with exit code 2.
pub(super) async fn check(args: CheckArgs) -> Result<u8, Failure> {
    let here = std::env::current_dir().unwrap_or_default();
    let settings = Settings::load(&here)?;
    let mut source = args.source.options();
    settings.complete(&mut source);
    screen::complete(&mut ScreenArgs::default(), &settings)?;
    source.trust = trust::is_given(false);
    source.context = context(&args.source.context_file, &args.source.context)?;
    let loaded = match load_to_check(&args.plan, source, &settings).await {
        Err(SessionError::Faults(faults)) if args.json => {
            out_json(&faulty(&faults))?;
            if let Some(what) = other_plan(&args.plan) {
                note_line(&what);
            }
            return Ok(NOTHING_RAN);
        }
        loaded => loaded.map_err(|failure| or_other_plan(failure, &args.plan))?,
    };
    let more = Map::new();
    print(&loaded, args.json.then_some(more), args.color).await
}

/// Prints what a plan is: as JSON with further members where `json` has them, else in words.
pub(super) async fn print(
    loaded: &Loaded,
    json: Option<Map<String, Value>>,
    color: ColorWhen,
) -> Result<u8, Failure> {
    let prices = step_prices(&loaded.plan, &loaded.context, &loaded.toolbox);
    let report = CheckReport::new(
        &loaded.plan,
        &loaded.context,
        (&loaded.worker.name(), loaded.worker.reason()),
        Forecast::of(prices.iter().map(Option::as_ref)),
    )
    .reaches(loaded.reaches().lists())
    .trust(trusted(loaded)?)
    .reliability(loaded.reliability().await?);
    if let Some(more) = json {
        let diagnostics = diagnostics_to_json(loaded.source(), &loaded.plan.warnings);
        let mut report = report.to_json(&diagnostics);
        if let Some(members) = report.as_object_mut() {
            members.extend(more);
        }
        out_json(&report)?;
    } else {
        notes(&loaded.warnings(), color);
        out(&report.to_text())?;
    }
    Ok(0)
}

/// Whether the plan may run, and why, as JSON and in words.
fn trusted(loaded: &Loaded) -> Result<(Option<&'static str>, String), Failure> {
    Ok(match loaded.judge(&TrustedOnce::default())? {
        Judgement::Trusted(consent) => {
            let by = consent.by();
            (Some(by.word()), by.in_words().to_owned())
        }
        Judgement::Asks(request) if request.is_change() => (
            None,
            "no: it has changed since you trusted it (`plandeck trust`, or --trust for one run)"
                .to_owned(),
        ),
        Judgement::Asks(_) => (
            None,
            "no (`plandeck trust`, or --trust for one run)".to_owned(),
        ),
    })
}

fn faulty(faults: &[PlanFaults]) -> serde_json::Value {
    let all = faults
        .iter()
        .map(|one| diagnostics_to_json(&one.source_text, &one.diagnostics));
    let all: Vec<_> = all
        .filter_map(|one| one.as_array().cloned())
        .flatten()
        .collect();
    json!({"sound": false, "diagnostics": all})
}
