//! One tool of a catalog, and what a kind of tool has to say for itself.

use super::fields::Fields;
use super::services::Services;
use super::{CallPolicy, Tool, ToolKind};
use crate::models::SmallModelWorker;
use crate::run::NotReused;
use crate::units::Money;
use serde_json::{Map, Value};
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
    /// What it does, for people and for models.
    pub description: Arc<str>,
    /// How it is carried out.
    pub(crate) implementation: Arc<dyn ToolSettings>,
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

impl ToolDefinition {
    /// A tool without a description, to be filled by its fields.
    pub(crate) fn new(name: impl Into<Arc<str>>, implementation: Arc<dyn ToolSettings>) -> Self {
        Self {
            name: name.into(),
            description: "".into(),
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
            pool: None,
            folder: None,
            extra: Map::new(),
        }
    }

    /// How it is carried out.
    pub fn kind(&self) -> &'static ToolKind {
        self.implementation.kind()
    }

    /// How calls are made: as the catalog says, else as its kind does.
    pub fn policy(&self) -> CallPolicy {
        let kind = self.kind();
        CallPolicy {
            repeatable: kind.repeatable || self.read_only || self.idempotent,
            timeout: self.timeout.or(kind.timeout),
        }
    }

    /// The settings of its kind, where `T` is their type.
    pub fn settings<T: Any>(&self) -> Option<&T> {
        let settings: &dyn Any = &*self.implementation;
        settings.downcast_ref()
    }
}

/// What a catalog says of a tool of one kind.
pub(crate) trait ToolSettings: Any + fmt::Debug + Send + Sync {
    /// The kind.
    fn kind(&self) -> &'static ToolKind;

    /// The tool. The error says why it cannot be called.
    fn build(&self, context: &BuildContext<'_>) -> Result<Arc<dyn Tool>, BuildError>;

    /// Adds what of it determines an output, and says why an output may not be used again where nothing else is
    /// said; `None` where it may.
    fn fingerprint(&self, parts: &mut FingerprintParts<'_>) -> Option<NotReused>;
}

/// What a tool is made of beside its settings.
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
    /// Where fields that imply several kinds are given, the kind of the lowest rank counts.
    pub rank: u8,
    /// Reads its settings.
    pub parse: fn(&mut Fields<'_>) -> Arc<dyn ToolSettings>,
}

/// What the kinds of tools add to: the parts of a fingerprint.
pub(crate) struct FingerprintParts<'a> {
    /// What the catalog says of every tool.
    pub definition: &'a ToolDefinition,
    /// The worker.
    pub worker: &'a SmallModelWorker,
    /// The model that the step asks for.
    pub model: Option<&'a str>,
    /// What was added.
    pub parts: Map<String, Value>,
    /// Who carries the call out.
    pub executor: Map<String, Value>,
}

impl<'a> FingerprintParts<'a> {
    /// Nothing yet.
    pub fn new(
        definition: &'a ToolDefinition,
        worker: &'a SmallModelWorker,
        model: Option<&'a str>,
    ) -> Self {
        Self {
            definition,
            worker,
            model,
            parts: Map::new(),
            executor: Map::new(),
        }
    }

    /// Adds a part of the definition; `null` is none.
    pub fn put(&mut self, name: &str, value: Value) {
        if !value.is_null() {
            self.parts.insert(name.to_owned(), value);
        }
    }

    /// Adds who carries the call out; `null` is none.
    pub fn by(&mut self, name: &str, value: Value) {
        if !value.is_null() {
            self.executor.insert(name.to_owned(), value);
        }
    }

    /// Why an output of what reaches outside may not be used again: a call that `reads`, or is said to, changes
    /// nothing there.
    pub fn unless_it_reads(&self, reads: bool) -> Option<NotReused> {
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
