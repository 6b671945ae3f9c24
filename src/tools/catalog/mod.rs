//! The catalog: the tools and how each of them runs.
//!
//! It is ToolWeaver's `ToolCatalog`, in JSON or YAML, with further fields for how a tool runs. Relative paths in it
//! (`cwd`, a program with a slash in its name, `@file` in place of a prompt, a filter or code) start from the folder
//! of the catalog; a program without `cwd` runs there.

mod agents;
pub(crate) mod edited;
mod listing;
pub(crate) mod open_api;
pub(crate) mod parts;
mod places;
mod read;
pub(crate) mod record;
mod recover;
mod schema;

pub(crate) use super::kinds::agent::AgentSettings;
pub(crate) use super::kinds::http::HttpSettings;
pub use super::kinds::jq::JqSettings;
pub(crate) use super::kinds::mcp::McpSettings;
pub use super::kinds::model::{ModelSettings, Rules};
pub use super::kinds::process::{JailSettings, ProcessSettings};

use super::definition::ToolDefinition;
use super::mcp::ServerSettings;
use crate::plan::{Diagnostic, PlanFaults, Severity, Source, ToolSchemas};
use parts::CatalogPart;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The tools by name, and the MCP servers that some of them belong to.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    tools: Vec<Arc<ToolDefinition>>,
    /// `mcpServers`, as it stands.
    pub mcp_servers: Map<String, Value>,
    /// The folder of the file that each server is named in.
    server_folders: HashMap<String, Arc<PathBuf>>,
    /// The tools that only its servers may have.
    expected: Vec<Arc<str>>,
    /// `source`, `version`, `discovered_at`, `metadata` and fields that this program does not know.
    pub extra: Map<String, Value>,
    /// Faults that do not keep the tools from working.
    pub warnings: Vec<Diagnostic>,
    /// What it was read from.
    pub(crate) parts: Vec<CatalogPart>,
}

impl Catalog {
    /// Reads a catalog from a file.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn load(path: &Path) -> Result<Self, PlanFaults> {
        read::parse(&source(path)?, Some(folder(path)))
    }

    /// Reads the operations of an OpenAPI document as `http` tools.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn load_open_api(path: &Path) -> Result<Self, PlanFaults> {
        read::open_api(&source(path)?, Some(folder(path)))
    }

    /// Reads a catalog from text: JSON where it begins like JSON, else YAML. Relative paths start from `folder`.
    pub fn parse(source: &Source, folder: Option<&Path>) -> Result<Self, PlanFaults> {
        read::parse(source, folder)
    }

    /// The catalog that a JSON value describes: `{"tools": …}`, or the tools alone.
    pub fn from_json(value: &Value) -> Result<Self, PlanFaults> {
        let source = Source {
            name: "the catalog".into(),
            text: value.to_string().into(),
        };
        Self::from_value(value, &source, None)
    }

    /// Reads a catalog inside a plan: `{"tools": …, "mcpServers": …}`, or the tools alone. Places
    /// of faults are looked up in `source`, the plan's text.
    pub fn from_value(
        value: &Value,
        source: &Source,
        folder: Option<&Path>,
    ) -> Result<Self, PlanFaults> {
        read::from_value(value, source, folder)
    }

    /// Adds the tools of `other`. A tool of `other` replaces one of the same name, with a warning.
    pub fn merge(&mut self, other: Self) {
        for tool in other.tools {
            if self.insert(tool.clone()).is_some() {
                self.warnings.push(Diagnostic {
                    severity: Severity::Warning,
                    code: "tool_replaced",
                    message: format!(
                        "the tool \"{}\" is in more than one catalog; the last one counts",
                        tool.name
                    ),
                    help: None,
                    span: None,
                    step: None,
                });
            }
        }
        self.extra.extend(other.extra);
        self.warnings.extend(other.warnings);
        self.parts.extend(other.parts);
        self.add_servers(other.mcp_servers, &other.server_folders);
    }

    /// Adds the MCP servers of `other`. One of the same name is replaced.
    pub fn merge_servers(&mut self, other: Self) {
        self.parts.extend(other.parts);
        self.add_servers(other.mcp_servers, &other.server_folders);
    }

    fn add_servers(
        &mut self,
        servers: Map<String, Value>,
        folders: &HashMap<String, Arc<PathBuf>>,
    ) {
        for (name, server) in servers {
            self.server_folders.remove(&name);
            let folder = folders.get(&name).map(Arc::clone);
            self.server_folders
                .extend(folder.map(|folder| (name.clone(), folder)));
            self.mcp_servers.insert(name, server);
        }
    }

    /// The MCP servers that are not switched off.
    pub(in crate::tools) fn servers(&self) -> Vec<ServerSettings> {
        let servers = self.mcp_servers.iter();
        let used = servers.filter(|(_, entry)| !ServerSettings::is_off(entry));
        let read = used.filter_map(|(name, entry)| {
            let folder = self.server_folders.get(name).map(Arc::clone);
            ServerSettings::read(name, entry, folder).ok()
        });
        read.collect()
    }

    /// Adds the tools of `other` whose names it does not have yet.
    pub fn complete(&mut self, other: Self) {
        for tool in other.tools {
            if self.get(&tool.name).is_none() {
                self.tools.push(tool);
            }
        }
        self.warnings.extend(other.warnings);
        self.parts.extend(other.parts);
    }

    /// Adds a tool; returns the tool of the same name that it replaces.
    pub fn insert(&mut self, tool: Arc<ToolDefinition>) -> Option<Arc<ToolDefinition>> {
        if let Some(old) = self.tools.iter_mut().find(|old| old.name == tool.name) {
            Some(std::mem::replace(old, tool))
        } else {
            self.tools.push(tool);
            None
        }
    }

    /// The tool of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<ToolDefinition>> {
        self.tools.iter().find(|tool| &*tool.name == name)
    }

    /// The tools in the catalog's order.
    pub fn tools(&self) -> &[Arc<ToolDefinition>] {
        &self.tools
    }
}

/// The text of a catalog's file.
fn source(path: &Path) -> Result<Source, PlanFaults> {
    let name: Arc<str> = path.display().to_string().into();
    let text = std::fs::read(path)
        .map_err(|error| error.to_string())
        .and_then(|bytes| {
            String::from_utf8(bytes).map_err(|error| {
                let at = error.utf8_error().valid_up_to();
                format!("it is not UTF-8 text (byte {at})")
            })
        });
    match text {
        Ok(text) => Ok(Source {
            name,
            text: text.into(),
        }),
        Err(error) => Err(PlanFaults {
            diagnostics: vec![Diagnostic {
                severity: Severity::Error,
                code: "unreadable_catalog",
                message: format!("the catalog {name} cannot be read: {error}"),
                help: None,
                span: None,
                step: None,
            }],
            source_text: Source {
                name,
                text: "".into(),
            },
        }),
    }
}

/// The folder that relative paths of a catalog start from.
fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

impl ToolSchemas for Catalog {
    fn names(&self) -> Vec<&str> {
        self.tools.iter().map(|tool| &*tool.name).collect()
    }

    fn has(&self, tool: &str) -> bool {
        self.get(tool).is_some()
    }

    fn schema(&self, tool: &str) -> Option<&Value> {
        self.get(tool)?.input_schema.as_deref()
    }
}
