//! The folders of the user.

use etcetera::BaseStrategy;
use std::path::PathBuf;

/// The user's configuration folder for this program; `None` where there is no home.
pub(super) fn user_folder() -> Option<PathBuf> {
    let folders = etcetera::choose_base_strategy().ok()?;
    Some(folders.config_dir().join("plandeck"))
}
