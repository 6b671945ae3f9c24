//! `plandeck flaky`: calls a step of a recorded run many times on its recorded input, and counts the answers.

use super::args::run::{ColorWhen, RunArgs, ScreenArgs};
use super::args::trials::FlakyArgs;
use super::args::values::OrDefault;
use super::columns::aligned;
use super::failure::Failure;
use super::output::{note_line, notes, out, out_json};
use super::recorded::recording;
use super::terminal::exit_code;
use super::until_end::{End, Until, until_end};
use super::verbs::prompt;
use super::{control_door, trust};
use crate::run::{GivenCall, RepeatPrice, Repeats, RunState, ended_calls};
use crate::session::{
    Changes, Execution, JournalSettings, Loaded, PriorRun, Settings, Trials, TrustedOnce, Version,
    filtered, load_of_run,
};
use crate::text::format;
use crate::units::{ModelOptions, Money};
use serde_json::{Value, json};
use std::sync::Arc;

/// Cells of an answer in the table.
const ANSWER: usize = 60;

/// Calls the step, and prints how far its answers agree.
pub(super) async fn flaky(args: FlakyArgs) -> Result<u8, Failure> {
    let prior = prior(&args.run)?;
    let run = recording(prior.run_id())?;
    let new_prompt = args.prompt.as_deref().map(prompt).transpose()?;
    let state = RunState::from_events(&run.events);
    let call = GivenCall {
        prompt: new_prompt,
        model: args.model.as_deref().map(Arc::from),
        options: ModelOptions {
            temperature: args.options.temperature.and_then(OrDefault::into_option),
            max_tokens: args.options.max_tokens.and_then(OrDefault::into_option),
        },
    };
    let trials = Trials::of(&state, &args.step, call)?.by(args.by.clone());
    if let (Some(filter), Some(output)) = (&args.by, trials.recorded_output()) {
        filtered(output, filter)
            .await
            .map_err(|message| of_filter(&message))?;
    }
    let here = std::env::current_dir().unwrap_or_default();
    let settings = Settings::load(&here)?;
    let loaded = load_plan(&args, &prior, &settings).await?;
    let consent = match trust::consent(
        &loaded,
        &ScreenArgs::default(),
        true,
        &mut TrustedOnce::default(),
    )
    .await?
    {
        Ok(consent) => consent,
        Err(code) => return Ok(code),
    };
    let loaded = Box::pin(loaded.with_listed_tools(&consent)).await?;
    let loaded = loaded.repeating(&trials, args.times, args.allow_effects)?;
    let price = trials.price(&loaded, args.times);
    if args.dry_run {
        print_price(&args, &price)?;
        return Ok(0);
    }
    note_line(&price_in_words(&args, &price));
    let execution = execution(loaded, &args, consent, &settings)?;
    let prepared = execution.prepare()?;
    notes(prepared.notes(), ColorWhen::default());
    let run_id = Arc::clone(prepared.run_id());
    let (prepared, door) = control_door::prepare(prepared, &RunArgs::by_default())?;
    let Until {
        live,
        end,
        server: _server,
    } = until_end(prepared, door).await?;
    let (state, signalled) = match end {
        End::Ended(state, signalled) => (state, signalled),
        End::Left(code) => return Ok(code),
    };
    notes(live.release().as_slice(), ColorWhen::default());
    let found = repeats(&state, args.by.as_deref()).await?;
    if args.json {
        out_json(&to_json(&found, &args.step, &run_id))?;
    } else {
        out(&to_text(&found, &args))?;
    }
    Ok(match exit_code(&state, signalled) {
        // Calls that fail are what it counts.
        0 | 1 => 0,
        other => other,
    })
}

fn of_filter(message: &str) -> Failure {
    Failure::usage(format!("--by: {message}"))
}

/// The run; where it only repeated a call of another one, that one.
fn prior(name: &str) -> Result<PriorRun, Failure> {
    let mut prior = PriorRun::fork(name, Changes::default())?;
    while let Some(run) = prior.repeats() {
        prior = PriorRun::fork(run, Changes::default())?;
    }
    Ok(prior)
}

