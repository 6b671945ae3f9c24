//! The sample plans.

use super::program::plan_in;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The folder of a sample plan.
pub(crate) fn sample_folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("sample-plans")
        .join(name)
}

/// The plan of a sample.
pub(crate) fn sample(name: &str) -> PathBuf {
    plan_in(&sample_folder(name))
}

/// A copy of a sample that a test may change.
pub(crate) fn copy_of(name: &str) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(sample_folder(name)).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
    }
    copy
}
