//! A plan with all it needs to run: catalog, context, worker, tools.

use super::args::{ColorWhen, ScreenArgs, SourceArgs};
use super::context::context;
use super::failure::Failure;
use super::settings::Settings;
use crate::models::{Prices, SmallModelWorker, process_environment};
use crate::plan::{Diagnostic, Draft, ExecutionPlan, Source, parse};
use crate::report::{DiagnosticStyle, render};
use crate::run::ResourceLimits;
use crate::tools::{Catalog, CatalogToolbox, ToolOptions, Toolbox};
use crate::tui;
use serde_json::{Map, Value};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The names under which a catalog is looked for beside a plan.
const BESIDE: [&str; 3] = ["tools.yaml", "tools.yml", "tools.json"];

/// A plan that is ready to run.
pub struct Loaded {
    /// The plan.
    pub plan: Arc<ExecutionPlan>,
    /// What the command line gives as context.
    pub context: Map<String, Value>,
    /// The tools.
    pub toolbox: Arc<dyn Toolbox>,
    /// Who carries out `model` tools.
    pub worker: SmallModelWorker,
    source: Source,
    catalog_warnings: Vec<Diagnostic>,
}

/// Loads a plan for a run: what it refers to must be given.
pub async fn load(file: &Path, args: &SourceArgs, settings: &Settings) -> Result<Loaded, Failure> {
    load_with(file, args, settings, true).await
}

/// Loads a plan to look it over: values that are not given are only listed.
pub async fn load_to_check(
    file: &Path,
    args: &SourceArgs,
    settings: &Settings,
) -> Result<Loaded, Failure> {
    load_with(file, args, settings, false).await
}

async fn load_with(
    file: &Path,
    args: &SourceArgs,
    settings: &Settings,
    needs_context: bool,
) -> Result<Loaded, Failure> {
    let draft = draft(file)?;
    let source = draft.source().clone();
    let mut values = args.recorded.clone();
    values.extend(context(&args.context_file, &args.context)?);
    let context = values;
    let given = needs_context.then_some(&context);
    let mut catalog = match catalog(file, &args.tools, Some(&draft)) {
        Ok(catalog) => catalog,
        // What can be said of the plan without its tools is said as well: all faults at once.
        Err(Failure::Faults(mut faults)) => {
            faults.extend(draft.check(None, given).err());
            return Err(Failure::Faults(faults));
        }
        Err(failure) => return Err(failure),
    };
    for file in &args.mcp_config {
        let servers = Catalog::load(file)?.mcp_servers;
        if servers.is_empty() {
            return Err(Failure::usage(format!(
                "--mcp-config {}: it has no `mcpServers`",
                file.display()
            )));
        }
        catalog.mcp_servers.extend(servers);
    }
    let plan = draft.check(Some(&catalog), given)?;
    let worker = worker(args, settings).await?;
    Ok(Loaded {
        plan: Arc::new(plan),
        context,
        toolbox: Arc::new(CatalogToolbox::new(
            &catalog,
            &worker,
            ToolOptions::default(),
        )),
        worker,
        source,
        catalog_warnings: catalog.warnings,
    })
}

/// Reads a plan from a file, or from standard input where the name is `-`.
fn draft(file: &Path) -> Result<Draft, Failure> {
    let (name, bytes) = if file == Path::new("-") {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().read_to_end(&mut bytes);
        ("standard input".to_owned(), read.map(|_| bytes))
    } else {
        (file.display().to_string(), std::fs::read(file))
    };
    let bytes = bytes.map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    Ok(parse(&name, &bytes)?)
}

/// The catalog: of `--tools`, else the plan's own, else of the file beside it.
pub fn catalog(plan: &Path, files: &[PathBuf], draft: Option<&Draft>) -> Result<Catalog, Failure> {
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

async fn worker(args: &SourceArgs, settings: &Settings) -> Result<SmallModelWorker, Failure> {
    let choice = args.worker.as_deref().unwrap_or("auto");
    let choice = match (choice, args.seed) {
        ("simulated", Some(seed)) => format!("simulated:{seed}"),
        (choice, _) => choice.to_owned(),
    };
    let worker = SmallModelWorker::choose(&choice, args.base_url.as_deref(), process_environment());
    let worker = worker
        .await
        .map_err(|error| Failure::usage(error.to_string()))?;
    let mut prices = Prices::default();
    for (model, setting) in &settings.prices {
        let price = setting.price().map_err(|why| {
            Failure::usage(format!("the price of {model} in the settings: {why}"))
        })?;
        prices = prices.with(model, price);
    }
    Ok(worker.prices(prices))
}

impl Loaded {
    /// With a limit on cost, a model without a price is refused before anything runs: what it costs could
    /// not be held against the limit.
    pub fn refuse_unpriced(
        &self,
        limits: &ResourceLimits,
        track_cost: bool,
    ) -> Result<(), Failure> {
        if !track_cost || limits.max_total_cost_usd.is_none() {
            return Ok(());
        }
        let unpriced = self.plan.steps.iter().find(|step| {
            let quote = self
                .toolbox
                .tool(&step.tool)
                .map(|tool| tool.quote(&Value::Null, step.model.as_deref()));
            quote.is_some_and(|quote| quote.most.is_none())
        });
        let Some(step) = unpriced else { return Ok(()) };
        let model = self.worker.model_for(step.model.as_deref());
        let model = model.map_or_else(
            || "its model".to_owned(),
            |(provider, model)| format!("{provider}/{model}"),
        );
        Err(Failure::usage(format!(
            "the price of {model} is not known (step {}), and a cost limit is in force\n\
             give the price in plandeck.toml:  [prices]  \"{model}\" = {{ input = 0.15, output = 0.60 }}\n\
             or lift the limit with --max-total-cost-usd none, or do not track cost with --no-track-cost",
            step.id
        )))
    }

    /// The plan's and the catalog's warnings, on standard error.
    pub fn tell_warnings(&self, color: ColorWhen) {
        if !self.plan.warnings.is_empty() {
            let style = DiagnosticStyle::for_stderr(super::coloured(color));
            super::note(&render(&self.source, &self.plan.warnings, style));
        }
        for warning in &self.catalog_warnings {
            let message = crate::text::line(&warning.message);
            note_line!("plandeck: warning: {message}");
        }
    }

    /// Where the plan was read from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// How the dashboard is to look.
    pub fn screen(&self, args: &ScreenArgs) -> tui::Options {
        screen_options(self.plan.name.to_string(), args)
    }
}

/// How the dashboard is to look, with this title.
pub fn screen_options(title: String, args: &ScreenArgs) -> tui::Options {
    tui::Options {
        title,
        theme: args.theme.clone(),
        colour: match args.color.unwrap_or_default() {
            ColorWhen::Auto => tui::ColourMode::Auto,
            ColorWhen::Always => tui::ColourMode::Always,
            ColorWhen::Never => tui::ColourMode::Never,
        },
        ascii: None,
        reduced_motion: std::env::var_os("PLANDECK_REDUCED_MOTION").is_some(),
        replay: None,
        asks: false,
        forkable: false,
    }
}
