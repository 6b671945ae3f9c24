//! `plandeck diff`: compares two runs, or two batches.

use super::args::history::DiffArgs;
use super::batch_state::batch_state;
use super::failure::Failure;
use super::named::batch_named;
use super::output::{out, out_json};
use super::recorded::recording;
use crate::report::{BatchDiff, RunDiff};
use crate::run::RunState;

/// Prints the differences between two runs or two batches.
pub(super) fn diff(args: &DiffArgs) -> Result<u8, Failure> {
    match [batch_named(&args.a)?, batch_named(&args.b)?] {
        [Some(a), Some(b)] => {
            let (a, b) = (batch_state(&a.0, &a.1)?, batch_state(&b.0, &b.1)?);
            let diff = BatchDiff::of([&a, &b]);
            if args.json {
                out_json(&diff)?;
            } else {
                out(&diff.text())?;
            }
            return Ok(0);
        }
        [None, None] => {}
        _ => {
            return Err(Failure::usage(
                "one is a batch and the other a run: give two batches, or two runs",
            ));
        }
    }
    let [a, b] = [recording(&args.a)?, recording(&args.b)?];
    let states = [&a, &b].map(|run| RunState::from_events(&run.events));
    let words = [&a, &b].map(|run| run.summary.status.word());
    let diff = RunDiff::of([(&states[0], words[0]), (&states[1], words[1])]);
    if args.json {
        out_json(&diff)?;
    } else {
        out(&diff.text())?;
    }
    Ok(0)
}
