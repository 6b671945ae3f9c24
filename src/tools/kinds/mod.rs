//! The registry of tool kinds: a file and an entry in [`KINDS`] for each kind.
//!
//! A kind has properties ([`ToolKind`]), fields of the catalog that it reads into its settings, the [`Tool`] that
//! these settings build, and the settings that determine an output. Everything that needs the list of kinds (the
//! catalog's reader, its warnings, fixed prices, the cache) uses this registry.

pub(crate) mod agent;
pub(crate) mod code_exec;
#[cfg(test)]
mod echo;
pub(crate) mod http;
pub(crate) mod jq;
pub(crate) mod mcp;
pub(crate) mod model;
pub(crate) mod process;
pub(crate) mod recorded;

use super::definition::KindEntry;
use super::fields::Fields;

/// Every kind, in the order in which messages name them.
pub(super) static KINDS: &[&KindEntry] = &[
    &model::ENTRY,
    &mcp::ENTRY,
    &http::ENTRY,
    &process::ENTRY,
    &code_exec::ENTRY,
    &jq::ENTRY,
    &agent::ENTRY,
    &recorded::ENTRY,
    #[cfg(test)]
    &echo::ENTRY,
];

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
