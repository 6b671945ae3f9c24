//! A catalog as one value from which it can be read again when its files have changed: what a run is recorded with.

use super::{Catalog, CatalogPart};
use crate::plan::{PlanFaults, Source};
use crate::text::secrets::mask_password;
use crate::tools::REDACTED;
use crate::tools::definition::ToolDefinition;
use crate::tools::kinds::mcp::McpSettings;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The maximum size of a record, in bytes of JSON.
const MAX_RECORD: usize = 1 << 20;

/// The maximum size of a script whose text is recorded, in bytes.
const MAX_SCRIPT: u64 = 64 << 10;

/// Members whose values may be credentials.
const CREDENTIALS: [&str; 2] = ["headers", "env"];

/// A catalog as it was used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CatalogRecord {
    /// The tools by name.
    pub tools: BTreeMap<Arc<str>, RecordedTool>,
    /// The MCP servers by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    servers: BTreeMap<String, RecordedServer>,
    /// The files that it was read from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<CatalogPart>,
    /// Whether only the tools are in it that the plan names, because the whole is too large.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_cut: bool,
}

/// A tool as it was used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RecordedTool {
    /// Where it came from: the name of a file, or `mcp:SERVER`.
    source: Arc<str>,
    /// The folder that its relative paths start from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folder: Option<PathBuf>,
    /// Its entry, with the contents of files instead of their names; credentials are left out.
    pub entry: Map<String, Value>,
    /// The scripts that its command names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scripts: Vec<RecordedScript>,
}

/// A script as it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RecordedScript {
    /// Its name in the command.
    pub name: Arc<str>,
    /// Where it lay.
    pub path: PathBuf,
    /// The digest of its content, in hexadecimal digits.
    pub digest: String,
    /// Its content; `None` where it is not text, or too large.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct RecordedServer {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folder: Option<Arc<PathBuf>>,
    entry: Value,
}

impl Catalog {
    /// The catalog as it is used now. Where it is very large, only the tools of the names that `used` gives; `None` where
    /// those are too much as well.
    pub(crate) fn record<'n>(
        &self,
        used: impl FnOnce() -> HashSet<&'n str>,
    ) -> Option<CatalogRecord> {
        let mut record = CatalogRecord {
            tools: self.tools.iter().map(recorded_tool).collect(),
            servers: self.recorded_servers(),
            parts: self.parts.iter().map(recorded_part).collect(),
            is_cut: false,
        };
        if record.size() > MAX_RECORD {
            let used = used();
            record.tools.retain(|name, _| used.contains(&**name));
            record.is_cut = true;
        }
        (record.size() <= MAX_RECORD).then_some(record)
    }

    fn recorded_servers(&self) -> BTreeMap<String, RecordedServer> {
        let servers = self.mcp_servers.iter().map(|(name, entry)| {
            let mut entry = entry.clone();
            without_credentials(&mut entry, false);
            let folder = self.server_folders.get(name).cloned();
            (name.clone(), RecordedServer { folder, entry })
        });
        servers.collect()
    }

    /// The catalog of a record. What was left out of it is taken from the catalog as it is `now`.
    ///
    /// # Errors
    /// Where this version does not read such tools any more.
    pub(crate) fn from_record(record: &CatalogRecord, now: &Self) -> Result<Self, PlanFaults> {
        let mut groups: Vec<(Source, Option<PathBuf>, Map<String, Value>)> = Vec::new();
        for (name, tool) in &record.tools {
            let mut entry = Value::Object(tool.entry.clone());
            let now = now.get(name).and_then(|tool| tool.entry.as_deref());
            complete(
                &mut entry,
                now.map(|now| Value::Object(now.clone())).as_ref(),
            );
            let known = groups.iter().position(|(source, folder, _)| {
                source.name == tool.source && *folder == tool.folder
            });
            let at = known.unwrap_or_else(|| {
                let source = Source {
                    name: Arc::clone(&tool.source),
                    text: "".into(),
                };
                groups.push((source, tool.folder.clone(), Map::new()));
                groups.len() - 1
            });
            groups[at].2.insert(name.to_string(), entry);
        }
        let mut catalog = Self::default();
        for (source, folder, tools) in groups {
            let value = json!({"tools": tools});
            catalog.merge(Self::from_value(&value, &source, folder.as_deref())?);
        }
        for (name, server) in &record.servers {
            let mut entry = server.entry.clone();
            complete(&mut entry, now.mcp_servers.get(name));
            catalog.mcp_servers.insert(name.clone(), entry);
            let folder = server.folder.clone();
            catalog
                .server_folders
                .extend(folder.map(|folder| (name.clone(), folder)));
        }
        if record.is_cut {
            catalog.complete(now.clone());
        }
        // What was wrong was said when it ran.
        catalog.warnings.clear();
        catalog.parts.clone_from(&record.parts);
        Ok(catalog)
    }
}

impl CatalogRecord {
    fn size(&self) -> usize {
        serde_json::to_string(self).map_or(usize::MAX, |text| text.len())
    }

