//! What is trusted, on disk: `trust.json` in `PLANDECK_HOME`, else in the user's configuration folder.

use super::subject::{Subject, SubjectFile};
use crate::session::folders::user_folder;
use crate::tools::Reaches;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The name of the file.
const FILE: &str = "trust.json";

/// The format that this version writes. It reads no newer one.
const VERSION: u64 = 1;

/// The most contents of one plan, and of all plans, that are remembered; the oldest are forgotten first.
const MAX_OF_ONE: usize = 20;
const MAX_PLANS: usize = 1_000;

/// Why what is trusted cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// The file, or what was to be trusted, is not as it must be: cause and remedy.
    #[error("{0}")]
    Refused(String),
    /// A file cannot be read or written.
    #[error("{place}: {error}")]
    File {
        /// The path.
        place: String,
        /// What the system reported.
        #[source]
        error: io::Error,
    },
}

impl MemoryError {
    fn file(place: String, error: io::Error) -> Self {
        Self::File { place, error }
    }
}

/// A trusted folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TrustedFolder {
    /// Without links.
    pub path: PathBuf,
    /// When, in RFC 3339.
    pub trusted_at: String,
}

/// A trusted content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TrustedPlan {
    /// Where the plan, or the catalog, lay; `None` for standard input.
    pub path: Option<PathBuf>,
    /// Whether it is a catalog alone, for any plan.
    #[serde(default)]
    pub is_catalog: bool,
    /// The digest of everything.
    pub digest: String,
    /// When, in RFC 3339.
    pub trusted_at: String,
    /// The digests of the files by name.
    pub files: BTreeMap<String, String>,
    /// What the user saw that it does.
    pub reaches: Reaches,
}

impl TrustedPlan {
    pub(super) fn new(subject: &Subject, reaches: Reaches) -> Self {
        Self {
            path: subject.path().map(Path::to_path_buf),
            is_catalog: subject.is_catalog,
            digest: subject.digest(),
            trusted_at: now(),
            files: subject.digests(),
            reaches,
        }
    }

    /// Whether exactly this was trusted, and does nothing more than the user saw.
    pub(super) fn covers(&self, subject: &Subject, reaches: &Reaches) -> bool {
        self.digest == subject.digest() && reaches.is_within(&self.reaches)
    }

    /// Whether it was trusted in the same place.
    pub(super) fn is_of(&self, subject: &Subject) -> bool {
        self.path.is_some() && self.path.as_deref() == subject.path()
    }
}

/// All that is trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Remembered {
    /// Folders.
    pub folders: Vec<TrustedFolder>,
    /// Contents, the latest last.
    pub plans: Vec<TrustedPlan>,
}

#[derive(Serialize, Deserialize)]
struct Versioned {
    version: u64,
    #[serde(flatten)]
    all: Remembered,
}

/// The file.
#[derive(Debug, Default)]
pub(super) struct Memory {
    all: Remembered,
}

impl Remembered {
    /// Everything that is trusted.
    ///
    /// # Errors
    /// Where the file cannot be used.
    pub(crate) fn read() -> Result<Self, MemoryError> {
        Ok(Memory::read()?.all)
    }

    /// Trusts the folder at `path` and everything below it; the path without links.
    ///
    /// # Errors
    /// Where it is too much to trust, or cannot be remembered. `force`: the user insists.
    pub(crate) fn trust_folder(path: &Path, force: bool) -> Result<PathBuf, MemoryError> {
        let place = || path.display().to_string();
        let path = path.canonicalize();
        let path = path.map_err(|error| MemoryError::file(place(), error))?;
        check_folder(&path, force).map_err(MemoryError::Refused)?;
        Memory::change(|memory| memory.add_folder(path.clone()))?;
        Ok(path)
    }

    /// Trusts the content of a plan or catalog, which does what `reaches` lists.
    ///
    /// # Errors
    /// Where it cannot be remembered.
    pub(crate) fn trust_content(subject: &Subject, reaches: Reaches) -> Result<(), MemoryError> {
        let plan = TrustedPlan::new(subject, reaches);
        Memory::change(|memory| memory.add_plan(plan))
    }

