//! The text of a plan, read from where it is and not checked yet.

use super::error::SessionError;
use super::options::SourceOptions;
use crate::plan::{Draft, parse};
use std::io::Read;
use std::path::Path;

/// The plan in a file, or the edited one that these options have instead, without checking it.
pub(super) fn draft_of(file: &Path, options: &SourceOptions) -> Result<Draft, SessionError> {
    match &options.plan_text {
        Some(text) => Ok(parse(&file.display().to_string(), text.as_bytes())?),
        None => read_draft(file),
    }
}

/// Reads a plan from a file, or from standard input where the name is `-`, without checking it.
pub(crate) fn read_draft(file: &Path) -> Result<Draft, SessionError> {
    let (name, bytes) = if file == Path::new("-") {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().read_to_end(&mut bytes);
        ("standard input".to_owned(), read.map(|_| bytes))
    } else {
        (file.display().to_string(), std::fs::read(file))
    };
    let bytes = bytes.map_err(|error| SessionError::file(&name, error))?;
    Ok(parse(&name, &bytes)?)
}
