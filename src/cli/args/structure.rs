//! The options of the commands that edit the structure of a run's plan.

use super::verbs::{GoOnArgs, OfRun};
use clap::Args;

/// `plandeck insert`.
#[derive(Args, Clone, Debug)]
#[group(id = "places", required = true, multiple = true, args = ["before", "after"])]
pub(crate) struct InsertArgs {
    #[command(flatten)]
    pub of: OfRun,
    /// The new step, as plans have it: JSON or YAML with its id, its tool and its parameters
    #[arg(long, value_name = "STEP|@FILE")]
    pub step: String,
    /// Have this step wait for the new one, which waits for what this step waits for unless it names its own
    #[arg(long, value_name = "STEP")]
    pub before: Option<String>,
    /// Have the new step wait for this one, and what waits for this one wait for the new one too; with --before, that
    /// step alone
    #[arg(long, value_name = "STEP")]
    pub after: Option<String>,
    #[command(flatten)]
    pub go_on: GoOnArgs,
}

/// `plandeck remove`.
#[derive(Args, Clone, Debug)]
pub(crate) struct RemoveArgs {
    #[command(flatten)]
    pub of: OfRun,
    /// The step; what waits for it waits for what it waits for
    #[arg(value_name = "STEP")]
    pub step: String,
    #[command(flatten)]
    pub go_on: GoOnArgs,
}

/// `plandeck depend`.
#[derive(Args, Clone, Debug)]
#[group(id = "dependencies", required = true, multiple = true, args = ["on", "not_on"])]
pub(crate) struct DependArgs {
    #[command(flatten)]
    pub of: OfRun,
    /// The step
    #[arg(value_name = "STEP")]
    pub step: String,
    /// Steps that it waits for too
    #[arg(long, value_name = "STEP", value_delimiter = ',')]
    pub on: Vec<String>,
    /// Steps that it waits for no longer; it cannot refer to their outputs
    #[arg(long, value_name = "STEP", value_delimiter = ',')]
    pub not_on: Vec<String>,
    #[command(flatten)]
    pub go_on: GoOnArgs,
}
