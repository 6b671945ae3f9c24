//! One operation of a document as a tool, for plans of other systems that call it with parameters by their places.

use super::operation::{BodyAs, Made};
use super::{Document, Report, operations, security, version};
use serde_json::{Map, Value};

/// Which operation of a document.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OperationName<'a> {
    /// By its `operationId`.
    Id(&'a str),
    /// By the path and the method under `paths`.
    At {
        /// The path, as the document writes it.
        path: &'a str,
        /// The method, in small letters; empty for the first that the path has.
        method: &'a str,
    },
}

/// An operation as a tool.
#[derive(Debug)]
pub(crate) struct DescribedOperation {
    /// The tool, as a catalog has it, with its name.
    pub tool: Map<String, Value>,
    /// The place of each parameter (`path`, `query`, `header`, `cookie`), its name there, and the one that the tool has.
    pub names: Vec<(&'static str, String, String)>,
    /// The parameter that is the body as a whole.
    pub body: Option<String>,
    /// What of the operation is not carried over.
    pub warnings: Vec<String>,
}

/// The operation of a document that is named; `None` where the document has none.
///
/// # Errors
/// Where the document or the operation cannot be used: what is wrong, and the remedy.
pub(crate) fn described(
    root: &Value,
    wanted: OperationName<'_>,
    body: BodyAs<'_>,
) -> Result<Option<DescribedOperation>, String> {
    version(root)?;
    let document = Document {
        root,
        prefix: security::variable_of(root["info"]["title"].as_str().unwrap_or_default()),
    };
    let all = operations(&document, &mut Report(Vec::new()));
    let found = all.into_iter().find(|operation| match wanted {
        OperationName::Id(id) => operation.raw["operationId"] == id,
        OperationName::At { path, method } => {
            operation.path == path && (method.is_empty() || operation.method == method)
        }
    });
    let Some(mut operation) = found else {
        return Ok(None);
    };
    operation.body = body;
    let mut warnings = Vec::new();
    let Made { tool, names, body } = operation.tool(&mut warnings)?;
    Ok(Some(DescribedOperation {
        tool,
        names,
        body,
        warnings,
    }))
}
