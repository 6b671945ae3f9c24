//! Loads a plan with everything it needs to run: catalog, context, worker, tools.

use super::draft::draft_of;
use super::error::SessionError;
use super::execution::Execution;
use super::literal_input::literal_input;
use super::log_file::watched;
use super::note::Note;
use super::options::SourceOptions;
use super::repeated_call::RepeatedCall;
use super::servers::add_servers;
use super::settings::Settings;
use super::trust::{Consent, is_in_trusted_folder};
use crate::engine::Previewer;
use crate::models::{SmallModelWorker, process_environment};
use crate::plan::{Draft, ExecutionPlan, Source, parse};
use crate::store::{FILES, home};
use crate::text::message::quote;
use crate::text::secrets::mask_password;
use crate::tools::{Catalog, CatalogToolbox, Reaches, ToolOptions};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Names of the catalog file that is used when it lies in the plan's folder.
const BESIDE: [&str; 3] = ["tools.yaml", "tools.yml", "tools.json"];

/// Names of the file with agents that is used when it lies in the plan's folder.
const AGENTS: [&str; 3] = ["agents.yaml", "agents.yml", "agents.json"];

/// The folder in `PLANDECK_HOME` for the tokens of MCP servers.
const TOKENS: &str = "tokens";

/// A plan that is ready to run.
pub struct Loaded {
    /// The plan.
    pub plan: Arc<ExecutionPlan>,
    /// The context from the caller and, for a resumed run, from the earlier run.
    pub context: Map<String, Value>,
    /// The tools of the catalog, ready to call.
    pub toolbox: CatalogToolbox,
    /// The worker that runs `model` tools.
    pub worker: SmallModelWorker,
    pub(super) file: PathBuf,
    pub(super) options: SourceOptions,
    pub(super) source: Source,
    pub(super) catalog: Catalog,
    /// The plan as it was read, where it calls tools that only MCP servers may have and that none has listed yet.
    pub(super) unlisted: Option<Box<Draft>>,
    /// Whether every context value must be given.
    pub(super) needs_context: bool,
    /// The recorded run whose call is repeated, where the plan is made for that.
    pub(super) repeats: Option<RepeatedCall>,
    /// Whether it stands for a recorded run of whose tools it is not known what they were.
    pub(super) lacks_record: bool,
}

/// Loads a plan to run it: every context value that it refers to must be given.
///
/// `file` is `-` for standard input.
pub async fn load(
    file: &Path,
    options: SourceOptions,
    settings: &Settings,
) -> Result<Loaded, SessionError> {
    load_with(file, options, settings, true).await
}

/// Loads a plan to check it: context values may be missing.
pub(crate) async fn load_to_check(
    file: &Path,
    options: SourceOptions,
    settings: &Settings,
) -> Result<Loaded, SessionError> {
    load_with(file, options, settings, false).await
}

async fn load_with(
    file: &Path,
    options: SourceOptions,
    settings: &Settings,
    needs_context: bool,
) -> Result<Loaded, SessionError> {
    let draft = draft_of(file, &options)?;
    load_draft(draft, file, options, settings, needs_context).await
}

/// The name of the text of a plan that only calls a tool.
pub(crate) const CALL: &str = "the call";

/// Loads a plan of one step, which calls `tool` with `input`, an object of values that are taken as they are.
pub(crate) async fn load_call(
    tool: &str,
    input: Map<String, Value>,
    mut options: SourceOptions,
    settings: &Settings,
) -> Result<Loaded, SessionError> {
    let (parameters, context) = literal_input(&input, "value");
    let step = json!({"id": tool, "tool": tool, "parameters": parameters});
    let text = json!({"name": format!("call of {tool}"), "steps": [step]}).to_string();
    options.context = context;
    let draft = parse(CALL, text.as_bytes())?;
    load_draft(draft, Path::new("-"), options, settings, true).await
}

pub(super) async fn load_draft(
    draft: Draft,
    file: &Path,
    options: SourceOptions,
    settings: &Settings,
    needs_context: bool,
) -> Result<Loaded, SessionError> {
    load_with_catalog((draft, None), file, options, settings, needs_context).await
}

/// The same, with a catalog that is `known`.
pub(super) async fn load_with_catalog(
    (draft, known): (Draft, Option<Catalog>),
    file: &Path,
    options: SourceOptions,
    settings: &Settings,
    needs_context: bool,
) -> Result<Loaded, SessionError> {
    let source = draft.source().clone();
    let mut context = options.recorded_context.clone();
    context.extend(options.context.clone());
    let given = needs_context.then_some(&context);
    let mut catalog = match known {
        Some(catalog) => catalog,
        None => match catalog_of_plan(file, &options, &draft) {
            Ok(catalog) => catalog,
            // The plan is checked without its tools, so that all faults are reported at once.
            Err(SessionError::Faults(mut faults)) => {
                faults.extend(draft.check(None, given).err());
                return Err(SessionError::Faults(faults));
            }
            Err(failure) => return Err(failure),
        },
    };
    add_servers(&mut catalog, file, &options.mcp_config, &draft)?;
    let unlisted = (!catalog.expected().is_empty()).then(|| Box::new(draft.clone()));
    let plan = draft.check(Some(&catalog), given)?;
    let worker = worker(&options, settings).await?;
    if needs_context {
        refuse_address_of_project(&options, &worker)?;
    }
    Ok(Loaded {
        plan: Arc::new(plan),
        context,
        toolbox: CatalogToolbox::new(&catalog, &worker, tool_options(&options)),
        worker,
        file: file.to_path_buf(),
        options,
        source,
        catalog,
        unlisted,
        needs_context,
        repeats: None,
        lacks_record: false,
    })
}

