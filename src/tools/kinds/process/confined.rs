//! `jail` of a `process` tool: what the catalog says, and the jail that a call gets.

use super::{Program, within};
use crate::tools::ToolError;
use crate::tools::fields::Fields;
use crate::tools::jail::{Jail, JailKind, beside_program};
use crate::tools::services::Services;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The field of the catalog.
const FIELD: &str = "jail";
const FORMS: &str =
    "`jail` is true, false, or {reads: [PATH, …], writes: [PATH, …], network: true or false}";

/// What a program in a jail may reach, beside the system's programs and libraries, and a temporary folder of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JailSettings {
    /// Files and folders that it may read; the catalog's folder where that is not given.
    pub reads: Option<Vec<PathBuf>>,
    /// Files and folders that it may change.
    pub writes: Vec<PathBuf>,
    /// Whether it may reach a network.
    pub network: bool,
}

pub(super) fn parse(fields: &mut Fields<'_>) -> Option<JailSettings> {
    let mut given = match fields.take(FIELD)? {
        Value::Bool(true) => Map::new(),
        Value::Bool(false) => return None,
        Value::Object(given) => given,
        _ => {
            fields.fault(FIELD, FORMS);
            return None;
        }
    };
    let mut paths = |name: &str| match given.shift_remove(name) {
        None | Some(Value::Null) => Some(None),
        Some(Value::Array(list)) => {
            let texts = list
                .iter()
                .map(|one| one.as_str().filter(|path| !path.trim().is_empty()));
            let texts: Option<Vec<&str>> = texts.collect();
            texts.map(|texts| Some(texts.into_iter().map(|path| fields.path(path)).collect()))
        }
        Some(_) => None,
    };
    let (reads, writes) = (paths("reads"), paths("writes"));
    let network = match given.shift_remove("network") {
        None | Some(Value::Null) => Some(false),
        Some(network) => network.as_bool(),
    };
    match (reads, writes, network) {
        (Some(reads), Some(writes), Some(network)) if given.is_empty() => Some(JailSettings {
            reads,
            writes: writes.unwrap_or_default(),
            network,
        }),
        _ => {
            fields.fault(FIELD, FORMS);
            Some(JailSettings::default())
        }
    }
}

impl JailSettings {
    /// As a part of the fingerprint of a tool of the catalog in this folder.
    pub(super) fn to_value_in(&self, catalog: Option<&Path>) -> Value {
        let all = |paths: &[PathBuf]| -> Vec<PathBuf> {
            paths.iter().map(|path| within(catalog, path)).collect()
        };
        let reads = self.reads.as_deref().map(all);
        json!({"reads": reads, "writes": all(&self.writes), "network": self.network})
    }

    /// In words, for the list of what a plan starts.
    pub(super) fn in_words(&self) -> &'static str {
        if self.network {
            "in a jail with network"
        } else {
            "in a jail"
        }
    }
}

/// The jail of one call, with the folder that is removed after it.
pub(super) struct Confined {
    /// The jail; `None` where this system has none and the user allows that.
    pub jail: Option<Jail>,
    /// A temporary folder of its own.
    pub temporary: TempDir,
}

impl Confined {
    /// The jail for `executable`, which runs `program`.
    ///
    /// # Errors
    /// Where this system has none and that is not allowed; where a path in it does not exist.
    pub(super) fn new(
        settings: &JailSettings,
        program: &Program,
        executable: &Path,
        services: &Services,
    ) -> Result<Self, ToolError> {
        let name = &program.process.command[0];
        let unable = |why: String| {
            ToolError::permanent(format!(
                "the program {name} cannot be started: its jail cannot be made: {why}"
            ))
        };
        let temporary = tempfile::Builder::new().prefix("plandeck-jail-").tempdir();
        let temporary = temporary.map_err(|error| unable(error.to_string()))?;
        let Some(by) = JailKind::available() else {
            if services.allow_unsandboxed {
                return Ok(Self {
                    jail: None,
                    temporary,
                });
            }
            return Err(unable(
                "this system has neither Bubblewrap nor Landlock with seccomp; \
                 --allow-unsandboxed runs it without a jail"
                    .to_owned(),
            ));
        };
        let place = |path: &PathBuf| {
            let path = if path.as_os_str().is_empty() {
                Path::new(".")
            } else {
                path
            };
            let found = path.canonicalize();
            let found = found.map_err(|error| unable(format!("{}: {error}", path.display())))?;
            found
                .to_str()
                .ok_or_else(|| unable(format!("{} is not UTF-8", path.display())))?;
            Ok::<_, ToolError>(found)
        };
        let mut reads = match &settings.reads {
            Some(reads) => reads.iter().map(place).collect::<Result<Vec<_>, _>>()?,
            None => match program.folder.as_deref() {
                Some(folder) => vec![place(folder)?],
                None => Vec::new(),
            },
        };
        let own = program.process.files_in(program.folder.as_deref());
        // The script that it runs; what else a line for a shell names is not thereby allowed.
        let words = &program.process.command;
        for (name, script) in own.scripts() {
            if Path::new(name).is_relative() && words.iter().take(2).any(|word| &**word == name) {
                reads.push(place(&script)?);
            }
        }
        reads.extend(beside_program(&found_on_path(executable)));
        reads.sort();
        reads.dedup();
        let mut writes = settings
            .writes
            .iter()
            .map(place)
            .collect::<Result<Vec<_>, _>>()?;
        writes.push(place(&temporary.path().to_path_buf())?);
        let jail = Some(Jail {
            by,
            reads,
            writes,
            network: settings.network,
            is_strict: false,
        });
        Ok(Self { jail, temporary })
    }

    /// What it lets through, for the record.
    pub(super) fn in_words(&self) -> String {
        match &self.jail {
            Some(jail) => jail.in_words(),
            None => {
                "without a jail: this system has none, and --allow-unsandboxed was given".to_owned()
            }
        }
    }
}

/// Where a program is that is named without a folder.
fn found_on_path(program: &Path) -> PathBuf {
    if program.components().count() > 1 {
        return program.to_path_buf();
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&folders).map(|folder| folder.join(program));
    places
        .find(|place| place.is_file())
        .unwrap_or_else(|| program.to_path_buf())
}
