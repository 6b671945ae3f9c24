//! Files that determine what a program answers: the scripts that its command names, and what the catalog declares as
//! `inputs`.
//!
//! They are read when a call's key is made, so a file that an earlier step of the same run wrote counts. A file whose
//! size, time and identity are as before is not read again, and reading is bounded.

use serde_json::{Map, Value};
use std::collections::HashMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A larger file counts with its size and the time of its last change, not with its content.
const MAX_READ: u64 = 64 << 20;

/// All files of one call that are read, in bytes.
const MAX_READ_IN_ALL: u64 = 512 << 20;

/// The maximum of files that `inputs` may name.
const MAX_FILES: usize = 10_000;

/// A file that was changed this recently is read again: another change may not show in its time.
const FRESH: Duration = Duration::from_secs(3);

/// The files of one tool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileInputs {
    /// The words of the command.
    command: Vec<Arc<str>>,
    /// The folders that a relative name in the command may start from: the catalog's, and the one it runs in.
    folders: Vec<PathBuf>,
    /// Files, folders and globs that the catalog declares, relative to the folder that the program runs in.
    declared: Vec<PathBuf>,
}

/// The digests of files that were read.
#[derive(Debug, Default)]
pub struct FileDigests(HashMap<PathBuf, (Stamp, [u8; 32])>);

/// By what a file is recognised without reading it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    identity: (u64, u64, i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let identity = {
            use std::os::unix::fs::MetadataExt;
            let it = metadata;
            (it.dev(), it.ino(), it.ctime(), it.ctime_nsec())
        };
        #[cfg(not(unix))]
        let identity = (0, 0, 0, 0);
        Self {
            length: metadata.len(),
            modified: metadata.modified().ok(),
            identity,
        }
    }

    /// Whether a change from now on would show.
    fn is_settled(&self) -> bool {
        let age = self
            .modified
            .and_then(|time| SystemTime::now().duration_since(time).ok());
        age.is_some_and(|age| age > FRESH)
    }
}

impl FileInputs {
    /// The files that a command names, of which `catalog` is the catalog's folder and `cwd` where it runs, and those
    /// that match `inputs`.
    pub fn new(
        command: &[Arc<str>],
        catalog: Option<&Path>,
        cwd: Option<&Path>,
        inputs: &[Arc<str>],
    ) -> Self {
        let cwd = cwd.unwrap_or(Path::new(""));
        let mut folders = vec![cwd.to_path_buf()];
        folders.extend(
            catalog
                .filter(|folder| *folder != cwd)
                .map(Path::to_path_buf),
        );
        Self {
            command: command.to_vec(),
            folders,
            declared: inputs.iter().map(|input| cwd.join(&**input)).collect(),
        }
    }

    /// A digest for each file of the command and one for all that is declared; `None` where that is more than can be
    /// read.
    pub fn digests(&self, known: &mut FileDigests) -> Option<Map<String, Value>> {
        let mut left = MAX_READ_IN_ALL;
        let mut digests = Map::new();
        for file in self.command_files() {
            let digest = known.digest(&file, &mut left)?;
            let name = file.file_name().unwrap_or(file.as_os_str());
            let name = format!("file {}", name.to_string_lossy());
            // Two files of one name are one part.
            let before = digests
                .get(&name)
                .and_then(Value::as_str)
                .unwrap_or_default();
            let both = blake3::hash(format!("{before}{}{digest}", file.display()).as_bytes());
            digests.insert(name, both.to_hex().to_string().into());
        }
        if !self.declared.is_empty() {
            let mut all = blake3::Hasher::new();
            for file in self.declared_files()? {
                let digest = known.digest(&file, &mut left)?;
                all.update(file.as_os_str().as_encoded_bytes());
                all.update(&[0]);
                all.update(digest.as_bytes());
            }
            digests.insert(
                "inputs".to_owned(),
                all.finalize().to_hex().to_string().into(),
            );
        }
        Some(digests)
    }

    /// The files that words of the command name: as a word, after `=`, or within a line for a shell.
    fn command_files(&self) -> Vec<PathBuf> {
        self.named_files()
            .into_iter()
            .map(|(_, file)| file)
            .collect()
    }

