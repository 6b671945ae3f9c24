//! `plandeck demo`: a bundled plan that meets everything that a run can meet, with simulated calls.

use super::args::run::{DemoArgs, RunArgs};
use super::args::values::Bound;
use super::failure::Failure;
use super::terminal::is_headless;
use super::{run, samples};
use crate::run::Rate;
use std::time::Duration;

/// The sample that is run.
const SAMPLE: &str = "demo";
/// What the simulated calls are drawn from: with it one request fails at first, and no other.
const SEED: u64 = 45;
/// How many times as long as usual simulated calls take where somebody watches them.
const SLOWNESS: u32 = 4;
/// How long a step that takes no time is shown as running.
const PACE: Duration = Duration::from_millis(700);

/// Runs the demo: with captions in the dashboard; elsewhere at full speed, with the input that a viewer would have
/// corrected and the answer that a viewer would have given.
pub(super) async fn demo(args: DemoArgs) -> Result<u8, Failure> {
    let mut run = RunArgs {
        plan: Some(samples::unpack(SAMPLE, true)?),
        shown: args.shown,
        json: args.json,
        screen: args.screen,
        ..RunArgs::by_default()
    };
    let watched = !is_headless(&run);
    let pace = args
        .pace
        .unwrap_or(if watched { PACE } else { Duration::ZERO });
    let slowness = if pace.is_zero() { 1 } else { SLOWNESS };
    run.source.worker = Some(format!("simulated:{SEED}:{slowness}"));
    run.source.seed = Some(SEED);
    run.limits.max_concurrent = Some(Bound::Max(5));
    run.limits.max_total_cost_usd = Some(Bound::Max(0.25));
    let proofreaders = Rate {
        max_concurrent: Some(2),
        ..Rate::default()
    };
    run.limits.rates.push(("proofreaders".into(), proofreaders));
    run.policy.fresh = true;
    run.pace = Some(pace);
    if watched {
        run.screen.tour = true;
    } else {
        run.source.context.push("day=28 February".to_owned());
        run.policy.approve.push(("invitation".into(), true));
    }
    run::run(run).await
}
