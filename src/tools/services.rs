//! What the tools of a toolbox share: sandboxes, HTTP clients, the environment.

use super::sandbox::{Program, Sandbox};
use crate::models::{Environment, HttpClients, process_environment};

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
pub struct Services {
    /// Sandboxes for code.
    pub sandbox: Sandbox,
    /// HTTP clients with their connections.
    pub http: HttpClients,
    /// Where `${VAR}` is read.
    pub environment: Environment,
}

impl Services {
    /// New services with these options.
    pub fn new(options: ToolOptions) -> Self {
        Self {
            sandbox: Sandbox::new(options.program),
            http: HttpClients::default(),
            environment: options.environment,
        }
    }
}
