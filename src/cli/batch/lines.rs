//! Where the lines of a batch go: standard output, or a file to which a resumed batch appends what is missing.

use crate::cli::failure::Failure;
use crate::cli::output::{out_json, write_json};
use crate::session::{BatchLine, SessionError};
use serde_json::Value;
use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

/// The lines of a batch on their way out.
pub(super) struct Lines {
    into: Into,
    /// The keys, hashed, whose lines are in the file already.
    known: HashSet<[u8; 32]>,
}

enum Into {
    StandardOutput,
    File(File),
    /// The terminal has the view of the batch.
    Nowhere,
}

impl Lines {
    /// No lines: whoever wants them asks for a file.
    pub(super) fn none() -> Self {
        Self {
            into: Into::Nowhere,
            known: HashSet::new(),
        }
    }

    /// Opens the file, if one is given. A file of a batch that is resumed keeps its lines, except a last one that was cut
    /// off, and those of items that a limit kept from running.
    pub(super) fn open(path: Option<&Path>, resumes: bool) -> Result<Self, Failure> {
        let mut known = HashSet::new();
        let Some(path) = path else {
            let into = Into::StandardOutput;
            return Ok(Self { into, known });
        };
        let fault = |error| SessionError::file(path.display().to_string(), error);
        let file = if resumes && path.exists() {
            keep(path, &mut known).map_err(fault)?;
            OpenOptions::new().append(true).open(path)
        } else {
            File::create(path)
        };
        let into = Into::File(file.map_err(fault)?);
        Ok(Self { into, known })
    }

    /// Writes the line of an item, unless it is there.
    pub(super) fn write(&mut self, line: &BatchLine) -> io::Result<()> {
        match &mut self.into {
            Into::Nowhere => Ok(()),
            Into::StandardOutput => out_json(line).map_err(|failure| match failure {
                Failure::Output(error) => error,
                other => io::Error::other(other.message()),
            }),
            Into::File(_) if self.known.contains(&hash(&line.key)) => Ok(()),
            Into::File(file) => write_json(line, file),
        }
    }
}

fn hash(key: &str) -> [u8; 32] {
    *blake3::hash(key.as_bytes()).as_bytes()
}

/// Writes the file again with the lines that stand, and takes note of their keys.
fn keep(path: &Path, known: &mut HashSet<[u8; 32]>) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".resumed");
    let beside = PathBuf::from(beside);
    let mut from = BufReader::new(File::open(path)?);
    let mut into = BufWriter::new(File::create(&beside)?);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        let value: Option<Value> = serde_json::from_slice(&line).ok();
        let value = value.filter(|_| line.ends_with(b"\n"));
        let stands =
            |value: &Value| matches!(value["status"].as_str(), Some("succeeded" | "failed"));
        if let Some(key) = value
            .filter(stands)
            .as_ref()
            .and_then(|line| line["key"].as_str())
            && known.insert(hash(key))
        {
            into.write_all(&line)?;
        }
        line.clear();
    }
    into.into_inner()?.sync_all()?;
    std::fs::rename(&beside, path)
}
