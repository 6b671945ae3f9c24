//! A jail that Bubblewrap makes: a file system, processes and a network of its own.

use super::Jail;
use super::places::system;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The program, where it is installed and can make a jail for this user; many containers let nobody make one.
pub(super) fn usable() -> Option<&'static PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let folders = std::env::var_os("PATH")?;
        let mut places = std::env::split_paths(&folders).map(|folder| folder.join("bwrap"));
        let path = places.find(|place| place.is_absolute() && place.is_file())?;
        let mut trial = Command::new(&path);
        trial
            .args(["--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"])
            .args(["--unshare-all", "--cap-drop", "ALL", "--", "true"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let works = trial.status().is_ok_and(|status| status.success());
        works.then_some(path)
    });
    found.as_ref()
}

/// The arguments before the program's.
pub(super) fn arguments(jail: &Jail) -> Vec<OsString> {
    let mut all: Vec<OsString> = Vec::new();
    let mut add = |words: &[&str]| all.extend(words.iter().map(OsString::from));
    add(&["--unshare-all", "--die-with-parent", "--cap-drop", "ALL"]);
    if jail.network {
        add(&["--share-net"]);
    }
    add(&["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]);
    let mut bind = |how: &str, place: &Path| {
        all.extend([how.into(), place.into(), place.into()]);
    };
    system().for_each(|place| bind("--ro-bind", place));
    jail.reads.iter().for_each(|place| bind("--ro-bind", place));
    jail.writes.iter().for_each(|place| bind("--bind", place));
    if let Ok(folder) = std::env::current_dir() {
        // Where it runs there is a folder, even where it may read nothing in it.
        let is_there = jail
            .reads
            .iter()
            .chain(&jail.writes)
            .any(|place| folder.starts_with(place))
            || system().any(|place| folder.starts_with(place));
        if !is_there {
            all.extend(["--dir".into(), folder.clone().into()]);
        }
        all.extend(["--chdir".into(), folder.into()]);
    }
    all
}
