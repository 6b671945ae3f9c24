//! A tool as a server lists it.

use rmcp::model::Tool;
use serde_json::Value;
use std::sync::Arc;

/// A tool as a server lists it.
#[derive(Clone, Debug)]
pub(in crate::tools) struct ListedTool {
    pub name: Arc<str>,
    pub description: Arc<str>,
    pub input_schema: Arc<Value>,
    pub output_schema: Option<Arc<Value>>,
    /// Whether the server says that a call changes nothing.
    pub read_only: bool,
    /// Whether the server says that a call may be repeated without a further effect.
    pub idempotent: bool,
}

impl From<Tool> for ListedTool {
    fn from(tool: Tool) -> Self {
        let hints = tool.annotations.as_ref();
        let hint = |hint: Option<bool>| hint == Some(true);
        let title = tool.title.clone();
        let title = title.or_else(|| hints.and_then(|hints| hints.title.clone()));
        let description = tool.description.map(std::borrow::Cow::into_owned).or(title);
        Self {
            name: (&*tool.name).into(),
            description: description.unwrap_or_default().into(),
            input_schema: Arc::new(Value::Object((*tool.input_schema).clone())),
            output_schema: tool
                .output_schema
                .map(|schema| Arc::new(Value::Object((*schema).clone()))),
            read_only: hint(hints.and_then(|hints| hints.read_only_hint)),
            idempotent: hint(hints.and_then(|hints| hints.idempotent_hint)),
        }
    }
}
