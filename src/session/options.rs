//! Options of a caller, as plain structs that the command line or any other program fills.

use crate::store::StoreError;
use crate::tools::EditedTools;
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;

/// Where the tools, context values and worker of a plan come from.
#[derive(Clone, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a matter of its own")]
pub struct SourceOptions {
    /// Context values by name.
    pub context: Map<String, Value>,
    /// Context values of the earlier run that is resumed; those in `context` override them.
    pub recorded_context: Map<String, Value>,
    /// Catalog files; later ones override earlier ones. Empty: the plan's own catalog, or the file in its folder.
    pub tools: Vec<PathBuf>,
    /// OpenAPI documents whose operations are tools; a tool of the catalog with the same name comes first.
    pub open_api: Vec<PathBuf>,
    /// Files with `mcpServers`.
    pub mcp_config: Vec<PathBuf>,
    /// The worker that runs `model` tools: `PROVIDER/MODEL`, `MODEL`, `auto`, `offline` or `simulated`.
    pub worker: Option<String>,
    /// The base URL of an OpenAI-compatible API.
    pub base_url: Option<String>,
    /// The settings file of a project that names the base URL; `None` where the user gave it.
    pub base_url_of: Option<PathBuf>,
    /// Whether the user trusts what the plan and the project bring, for this run: programs, hosts and code; the base URL
    /// of the project may get the user's keys.
    pub trust: bool,
    /// Whether the plan was just written by a planner: then its catalog decides whether it is trusted.
    pub is_planned: bool,
    /// The digest of the plan that a planner wrote for the run that is resumed.
    pub(crate) planned_digest: Option<String>,
    /// The text of the plan, where it is an edited one that no file has; its tools are found beside the file.
    pub(crate) plan_text: Option<Arc<str>>,
    /// The digest of the text that the file had when the first edit was made of it.
    pub(crate) plan_on_file: Option<String>,
    /// The tools that are defined otherwise than in their files.
    pub(crate) edited_tools: EditedTools,
    /// Whether tools that may change something are not called.
    pub(crate) no_effects: bool,
    /// Whether what should be confined may run where this system cannot confine it.
    pub allow_unsandboxed: bool,
    /// The seed of the simulated worker.
    pub seed: Option<u64>,
    /// The engine whose workers carry out the calls of tools: `restate://HOST:PORT`; `None` for this process.
    pub on: Option<String>,
}

/// Called when the journal fails, on the journal's own thread.
pub(crate) type OnBroken = Arc<dyn Fn(&StoreError) + Send + Sync>;

/// How a run is recorded.
#[derive(Clone, Default)]
pub struct JournalSettings {
    /// The folder of the store; `None` for `PLANDECK_HOME` or else the user's data folder.
    pub home: Option<PathBuf>,
    /// Flush to disk before every call that can cost money or change something, so that a power failure loses nothing.
    pub durable: bool,
    /// Make no call that cannot be recorded first. If false, a run whose journal fails continues unrecorded.
    pub required: bool,
    /// Called at once when the journal fails; if `None`, the failure is a [`Note`](super::Note) at the end of the run.
    pub on_broken: Option<OnBroken>,
}

impl JournalSettings {
    /// A journal in the store at `home`.
    pub fn at(home: impl Into<PathBuf>) -> Self {
        Self {
            home: Some(home.into()),
            ..Self::default()
        }
    }
}
