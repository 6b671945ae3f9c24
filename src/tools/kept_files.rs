//! Files for what servers give that is no text: images, sounds, documents.

use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Where files are kept. A file is named by its content, so the same content is one file.
#[derive(Debug, Default)]
pub(crate) struct KeptFiles {
    /// The folder; `None` for one that is made when it is needed, among the temporary ones.
    given: Option<PathBuf>,
    made: OnceLock<PathBuf>,
}

/// Types and the endings of their files.
const ENDINGS: [(&str, &str); 22] = [
    ("application/gzip", "gz"),
    ("application/json", "json"),
    ("application/octet-stream", "bin"),
    ("application/pdf", "pdf"),
    ("application/xml", "xml"),
    ("application/zip", "zip"),
    ("audio/flac", "flac"),
    ("audio/mp4", "m4a"),
    ("audio/mpeg", "mp3"),
    ("audio/ogg", "ogg"),
    ("audio/wav", "wav"),
    ("audio/x-wav", "wav"),
    ("image/avif", "avif"),
    ("image/gif", "gif"),
    ("image/jpeg", "jpg"),
    ("image/png", "png"),
    ("image/svg+xml", "svg"),
    ("image/webp", "webp"),
    ("text/csv", "csv"),
    ("text/html", "html"),
    ("text/markdown", "md"),
    ("text/plain", "txt"),
];

impl KeptFiles {
    /// Files in this folder, which is made when it is needed.
    pub(super) fn in_folder(folder: Option<PathBuf>) -> Self {
        Self {
            given: folder,
            made: OnceLock::new(),
        }
    }

    /// Keeps a file. The output that names it: `{file, mime_type, size}`.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) fn keep(&self, content: &[u8], mime_type: &str) -> io::Result<Value> {
        let folder = self.folder()?;
        let digest = blake3::hash(content).to_hex();
        let plain = mime_type.split(';').next().unwrap_or_default().trim();
        let known = ENDINGS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(plain));
        let ending = known.map_or("bin", |(_, ending)| ending);
        let file = folder.join(format!("{}.{ending}", &digest[..32]));
        if !is_whole(&file, content.len()) {
            let mut part = tempfile::NamedTempFile::new_in(folder)?;
            part.write_all(content)?;
            part.persist(&file).map_err(|error| error.error)?;
        }
        Ok(json!({
            "file": file.to_string_lossy(),
            "mime_type": mime_type,
            "size": content.len(),
        }))
    }

    /// Whether a file, by its canonical path, lies among them.
    pub(super) fn holds(&self, file: &Path) -> bool {
        let folder = self.given.as_ref().or_else(|| self.made.get());
        let folder = folder.and_then(|folder| folder.canonicalize().ok());
        folder.is_some_and(|folder| file.starts_with(folder))
    }

    fn folder(&self) -> io::Result<&Path> {
        if let Some(folder) = &self.given {
            std::fs::create_dir_all(folder)?;
            return Ok(folder);
        }
        if let Some(made) = self.made.get() {
            return Ok(made);
        }
        // It stays: an output names what is in it.
        let made = tempfile::Builder::new()
            .prefix("plandeck-")
            .tempdir()?
            .keep();
        Ok(self.made.get_or_init(|| made))
    }
}

fn is_whole(file: &Path, size: usize) -> bool {
    std::fs::metadata(file).is_ok_and(|found| found.is_file() && found.len() == size as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_content_is_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let files = KeptFiles::in_folder(Some(folder.path().join("new")));
        let one = files.keep(b"\x89PNG", "image/png").unwrap();
        assert_eq!(one, files.keep(b"\x89PNG", "image/png").unwrap());
        assert_eq!(
            (&one["size"], &one["mime_type"]),
            (&json!(4), &json!("image/png"))
        );
        let path = Path::new(one["file"].as_str().unwrap());
        assert!(path.extension().is_some_and(|ending| ending == "png"));
        assert_eq!(std::fs::read(path).unwrap(), b"\x89PNG");
        let other = files.keep(b"\x89PNG", "../../x; y").unwrap();
        let path = Path::new(other["file"].as_str().unwrap());
        assert_eq!(path.parent(), Some(&*folder.path().join("new")));
        assert!(path.extension().is_some_and(|ending| ending == "bin"));
    }
}
