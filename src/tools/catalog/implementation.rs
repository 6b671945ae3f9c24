//! How a tool is carried out, from its fields.

use super::fields::Fields;
use super::{HttpSettings, Implementation, McpSettings, ModelSettings, ProcessSettings, Rules};
use serde_json::Value;
use std::sync::Arc;

/// The settings of a tool of this kind.
pub(super) fn implementation(kind: &str, fields: &mut Fields) -> Implementation {
    match kind {
        "mcp" => Implementation::Mcp(McpSettings {
            server: fields.text("server"),
            tool: fields.text("mcp_tool"),
        }),
        "agent" => Implementation::Agent(fields.text("url")),
        "code_exec" => Implementation::CodeExec(fields.text_or_file("code")),
        "jq" => Implementation::Jq(filter(fields, "filter", true).unwrap_or_else(|| ".".into())),
        "process" => {
            if !fields.has("command") {
                fields.fault("command", "a process tool needs a `command`");
            }
            let command = fields.command("command").unwrap_or_default();
            let cwd = fields.text("cwd").map(|cwd| fields.path(&cwd));
            Implementation::Process(ProcessSettings {
                command,
                cwd,
                env: fields.texts("env"),
            })
        }
        "http" => http(fields),
        _ => Implementation::Model(ModelSettings {
            prompt: fields.text_or_file("prompt"),
            model: fields.text("model"),
            max_tokens: fields.count("max_tokens"),
            offline: offline(fields),
        }),
    }
}

fn http(fields: &mut Fields) -> Implementation {
    if !fields.has("url") {
        fields.fault("url", "an http tool needs a `url`");
    }
    let url = fields.text("url").unwrap_or_default();
    let open = url.starts_with("{{") || url.starts_with("${");
    if !url.is_empty() && !open && !url.starts_with("http://") && !url.starts_with("https://") {
        fields.fault("url", "`url` must begin with http:// or https://");
    }
    let method = fields.text("method").map_or_else(
        || "GET".to_owned(),
        |method| method.trim().to_ascii_uppercase(),
    );
    if !["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"].contains(&method.as_str()) {
        fields.fault("method", format!("`method` \"{method}\" is not known"));
    }
    Implementation::Http(HttpSettings {
        method: method.into(),
        url,
        headers: fields.texts("headers"),
        query: fields
            .object("query")
            .map(|query| {
                query
                    .into_iter()
                    .map(|(name, value)| (name.into(), value))
                    .collect()
            })
            .unwrap_or_default(),
        body: fields.take("body"),
        response: filter(fields, "response", false),
    })
}

fn offline(fields: &mut Fields) -> Option<Rules> {
    let rules = fields.object("offline")?;
    let (jq, code) = (rules.get("jq"), rules.get("code"));
    match (jq, code) {
        (Some(Value::String(filter)), None) => {
            let filter = fields.resolve_file("offline", filter.as_str().into())?;
            check_filter(fields, "offline", &filter);
            Some(Rules::Jq(filter))
        }
        (None, Some(Value::String(code))) => fields
            .resolve_file("offline", code.as_str().into())
            .map(Rules::Code),
        _ => {
            fields.fault("offline", "`offline` must be {jq: \"…\"} or {code: \"…\"}");
            None
        }
    }
}

fn filter(fields: &mut Fields, field: &'static str, needed: bool) -> Option<Arc<str>> {
    if needed && !fields.has(field) {
        fields.fault(field, format!("a jq tool needs a `{field}`"));
    }
    let filter = fields.text_or_file(field)?;
    check_filter(fields, field, &filter);
    Some(filter)
}

fn check_filter(fields: &mut Fields, field: &'static str, filter: &str) {
    if let Err(error) = crate::tools::jq::Filter::shared(filter) {
        fields.fault(field, format!("`{field}` is no valid jq filter: {error}"));
    }
}
