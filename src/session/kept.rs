//! What is kept of a plan for the next time: a file for each plan by the digest of its text, in a folder for each kind.

use crate::store::home;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::PathBuf;

/// What was kept. It is a convenience: where it cannot be read there is none.
pub(super) fn kept<T: DeserializeOwned + Default>(folder: &str, digest: &str) -> T {
    let text = file(folder, digest).and_then(|file| std::fs::read(file).ok());
    let kept = text.and_then(|text| serde_json::from_slice(&text).ok());
    kept.unwrap_or_default()
}

/// Keeps a value; `None` leaves nothing behind.
pub(super) fn keep<T: Serialize + ?Sized>(
    folder: &str,
    digest: &str,
    value: Option<&T>,
) -> std::io::Result<()> {
    let Some(file) = file(folder, digest) else {
        return Ok(());
    };
    let Some(value) = value else {
        return match std::fs::remove_file(file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    };
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(file, serde_json::to_vec(value)?)
}

fn file(folder: &str, digest: &str) -> Option<PathBuf> {
    let name = digest.get(..32)?;
    Some(home().ok()?.join(folder).join(format!("{name}.json")))
}
