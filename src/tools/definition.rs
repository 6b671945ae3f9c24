//! One tool of a catalog, and the traits that a kind of tool implements.

use super::fields::Fields;
use super::recover::Recover;
use super::services::Services;
use super::template::variables;
use super::{CallPolicy, FileInputs, Reaches, Tool, ToolKind};
use crate::models::{Environment, SmallModelWorker};
use crate::run::NotReused;
use crate::units::{ModelOptions, Money};
use serde_json::{Map, Value, json};
use std::any::Any;
use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A tool as the catalog describes it.
#[derive(Clone, Debug)]
pub struct ToolDefinition {
    /// Its name.
    pub name: Arc<str>,
    /// What it does, for users and for models.
    pub description: Arc<str>,
    /// Where it comes from: the name of the catalog, or `mcp:SERVER`.
    pub source: Arc<str>,
    /// The settings of its kind.
    pub(crate) implementation: Arc<dyn ToolSettings>,
    /// The parameters: a JSON Schema of type object. `None` where the catalog has no schema.
    pub input_schema: Option<Arc<Value>>,
    /// The output: a JSON Schema.
    pub output_schema: Option<Arc<Value>>,
    /// Examples of calls: `{scenario, input, output, notes}`.
    pub examples: Vec<Value>,
    /// Usage figures and the like.
    pub metadata: Map<String, Value>,
    /// A fixed price per call.
    pub cost: Money,
    /// The time limit of one attempt.
    pub timeout: Option<Duration>,
    /// Whether a call has no side effects.
    pub read_only: bool,
    /// Whether a call may be repeated without a further effect.
    pub idempotent: bool,
    /// Whether outputs may be reused; `None` leaves that to the kind.
    pub cache: Option<bool>,
    /// How to find out what became of an interrupted call.
    pub recover: Option<Recover>,
    /// The pool whose rate limit its calls count against.
    pub pool: Option<Arc<str>>,
    /// The folder that relative paths start from.
    pub folder: Option<Arc<PathBuf>>,
    /// Fields that this program does not know.
    pub extra: Map<String, Value>,
    /// Its entry as it was read, with the contents of files instead of their names; `None` where it has none of its own.
    pub(crate) entry: Option<Arc<Map<String, Value>>>,
}

impl ToolDefinition {
    /// A tool with a name and settings; every other field has its default.
    pub(crate) fn new(name: impl Into<Arc<str>>, implementation: Arc<dyn ToolSettings>) -> Self {
        Self {
            name: name.into(),
            description: "".into(),
            source: "".into(),
            implementation,
            input_schema: None,
            output_schema: None,
            examples: Vec::new(),
            metadata: Map::new(),
            cost: Money::ZERO,
            timeout: None,
            read_only: false,
            idempotent: false,
            cache: None,
            recover: None,
            pool: None,
            folder: None,
            extra: Map::new(),
            entry: None,
        }
    }

    /// The kind of tool.
    pub fn kind(&self) -> &'static ToolKind {
        self.implementation.kind()
    }

    /// The retry and time limit policy: as in the catalog, else that of its kind.
    pub fn policy(&self) -> CallPolicy {
        let kind = self.kind();
        CallPolicy {
            repeatable: kind.repeatable || self.read_only || self.idempotent,
            deterministic: kind.deterministic,
            timeout: self.timeout.or(kind.timeout),
        }
    }

    /// The settings of its kind, where `T` is their type.
    pub fn settings<T: Any>(&self) -> Option<&T> {
        let settings: &dyn Any = &*self.implementation;
        settings.downcast_ref()
    }
}

/// The catalog's settings for a tool of one kind.
pub(crate) trait ToolSettings: Any + fmt::Debug + Send + Sync {
    /// The kind.
    fn kind(&self) -> &'static ToolKind;

