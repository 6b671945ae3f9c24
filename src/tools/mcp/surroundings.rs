//! What servers need from the toolbox that they belong to.

use crate::models::{Environment, HttpClients};
use crate::tools::SharedSecrets;
use crate::tools::kept_files::KeptFiles;
use crate::tools::sandbox::Program;
use std::path::Path;
use std::sync::Arc;

/// What is needed to start or reach a server.
pub(in crate::tools) struct Surroundings<'a> {
    /// Where `${VAR}` is read.
    pub environment: &'a Environment,
    /// What must not be shown.
    pub secrets: &'a SharedSecrets,
    /// What launches programs.
    pub program: &'a Program,
    /// HTTP clients.
    pub http: &'a HttpClients,
    /// The folder of the tokens of servers that the user has logged in to.
    pub tokens: Option<&'a Path>,
    /// Where files are kept.
    pub files: &'a Arc<KeptFiles>,
}