/// The catalog of a plan, with the operations of OpenAPI documents, and tools as the user has defined them.
pub(super) fn catalog_of_plan(
    file: &Path,
    options: &SourceOptions,
    draft: &Draft,
) -> Result<Catalog, SessionError> {
    let mut catalog = catalog(file, &options.tools, Some(draft))?;
    for file in &options.open_api {
        catalog.complete(Catalog::load_open_api(file)?);
    }
    for (name, tool) in &options.edited_tools {
        catalog.define(name, tool)?;
    }
    Ok(catalog)
}

/// The catalog for the plan in the file `plan`: from `files`, else the plan's own, else the catalog file in its folder; with
/// the agents that a file in that folder lists.
pub(crate) fn catalog(
    plan: &Path,
    files: &[PathBuf],
    draft: Option<&Draft>,
) -> Result<Catalog, SessionError> {
    let mut catalog = catalog_of_tools(plan, files, draft)?;
    let folder = plan.parent().unwrap_or(Path::new(""));
    if let Some(file) = in_folder(folder, &AGENTS) {
        catalog.complete(Catalog::load(&file)?);
    }
    Ok(catalog)
}

fn catalog_of_tools(
    plan: &Path,
    files: &[PathBuf],
    draft: Option<&Draft>,
) -> Result<Catalog, SessionError> {
    let mut all: Option<Catalog> = None;
    for file in files {
        let next = Catalog::load(file)?;
        match &mut all {
            Some(catalog) => catalog.merge(next),
            None => all = Some(next),
        }
    }
    if let Some(catalog) = all {
        return Ok(catalog);
    }
    let folder = plan.parent().unwrap_or(Path::new(""));
    if let Some((draft, own)) = draft.and_then(|draft| Some((draft, draft.catalog()?))) {
        return Ok(Catalog::from_value(own, draft.source(), Some(folder))?);
    }
    match beside(folder) {
        Some(file) => Ok(Catalog::load(&file)?),
        None => Ok(Catalog::default()),
    }
}

/// The catalog file in a folder.
pub(super) fn beside(folder: &Path) -> Option<PathBuf> {
    in_folder(folder, &BESIDE)
}

fn in_folder(folder: &Path, names: &[&str]) -> Option<PathBuf> {
    let files = names.iter().map(|name| folder.join(name));
    files.into_iter().find(|file| file.is_file())
}

/// Tools that read this process's environment; every value that they read is kept out of the log.
pub(super) fn tool_options(options: &SourceOptions) -> ToolOptions {
    ToolOptions {
        allow_unsandboxed: options.allow_unsandboxed,
        environment: watched(process_environment()),
        files: files_folder(),
        tokens: home().ok().map(|home| home.join(TOKENS)),
        no_effects: options.no_effects,
        ..ToolOptions::default()
    }
}

/// Where files are kept that outputs name.
pub(super) fn files_folder() -> Option<PathBuf> {
    std::path::absolute(home().ok()?.join(FILES)).ok()
}

pub(super) async fn worker(
    options: &SourceOptions,
    settings: &Settings,
) -> Result<SmallModelWorker, SessionError> {
    let choice = options.worker.as_deref().unwrap_or("auto");
    let choice = match (choice, options.seed) {
        ("simulated", Some(seed)) => format!("simulated:{seed}"),
        (choice, _) => choice.to_owned(),
    };
    let base_url = options.base_url.as_deref();
    let worker = SmallModelWorker::choose(&choice, base_url, process_environment());
    let worker = worker.await?;
    settings.applied_to(worker)
}

/// A base URL that a project's file names gets no key unless the user consents: the folder may come from anybody.
pub(super) fn refuse_address_of_project(
    options: &SourceOptions,
    worker: &SmallModelWorker,
) -> Result<(), SessionError> {
    let (Some(file), Some(address)) = (&options.base_url_of, &options.base_url) else {
        return Ok(());
    };
    let keys = worker.keys_at_hand();
    if options.trust || keys.is_empty() || is_in_trusted_folder(file) {
        return Ok(());
    }
    Err(SessionError::AddressOfProject {
        file: file.clone(),
        address: mask_password(address).into_owned(),
        keys: keys.join(", "),
    })
}

impl Loaded {
    /// Where requests to models go, if a project's settings file and not the user says so; without a password.
    pub(crate) fn address_of_project(&self) -> Option<String> {
        self.options.base_url_of.as_ref()?;
        self.worker
            .address(None)
            .map(|address| mask_password(&address).into_owned())
    }

