//! The sample plans, embedded in the program so that they exist however it was installed.

use super::failure::Failure;
use crate::session::SAMPLE_FILES as FILES;
use crate::store::home;
use crate::tui::home::{PlanItem, PlanPlace};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The folder with the sample plans, in a clone of the repository and in the store.
const FOLDER: &str = "sample-plans";

/// How long a step of a sample is shown as running at least, when no model runs it.
const PACE: Duration = Duration::from_millis(700);

/// The sample plans, in the order and with the descriptions of their README. If the folder `here` has a sample as a
/// file, that file is listed, because the user may have changed it.
pub(super) fn samples(here: &Path) -> Vec<PlanItem> {
    table()
        .filter_map(|(name, plan, about)| {
            let file = Path::new(FOLDER).join(plan);
            let (_, text) = FILES.iter().find(|(path, _)| *path == plan)?;
            let draft = crate::plan::parse(plan, text.as_bytes()).ok()?;
            let is_here = here.join(&file).is_file();
            Some(PlanItem {
                name: name.into(),
                place: if is_here {
                    PlanPlace::File(here.join(&file))
                } else {
                    PlanPlace::Sample(name.into())
                },
                shown: if is_here {
                    file.to_string_lossy().into()
                } else {
                    shown(name)
                },
                dialect: draft.dialect().to_string().into(),
                steps: draft.len(),
                about: about.into(),
            })
        })
        .collect()
}

/// The folder that a sample is written to, as shown to the user.
fn shown(name: &str) -> Arc<str> {
    let folder = folder_of(name).map_or_else(|_| name.into(), |path| path.display().to_string());
    folder.into()
}

/// The rows of the README's table: name, plan file, what it is for.
fn table() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let readme = FILES.iter().find(|(path, _)| *path == "README.md");
    let lines = readme.map_or("", |(_, text)| text).lines();
    lines.filter_map(|line| {
        let mut cells = line.strip_prefix("| [")?.split(" | ");
        let (name, plan) = cells.next()?.split_once("](")?;
        let about = cells.nth(1)?.strip_suffix(" |")?;
        Some((name, plan.strip_suffix(')')?, about))
    })
}

/// Whether a folder holds the sample plans, which are not listed a second time as plans of the user.
pub(super) fn is_samples(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name == FOLDER)
}

/// How slowly the plan in this file runs when somebody watches it and no model is called: `None` unless it is a sample.
/// Without a model the samples are over before their first frame is drawn.
pub(super) fn pace(plan: &Path) -> Option<Duration> {
    let plan = plan.canonicalize().ok()?;
    is_samples(plan.parent()?.parent()?).then_some(PACE)
}

fn folder_of(name: &str) -> Result<PathBuf, Failure> {
    let home = home()?;
    Ok(home.join(FOLDER).join(name))
}

/// Writes the files of a sample to the store's folder and returns the path of its plan. Existing files are kept,
/// because the user may have changed them, unless `overwrite` is set.
pub(super) fn unpack(name: &str, overwrite: bool) -> Result<PathBuf, Failure> {
    unpack_into(&folder_of(name)?, name, overwrite)
}

/// The same in another folder.
pub(super) fn unpack_into(folder: &Path, name: &str, overwrite: bool) -> Result<PathBuf, Failure> {
    let (_, plan, _) = table()
        .find(|(sample, ..)| *sample == name)
        .ok_or_else(|| Failure::usage(format!("there is no sample plan {name:?}")))?;
    let fault =
        |path: &Path, error: std::io::Error| Failure::usage(format!("{}: {error}", path.display()));
    for (path, text) in FILES {
        let Some(rest) = path
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('/'))
        else {
            continue;
        };
        let file = folder.join(rest);
        if file.exists() && !overwrite {
            continue;
        }
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent).map_err(|error| fault(parent, error))?;
        }
        std::fs::write(&file, text).map_err(|error| fault(&file, error))?;
    }
    let file = plan.split_once('/').map_or(plan, |(_, file)| file);
    Ok(folder.join(file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn files_in(folder: &Path, into: &mut BTreeSet<String>, root: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files_in(&path, into, root);
            } else {
                let path = path.strip_prefix(root).unwrap();
                into.insert(path.to_str().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn every_file_is_embedded() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER);
        let mut there = BTreeSet::new();
        files_in(&root, &mut there, &root);
        let embedded: BTreeSet<String> = FILES.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(embedded, there);
    }

    #[test]
    fn every_sample_is_listed_with_a_description() {
        let folder = tempfile::tempdir().unwrap();
        let samples = samples(folder.path());
        let folders: BTreeSet<&str> = FILES
            .iter()
            .filter_map(|(path, _)| Some(path.split_once('/')?.0))
            .collect();
        let names: BTreeSet<&str> = samples.iter().map(|sample| &*sample.name).collect();
        assert_eq!(names, folders);
        for sample in samples {
            assert!(
                !sample.about.is_empty() && sample.steps > 0,
                "{}",
                sample.name
            );
            assert_eq!(sample.place, PlanPlace::Sample(sample.name.clone()));
        }
    }

    #[test]
    fn sample_files_in_the_folder_are_listed() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let samples = samples(root);
        let receipt = samples.iter().find(|sample| &*sample.name == "receipt");
        let place = &receipt.unwrap().place;
        let file = root.join("sample-plans/receipt/plan.yaml");
        assert_eq!(*place, PlanPlace::File(file));
    }
}
