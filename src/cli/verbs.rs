//! The verbs on a run: a live one takes them over its socket, a recorded one goes on under its own id.

use super::args::run::{LimitArgs, RunArgs};
use super::args::values::{Bound, OrDefault, answer_value};
use super::args::verbs::{
    AnswerArgs, ApproveArgs, BreakArgs, EditArgs, GoOnArgs, OfRun, ResumeArgs, RetryArgs,
    RunVerbArgs, SetArgs, StepArgs, StepVerbArgs,
};
use super::failure::{Failure, NOTHING_RAN};
use super::live_run::{Found, find};
use super::output::{out_json, out_line};
use super::previewed::out_preview;
use super::run::run_from;
use crate::control::{ClientError, CommandRequest, ControlError, continuation, preview};
use crate::run::RunSetting;
use crate::session::{
    Continuation, Liveness, PriorRun, Settings, load, value_from_file, value_from_text,
};
use crate::units::Money;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// A verb as it was typed.
pub(super) struct Typed {
    of: OfRun,
    request: CommandRequest,
    go_on: GoOnArgs,
}

impl Typed {
    fn new(verb: &str, of: OfRun, step: Option<String>, go_on: GoOnArgs) -> Self {
        let request = CommandRequest {
            verb: verb.to_owned(),
            step,
            ..CommandRequest::default()
        };
        Self { of, request, go_on }
    }

    pub(super) fn of_run(verb: &str, args: RunVerbArgs) -> Self {
        Self::new(verb, args.of, None, GoOnArgs::default())
    }

    pub(super) fn resume(args: ResumeArgs) -> Self {
        let mut typed = Self::new("resume", args.of, args.to, args.go_on);
        typed.request.settings = limits_as_settings(&typed.go_on.limits);
        typed
    }

    pub(super) fn edits(verb: &str, args: ResumeArgs) -> Self {
        Self::new(verb, args.of, None, args.go_on)
    }

    pub(super) fn step(args: StepArgs) -> Self {
        Self::new("step", args.of, args.step, GoOnArgs::default())
    }

    pub(super) fn retry(args: RetryArgs) -> Self {
        Self::new("retry", args.of, args.step, args.go_on)
    }

    pub(super) fn on_step(verb: &str, args: StepVerbArgs) -> Self {
        Self::new(verb, args.of, Some(args.step), args.go_on)
    }

    pub(super) fn edit(args: EditArgs) -> Result<Self, Failure> {
        let mut typed = Self::new("edit", args.of, Some(args.step), args.go_on);
        typed.request.input = args.input.as_deref().map(input).transpose()?;
        let prompt = args.prompt.as_deref().map(prompt).transpose()?;
        typed.request.prompt = prompt.map(Some);
        typed.request.model = args.model.map(|model| Some(model.into()));
        typed.request.temperature = args.options.temperature.map(OrDefault::into_option);
        typed.request.max_tokens = args.options.max_tokens.map(OrDefault::into_option);
        Ok(typed)
    }

    pub(super) fn set(args: SetArgs) -> Result<Self, Failure> {
        let mut typed = Self::new("set", args.of, args.step, args.go_on);
        typed.request.output = args.output.as_deref().map(output).transpose()?;
        typed.request.settings = limits_as_settings(&typed.go_on.limits);
        Ok(typed)
    }

    pub(super) fn approval(args: ApproveArgs) -> Self {
        let mut typed = Self::new("approve", args.of, Some(args.step), GoOnArgs::default());
        typed.request.off = args.no;
        typed
    }

    pub(super) fn answer(args: AnswerArgs) -> Result<Self, Failure> {
        let mut typed = Self::new("answer", args.of, Some(args.step), GoOnArgs::default());
        let given = match args.answer.strip_prefix('@') {
            Some(file) => value_from_file(Path::new(file))?,
            None => answer_value(&args.answer).map_err(Failure::usage)?,
        };
        typed.request.answer = Some(given);
        Ok(typed)
    }

    pub(super) fn breakpoint(args: BreakArgs) -> Self {
        let mut typed = Self::new("break", args.of, Some(args.step), GoOnArgs::default());
        typed.request.off = args.off;
        typed
    }
}

/// Sends a verb to a live run, or has a recorded one go on with it. Returns the exit code: that of the run where it
/// goes on.
pub(super) async fn verb(typed: Typed) -> Result<u8, Failure> {
    match find(&typed.of.run, typed.of.token.as_deref())? {
        Found::Live { client, .. } if typed.of.dry_run => {
            match client.preview::<Value>(&typed.request).await {
                Ok(preview) => out_preview(&preview, typed.of.json)?,
                Err(error) if typed.of.json => {
                    out_json(&error.body())?;
                    return Ok(NOTHING_RAN);
                }
                Err(error) => return Err(Failure::usage(error.to_string())),
            }
            Ok(0)
        }
        Found::Live { client, name, .. } => {
            let answered = client.command(&typed.request).await;
            answer(&typed, &name, answered)
        }
        Found::Stored(run) if typed.of.dry_run => Box::pin(dry_run(typed, &run.run_id)).await,
        Found::Stored(run) => Box::pin(go_on(typed, &run.run_id)).await,
    }
}

