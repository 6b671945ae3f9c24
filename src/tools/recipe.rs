//! What determines a tool's outputs beside its input.

use super::catalog::{Implementation, Rules, ToolDefinition};
use crate::models::SmallModelWorker;
use crate::run::NotReused;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// What determines a tool's outputs beside its input, for whoever asks whether an output would be the same
/// again.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// The parts of the tool's definition by name. Variables of the environment stand in them as the catalog
    /// writes them, unread.
    pub parts: Map<String, Value>,
    /// Who carries it out, by the same kind of names: another worker may answer differently, and yet what the
    /// step is has not changed.
    pub carrier: Map<String, Value>,
    /// Why an output may not be used again for the same input, where the step says nothing about it; `None`
    /// where it may.
    pub not_reused: Option<NotReused>,
}

impl Recipe {
    /// A tool with code of its own and nothing else that matters.
    pub fn builtin(name: &str, not_reused: Option<NotReused>) -> Self {
        Self {
            parts: Map::from_iter([("builtin".to_owned(), json!(name))]),
            carrier: Map::new(),
            not_reused,
        }
    }

    /// The recipe of a catalog's tool. `model` is the model that a step asks for.
    pub fn of(definition: &ToolDefinition, worker: &SmallModelWorker, model: Option<&str>) -> Self {
        let mut parts = Map::new();
        let mut carrier = Map::new();
        let add = |parts: &mut Map<String, Value>, name: &str, value: Value| {
            if !value.is_null() {
                parts.insert(name.to_owned(), value);
            }
        };
        let mut put = |name: &str, value: Value| add(&mut parts, name, value);
        let mut by = |name: &str, value: Value| add(&mut carrier, name, value);
        put("type", json!(definition.implementation.kind()));
        let simulated = worker.is_simulated();
        let unless_it_reads = |reads: bool| match (simulated, reads) {
            (true, _) => Some(NotReused::Simulated),
            (false, true) => None,
            (false, false) => Some(NotReused::Effects),
        };
        let not_reused = match &definition.implementation {
            Implementation::Model(settings) => {
                put("description", json!(definition.description));
                put("input_schema", json!(definition.input_schema));
                put("output_schema", json!(definition.output_schema));
                put("examples", json!(definition.examples));
                put("prompt", json!(settings.prompt));
                put("max_tokens", json!(settings.max_tokens));
                put("wanted_model", json!(settings.model));
                match &settings.offline {
                    Some(Rules::Jq(filter)) => put("offline.jq", json!(filter)),
                    Some(Rules::Code(code)) => put("offline.code", json!(code)),
                    None => {}
                }
                let wanted = model.or(settings.model.as_deref());
                by("worker", json!(worker.name()));
                by("address", json!(worker.address(wanted)));
                if let Some((provider, model)) = worker.model_for(wanted) {
                    by("model", json!(format!("{provider}/{model}")));
                }
                by("seed", json!(worker.seed()));
                if simulated {
                    Some(NotReused::Simulated)
                } else if worker.is_offline() {
                    // Rules cost nothing and take no longer than looking their output up.
                    Some(NotReused::Quick)
                } else if worker.takes_temperature(wanted) {
                    // It is asked at temperature 0.
                    None
                } else {
                    Some(NotReused::Temperature)
                }
            }
            Implementation::Jq(filter) => {
                put("filter", json!(filter));
                Some(NotReused::Quick)
            }
            Implementation::CodeExec(code) => {
                put("code", json!(code));
                None
            }
            Implementation::Http(http) => {
                put("method", json!(http.method));
                put("url", json!(http.url));
                put("headers", json!(http.headers));
                put("query", json!(http.query));
                put("body", json!(http.body));
                put("response", json!(http.response));
                unless_it_reads(definition.read_only || matches!(&*http.method, "GET" | "HEAD"))
            }
            Implementation::Process(process) => {
                put("command", json!(process.command));
                let folder = definition.folder.as_deref();
                let folder = process.cwd.as_deref().or(folder.map(PathBuf::as_path));
                // The same folder however the catalog was named, and another one elsewhere.
                put("cwd", json!(folder.map(absolute)));
                put("env", json!(process.env));
                unless_it_reads(definition.read_only)
            }
            Implementation::Mcp(mcp) => {
                put("server", json!(mcp.server));
                put("mcp_tool", json!(mcp.tool));
                unless_it_reads(definition.read_only)
            }
            Implementation::Agent(url) => {
                put("url", json!(url));
                unless_it_reads(definition.read_only)
            }
        };
        if simulated {
            by("simulated", json!(worker.seed()));
        }
        Self {
            parts,
            carrier,
            not_reused: match definition.cache {
                Some(true) => None,
                Some(false) => Some(NotReused::Tool),
                None => not_reused,
            },
        }
    }
}

fn absolute(folder: &Path) -> PathBuf {
    // Nothing is where the program was started.
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    std::path::absolute(folder)
        .map_or_else(|_| folder.to_path_buf(), |path| path.components().collect())
}

#[cfg(test)]
mod tests {
    use crate::models::SmallModelWorker;
    use crate::plan::parse;
    use crate::run::NotReused::{Effects, Quick, Temperature};
    use crate::tools::{Catalog, CatalogToolbox, ToolOptions, Toolbox};
    use serde_json::json;

    #[test]
    fn what_a_toolbox_says_of_its_tools() {
        let plan = json!({
            "steps": [{"id": 1, "tool": "say", "parameters": {}}],
            "tools": {
                "say": {"description": "says it", "prompt": "Say {{it}}"},
                "read": {"type": "http", "method": "GET", "url": "http://127.0.0.1/${KEY}"},
                "write": {"type": "http", "method": "POST", "url": "http://127.0.0.1/"},
                "count": {"type": "jq", "filter": "length"},
                "kept": {"type": "jq", "filter": "length", "cache": true},
            },
        });
        let draft = parse("plan", plan.to_string().as_bytes()).unwrap();
        let own = draft.catalog().unwrap();
        let catalog = Catalog::from_value(own, draft.source(), None).unwrap();
        let worker = SmallModelWorker::new("openai/gpt-4o-mini");
        let toolbox = CatalogToolbox::new(&catalog, &worker, ToolOptions::default());
        let toolbox: &dyn Toolbox = &toolbox;
        let not_reused = |name| toolbox.recipe(name, None).unwrap().not_reused;
        assert_eq!(
            ["say", "read", "write", "count", "kept", "code_exec"].map(not_reused),
            [None, None, Some(Effects), Some(Quick), None, None]
        );
        let reasons = toolbox.recipe("say", Some("o4-mini")).unwrap();
        assert_eq!(reasons.not_reused, Some(Temperature));
        assert!(toolbox.recipe("function_call", None).is_none());
        let say = |model| toolbox.recipe("say", model).unwrap();
        assert_eq!(say(None).parts["prompt"], "Say {{it}}");
        assert_eq!(say(Some("gpt-4o")).carrier["model"], "openai/gpt-4o");
        assert_ne!(say(None).carrier, say(Some("gpt-4o")).carrier);
        assert_eq!(say(None).parts, say(Some("gpt-4o")).parts);
        let url = &toolbox.recipe("read", None).unwrap().parts["url"];
        assert_eq!(url, "http://127.0.0.1/${KEY}", "unread");
    }
}
