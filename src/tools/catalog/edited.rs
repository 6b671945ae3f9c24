//! Tools that the user has defined otherwise than their catalog does.

use super::parts::{CatalogPart, PartKind};
use super::record::{absolute, complete, lacks, recorded_entry};
use super::{Catalog, read};
use crate::plan::{Diagnostic, PlanFaults, Severity, Source};
use crate::tools::Reaches;
use crate::tools::definition::ToolDefinition;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Tools that are defined otherwise than their catalog does, by name.
pub(crate) type EditedTools = BTreeMap<Arc<str>, EditedTool>;

/// Fields that decide neither what a tool starts nor what it reaches nor which code it runs.
const HARMLESS: [&str; 13] = [
    "description",
    "parameters",
    "input_schema",
    "output_schema",
    "examples",
    "metadata",
    "cost_usd",
    "timeout_s",
    "read_only",
    "idempotent",
    "cache",
    "pool",
    "returns",
];

/// A tool as the user has defined it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EditedTool {
    /// Where the tool came from: the name of a file.
    source: Arc<str>,
    /// The folder that its relative paths start from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folder: Option<PathBuf>,
    /// Its whole entry, with the contents of files instead of their names. `${VAR}` stays as it is written.
    pub entry: Map<String, Value>,
    /// The digest of the entry that its file had when it was edited.
    #[serde(default)]
    on_file: String,
}

impl EditedTool {
    /// A tool of a catalog with another entry.
    pub(crate) fn of(tool: &ToolDefinition, entry: Map<String, Value>) -> Self {
        Self {
            source: Arc::clone(&tool.source),
            folder: tool.folder.as_deref().map(|folder| absolute(folder)),
            entry,
            on_file: String::new(),
        }
    }

    /// The same for one that was made of what its file has.
    pub(crate) fn made_of(self, on_file: &Map<String, Value>) -> Self {
        Self {
            on_file: digest(on_file),
            ..self
        }
    }

    /// Whether it was made of this entry.
    pub(crate) fn is_made_of(&self, entry: &Map<String, Value>) -> bool {
        self.on_file == digest(entry)
    }

    /// The same as it may be recorded: what may be a credential is left out.
    pub(crate) fn recorded(&self) -> Self {
        Self {
            entry: recorded_entry(self.entry.clone()),
            ..self.clone()
        }
    }

    /// Whether what is left out of its record is what the `before` of it has in the same place, so that it is found again.
    pub(crate) fn is_found_again(&self, before: &Map<String, Value>) -> bool {
        let mut again = Value::Object(recorded_entry(self.entry.clone()));
        complete(&mut again, Some(&Value::Object(before.clone())));
        again.as_object() == Some(&self.entry)
    }
}

