//! `plandeck batch`: runs one plan with many contexts.

mod lines;
mod live;
mod progress;
mod recorded;

use super::args::batch::BatchArgs;
use super::context::context;
use super::executor::item_engine;
use super::failure::{Failure, NOT_WRITTEN, OVER_LIMIT};
use super::output::{note, note_line, notes};
use super::terminal::{is_interactive, signal_code};
use super::{screen, trust};
use crate::session::{
    Batch, BatchEnd, BatchInputs, BatchUpdate, JournalSettings, SessionError, Settings,
    TrustedOnce, load,
};
use crate::store::{CacheOptions, Store, home};
use crate::tui::EndingSignals;
use lines::Lines;
use live::show_live;
use progress::Progress;
use recorded::Recorded;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::watch;

/// Exit code where items wait for an approval.
const WAITS: u8 = 4;
/// Exit code where an item failed.
const FAILED: u8 = 1;

/// Runs the items of a batch and returns the exit code.
pub(super) async fn batch(mut args: BatchArgs) -> Result<u8, Failure> {
    let here = std::env::current_dir().unwrap_or_default();
    let settings = Settings::load(&here)?;
    let mut source = args.source.options();
    source.on.clone_from(&args.policy.on);
    let before = match &args.resume {
        Some(name) => Some(Store::open()?.find_batch(name)?),
        None => None,
    };
    let mut common = context(&args.source.context_file, &args.source.context)?;
    let known = before.as_ref().map(|record| Recorded(&record.settings));
    if let Some(known) = known {
        known.complete(&mut args, &mut source, &mut common);
    }
    settings.complete(&mut source);
    source.trust = trust::is_given(args.policy.consent.trust);
    source.allow_unsandboxed = args.policy.consent.allow_unsandboxed;
    let (Some(plan), Some(inputs)) = (args.plan.clone(), args.inputs.clone()) else {
        return Err(Failure::usage(
            "the batch has no plan or no inputs on record: plandeck batch PLAN --inputs FILE --resume BATCH",
        ));
    };
    let (inputs, name) = read_once(inputs)?;
    let limits = known.and_then(Recorded::limits);
    let limits = args.limits.over(match limits {
        Some(limits) => limits,
        None => settings.limits()?,
    });
    let mut rates = known.and_then(Recorded::rates);
    let mut rates = rates.take().unwrap_or_else(|| settings.rates.clone());
    rates.0.extend(args.limits.rates.iter().cloned());

    // The plan is checked with the first item, and then every item with the plan.
    let mut all = BatchInputs {
        path: inputs.clone(),
        key: args.key.clone(),
        common: common.clone(),
        content: None,
        name,
    };
    let needed = needed(&plan, &settings, source.clone()).await?;
    all.name_content(&needed);
    let total = all.check(&needed).inspect_err(|_| {
        if all.name.is_some() {
            // Nothing ran, so that nothing needs it again.
            let _ = std::fs::remove_file(&all.path);
        }
    })?;
    let first = all.open()?.find_map(Result::ok);
    source.context = first.map(|item| item.context).unwrap_or_default();
    let (seed, on) = (source.seed, source.on.clone());
    let mut kept = recorded::settings(&args, &source, &common, (&plan, &inputs), (&limits, &rates));
    let loaded = load(&plan, source, &settings).await?;
    recorded::leave_secrets_out(&mut kept, &loaded.secrets_in_reach());
    let headless = args.shown.headless || args.json || !is_interactive();
    if !headless {
        screen::complete(&mut args.screen, &settings)?;
        screen::print_faults(&args.screen);
    }
    let once = &mut TrustedOnce::default();
    let consent = trust::consent(&loaded, &args.screen, headless, once).await?;
    let consent = match consent {
        Ok(consent) => consent,
        Err(code) => return Ok(code),
    };
    let loaded = Box::pin(loaded.with_listed_tools(&consent)).await?;
    let mut warnings = loaded.warnings();
    warnings.extend(loaded.worker_chosen());
    let engine = item_engine(on.as_deref(), !headless).await?;
    if engine.is_some() {
        loaded.hide_secrets_in_reach();
    }
    let lifetime = settings.approval_lifetime();
    let mut execution = loaded
        .into_execution(consent)
        .limits(limits)
        .rates(rates)
        .track_cost(!args.policy.no_track_cost)
        .fail_fast(args.policy.fail_fast)
        .approval_lifetime(lifetime.map_err(SessionError::Settings)?)
        .unknown(args.interrupted.steps())
        .journal(JournalSettings::default())
        .cache(CacheOptions {
            fresh: args.policy.fresh,
            time_to_live: None,
        });
    if let Some(seed) = seed {
        execution = execution.seed(seed);
    }
    let mut batch = Batch::new(execution)
        .settings(kept)
        .items(total)
        .items_on(engine)
        .keys_are_unique()
        .answers(args.policy.approve.clone())
        .in_order(args.in_order)
        .retries(args.retries.unwrap_or_default())
        .retry_failed(args.retry_failed);
    if let Some(most) = args.max_runs {
        batch = batch.max_runs(most as usize);
    }
    if let Some(record) = &before {
        batch = batch.resume(&record.batch);
    }
    let lines = match &args.out {
        None if !headless => Lines::none(),
        out => Lines::open(out.as_deref(), before.is_some())?,
    };
    note(&format!("batch {}\n", batch.id()));
    notes(&warnings, super::args::run::ColorWhen::Auto);
    let progress = Progress::new(total, !headless);
    run(batch, &all, lines, progress, &args).await
}

