//! The error of the application layer: everything that can prevent a run from starting.

use super::trust::{MemoryError, TrustRequest};
use crate::models::WorkerError;
use crate::plan::PlanFaults;
use crate::planner::PlanningFailure;
use crate::store::StoreError;
use std::path::PathBuf;
use std::sync::Arc;

/// Why nothing ran. Every message names the cause and, where one is known, the remedy.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Faults of a catalog, a plan, or both, each with its place.
    #[error("{}", first(.0))]
    Faults(Vec<PlanFaults>),
    /// The journal cannot be read or written, or has no such run.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file cannot be read or written.
    #[error("{place}: {error}")]
    File {
        /// The path, or `standard input`.
        place: String,
        /// What the system reported.
        #[source]
        error: std::io::Error,
    },
    /// A file that edits are to be written to has changed since the difference was worked out.
    #[error("{}: it has changed in the meantime; look at the difference again", .0.display())]
    FileChanged(PathBuf),
    /// A file of values is not UTF-8.
    #[error("{place}: not valid UTF-8 (at byte {at})")]
    NotText {
        /// The path.
        place: String,
        /// The offset of the first byte that is not UTF-8.
        at: usize,
    },
    /// Items of a batch are wrong, each with its place, or there are none.
    #[error("{0}")]
    Inputs(String),
    /// The engine that is to run the items of a batch refuses it, or cannot be reached.
    #[error("{0}")]
    Elsewhere(String),
    /// A settings file cannot be parsed, or a value in it is not allowed.
    #[error("{0}")]
    Settings(String),
    /// The chosen worker cannot be set up.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// The planner made no plan.
    #[error(transparent)]
    Planning(Box<PlanningFailure>),
    /// The plan has no step of an id that was named.
    #[error("the plan has no step {0}; name a step, an element as STEP[N], or * for every step")]
    UnknownStep(Arc<str>),
    /// A breakpoint names no step, or its condition is no expression.
    #[error("--break: {0}")]
    Breakpoint(String),
    /// A step that needs no approval was answered for.
    #[error("step {0} needs no approval; give it `approve: true` in the plan")]
    NoApproval(Arc<str>),
    /// Keys would go to an address that a project's settings file names.
    #[error(
        "{}: base_url sends model requests to {address}, with the key in {keys}; if that address may have the key, \
         run with --trust (or PLANDECK_TRUST=1), or give it yourself with --base-url",
        .file.display()
    )]
    AddressOfProject {
        /// The settings file.
        file: PathBuf,
        /// The address, without a password.
        address: String,
        /// The variables that hold keys.
        keys: String,
    },
    /// The plan, or its catalog, is not trusted.
    #[error("{0}")]
    NotTrusted(Box<TrustRequest>),
    /// What is trusted cannot be read or changed.
    #[error(transparent)]
    TrustMemory(#[from] MemoryError),
    /// A file given with `--mcp-config` names no MCP servers.
    #[error("--mcp-config {}: it has no `mcpServers`", .0.display())]
    NoServers(PathBuf),
    /// An MCP server is not there, or does not list its tools.
    #[error("{0}")]
    Servers(String),
    /// A file to replay does not hold the events of one run.
    #[error("{0}")]
    EventFile(String),
    /// A recorded run cannot go on with a plan that has other steps.
    #[error(
        "the plan has other steps than run {0}, which cannot go on with it: plandeck fork {0} runs the plan as it is now"
    )]
    OtherSteps(Arc<str>),
    /// What is recorded of a run is not all that it did, so it cannot go on.
    #[error(
        "the record of run {0} is incomplete, so it cannot go on under its own id: plandeck run --resume {0} starts a new run from it"
    )]
    Incomplete(Arc<str>),
    /// The context is not an object.
    #[error("the context must be a JSON object: a value for each name")]
    ContextNotAnObject,
    /// The plan refers to a value that the context does not have.
    #[error("the plan refers to {0:?}, which the context does not have")]
    MissingValue(Arc<str>),
    /// A step names a tool that is neither in the catalog nor added by the caller.
    #[error("step {step}: no tool is called {tool_name:?}")]
    UnknownTool {
        /// The step.
        step: Arc<str>,
        /// The name it asks for.
        tool_name: Arc<str>,
    },
    /// Cost is limited, and the price of a step's model is not known.
    #[error(
        "step {step}: its model has no known price, and max_total_cost_usd is set: \
         give the worker the price, or lift the limit"
    )]
    Unpriced {
        /// The step.
        step: Arc<str>,
        /// `PROVIDER/MODEL`; `None` where the worker does not know which model it is.
        model: Option<String>,
    },
    /// The plan of the run to resume was not read from a file.
    #[error("the plan of run {0} was not read from a file: name the plan file as well")]
    PlanNotOnFile(Arc<str>),
    /// The plan, or the run, has no step of this name.
    #[error("{}", no_such_step(.name, .near.as_deref()))]
    NoSuchStep {
        /// The name that the caller gave.
        name: String,
        /// The most similar name that exists, if one is similar enough.
        near: Option<String>,
    },
    /// No edit of the run can be taken back, or made again.
    #[error("the run has no such edit")]
    NoEdit,
    /// An input was given for a step that runs once for each element of a list.
    #[error("--input {0}: it runs once for each element of a list; give an element, as {0}[0]")]
    InputOfForEach(String),
    /// A file that should be a bundle is none.
    #[error("{}: it is no bundle; `plandeck bundle RUN -o FILE` writes one", .0.display())]
    NoBundle(PathBuf),
    /// A step cannot be called on its recorded input; holds why, and what to do.
    #[error("{0}")]
    NoTrials(String),
    /// The cause of a difference between two runs cannot be looked for; holds why.
    #[error("{0}")]
    NoBisect(String),
    /// There is no failure that a planner could be asked about; holds why.
    #[error("{0}")]
    NothingToRepair(String),
    /// The structure of a plan cannot be edited so; holds why.
    #[error("{0}")]
    PlanEdit(String),
    /// Outputs can be cached only by a run that is recorded.
    #[error("a cache needs a journal: cached outputs are stored with the run that produced them")]
    CacheWithoutJournal,
    /// The engine's task ended without a result; the run may have begun.
    #[error("the engine failed: {0}")]
    Engine(#[from] tokio::task::JoinError),
}

impl SessionError {
    /// The error for a file that cannot be read or written.
    pub fn file(place: impl Into<String>, error: std::io::Error) -> Self {
        Self::File {
            place: place.into(),
            error,
        }
    }

    /// The error for a step `name` that does not exist; `known` are the ids that do.
    pub(crate) fn no_such_step<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Self {
        Self::NoSuchStep {
            name: name.to_owned(),
            near: crate::plan::closest(name, known).map(str::to_owned),
        }
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
