//! `mcp` tools: tools of a Model Context Protocol server. They are read and displayed; there is no client yet.

use crate::run::NotReused;
use crate::tools::definition::{
    BuildContext, BuildError, FingerprintParts, KindEntry, ToolSettings,
};
use crate::tools::kind::DAY;
use crate::tools::{Tool, ToolKind};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

static KIND: ToolKind = ToolKind {
    free: true,
    takes_key: true,
    timeout: Some(Duration::from_mins(2)),
    time_to_live: DAY,
    ..ToolKind::new("mcp")
};

pub(super) static ENTRY: KindEntry = KindEntry {
    kind: &KIND,
    fields: &["server", "mcp_tool"],
    implied_by: &["mcp_tool", "server"],
    rank: 5,
    parse: |fields| {
        Arc::new(McpSettings {
            server: fields.text("server"),
            tool: fields.text("mcp_tool"),
        })
    },
};

/// A tool of an MCP server.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct McpSettings {
    /// The server's name under `mcpServers`.
    pub server: Option<Arc<str>>,
    /// The tool's name on the server, where it differs.
    pub tool: Option<Arc<str>>,
}

impl ToolSettings for McpSettings {
    fn kind(&self) -> &'static ToolKind {
        &KIND
    }

    fn build(&self, _context: &BuildContext<'_>) -> Result<Arc<dyn Tool>, BuildError> {
        Err("this version has no MCP client".into())
    }

    fn fingerprint(&self, parts: &mut FingerprintParts<'_>) -> Option<NotReused> {
        parts.put("server", json!(self.server));
        parts.put("mcp_tool", json!(self.tool));
        parts.unless_it_reads(false)
    }
}