/// The plan of the run with its tools; context values may be missing, because the input is on record.
async fn load_plan(
    args: &FlakyArgs,
    prior: &PriorRun,
    settings: &Settings,
) -> Result<Loaded, Failure> {
    let mut source = args.go_on.source.options();
    source.trust = trust::is_given(args.go_on.consent.trust);
    source.allow_unsandboxed = args.go_on.consent.allow_unsandboxed;
    let version = if args.recorded {
        Version::Recorded
    } else {
        Version::Now
    };
    let loaded = load_of_run(prior, version, source, settings).await?;
    notes(loaded.tools_as_they_are().as_slice(), ColorWhen::default());
    Ok(loaded)
}

fn execution(
    loaded: Loaded,
    args: &FlakyArgs,
    consent: crate::session::Consent,
    settings: &Settings,
) -> Result<Execution, Failure> {
    let mut rates = settings.rates.clone();
    rates.0.extend(args.go_on.limits.rates.iter().cloned());
    let execution = loaded
        .into_execution(consent)
        .limits(args.go_on.limits.over(settings.limits()?))
        .rates(rates)
        .journal(JournalSettings::default());
    Ok(match args.go_on.source.seed {
        Some(seed) => execution.seed(seed),
        None => execution,
    })
}

fn price_in_words(args: &FlakyArgs, price: &RepeatPrice) -> String {
    let calls = format::count(args.times as usize, "call");
    let step = crate::text::line(&args.step);
    if price.forecast.is_free() {
        return format!("{calls} of step {step}: free");
    }
    let amount =
        |cost: Option<Money>| cost.map_or_else(|| "unknown".to_owned(), |cost| cost.to_string());
    format!(
        "{calls} of step {step}: {} expected{}, {} at most",
        amount(price.expected()),
        if price.recorded.is_some() {
            " (as in the run)"
        } else {
            ""
        },
        amount(price.forecast.max),
    )
}

fn print_price(args: &FlakyArgs, price: &RepeatPrice) -> Result<(), Failure> {
    if !args.json {
        return out(&(price_in_words(args, price) + "\n"));
    }
    out_json(&json!({
        "step": args.step,
        "n": args.times,
        "cost_usd": {"min": price.forecast.min, "expected": price.expected(), "max": price.forecast.max},
    }))
}

/// What came of the calls; `by` is what the answers are compared by.
async fn repeats(state: &RunState, by: Option<&str>) -> Result<Repeats, Failure> {
    let mut calls = ended_calls(state);
    if let Some(filter) = by {
        for (_, end) in &mut calls {
            if let Ok(output) = end {
                let compared = filtered(output, filter).await;
                *output = Arc::new(compared.map_err(|message| of_filter(&message))?);
            }
        }
    }
    Ok(Repeats::of_calls(&calls, state))
}

fn to_json(found: &Repeats, step: &str, run_id: &str) -> Value {
    let mut value = json!(found.agreement);
    let errors = found.failures.iter();
    let errors = errors.map(|error| json!({"message": error.message, "count": error.calls.len()}));
    value["step"] = json!(step);
    value["run_id"] = json!(run_id);
    value["errors"] = errors.collect();
    value["cost"] = json!(found.cost);
    value
}

fn to_text(repeats: &Repeats, args: &FlakyArgs) -> String {
    let found = &repeats.agreement;
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let cell = |text: &str| crate::text::fit(&crate::text::line(text), ANSWER);
    let of = |count: usize, word: String| {
        let share = count as f64 / found.n.max(1) as f64;
        [count.to_string(), percent(share), word]
    };
    let answers = found
        .answers
        .iter()
        .map(|one| of(one.count, cell(&one.output.to_string())));
    let errors = repeats.failures.iter().map(|error| {
        of(
            error.calls.len(),
            cell(&format!("failed: {}", error.message)),
        )
    });
    let rows: Vec<[String; 3]> = answers.chain(errors).collect();
    let cost = repeats
        .cost
        .map_or_else(|| "an unknown amount".to_owned(), |cost| cost.to_string());
    format!(
        "{}agreement {} of {} of step {} (95 % interval {} to {}); {cost}\n",
        aligned(&rows, 0..2),
        percent(found.agreement),
        format::count(found.n, "call"),
        crate::text::line(&args.step),
        percent(found.interval[0]),
        percent(found.interval[1]),
    )
}
