//! One tool of a catalog.

use crate::tools::kinds::ToolSettings;
use crate::tools::kinds::model::ModelSettings;
use crate::tools::{CallPolicy, ToolKind};
use crate::units::Money;
use serde_json::{Map, Value};
use std::any::Any;
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
    /// A model tool without a description, to be filled by its fields.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            description: "".into(),
            implementation: Arc::new(ModelSettings::default()),
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
