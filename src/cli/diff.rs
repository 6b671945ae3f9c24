//! `plandeck diff`: compares two runs.

use super::args::history::DiffArgs;
use super::failure::Failure;
use super::output::{out, out_json};
use super::recorded::recording;
use crate::report::RunDiff;
use crate::run::RunState;

/// Prints the differences between two runs.
pub(super) fn diff(args: &DiffArgs) -> Result<u8, Failure> {
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
