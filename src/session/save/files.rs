//! The texts of the files that edits are written to.

use crate::plan::Document;
use crate::session::error::SessionError;
use crate::text::diff::unified;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An edit that is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SavedEdit {
    /// The step.
    pub step: Arc<str>,
    /// What was edited: `input`, `prompt`, `model`.
    pub what: &'static str,
    /// What of the file it changes: a step, or a tool, which other steps may call too.
    pub place: String,
}

/// A file that edits change.
#[derive(Clone, Debug)]
pub(crate) struct ChangedFile {
    /// The file.
    pub path: PathBuf,
    /// The edits in it.
    pub edits: Vec<SavedEdit>,
    before: String,
    after: String,
}

impl ChangedFile {
    /// A file that holds one text, and is to hold another.
    pub(in crate::session) fn new(path: PathBuf, before: String, after: String) -> Self {
        Self {
            path,
            edits: Vec::new(),
            before,
            after,
        }
    }

    /// Writes it, unless it has changed since it was read.
    ///
    /// # Errors
    /// Where it has changed, or cannot be written.
    pub(crate) fn write_if_as_read(&self) -> Result<(), SessionError> {
        self.is_as_read()?;
        self.write()
    }

    /// The difference, as `patch` reads it.
    pub(crate) fn diff(&self) -> String {
        let here = std::env::current_dir().unwrap_or_default();
        let path = self.path.strip_prefix(&here).unwrap_or(&self.path);
        unified(&path.display().to_string(), &self.before, &self.after)
    }

    /// Whether the file is as it was when it was read.
    pub(super) fn is_as_read(&self) -> Result<(), SessionError> {
        if read(&self.path)? == self.before {
            return Ok(());
        }
        Err(SessionError::FileChanged(self.path.clone()))
    }

    /// Writes the file: what is there is never half of it.
    pub(super) fn write(&self) -> Result<(), SessionError> {
        let failed = |error| SessionError::file(self.path.display().to_string(), error);
        // A link stays one.
        let path = self.path.canonicalize().map_err(failed)?;
        let permissions = path.metadata().map_err(failed)?.permissions();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
        let write = || {
            std::fs::write(&beside, &self.after)?;
            std::fs::set_permissions(&beside, permissions)?;
            std::fs::rename(&beside, &path)
        };
        write().map_err(|error| {
            let _ = std::fs::remove_file(&beside);
            failed(error)
        })
    }
}

fn read(path: &Path) -> Result<String, SessionError> {
    std::fs::read_to_string(path)
        .map_err(|error| SessionError::file(path.display().to_string(), error))
}

/// Files that were opened, with what is to stand in them.
#[derive(Debug, Default)]
pub(super) struct Files(Vec<Opened>);

#[derive(Debug)]
struct Opened {
    path: PathBuf,
    before: String,
    text: Text,
    edits: Vec<SavedEdit>,
}

#[derive(Debug)]
enum Text {
    /// JSON or YAML.
    Values(Box<Document>),
    /// Any text.
    Whole(String),
}

impl Files {
    fn opened(&mut self, path: &Path) -> Result<&mut Opened, String> {
        let known = self.0.iter().position(|file| file.path == path);
        let at = if let Some(at) = known {
            at
        } else {
            let text = read(path).map_err(|error| error.to_string())?;
            self.0.push(Opened {
                path: path.to_path_buf(),
                text: Text::Whole(text.clone()),
                before: text,
                edits: Vec::new(),
            });
            self.0.len() - 1
        };
        self.0.get_mut(at).ok_or_else(String::new)
    }

    /// The values of a file.
    pub(super) fn open(&mut self, path: &Path) -> Result<&mut Document, String> {
        let file = self.opened(path)?;
        if let Text::Whole(text) = &file.text {
            let document = Document::read(text)
                .map_err(|why| format!("{}: {why}: edit it there", path.display()))?;
            file.text = Text::Values(Box::new(document));
        }
        match &mut file.text {
            Text::Values(document) => Ok(document),
            Text::Whole(_) => Err(String::new()),
        }
    }

    /// The text of a file.
    pub(super) fn text(&mut self, path: &Path) -> Result<&str, String> {
        Ok(match &self.opened(path)?.text {
            Text::Values(document) => document.text(),
            Text::Whole(text) => text,
        })
    }

    /// Another text for the whole of a file.
    pub(super) fn replace(&mut self, path: &Path, text: &str) -> Result<(), String> {
        self.opened(path)?.text = Text::Whole(text.to_owned());
        Ok(())
    }

    /// Takes note of an edit that was written.
    pub(super) fn note(&mut self, path: &Path, step: &Arc<str>, what: &'static str, place: String) {
        if let Ok(file) = self.opened(path) {
            file.edits.push(SavedEdit {
                step: Arc::clone(step),
                what,
                place,
            });
        }
    }

    /// The files that change.
    pub(super) fn changed(self) -> Vec<ChangedFile> {
        let files = self.0.into_iter().map(|file| ChangedFile {
            path: file.path,
            edits: file.edits,
            after: match file.text {
                Text::Values(document) => document.text().to_owned(),
                Text::Whole(text) => text,
            },
            before: file.before,
        });
        files.filter(|file| file.before != file.after).collect()
    }
}
