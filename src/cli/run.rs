//! `plandeck run`: runs a plan, with the dashboard or without.

use super::args::run::{JournalWhen, LimitArgs, OpenedFrom, RunArgs};
use super::context::context;
use super::convert::or_other_plan;
use super::executor::executor;
use super::failure::Failure;
use super::look_back::look_back;
use super::output::{note_line, notes};
use super::previewed::out_preview;
use super::recorded::recording;
use super::repeat_feed::Trusting;
use super::sinks::{JsonLinesSink, Written, events_lost};
use super::terminal::{SIGNALLED, is_headless};
use super::{control_door, dashboard, detach, headless, interrupted, samples, screen, trust};
use crate::run::{Answers, RunEvent};
use crate::session::{
    Execution, ForkRequest, Intended, JournalSettings, Judgement, LiveEdits, Loaded, Note,
    PreparedRun, PriorRun, SessionError, Settings, TrustedOnce, load,
};
use crate::store::{CacheOptions, StoreError};
use crate::tui;
use serde_json::json;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Runs a plan and returns the exit code.
pub(super) async fn run(mut args: RunArgs) -> Result<u8, Failure> {
    if args.record.interrupted.unknown.is_some() && args.record.resume.is_none() {
        return Err(Failure::usage(
            "--unknown needs --resume RUN, or `plandeck fork`",
        ));
    }
    if args.dry_run {
        args.shown.headless = true;
        args.detach = false;
    }
    if args.detach {
        return detach::detach(&args).await;
    }
    if let Some(code) = interrupted::resume(&mut args).await? {
        return Ok(code);
    }
    let prior = match &args.record.resume {
        Some(name) => Some(PriorRun::resume(name)?),
        None => None,
    };
    run_from(args, prior).await
}

/// Runs a plan that resumes or forks `prior`, if given; then the fork that the user requests in the dashboard, from which
/// they come back to the run that was forked.
pub(super) async fn run_from(args: RunArgs, prior: Option<PriorRun>) -> Result<u8, Failure> {
    run_and_forks(args, prior, &mut TrustedOnce::default()).await
}

/// The same, with what the user has trusted since the program was started.
async fn run_and_forks(
    args: RunArgs,
    prior: Option<PriorRun>,
    once: &mut TrustedOnce,
) -> Result<u8, Failure> {
    let (code, fork) = Box::pin(run_once(args.clone(), prior, once)).await?;
    let Some(fork) = fork else {
        return Ok(code);
    };
    let prior = fork.prior_run()?;
    let code = Box::pin(run_and_forks(
        of_fork(args.clone(), &fork),
        Some(prior),
        once,
    ))
    .await?;
    if code >= SIGNALLED || !fork.is_from_step() {
        return Ok(code);
    }
    let mut screen = args.screen.clone();
    screen::complete(&mut screen, &screen::settings_here()?)?;
    let parent = recording(fork.run())?;
    let options = tui::Options {
        replay: Some(0.0),
        forkable: true,
        ..screen::options(parent.summary.plan.to_string(), &screen)
    };
    let left = Box::pin(look_and_fork(args, parent.events, options, once)).await?;
    Ok(if left >= SIGNALLED { left } else { code })
}

/// Shows a recording, and runs the forks that the user makes of it; whoever leaves one of them is back at it.
async fn look_and_fork(
    args: RunArgs,
    events: Vec<RunEvent>,
    options: tui::Options,
    once: &mut TrustedOnce,
) -> Result<u8, Failure> {
    loop {
        let (signalled, fork) = look_back(events.clone(), options.clone()).await?;
        let Some(fork) = fork else {
            return Ok(signalled.unwrap_or(0));
        };
        let prior = fork.prior_run()?;
        let code = Box::pin(run_and_forks(
            of_fork(args.clone(), &fork),
            Some(prior),
            once,
        ))
        .await?;
        if code >= SIGNALLED || !fork.is_from_step() {
            return Ok(code);
        }
    }
}

/// Shows a recording, as `plandeck replay` does.
pub(super) async fn look_from(
    args: RunArgs,
    events: Vec<RunEvent>,
    options: tui::Options,
) -> Result<u8, Failure> {
    look_and_fork(args, events, options, &mut TrustedOnce::default()).await
}