    /// The same, each with its name as the command has it.
    fn named_files(&self) -> Vec<(&str, PathBuf)> {
        let mut files: Vec<(&str, PathBuf)> = Vec::new();
        for word in &self.command {
            for name in std::iter::once(&**word).chain(read_in_line(word)) {
                let name = name.trim();
                if name.is_empty() || name.contains('\0') {
                    continue;
                }
                let places = self.folders.iter().map(|folder| folder.join(name));
                for place in places.filter(|place| place.is_file()) {
                    if files.iter().all(|(_, known)| *known != place) {
                        files.push((name, place));
                    }
                }
            }
        }
        files
    }

    /// The programs and scripts that the command names, each with its name as the command has it: what the system
    /// itself brings, and plain data, is left out.
    pub(crate) fn scripts(&self) -> Vec<(&str, PathBuf)> {
        let mut files = self.named_files();
        let is_early = |name: &str| self.command.iter().take(2).any(|word| &**word == name);
        files.retain(|(name, file)| !is_of_system(name) && (is_early(name) || !is_data(file)));
        files
    }

    /// The files that are declared, sorted; a folder stands for everything in it. `None` where there are too many.
    fn declared_files(&self) -> Option<Vec<PathBuf>> {
        let mut files = Vec::new();
        let mut open: Vec<PathBuf> = Vec::new();
        for declared in &self.declared {
            // A name with special characters may be meant as it is.
            if declared.exists() {
                open.push(declared.clone());
                continue;
            }
            for found in glob::glob(declared.to_str()?).ok()? {
                open.push(found.ok()?);
                if open.len() > MAX_FILES {
                    return None;
                }
            }
        }
        let mut seen = std::collections::HashSet::new();
        while let Some(path) = open.pop() {
            if files.len() + open.len() > MAX_FILES {
                return None;
            }
            if path.is_dir() {
                // A link may lead back to where it stands.
                let real = path.canonicalize().unwrap_or_else(|_| path.clone());
                if seen.insert(real) {
                    let entries = std::fs::read_dir(&path).ok()?;
                    open.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
                }
            } else {
                files.push(path);
            }
        }
        files.sort();
        files.dedup();
        Some(files)
    }
}

/// Folders of what the system brings, which changes with each update.
const OF_SYSTEM: [&str; 14] = [
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/usr",
    "/opt",
    "/nix",
    "/snap",
    "/dev",
    "/proc",
    "/sys",
    "/System",
    "/Library",
    "/Applications",
];

/// Whether a whole path names a file that the system brings.
fn is_of_system(name: &str) -> bool {
    OF_SYSTEM
        .iter()
        .any(|folder| Path::new(name).starts_with(folder))
}

/// Endings of files that programs read and do not run.
const DATA: [&str; 25] = [
    "csv", "tsv", "txt", "text", "md", "log", "jsonl", "ndjson", "parquet", "arrow", "db",
    "sqlite", "sqlite3", "png", "jpg", "jpeg", "gif", "svg", "pdf", "mp3", "mp4", "wav", "tmp",
    "lock", "pid",
];

/// Whether the file is data by its name.
fn is_data(file: &Path) -> bool {
    let ending = file.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| DATA.contains(&&*ending.to_ascii_lowercase()))
}

/// The words of a line for a shell that may name a file that is read: not those to which it writes.
fn read_in_line(line: &str) -> Vec<&str> {
    let is_separator = |c: char| c.is_whitespace() || ";|&()<>\"'=`$".contains(c);
    let mut words: Vec<&str> = Vec::new();
    let mut writes_to = Vec::new();
    let mut rest = line;
    loop {
        let before = rest.find(|c| !is_separator(c)).unwrap_or(rest.len());
        let (separators, after) = rest.split_at(before);
        if after.is_empty() {
            break;
        }
        let (word, after) = after.split_at(after.find(is_separator).unwrap_or(after.len()));
        let is_target = separators
            .trim_end_matches(['"', '\''])
            .trim_end()
            .ends_with('>');
        let is_option = |word: &&&str| !word.starts_with('-');
        let is_of_tee = words.iter().rev().find(is_option) == Some(&"tee")
            && !separators.contains([';', '|', '&']);
        if is_target || is_of_tee && !word.starts_with('-') {
            writes_to.push(word);
        } else {
            words.push(word);
        }
        rest = after;
    }
    words.retain(|word| !writes_to.contains(word));
    words
}

