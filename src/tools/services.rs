//! What the tools of a toolbox share: sandboxes, HTTP clients, the environment, the secrets that came from it.

use super::sandbox::{Program, Sandbox};
use super::secrets::SharedSecrets;
use crate::models::{Environment, HttpClients, SchemaSandbox, process_environment};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;
use std::ffi::OsString;
use std::sync::Arc;

/// The variables of this process that every program it starts gets. What they hold is no secret.
pub(super) const PASSED_ON: [&str; 4] = ["PATH", "HOME", "LANG", "TZ"];

/// What tools need from outside the catalog.
pub struct ToolOptions {
    /// Where the plandeck program is found when it has to be started as a sandbox or a launcher. A program that uses
    /// this library names it here or in `PLANDECK_EXE`, or serves as one itself: its `main` then begins with
    /// [`cli::as_child`](crate::cli::as_child).
    pub program: Program,
    /// Where `${VAR}` is read.
    pub environment: Environment,
}

impl Default for ToolOptions {
    fn default() -> Self {
        Self {
            program: Program::default(),
            environment: process_environment(),
        }
    }
}

/// What the tools of one toolbox share.
pub(crate) struct Services {
    /// Sandboxes for code.
    pub sandbox: Sandbox,
    /// HTTP clients with their connections.
    pub http: HttpClients,
    /// Where `${VAR}` is read. Each value becomes a secret.
    pub environment: Environment,
    /// The values that must not be shown.
    pub secrets: SharedSecrets,
}

impl Services {
    /// New services with these options.
    pub(crate) fn new(options: ToolOptions) -> Self {
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
            sandbox: Sandbox::new(options.program, secrets.clone()),
            http: HttpClients::default(),
            environment,
            secrets,
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

/// The variables that a program gets without asking: they say where programs are, and how people write times and texts.
pub(super) fn passed_on() -> impl Iterator<Item = (&'static str, OsString)> {
    // Without it most programs do not start on Windows.
    let system = cfg!(windows).then_some("SystemRoot");
    let names = PASSED_ON.into_iter().chain(system);
    names.filter_map(|name| Some((name, std::env::var_os(name)?)))
}
