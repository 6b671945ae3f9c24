//! What a caller may choose, as plain structs: the command line fills them, and so may any other program.

use crate::store::StoreError;
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;

/// Where a plan's tools and values come from.
#[derive(Clone, Debug, Default)]
pub struct SourceOptions {
    /// Values that the plan may refer to.
    pub context: Map<String, Value>,
    /// Values of an earlier run that is resumed; those in `context` replace them.
    pub recorded_context: Map<String, Value>,
    /// Files with a catalog, the later over the earlier; where there is none, the plan's own or the one beside it.
    pub tools: Vec<PathBuf>,
    /// Files with `mcpServers`.
    pub mcp_config: Vec<PathBuf>,
    /// Who carries out model tools: `PROVIDER/MODEL`, `MODEL`, `auto`, `offline` or `simulated`.
    pub worker: Option<String>,
    /// The address of an OpenAI-compatible API.
    pub base_url: Option<String>,
    /// Seed of the simulated worker.
    pub seed: Option<u64>,
}

/// Is told that the journal broke, on the journal's own thread.
pub type OnBroken = Arc<dyn Fn(&StoreError) + Send + Sync>;

/// How a run is recorded.
#[derive(Clone, Default)]
pub struct JournalSettings {
    /// The folder of the store; `None` for `PLANDECK_HOME`, or the folder of the user's data.
    pub home: Option<PathBuf>,
    /// Wait for the disk at every call that can cost or change something, so that a power failure loses nothing.
    pub durable: bool,
    /// Make no call that cannot be recorded first; otherwise a run goes on without its journal where that fails.
    pub required: bool,
    /// Who is told at once that the journal broke; with nobody it is a [`Note`](super::Note) at the end of the run.
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
