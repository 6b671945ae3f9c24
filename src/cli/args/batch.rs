//! The options of `plandeck batch`.

use super::policy::{HeadlessArgs, PolicyArgs, UnknownArgs};
use super::run::{LimitArgs, ScreenArgs, SourceArgs};
use clap::{Args, ValueHint};
use std::path::PathBuf;

/// `plandeck batch`.
#[derive(Args, Clone, Debug)]
#[command(
    mut_arg("unknown", |unknown| unknown.requires("resume").help(
        "With --resume: what becomes of steps that may have happened when the batch was interrupted [default: keep]",
    )),
    mut_arg("headless", |headless| {
        headless.help("Print progress instead of opening the view of the batch")
    }),
    mut_arg("fail_fast", |fail_fast| {
        fail_fast.help("Stop an item at its first failure; other items go on")
    }),
)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(crate) struct BatchArgs {
    /// The plan file: JSON, YAML, or text from a planner
    #[arg(value_name = "PLAN", value_hint = ValueHint::FilePath, required_unless_present = "resume")]
    pub plan: Option<PathBuf>,
    /// Run the plan with each item of this file: JSON lines, CSV with a header (*.csv), or a folder with a file for each
    /// item; - reads JSON lines from standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::AnyPath, required_unless_present = "resume")]
    pub inputs: Option<PathBuf>,
    /// Write the lines to this file [default: standard output]
    #[arg(short, long = "output", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Use this context value of an item as its key
    #[arg(long, value_name = "NAME")]
    pub key: Option<String>,
    /// Run at most N items at once [default: 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub max_runs: Option<u32>,
    /// Run an item that failed up to N times more: the steps that failed, and what depends on them
    #[arg(long, value_name = "N")]
    pub retries: Option<u32>,
    /// Write the lines in the order of the items instead of as they end
    #[arg(long)]
    pub in_order: bool,
    /// Resume a batch: its id, the start of its id, or last. Items that ended are not run again
    #[arg(long, value_name = "BATCH")]
    pub resume: Option<String>,
    /// With --resume: let items that failed go on too
    #[arg(long, requires = "resume")]
    pub retry_failed: bool,
    #[command(flatten)]
    pub interrupted: UnknownArgs,
    /// Print the summary as a JSON object on standard error
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub shown: HeadlessArgs,
    #[command(flatten)]
    pub screen: ScreenArgs,
    #[command(flatten)]
    pub source: SourceArgs,
    #[command(flatten)]
    pub limits: LimitArgs,
    #[command(flatten)]
    pub policy: PolicyArgs,
}
