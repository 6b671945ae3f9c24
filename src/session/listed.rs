//! The tools that the MCP servers of a catalog list, without a plan.

use super::consent::consent_to_catalog;
use super::error::SessionError;
use super::load::{tool_options, worker};
use super::options::SourceOptions;
use super::settings::Settings;
use super::trust::TrustRequest;
use crate::tools::{Catalog, CatalogToolbox, Listing};

/// Asks all MCP servers of a catalog for their tools. They are started or connected to.
///
/// # Errors
/// Where the catalog is not trusted; where the worker cannot be used.
pub(crate) async fn listed_tools(
    catalog: &Catalog,
    options: &SourceOptions,
    settings: &Settings,
) -> Result<Listing, SessionError> {
    let toolbox = servers_of(catalog, options, settings).await?;
    Ok(Box::pin(toolbox.with_listed_tools(catalog, true)).await)
}

/// A toolbox for `catalog`, for what is done with its servers beside calls.
///
/// # Errors
/// Where the catalog is not trusted.
pub(crate) async fn servers_of(
    catalog: &Catalog,
    options: &SourceOptions,
    settings: &Settings,
) -> Result<CatalogToolbox, SessionError> {
    // No model is asked, so none is looked for.
    let options = SourceOptions {
        worker: Some("offline".to_owned()),
        ..options.clone()
    };
    permitted(catalog, &options, settings).await
}

/// The tools of a catalog and of its MCP servers, ready to be called, with the worker that `options` name.
///
/// # Errors
/// Where the catalog is not trusted; where the worker cannot be used.
#[cfg(feature = "restate")]
pub(crate) async fn served_tools(
    catalog: &Catalog,
    options: &SourceOptions,
    settings: &Settings,
) -> Result<Listing, SessionError> {
    let toolbox = permitted(catalog, options, settings).await?;
    Ok(Box::pin(toolbox.with_listed_tools(catalog, true)).await)
}

async fn permitted(
    catalog: &Catalog,
    options: &SourceOptions,
    settings: &Settings,
) -> Result<CatalogToolbox, SessionError> {
    let worker = worker(options, settings).await?;
    let toolbox = CatalogToolbox::new(catalog, &worker, tool_options(options));
    consent_to_catalog(catalog, &toolbox, None, options.trust)?;
    Ok(toolbox)
}

/// Why servers that are not trusted are not asked for their tools, with the remedy.
pub(crate) fn not_asked(request: &TrustRequest) -> String {
    let remedy = request.remedy();
    format!("MCP servers are not asked for their tools: {request}\n{remedy}")
}
