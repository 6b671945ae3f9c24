//! `agents`: ToolWeaver's list of agents, as tools.

use crate::tools::fields::type_name;
use serde_json::{Map, Value, json};

/// Fields of an agent that are fields of a tool too.
const SHARED: [&str; 9] = [
    "input_schema",
    "output_schema",
    "headers",
    "cost_usd",
    "timeout_s",
    "read_only",
    "idempotent",
    "recover",
    "pool",
];

/// The tools that a list of agents stands for, `agent_ID` for each, as a catalog has them; or what is wrong.
pub(super) fn tools(agents: Value) -> Vec<Result<(String, Value), String>> {
    let items = match agents {
        Value::Null => Vec::new(),
        Value::Array(items) => items,
        other => {
            let got = type_name(&other);
            return vec![Err(format!("`agents` must be a list, not {got}"))];
        }
    };
    let numbered = items.into_iter().enumerate();
    numbered.map(|(at, agent)| tool(at + 1, agent)).collect()
}

fn tool(place: usize, agent: Value) -> Result<(String, Value), String> {
    let Value::Object(mut agent) = agent else {
        let got = type_name(&agent);
        return Err(format!(
            "the agent at place {place} must be an object, not {got}"
        ));
    };
    let mut text = |name: &str| match agent.shift_remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let id = text("agent_id")
        .ok_or_else(|| format!("the agent at place {place} needs an `agent_id`"))?;
    let endpoint = text("endpoint").or_else(|| text("url"));
    let endpoint = endpoint.ok_or_else(|| format!("the agent \"{id}\" needs an `endpoint`"))?;
    let (name, description) = (text("name"), text("description"));
    let protocol = text("protocol").unwrap_or_else(|| "a2a".to_owned());
    let mut tool = Map::new();
    match protocol.as_str() {
        "a2a" => drop(tool.insert("type".to_owned(), "agent".into())),
        // One request with the task and its context, as ToolWeaver makes it.
        "http" => {
            tool.insert("type".to_owned(), "http".into());
            tool.insert("method".to_owned(), "POST".into());
        }
        other => {
            let other = crate::text::message::quote(other, 40);
            return Err(format!(
                "the agent \"{id}\" has the protocol \"{other}\"; there are a2a and http"
            ));
        }
    }
    tool.insert("url".to_owned(), endpoint.into());
    let description = description.or(name).unwrap_or_default();
    tool.insert("description".to_owned(), description.into());
    for field in SHARED {
        if let Some(value) = agent.shift_remove(field) {
            tool.insert(field.to_owned(), value);
        }
    }
    // An input schema there describes what the task is about, which a step has in its `context`.
    if let Some(schema) = tool.remove("input_schema") {
        tool.insert(
            "input_schema".to_owned(),
            json!({"type": "object", "properties": {"task": {}, "context": schema}}),
        );
    }
    let mut metadata = match agent.shift_remove("metadata") {
        Some(Value::Object(metadata)) => metadata,
        _ => Map::new(),
    };
    metadata.extend(agent);
    tool.insert("metadata".to_owned(), metadata.into());
    Ok((format!("agent_{id}"), tool.into()))
}