    /// Whether something was left out of it that is needed to run its tools.
    pub(crate) fn is_incomplete(&self) -> bool {
        let mut tools = self.tools.values();
        self.is_cut
            || tools.any(|tool| lacks(&json!(tool.entry)))
            || self.servers.values().any(|server| lacks(&server.entry))
    }

    /// Adds the tools and servers of `other` that it does not have.
    pub(crate) fn add(&mut self, other: &Self) {
        for (name, tool) in &other.tools {
            let entry = self.tools.entry(Arc::clone(name));
            entry.or_insert_with(|| tool.clone());
        }
        for (name, server) in &other.servers {
            let entry = self.servers.entry(name.clone());
            entry.or_insert_with(|| server.clone());
        }
        self.is_cut |= other.is_cut;
    }

    /// The entries of the MCP servers by name.
    pub(crate) fn servers(&self) -> Map<String, Value> {
        let servers = self.servers.iter();
        servers
            .map(|(name, server)| (name.clone(), server.entry.clone()))
            .collect()
    }

    /// Gives MCP servers these entries, by name.
    pub(crate) fn set_servers(&mut self, entries: &Value) {
        for (name, server) in &mut self.servers {
            if let Some(entry) = entries.get(name) {
                server.entry = entry.clone();
            }
        }
    }

    /// It as a catalog file that stands alone.
    pub(crate) fn to_catalog(&self) -> Value {
        let tools = self.tools.iter();
        let tools: Map<String, Value> = tools
            .map(|(name, tool)| (name.to_string(), Value::Object(tool.entry.clone())))
            .collect();
        let mut catalog = json!({"tools": tools});
        if !self.servers.is_empty() {
            catalog["mcpServers"] = self.servers().into();
        }
        catalog
    }
}

fn recorded_tool(tool: &Arc<ToolDefinition>) -> (Arc<str>, RecordedTool) {
    let mut entry = tool.entry.as_deref().cloned().unwrap_or_default();
    if let Some(settings) = tool.settings::<McpSettings>() {
        // What its server has listed of it.
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                entry.insert(name.to_owned(), value);
            }
        };
        put("type", json!("mcp"));
        put("server", json!(settings.server));
        put("mcp_tool", json!(settings.tool));
        put("description", json!(tool.description));
        put("input_schema", json!(tool.input_schema));
        put("output_schema", json!(tool.output_schema));
        put("read_only", json!(tool.read_only));
        put("idempotent", json!(tool.idempotent));
    }
    let entry = recorded_entry(entry);
    let programs = tool.implementation.programs(tool);
    let scripts = programs.iter().flat_map(|inputs| {
        let scripts = inputs.scripts();
        let recorded = scripts.into_iter().map(|(name, file)| script(name, &file));
        recorded.collect::<Vec<_>>()
    });
    let recorded = RecordedTool {
        source: place(&tool.source),
        folder: tool.folder.as_deref().map(|folder| absolute(folder)),
        scripts: scripts.collect(),
        entry,
    };
    (Arc::clone(&tool.name), recorded)
}

/// An entry without what may be a credential.
pub(super) fn recorded_entry(mut entry: Map<String, Value>) -> Map<String, Value> {
    for (name, member) in &mut entry {
        without_credentials(member, CREDENTIALS.contains(&name.as_str()));
    }
    entry
}

/// A file of the catalog; its name is the same from wherever it was given.
fn recorded_part(part: &CatalogPart) -> CatalogPart {
    let path = part.path.as_deref().map(absolute);
    let is_file = path.is_some();
    CatalogPart {
        name: if is_file {
            place(&part.name)
        } else {
            Arc::clone(&part.name)
        },
        path,
        ..part.clone()
    }
}

/// The name of a file as an absolute path; any other name as it is.
fn place(name: &Arc<str>) -> Arc<str> {
    let path = Path::new(&**name);
    if path.is_file() {
        absolute(path).to_string_lossy().into()
    } else {
        Arc::clone(name)
    }
}

pub(super) fn absolute(path: &Path) -> PathBuf {
    // The folder of a file that is named without one is the present one.
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

fn script(name: &str, file: &Path) -> RecordedScript {
    let part = CatalogPart::script(name, file);
    let is_small = std::fs::metadata(file).is_ok_and(|file| file.len() <= MAX_SCRIPT);
    let text = is_small.then(|| std::fs::read_to_string(file).ok());
    RecordedScript {
        name: part.name,
        path: absolute(file),
        digest: part.digest,
        text: text.flatten(),
    }
}

/// Leaves out what may be a credential: the values of headers and of an environment that are written in the catalog itself,
/// and passwords in addresses.
fn without_credentials(value: &mut Value, is_credential: bool) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let is_credential = is_credential || CREDENTIALS.contains(&name.as_str());
                without_credentials(member, is_credential);
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| without_credentials(item, is_credential)),
        Value::String(text) if is_credential && !text.contains("${") => {
            REDACTED.clone_into(text);
        }
        Value::String(text) if text.contains("://") => *text = mask_password(text).into_owned(),
        _ => {}
    }
}

