//! Writes the edits of a run back to its plan and its catalog, as a difference that is shown first.

mod defined_tools;
mod files;
mod given;
mod in_tool;
mod kept;

pub(crate) use files::ChangedFile;

use super::error::SessionError;
use super::history::find_run;
use super::load::{Loaded, beside, catalog_of_plan, load_to_check};
use super::options::SourceOptions;
use super::plan_edit::digest;
use super::resume::PriorRun;
use super::settings::Settings;
use crate::engine::definitions;
use crate::plan::{Dialect, Document, ExecutionPlan, FINAL_SYNTHESIS, Segment, parse};
use crate::run::RunState;
use crate::store::Store;
use crate::tools::EditedTools;
use files::Files;
use given::{Earlier, GivenEdit, edits_of};
use kept::{RunScope, parameters_with};
use serde::Serialize;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What was edited, where that is which steps a plan has and what they wait for.
const STRUCTURE: &str = "structure";

/// The edits of a run as changes of files.
#[derive(Debug)]
pub(crate) struct Saving {
    /// The run.
    pub run_id: Arc<str>,
    /// The files that change.
    pub files: Vec<ChangedFile>,
    /// The edits that no file can hold, or that are not written for another reason.
    pub left_out: Vec<LeftOut>,
}

/// An edit that is not written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LeftOut {
    /// The step, or the element.
    pub step: Arc<str>,
    /// What was edited: `input`, `prompt`, `model`, `temperature`, `max_tokens`, `output`, `skip`,
    /// `structure` or `tool_definition`.
    pub what: &'static str,
    /// Why it is not written, and what to do.
    pub why: String,
}

impl Saving {
    /// The difference of all files, as `patch` reads it; empty where nothing changes.
    pub(crate) fn diff(&self) -> String {
        self.files.iter().map(ChangedFile::diff).collect()
    }

    /// Writes the files: all of them, or none where one has changed since.
    ///
    /// # Errors
    /// Where one has changed since it was read, or cannot be written.
    pub(crate) fn write(&self) -> Result<(), SessionError> {
        for file in &self.files {
            file.is_as_read()?;
        }
        self.files.iter().try_for_each(ChangedFile::write)
    }

    /// As JSON; `written` says whether the files are.
    pub(crate) fn to_value(&self, written: bool) -> Value {
        let files = self.files.iter().map(|file| {
            json!({"file": file.path.display().to_string(), "diff": file.diff(), "edits": file.edits})
        });
        json!({
            "run_id": self.run_id,
            "written": written,
            "files": files.collect::<Vec<_>>(),
            "left_out": self.left_out,
        })
    }
}

/// The edits of the run `name` as changes of its plan and its catalog. The run may be running.
///
/// # Errors
/// Where there is no such run, its plan is on no file, or the file has faults now.
pub(crate) async fn saving(name: &str) -> Result<Saving, SessionError> {
    let recording = find_run(name)?.recording;
    let run_id = Arc::clone(&recording.summary.run_id);
    let run = RunState::from_events(&recording.events);
    let (edits, mut left_out) = edits_of(&run);
    let nothing = |left_out| Saving {
        run_id: Arc::clone(&run_id),
        files: Vec::new(),
        left_out,
    };
    let prior = PriorRun::look_at(&run_id)?;
    let edited_tools = prior.edited_tools();
    if edits.is_empty() && prior.edited_plan().is_none() && edited_tools.is_empty() {
        return Ok(nothing(left_out));
    }
    let (mut file, mut source) = (None, SourceOptions::default());
    prior.complete(&mut file, &mut source)?;
    let file = file.filter(|file| file != Path::new("-"));
    let file = file.ok_or_else(|| SessionError::PlanNotOnFile(Arc::clone(&run_id)))?;
    let on_file = source.plan_on_file.clone();
    let settings = Settings::load(&std::env::current_dir().unwrap_or_default())?;
    settings.complete(&mut source);
    let catalogs = source.tools.clone();
    let of_files = SourceOptions {
        edited_tools: EditedTools::new(),
        ..source.clone()
    };
    let loaded = load_to_check(&file, source, &settings).await?;
    let draft = parse(&loaded.source().name, loaded.source().text.as_bytes())?;
    let digests = definitions(&loaded.plan, &loaded.toolbox);
    let changed = prior.compared(&loaded.plan, &digests);
    let store = Store::open()?;
    let details = store.details(&recording.summary)?;
    let recorded = details.plan_text;
    let recorded = recorded.and_then(|text| Document::read(&text).ok());
    let of_files = catalog_of_plan(&file, &of_files, &draft)?;
    let catalogs = match (catalogs.is_empty(), draft.catalog()) {
        (false, _) => catalogs,
        (true, Some(_)) => vec![file.clone()],
        (true, None) => beside(file.parent().unwrap_or(Path::new("")))
            .into_iter()
            .collect(),
    };
    let mut writer = Writer {
        run: &run,
        loaded: &loaded,
        dialect: draft.dialect(),
        plan_file: file,
        catalogs,
        recorded,
        is_changed: &|step| changed.contains(step),
        earlier: Earlier::of(&recording.events, &run),
        files: Files::default(),
    };
    if let Some(edited) = prior.edited_plan()
        && let Err(why) = writer.write_plan(edited, on_file.as_deref())
    {
        let left = LeftOut {
            step: Arc::clone(&loaded.plan.name),
            what: STRUCTURE,
            why,
        };
        return Ok(nothing([vec![left], left_out].concat()));
    }
    left_out.extend(writer.write_tools(&edited_tools, &of_files));
    for edit in edits {
        if let Err(why) = writer.write(&edit) {
            left_out.push(LeftOut {
                step: Arc::clone(edit.step()),
                what: edit.what(),
                why,
            });
        }
    }
    let files = writer.files.changed();
    Ok(Saving {
        files,
        ..nothing(left_out)
    })
}

