//! The options of the commands that call steps of a recorded run again to learn something about them.

use super::plan::PlannerArgs;
use super::policy::{ConsentArgs, HeadlessArgs};
use super::run::ColorWhen;
use super::verbs::{GoOnArgs, ModelOptionArgs};
use clap::{Args, ValueHint};
use std::path::PathBuf;

/// `plandeck flaky`.
#[derive(Args, Clone, Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is an option of the command line"
)]
pub(crate) struct FlakyArgs {
    /// The run: its id, the start of its id, or last
    #[arg(value_name = "RUN")]
    pub run: String,
    /// The step; for one element of a `for_each` step, ID[N]
    #[arg(value_name = "STEP")]
    pub step: String,
    /// Call it N times
    #[arg(short = 'n', long = "times", value_name = "N", default_value_t = 20,
        value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub times: u32,
    /// Compare what this jq filter makes of the outputs instead of the outputs
    #[arg(long, value_name = "JQ")]
    pub by: Option<String>,
    /// Ask its model with this prompt instead of its tool's, with {{name}} for parameters
    #[arg(long, value_name = "TEXT|@FILE")]
    pub prompt: Option<String>,
    /// Ask this model instead of the plan's
    #[arg(long = "model", id = "call_model", value_name = "MODEL")]
    pub model: Option<String>,
    #[command(flatten)]
    pub options: ModelOptionArgs,
    /// Call it as the run had it, with its plan and its tools of then; by default as the files have it now
    #[arg(long)]
    pub recorded: bool,
    /// Repeat a call that may change something
    #[arg(long)]
    pub allow_effects: bool,
    /// Print what the calls cost, and make none
    #[arg(long)]
    pub dry_run: bool,
    /// Print the figures as a JSON object on standard output
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub go_on: GoOnArgs,
}

/// `plandeck save`.
#[derive(Args, Clone, Debug)]
pub(crate) struct SaveArgs {
    /// The run, which may be running: its id, the start of its id, or last
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Print what would change, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Write the difference to this file and change no other: patch -p1 applies it
    #[arg(short, long = "output", value_name = "FILE", value_hint = ValueHint::FilePath,
        conflicts_with = "dry_run")]
    pub out: Option<PathBuf>,
    /// Print the difference, what is saved and what is not as a JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// `plandeck bisect`.
#[derive(Args, Clone, Debug)]
pub(crate) struct BisectArgs {
    /// The run whose result is good: its id, or the start of its id
    #[arg(value_name = "GOOD")]
    pub good: String,
    /// The run whose result is bad
    #[arg(value_name = "BAD")]
    pub bad: String,
    /// Compare what this step came to instead of the result; for one element of a `for_each` step, ID[N]
    #[arg(long, value_name = "STEP")]
    pub step: Option<String>,
    /// Compare whether the output meets this expression, as in a plan's `expect`, instead of the output itself
    #[arg(long, value_name = "EXPR")]
    pub expect: Option<String>,
    /// Fork a set of differences up to N times where a step is flaky
    #[arg(short = 'n', long = "times", id = "repeats", value_name = "N", default_value_t = 5,
        value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub repeats: u32,
    /// Pay for the forks without asking
    #[arg(long)]
    pub yes: bool,
    /// Print the differences and what the forks can cost, and make none
    #[arg(long)]
    pub dry_run: bool,
    /// Print the answer as a JSON object on standard output
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub go_on: GoOnArgs,
}

/// `plandeck repair`.
#[derive(Args, Clone, Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is an option of the command line"
)]
pub(crate) struct RepairArgs {
    /// The run that failed: its id, the start of its id, or last
    #[arg(value_name = "RUN")]
    pub run: String,
    /// The step to correct, with what it was called with; by default every step that failed
    #[arg(value_name = "STEP")]
    pub step: Option<String>,
    #[command(flatten)]
    pub planner: PlannerArgs,
    /// Write the corrected plan to this file instead of the plan's own
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Pay for the request, and write and run the corrected plan, without asking
    #[arg(long)]
    pub yes: bool,
    /// Print whom it would ask and what that can cost, and ask nobody
    #[arg(long)]
    pub dry_run: bool,
    /// Print the plan, what it runs again and the result as a JSON object on standard output
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub shown: HeadlessArgs,
    /// When to use colour
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    pub color: ColorWhen,
    #[command(flatten)]
    pub go_on: GoOnArgs,
}

/// `plandeck bundle`.
#[derive(Args, Clone, Debug)]
pub(crate) struct BundleArgs {
    /// The run: its id, the start of its id, or last
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Only this step and what it depends on; for one element of a `for_each` step, ID[N]
    #[arg(value_name = "STEP")]
    pub step: Option<String>,
    /// Write it to this file [default: standard output]
    #[arg(short, long = "output", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Use this tool catalog, a JSON or YAML file; repeatable, later files override earlier ones
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub tools: Vec<PathBuf>,
    /// Trust the code of the plan, which is run once more to see whether it comes out the same
    #[arg(long)]
    pub trust: bool,
}

/// `plandeck test`.
#[derive(Args, Clone, Debug)]
#[command(mut_arg("trust", |trust| trust.help("Trust the code in the bundles").long_help(None)))]
pub(crate) struct TestArgs {
    /// Bundles, or folders with bundles
    #[arg(value_name = "DIR|BUNDLE", required = true, value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// Print the results as a JSON list on standard output
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub consent: ConsentArgs,
}
