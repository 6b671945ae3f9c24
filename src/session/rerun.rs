//! Runs a bundle again, offline, and compares it with what came out when it was recorded.

use super::error::SessionError;
use super::load::Loaded;
use super::outcome::ExecutionError;
use super::trust::Consent;
use crate::plan::read_data;
use crate::run::{ExecutionResult, StepResult};
use crate::text::value_diff::first_difference;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// What a bundle expects, by the ids of rows.
pub(crate) type Expected = Map<String, Value>;

/// The bundles in a folder, or the one in a file, by name; other files are left out.
///
/// # Errors
/// Where the folder or the file cannot be read.
pub(crate) fn bundles_in(path: &Path) -> Result<Vec<PathBuf>, SessionError> {
    let unreadable = |error| SessionError::file(path.display().to_string(), error);
    if !path.metadata().map_err(unreadable)?.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut files = Vec::new();
    for entry in path.read_dir().map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        let extension = file.extension().and_then(|one| one.to_str());
        if matches!(extension, Some("json" | "yaml" | "yml")) && expected_of(&file).is_ok() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// What the bundle in a file expects.
///
/// # Errors
/// Where the file cannot be read, or holds no bundle.
pub(crate) fn expected_of(file: &Path) -> Result<Expected, SessionError> {
    let place = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| SessionError::file(&place, error))?;
    let value = read_data(&text).ok();
    let expected = value.and_then(|value| {
        value
            .pointer("/metadata/bundle/expected")?
            .as_object()
            .cloned()
    });
    expected.ok_or(SessionError::NoBundle(file.to_path_buf()))
}

impl Loaded {
    /// Runs the bundle and compares it: a line for each row that comes out otherwise. The run is not recorded.
    ///
    /// # Errors
    /// Where it cannot run.
    pub(crate) async fn rerun(
        self,
        consent: Consent,
        expected: &Expected,
    ) -> Result<Vec<String>, ExecutionError> {
        let done = self.into_execution(consent).run().await;
        let result = match &done {
            Ok(result) => result,
            Err(error) => match error.result() {
                Some(result) => result,
                None => {
                    return Err(done
                        .err()
                        .unwrap_or_else(|| ExecutionError::Refused(String::new())));
                }
            },
        };
        Ok(compared(result, expected))
    }
}

fn compared(result: &ExecutionResult, expected: &Expected) -> Vec<String> {
    let row = |id: &str| result.steps.iter().find(|step| &*step.id == id);
    let rows = expected.iter();
    rows.filter_map(|(id, expected)| {
        let what = match row(id) {
            None => "it is not there".to_owned(),
            Some(step) => difference(step, expected)?,
        };
        Some(format!("{}: {what}", crate::text::line(id)))
    })
    .collect()
}

fn difference(step: &StepResult, expected: &Value) -> Option<String> {
    let status = expected["status"].as_str().unwrap_or_default();
    let message = step.error.as_ref().map(|error| &*error.message);
    if step.status.word() != status {
        let why = message.map_or_else(String::new, |message| {
            format!(": {}", crate::text::line(message))
        });
        return Some(format!("{} instead of {status}{why}", step.status.word()));
    }
    if let Some(known) = expected.get("output") {
        let output = step.output.as_deref().unwrap_or(&Value::Null);
        return first_difference(output, known)
            .map(|difference| format!("its output differs {difference}"));
    }
    let known = expected.get("error")?.as_str();
    (message != known).then(|| {
        let words = |text: Option<&str>| crate::text::line(text.unwrap_or_default());
        format!(
            "it failed otherwise: {:?} instead of {:?}",
            words(message),
            words(known)
        )
    })
}
