//! The registry of tool kinds: a file and an entry in [`KINDS`] for each way to carry out a call.
//!
//! A kind is its properties ([`ToolKind`]), the fields of the catalog that it reads into its settings, the [`Tool`]
//! that these settings make, and what of them determines an output. Everything that lists kinds (the catalog's
//! reader, its warnings, fixed prices, the cache) asks this registry.

pub(crate) mod agent;
pub(crate) mod code_exec;
#[cfg(test)]
mod echo;
pub(crate) mod http;
pub(crate) mod jq;
pub(crate) mod mcp;
pub(crate) mod model;
pub(crate) mod process;

use super::catalog::{Fields, ToolDefinition};
use super::fingerprint::FingerprintParts;
use super::services::Services;
use super::{Call, CallPolicy, CallReport, Tool, ToolError, ToolKind};
use crate::models::{SchemaError, SmallModelWorker};
use crate::run::NotReused;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// Every kind, in the order in which messages name them.
pub(super) static KINDS: &[&KindEntry] = &[
    &model::ENTRY,
    &mcp::ENTRY,
    &http::ENTRY,
    &process::ENTRY,
    &code_exec::ENTRY,
    &jq::ENTRY,
    &agent::ENTRY,
    #[cfg(test)]
    &echo::ENTRY,
];

/// One kind in the registry.
pub(super) struct KindEntry {
    /// Its properties.
    pub kind: &'static ToolKind,
    /// The fields of the catalog that only some kinds have and this one reads.
    pub fields: &'static [&'static str],
    /// Those of them that imply this kind where the catalog gives no `type`.
    pub implied_by: &'static [&'static str],
    /// Where fields that imply several kinds are given, the kind of the lowest rank counts.
    pub rank: u8,
    /// Reads its settings.
    pub parse: fn(&mut Fields<'_>) -> Arc<dyn ToolSettings>,
}

/// The entry of this name.
pub(super) fn named(name: &str) -> Option<&'static KindEntry> {
    KINDS.iter().find(|entry| entry.kind.name == name).copied()
}

/// The entry that the fields of a tool without a `type` imply.
pub(super) fn implied(fields: &Fields<'_>) -> &'static KindEntry {
    let is_given = |entry: &&&KindEntry| entry.implied_by.iter().any(|field| fields.has(field));
    let implied = KINDS.iter().filter(is_given).min_by_key(|entry| entry.rank);
    implied.copied().unwrap_or(&model::ENTRY)
}

/// What a catalog says of a tool of one kind.
pub(crate) trait ToolSettings: Any + fmt::Debug + Send + Sync {
    /// The kind.
    fn kind(&self) -> &'static ToolKind;

    /// The tool. The error says why it cannot be called.
    fn build(&self, context: &BuildContext<'_>) -> Result<Arc<dyn Tool>, BuildError>;

    /// Adds what of it determines an output, and says why an output may not be used again where nothing else is
    /// said; `None` where it may.
    fn fingerprint(&self, parts: &mut FingerprintParts<'_>) -> Option<NotReused>;
}

/// What a tool is made of beside its settings.
pub(crate) struct BuildContext<'a> {
    /// What the catalog says of every tool.
    pub definition: &'a Arc<ToolDefinition>,
    /// The worker.
    pub(super) worker: &'a SmallModelWorker,
    /// Sandboxes, connections, the environment.
    pub(super) services: &'a Arc<Services>,
}

/// Why a tool of a catalog cannot be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BuildError {
    /// A filter is not valid.
    #[error(transparent)]
    Filter(#[from] jq::FilterError),
    /// A schema is not valid.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// There is no client for it.
    #[error("this version has no {0} client")]
    NoClient(&'static str),
}

/// A tool that cannot be called, and says why.
pub(super) struct Unavailable {
    pub kind: &'static ToolKind,
    pub message: Arc<str>,
}

impl Tool for Unavailable {
    fn kind(&self) -> &'static ToolKind {
        self.kind
    }

    fn call(&self, _call: Call) -> BoxFuture<'static, CallReport> {
        let message = self.message.clone();
        async move { CallReport::free(Err(ToolError::permanent(&*message))) }.boxed()
    }

    fn policy(&self) -> CallPolicy {
        CallPolicy::default()
    }
}