/// The arguments of a fork that the user requested in the dashboard of the run that these arguments started.
fn of_fork(mut args: RunArgs, fork: &ForkRequest) -> RunArgs {
    args.record.resume = None;
    args.preview_of = None;
    // The plan of the run that is forked is the one on record, which no file has.
    if args.edited.take().is_some() {
        args.plan = None;
        args.source.tools.clear();
    }
    args.to = None;
    if let Some(next) = fork.successor() {
        args.run_id = Some(Arc::clone(&next.run_id));
        args.paused = next.paused;
        args.breakpoints.clone_from(&next.breakpoints);
        args.break_on_failure = false;
        // Those with which the run before it ended count.
        args.limits = LimitArgs::default();
        args.events_follow = true;
    } else {
        args.run_id = None;
        args.paused = false;
        args.policy.approve.clear();
        args.breakpoints.clear();
        // The file holds the events of the first run.
        args.events = None;
        // The address is still taken by the first run.
        args.listen = None;
    }
    if let Some(edited) = fork.edited() {
        args.plan = Some(edited.file.clone());
        args.edited = Some(edited.clone());
    }
    if fork.is_from_step() {
        args.screen.from = OpenedFrom::Parent;
    }
    args
}

async fn run_once(
    mut args: RunArgs,
    prior: Option<PriorRun>,
    once: &mut TrustedOnce,
) -> Result<(u8, Option<ForkRequest>), Failure> {
    let here = std::env::current_dir().unwrap_or_default();
    let settings = Settings::load(&here)?;
    let mut source = args.source.options();
    source.on.clone_from(&args.policy.on);
    if let Some(prior) = &prior {
        prior.complete(&mut args.plan, &mut source)?;
    }
    if let Some(edited) = args.edited.take() {
        source.with_edited(&edited);
    }
    settings.complete(&mut source);
    source.trust = trust::is_given(args.policy.consent.trust);
    source.is_planned = args.is_planned;
    source.allow_unsandboxed = args.policy.consent.allow_unsandboxed;
    screen::complete(&mut args.screen, &settings)?;
    let Some(plan) = args.plan.clone() else {
        return Err(Failure::usage("no plan was given: plandeck run PLAN"));
    };
    let headless = is_headless(&args);
    if !headless {
        screen::print_faults(&args.screen);
    }
    if headless && args.paused && args.record.journal == JournalWhen::Off {
        return Err(Failure::usage(
            "--paused needs the dashboard, or a run that is recorded: nothing else can resume it",
        ));
    }
    let from_settings = (settings.limits()?, settings.rates.clone());
    let of_prior = prior.as_ref().and_then(PriorRun::limits);
    let (limits, mut rates) = of_prior.unwrap_or(from_settings);
    // A run that goes on keeps its account.
    let of_prior = prior.as_ref().and_then(PriorRun::tracks_cost);
    let track_cost = of_prior.unwrap_or(!args.policy.no_track_cost);
    let limits = args.limits.over(limits);
    rates.0.extend(args.limits.rates.iter().cloned());
    source.context = context(&args.source.context_file, &args.source.context)?;
    let (seed, on) = (source.seed, source.on.clone());
    let loaded = load(&plan, source, &settings).await;
    let loaded = loaded.map_err(|failure| or_other_plan(failure, &plan))?;
    if args.dry_run {
        let intended = Intended {
            limits,
            track_cost,
            unknown: args.record.interrupted.steps(),
        };
        return Ok((dry_run(loaded, prior, intended, &args, once).await?, None));
    }
    let consent = match trust::consent(&loaded, &args.screen, headless, once).await? {
        Ok(consent) => consent,
        Err(code) => return Ok((code, None)),
    };
    let loaded = Box::pin(loaded.with_listed_tools(&consent)).await?;
    let mut warnings = loaded.warnings();
    let origin = dashboard::Origin {
        address: loaded.address_of_project(),
        worker_reason: loaded.worker.reason().map(str::to_owned),
    };
    if headless {
        warnings.extend(loaded.worker_chosen());
    }
    let executor = executor(on.as_deref()).await?;
    if executor.is_some() {
        loaded.hide_secrets_in_reach();
    }
    let breakpoints = loaded.breakpoints(&args.breakpoints, args.break_on_failure, !headless)?;
    let digest = loaded.digest();
    let lifetime = settings.approval_lifetime();
    let approval_lifetime = lifetime.map_err(SessionError::Settings)?;
    let watched = !headless && prior.is_none() && loaded.worker.is_offline();
    let pace = args
        .pace
        .or_else(|| samples::pace(&plan).filter(|_| watched));
    let execution = loaded
        .into_execution(consent)
        .executor(executor)
        .limits(limits)
        .rates(rates)
        .track_cost(track_cost)
        .fail_fast(args.policy.fail_fast)
        .paused(args.paused)
        .pace(pace)
        .answers(Answers::new(args.policy.approve.iter().cloned()))
        .breakpoints(breakpoints)
        .run_to(args.to.as_deref().map(Into::into))
        .approval_lifetime(approval_lifetime)
        .question_answers(args.answers.clone())
        .question_wait(args.question_wait())
        .interactive(!headless);
    let execution = execution.run_id(args.run_id.clone());
    let execution = match seed {
        Some(seed) => execution.seed(seed),
        None => execution,
    };
    let prepared = recorded(execution, &args, prior, headless).prepare()?;
    let color = args.screen.color.unwrap_or_default();
    notes(prepared.notes(), color);
    for (step, _) in &args.answers {
        // An element of a `for_each` step is `STEP[N]`.
        let of_plan = step.split_once('[').map_or(&**step, |(step, _)| step);
        if prepared.plan().find(of_plan).is_none() {
            let words = format!("--answer {step}: the plan has no step {of_plan}");
            return Err(Failure::usage(words));
        }
    }
    let written = Written::default();
    let prepared = with_events(prepared, &args, &written, headless)?;
    // With the dashboard too: they are in the scrollback after the user leaves.
    notes(&warnings, color);
    let plan = Arc::clone(prepared.plan());
    let (prepared, door) = control_door::prepare(prepared, &args)?;
    let trusting = Trusting {
        given: trust::is_given(args.policy.consent.trust),
        once: once.clone(),
    };
    let edits = LiveEdits::new(trusting.given, trusting.once.clone());
    let door = door.map(|door| door.with_edits(edits.clone()));
    let (mut code, fork) = if headless {
        headless::run(prepared, door, &args, &edits).await?
    } else {
        let is_recorded = args.record.journal != JournalWhen::Off;
        let run = (prepared, door);
        let trusting = (trusting, edits);
        let opened = dashboard::open(run, &args.screen, is_recorded, origin, &digest, trusting);
        Box::pin(opened).await?
    };
    // The process exits next: freeing a large plan would only take time.
    std::mem::forget(plan);
    if let Some(error) = written.get() {
        if !headless {
            events_lost(error);
        }
        if code == 0 {
            code = super::failure::NOT_WRITTEN;
        }
    }
    Ok((code, fork))
}

