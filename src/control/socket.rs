//! The Unix socket of a run: where it is, who may use it, and what becomes of one that a dead process left.

use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The folder of the sockets, in the folder of the store.
const FOLDER: &str = "run";
/// The most bytes of a path that every system takes for a socket.
const LONGEST: usize = 100;

/// Where the socket of a run is looked for: the socket itself, or a file that holds its path.
pub(super) fn place(home: &Path, run_id: &str) -> PathBuf {
    home.join(FOLDER).join(format!("{run_id}.sock"))
}

/// The path of the socket of a run; `None` where there is none.
pub(super) fn find(home: &Path, run_id: &str) -> Option<PathBuf> {
    let place = place(home, run_id);
    let kind = std::fs::metadata(&place).ok()?.file_type();
    if kind.is_socket() {
        return Some(place);
    }
    let real = std::fs::read_to_string(place).ok()?;
    Some(PathBuf::from(real.trim_end_matches('\n')))
}

/// A socket that is listened on. It is removed with this.
#[derive(Debug)]
pub(super) struct SocketFile {
    place: PathBuf,
    /// Where the real socket is elsewhere: its folder.
    _elsewhere: Option<TempDir>,
}

impl SocketFile {
    /// Listens on the socket of a run. One that a dead process left is replaced.
    pub(super) fn bind(home: &Path, run_id: &str) -> io::Result<(Self, UnixListener)> {
        let place = place(home, run_id);
        if let Some(folder) = place.parent() {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
        }
        if let Some(found) = find(home, run_id)
            && UnixStream::connect(&found).is_ok()
        {
            return Err(io::Error::new(
                io::ErrorKind::AddrInUse,
                format!("another process listens on {}", found.display()),
            ));
        }
        remove(&place)?;
        if place.as_os_str().len() <= LONGEST {
            let listener = listen(&place)?;
            let file = Self {
                place,
                _elsewhere: None,
            };
            return Ok((file, listener));
        }
        let folder = short_folder()?;
        let real = folder.path().join("run.sock");
        let listener = listen(&real)?;
        std::fs::write(&place, format!("{}\n", real.display()))?;
        std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o600))?;
        let file = Self {
            place,
            _elsewhere: Some(folder),
        };
        Ok((file, listener))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = remove(&self.place);
    }
}

fn listen(path: &Path) -> io::Result<UnixListener> {
    // The folder lets nobody else in, so nobody connects before the mode is set.
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// A folder of this user's alone whose path leaves room for a socket.
fn short_folder() -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("plandeck-");
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let folders = [runtime, Some(std::env::temp_dir()), Some("/tmp".into())];
    let mut failed = None;
    for folder in folders.into_iter().flatten() {
        if folder.as_os_str().len() + 32 > LONGEST {
            continue;
        }
        match builder.tempdir_in(folder) {
            Ok(folder) => return Ok(folder),
            Err(error) => failed = Some(error),
        }
    }
    Err(failed.unwrap_or_else(|| io::ErrorKind::NotFound.into()))
}

/// Removes the socket of a run whose process is gone.
pub(super) fn remove_dead(home: &Path, run_id: &str) {
    let place = place(home, run_id);
    if let Some(real) = find(home, run_id).filter(|real| *real != place) {
        let _ = remove(&real);
        if let Some(folder) = real.parent() {
            let _ = std::fs::remove_dir(folder);
        }
    }
    let _ = remove(&place);
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_user_may_use_it_and_it_goes_with_its_holder() {
        let home = tempfile::tempdir().unwrap();
        let (file, _listener) = SocketFile::bind(home.path(), "r").unwrap();
        let path = find(home.path(), "r").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        let other = SocketFile::bind(home.path(), "r").unwrap_err();
        assert_eq!(other.kind(), io::ErrorKind::AddrInUse);
        drop(file);
        assert!(!path.exists() && find(home.path(), "r").is_none());
    }

    #[test]
    fn what_a_dead_process_left_is_replaced() {
        let home = tempfile::tempdir().unwrap();
        let (file, listener) = SocketFile::bind(home.path(), "r").unwrap();
        std::mem::forget(file);
        drop(listener);
        let (_file, _listener) = SocketFile::bind(home.path(), "r").unwrap();
        assert!(UnixStream::connect(find(home.path(), "r").unwrap()).is_ok());
        remove_dead(home.path(), "r");
        assert!(find(home.path(), "r").is_none());
    }

    #[test]
    fn where_the_path_is_too_long_a_file_holds_the_real_one() {
        let home = tempfile::tempdir().unwrap();
        let long = home.path().join("x".repeat(90));
        let (file, _listener) = SocketFile::bind(&long, "r").unwrap();
        let real = find(&long, "r").unwrap();
        assert!(UnixStream::connect(&real).is_ok());
        assert_ne!(real, place(&long, "r"));
        drop(file);
        assert!(!real.exists() && !place(&long, "r").exists());
    }
}
