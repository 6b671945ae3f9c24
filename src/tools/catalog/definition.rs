//! One tool of a catalog.

use crate::units::Money;
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A tool as the catalog describes it.
#[derive(Clone, Debug)]
pub struct ToolDefinition {
    /// Its name.
    pub name: Arc<str>,
    /// What it does, for people and for models.
    pub description: Arc<str>,
    /// How it is carried out.
    pub implementation: Implementation,
    /// What it takes: a JSON Schema of type object. `None` where the catalog says nothing.
    pub input_schema: Option<Arc<Value>>,
    /// What it gives: a JSON Schema.
    pub output_schema: Option<Arc<Value>>,
    /// Examples of calls: `{scenario, input, output, notes}`.
    pub examples: Vec<Value>,
    /// Usage figures and the like.
    pub metadata: Map<String, Value>,
    /// A fixed price per call.
    pub cost: Money,
    /// The most time one attempt may take.
    pub timeout: Option<Duration>,
    /// Whether a call changes nothing.
    pub read_only: bool,
    /// Whether a call may be repeated without a further effect.
    pub idempotent: bool,
    /// Whether outputs may be reused; `None` leaves that to the kind.
    pub cache: Option<bool>,
    /// The pool whose rate its calls count against.
    pub pool: Option<Arc<str>>,
    /// The folder that relative paths are relative to.
    pub folder: Option<Arc<PathBuf>>,
    /// Fields that this program does not know.
    pub extra: Map<String, Value>,
}

/// How a tool is carried out.
#[derive(Clone, Debug, PartialEq)]
pub enum Implementation {
    /// The worker model plays it.
    Model(ModelSettings),
    /// A tool of a Model Context Protocol server.
    Mcp(McpSettings),
    /// One request.
    Http(HttpSettings),
    /// A program.
    Process(ProcessSettings),
    /// Python in a sandbox; without code of its own the call brings it.
    CodeExec(Option<Arc<str>>),
    /// A jq filter over the parameters.
    Jq(Arc<str>),
    /// Another agent, at this address.
    Agent(Option<Arc<str>>),
}

impl Implementation {
    /// The word for it, as in `type`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Model(_) => "model",
            Self::Mcp(_) => "mcp",
            Self::Http(_) => "http",
            Self::Process(_) => "process",
            Self::CodeExec(_) => "code_exec",
            Self::Jq(_) => "jq",
            Self::Agent(_) => "agent",
        }
    }
}

/// A tool that a model plays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelSettings {
    /// The prompt, with `{{name}}` for parameters, instead of one made from the description.
    pub prompt: Option<Arc<str>>,
    /// The model, instead of the worker's own.
    pub model: Option<Arc<str>>,
    /// The most tokens an answer may have.
    pub max_tokens: Option<u32>,
    /// How its work is done without a model.
    pub offline: Option<Rules>,
}

/// How a model tool's work is done without a model.
#[derive(Clone, Debug, PartialEq)]
pub enum Rules {
    /// By a jq filter over the parameters.
    Jq(Arc<str>),
    /// By Python: the parameters as `input_data`, the output as `output`.
    Code(Arc<str>),
}

/// A tool of an MCP server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct McpSettings {
    /// The server's name under `mcpServers`.
    pub server: Option<Arc<str>>,
    /// The tool's name there, where it is another.
    pub tool: Option<Arc<str>>,
}

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpSettings {
    /// `GET`, `POST`, …
    pub method: Arc<str>,
    /// The address, with `{{name}}` for parameters and `${VAR}` for the environment.
    pub url: Arc<str>,
    /// Headers, with the same.
    pub headers: Vec<(Arc<str>, Arc<str>)>,
    /// Query parameters, with the same.
    pub query: Vec<(Arc<str>, Value)>,
    /// The body, with `{{name}}` for parameters.
    pub body: Option<Value>,
    /// A jq filter over the answer.
    pub response: Option<Arc<str>>,
}

/// A program.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessSettings {
    /// The program and its arguments; at least one.
    pub command: Vec<Arc<str>>,
    /// Where it runs; the catalog's folder where it is not given.
    pub cwd: Option<PathBuf>,
    /// Variables added to the environment, with `${VAR}` for others.
    pub env: Vec<(Arc<str>, Arc<str>)>,
}

impl ToolDefinition {
    /// A model tool without a description, to be filled by its fields.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            description: "".into(),
            implementation: Implementation::Model(ModelSettings::default()),
            input_schema: None,
            output_schema: None,
            examples: Vec::new(),
            metadata: Map::new(),
            cost: Money::ZERO,
            timeout: None,
            read_only: false,
            idempotent: false,
            cache: None,
            pool: None,
            folder: None,
            extra: Map::new(),
        }
    }
}
