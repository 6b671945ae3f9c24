//! Consent where there is a catalog and no plan.

use super::error::SessionError;
use super::trust::{Consent, Subject, Trust, TrustedOnce, judge};
use crate::models::SmallModelWorker;
use crate::tools::{Catalog, CatalogToolbox, Reaches, ToolOptions};

/// Whether a call of `tool`, or of any tool where none is named, of this catalog may be made: for commands that call
/// tools without a plan.
///
/// # Errors
/// Where it is not trusted: what it would do, with the remedy.
pub(crate) fn consent_to_catalog(
    catalog: &Catalog,
    toolbox: &CatalogToolbox,
    tool: Option<&str>,
    given: bool,
) -> Result<Consent, SessionError> {
    let reaches = match tool {
        Some(tool) => toolbox.reaches_of_tool(tool),
        None => toolbox.all_reaches(),
    };
    let once = TrustedOnce::default();
    let trust = Trust { given, once: &once };
    let judgement = judge(|| Subject::of_catalog(catalog), reaches, trust)?;
    judgement.or_refused().map_err(SessionError::NotTrusted)
}

/// What the tools and servers of a catalog start, reach and read with any worker.
pub(crate) fn reaches_of_catalog(catalog: &Catalog) -> Reaches {
    let worker = SmallModelWorker::offline();
    CatalogToolbox::new(catalog, &worker, ToolOptions::default()).all_reaches()
}
