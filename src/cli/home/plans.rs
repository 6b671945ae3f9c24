//! Finds the plans in the current folder and below it.

use crate::cli::samples;
use crate::plan::parse;
use crate::tui::home::{PlanItem, PlanPlace};
use std::path::{Path, PathBuf};

/// The most folders that are searched.
const FOLDERS: usize = 500;
/// How many levels below the current folder are searched.
const DEPTH: usize = 2;
/// The largest file, in bytes, that is read.
const BYTES: u64 = 4_000_000;
/// The most plans that are listed.
const PLANS: usize = 300;

/// The plans in this folder and the folders in it, nearest first.
pub(super) fn plans(here: &Path) -> Vec<PlanItem> {
    let mut plans = Vec::new();
    let mut open = std::collections::VecDeque::from([(here.to_path_buf(), 0)]);
    let mut searched = 0;
    while let Some((folder, depth)) = open.pop_front() {
        searched += 1;
        if searched > FOLDERS || plans.len() >= PLANS {
            break;
        }
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let hidden = path
                .file_name()
                .is_none_or(|name| name.to_string_lossy().starts_with('.'));
            if hidden {
                continue;
            }
            if path.is_dir() {
                let foreign = path
                    .file_name()
                    .is_some_and(|name| name == "node_modules" || name == "target");
                if depth < DEPTH && !foreign && !(depth == 0 && samples::is_samples(&path)) {
                    open.push_back((path, depth + 1));
                }
            } else {
                plans.extend(plan(&path, here));
            }
        }
    }
    plans.truncate(PLANS);
    plans
}

/// The plan in a file; `None` where the file is not a plan. Decided by its content, as when it is run.
fn plan(file: &Path, here: &Path) -> Option<PlanItem> {
    let ending = file.extension()?.to_str()?;
    // Documentation quotes plans: such a page can be run by name, but is not listed.
    let may_be = matches!(ending, "json" | "yaml" | "yml" | "txt");
    if !may_be || std::fs::metadata(file).ok()?.len() > BYTES {
        return None;
    }
    let bytes = std::fs::read(file).ok()?;
    let shown = file.strip_prefix(here).unwrap_or(file).to_string_lossy();
    let draft = parse(&shown, &bytes)
        .ok()
        .filter(|draft| !draft.is_empty())?;
    // For `plan.json` the name of the folder says more.
    let folder = file.parent().and_then(Path::file_name);
    let name = match (draft.name(), folder) {
        ("plan", Some(folder)) => folder.to_string_lossy(),
        (name, _) => name.into(),
    };
    Some(PlanItem {
        name: name.into(),
        place: PlanPlace::File(file.to_path_buf()),
        dialect: draft.dialect().to_string().into(),
        steps: draft.len(),
        about: "".into(),
        shown: shown.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plans_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let file = folder.path().join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        };
        let plan = r#"{"steps": [{"id": "a", "tool": "t"}]}"#;
        write("one/plan.json", plan);
        write("two.yaml", "name: second\nsteps: [{id: a, tool: t}]\n");
        write("README.md", &format!("A page:\n\n```json\n{plan}\n```\n"));
        write("tools.yaml", "tools: {t: {type: jq, filter: .}}");
        write("data.json", "[1, 2]");
        write("target/plan.json", plan);
        write(".hidden/plan.json", plan);
        write("a/b/c/plan.json", plan);
        let found = plans(folder.path());
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|plan| (&*plan.name, &*plan.shown))
            .collect();
        assert_eq!(found, [("second", "two.yaml"), ("one", "one/plan.json")]);
    }
}
