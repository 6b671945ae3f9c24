//! Edits that are written to a tool: steps of a plan have no field for them.

use super::Writer;
use crate::plan::{Document, FUNCTION_CALL, Segment};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Writer<'_> {
    /// The catalog file that has a tool, and its path there.
    pub(super) fn tool_in_file(&mut self, tool: &str) -> Result<(PathBuf, Vec<Segment>), String> {
        for file in self.catalogs.iter().rev() {
            if let Ok(document) = self.files.open(file)
                && let Some(path) = tool_path(document, tool)
            {
                return Ok((file.clone(), path));
            }
        }
        Err(format!("the tool {tool} is in no catalog file"))
    }

    /// The tool that a step calls, with the other steps that call it, in words.
    pub(super) fn place_of_tool(&self, id: &str, tool: &str) -> String {
        let steps = self.plan().steps.iter();
        let others = steps.filter(|step| &*step.tool == tool && *step.id != *id);
        let others: Vec<&str> = others.map(|step| &*step.id).collect();
        if others.is_empty() {
            format!("tool {tool}")
        } else {
            format!("tool {tool}, which {} too", called_by(&others))
        }
    }

    /// Writes a field of the step's tool: steps of the plan have none for it.
    pub(super) fn set_in_tool(
        &mut self,
        id: &Arc<str>,
        tool: &str,
        field: &'static str,
        value: &Value,
    ) -> Result<(), String> {
        if tool == FUNCTION_CALL {
            return Err("the step calls a tool by name: edit that tool".to_owned());
        }
        let (file, mut path) = self.tool_in_file(tool)?;
        path.push(Segment::Field(field.into()));
        let place = self.place_of_tool(id, tool);
        let now = self.files.open(&file)?.get(&path);
        let now = now.unwrap_or_default();
        let folder = file.parent().unwrap_or(Path::new(""));
        let named = now.as_str().and_then(|now| now.strip_prefix('@'));
        let included = named.map(|name| folder.join(name.trim()));
        let included = included.filter(|file| file.is_file());
        let held = match &included {
            Some(file) => json!(self.files.text(file)?),
            None => now,
        };
        if held == *value {
            return Ok(());
        }
        // The step stands in the plan as it did, so that what has changed is its tool.
        let is_same_step = || {
            let recorded = self.recorded.as_ref()?;
            let before = recorded.get(&recorded.step(id)?);
            let document = Document::read(&self.loaded.source().text).ok()?;
            Some(before == document.get(&document.step(id)?))
        };
        if (self.is_changed)(id)
            && !self.earlier.gave(field, &held)
            && is_same_step() != Some(false)
        {
            return Err(format!(
                "the tool {tool} has changed in {} since the run read it: look at it, and edit it there",
                file.display()
            ));
        }
        let text = value.as_str();
        if let (Some(file), Some(text)) = (included, text) {
            self.files.replace(&file, text)?;
            self.files.note(&file, id, field, place);
            return Ok(());
        }
        if text.is_some_and(|text| text.starts_with('@')) {
            return Err("a text that begins with @ names a file in a catalog".to_owned());
        }
        self.files.open(&file)?.set(&path, value)?;
        self.files.note(&file, id, field, place);
        Ok(())
    }
}

/// The path of a tool in a catalog, or in a plan with tools.
fn tool_path(document: &Document, tool: &str) -> Option<Vec<Segment>> {
    let root = document.get(&[])?;
    let mut path = if root.get("tools").is_some() || root.is_array() {
        Vec::new()
    } else {
        document.plan()
    };
    let tools = match document.get(&path)? {
        Value::Array(items) => Value::Array(items),
        catalog => match catalog.get("tools") {
            Some(tools) => {
                path.push(Segment::Field("tools".into()));
                tools.clone()
            }
            None => catalog,
        },
    };
    match tools {
        Value::Object(tools) => tools
            .get(tool)
            .map(|_| path.push(Segment::Field(tool.into())))?,
        Value::Array(tools) => {
            let at = tools.iter().position(|entry| entry["name"] == *tool)?;
            path.push(Segment::Index(at as i64));
        }
        _ => return None,
    }
    Some(path)
}

fn called_by(steps: &[&str]) -> String {
    match steps {
        [one] => format!("step {one} calls"),
        [first, .., last] if steps.len() == 2 => format!("steps {first} and {last} call"),
        many => format!("{} other steps call", many.len()),
    }
}
