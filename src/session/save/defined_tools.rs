//! Tools that the user has defined otherwise, written to the file that defines them: the fields that changed, and no others.

use super::{LeftOut, Writer};
use crate::plan::Segment;
use crate::text::merge_patch::{patch_between, patched};
use crate::tools::{Catalog, EditedTools};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What was edited.
const DEFINITION: &str = "tool_definition";

impl Writer<'_> {
    /// Writes the definitions of a run over those `of_files`; returns what is not written.
    pub(super) fn write_tools(&mut self, edited: &EditedTools, of_files: &Catalog) -> Vec<LeftOut> {
        let mut left_out = Vec::new();
        for (name, tool) in edited {
            let entry = |catalog: &Catalog| catalog.get(name)?.entry.as_deref().cloned();
            let now = entry(of_files).unwrap_or_default();
            // As it is called: with what was left out of its record.
            let wanted = entry(self.loaded.catalog()).unwrap_or_default();
            let steps = self.plan().steps.iter();
            let mut calling = steps.filter(|step| step.tool == *name);
            let step = calling.next().map_or(name, |step| &step.id);
            let step = Arc::clone(step);
            let written = if wanted == now {
                Ok(())
            } else if tool.is_made_of(&now) {
                self.write_definition(&step, name, (&now, &wanted))
            } else {
                Err(format!(
                    "the tool {name} has changed in its file since it was edited: look at it, and edit it there"
                ))
            };
            left_out.extend(written.err().map(|why| LeftOut {
                step,
                what: DEFINITION,
                why,
            }));
        }
        left_out
    }

    fn write_definition(
        &mut self,
        step: &Arc<str>,
        name: &str,
        (now, wanted): (&Map<String, Value>, &Map<String, Value>),
    ) -> Result<(), String> {
        let changes = patch_between(now, wanted)
            .ok_or("a field of it is null, which no change of a file says")?;
        let (file, path) = self.tool_in_file(name)?;
        let document = self.files.open(&file)?;
        if document
            .get(&path)
            .is_some_and(|tool| tool["function"].is_object())
        {
            return Err(format!(
                "the tool {name} is written as {{\"function\": …}}: edit {}",
                file.display()
            ));
        }
        let before = document.clone();
        let place = self.place_of_tool(step, name);
        if let Err(why) = self.write_fields(step, (&file, &place), &path, &changes) {
            *self.files.open(&file)? = before;
            return Err(why);
        }
        self.files.note(&file, step, DEFINITION, place);
        Ok(())
    }

    fn write_fields(
        &mut self,
        step: &Arc<str>,
        (file, place): (&PathBuf, &str),
        path: &[Segment],
        changes: &Map<String, Value>,
    ) -> Result<(), String> {
        let folder = file.parent().unwrap_or(Path::new("")).to_path_buf();
        for (field, change) in changes {
            let at = [path, &[Segment::Field(field.as_str().into())]].concat();
            let document = self.files.open(file)?;
            let held = document.get(&at);
            match (change, held) {
                (Value::Null, _) => {
                    let mut whole = document.get(path).unwrap_or_default();
                    if let Value::Object(members) = &mut whole {
                        members.shift_remove(field);
                    }
                    document.set(path, &whole)?;
                }
                (Value::Object(change), Some(Value::Object(_))) => {
                    self.write_fields(step, (file, place), &at, change)?;
                }
                (Value::Object(change), _) => {
                    document.set(&at, &Value::Object(patched(&Map::new(), change)))?;
                }
                (Value::String(text), held) => {
                    let named = held
                        .as_ref()
                        .and_then(|held| held.as_str()?.strip_prefix('@'));
                    let included = named.map(|name| folder.join(name.trim()));
                    if let Some(included) = included.filter(|file| file.is_file()) {
                        self.files.replace(&included, text)?;
                        self.files
                            .note(&included, step, DEFINITION, place.to_owned());
                    } else if text.starts_with('@') {
                        return Err(
                            "a text that begins with @ names a file in a catalog".to_owned()
                        );
                    } else {
                        document.set(&at, change)?;
                    }
                }
                (other, _) => document.set(&at, other)?,
            }
        }
        Ok(())
    }
}