    /// Forgets the folder or the plan at `path`, which need not exist any more.
    ///
    /// # Errors
    /// Where it is not trusted, or only by a folder above it.
    pub(crate) fn forget(path: &Path) -> Result<PathBuf, MemoryError> {
        let absolute = || std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        let path = path.canonicalize().unwrap_or_else(|_| absolute());
        let known = Memory::read()?;
        let is_known = |memory: &Memory| {
            let of_folder = memory.all.folders.iter().any(|folder| folder.path == path);
            of_folder
                || memory
                    .all
                    .plans
                    .iter()
                    .any(|plan| plan.path.as_ref() == Some(&path))
        };
        if !is_known(&known) {
            let shown = path.display();
            let above = known.folder_of(&path).map(|above| above.path.display());
            return Err(MemoryError::Refused(match above {
                Some(above) => format!(
                    "{shown} is trusted because its folder {above} is; to forget that: plandeck trust --remove {above}"
                ),
                None => format!("{shown} is not trusted; `plandeck trust` lists what is"),
            }));
        }
        Memory::change(|memory| {
            memory.all.folders.retain(|folder| folder.path != path);
            memory
                .all
                .plans
                .retain(|plan| plan.path.as_ref() != Some(&path));
        })?;
        Ok(path)
    }
}

/// Whether the file or folder at `path` lies in a trusted folder; a file of what is trusted that cannot be used says no.
pub(crate) fn is_in_trusted_folder(path: &Path) -> bool {
    let path = path.canonicalize();
    path.is_ok_and(|path| Memory::read().is_ok_and(|memory| memory.folder_of(&path).is_some()))
}

impl Memory {
    /// Reads the file; where there is none, nothing is trusted.
    pub(super) fn read() -> Result<Self, MemoryError> {
        match file() {
            Some(file) => Self::read_from(&file),
            None => Ok(Self::default()),
        }
    }

    fn read_from(file: &Path) -> Result<Self, MemoryError> {
        let text = match std::fs::read(file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(MemoryError::file(file.display().to_string(), error)),
        };
        refuse_foreign(file)?;
        let fault = |what: &str| {
            MemoryError::Refused(format!(
                "{}: {what}; fix it or remove it (then nothing is trusted), or run with --trust",
                file.display()
            ))
        };
        let value: serde_json::Value = serde_json::from_slice(&text)
            .map_err(|error| fault(&format!("it is not valid JSON: {error}")))?;
        match value["version"].as_u64() {
            Some(VERSION) => {}
            Some(newer) if newer > VERSION => {
                return Err(fault(&format!(
                    "it has the format {newer} of a newer version of plandeck"
                )));
            }
            _ => return Err(fault("it has no `version`")),
        }
        let read: Versioned = serde_json::from_value(value)
            .map_err(|error| fault(&format!("it cannot be read: {error}")))?;
        Ok(Self { all: read.all })
    }

    /// Reads the file, changes what is in it, and writes it, while no other process does the same.
    pub(super) fn change(change: impl FnOnce(&mut Self)) -> Result<(), MemoryError> {
        let file = file().ok_or_else(|| {
            MemoryError::Refused(
                "there is no home folder to remember what is trusted in; set PLANDECK_HOME"
                    .to_owned(),
            )
        })?;
        let fault = |error| MemoryError::file(file.display().to_string(), error);
        let folder = file.parent().unwrap_or(Path::new(""));
        std::fs::create_dir_all(folder).map_err(fault)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join("trust.lock"))
            .map_err(fault)?;
        lock.lock().map_err(fault)?;
        let mut memory = Self::read_from(&file)?;
        change(&mut memory);
        memory.write(&file).map_err(fault)
    }

    /// Replaces the file as a whole. A temporary file is readable for its owner alone.
    fn write(self, file: &Path) -> io::Result<()> {
        let folder = file.parent().unwrap_or(Path::new("."));
        let mut new = tempfile::NamedTempFile::new_in(folder)?;
        let all = Versioned {
            version: VERSION,
            all: self.all,
        };
        let mut text = serde_json::to_string_pretty(&all)?;
        text.push('\n');
        new.write_all(text.as_bytes())?;
        new.as_file().sync_all()?;
        new.persist(file)?;
        Ok(())
    }

    pub(super) fn add_folder(&mut self, path: PathBuf) {
        self.all.folders.retain(|folder| folder.path != path);
        let trusted_at = now();
        self.all.folders.push(TrustedFolder { path, trusted_at });
    }

    pub(super) fn add_plan(&mut self, plan: TrustedPlan) {
        let plans = &mut self.all.plans;
        plans.retain(|known| known.digest != plan.digest || known.path != plan.path);
        plans.push(plan);
        let latest = plans.last().map(|plan| plan.path.clone());
        let of_this = plans
            .iter()
            .filter(|plan| Some(&plan.path) == latest.as_ref())
            .count();
        let mut surplus = of_this.saturating_sub(MAX_OF_ONE);
        plans.retain(|plan| {
            let goes = surplus > 0 && Some(&plan.path) == latest.as_ref();
            surplus -= usize::from(goes);
            !goes
        });
        let surplus = plans.len().saturating_sub(MAX_PLANS);
        plans.drain(..surplus);
    }

    /// Whether the content was trusted.
    pub(super) fn covers(&self, subject: &Subject, reaches: &Reaches) -> bool {
        self.all
            .plans
            .iter()
            .any(|plan| plan.covers(subject, reaches))
    }

    /// Whether the plan and all its catalogs lie in trusted folders. A catalog whose content was trusted may lie
    /// anywhere.
    pub(super) fn has_folders_of(&self, subject: &Subject) -> bool {
        let mut placed = subject.files.iter().filter(|file| file.is_placed);
        let now = subject.digests();
        let alone: Vec<&TrustedPlan> = self
            .all
            .plans
            .iter()
            .filter(|plan| {
                let mut files = plan.files.iter();
                plan.is_catalog && files.all(|(name, digest)| now.get(name) == Some(digest))
            })
            .collect();
        let is_trusted = |file: &SubjectFile| {
            let place = file.path.as_deref();
            place.is_some_and(|place| self.folder_of(place).is_some())
                || alone
                    .iter()
                    .any(|plan| plan.files.values().any(|digest| *digest == file.digest))
        };
        !subject.files.is_empty() && placed.all(is_trusted)
    }

    /// What was trusted last in the place of this plan.
    pub(super) fn last_of(&self, subject: &Subject) -> Option<&TrustedPlan> {
        self.all.plans.iter().rev().find(|plan| plan.is_of(subject))
    }

    /// The trusted folder in which a path lies.
    fn folder_of(&self, path: &Path) -> Option<&TrustedFolder> {
        let mut folders = self.all.folders.iter();
        folders.find(|folder| path.ancestors().any(|above| is_same(above, &folder.path)))
    }
}

