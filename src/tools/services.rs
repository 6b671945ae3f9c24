//! What the tools of a toolbox share: sandboxes, HTTP clients, the environment, the secrets that came from it.

use super::kept_files::KeptFiles;
use super::mcp::{Servers, Surroundings};
use super::passed_on::PASSED_ON;
use super::sandbox::{Program, Sandbox};
use super::secrets::SharedSecrets;
use crate::models::{Environment, HttpClients, SchemaSandbox, process_environment};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;

/// What tools need from outside the catalog.
pub struct ToolOptions {
    /// Where the plandeck program is found when it has to be started as a sandbox or a launcher. A program that uses
    /// this library names it here or in `PLANDECK_EXE`, or serves as one itself: its `main` then begins with
    /// [`cli::as_child`](crate::cli::as_child).
    pub program: Program,
    /// Where `${VAR}` is read.
    pub environment: Environment,
    /// Whether what should be confined may run where this system cannot confine it.
    pub allow_unsandboxed: bool,
    /// The folder for files that outputs name, such as the images of an MCP server; `None` for a temporary one.
    pub files: Option<PathBuf>,
    /// The folder for the tokens of MCP servers that the user logs in to; `None` where nobody does.
    pub tokens: Option<PathBuf>,
    /// Whether tools that may change something are not called: their calls fail.
    pub no_effects: bool,
}

impl Default for ToolOptions {
    fn default() -> Self {
        Self {
            program: Program::default(),
            environment: process_environment(),
            allow_unsandboxed: false,
            files: None,
            tokens: None,
            no_effects: false,
        }
    }
}

/// What the tools of one toolbox share.
pub(crate) struct Services {
    /// Sandboxes for code.
    pub sandbox: Arc<Sandbox>,
    /// HTTP clients with their connections.
    pub http: HttpClients,
    /// Where `${VAR}` is read. Each value becomes a secret.
    pub environment: Environment,
    /// The values that must not be shown.
    pub secrets: SharedSecrets,
    /// Whether what should be confined may run where this system cannot confine it.
    pub allow_unsandboxed: bool,
    /// The MCP servers, with their connections.
    pub mcp: Servers,
    /// Files that outputs name.
    pub files: Arc<KeptFiles>,
    /// The folder for the tokens of MCP servers.
    pub tokens: Option<PathBuf>,
    /// Whether tools that may change something are not called.
    pub no_effects: bool,
}

impl Services {
    /// New services with these options and MCP servers.
    pub(crate) fn new(options: ToolOptions, mcp: Servers) -> Self {
        let secrets = SharedSecrets::default();
        let (read, watched) = (options.environment, secrets.clone());
        let environment: Environment = Arc::new(move |name| {
            let value = read(name)?;
            if !PASSED_ON.contains(&name) {
                watched.add(&value);
            }
            Some(value)
        });
        Self {
            sandbox: Sandbox::new(options.program, secrets.clone(), options.allow_unsandboxed),
            http: HttpClients::compressed(),
            environment,
            secrets,
            allow_unsandboxed: options.allow_unsandboxed,
            mcp,
            files: Arc::new(KeptFiles::in_folder(options.files)),
            tokens: options.tokens,
            no_effects: options.no_effects,
        }
    }

    /// What is needed to start or reach an MCP server.
    pub(super) fn surroundings(&self) -> Surroundings<'_> {
        Surroundings {
            environment: &self.environment,
            secrets: &self.secrets,
            program: self.sandbox.program(),
            http: &self.http,
            files: &self.files,
            tokens: self.tokens.as_deref(),
        }
    }
}

impl SchemaSandbox for Services {
    fn violation<'a>(
        &'a self,
        schema: &'a Value,
        value: &'a Value,
    ) -> BoxFuture<'a, Result<Option<String>, String>> {
        self.sandbox.violation(schema, value).boxed()
    }
}