/// The context values that a plan refers to and does not give itself.
async fn needed(
    plan: &Path,
    settings: &Settings,
    source: crate::session::SourceOptions,
) -> Result<Vec<Arc<str>>, Failure> {
    let loaded = crate::session::load_to_check(plan, source, settings).await?;
    let names = loaded.plan.context_names.iter();
    let own = &loaded.plan.context;
    Ok(names
        .filter(|name| !own.contains_key(&***name))
        .cloned()
        .collect())
}

/// A file with the inputs, and what to call it where the user does not know it. Standard input and pipes are kept in a
/// file, since inputs are read twice, and again when the batch is resumed.
fn read_once(inputs: PathBuf) -> Result<(PathBuf, Option<String>), Failure> {
    if inputs.as_os_str() == "-" {
        let name = "standard input".to_owned();
        return Ok((spooled(std::io::stdin().lock())?, Some(name)));
    }
    let is_pipe = std::fs::metadata(&inputs).is_ok_and(|known| !known.is_file() && !known.is_dir());
    if !is_pipe {
        return Ok((inputs, None));
    }
    let name = inputs.display().to_string();
    let pipe = std::fs::File::open(&inputs).map_err(|error| SessionError::file(&name, error))?;
    Ok((spooled(pipe)?, Some(name)))
}

fn spooled(mut from: impl std::io::Read) -> Result<PathBuf, Failure> {
    let folder = home()?.join("batches");
    let file = folder.join(format!("{}.jsonl", uuid::Uuid::now_v7()));
    let mut copy = || {
        std::fs::create_dir_all(&folder)?;
        let mut into = std::fs::File::create(&file)?;
        std::io::copy(&mut from, &mut into)
    };
    match copy() {
        Ok(_) => Ok(file),
        Err(error) => Err(SessionError::file(file.display().to_string(), error).into()),
    }
}

