//! `plandeck bundle`: writes a recorded run as a plan that runs again offline.

use super::args::run::ColorWhen;
use super::args::trials::BundleArgs;
use super::failure::Failure;
use super::output::{note_line, notes, out};
use super::recorded::recording;
use super::trust;
use crate::run::RunState;
use crate::session::{
    Bundle, Changes, Judgement, Loaded, PriorRun, SessionError, Settings, SourceOptions,
    TrustedOnce, Version, expected_of, load, load_of_run,
};
use crate::text::format;
use std::path::Path;

/// Writes the bundle, and says whether it comes out the same again.
pub(super) async fn bundle(args: BundleArgs) -> Result<u8, Failure> {
    let run = recording(&args.run)?;
    let state = RunState::from_events(&run.events);
    let here = std::env::current_dir().unwrap_or_default();
    let settings = Settings::load(&here)?;
    let prior = PriorRun::fork(&run.summary.run_id, Changes::default())?;
    let source = SourceOptions {
        tools: args.tools.clone(),
        trust: trust::is_given(args.trust),
        ..SourceOptions::default()
    };
    let loaded = load_of_run(&prior, Version::Recorded, source, &settings).await?;
    notes(loaded.tools_as_they_are().as_slice(), ColorWhen::default());
    let bundle = Bundle::of(&state, &loaded, args.step.as_deref())?;
    for note in &bundle.notes {
        note_line(&format!("warning: {}", crate::text::line(note)));
    }
    let text = bundle.text();
    let Some(file) = &args.out else {
        out(&text)?;
        return Ok(0);
    };
    std::fs::write(file, text)
        .map_err(|error| SessionError::file(file.display().to_string(), error))?;
    note_line(&format!(
        "{}: {}, {}",
        file.display(),
        format::count(bundle.steps, "step"),
        format::count(bundle.calls, "recorded call")
    ));
    verify(file, loaded, &settings).await
}

/// Runs the bundle, and says what comes out otherwise than in the run: a step that is not a function of its input.
async fn verify(file: &Path, original: Loaded, settings: &Settings) -> Result<u8, Failure> {
    // Whoever trusts the plan trusts the part of it that computes.
    let Judgement::Trusted(consent) = original.judge(&TrustedOnce::default())? else {
        note_line("the plan is not trusted, so the bundle was not run");
        return Ok(0);
    };
    let source = SourceOptions {
        worker: Some("offline".to_owned()),
        ..SourceOptions::default()
    };
    let loaded = load(file, source, settings).await?;
    let differences = loaded.rerun(consent, &expected_of(file)?).await;
    let differences = differences.map_err(|error| Failure::usage(error.to_string()))?;
    if differences.is_empty() {
        note_line("run again, it comes out the same");
    }
    for difference in differences {
        note_line(&format!(
            "warning: run again, it comes out otherwise: {difference}"
        ));
    }
    Ok(0)
}
