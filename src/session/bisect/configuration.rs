//! The good run with some of the differences: a plan, a catalog and a context that a fork runs.

use super::Bisect;
use super::differences::{Difference, with};
use super::minimize::Set;
use super::side::{Document, edits_in};
use crate::engine::Edit;
use crate::plan::{FINAL_SYNTHESIS, PlanFaults, parse};
use crate::session::error::SessionError;
use crate::session::load::{Loaded, load_with_catalog};
use crate::session::settings::Settings;
use crate::tools::{Catalog, CatalogRecord, RecordedScript};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A set of differences as something that can run.
#[derive(Clone)]
pub(super) struct Configuration {
    /// What it is made from.
    pub document: Document,
    /// Its name.
    name: String,
    /// The steps whose answer is that of the bad run.
    answers: BTreeSet<String>,
}

impl Configuration {
    /// The good run with the differences of `set`.
    pub(super) fn of(bisect: &Bisect, set: &Set) -> Self {
        let wanted = || set.iter().filter_map(|at| bisect.differences.get(*at));
        let is_answer = |path: &[String]| path.first().is_some_and(|first| first == "answers");
        let answers = wanted().filter(|one| is_answer(&one.path));
        let made = wanted().filter(|one| !is_answer(&one.path));
        let document = with(&bisect.good.document, &bisect.bad.document, made);
        let plan = document.0["name"].as_str().unwrap_or_default();
        Self {
            name: name(plan, set, &bisect.differences),
            answers: answers.filter_map(|one| one.path.last().cloned()).collect(),
            document,
        }
    }

    /// Whether a step gives what it gave in the bad run where both have called it alike.
    pub(super) fn has_bad_answer(&self, step: &str) -> bool {
        self.answers.contains(step)
    }

    /// What the user gave its rows.
    pub(super) fn edits(&self) -> Vec<Edit> {
        edits_in(&self.document)
    }

    /// Its plan with its tools, of which none that may change something is called.
    ///
    /// # Errors
    /// Faults where these differences do not go together.
    pub(super) async fn load(
        &self,
        bisect: &Bisect,
        settings: &Settings,
    ) -> Result<Loaded, SessionError> {
        let draft = parse(&self.name, self.plan().to_string().as_bytes())?;
        let catalog = self.catalog(bisect)?;
        let mut source = bisect.source.clone();
        let context = self.document.0["context"].as_object().cloned();
        // What the user gives now replaces what was left out of the record.
        source.recorded_context = context.unwrap_or_default();
        source.worker = self.document.0["worker"].as_str().map(str::to_owned);
        source.no_effects = true;
        settings.complete(&mut source);
        let known = (draft, Some(catalog));
        load_with_catalog(known, Path::new("-"), source, settings, true).await
    }

    fn plan(&self) -> Value {
        let document = &self.document.0;
        let order = document["order"].as_array().into_iter().flatten();
        let steps = order.filter_map(Value::as_str).filter_map(|id| {
            let step = document["steps"].get(id)?.as_object()?;
            let mut all = Map::from_iter([("id".to_owned(), json!(id))]);
            all.extend(step.clone());
            Some(Value::Object(all))
        });
        let mut plan = json!({"name": self.name, "steps": steps.collect::<Vec<_>>()});
        if document[FINAL_SYNTHESIS].is_object() {
            plan[FINAL_SYNTHESIS] = document[FINAL_SYNTHESIS].clone();
        }
        plan
    }

    fn catalog(&self, bisect: &Bisect) -> Result<Catalog, SessionError> {
        let mut record: CatalogRecord = bisect.good.catalog.clone();
        record.add(&bisect.bad.catalog);
        for (name, tool) in &mut record.tools {
            if let Some(entry) = self.document.0["tools"][&**name].as_object() {
                tool.entry.clone_from(entry);
            }
            let scripts = self.document.0["scripts"][&**name].as_object();
            for (word, script) in scripts.into_iter().flatten() {
                let script: RecordedScript = serde_json::from_value(script.clone())
                    .map_err(|error| SessionError::file(word.clone(), error.into()))?;
                if let Some(path) = bisect.scripts.place_of(&script)? {
                    for field in tool.entry.values_mut() {
                        rename(field, word, &path);
                    }
                }
            }
        }
        record.set_servers(&self.document.0["servers"]);
        let mut now = bisect.good.loaded.catalog().clone();
        now.complete(bisect.bad.loaded.catalog().clone());
        Catalog::from_record(&record, &now).map_err(|faults: PlanFaults| faults.into())
    }
}

/// The name of a fork, for the list of runs.
fn name(plan: &str, set: &Set, differences: &[Difference]) -> String {
    let first = set.first().and_then(|at| differences.get(*at));
    match (set.len(), first) {
        (1, Some(first)) => format!("{plan} with {}", first.name()),
        (count, _) => format!("{plan} with {count} of {} differences", differences.len()),
    }
}

/// Names another file in a command.
fn rename(value: &mut Value, word: &str, path: &Path) {
    match value {
        Value::String(text) => *text = text.replace(word, &path.to_string_lossy()),
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, word, path)),
        _ => {}
    }
}

/// Scripts as they were, in a folder of their own.
pub(super) struct Scripts(tempfile::TempDir);

impl Scripts {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self(tempfile::tempdir()?))
    }

    /// Where a script lies as it was: `None` where its file is still as it was, or is not known to have been otherwise.
    fn place_of(&self, script: &RecordedScript) -> Result<Option<PathBuf>, SessionError> {
        let Some(text) = &script.text else {
            return Ok(None);
        };
        if std::fs::read_to_string(&script.path).is_ok_and(|now| now == *text) {
            return Ok(None);
        }
        let file = script.path.file_name().unwrap_or_default();
        let folder = self.0.path().join(&script.digest);
        let place = folder.join(file);
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(&folder)?;
            std::fs::write(&place, text)?;
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o700))?;
            }
            Ok(())
        };
        write().map_err(|error| SessionError::file(place.display().to_string(), error))?;
        Ok(Some(place))
    }
}
