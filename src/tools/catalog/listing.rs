//! Tools that MCP servers list: the names that are expected of them, and what they give.
//!
//! A tool of a server is called by its name on the server, or, where several servers have one of that name, by
//! `SERVER.TOOL` or `mcp__SERVER__TOOL`.

use super::Catalog;
use crate::text::schema;
use crate::tools::definition::ToolDefinition;
use crate::tools::kinds::mcp::McpSettings;
use crate::tools::mcp::ListedTool;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// How the names of tools begin that programs for chats have.
const PREFIX: &str = "mcp__";

/// The tools of a server.
type Listed = (Arc<str>, Vec<ListedTool>);

impl Catalog {
    /// Expects a tool of a name that the catalog does not have from its servers, if it has servers. Whether it does.
    pub(crate) fn expect(&mut self, name: &str) -> bool {
        if self.get(name).is_some() {
            return self.expected.iter().any(|known| &**known == name);
        }
        if self.servers().is_empty() {
            return false;
        }
        let (server, tool) = match self.qualified(name) {
            Some((server, tool)) => (Some(server.into()), tool.into()),
            None => (None, name.into()),
        };
        let settings = Arc::new(McpSettings::expected(server, tool));
        let name: Arc<str> = name.into();
        self.insert(Arc::new(ToolDefinition::new(Arc::clone(&name), settings)));
        self.expected.push(name);
        true
    }

    /// The names that are expected of servers.
    pub(crate) fn expected(&self) -> &[Arc<str>] {
        &self.expected
    }

    /// Whether a tool belongs to a server that the catalog does not have.
    pub(crate) fn lacks_a_server(&self) -> bool {
        let servers = self.servers();
        self.tools().iter().any(|tool| {
            let settings = tool.settings::<McpSettings>();
            settings.is_some_and(|settings| match &settings.server {
                Some(name) => !servers.iter().any(|server| server.name == *name),
                None => servers.is_empty(),
            })
        })
    }

    /// The catalog with the tools that servers have listed, and without those that were only expected.
    pub(in crate::tools) fn with_listed(&self, all: &[Listed]) -> Self {
        let mut catalog = self.clone();
        let expected = std::mem::take(&mut catalog.expected);
        catalog.tools.retain(|tool| !expected.contains(&tool.name));
        let mut owners: HashMap<&str, usize> = HashMap::new();
        for tool in all.iter().flat_map(|(_, tools)| tools) {
            *owners.entry(&tool.name).or_default() += 1;
        }
        for (server, tools) in all {
            for tool in tools {
                catalog.fill_in(server, tool);
                let is_alone = owners.get(&*tool.name) == Some(&1);
                let plain = Arc::clone(&tool.name);
                let dotted: Arc<str> = format!("{server}.{}", tool.name).into();
                let prefixed: Arc<str> = format!("{PREFIX}{server}__{}", tool.name).into();
                let name = if is_alone && catalog.get(&plain).is_none() {
                    plain
                } else {
                    Arc::clone(&dotted)
                };
                let others = [dotted, prefixed];
                let others = others.iter().filter(|name| expected.contains(name));
                for name in std::iter::once(&name).chain(others) {
                    if catalog.get(name).is_none() {
                        let definition = definition(name, server, tool);
                        catalog.insert(Arc::new(definition));
                    }
                }
            }
        }
        catalog
    }

    /// Gives the catalog's own entries for a tool what they leave out.
    fn fill_in(&mut self, server: &Arc<str>, listed: &ListedTool) {
        let only = self.servers().len() == 1;
        for tool in &mut self.tools {
            let Some(settings) = tool.settings::<McpSettings>() else {
                continue;
            };
            let is_of = settings.server.as_ref().map_or(only, |name| name == server);
            let name = settings.tool.as_ref().unwrap_or(&tool.name);
            if !is_of || *name != listed.name || is_listed(tool) {
                continue;
            }
            let mut whole = ToolDefinition::clone(tool);
            if whole.description.is_empty() {
                whole.description = Arc::clone(&listed.description);
            }
            whole.input_schema = whole.input_schema.or_else(|| sound(&listed.input_schema));
            let output = || sound(listed.output_schema.as_ref()?);
            whole.output_schema = whole.output_schema.or_else(output);
            whole.read_only |= listed.read_only;
            whole.idempotent |= listed.idempotent;
            *tool = Arc::new(whole);
        }
    }

