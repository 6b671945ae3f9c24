//! Steps that are no commands: requests, filters, models.

use super::params::text_of;
use super::script::{Names, ScriptTool};
use super::variables::mentions;
use crate::import::plans::template::Part;
use crate::text::message::quote;
use serde_json::{Map, Value, json};

/// The kind of a step: of its `type`, or of its executor.
pub(super) fn kind<'s>(step: &'s Value, elsewhere: Option<&'static str>) -> &'s str {
    let executor = &step["executor"];
    let given = executor.as_str().or_else(|| executor["type"].as_str());
    let given = given.or_else(|| step["type"].as_str());
    match given.unwrap_or_default() {
        "" if step.get("container").is_some() => "container",
        "" if step.get("messages").is_some() => "chat",
        "" => elsewhere.unwrap_or("command"),
        kind => kind,
    }
}

/// The settings of an executor.
fn settings(step: &Value) -> &Value {
    let places = [&step["with"], &step["config"], &step["executor"]["config"]];
    places
        .into_iter()
        .find(|place| place.is_object())
        .unwrap_or(&Value::Null)
}

/// The tool of a step of this kind.
///
/// # Errors
/// That there is none, and what to do.
pub(super) fn tool(
    step: &Value,
    names: &Names<'_>,
    faults: &mut Vec<String>,
) -> Result<ScriptTool, String> {
    match kind(step, names.around.elsewhere) {
        "http" => request(step, names, faults),
        "jq" => filter(step, names, faults),
        "chat" => chat(step, names, faults),
        "docker" | "container" => Err(
            "it runs in a container; run it with a command such as `docker run --rm IMAGE COMMAND`"
                .to_owned(),
        ),
        "kubernetes" | "k8s" => {
            Err("it runs in a cluster; run it with a command such as `kubectl run`".to_owned())
        }
        "ssh" => Err(
            "it runs on another machine; run it with a command such as `ssh HOST COMMAND`"
                .to_owned(),
        ),
        "agent" | "harness" => Err(
            "it is done by an agent; put a tool of the type `agent` or `model` in its place"
                .to_owned(),
        ),
        "router" => Err("it chooses among steps; give those a `run_if`".to_owned()),
        kind => Err(format!(
            "its type {} has no counterpart; put a command or a tool in its place",
            quote(kind, 60)
        )),
    }
}

/// A text with `{{NAME}}` for variables, which become parameters.
fn template(text: &str, names: &Names<'_>, parameters: &mut Map<String, Value>) -> String {
    let mut built = String::new();
    let mut at = 0;
    for mention in mentions(text) {
        let Some(part) = names.at(&mention.name, &mention.rest) else {
            continue;
        };
        let name = if mention.rest.is_empty() {
            mention.name.clone()
        } else {
            format!("value_{}", parameters.len() + 1)
        };
        parameters.insert(name.clone(), part.to_value());
        built.push_str(&text[at..mention.range.start]);
        built.extend(["{{", &*name, "}}"]);
        at = mention.range.end;
    }
    built + &text[at..]
}

