//! A plan with all it needs to run: catalog, context, worker, tools.

use super::error::SessionError;
use super::execution::Execution;
use super::log_file::watched;
use super::note::Note;
use super::options::SourceOptions;
use super::recording::Provenance;
use super::redaction::without_secrets;
use super::settings::Settings;
use crate::models::{Prices, SmallModelWorker, process_environment};
use crate::plan::{Diagnostic, Draft, ExecutionPlan, Source, parse};
use crate::tools::{Catalog, CatalogToolbox, ToolOptions};
use serde_json::{Map, Value, json};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The names under which a catalog is looked for beside a plan.
const BESIDE: [&str; 3] = ["tools.yaml", "tools.yml", "tools.json"];

/// A plan that is ready to run.
pub struct Loaded {
    /// The plan.
    pub plan: Arc<ExecutionPlan>,
    /// What the caller gives as context.
    pub context: Map<String, Value>,
    /// The tools.
    pub toolbox: CatalogToolbox,
    /// Who carries out `model` tools.
    pub worker: SmallModelWorker,
    file: PathBuf,
    options: SourceOptions,
    source: Source,
    catalog_warnings: Vec<Diagnostic>,
}

/// Loads a plan for a run: what it refers to must be given.
///
/// `file` is `-` for standard input.
pub async fn load(
    file: &Path,
    options: SourceOptions,
    settings: &Settings,
) -> Result<Loaded, SessionError> {
    load_with(file, options, settings, true).await
}

/// Loads a plan to look it over: values that are not given are only listed.
pub async fn load_to_check(
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
    let draft = read_draft(file)?;
    let source = draft.source().clone();
    let mut context = options.recorded_context.clone();
    context.extend(options.context.clone());
    let given = needs_context.then_some(&context);
    let mut catalog = match catalog(file, &options.tools, Some(&draft)) {
        Ok(catalog) => catalog,
        // What can be said of the plan without its tools is said as well: all faults at once.
        Err(SessionError::Faults(mut faults)) => {
            faults.extend(draft.check(None, given).err());
            return Err(SessionError::Faults(faults));
        }
        Err(failure) => return Err(failure),
    };
    for file in &options.mcp_config {
        let servers = Catalog::load(file)?.mcp_servers;
        if servers.is_empty() {
            return Err(SessionError::NoServers(file.clone()));
        }
        catalog.mcp_servers.extend(servers);
    }
    let plan = draft.check(Some(&catalog), given)?;
    let worker = worker(&options, settings).await?;
    Ok(Loaded {
        plan: Arc::new(plan),
        context,
        toolbox: CatalogToolbox::new(&catalog, &worker, tool_options()),
        worker,
        file: file.to_path_buf(),
        options,
        source,
        catalog_warnings: catalog.warnings,
    })
}

/// Reads a plan from a file, or from standard input where the name is `-`, without checking it.
pub fn read_draft(file: &Path) -> Result<Draft, SessionError> {
    let (name, bytes) = if file == Path::new("-") {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().read_to_end(&mut bytes);
        ("standard input".to_owned(), read.map(|_| bytes))
    } else {
        (file.display().to_string(), std::fs::read(file))
    };
    let bytes = bytes.map_err(|error| SessionError::file(&name, error))?;
    Ok(parse(&name, &bytes)?)
}

/// The catalog for the plan in the file `plan`: of `files`, else the plan's own, else of the file beside it.
pub fn catalog(
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
    let beside = BESIDE
        .iter()
        .map(|name| folder.join(name))
        .find(|file| file.is_file());
    match beside {
        Some(file) => Ok(Catalog::load(&file)?),
        None => Ok(Catalog::default()),
    }
}

/// The process's environment, whose values do not reach the log once they were read.
fn tool_options() -> ToolOptions {
    ToolOptions {
        environment: watched(process_environment()),
        ..ToolOptions::default()
    }
}

async fn worker(
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
    let mut prices = Prices::default();
    for (model, setting) in &settings.prices {
        let price = setting.price().map_err(|why| {
            SessionError::Settings(format!("the price of {model} in the settings: {why}"))
        })?;
        prices = prices.with(model, price);
    }
    Ok(worker.prices(prices))
}

impl Loaded {
    /// The plan's and the catalog's warnings.
    pub fn warnings(&self) -> Vec<Note> {
        let mut notes = Vec::new();
        if !self.plan.warnings.is_empty() {
            notes.push(Note::PlanWarnings {
                source: self.source.clone(),
                warnings: self.plan.warnings.clone(),
            });
        }
        let messages = self.catalog_warnings.iter().map(|one| one.message.clone());
        notes.extend(messages.map(Note::CatalogWarning));
        notes
    }

    /// Where the plan was read from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// A run of it: what is left to choose is limits, rates, the journal and what the run begins with.
    pub fn into_execution(self) -> Execution {
        let provenance = self.provenance();
        let mut execution = Execution::of(self.plan, self.worker);
        execution.context = Value::Object(self.context);
        execution.toolbox = Some(self.toolbox);
        execution.provenance = provenance;
        execution
    }

    fn provenance(&self) -> Provenance {
        let absolute = |path: &Path| {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
            path.to_string_lossy().into_owned()
        };
        let all = |paths: &[PathBuf]| {
            let paths = paths.iter().map(|path| absolute(path));
            paths.collect::<Vec<_>>()
        };
        let options = &self.options;
        let given: Vec<&String> = self.context.keys().collect();
        Provenance {
            plan_path: (self.file != Path::new("-")).then(|| absolute(&self.file).into()),
            plan_text: Some(without_secrets(&self.source, &self.plan)),
            settings: json!({
                "tools": all(&options.tools),
                "mcp_config": all(&options.mcp_config),
                "context": given,
                "worker": options.worker,
                "seed": options.seed,
                // With a name and a password in it, it is none of the record's business.
                "base_url": options.base_url.as_ref().filter(|url| !url.contains('@')),
            }),
        }
    }
}
