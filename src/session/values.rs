//! Reads values for a plan from text and files: JSON or YAML if it parses, else the text itself.

use super::error::SessionError;
use crate::plan::{PlanFaults, Source, read_data};
use crate::text::{beyond_64_bits, visible};
use serde_json::{Map, Value};
use std::path::Path;

/// The value of a JSON text; any other text is a string.
///
/// # Errors
/// JSON with an integer that a value cannot hold, which is named.
pub(crate) fn value_from_text(text: &str) -> Result<Value, String> {
    let Ok(value) = serde_json::from_str(text) else {
        return Ok(Value::String(text.to_owned()));
    };
    match beyond_64_bits(text) {
        None => Ok(value),
        Some(integer) => Err(format!(
            "the integer {} is beyond 64 bits; give it as text, in double quotes",
            visible(integer, 60)
        )),
    }
}

/// The value in a `.json`, `.yaml` or `.yml` file; any other file is a string.
pub(crate) fn value_from_file(file: &Path) -> Result<Value, SessionError> {
    if is_structured(file) {
        return structured(file);
    }
    read(file).map(Value::String)
}

/// The object in a JSON or YAML file of any name; `None` if the file holds another value.
pub(crate) fn values_from_file(file: &Path) -> Result<Option<Map<String, Value>>, SessionError> {
    match structured(file)? {
        Value::Object(values) => Ok(Some(values)),
        _ => Ok(None),
    }
}

fn is_structured(file: &Path) -> bool {
    let ending = file.extension().and_then(|ending| ending.to_str());
    matches!(ending, Some("json" | "yaml" | "yml"))
}

fn structured(file: &Path) -> Result<Value, SessionError> {
    let text = read(file)?;
    read_data(&text).map_err(|fault| {
        let source_text = Source {
            name: file.display().to_string().into(),
            text: text.into(),
        };
        SessionError::from(PlanFaults {
            source_text,
            diagnostics: vec![fault],
        })
    })
}

fn read(file: &Path) -> Result<String, SessionError> {
    let place = || file.display().to_string();
    let bytes = std::fs::read(file).map_err(|error| SessionError::file(place(), error))?;
    String::from_utf8(bytes).map_err(|error| SessionError::NotText {
        place: place(),
        at: error.utf8_error().valid_up_to(),
    })
}