fn request(
    step: &Value,
    names: &Names<'_>,
    faults: &mut Vec<String>,
) -> Result<ScriptTool, String> {
    let settings = settings(step);
    let command = text_of(&step["command"]);
    let (method, url) = command
        .trim()
        .split_once(char::is_whitespace)
        .unwrap_or(("GET", command.trim()));
    let url = url.trim();
    let method = method.to_ascii_uppercase();
    let is_known = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"].contains(&&*method);
    let mut parameters = Map::new();
    let url = template(url, names, &mut parameters);
    let is_address = ["http://", "https://", "{{"]
        .iter()
        .any(|start| url.starts_with(start));
    if !is_known || !is_address {
        return Err(
            "its command is not \"METHOD URL\"; put an `http` tool in its place".to_owned(),
        );
    }
    let mut tool = Map::new();
    tool.insert("type".to_owned(), "http".into());
    tool.insert("method".to_owned(), method.into());
    tool.insert("url".to_owned(), url.into());
    for field in ["headers", "query"] {
        let members = settings[field].as_object().into_iter().flatten();
        let members: Map<String, Value> = members
            .map(|(name, value)| {
                (
                    name.clone(),
                    template(&text_of(value), names, &mut parameters).into(),
                )
            })
            .collect();
        tool.insert(field.to_owned(), members.into());
    }
    let body = settings["body"]
        .as_str()
        .or_else(|| step["script"].as_str());
    if let Some(body) = body {
        tool.insert(
            "body".to_owned(),
            template(body, names, &mut parameters).into(),
        );
    }
    if let Some(seconds) = settings["timeout"].as_u64().filter(|seconds| *seconds > 0) {
        tool.insert("timeout_s".to_owned(), seconds.into());
    }
    for field in ["debug", "skip_tls_verify", "json", "format"] {
        if settings.get(field).is_some() {
            faults.push(format!("`{field}` of a request has no counterpart; `whole: true` gives its status and headers"));
        }
    }
    Ok(ScriptTool { tool, parameters })
}

fn filter(step: &Value, names: &Names<'_>, faults: &mut Vec<String>) -> Result<ScriptTool, String> {
    let settings = settings(step);
    if settings.get("input").is_some() {
        return Err(
            "it reads a file; read it in a step before, and give its output to a `jq` tool"
                .to_owned(),
        );
    }
    let query = step["command"].as_str().unwrap_or(".");
    let script = step["script"].as_str().unwrap_or("null");
    let input = match serde_json::from_str::<Value>(script) {
        Ok(value) => Part::Constant(value),
        Err(_) => names.text(script, faults),
    };
    let filter =
        format!(".input | (if type == \"string\" then (fromjson? // .) else . end) | ({query}\n)");
    let mut tool = Map::new();
    tool.insert("type".to_owned(), "jq".into());
    tool.insert("filter".to_owned(), filter.into());
    let mut parameters = Map::new();
    parameters.insert("input".to_owned(), input.to_value());
    Ok(ScriptTool { tool, parameters })
}

fn chat(step: &Value, names: &Names<'_>, faults: &mut Vec<String>) -> Result<ScriptTool, String> {
    let llm = &step["llm"];
    let mut parameters = Map::new();
    let mut prompt: Vec<String> = Vec::new();
    if let Some(system) = llm["system"].as_str() {
        prompt.push(template(system, names, &mut parameters));
    }
    for message in step["messages"].as_array().into_iter().flatten() {
        let content = template(&text_of(&message["content"]), names, &mut parameters);
        prompt.push(match message["role"].as_str() {
            Some("assistant") => format!("Assistant: {content}"),
            _ => content,
        });
    }
    if prompt.is_empty() {
        return Err("it has no messages; put a `model` tool in its place".to_owned());
    }
    let mut tool = Map::new();
    tool.insert("type".to_owned(), "model".into());
    tool.insert("prompt".to_owned(), prompt.join("\n\n").into());
    if let Some(model) = llm["model"].as_str() {
        tool.insert("model".to_owned(), model.into());
    }
    let tokens = llm["max_tokens"]
        .as_u64()
        .filter(|tokens| (1..1_000_000).contains(tokens));
    tool.insert("max_tokens".to_owned(), json!(tokens));
    let temperature = llm["temperature"]
        .as_f64()
        .filter(|t| (0.0..=2.0).contains(t));
    tool.insert("temperature".to_owned(), json!(temperature));
    for field in [
        "tools",
        "thinking",
        "web_search",
        "base_url",
        "api_key_name",
        "top_p",
    ] {
        if llm.get(field).or_else(|| step.get(field)).is_some() {
            faults.push(format!("`{field}` of a model has no counterpart"));
        }
    }
    if llm["model"].is_array() {
        faults.push("a list of models has no counterpart: give the step one as `model`, or choose it with --worker".to_owned());
    }
    Ok(ScriptTool { tool, parameters })
}