/// What a verb would do to a recorded run that goes on with it.
async fn dry_run(typed: Typed, run_id: &str) -> Result<u8, Failure> {
    let mut state = PriorRun::as_left(run_id)?;
    // Whatever the verb, the run goes on under the limits that are given with it.
    for setting in limits_as_settings(&typed.go_on.limits) {
        setting.apply(&mut state.limits, &mut state.rates);
    }
    // Refuses what needs a live run.
    if let Err(error) = continuation(&typed.request, &state) {
        return match refused(&typed, &error) {
            Failure::Said(code) => Ok(code),
            failure => Err(failure),
        };
    }
    let prior = PriorRun::go_on(run_id, Continuation::default())?;
    let here = std::env::current_dir().unwrap_or_default();
    let settings = Settings::load(&here)?;
    let mut plan = None;
    let mut source = typed.go_on.source.options();
    prior.complete(&mut plan, &mut source)?;
    settings.complete(&mut source);
    let Some(plan) = plan else {
        return Err(Failure::usage("the plan of the run is not on record"));
    };
    let loaded = load(&plan, source, &settings).await?;
    let previewer = loaded.previewer();
    let shown = preview(&typed.request, &state, &previewer, Liveness::Stored);
    match shown {
        Ok(shown) => out_preview(&json!(shown), typed.of.json)?,
        Err(error) => return Err(refused(&typed, &error)),
    }
    Ok(0)
}

fn answer(typed: &Typed, name: &str, answered: Result<Value, ClientError>) -> Result<u8, Failure> {
    match answered {
        Ok(answer) if typed.of.json => out_json(&answer)?,
        Ok(answer) => {
            let seq = answer["seq"].as_u64().unwrap_or_default();
            let verb = &typed.request.verb;
            let step = typed.request.step.as_deref();
            let step = step.map_or_else(String::new, |step| format!(" {step}"));
            out_line(&format!("run {name} takes {verb}{step} after event {seq}"))?;
        }
        Err(error) if typed.of.json => {
            out_json(&error.body())?;
            return Ok(NOTHING_RAN);
        }
        Err(error) => return Err(Failure::usage(error.to_string())),
    }
    Ok(0)
}

/// A recorded run goes on under its own id, without a screen.
async fn go_on(typed: Typed, run_id: &str) -> Result<u8, Failure> {
    let asked = PriorRun::as_left(run_id)
        .map_err(Failure::from)
        .and_then(|run| {
            continuation(&typed.request, &run).map_err(|error| refused(&typed, &error))
        });
    let continuation = match asked {
        Err(Failure::Said(code)) => return Ok(code),
        other => other?,
    };
    let prior = PriorRun::go_on(run_id, continuation)?;
    let args = RunArgs {
        json: typed.of.json,
        ..typed.go_on.into_run()
    };
    run_from(args, Some(prior)).await
}

fn refused(typed: &Typed, error: &ControlError) -> Failure {
    if !typed.of.json {
        return Failure::usage(error.to_string());
    }
    match out_json(&error.body()) {
        Ok(()) => Failure::Said(NOTHING_RAN),
        Err(failure) => failure,
    }
}

fn input(text: &str) -> Result<Value, Failure> {
    if let Some(file) = text.strip_prefix('@') {
        return Ok(value_from_file(Path::new(file))?);
    }
    serde_json::from_str(text)
        .map_err(|error| Failure::usage(format!("--input: not valid JSON: {error}")))
}

fn output(text: &str) -> Result<Value, Failure> {
    match text.strip_prefix('@') {
        Some(file) => Ok(value_from_file(Path::new(file))?),
        None => value_from_text(text).map_err(|what| Failure::usage(format!("--output: {what}"))),
    }
}

pub(super) fn prompt(text: &str) -> Result<Arc<str>, Failure> {
    let Some(file) = text.strip_prefix('@') else {
        return Ok(text.into());
    };
    let read = std::fs::read_to_string(file);
    let read = read.map_err(|error| Failure::usage(format!("--prompt {text}: {error}")))?;
    Ok(read.into())
}

/// The settings of a live run that the limits on the command line change.
fn limits_as_settings(limits: &LimitArgs) -> Vec<RunSetting> {
    let mut settings = Vec::new();
    if let Some(bound) = limits.max_concurrent {
        let value = bound.into_option();
        settings.push(RunSetting::MaxConcurrent { value });
    }
    if let Some(bound) = limits.max_total_cost_usd {
        let value = bound.into_option().map(Money::from_usd);
        settings.push(RunSetting::MaxTotalCostUsd { value });
    }
    if let Some(bound) = limits.max_tool_calls {
        let value = bound.into_option();
        settings.push(RunSetting::MaxToolCalls { value });
    }
    if let Some(bound) = limits.timeout_seconds {
        let value = Bound::into_option(bound);
        settings.push(RunSetting::TimeoutSeconds { value });
    }
    let rates = limits.rates.iter().map(|(name, rate)| RunSetting::Rate {
        name: Arc::clone(name),
        rate: Some(*rate),
    });
    settings.extend(rates);
    settings
}
