//! Why a session could not do what was asked: one error for everything that happens before, or instead of, a run.

use crate::models::WorkerError;
use crate::plan::PlanFaults;
use crate::store::StoreError;
use std::path::PathBuf;
use std::sync::Arc;

/// Why nothing ran. Every message names the cause, and where one is known the remedy.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Faults with places, of a catalog, a plan, or both.
    #[error("{}", first(.0))]
    Faults(Vec<PlanFaults>),
    /// The journal, or the runs in it, cannot be read or written, or do not have what was asked for.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file cannot be read or written.
    #[error("{place}: {error}")]
    File {
        /// Its name.
        place: String,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// A file of values is not UTF-8.
    #[error("{place}: not UTF-8 at byte {at}")]
    NotText {
        /// Its name.
        place: String,
        /// The first byte that is not.
        at: usize,
    },
    /// A settings file, or a value in one, is at fault.
    #[error("{0}")]
    Settings(String),
    /// No worker can be made of what was chosen.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// A file that should name MCP servers names none.
    #[error("--mcp-config {}: it has no `mcpServers`", .0.display())]
    NoServers(PathBuf),
    /// A file that is played is not a record of a run.
    #[error("{0}")]
    EventFile(String),
    /// The context is not an object.
    #[error("the context must be an object of values by name")]
    ContextIsNoObject,
    /// The plan refers to a value that the context does not have.
    #[error("the plan refers to {0:?}, which the context does not have")]
    MissingValue(Arc<str>),
    /// A step names a tool that is neither in the catalog nor given.
    #[error("step {step}: no tool is called {tool_name:?}")]
    UnknownTool {
        /// The step.
        step: Arc<str>,
        /// The name it asks for.
        tool_name: Arc<str>,
    },
    /// Cost is limited, and what a step's model costs is not known.
    #[error(
        "step {step}: its model has no known price, and max_total_cost_usd is set: \
         give the worker the price, or lift the limit"
    )]
    Unpriced {
        /// The step.
        step: Arc<str>,
        /// `PROVIDER/MODEL`, where the worker knows which one it is.
        model: Option<String>,
    },
    /// The run to be resumed does not say where its plan is.
    #[error("run {0} did not read its plan from a file: give the plan as well")]
    PlanNotOnFile(Arc<str>),
    /// The plan, or the run, has no step of this name.
    #[error("{}", no_such_step(.name, .near.as_deref()))]
    NoSuchStep {
        /// The name that was given.
        name: String,
        /// The most similar name that exists.
        near: Option<String>,
    },
    /// An input was given for a step that runs once for each element of a list.
    #[error("--input {0}: it runs once for each element of a list; give an element, as {0}[0]")]
    InputOfForEach(String),
    /// Outputs can be cached only by a run that is recorded.
    #[error(
        "a cache needs a journal: outputs are kept beside the record of the run that made them"
    )]
    CacheWithoutJournal,
    /// The engine's task ended without a result; the run may have begun.
    #[error("the engine failed: {0}")]
    Engine(#[from] tokio::task::JoinError),
}

impl SessionError {
    /// A file that cannot be read or written.
    pub fn file(place: impl Into<String>, error: std::io::Error) -> Self {
        Self::File {
            place: place.into(),
            error,
        }
    }

    /// No step is called `name`; `known` are those that exist.
    pub fn no_such_step<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Self {
        Self::NoSuchStep {
            name: name.to_owned(),
            near: crate::plan::closest(name, known).map(str::to_owned),
        }
    }

    /// Whether no step can have run: true of everything but a failure of the engine itself.
    pub fn nothing_ran(&self) -> bool {
        !matches!(self, Self::Engine(_))
    }
}

impl From<PlanFaults> for SessionError {
    fn from(faults: PlanFaults) -> Self {
        Self::Faults(vec![faults])
    }
}

fn first(faults: &[PlanFaults]) -> String {
    faults.first().map_or_else(String::new, ToString::to_string)
}

fn no_such_step(name: &str, near: Option<&str>) -> String {
    match near {
        Some(id) => format!("there is no step {name:?}: did you mean {id:?}?"),
        None => format!("there is no step {name:?}"),
    }
}
