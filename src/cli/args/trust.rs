//! The arguments of `plandeck trust`.

use clap::{Args, ValueHint};
use std::path::PathBuf;

/// `plandeck trust`.
#[derive(Args, Clone, Debug)]
pub(crate) struct TrustArgs {
    /// Trust this plan with its catalog, or this catalog, as it is now; or everything in this folder. Without a path,
    /// list what is trusted
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// The plan is run with this catalog; repeatable
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "remove")]
    pub tools: Vec<PathBuf>,
    /// The plan is run with the MCP servers of this file; repeatable
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "remove")]
    pub mcp_config: Vec<PathBuf>,
    /// Forget what is trusted at these paths
    #[arg(long)]
    pub remove: bool,
    /// Trust a folder even if it holds the home folder, or every user can write in it
    #[arg(long, conflicts_with = "remove")]
    pub force: bool,
    /// Print what was done, or what is trusted, as a JSON list on standard output
    #[arg(long)]
    pub json: bool,
}
