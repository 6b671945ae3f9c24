//! The options of `plandeck plan`.

use super::policy::{HeadlessArgs, PolicyArgs};
use super::run::{ColorWhen, LimitArgs, SourceArgs};
use super::values::{Bound, amount};
use crate::session::PlanningOptions;
use crate::units::Money;
use clap::{Args, ValueHint};
use std::path::PathBuf;

/// `plandeck plan`.
#[derive(Args, Clone, Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(crate) struct PlanArgs {
    /// What the plan should do, in plain words; with --refine, what should change
    #[arg(value_name = "TASK", required_unless_present_any = ["optimize", "failure"])]
    pub task: Option<String>,
    #[command(flatten)]
    pub source: SourceArgs,
    #[command(flatten)]
    pub planner: PlannerArgs,
    /// Change this plan after the instruction instead of writing a new one
    #[arg(long, value_name = "PLAN", value_hint = ValueHint::FilePath, conflicts_with = "optimize")]
    pub refine: Option<PathBuf>,
    /// With --refine: change what made this recorded run fail. RUN is an id, the start of one, or last
    #[arg(long, value_name = "RUN", requires = "refine")]
    pub failure: Option<String>,
    /// Rewrite this plan so that it waits less and calls less; asks no model
    #[arg(long, value_name = "PLAN", value_hint = ValueHint::FilePath, conflicts_with = "task")]
    pub optimize: Option<PathBuf>,
    /// Write the plan to this file, YAML or JSON by its extension, instead of standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Run the plan afterwards
    #[arg(long)]
    pub run: bool,
    /// Print the plan and what it took as a JSON object on standard output
    #[arg(long)]
    pub json: bool,
    /// When to use colour
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    pub color: ColorWhen,
    #[command(flatten)]
    pub running: RunningArgs,
}

/// Who writes plans, and what that may cost.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct PlannerArgs {
    /// Write the plan with this model: PROVIDER/MODEL, MODEL, auto (the large model of the first provider that is
    /// configured, else offline) or offline (a search of the catalog)
    #[arg(long, value_name = "PLANNER", env = "PLANDECK_PLANNER")]
    pub planner: Option<String>,
    /// Spend at most X dollars on planning, corrections included; none for no limit [default: 0.25]
    #[arg(long, value_name = "X", value_parser = amount, allow_negative_numbers = true)]
    pub max_planning_cost_usd: Option<Bound<f64>>,
}

/// How the plan is run with `--run`.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Options of --run")]
pub(crate) struct RunningArgs {
    #[command(flatten)]
    pub limits: LimitArgs,
    #[command(flatten)]
    pub shown: HeadlessArgs,
    /// Write the events as JSON lines to a file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub events: Option<PathBuf>,
    #[command(flatten)]
    pub policy: PolicyArgs,
}

impl PlannerArgs {
    /// These options for the application layer, without the context, which is read separately.
    pub(crate) fn options(&self, source: &SourceArgs) -> PlanningOptions {
        let defaults = PlanningOptions::default();
        PlanningOptions {
            source: source.options(),
            planner: self.planner.clone(),
            max_cost: match self.max_planning_cost_usd {
                Some(bound) => bound.into_option().map(Money::from_usd),
                None => defaults.max_cost,
            },
        }
    }
}
