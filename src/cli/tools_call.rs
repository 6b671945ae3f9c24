//! `plandeck tools call`: calls one tool.

use super::args::tools::CallArgs;
use super::failure::Failure;
use super::output::{note_line, out_json};
use super::terminal::exit_code;
use super::trust;
use super::until_end::{End, until_end};
use crate::plan::{PlanFaults, read_data};
use crate::run::ExecutionResult;
use crate::session::{CALL, SessionError, Settings, consent_to_catalog, load_call};
use crate::text::schema::{Place, Schema, Verdict, shortened, validate};
use crate::text::secrets::Secrets;
use crate::tools::Toolbox;
use serde_json::{Map, Value};
use std::io::Read as _;
use std::sync::Arc;

/// Calls the tool as a step of a run that is not recorded, and prints its output.
pub(super) async fn call(args: CallArgs) -> Result<u8, Failure> {
    let here = std::env::current_dir().unwrap_or_default();
    let settings = Settings::load(&here)?;
    let mut source = args.from.options();
    source.trust = trust::is_given(args.from.trust);
    let trusted = source.trust;
    source.worker = args.worker;
    source.base_url = args.base_url;
    settings.complete(&mut source);
    let input = input(&args.input)?;
    let loaded = load_call(&args.name, input.clone(), source, &settings);
    let loaded = loaded.await.map_err(without_place)?;
    let step = loaded.plan.steps.iter().next();
    let called = step.map(|step| Arc::clone(&step.tool));
    let id = step.map(|step| Arc::clone(&step.id)).unwrap_or_default();
    let answers = args.answers.into_iter();
    let answers = answers.map(|answer| (Arc::clone(&id), answer)).collect();
    let (catalog, toolbox) = (loaded.catalog(), &loaded.toolbox);
    let consent = consent_to_catalog(catalog, toolbox, called.as_deref(), trusted)?;
    let loaded = Box::pin(loaded.with_listed_tools(&consent)).await;
    let loaded = loaded.map_err(without_place)?;
    let schema = loaded.catalog().get(&args.name);
    let schema = schema.and_then(|tool| tool.input_schema.clone());
    if let Some(fault) = schema.and_then(|schema| violation(&schema, &Value::Object(input))) {
        let secrets = loaded.toolbox.secrets().now();
        return Err(Failure::usage(format!(
            "the parameters of {:?} are not valid:\n{}",
            args.name,
            shown(&fault, &secrets)
        )));
    }
    let prepared = loaded
        .into_execution(consent)
        .limits(settings.limits()?)
        .question_answers(answers)
        .prepare()?;
    let (state, signalled) = match until_end(prepared, None).await?.end {
        End::Ended(state, signalled) => (state, signalled),
        End::Left(code) => return Ok(code),
    };
    let result = ExecutionResult::of(&state);
    let code = exit_code(&state, signalled);
    match result.error.as_ref() {
        Some(error) if code != 0 => note_line(&error.message),
        _ => out_json(&result.result)?,
    }
    Ok(code)
}

/// The plan of the call is not the user's, so its faults have no place.
fn without_place(error: SessionError) -> Failure {
    let SessionError::Faults(faults) = &error else {
        return error.into();
    };
    let Some(PlanFaults {
        source_text,
        diagnostics,
    }) = faults.first()
    else {
        return error.into();
    };
    match diagnostics.first() {
        Some(fault) if &*source_text.name == CALL => Failure::usage(match &fault.help {
            Some(help) => format!("{}: {help}", fault.message),
            None => fault.message.clone(),
        }),
        _ => error.into(),
    }
}

/// The parameters: an object in the argument, in a file, or on standard input.
fn input(text: &str) -> Result<Map<String, Value>, Failure> {
    let read = |place: &str, error: &std::io::Error| Failure::usage(format!("{place}: {error}"));
    let text = match text.strip_prefix('@') {
        Some(file) => std::fs::read_to_string(file).map_err(|error| read(file, &error))?,
        None if text == "-" => {
            let mut given = String::new();
            let all = std::io::stdin().lock().read_to_string(&mut given);
            all.map_err(|error| read("standard input", &error))?;
            given
        }
        None => text.to_owned(),
    };
    match read_data(&text) {
        Ok(Value::Object(input)) => Ok(input),
        Ok(_) => Err(Failure::usage(
            "the parameters must be a JSON object: a value for each name",
        )),
        Err(fault) => Err(Failure::usage(format!("the parameters: {}", fault.message))),
    }
}

/// What of the parameters the schema forbids, where that is quick to find out; the tool itself sees to the rest.
fn violation(schema: &Value, input: &Value) -> Option<String> {
    let schema = Schema::new(schema).ok()?;
    let Place::Inline(validator) = schema.place(input) else {
        return None;
    };
    match validate(validator, input) {
        Verdict::Invalid(violations) => Some(violations),
        Verdict::Valid | Verdict::Undecided => None,
    }
}

fn shown(violations: &str, secrets: &Secrets) -> String {
    shortened(&secrets.redact(violations))
}