/// Whether something was left out of a value.
pub(super) fn lacks(value: &Value) -> bool {
    value.to_string().contains(REDACTED)
}

/// Fills in what was left out with what is there now.
pub(super) fn complete(recorded: &mut Value, now: Option<&Value>) {
    match (recorded, now) {
        (Value::Object(members), Some(Value::Object(now))) => {
            for (name, member) in members {
                complete(member, now.get(name));
            }
        }
        (Value::Array(items), Some(Value::Array(now))) => {
            for (at, item) in items.iter_mut().enumerate() {
                complete(item, now.get(at));
            }
        }
        (Value::String(text), Some(now)) if text.contains(REDACTED) => {
            *text = now.as_str().map_or_else(|| now.to_string(), str::to_owned);
        }
        _ => {}
    }
}

/// An entry of a catalog with the contents of the files that its fields name, instead of their names.
pub(super) fn with_contents(entry: &mut Value, files: &[(Arc<str>, Arc<str>)]) {
    match entry {
        Value::Object(members) => members
            .values_mut()
            .for_each(|member| with_contents(member, files)),
        Value::Array(items) => items.iter_mut().for_each(|item| with_contents(item, files)),
        Value::String(text) => {
            let name = text.strip_prefix('@').map(str::trim);
            let file = files.iter().find(|(file, _)| Some(&**file) == name);
            // Content that itself looks like the name of a file would be taken for one.
            if let Some((_, content)) = file.filter(|(_, content)| !content.starts_with('@')) {
                content.as_ref().clone_into(text);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::ToolSchemas;

    fn read_back(record: &CatalogRecord, now: &Catalog) -> Catalog {
        let text = serde_json::to_string(record).unwrap();
        Catalog::from_record(&serde_json::from_str(&text).unwrap(), now).unwrap()
    }

    #[test]
    fn a_catalog_is_read_again_when_its_files_are_gone() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text);
        write("ask.txt", "Who is {{name}}?\n").unwrap();
        write("count.sh", "echo 1\n").unwrap();
        let text = r#"
tools:
  ask: {prompt: "@ask.txt", model: gpt-4o-mini, output_schema: {type: object}}
  get: {type: http, url: "https://ann:sesame@127.0.0.1/x", headers: {a: sesame, b: "Bearer ${TOKEN}"}}
  count: {type: process, command: [sh, count.sh], read_only: true, recover: {probe: get, found: "."}}
  keys: {type: jq, filter: keys}
mcpServers:
  files: {command: files, env: {KEY: sesame, HOME: "${HOME}"}}
"#;
        write("tools.yaml", text).unwrap();
        let catalog = Catalog::load(&folder.path().join("tools.yaml")).unwrap();
        let record = catalog.record(HashSet::new).unwrap();
        let written = serde_json::to_string(&record).unwrap();
        assert!(!written.contains("sesame"), "{written}");
        assert_eq!(record.tools["ask"].entry["prompt"], "Who is {{name}}?\n");
        let script = &record.tools["count"].scripts[0];
        assert_eq!(
            (&*script.name, script.text.as_deref()),
            ("count.sh", Some("echo 1\n"))
        );
        assert!(record.is_incomplete());
        // With the catalog as it is now, what was left out is there again.
        let whole = read_back(&record, &catalog);
        assert_eq!(whole.record(HashSet::new), Some(record.clone()));
        let get = |catalog: &Catalog| format!("{:?}", catalog.get("get").unwrap().implementation);
        assert_eq!(get(&whole), get(&catalog));
        assert_eq!(whole.mcp_servers, catalog.mcp_servers);
        assert_eq!(whole.names().len(), 4);
        // Without it, everything else is.
        folder.close().unwrap();
        let rest = read_back(&record, &Catalog::default());
        let same = |name: &str| {
            let one = |of: &Catalog| format!("{:?}", of.get(name).unwrap().implementation);
            one(&rest) == one(&catalog)
        };
        assert!(same("ask") && same("count") && same("keys") && !same("get"));
    }

    #[test]
    fn of_a_very_large_catalog_only_the_tools_of_the_plan_are_recorded() {
        let tool = |n: usize| json!({"prompt": format!("{n}").repeat(1000)});
        let tools: Map<String, Value> = (0..2_000).map(|n| (format!("t{n}"), tool(n))).collect();
        let catalog = Catalog::from_json(&json!({"tools": tools})).unwrap();
        let record = catalog
            .record(|| HashSet::from(["t1", "t5", "other"]))
            .unwrap();
        assert_eq!(record.tools.len(), 2);
        // The others are those of now.
        assert_eq!(read_back(&record, &catalog).names().len(), 2_000);
        let all: Vec<String> = (0..2_000).map(|n| format!("t{n}")).collect();
        assert_eq!(
            catalog.record(|| all.iter().map(|name| &**name).collect()),
            None
        );
    }
}
