//! From text to a catalog, with every fault at once.

use super::Catalog;
use super::agents;
use super::open_api;
use super::parts::{CatalogPart, PartKind};
use super::places::find_tool;
use super::record::with_contents;
use super::recover;
use crate::plan::{Diagnostic, PlanFaults, Severity, Source, read_data};
use crate::tools::definition::{KindEntry, ToolDefinition};
use crate::tools::fields::{Fields, type_name};
use crate::tools::kinds::model::ModelSettings;
use crate::tools::kinds::{self, KINDS};
use crate::tools::mcp::ServerSettings;
use serde_json::{Map, Value};
use std::path::Path;
use std::sync::Arc;

/// Values of `type` for which the other fields imply the kind.
const OPEN_KINDS: [&str; 2] = ["tool", "function"];

/// The fields of tools of any kind.
const COMMON_FIELDS: [&str; 18] = [
    "name",
    "type",
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
    "recover",
    "pool",
    "returns",
    "provider",
    "source",
];

pub(super) fn parse(source: &Source, folder: Option<&Path>) -> Result<Catalog, PlanFaults> {
    match read_data(&source.text) {
        Ok(value) if open_api::is_document(&value) => of_operations(&value, source, folder),
        Ok(value) => {
            let catalog = from_value(&value, source, folder)?;
            Ok(with_part(catalog, source, folder))
        }
        Err(fault) => Err(PlanFaults {
            source_text: source.clone(),
            diagnostics: vec![fault],
        }),
    }
}

/// The tools of an OpenAPI document.
pub(super) fn open_api(source: &Source, folder: Option<&Path>) -> Result<Catalog, PlanFaults> {
    let value = read_data(&source.text).map_err(|fault| PlanFaults {
        source_text: source.clone(),
        diagnostics: vec![fault],
    })?;
    of_operations(&value, source, folder)
}

fn of_operations(
    document: &Value,
    source: &Source,
    folder: Option<&Path>,
) -> Result<Catalog, PlanFaults> {
    let converted = open_api::converted(document, source)?;
    let mut catalog = from_value(&converted.catalog, source, folder)?;
    catalog.warnings.extend(converted.warnings);
    Ok(with_part(catalog, source, folder))
}

/// The catalog with the file that it was read from among its parts.
fn with_part(mut catalog: Catalog, source: &Source, folder: Option<&Path>) -> Catalog {
    let path = folder.map(|_| Path::new(&*source.name));
    let part = CatalogPart::new(PartKind::Catalog, &source.name, path, &source.text);
    catalog.parts.insert(0, part);
    catalog
}

pub(super) fn from_value(
    value: &Value,
    source: &Source,
    folder: Option<&Path>,
) -> Result<Catalog, PlanFaults> {
    let mut reader = Reader {
        source,
        folder,
        catalog: Catalog::default(),
        diagnostics: Vec::new(),
    };
    reader.catalog(value);
    reader.read()
}

/// A tool of this name with this entry, beside the `others` of its catalog, in a catalog of its own. Places of faults are
/// looked up in the source.
pub(super) fn definition(
    name: &Arc<str>,
    entry: Value,
    (source, folder): (&Source, Option<&Path>),
    others: &[Arc<ToolDefinition>],
) -> Result<Catalog, PlanFaults> {
    let mut reader = Reader {
        source,
        folder,
        catalog: Catalog::default(),
        diagnostics: Vec::new(),
    };
    reader.tool(Some(name.to_string()), entry);
    let others = others.iter().filter(|tool| tool.name != *name);
    let mut all: Vec<Arc<ToolDefinition>> = others.cloned().collect();
    all.extend(reader.catalog.tools().iter().cloned());
    for (tool, severity, fault) in recover::faults(&all) {
        let probe = |tool: &ToolDefinition| tool.recover.as_ref()?.probe().map(str::to_owned);
        let mut asking = all.iter().filter(|one| one.name == tool);
        // What was wrong before has been said.
        if tool == *name || asking.any(|one| probe(one).as_deref() == Some(&**name)) {
            reader.report(severity, "bad_field", Some(&tool), fault);
        }
    }
    reader.read()
}

