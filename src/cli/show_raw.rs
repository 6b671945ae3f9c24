//! `plandeck show --raw`: prints what was sent to models and received.

use super::args::history::ShowArgs;
use super::failure::Failure;
use super::output::{note_line, out, out_json};
use crate::report::exchange_in_words;
use crate::run::{Exchange, RunState, StepState};
use crate::session::{SessionError, exchanges_of};
use std::collections::HashMap;
use std::fmt::Write as _;

/// Prints the bodies of the requests and responses of these steps of a run and of their elements; of every step where
/// none is named.
pub(super) fn show_raw(args: &ShowArgs, state: &RunState, steps: &[String]) -> Result<u8, Failure> {
    let ids = || state.steps.iter().map(|row| &*row.info.id);
    let named = steps.iter().map(|step| {
        let place = ids().position(|id| id == step);
        place.ok_or_else(|| SessionError::no_such_step(step, ids()))
    });
    let named: Vec<usize> = named.collect::<Result<_, _>>()?;
    let is_wanted = |at: usize, row: &StepState| {
        let is_named = |at: usize| named.contains(&at);
        let of_named = || row.info.parent.is_some_and(|parent| is_named(parent.at()));
        named.is_empty() || is_named(at) || of_named()
    };
    let rows = state.steps.iter().enumerate();
    let wanted: Vec<(usize, &StepState)> = rows.filter(|(at, row)| is_wanted(*at, row)).collect();
    let places = wanted.iter().map(|(at, row)| (&*row.info.id, *at));
    let places: HashMap<&str, usize> = places.collect();
    let header = state.header.as_deref();
    let run_id = header.map_or(&*args.run, |header| &*header.run_id);
    let one = wanted.first().filter(|_| wanted.len() == 1);
    let mut exchanges = exchanges_of(run_id, one.map(|(_, row)| &*row.info.id))?;
    exchanges.retain(|exchange| places.contains_key(&*exchange.step));
    exchanges.sort_by_key(|exchange| {
        let place = places.get(&*exchange.step).copied();
        (place, exchange.attempt, exchange.exchange)
    });
    if args.json {
        out_json(&exchanges)?;
    } else {
        for exchange in &exchanges {
            out(&text(exchange))?;
        }
    }
    if exchanges.is_empty() {
        note_line(none(&wanted));
    }
    Ok(0)
}

/// Why there is nothing to print.
fn none(rows: &[(usize, &StepState)]) -> &'static str {
    let mut attempts = rows.iter().flat_map(|(_, row)| row.attempts.iter());
    let asks = attempts.any(|attempt| match &attempt.end {
        Some((_, end)) => end.tokens.is_some() && end.model.as_deref() != Some("simulated"),
        None => attempt.prompt.is_some(),
    });
    if asks {
        "no raw bodies are on record: the calls have not ended, or an older version of plandeck, which did not keep \
         them, recorded the run"
    } else {
        "no raw bodies are on record: nothing was sent to a model in this run (`http` tools show their requests without \
         --raw)"
    }
}

/// An exchange as text.
fn text(exchange: &Exchange) -> String {
    let words = exchange_in_words(exchange);
    let mut text = format!("step {}, {words}, POST {}\n", exchange.step, exchange.url);
    for (name, body) in [
        ("request", &exchange.request),
        ("response", &exchange.response),
    ] {
        let _ = writeln!(
            text,
            "{name}, {} bytes:\n{}\n",
            body.bytes,
            body.body.trim_end()
        );
    }
    text
}
