//! The options of `plandeck worker`.

use super::tools::ToolsFrom;
use clap::{ArgGroup, Args, ValueHint};

/// `plandeck worker`.
#[derive(Args, Clone, Debug)]
#[command(group = ArgGroup::new("engine").required(true))]
pub(crate) struct WorkerArgs {
    /// Carry out calls for a Restate server, and listen for it on this address: 127.0.0.1:9080, or :0 for any port
    #[arg(long, value_name = "ADDRESS", group = "engine")]
    pub restate: Option<String>,
    /// Carry out calls for a Temporal server (not supported yet)
    #[arg(long, value_name = "ADDRESS", group = "engine", hide = true)]
    pub temporal: Option<String>,
    #[command(flatten)]
    pub from: ToolsFrom,
    /// Run `model` tools with this worker: PROVIDER/MODEL, MODEL, auto, offline or simulated
    #[arg(long, value_name = "WORKER", env = "PLANDECK_WORKER")]
    pub worker: Option<String>,
    /// The base URL of an OpenAI-compatible API for the worker
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub base_url: Option<String>,
    /// Seed the simulated worker
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Register this worker at the admin interface of the server: <http://127.0.0.1:9070>
    #[arg(long, value_name = "ADMIN_URL", value_hint = ValueHint::Url)]
    pub register: Option<String>,
    /// The address at which the server reaches this worker, where it is not the one that it listens on
    #[arg(long, value_name = "URL", requires = "register", value_hint = ValueHint::Url)]
    pub advertise: Option<String>,
    /// Replace what is registered at the same address
    #[arg(long, requires = "register")]
    pub force: bool,
    /// Run code and programs in a jail even where this system cannot confine them
    #[arg(long)]
    pub allow_unsandboxed: bool,
}