async fn run(
    batch: Batch,
    inputs: &BatchInputs,
    mut lines: Lines,
    mut progress: Progress,
    args: &BatchArgs,
) -> Result<u8, Failure> {
    let (stop, asked) = watch::channel(false);
    let viewed = progress.is_quiet().then(|| (home(), batch.id().clone()));
    let changed = RefCell::new(Vec::new());
    // What was checked may have changed since: such an item is left out, and said.
    let items = inputs.open()?.filter_map(|item| match item {
        Ok(item) => Some(item),
        Err(fault) => {
            let words = format!("{fault}; the file has changed since it was checked");
            if viewed.is_some() {
                changed.borrow_mut().push(words);
            } else {
                note_line(&words);
            }
            None
        }
    });
    let mut lost = None;
    let each = |update: BatchUpdate<'_>| {
        match update {
            BatchUpdate::Line(line) => {
                progress.line(line);
                if let Err(error) = lines.write(line) {
                    lost = Some(error);
                    return ControlFlow::Break(());
                }
            }
            BatchUpdate::Progress(tally, running) => progress.tell(tally, running),
        }
        ControlFlow::Continue(())
    };
    let mut signalled = None;
    let mut unseen = None;
    let end = {
        let mut running = Box::pin(batch.stop(asked).run(items, each));
        let mut ended = None;
        if let Some((home, id)) = &viewed {
            let home = home
                .as_ref()
                .map_err(|error| Failure::usage(error.to_string()))?;
            let shown = show_live(home, id, &args.screen, stop.clone());
            let mut shown = Box::pin(shown);
            let left = loop {
                tokio::select! {
                    end = &mut running, if ended.is_none() => ended = Some(end?),
                    left = &mut shown => break left,
                }
            };
            match left {
                Ok(code) => signalled = code,
                // What is running is stopped first.
                Err(failure) => unseen = Some(failure),
            }
            stop.send_replace(true);
        }
        let mut signals = EndingSignals::listen_in_background()
            .map_err(|error| Failure::usage(format!("signals: {error}")))?;
        loop {
            if let Some(end) = ended {
                break end;
            }
            tokio::select! {
                end = &mut running => break end?,
                number = signals.next() => match signalled {
                    None => {
                        signalled = Some(signal_code(number));
                        stop.send_replace(true);
                    }
                    // What is running is cancelled, and left to be resumed.
                    Some(_) => return Ok(signal_code(number)),
                }
            }
        }
    };
    for words in changed.take() {
        note_line(&words);
    }
    progress.summary(&end, args.json);
    if viewed.is_some() && args.out.is_none() {
        let batch = &end.batch;
        note_line(&format!(
            "to write the results to a file: plandeck batch --resume {batch} -o FILE"
        ));
    }
    notes(end.note.as_slice(), super::args::run::ColorWhen::Auto);
    if end.stopped || end.limit.is_some() {
        note_line(&resume_line(&end, args.out.as_deref()));
    }
    if let Some(error) = lost {
        return Err(Failure::ResultLost {
            error,
            recorded: None,
        });
    }
    match unseen {
        Some(failure) => Err(failure),
        None => Ok(code(&end, signalled)),
    }
}

fn resume_line(end: &BatchEnd, out: Option<&Path>) -> String {
    let out = out.map(|out| {
        let path = out.to_string_lossy();
        format!(" -o {}", shlex::try_quote(&path).unwrap_or_default())
    });
    let raise = match &end.limit {
        Some((limit, _)) if !end.stopped => {
            let name = serde_json::to_value(limit).unwrap_or_default();
            let name = name.as_str().unwrap_or_default().replace('_', "-");
            format!(" --{name} MORE")
        }
        _ => String::new(),
    };
    format!(
        "to run the rest: plandeck batch --resume {}{}{raise}",
        end.batch,
        out.unwrap_or_default()
    )
}

fn code(end: &BatchEnd, signalled: Option<u8>) -> u8 {
    let counts = end.tally.counts;
    match signalled {
        Some(code) if end.stopped => code,
        _ if end.stopped => NOT_WRITTEN,
        _ if counts.limit_exceeded > 0 => OVER_LIMIT,
        _ if counts.failed + counts.cancelled > 0 => FAILED,
        _ if counts.waiting > 0 => WAITS,
        _ => 0,
    }
}

/// A list of paths, as absolute ones.
fn absolute(path: &Path) -> Value {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    path.to_string_lossy().into_owned().into()
}

/// The context values of every item.
type Common = Map<String, Value>;
