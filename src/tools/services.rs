//! What tools share: sandboxes, HTTP clients, the environment.

use super::sandbox::{Program, Sandbox};
use crate::models::{Environment, HttpClients, process_environment};

/// What tools need from outside the catalog.
pub struct ToolOptions {
    /// Where this program is found when it has to start itself as a sandbox or a launcher.
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
    /// Connections.
    pub http: HttpClients,
    /// Where `${VAR}` is read.
    pub environment: Environment,
}

impl Services {
    /// Services made after `options`.
    pub fn new(options: ToolOptions) -> Self {
        Self {
            sandbox: Sandbox::new(options.program),
            http: HttpClients::default(),
            environment: options.environment,
        }
    }
}
