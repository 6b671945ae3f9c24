//! Bytes that arrive from outside: in memory as long as they are few, else in a file.
//!
//! Many calls may receive much at the same time, each more slowly than another. Only what is then read as a value, one
//! after the other, has to be in memory.

use std::fs::File;
use std::io::{self, Read, Seek, Write};

/// More than this many bytes go to a file.
const IN_MEMORY: usize = 1 << 20;

/// What has arrived. The file has no name and is gone with this value.
#[derive(Debug, Default)]
pub(crate) struct Spool {
    bytes: Vec<u8>,
    file: Option<File>,
    length: usize,
    /// Where no file can be made or written, all of it stays in memory.
    without_file: bool,
}

impl Spool {
    /// The number of bytes.
    pub(crate) const fn len(&self) -> usize {
        self.length
    }

    /// More has arrived.
    pub(crate) fn push(&mut self, piece: &[u8]) -> io::Result<()> {
        self.length += piece.len();
        if let Some(file) = &mut self.file {
            if file.write_all(piece).is_ok() {
                return Ok(());
            }
            // The disk is full; some of the piece may have been written.
            self.bytes = read_back(self.file.take(), self.length - piece.len())?;
            self.without_file = true;
        }
        self.bytes.extend_from_slice(piece);
        if self.bytes.len() > IN_MEMORY && !self.without_file {
            let file = tempfile::tempfile().and_then(|mut file| {
                file.write_all(&self.bytes)?;
                Ok(file)
            });
            match file {
                Ok(file) => {
                    self.file = Some(file);
                    self.bytes = Vec::new();
                }
                Err(_) => self.without_file = true,
            }
        }
        Ok(())
    }

    /// All of it, in memory. Where it is much, this reads a file.
    pub(crate) fn into_bytes(self) -> io::Result<Vec<u8>> {
        match self.file {
            None => Ok(self.bytes),
            file => read_back(file, self.length),
        }
    }
}

fn read_back(file: Option<File>, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    if let Some(mut file) = file {
        file.rewind()?;
        file.read_exact(&mut bytes)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_out_is_what_went_in() {
        for length in [0, 7, IN_MEMORY, IN_MEMORY + 1, 3 * IN_MEMORY + 5] {
            let all: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let mut spool = Spool::default();
            for piece in all.chunks(65_536) {
                spool.push(piece).unwrap();
            }
            assert_eq!(spool.len(), length);
            assert_eq!(spool.file.is_some(), length > IN_MEMORY);
            assert!(spool.bytes.len() <= IN_MEMORY);
            assert_eq!(spool.into_bytes().unwrap(), all);
        }
    }

    #[test]
    fn without_a_file_it_stays_in_memory() {
        let mut spool = Spool {
            without_file: true,
            ..Spool::default()
        };
        let piece = vec![b'x'; IN_MEMORY];
        for _ in 0..3 {
            spool.push(&piece).unwrap();
        }
        assert_eq!(spool.into_bytes().unwrap().len(), 3 * IN_MEMORY);
    }

    /// `/dev/full` takes nothing, as a full disk.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_disk_that_becomes_full_loses_nothing() {
        let mut spool = Spool::default();
        let piece = vec![b'x'; IN_MEMORY + 1];
        spool.push(&piece).unwrap();
        let Some(file) = spool.file.take() else {
            panic!("no file");
        };
        // It can be read, but not written to.
        let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
        spool.file = Some(File::open(path).unwrap());
        spool.push(b"yz").unwrap();
        let bytes = spool.into_bytes().unwrap();
        assert_eq!(bytes.len(), IN_MEMORY + 3);
        assert!(bytes.ends_with(b"xyz"));
    }
}