impl FileDigests {
    /// The digest of one file; `None` where more would have to be read than `left`.
    fn digest(&mut self, file: &Path, left: &mut u64) -> Option<String> {
        let metadata = match std::fs::metadata(file) {
            Ok(metadata) if metadata.is_file() => metadata,
            // What is no file, or is gone, has no content to tell it by.
            Ok(_) => return Some("not a file".to_owned()),
            Err(error) => return Some(error.kind().to_string()),
        };
        let stamp = Stamp::of(&metadata);
        if metadata.len() > MAX_READ {
            return Some(format!("{stamp:?}"));
        }
        if let Some((known, digest)) = self.0.get(file)
            && *known == stamp
            && stamp.is_settled()
        {
            return Some(blake3::Hash::from(*digest).to_hex().to_string());
        }
        *left = left.checked_sub(metadata.len())?;
        let digest = match std::fs::read(file) {
            Ok(bytes) => blake3::hash(&bytes),
            Err(error) => return Some(format!("{} {stamp:?}", error.kind())),
        };
        self.0
            .insert(file.to_path_buf(), (stamp, *digest.as_bytes()));
        Some(digest.to_hex().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::write;

    fn words(words: &[&str]) -> Vec<Arc<str>> {
        words.iter().map(|word| (*word).into()).collect()
    }

    #[test]
    fn every_way_to_name_a_script_counts() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        for name in ["a.py", "b.py", "c.sh", "d.conf"] {
            write(place(name), name).unwrap();
        }
        let command = words(&[
            "python3",
            "a.py",
            "--rules=d.conf",
            "sh -c 'python3 b.py; ./c.sh'",
        ]);
        let inputs = FileInputs::new(&command, Some(folder.path()), None, &[]);
        let mut known = FileDigests::default();
        let mut before = inputs.digests(&mut known).unwrap();
        assert_eq!(before.len(), 4, "{before:?}");
        for name in ["a.py", "b.py", "c.sh", "d.conf"] {
            // Of the same length, and so soon that the time may be the same.
            write(place(name), name.to_uppercase()).unwrap();
            let after = inputs.digests(&mut known).unwrap();
            let part = format!("file {name}");
            assert_ne!(before[&part], after[&part]);
            before.retain(|other, _| *other != part);
            assert!(before.iter().all(|(name, digest)| after[name] == *digest));
            before = after;
        }
    }

    #[test]
    fn what_a_line_writes_to_is_not_what_it_reads() {
        let line = "echo x >> calls.log; printf . > \"n\"; ls 2>err | tee -a seen; python3 a.py --in=b.csv <c.csv";
        let words = read_in_line(line);
        for read in ["a.py", "b.csv", "c.csv"] {
            assert!(words.contains(&read), "{words:?}");
        }
        for written in ["calls.log", "n", "err", "seen"] {
            assert!(!words.contains(&written), "{words:?}");
        }
    }

    #[test]
    fn declared_files_folders_and_globs_count() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(place("data/deep")).unwrap();
        let declared = words(&["one.csv", "data", "*.txt"]);
        let inputs = FileInputs::new(&words(&["cat"]), None, Some(folder.path()), &declared);
        let mut known = FileDigests::default();
        let mut seen = vec![inputs.digests(&mut known).unwrap()];
        for (name, text) in [
            ("one.csv", "1"),
            ("one.csv", "2"),
            ("data/deep/a", "1"),
            ("x.txt", ""),
            ("y.txt", ""),
        ] {
            write(place(name), text).unwrap();
            let now = inputs.digests(&mut known).unwrap();
            assert!(!seen.contains(&now), "{name} {text}");
            seen.push(now);
        }
        write(place("other.csv"), "1").unwrap();
        assert_eq!(inputs.digests(&mut known).as_ref(), seen.last());
        std::fs::remove_file(place("y.txt")).unwrap();
        assert_eq!(inputs.digests(&mut known), seen.get(4).cloned());
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_holds_itself_ends() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).unwrap();
        write(folder.path().join("a"), "1").unwrap();
        let inputs = FileInputs::new(&[], None, Some(folder.path()), &words(&["."]));
        assert!(inputs.digests(&mut FileDigests::default()).is_some());
    }
}
