//! `mcp` tools: tools of a Model Context Protocol server.

use crate::models::CostBasis;
use crate::run::NotReused;
use crate::tools::definition::{
    BuildContext, BuildError, FingerprintParts, KindEntry, ToolDefinition, ToolSettings,
};
use crate::tools::kind::DAY;
use crate::tools::mcp::{LookedUp, Made, Place, Server, ServerSettings, Servers};
use crate::tools::passed_on::passed_on;
use crate::tools::services::Services;
use crate::tools::{Call, CallPolicy, CallReport, FileInputs, Standing, Tool, ToolKind};
use futures::FutureExt;
use futures::future::BoxFuture;
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
            ..McpSettings::default()
        })
    },
};

/// A tool of an MCP server.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct McpSettings {
    /// The server's name under `mcpServers`; the only server where it is not given.
    pub server: Option<Arc<str>>,
    /// The tool's name on the server, where it differs.
    pub tool: Option<Arc<str>>,
    /// How the server is started or reached, once that is known.
    of: Option<ServerSettings>,
    /// Whether it is only expected of the servers: no server has listed it yet.
    is_expected: bool,
}

impl McpSettings {
    /// A tool that a server lists.
    pub(in crate::tools) fn listed(server: &Arc<str>, tool: &Arc<str>) -> Self {
        Self {
            server: Some(Arc::clone(server)),
            tool: Some(Arc::clone(tool)),
            ..Self::default()
        }
    }

    /// A tool that a server, or any of them, may come to list.
    pub(in crate::tools) fn expected(server: Option<Arc<str>>, tool: Arc<str>) -> Self {
        Self {
            server,
            tool: Some(tool),
            is_expected: true,
            of: None,
        }
    }

    /// The servers that a call may reach.
    pub(in crate::tools) fn candidates<'s>(&self, servers: &'s Servers) -> Vec<&'s Arc<Server>> {
        match servers.find(self.server.as_deref()) {
            Ok(server) => vec![server],
            Err(_) if self.is_expected => servers.all().iter().collect(),
            Err(_) => Vec::new(),
        }
    }
}

/// The definition with the server that it belongs to, which determines its outputs too.
pub(in crate::tools) fn with_server(
    definition: &Arc<ToolDefinition>,
    servers: &Servers,
) -> Arc<ToolDefinition> {
    let settings = definition.settings::<McpSettings>();
    let server = settings.and_then(|settings| servers.find(settings.server.as_deref()).ok());
    let (Some(settings), Some(server)) = (settings, server) else {
        return Arc::clone(definition);
    };
    let mut definition = ToolDefinition::clone(definition);
    definition.implementation = Arc::new(McpSettings {
        of: Some(server.settings().clone()),
        ..settings.clone()
    });
    Arc::new(definition)
}

impl ToolSettings for McpSettings {
    fn kind(&self) -> &'static ToolKind {
        &KIND
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Arc<dyn Tool>, BuildError> {
        if self.is_expected {
            return Err("no MCP server has listed it yet".into());
        }
        let server = context.services.mcp.find(self.server.as_deref())?;
        let tool = self.tool.as_ref().unwrap_or(&context.definition.name);
        Ok(Arc::new(McpTool {
            server: Arc::clone(server),
            tool: Arc::clone(tool),
            policy: context.definition.policy(),
            services: Arc::clone(context.services),
        }))
    }

    fn fingerprint(&self, parts: &mut FingerprintParts<'_>) -> Option<NotReused> {
        parts.put("mcp_tool", json!(self.tool));
        if let Some(server) = &self.of {
            match &server.place {
                Place::Program {
                    command,
                    env,
                    cwd,
                    folder,
                } => {
                    parts.put("command", json!(command));
                    parts.put("env", json!(env));
                    parts.put("cwd", json!(cwd));
                    let place = folder
                        .as_ref()
                        .map(|folder| folder.to_string_lossy().into_owned());
                    parts.value("folder", place);
                    for (name, value) in passed_on() {
                        parts.value(name, Some(value.to_string_lossy().into_owned()));
                    }
                    let folder = folder.as_ref().map(|folder| folder.as_path());
                    parts.files = Some(FileInputs::new(command, folder, folder, &[]));
                }
                Place::Address {
                    url,
                    headers,
                    oauth,
                } => {
                    if let Some(oauth) = oauth {
                        parts.put("oauth", json!([oauth.client_id, oauth.scopes]));
                    }
                    parts.put("url", json!(url));
                    parts.put("headers", json!(headers));
                }
            }
            parts.variables(server.texts());
        }
        parts.unless_it_reads(false)
    }
}

struct McpTool {
    server: Arc<Server>,
    /// Its name on the server.
    tool: Arc<str>,
    policy: CallPolicy,
    services: Arc<Services>,
}

impl Tool for McpTool {
    fn kind(&self) -> &'static ToolKind {
        &KIND
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let (server, tool) = (Arc::clone(&self.server), Arc::clone(&self.tool));
        let services = Arc::clone(&self.services);
        async move {
            let made = server.call(&tool, &call, &services.surroundings()).await;
            let Made { output, sent } = made;
            let mut report = CallReport::free(output);
            report.hide(&services.secrets.now());
            if sent {
                let name = &server.settings().name;
                report.prompt = Some(format!("tools/call {tool} of the MCP server {name}").into());
            } else {
                report.basis = CostBasis::NotSent;
            }
            report
        }
        .boxed()
    }

    fn look_up(&self, call: Call) -> Option<BoxFuture<'static, Standing>> {
        let (server, tool) = (Arc::clone(&self.server), Arc::clone(&self.tool));
        let services = Arc::clone(&self.services);
        let looked_up = async move {
            let surroundings = services.surroundings();
            match server.look_up(&tool, &call, &surroundings).await {
                LookedUp::Ended(output) => {
                    let mut report = CallReport::free(output);
                    report.hide(&services.secrets.now());
                    Standing::Ended(Box::new(report))
                }
                LookedUp::Working(evidence) => Standing::Working(Arc::new(evidence)),
                LookedUp::Unknown(why) => Standing::Unknown(why.into()),
            }
        };
        Some(looked_up.boxed())
    }

    fn policy(&self) -> CallPolicy {
        self.policy
    }
}
