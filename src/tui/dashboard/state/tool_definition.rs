//! The definition of a tool, to look at and to edit.

use crate::plan::yaml_of;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::Arc;

/// The definition of a tool as a run would call it, without what may be a credential.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ToolDefinition {
    /// Its name.
    pub tool: Arc<str>,
    /// Its fields as the catalog has them.
    pub definition: Map<String, Value>,
}

impl ToolDefinition {
    /// It as text.
    pub(crate) fn text(&self) -> String {
        yaml_of(&Value::Object(self.definition.clone()))
    }
}
