//! The contents that decide what a catalog runs: its files, what they include, and the scripts that commands name.

use super::Catalog;
use crate::tools::FileInputs;
use crate::tools::mcp::{Place, ServerSettings};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A larger file counts with its size and the time of its last change, not with its content.
const MAX_SCRIPT: u64 = 256 << 20;

/// What a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PartKind {
    /// A file with tools or servers.
    Catalog,
    /// A file that a field of the catalog names (`@file`).
    Included,
    /// A program or a script that a command names.
    Script,
    /// What the user has defined otherwise than a file does, in a run.
    Edited,
}

/// One file of a catalog, or one that it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CatalogPart {
    /// What it is.
    pub kind: PartKind,
    /// Its name: as it was given, or as the catalog names it.
    pub name: Arc<str>,
    /// Where it lies; only for files with tools or servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// The digest of its content, in hexadecimal digits.
    pub digest: String,
}

impl CatalogPart {
    pub(super) fn new(kind: PartKind, name: &str, path: Option<&Path>, content: &str) -> Self {
        Self {
            kind,
            name: name.into(),
            path: path.map(Path::to_path_buf),
            digest: blake3::hash(content.as_bytes()).to_hex().to_string(),
        }
    }

    pub(super) fn script(name: &str, file: &Path) -> Self {
        Self {
            kind: PartKind::Script,
            name: name.into(),
            path: None,
            digest: digest_of(file),
        }
    }
}

impl Catalog {
    /// Everything whose content decides what the tools do: what the catalog was read from, and the scripts that the
    /// commands of its tools and servers name, as they are now.
    pub(crate) fn contents(&self) -> Vec<CatalogPart> {
        let mut parts = self.parts.clone();
        let of_tools = self.tools().iter();
        let mut programs: Vec<FileInputs> = of_tools
            .filter_map(|tool| tool.implementation.programs(tool))
            .collect();
        programs.extend(self.servers().iter().filter_map(programs_of));
        for inputs in &programs {
            for (name, file) in inputs.scripts() {
                let part = CatalogPart::script(name, &file);
                if !parts.contains(&part) {
                    parts.push(part);
                }
            }
        }
        parts
    }
}

/// The files that the command of an MCP server names, where it is started.
fn programs_of(server: &ServerSettings) -> Option<FileInputs> {
    let Place::Program {
        command,
        cwd,
        folder,
        ..
    } = &server.place
    else {
        return None;
    };
    let folder = folder.as_deref().map(PathBuf::as_path);
    let runs_in = match (folder, cwd) {
        (folder, None) => folder.map(Path::to_path_buf),
        (Some(folder), Some(cwd)) => Some(folder.join(&**cwd)),
        (None, Some(cwd)) => Some(PathBuf::from(&**cwd)),
    };
    Some(FileInputs::new(command, folder, runs_in.as_deref(), &[]))
}

/// The digest of a file's content; for one that cannot be read, why.
fn digest_of(file: &Path) -> String {
    let read = || -> std::io::Result<String> {
        let metadata = std::fs::metadata(file)?;
        if metadata.len() > MAX_SCRIPT {
            return Ok(format!("{} {:?}", metadata.len(), metadata.modified()?));
        }
        let mut hasher = blake3::Hasher::new();
        std::io::copy(&mut std::fs::File::open(file)?, &mut hasher)?;
        Ok(hasher.finalize().to_hex().to_string())
    };
    read().unwrap_or_else(|error| format!("unreadable: {error}"))
}
