//! The arguments of a tool's call.

use crate::control::error::ControlError;
use crate::store::{StoreError, home};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The folder, in the folder of the store, of plans and catalogs that were given as text.
const FOLDER: &str = "plans";

/// The arguments of a call.
#[derive(Clone, Debug)]
pub(super) struct Arguments {
    /// As they were given.
    pub given: Map<String, Value>,
    /// The program that does what the commands do.
    pub program: Arc<Path>,
}

impl Arguments {
    /// A text; `None` where it is not given.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, ControlError> {
        match self.given.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(ControlError::BadRequest(format!(
                "{name}: must be a string"
            ))),
        }
    }

    /// A value that null takes back; `None` where it is not given.
    #[allow(clippy::option_option, reason = "null is not the same as nothing")]
    pub(super) fn option<T: DeserializeOwned>(
        &self,
        name: &str,
    ) -> Result<Option<Option<T>>, ControlError> {
        let Some(value) = self.given.get(name) else {
            return Ok(None);
        };
        let read = Option::<T>::deserialize(value);
        let read = read.map_err(|error| ControlError::BadRequest(format!("{name}: {error}")))?;
        Ok(Some(read))
    }

    /// A text that has to be given.
    pub(super) fn needed(&self, name: &str) -> Result<&str, ControlError> {
        let missing = || ControlError::BadRequest(format!("{name} is needed"));
        self.text(name)?.ok_or_else(missing)
    }

    /// The run; the last by default.
    pub(super) fn run(&self) -> Result<&str, ControlError> {
        Ok(self.text("run_id")?.unwrap_or("last"))
    }

    /// The options for a plan, its catalog and its context; the plan itself first. What was given as text is kept in a
    /// file, so that the run can go on later.
    pub(super) fn plan(&self) -> Result<Vec<String>, ControlError> {
        let plan = self.needed("plan")?;
        let mut options = vec![file_of("plan", plan)?];
        let tools = match self.given.get("tools") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(file_of("tools", text)?),
            Some(object) => Some(file_of("tools", &object.to_string())?),
        };
        if let Some(tools) = tools {
            options.extend(["--tools".to_owned(), tools]);
        }
        match self.given.get("context") {
            None | Some(Value::Null) => {}
            Some(context @ Value::Object(_)) => {
                let file = file_of("context", &context.to_string())?;
                options.extend(["--context-file".to_owned(), file]);
            }
            Some(_) => {
                return Err(ControlError::BadRequest(
                    "context: must be an object".to_owned(),
                ));
            }
        }
        Ok(options)
    }
}

/// The path that a text is, or of the file in which it is kept.
fn file_of(what: &str, text: &str) -> Result<String, ControlError> {
    let is_path = !text.contains('\n') && !text.trim_start().starts_with(['{', '[']);
    if is_path {
        return if Path::new(text).exists() {
            Ok(text.to_owned())
        } else {
            Err(ControlError::NotFound(format!("{text}: no such file")))
        };
    }
    let keep = || -> Result<PathBuf, String> {
        let folder = home()
            .map_err(|error: StoreError| error.to_string())?
            .join(FOLDER);
        std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let hash = blake3::hash(text.as_bytes()).to_hex();
        // A plan that is not valid JSON or YAML is read as text too.
        let file = folder.join(format!("{what}-{}.yaml", &hash[..16]));
        std::fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(file)
    };
    let file = keep().map_err(ControlError::Unreadable)?;
    Ok(file.to_string_lossy().into_owned())
}