    /// The server and the tool that a name with both means.
    fn qualified<'n>(&self, name: &'n str) -> Option<(&str, &'n str)> {
        let servers = self.mcp_servers.keys().filter_map(|server| {
            let dotted = || name.strip_prefix(server.as_str())?.strip_prefix('.');
            let prefixed = || {
                let rest = name.strip_prefix(PREFIX)?;
                rest.strip_prefix(server.as_str())?.strip_prefix("__")
            };
            Some((server.as_str(), dotted().or_else(prefixed)?))
        });
        servers.max_by_key(|(server, _)| server.len())
    }
}

/// Where a tool that a server lists comes from.
fn source(server: &str) -> Arc<str> {
    format!("mcp:{server}").into()
}

fn is_listed(tool: &ToolDefinition) -> bool {
    tool.source.starts_with("mcp:")
}

fn definition(name: &Arc<str>, server: &Arc<str>, listed: &ListedTool) -> ToolDefinition {
    let settings = Arc::new(McpSettings::listed(server, &listed.name));
    let mut definition = ToolDefinition::new(Arc::clone(name), settings);
    definition.source = source(server);
    definition.description = Arc::clone(&listed.description);
    definition.input_schema = sound(&listed.input_schema);
    definition.output_schema = listed.output_schema.as_ref().and_then(sound);
    definition.read_only = listed.read_only;
    definition.idempotent = listed.idempotent;
    definition
}

/// A schema that can be used; the server checks what is not checked here.
fn sound(schema: &Arc<Value>) -> Option<Arc<Value>> {
    schema::fault(schema).is_none().then(|| Arc::clone(schema))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn listed(name: &str) -> ListedTool {
        ListedTool {
            name: name.into(),
            description: format!("It is {name}.").into(),
            input_schema: Arc::new(json!({"type": "object", "required": ["n"]})),
            output_schema: Some(Arc::new(json!({"type": 7}))),
            read_only: name == "read",
            idempotent: false,
        }
    }

    fn catalog() -> Catalog {
        Catalog::from_json(&json!({
            "mcpServers": {"a": {"command": "x"}, "a.b": {"command": "x"}},
            "tools": {
                "own": {"type": "jq", "filter": "."},
                "reads": {"type": "mcp", "server": "a", "mcp_tool": "read"},
            },
        }))
        .unwrap()
    }

    fn names(catalog: &Catalog) -> Vec<&str> {
        catalog.tools().iter().map(|tool| &*tool.name).collect()
    }

    #[test]
    fn what_servers_list_has_a_name_of_its_own() {
        let mut catalog = catalog();
        for name in ["write", "a.b.both", "mcp__a__read", "never", "own"] {
            assert_eq!(catalog.expect(name), name != "own", "{name}");
        }
        assert_eq!(catalog.expected().len(), 4);
        let all = [
            (
                "a".into(),
                vec![listed("read"), listed("both"), listed("own")],
            ),
            ("a.b".into(), vec![listed("both"), listed("write")]),
        ];
        let catalog = catalog.with_listed(&all);
        assert_eq!(
            names(&catalog),
            [
                "own",
                "reads",
                "read",
                "mcp__a__read",
                "a.both",
                "a.own",
                "a.b.both",
                "write"
            ]
        );
        assert!(catalog.expected().is_empty());
        let both = catalog.get("a.b.both").unwrap();
        assert_eq!(&*both.source, "mcp:a.b");
        let settings = both.settings::<McpSettings>().unwrap();
        assert_eq!(settings.tool.as_deref(), Some("both"));
        // A schema that is not one is left out.
        assert!(both.input_schema.is_some() && both.output_schema.is_none());
    }

    #[test]
    fn an_entry_gets_what_it_leaves_out() {
        let catalog = catalog().with_listed(&[("a".into(), vec![listed("read")])]);
        let reads = catalog.get("reads").unwrap();
        assert_eq!(&*reads.description, "It is read.");
        assert!(reads.read_only && reads.input_schema.is_some());
        assert!(catalog.get("own").unwrap().description.is_empty());
    }

    #[test]
    fn without_servers_nothing_is_expected() {
        let mut catalog = Catalog::from_json(&json!({"tools": {}})).unwrap();
        assert!(!catalog.expect("anything"));
        assert!(catalog.tools().is_empty());
    }
}
