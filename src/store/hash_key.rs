//! The key of this installation, with which digests of what must stay secret are made.
//!
//! A digest of a short value can be found again by trying every value. With a key that only this installation has, it
//! cannot: the key is in a file of its own, and neither in the database nor in what is exported.

use super::StoreError;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

const FILE: &str = "hash.key";

/// The key in the store at `home`; made where there is none.
pub(super) fn hash_key(home: &Path) -> Result<[u8; 32], StoreError> {
    let file = home.join(FILE);
    let fault = |error| StoreError::Folder {
        folder: file.clone(),
        error,
    };
    if let Some(key) = read(&file) {
        return Ok(key);
    }
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| fault(std::io::Error::other(error)))?;
    // Written under another name and then linked, so that no process reads half a key or replaces one in use.
    let own = home.join(format!("{FILE}.{}", uuid::Uuid::now_v7()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&own).and_then(|mut out| {
        out.write_all(&key)?;
        out.sync_all()
    });
    let linked = written.and_then(|()| std::fs::hard_link(&own, &file));
    // A file system without links: two first runs at once would then make two keys, which costs one cache miss.
    let placed = match (linked, read(&file)) {
        (_, Some(key)) => Ok(key),
        (Ok(()), None) => Ok(key),
        (Err(_), None) => std::fs::rename(&own, &file).map(|()| key),
    };
    let _ = std::fs::remove_file(&own);
    placed.map_err(fault)
}

/// A key that is damaged counts as none.
fn read(file: &Path) -> Option<[u8; 32]> {
    let bytes = std::fs::read(file).ok()?;
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_process_gets_the_same_key() {
        let home = tempfile::tempdir().unwrap();
        let keys: Vec<[u8; 32]> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| hash_key(home.path()).unwrap()))
                .collect();
            let keys = threads.into_iter().map(|thread| thread.join().unwrap());
            keys.collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0] && *key != [0; 32]));
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
        let other = tempfile::tempdir().unwrap();
        assert_ne!(hash_key(other.path()).unwrap(), keys[0]);
    }
}