fn digest(entry: &Map<String, Value>) -> String {
    let text = json!(recorded_entry(entry.clone())).to_string();
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

impl Catalog {
    /// Defines a tool otherwise. Its definition says where it came from as before, and relative paths in it start from the
    /// same folder. What was left out of its record is as the catalog has it.
    ///
    /// # Errors
    /// Faults of the definition, with their places in it; where what was left out is in the catalog no longer.
    pub(crate) fn define(
        &mut self,
        name: &Arc<str>,
        edited: &EditedTool,
    ) -> Result<(), PlanFaults> {
        let known = self.get(name).cloned();
        let before = known.as_deref().and_then(|tool| tool.entry.as_deref());
        let mut entry = Value::Object(edited.entry.clone());
        complete(&mut entry, before.cloned().map(Value::Object).as_ref());
        let text = serde_json::to_string_pretty(&json!({&**name: entry})).unwrap_or_default();
        let source = Source {
            name: format!("the edited definition of {name}").into(),
            text: text.into(),
        };
        if lacks(&entry) {
            return Err(left_out(name, source));
        }
        let folder = match &known {
            Some(known) => known.folder.as_deref().cloned(),
            None => edited.folder.clone(),
        };
        let place = (&source, folder.as_deref());
        let mut read = read::definition(name, entry, place, &self.tools)?;
        self.warnings.extend(read.warnings);
        self.parts.extend(read.parts);
        let Some(tool) = read.tools.pop() else {
            return Ok(());
        };
        let known_source = known.as_deref().map(|known| &known.source);
        let tool = ToolDefinition {
            source: Arc::clone(known_source.unwrap_or(&edited.source)),
            ..Arc::unwrap_or_clone(tool)
        };
        if decides_otherwise(before, &tool) {
            let text = json!(tool.entry.as_deref()).to_string();
            let part = CatalogPart::new(PartKind::Edited, &source.name, None, &text);
            self.parts.push(part);
        }
        self.insert(Arc::new(tool));
        Ok(())
    }
}

/// Whether a tool that starts, reaches or runs something does so otherwise than before.
fn decides_otherwise(before: Option<&Map<String, Value>>, tool: &ToolDefinition) -> bool {
    let mut reaches = Reaches::default();
    tool.implementation.reaches(tool, &mut reaches);
    let deciding = |entry: Option<&Map<String, Value>>| {
        let mut entry = entry.cloned().unwrap_or_default();
        entry.retain(|name, _| !HARMLESS.contains(&name.as_str()));
        entry
    };
    reaches.needs_trust() && deciding(before) != deciding(tool.entry.as_deref())
}

fn left_out(name: &str, source_text: Source) -> PlanFaults {
    PlanFaults {
        diagnostics: vec![Diagnostic {
            severity: Severity::Error,
            code: "left_out",
            message: format!(
                "tool \"{name}\": what may be a credential was left out of its edited definition on record, and its \
                 catalog does not have it any more"
            ),
            help: Some(
                "define the tool again, with ${VAR} in the place of the credential".to_owned(),
            ),
            span: None,
            step: None,
        }],
        source_text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::merge_patch::patched;
    use std::path::Path;

    const CATALOG: &str = r#"
tools:
  ask: {prompt: "@ask.txt", model: gpt-4o-mini}
  get: {type: http, url: "https://127.0.0.1/x", headers: {a: sesame, b: "Bearer ${TOKEN}"}, timeout_s: 3}
  run: {type: process, command: [sh, count.sh], recover: {probe: keys, found: "."}}
  keys: {type: jq, filter: keys}
"#;

    fn catalog(folder: &Path) -> Catalog {
        std::fs::write(folder.join("ask.txt"), "Who is {{name}}?\n").unwrap();
        std::fs::write(folder.join("tools.yaml"), CATALOG).unwrap();
        Catalog::load(&folder.join("tools.yaml")).unwrap()
    }

    fn edited(catalog: &Catalog, name: &str, patch: &Value) -> EditedTool {
        let tool = catalog.get(name).unwrap();
        let entry = tool.entry.as_deref().unwrap();
        EditedTool::of(tool, patched(entry, patch.as_object().unwrap()))
    }

    fn defined(catalog: &Catalog, name: &str, patch: &Value) -> Result<Catalog, String> {
        let edited = edited(catalog, name, patch);
        let mut catalog = catalog.clone();
        let done = catalog.define(&name.into(), &edited);
        done.map(|()| catalog).map_err(|faults| faults.to_string())
    }

    fn edited_parts(catalog: &Catalog) -> usize {
        let parts = catalog.parts.iter();
        parts.filter(|part| part.kind == PartKind::Edited).count()
    }

    #[test]
    fn a_tool_is_defined_otherwise_and_the_rest_of_it_stays() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = catalog(folder.path());
        let now = defined(
            &catalog,
            "get",
            &json!({"url": "https://127.0.0.1/y", "timeout_s": null}),
        )
        .unwrap();
        let (before, after) = (catalog.get("get").unwrap(), now.get("get").unwrap());
        assert_eq!(
            (&before.source, &before.folder),
            (&after.source, &after.folder)
        );
        assert!(before.timeout.is_some() && after.timeout.is_none());
        assert_eq!(
            after.entry.as_deref().unwrap()["headers"],
            before.entry.as_deref().unwrap()["headers"]
        );
        assert_eq!(edited_parts(&now), 1);
        assert_eq!(now.tools().len(), 4);
        // A file that it names lies beside its catalog.
        std::fs::write(folder.path().join("new.txt"), "Where is {{name}}?").unwrap();
        let now = defined(&catalog, "ask", &json!({"prompt": "@new.txt"})).unwrap();
        assert_eq!(
            now.get("ask").unwrap().entry.as_deref().unwrap()["prompt"],
            "Where is {{name}}?"
        );
    }

    #[test]
    fn only_what_starts_or_reaches_something_otherwise_is_asked_for_again() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = catalog(folder.path());
        for (name, patch, asks) in [
            (
                "get",
                json!({"timeout_s": 5, "cost_usd": 0.1, "output_schema": {"type": "object"}}),
                0,
            ),
            ("get", json!({"url": "https://127.0.0.2/x"}), 1),
            ("run", json!({"command": ["sh", "-c", "rm x"]}), 1),
            ("run", json!({"read_only": true}), 0),
            ("keys", json!({"filter": "length"}), 0),
            (
                "keys",
                json!({"type": "process", "command": ["keys"], "filter": null}),
                1,
            ),
            ("ask", json!({"prompt": "Who?"}), 0),
        ] {
            let now = defined(&catalog, name, &patch).unwrap();
            assert_eq!(edited_parts(&now), asks, "{name} {patch}");
        }
    }

    #[test]
    fn faults_have_their_place_in_the_definition() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = catalog(folder.path());
        for (name, patch, words) in [
            ("get", json!({"timeout_s": "soon"}), "timeout_s"),
            ("get", json!({"type": "htpp"}), "htpp"),
            (
                "run",
                json!({"recover": {"probe": "nothing"}}),
                "recover.probe",
            ),
            ("keys", json!({"filter": "..["}), "filter"),
        ] {
            let faults = defined(&catalog, name, &patch).unwrap_err();
            assert!(faults.contains(words), "{faults}");
            assert!(faults.contains("the edited definition of"), "{faults}");
        }
    }

    #[test]
    fn credentials_are_left_out_of_the_record_and_taken_from_the_catalog() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = catalog(folder.path());
        let entry = |name: &str| catalog.get(name).unwrap().entry.clone().unwrap();
        let edit = edited(&catalog, "get", &json!({"url": "https://127.0.0.1/y"}));
        assert!(edit.is_found_again(&entry("get")));
        let text = serde_json::to_string(&edit.recorded()).unwrap();
        assert!(
            !text.contains("sesame") && text.contains("${TOKEN}"),
            "{text}"
        );
        let recorded: EditedTool = serde_json::from_str(&text).unwrap();
        let mut now = catalog.clone();
        now.define(&"get".into(), &recorded).unwrap();
        let get = now.get("get").unwrap().entry.clone().unwrap();
        assert_eq!(
            (&get["headers"]["a"], &get["url"]),
            (&json!("sesame"), &json!("https://127.0.0.1/y"))
        );
        // One that the catalog does not have would be lost.
        let edit = edited(&catalog, "get", &json!({"headers": {"a": "open"}}));
        assert!(!edit.is_found_again(&entry("get")));
        let gone = Catalog::default().define(&"get".into(), &recorded);
        assert!(gone.unwrap_err().to_string().contains("left out"));
    }
}