    /// Builds the tool.
    ///
    /// # Errors
    /// Why it cannot be called.
    fn build(&self, context: &BuildContext<'_>) -> Result<Arc<dyn Tool>, BuildError>;

    /// Adds what a call starts, reaches and reads.
    fn reaches(&self, _definition: &ToolDefinition, _reaches: &mut Reaches) {}

    /// The settings as fields of a catalog that needs no other file, for kinds whose calls reach nothing outside.
    fn written(&self) -> Option<Value> {
        None
    }

    /// The files that a call runs, where it starts a program.
    fn programs(&self, _definition: &ToolDefinition) -> Option<FileInputs> {
        None
    }

    /// Adds the settings that determine an output. Returns why an output may not be reused by default; `None`
    /// where it may.
    fn fingerprint(&self, parts: &mut FingerprintParts<'_>) -> Option<NotReused>;
}

/// The tool as an entry of a catalog that stands alone, for tools that only compute.
pub(crate) fn written_tool(definition: &ToolDefinition) -> Option<Value> {
    let mut tool = definition.implementation.written()?;
    tool["type"] = json!(definition.kind().name);
    tool["description"] = json!(definition.description);
    for (field, schema) in [
        ("input_schema", &definition.input_schema),
        ("output_schema", &definition.output_schema),
    ] {
        if let Some(schema) = schema {
            tool[field] = json!(schema);
        }
    }
    if let Some(timeout) = definition.timeout {
        tool["timeout_s"] = json!(timeout.as_secs_f64());
    }
    Some(tool)
}

/// What a tool is built from besides its settings.
pub(crate) struct BuildContext<'a> {
    /// What the catalog says of every tool.
    pub definition: &'a Arc<ToolDefinition>,
    /// The worker.
    pub worker: &'a SmallModelWorker,
    /// Sandboxes, connections, the environment.
    pub services: &'a Arc<Services>,
}

/// Why a tool of a catalog cannot be called.
pub(crate) type BuildError = Box<dyn Error + Send + Sync>;

/// One kind in the registry.
pub(super) struct KindEntry {
    /// Its properties.
    pub kind: &'static ToolKind,
    /// The fields of the catalog that only some kinds have and this one reads.
    pub fields: &'static [&'static str],
    /// Those of them that imply this kind where the catalog gives no `type`.
    pub implied_by: &'static [&'static str],
    /// Where the given fields imply several kinds, the kind with the lowest rank wins.
    pub rank: u8,
    /// Reads its settings.
    pub parse: fn(&mut Fields<'_>) -> Arc<dyn ToolSettings>,
}

/// Collects the parts of a fingerprint.
pub(crate) struct FingerprintParts<'a> {
    /// What the catalog says of every tool.
    pub definition: &'a ToolDefinition,
    /// The worker.
    pub worker: &'a SmallModelWorker,
    /// The model that the step asks for.
    pub model: Option<&'a str>,
    /// What the step's requests to it say otherwise than the tool.
    pub options: ModelOptions,
    /// Where `${VAR}` is read.
    read: &'a Environment,
    /// What was added.
    pub parts: Map<String, Value>,
    /// What runs the call: the worker, its model and address.
    pub executor: Map<String, Value>,
    /// Values from the environment.
    pub environment: Map<String, Value>,
    /// Files that determine the output.
    pub files: Option<FileInputs>,
}

impl<'a> FingerprintParts<'a> {
    /// An empty fingerprint.
    pub(crate) fn new(
        definition: &'a ToolDefinition,
        worker: &'a SmallModelWorker,
        read: &'a Environment,
        (model, options): (Option<&'a str>, ModelOptions),
    ) -> Self {
        Self {
            definition,
            worker,
            model,
            options,
            read,
            parts: Map::new(),
            executor: Map::new(),
            environment: Map::new(),
            files: None,
        }
    }

    /// Adds the values of the variables that texts of the catalog name as `${VAR}`.
    pub(crate) fn variables<'t>(&mut self, texts: impl IntoIterator<Item = &'t str>) {
        for name in texts.into_iter().flat_map(variables) {
            self.value(&format!("${{{name}}}"), (self.read)(name));
        }
    }

    /// Adds a value from the environment.
    pub(crate) fn value(&mut self, name: &str, value: Option<String>) {
        if let Some(value) = value {
            self.environment.insert(name.to_owned(), value.into());
        }
    }

    /// Adds a part of the definition; `null` is left out.
    pub(crate) fn put(&mut self, name: &str, value: Value) {
        if !value.is_null() {
            self.parts.insert(name.to_owned(), value);
        }
    }

    /// Adds a property of what runs the call; `null` is left out.
    pub(crate) fn by(&mut self, name: &str, value: Value) {
        if !value.is_null() {
            self.executor.insert(name.to_owned(), value);
        }
    }

    /// Why the output of an external call may not be reused: only a call that `reads`, or that the catalog marks
    /// as `read_only`, has no side effects.
    pub(crate) fn unless_it_reads(&self, reads: bool) -> Option<NotReused> {
        match (
            self.worker.is_simulated(),
            reads || self.definition.read_only,
        ) {
            (true, _) => Some(NotReused::Simulated),
            (false, true) => None,
            (false, false) => Some(NotReused::Effects),
        }
    }
}
