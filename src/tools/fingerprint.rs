//! What determines a tool's outputs besides its input.

use super::FileInputs;
use super::definition::{FingerprintParts, ToolDefinition};
use crate::models::{Environment, SmallModelWorker};
use crate::run::NotReused;
use crate::units::ModelOptions;
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

    /// The fingerprint of a catalog's tool. `asked` is the model that the step names, and what it says otherwise than the tool.
    pub fn of(
        definition: &ToolDefinition,
        worker: &SmallModelWorker,
        environment: &Environment,
        asked: (Option<&str>, ModelOptions),
    ) -> Self {
        let mut parts = FingerprintParts::new(definition, worker, environment, asked);
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
    use crate::units::ModelOptions;
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
        let not_reused = |name| {
            toolbox
                .fingerprint(name, None, ModelOptions::default())
                .unwrap()
                .not_reused
        };
        assert_eq!(
            ["say", "read", "write", "count", "kept", "code_exec"].map(not_reused),
            [None, None, Some(Effects), Some(Quick), None, None]
        );
        let reasons = toolbox
            .fingerprint("say", Some("o4-mini"), ModelOptions::default())
            .unwrap();
        assert_eq!(reasons.not_reused, Some(Temperature));
        assert!(
            toolbox
                .fingerprint("function_call", None, ModelOptions::default())
                .is_none()
        );
        let say = |model| {
            toolbox
                .fingerprint("say", model, ModelOptions::default())
                .unwrap()
        };
        assert_eq!(say(None).parts["prompt"], "Say {{it}}");
        assert_eq!(say(Some("gpt-4o")).executor["model"], "openai/gpt-4o");
        assert_ne!(say(None).executor, say(Some("gpt-4o")).executor);
        assert_eq!(say(None).parts, say(Some("gpt-4o")).parts);
        let url = &toolbox
            .fingerprint("read", None, ModelOptions::default())
            .unwrap()
            .parts["url"];
        assert_eq!(url, "http://127.0.0.1/${KEY}", "unread");
    }

    #[test]
    fn a_catalog_in_another_folder_defines_the_same_and_its_outputs_are_others() {
        let source = crate::plan::Source {
            name: "tools.json".into(),
            text: json!({
                "tools": {
                    "count": {"type": "process", "command": ["wc"], "cwd": "texts", "jail": {"writes": ["texts"]}},
                    "here": {"type": "process", "command": ["wc"]},
                },
            })
            .to_string()
            .into(),
        };
        let worker = SmallModelWorker::offline();
        let toolbox = |folder: &str| {
            let catalog = Catalog::parse(&source, Some(std::path::Path::new(folder))).unwrap();
            CatalogToolbox::new(&catalog, &worker, ToolOptions::default())
        };
        let (one, other) = (toolbox("/a"), toolbox("/b/c"));
        for tool in ["count", "here"] {
            let of = |toolbox: &CatalogToolbox| {
                let known = toolbox.fingerprint(tool, None, ModelOptions::default());
                known.unwrap()
            };
            assert_eq!(of(&one).parts, of(&other).parts);
            assert_ne!(of(&one).environment, of(&other).environment);
        }
        let count = one.fingerprint("count", None, ModelOptions::default());
        assert_eq!(count.unwrap().parts["cwd"], "texts");
    }

    #[test]
    fn a_temperature_that_is_not_the_default_is_a_part_and_is_not_reused() {
        let catalog = |fields: serde_json::Value| {
            let tools = json!({"tools": {"say": fields}});
            let draft = parse(
                "plan",
                json!({"steps": [{"id": 1, "tool": "say"}]})
                    .to_string()
                    .as_bytes(),
            );
            Catalog::from_value(&tools, draft.unwrap().source(), None).unwrap()
        };
        let worker = SmallModelWorker::new("openai/gpt-4o-mini");
        let of = |fields, temperature: Option<&str>| {
            let toolbox = CatalogToolbox::new(&catalog(fields), &worker, ToolOptions::default());
            let options = ModelOptions {
                temperature: temperature.map(|text| text.parse().unwrap()),
                max_tokens: None,
            };
            toolbox.fingerprint("say", None, options).unwrap()
        };
        let plain = of(json!({}), None);
        assert_eq!(of(json!({"temperature": 0}), None), plain);
        assert_eq!(of(json!({}), Some("0")), plain);
        let warm = of(json!({"temperature": 0.7}), None);
        assert_eq!(warm.parts["temperature"], json!(0.7));
        assert_eq!(warm.not_reused, Some(Temperature));
        // As in the catalog: an output fits once the temperature stands there.
        assert_eq!(of(json!({}), Some("0.7")), warm);
        assert_eq!(of(json!({"temperature": 0.7}), Some("0")), plain);
    }
}
