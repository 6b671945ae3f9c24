//! The options of `plandeck convert`.

use clap::{Args, ValueHint};
use std::path::PathBuf;

/// `plandeck convert`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ConvertArgs {
    /// The plan of another system: Arazzo, promptflow, Dagu, Task Master; - reads standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Write the plan to this file instead of standard output: JSON where its name ends in .json, else YAML
    #[arg(short, long, value_name = "PLAN", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Replace the file where it exists
    #[arg(long, requires = "out")]
    pub force: bool,
    #[command(flatten)]
    pub of: OtherPlanArgs,
    /// Print `format`, `plan` and `left_out` as a JSON object on standard output
    #[arg(long, conflicts_with = "out")]
    pub json: bool,
}

/// How the plan of another system is read.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct OtherPlanArgs {
    /// Take this workflow or tag, of a file with several; the first one by default
    #[arg(long, value_name = "ID")]
    pub workflow: Option<String>,
    /// Read it as this format: arazzo, promptflow, dagu, taskmaster; by its content by default
    #[arg(long = "format", value_name = "NAME")]
    pub format: Option<String>,
    /// Take operations from this OpenAPI document: for the source NAME, or for all that lie elsewhere; repeatable
    #[arg(long = "openapi", value_name = "[NAME=]FILE", value_hint = ValueHint::FilePath)]
    pub open_api: Vec<String>,
}
