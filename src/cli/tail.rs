//! The lines of a file that is still being written.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The most bytes that are read at once, so that what was read is shown before the rest is.
const PIECE: u64 = 4 << 20;
/// The most bytes of a line; a longer one is left out.
const MAX_LINE: usize = 64 << 20;

/// What one look at the file brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
// Each can be so beside the others.
#[allow(clippy::struct_excessive_bools)]
pub(super) struct Look {
    /// Whether the file begins from its beginning: it was cut off, or another one has its name. What it had before is void,
    /// and its lines come with the next look.
    pub(super) has_restarted: bool,
    /// Whether there were whole lines.
    pub(super) has_lines: bool,
    /// Whether there is more to read at once.
    pub(super) has_more: bool,
    /// The bytes of the file that were read, and those that are there to be read.
    pub(super) read: u64,
    pub(super) left: u64,
    /// Whether a line was too long, and is left out.
    pub(super) has_left_out: bool,
    /// Whether no file has that name any more. One may come to have it again.
    pub(super) is_gone: bool,
}

/// A file that grows.
#[derive(Debug)]
pub(super) struct Tail {
    path: PathBuf,
    file: File,
    read: u64,
    /// The beginning of a line whose end is not written yet.
    begun: Vec<u8>,
    /// Whether that line is too long already.
    is_skipping: bool,
}

impl Tail {
    /// The file at `path` from its beginning.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_path_buf(),
            file: File::open(path)?,
            read: 0,
            begun: Vec::new(),
            is_skipping: false,
        })
    }

    /// Gives `line` each whole line that came since the last look, without its end; a line whose end is not written yet
    /// waits.
    pub(super) fn look(&mut self, mut line: impl FnMut(&str)) -> io::Result<Look> {
        let mut look = Look {
            read: self.read,
            ..Look::default()
        };
        let own = self.file.metadata()?;
        if own.len() < self.read {
            self.restart();
            self.file.seek(SeekFrom::Start(0))?;
            look.has_restarted = true;
            look.has_more = true;
            return Ok(look);
        }
        if own.len() > self.read {
            self.read_piece(&mut line, &mut look)?;
            look.left = own.len().saturating_sub(self.read);
            look.has_more = look.left > 0;
            if look.has_lines || look.has_more {
                return Ok(look);
            }
        }
        // Nothing more comes to a file that another one has replaced.
        match std::fs::metadata(&self.path) {
            Ok(named) if is_same(&own, &named) => {}
            Ok(_) => {
                self.file = File::open(&self.path)?;
                self.restart();
                look.has_restarted = true;
                look.has_more = true;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => look.is_gone = true,
            Err(error) => return Err(error),
        }
        Ok(look)
    }

    /// How long ago it was written to.
    pub(super) fn age(&self) -> Duration {
        let written = self.file.metadata().and_then(|about| about.modified());
        let age = written.map(|written| written.elapsed().unwrap_or_default());
        age.unwrap_or_default()
    }

    fn restart(&mut self) {
        self.read = 0;
        self.begun = Vec::new();
        self.is_skipping = false;
    }

    fn read_piece(&mut self, line: &mut impl FnMut(&str), look: &mut Look) -> io::Result<()> {
        let mut piece = Vec::new();
        let count = (&self.file).take(PIECE).read_to_end(&mut piece)?;
        self.read += count as u64;
        look.read = self.read;
        let mut rest = &*piece;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (whole, after) = rest.split_at(end);
            rest = &after[1..];
            if std::mem::take(&mut self.is_skipping) {
                continue;
            }
            look.has_lines = true;
            if self.begun.is_empty() {
                line(&String::from_utf8_lossy(whole));
            } else {
                self.begun.extend_from_slice(whole);
                line(&String::from_utf8_lossy(&self.begun));
                self.begun = Vec::new();
            }
        }
        if self.is_skipping {
            return Ok(());
        }
        self.begun.extend_from_slice(rest);
        if self.begun.len() > MAX_LINE {
            self.begun = Vec::new();
            self.is_skipping = true;
            look.has_left_out = true;
        }
        Ok(())
    }
}

#[cfg(unix)]
fn is_same(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

/// Where files have no numbers, one that is cut off is noticed, and one that is replaced is not.
#[cfg(not(unix))]
fn is_same(_: &Metadata, _: &Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;
    use std::io::Write;

    fn append(path: &Path, text: &str) {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn lines(tail: &mut Tail) -> (Vec<String>, Look) {
        let mut lines = Vec::new();
        let look = tail.look(|line| lines.push(line.to_owned())).unwrap();
        (lines, look)
    }

    #[test]
    fn a_line_comes_once_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        append(&path, "a\nb");
        let mut tail = Tail::open(&path).unwrap();
        assert_eq!(lines(&mut tail).0, ["a"]);
        let nothing = Look {
            read: 3,
            ..Look::default()
        };
        assert_eq!(lines(&mut tail), (Vec::new(), nothing));
        append(&path, "c\n\nd\n");
        assert_eq!(lines(&mut tail).0, ["bc", "", "d"]);
    }

    #[test]
    fn a_file_that_is_cut_off_or_replaced_is_read_from_its_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        append(&path, "a\nhalf");
        let mut tail = Tail::open(&path).unwrap();
        assert_eq!(lines(&mut tail).0, ["a"]);
        std::fs::write(&path, "b\n").unwrap();
        assert!(lines(&mut tail).1.has_restarted);
        assert_eq!(lines(&mut tail).0, ["b"]);
        // What was written before it was replaced is read first.
        append(&path, "c\n");
        std::fs::rename(&path, folder.path().join("old")).unwrap();
        assert_eq!(lines(&mut tail).0, ["c"]);
        assert!(lines(&mut tail).1.is_gone);
        append(&path, "d\n");
        assert!(lines(&mut tail).1.has_restarted);
        assert_eq!(lines(&mut tail).0, ["d"]);
    }

    #[test]
    fn a_line_that_is_too_long_is_left_out_and_takes_no_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        append(&path, "a\n");
        let file = OpenOptions::new().append(true).open(&path).unwrap();
        // A hole takes no place on the disk.
        file.set_len(2 + MAX_LINE as u64 + PIECE).unwrap();
        append(&path, "\nb\n");
        let mut tail = Tail::open(&path).unwrap();
        let (mut all, mut left_out) = (Vec::new(), 0);
        loop {
            let (more, look) = lines(&mut tail);
            all.extend(more);
            left_out += usize::from(look.has_left_out);
            if !look.has_more {
                break;
            }
        }
        assert_eq!((all, left_out), (vec!["a".to_owned(), "b".to_owned()], 1));
        assert_eq!(tail.begun.capacity(), 0);
    }
}