/// Prints what the run would do.
async fn dry_run(
    loaded: Loaded,
    prior: Option<PriorRun>,
    intended: Intended,
    args: &RunArgs,
    once: &TrustedOnce,
) -> Result<u8, Failure> {
    // What nobody has consented to is not asked for its tools.
    let loaded = match loaded.judge(once)? {
        Judgement::Trusted(consent) => Box::pin(loaded.with_listed_tools(&consent)).await?,
        Judgement::Asks(_) => loaded,
    };
    let about = match (&args.preview_of, &args.record.resume) {
        (Some((verb, step)), _) => (&**verb, step.as_deref()),
        (None, Some(_)) => ("resume", None),
        (None, None) => ("run", None),
    };
    out_preview(&json!(loaded.preview(prior, intended, about)?), args.json)?;
    Ok(0)
}

/// Adds journal, cache and the earlier run to the run. `at_once`: whether a failure of the journal is printed on
/// standard error while the run is running.
fn recorded(
    execution: Execution,
    args: &RunArgs,
    prior: Option<PriorRun>,
    at_once: bool,
) -> Execution {
    let mut execution = execution.unknown(args.record.interrupted.steps());
    if let Some(prior) = prior {
        execution = execution.resume(prior);
    }
    if args.record.journal == JournalWhen::Off {
        return execution;
    }
    let report = |error: &StoreError| note_line(&Note::NotRecorded(error.to_string()).to_string());
    execution
        .journal(JournalSettings {
            home: None,
            durable: args.record.durable,
            required: args.record.journal == JournalWhen::Required,
            on_broken: at_once.then(|| Arc::new(report) as _),
        })
        .cache(CacheOptions {
            fresh: args.policy.fresh,
            time_to_live: args.record.cache_ttl,
        })
}

fn with_events(
    run: PreparedRun,
    args: &RunArgs,
    written: &Written,
    headless: bool,
) -> Result<PreparedRun, Failure> {
    Ok(match args.events.as_deref() {
        None => run,
        Some(file) if file == Path::new("-") => {
            run.with_sink(JsonLinesSink::new(std::io::stdout(), written, headless))
        }
        Some(file) => {
            let out = if args.events_follow {
                File::options().append(true).create(true).open(file)
            } else {
                File::create(file)
            };
            let out = out.map_err(|error| SessionError::file(file.display().to_string(), error))?;
            run.with_sink(JsonLinesSink::new(out, written, headless))
        }
    })
}
