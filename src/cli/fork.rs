//! `plandeck fork`: starts a new run from a recorded one, with changes.

use super::args::history::ForkArgs;
use super::failure::Failure;
use super::run::run_from;
use crate::session::{Changes, PriorRun, value_from_file, value_from_text};
use serde_json::Value;
use std::path::Path;

/// Forks a run and returns the exit code.
pub(super) async fn fork(mut args: ForkArgs) -> Result<u8, Failure> {
    if args.options.record.resume.is_some() {
        return Err(Failure::usage(
            "a run can be forked or resumed, not both: use `plandeck fork RUN` or `plandeck run --resume RUN`",
        ));
    }
    let inputs = args.input.iter().map(|text| input(text));
    let outputs = args.output.iter().map(|text| output(text));
    let changes = Changes {
        from: args.from,
        inputs: inputs.collect::<Result<_, _>>()?,
        outputs: outputs.collect::<Result<_, _>>()?,
    };
    let prior = PriorRun::fork(&args.run, changes)?;
    args.options.preview_of = Some(("fork".into(), None));
    run_from(args.options, Some(prior)).await
}

fn pair<'a>(option: &str, text: &'a str) -> Result<(&'a str, &'a str), Failure> {
    let pair = text.split_once('=').filter(|(step, _)| !step.is_empty());
    pair.ok_or_else(|| Failure::usage(format!("{option} {text}: must be STEP=JSON or STEP=@FILE")))
}

fn input(text: &str) -> Result<(String, Value), Failure> {
    let (step, value) = pair("--input", text)?;
    let value = if let Some(file) = value.strip_prefix('@') {
        value_from_file(Path::new(file))?
    } else {
        serde_json::from_str::<Value>(value)
            .map_err(|error| Failure::usage(format!("--input {step}: not valid JSON: {error}")))?;
        value_from_text(value).map_err(|what| Failure::usage(format!("--input {step}: {what}")))?
    };
    Ok((step.to_owned(), value))
}

fn output(text: &str) -> Result<(String, Value), Failure> {
    let (step, value) = pair("--output", text)?;
    let value = match value.strip_prefix('@') {
        Some(file) => value_from_file(Path::new(file))?,
        None => value_from_text(value)
            .map_err(|what| Failure::usage(format!("--output {step}: {what}")))?,
    };
    Ok((step.to_owned(), value))
}