pub(super) struct Reader<'a> {
    source: &'a Source,
    folder: Option<&'a Path>,
    catalog: Catalog,
    diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    /// What was read, unless something is wrong with it.
    fn read(mut self) -> Result<Catalog, PlanFaults> {
        self.diagnostics
            .sort_by_key(|fault| fault.span.as_ref().map(|span| span.start));
        let mut all = self.diagnostics.iter();
        if all.any(|fault| fault.severity == Severity::Error) {
            return Err(PlanFaults {
                source_text: self.source.clone(),
                diagnostics: self.diagnostics,
            });
        }
        self.catalog.warnings = self.diagnostics;
        Ok(self.catalog)
    }

    pub(super) fn report(
        &mut self,
        severity: Severity,
        code: &'static str,
        tool: Option<&str>,
        message: String,
    ) -> &mut Diagnostic {
        // A fault of the catalog as a whole is placed at its beginning.
        let text = &self.source.text;
        let start = text.len() - text.trim_start().len();
        let span = tool
            .and_then(|tool| find_tool(text, tool))
            .or(Some(start..start));
        let message = match tool {
            Some(tool) => format!("tool \"{tool}\": {message}"),
            None => message,
        };
        self.diagnostics.push(Diagnostic {
            severity,
            code,
            message: crate::text::message::quote(&message, 2_000),
            help: None,
            span,
            step: None,
        });
        let last = self.diagnostics.len() - 1;
        &mut self.diagnostics[last]
    }

    fn catalog(&mut self, value: &Value) {
        let mut object = match value {
            Value::Array(_) => Map::from_iter([("tools".to_owned(), value.clone())]),
            Value::Object(object) => object.clone(),
            other => {
                let got = type_name(other);
                self.report(
                    Severity::Error,
                    "bad_catalog",
                    None,
                    format!("a catalog is an object with `tools`, not {got}"),
                );
                return;
            }
        };
        match object.shift_remove("mcpServers") {
            Some(Value::Object(servers)) => self.servers(servers),
            None | Some(Value::Null) => {}
            Some(other) => {
                let got = type_name(&other);
                self.report(
                    Severity::Error,
                    "bad_field",
                    None,
                    format!("`mcpServers` must be an object, not {got}"),
                );
            }
        }
        let agents = object.shift_remove("agents");
        let has_agents = agents.is_some();
        for agent in agents::tools(agents.unwrap_or_default()) {
            match agent {
                Ok((name, tool)) => self.tool(Some(name), tool),
                Err(fault) => drop(self.report(Severity::Error, "bad_field", None, fault)),
            }
        }
        match object.shift_remove("tools") {
            Some(Value::Object(tools)) => {
                for (name, tool) in tools {
                    self.tool(Some(name), tool);
                }
            }
            Some(Value::Array(tools)) => {
                for (at, tool) in tools.into_iter().enumerate() {
                    let name = name_of(&tool);
                    if name.is_none() {
                        self.report(
                            Severity::Error,
                            "no_name",
                            None,
                            format!("the tool at place {} of `tools` has no name", at + 1),
                        );
                    } else {
                        self.tool(name, tool);
                    }
                }
            }
            None | Some(Value::Null) if has_agents || !self.catalog.mcp_servers.is_empty() => {}
            None | Some(Value::Null) => {
                self.report(
                    Severity::Error,
                    "no_tools",
                    None,
                    "the catalog has no `tools`".to_owned(),
                );
            }
            Some(other) => {
                let got = type_name(&other);
                self.report(
                    Severity::Error,
                    "bad_field",
                    None,
                    format!("`tools` must be an object or a list, not {got}"),
                );
            }
        }
        for (tool, severity, fault) in recover::faults(self.catalog.tools()) {
            self.report(severity, "bad_field", Some(&tool), fault);
        }
        self.catalog.extra = object;
    }

    fn servers(&mut self, servers: Map<String, Value>) {
        let folder = self.folder.map(|folder| Arc::new(folder.to_path_buf()));
        for (name, entry) in &servers {
            let fault = ServerSettings::read(name, entry, None).err();
            if let Some(fault) = fault.filter(|_| !ServerSettings::is_off(entry)) {
                let message = format!("the MCP server \"{name}\": {fault}");
                self.report(Severity::Error, "bad_server", None, message);
            }
            if let Some(folder) = &folder {
                let folders = &mut self.catalog.server_folders;
                folders.insert(name.clone(), Arc::clone(folder));
            }
        }
        self.catalog.mcp_servers = servers;
    }

    fn tool(&mut self, key: Option<String>, value: Value) {
        let name = key.or_else(|| name_of(&value)).unwrap_or_default();
        let Value::Object(mut object) = value else {
            let got = type_name(&value);
            self.report(
                Severity::Error,
                "bad_field",
                Some(&name),
                format!("a tool is an object, not {got}"),
            );
            return;
        };
        // The function-calling format wraps the description: {"type": "function", "function": {…}}.
        if let Some(Value::Object(inner)) = object.get("function") {
            let inner = inner.clone();
            object.shift_remove("function");
            object.extend(inner);
        }
        let name: Arc<str> = name.into();
        if name.trim().is_empty() {
            self.report(
                Severity::Error,
                "no_name",
                None,
                "a tool has an empty name".to_owned(),
            );
            return;
        }
        if self.catalog.get(&name).is_some() {
            self.report(
                Severity::Error,
                "duplicate_tool",
                Some(&name),
                "the name is given twice".to_owned(),
            );
            return;
        }
        let folder = self.folder;
        let mut entry = Value::Object(object.clone());
        let mut fields = Fields::new(object, folder);
        if let Some(own) = fields.text("name").filter(|own| *own != name) {
            self.report(
                Severity::Warning,
                "two_names",
                Some(&name),
                format!("it calls itself \"{own}\"; the name it is listed under counts"),
            );
        }
        let mut tool = ToolDefinition::new(name.clone(), Arc::new(ModelSettings::default()));
        tool.source = Arc::clone(&self.source.name);
        tool.folder = folder.map(|folder| Arc::new(folder.to_path_buf()));
        tool.description = fields.text("description").unwrap_or_default();
        self.schemas(&mut tool, &mut fields);
        tool.examples = fields.list("examples").unwrap_or_default();
        tool.metadata = fields.object("metadata").unwrap_or_default();
        tool.cost = fields.money("cost_usd").unwrap_or_default();
        tool.timeout = fields.seconds("timeout_s");
        tool.read_only = fields.flag("read_only").unwrap_or(false);
        tool.idempotent = fields.flag("idempotent").unwrap_or(false);
        tool.cache = fields.flag("cache");
        tool.recover = recover::recover(&mut fields);
        tool.pool = fields.text("pool");
        if let Some(entry) = self.kind(&name, &mut fields) {
            tool.implementation = (entry.parse)(&mut fields);
        }
        with_contents(&mut entry, &fields.files);
        tool.entry = match entry {
            Value::Object(entry) => Some(Arc::new(entry)),
            _ => None,
        };
        for (name, content) in fields.files.drain(..) {
            let part = CatalogPart::new(PartKind::Included, &name, None, &content);
            self.catalog.parts.push(part);
        }
        let (rest, faults) = fields.into_rest();
        tool.extra = rest;
        for (_, message) in faults {
            self.report(Severity::Error, "bad_field", Some(&name), message);
        }
        self.warn_of_unknown_fields(&tool);
        self.catalog.insert(Arc::new(tool));
    }

    /// Warns of fields that have no effect: those of other kinds, and names that are not known, with a guess.
    fn warn_of_unknown_fields(&mut self, tool: &ToolDefinition) {
        const TOOLWEAVER: [&str; 6] = [
            "provider",
            "source",
            "version",
            "defer_loading",
            "domain",
            "returns",
        ];
        let own = KINDS.iter().flat_map(|entry| entry.fields);
        let known: Vec<&str> = COMMON_FIELDS.iter().chain(own).copied().collect();
        for field in tool.extra.keys() {
            if TOOLWEAVER.contains(&field.as_str()) {
                continue;
            }
            let message = if known.contains(&field.as_str()) {
                format!("`{field}` has no effect on a {} tool", tool.kind().name)
            } else {
                format!("the field `{field}` is not known and has no effect")
            };
            let near = nearest(field, &known)
                .filter(|near| near != field)
                .map(|near| format!("did you mean `{near}`?"));
            self.report(
                Severity::Warning,
                "unknown_field",
                Some(&tool.name),
                message,
            )
            .help = near;
        }
    }

    /// The kind, from `type` and, for ToolWeaver's `tool` and `function`, from the fields that are there.
    fn kind(&mut self, name: &str, fields: &mut Fields) -> Option<&'static KindEntry> {
        let word = fields.text("type");
        let word = word.as_deref().unwrap_or("tool");
        if OPEN_KINDS.contains(&word) {
            return Some(kinds::implied(fields));
        }
        let entry = kinds::named(word);
        if entry.is_none() {
            let names = KINDS.iter().map(|entry| entry.kind.name);
            let known: Vec<&'static str> = names.chain(OPEN_KINDS).collect();
            let help = nearest(word, &known).map(|near| format!("did you mean `{near}`?"));
            let known = known.join(", ");
            self.report(
                Severity::Error,
                "unknown_type",
                Some(name),
                format!("the type \"{word}\" is not known (there are: {known})"),
            )
            .help = help;
            // Its fields are not known either and need no warnings.
            *fields = Fields::new(Map::new(), None);
        }
        entry
    }
}

fn name_of(tool: &Value) -> Option<String> {
    let name = tool
        .get("name")
        .or_else(|| tool.get("function")?.get("name"))?;
    name.as_str().map(str::to_owned)
}

fn nearest(word: &str, known: &[&'static str]) -> Option<&'static str> {
    crate::plan::closest(word, known.iter().copied())
}