/// Whether two paths lead to the same folder; on file systems that ignore case, or mount a folder twice, they may differ.
fn is_same(one: &Path, other: &Path) -> bool {
    if one == other {
        return true;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if one.components().count() != other.components().count() {
            return false;
        }
        let identity = |path: &Path| std::fs::metadata(path).map(|it| (it.dev(), it.ino())).ok();
        identity(one).is_some_and(|one| identity(other) == Some(one))
    }
    #[cfg(not(unix))]
    false
}

/// Refuses a folder that holds more than one project: the root of the file system, and unless `force` is set the home
/// folder, what is above it, and folders in which other users can write.
///
/// # Errors
/// Why it is refused, with the remedy.
pub(crate) fn check_folder(folder: &Path, force: bool) -> Result<(), String> {
    let shown = folder.display();
    if folder.parent().is_none() {
        return Err(format!(
            "{shown} is the whole file system: trust the folder of the plan"
        ));
    }
    if force {
        return Ok(());
    }
    let insist = "trust the folder of the plan, or insist with --force";
    let home = std::env::home_dir().and_then(|home| home.canonicalize().ok());
    if home.is_some_and(|home| home.starts_with(folder)) {
        return Err(format!(
            "{shown} holds your home folder, with all that you ever download: {insist}"
        ));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(folder).map_or(0, |it| it.permissions().mode());
        if mode & 0o002 != 0 {
            return Err(format!("every user can write in {shown}: {insist}"));
        }
    }
    Ok(())
}

/// Refuses a file that other users can write.
#[cfg(unix)]
fn refuse_foreign(file: &Path) -> Result<(), MemoryError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(file).map_or(0, |it| it.permissions().mode());
    if mode & 0o022 == 0 {
        return Ok(());
    }
    let file = file.display();
    Err(MemoryError::Refused(format!(
        "{file}: other users can write this file, so it says nothing; if its content is yours: chmod 600 {file}"
    )))
}

#[cfg(not(unix))]
fn refuse_foreign(_file: &Path) -> Result<(), MemoryError> {
    Ok(())
}

/// Where the file is; `None` where there is no home.
fn file() -> Option<PathBuf> {
    let folder = match std::env::var_os("PLANDECK_HOME") {
        Some(home) if !home.is_empty() => PathBuf::from(home),
        _ => user_folder()?,
    };
    Some(folder.join(FILE))
}

fn now() -> String {
    Timestamp::now()
        .round(jiff::Unit::Second)
        .unwrap_or_default()
        .to_string()
}
