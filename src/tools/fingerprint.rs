//! What determines a tool's outputs besides its input.

use super::FileInputs;
use super::definition::{FingerprintParts, ToolDefinition};
use crate::models::{Environment, SmallModelWorker};
use crate::run::NotReused;
use serde_json::{Map, Value, json};

/// What determines a tool's outputs besides its input: where two fingerprints and inputs are equal, the cached
/// output can be reused.
#[derive(Clone, Debug, PartialEq)]
pub struct Fingerprint {
    /// The parts of the tool's definition by name. Environment variables stay as the catalog writes them (`${VAR}`).
    pub parts: Map<String, Value>,
    /// What runs the call, by name: another worker may answer differently although the step itself is unchanged.
    pub executor: Map<String, Value>,
    /// Values from the environment, by name: another tenant or another token is another call.
    pub environment: Values,
    /// Files that determine the output. They are read when a call's key is made.
    pub files: Option<FileInputs>,
    /// Why an output may not be reused for the same input, where the step has no `cache` field; `None` where it
    /// may.
    pub not_reused: Option<NotReused>,
}

/// Values that are hashed and never shown, by name.
#[derive(Clone, Default, PartialEq)]
pub struct Values(pub(crate) Map<String, Value>);

impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Fingerprint {
    /// The fingerprint of a built-in tool, which only its name determines.
    pub fn builtin(name: &str, not_reused: Option<NotReused>) -> Self {
        Self {
            parts: Map::from_iter([("builtin".to_owned(), json!(name))]),
            executor: Map::new(),
            environment: Values::default(),
            files: None,
            not_reused,
        }
    }

    /// The fingerprint of a catalog's tool. `model` is the model that the step names.
    pub fn of(
        definition: &ToolDefinition,
        worker: &SmallModelWorker,
        environment: &Environment,
        model: Option<&str>,
    ) -> Self {
        let mut parts = FingerprintParts::new(definition, worker, environment, model);
        parts.put("type", json!(definition.kind().name));
        let not_reused = definition.implementation.fingerprint(&mut parts);
        if worker.is_simulated() {
            parts.by("simulated", json!(worker.seed()));
        }
        Self {
            parts: parts.parts,
            executor: parts.executor,
            environment: Values(parts.environment),
            files: parts.files,
            not_reused: match definition.cache {
                Some(true) => None,
                Some(false) => Some(NotReused::Tool),
                None => not_reused,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::models::SmallModelWorker;
    use crate::plan::parse;
    use crate::run::NotReused::{Effects, Quick, Temperature};
    use crate::tools::{Catalog, CatalogToolbox, ToolOptions, Toolbox};
    use serde_json::json;

    #[test]
    fn a_toolbox_has_the_fingerprints_of_its_tools() {
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
        let not_reused = |name| toolbox.fingerprint(name, None).unwrap().not_reused;
        assert_eq!(
            ["say", "read", "write", "count", "kept", "code_exec"].map(not_reused),
            [None, None, Some(Effects), Some(Quick), None, None]
        );
        let reasons = toolbox.fingerprint("say", Some("o4-mini")).unwrap();
        assert_eq!(reasons.not_reused, Some(Temperature));
        assert!(toolbox.fingerprint("function_call", None).is_none());
        let say = |model| toolbox.fingerprint("say", model).unwrap();
        assert_eq!(say(None).parts["prompt"], "Say {{it}}");
        assert_eq!(say(Some("gpt-4o")).executor["model"], "openai/gpt-4o");
        assert_ne!(say(None).executor, say(Some("gpt-4o")).executor);
        assert_eq!(say(None).parts, say(Some("gpt-4o")).parts);
        let url = &toolbox.fingerprint("read", None).unwrap().parts["url"];
        assert_eq!(url, "http://127.0.0.1/${KEY}", "unread");
    }
}
