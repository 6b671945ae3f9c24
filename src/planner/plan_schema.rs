//! The JSON Schema that an answer must follow.

use crate::tools::ToolDefinition;
use serde_json::{Value, json};
use std::sync::Arc;

/// The schema of a plan that calls these tools. It asks what every plan of the documented form has; what depends on
/// the whole plan (ids, cycles, parameters) is checked when the answer is read.
pub(super) fn plan_schema(tools: &[&Arc<ToolDefinition>]) -> Value {
    let names: Vec<&str> = tools.iter().map(|tool| &*tool.name).collect();
    json!({
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "A short name of the plan: a few words in lower case"},
            "steps": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "properties": {
                        "id": {"type": "string", "description": "Unique: a few letters, digits and _"},
                        "tool": {"type": "string", "enum": names},
                        "description": {"type": "string", "description": "What the step is for, in a few words"},
                        "parameters": {"type": "object", "additionalProperties": true},
                        "depends_on": {"type": "array", "items": {"type": "string"}},
                        "run_if": {"type": "string"},
                        "for_each": {"type": "string"}
                    },
                    "required": ["id", "tool", "parameters", "depends_on"],
                    "additionalProperties": false
                }
            }
        },
        "required": ["name", "steps"],
        "additionalProperties": false
    })
}
