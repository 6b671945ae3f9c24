//! The catalog that a command about tools is about.

use super::args::tools::ToolsFrom;
use super::failure::Failure;
use super::trust;
use crate::session::{SessionError, SourceOptions, all_servers, catalog, read_draft};
use crate::tools::Catalog;
use std::path::Path;

/// The catalog of `--tools`, else of a plan, else of this folder, with its MCP servers; and the options that say so.
pub(super) fn known(
    plan: Option<&Path>,
    from: &ToolsFrom,
) -> Result<(Catalog, SourceOptions), Failure> {
    let mut source = from.options();
    source.trust = trust::is_given(from.trust);
    let draft = match plan {
        Some(file) if source.tools.is_empty() => Some(read_draft(file)?),
        _ => None,
    };
    let plan = plan.unwrap_or(Path::new("."));
    let mut known = catalog(plan, &source.tools, draft.as_ref())?;
    for file in &source.open_api {
        known.complete(Catalog::load_open_api(file).map_err(SessionError::from)?);
    }
    all_servers(&mut known, plan, &source.mcp_config)?;
    Ok((known, source))
}