    /// Which worker `auto` took, and why; `None` where the user chose it.
    pub(crate) fn worker_chosen(&self) -> Option<Note> {
        Some(Note::WorkerChosen {
            worker: self.worker.name(),
            reason: self.worker.reason()?.to_owned(),
        })
    }

    /// What the plan would start, reach and read.
    pub fn reaches(&self) -> Reaches {
        self.toolbox.reaches(&self.plan)
    }

    /// The plan's and the catalog's warnings.
    pub fn warnings(&self) -> Vec<Note> {
        let mut notes = Vec::new();
        if !self.plan.warnings.is_empty() {
            notes.push(Note::PlanWarnings {
                source: self.source.clone(),
                warnings: self.plan.warnings.clone(),
            });
        }
        if let (Some(file), Some(address)) = (&self.options.base_url_of, self.address_of_project())
        {
            let file = file.clone();
            notes.push(Note::AddressOfProject { file, address });
        }
        let messages = self.catalog.warnings.iter().map(|one| one.message.clone());
        notes.extend(messages.map(Note::CatalogWarning));
        notes.extend(self.unlisted_note());
        notes
    }

    /// That the tools of the recorded run are taken as they are now, because it is not known what they were.
    pub(crate) fn tools_as_they_are(&self) -> Option<Note> {
        let note = "the run has no record of its catalog, which older versions did not keep: its tools are taken as they are \
                    now";
        self.lacks_record
            .then(|| Note::CatalogWarning(note.to_owned()))
    }

    /// Which tools are looked for on MCP servers before anything runs.
    fn unlisted_note(&self) -> Option<Note> {
        self.unlisted.as_ref()?;
        let names = self.catalog.expected().iter().map(|name| quote(name, 60));
        let names: Vec<String> = names.collect();
        Some(Note::CatalogWarning(format!(
            "not in the catalog, and looked for on the MCP servers when the plan runs: {}",
            names.join(", ")
        )))
    }

    /// The plan with the tools that MCP servers list, checked in full. Where it calls tools that only servers may have,
    /// they are started or connected to, which takes consent.
    ///
    /// # Errors
    /// Faults of the plan; where a server is not there, or does not list its tools.
    pub(crate) async fn with_listed_tools(mut self, _: &Consent) -> Result<Self, SessionError> {
        if self.worker.is_simulated() {
            return Ok(self);
        }
        if let Some(draft) = self.unlisted.take() {
            let listing = self.toolbox.with_listed_tools(&self.catalog, false).await;
            let given = self.needs_context.then_some(&self.context);
            let plan = draft.check(Some(&listing.catalog), given);
            self.plan = match plan {
                Ok(plan) => Arc::new(plan),
                Err(faults) => {
                    let failures = listing.failures.iter().map(|error| error.message.clone());
                    return match failures.reduce(|all, one| format!("{all}\n{one}")) {
                        Some(failures) => Err(SessionError::Servers(failures)),
                        None => Err(faults.into()),
                    };
                }
            };
            self.toolbox = listing.toolbox;
            self.catalog = listing.catalog;
        }
        match self.toolbox.missing_server(&self.plan) {
            Some((step, why)) => Err(SessionError::Servers(format!("step {step}: {why}"))),
            None => Ok(self),
        }
    }

    /// Another plan, which is in no file and repeats a call of the run `repeats`, with the same tools and worker.
    pub(super) fn with_plan(
        self,
        draft: Draft,
        context: Map<String, Value>,
        repeats: RepeatedCall,
    ) -> Result<Self, SessionError> {
        let source = draft.source().clone();
        let plan = draft.check(Some(&self.catalog), Some(&context))?;
        Ok(Self {
            plan: Arc::new(plan),
            context,
            file: PathBuf::from("-"),
            source,
            repeats: Some(repeats),
            ..self
        })
    }

    /// The catalog, with what MCP servers have listed.
    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The name and text of the plan file.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Whether a planner wrote the plan for this run, or for the one that is resumed.
    pub(super) fn is_planned(&self) -> bool {
        let before = self.options.planned_digest.as_ref();
        self.options.is_planned || before.is_some_and(|digest| *digest == self.digest())
    }

    /// The digest of the plan's text.
    pub(crate) fn digest(&self) -> String {
        blake3::hash(self.source.text.as_bytes())
            .to_hex()
            .to_string()
    }

    /// What the plan would start, reach and read with any worker.
    pub(crate) fn reaches_with_any_worker(&self) -> Reaches {
        self.toolbox.reaches_with_any_worker(&self.plan)
    }

    /// Who tells what commands would do to runs of this plan.
    pub(crate) fn previewer(&self) -> Previewer {
        Previewer::new(Arc::clone(&self.plan), &self.toolbox)
    }

    /// Starts to set up a run of this plan; limits, rates, journal and an earlier run are set on the result.
    pub(crate) fn into_execution(self, _consent: Consent) -> Execution {
        let provenance = self.provenance();
        let mut execution = Execution::of(self.plan, self.worker);
        execution.context = Value::Object(self.context);
        execution.toolbox = Some(self.toolbox);
        execution.provenance = provenance;
        execution
    }
}