/// Puts edits into the texts of files.
struct Writer<'a> {
    run: &'a RunState,
    loaded: &'a Loaded,
    dialect: Dialect,
    plan_file: PathBuf,
    /// The files with tools, the last of which counts.
    catalogs: Vec<PathBuf>,
    /// The plan as the run has it.
    recorded: Option<Document>,
    /// Whether a step is defined otherwise now than in the run.
    is_changed: &'a dyn Fn(&Arc<str>) -> bool,
    earlier: Earlier,
    files: Files,
}

impl Writer<'_> {
    fn plan(&self) -> &ExecutionPlan {
        &self.loaded.plan
    }

    /// Writes the plan of the run, where that is an edited one that no file has.
    fn write_plan(&mut self, edited: &str, on_file: Option<&str>) -> Result<(), String> {
        let file = self.plan_file.clone();
        let now = self.files.text(&file)?;
        // Where no step was edited, the text is what the run read.
        if now == edited || on_file == Some(&digest(edited)) {
            return Ok(());
        }
        if on_file != Some(&digest(now)) {
            return Err(format!(
                "{} has changed since the run read it: look at it, and edit it there",
                file.display()
            ));
        }
        self.files.replace(&file, edited)?;
        let name = Arc::clone(&self.loaded.plan.name);
        self.files
            .note(&file, &name, STRUCTURE, "its steps".to_owned());
        Ok(())
    }

    fn write(&mut self, edit: &GivenEdit) -> Result<(), String> {
        let plan = Arc::clone(&self.loaded.plan);
        let step = plan.steps.iter().find(|step| step.id == *edit.step());
        let step = step.ok_or("the plan has no such step any more")?;
        match edit {
            GivenEdit::Input(id, input) => self.write_input(id, input),
            GivenEdit::Call(id, what @ "model", model) if self.has_fields() => {
                let mut path = self.step_path(id)?;
                path.push(Segment::Field((*what).into()));
                self.set_in_plan(id, what, &path, model)
            }
            GivenEdit::Call(id, what @ "prompt", prompt) if &**id == FINAL_SYNTHESIS => {
                let mut path = self.step_path(id)?;
                if self.current(&path).is_some_and(|value| value.is_object()) {
                    path.push(Segment::Field("prompt_template".into()));
                }
                self.set_in_plan(id, what, &path, prompt)
            }
            GivenEdit::Call(id, what, value) => self.set_in_tool(id, &step.tool, what, value),
        }
    }

    /// Whether a step of the plan has fields by name.
    fn has_fields(&self) -> bool {
        !matches!(self.dialect, Dialect::LlmCompiler | Dialect::ReWoo)
    }

    fn current(&mut self, path: &[Segment]) -> Option<Value> {
        self.files.open(&self.plan_file).ok()?.get(path)
    }

    /// The path of a step in the plan's file.
    fn step_path(&mut self, id: &str) -> Result<Vec<Segment>, String> {
        if !self.has_fields() {
            return Err(format!(
                "its plan is {}, in which this cannot be written without rewriting the line: edit {}",
                self.dialect,
                self.plan_file.display()
            ));
        }
        let document = self.files.open(&self.plan_file)?;
        if id == FINAL_SYNTHESIS {
            let mut path = document.plan();
            path.push(Segment::Field(FINAL_SYNTHESIS.into()));
            return Ok(path);
        }
        let path = document.step(id);
        path.ok_or_else(|| "the plan has no such step any more".to_owned())
    }

    fn set_in_plan(
        &mut self,
        id: &Arc<str>,
        what: &'static str,
        path: &[Segment],
        value: &Value,
    ) -> Result<(), String> {
        let now = self.current(path);
        if now.as_ref() == Some(value) {
            return Ok(());
        }
        let is_own = now.is_some_and(|now| self.earlier.gave(what, &now));
        self.refuse_changed(id, path, is_own)?;
        self.files.open(&self.plan_file)?.set(path, value)?;
        let place = format!("step {id}");
        self.files.note(&self.plan_file, id, what, place);
        Ok(())
    }

    /// Refuses to write where the file has something else than the run had.
    fn refuse_changed(&mut self, id: &str, path: &[Segment], is_own: bool) -> Result<(), String> {
        let Some(recorded) = &self.recorded else {
            return Ok(());
        };
        // Steps may have moved.
        let mut before = if id == FINAL_SYNTHESIS {
            path.get(..path.len().min(1)).map(<[Segment]>::to_vec)
        } else {
            recorded.step(id)
        };
        let own = before.as_ref().map_or(0, Vec::len);
        if let Some(before) = &mut before {
            before.extend(path.iter().skip(own).cloned());
        }
        let before = before.and_then(|path| recorded.get(&path));
        if is_own || before == self.current(path) {
            return Ok(());
        }
        Err(format!(
            "{} has changed in this place since the run read it: look at it, and edit it there",
            self.plan_file.display()
        ))
    }

    fn write_input(&mut self, id: &Arc<str>, input: &Value) -> Result<(), String> {
        let mut path = self.step_path(id)?;
        let document = self.files.open(&self.plan_file)?;
        let names = ["parameters", "input", "args"];
        let name = names.iter().find(|name| {
            let mut path = path.clone();
            path.push(Segment::Field((**name).into()));
            document.get(&path).is_some_and(|value| value.is_object())
        });
        let is_synthesis = &**id == FINAL_SYNTHESIS;
        match name {
            _ if is_synthesis => {}
            Some(name) => path.push(Segment::Field((*name).into())),
            None => path.push(Segment::Field("parameters".into())),
        }
        let written = document.get(&path).unwrap_or_else(|| json!({}));
        let plan = Arc::clone(&self.loaded.plan);
        let Some(step) = plan.steps.iter().find(|step| step.id == *id) else {
            return Ok(());
        };
        let scope = RunScope::new(self.run, &plan);
        let now = step.parameters.resolve(&scope).ok();
        if now.as_deref() == Some(input) {
            return Ok(());
        }
        if name.is_none() && !is_synthesis && now.as_deref() != Some(&json!({})) {
            return Err(format!(
                "the step is not written with parameters: edit {}",
                self.plan_file.display()
            ));
        }
        let is_own = now.is_some_and(|now| self.earlier.gave_input(id, &now));
        self.refuse_changed(id, &path, is_own)?;
        let value = parameters_with(&step.parameters, &written, input, &scope);
        let before = self.files.open(&self.plan_file)?.clone();
        self.files.open(&self.plan_file)?.set(&path, &value)?;
        // Text that looks like a reference would be read as one.
        let text = self.files.open(&self.plan_file)?.text().to_owned();
        let reads = kept::reads_as(&self.plan_file, &text, self.loaded, id, input, self.run);
        if !reads {
            *self.files.open(&self.plan_file)? = before;
            return Err(
                "the text of it would be read as a reference or an expression in the plan"
                    .to_owned(),
            );
        }
        self.files
            .note(&self.plan_file, id, "input", format!("step {id}"));
        Ok(())
    }
}
