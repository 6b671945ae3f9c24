//! Sets up a run: builds the toolbox, refuses what cannot run as configured, and connects journal, cache and sinks.

use super::error::SessionError;
use super::execution::Execution;
use super::log_file::watched;
use super::prepared::PreparedRun;
use super::recording::{RecordGuard, meta, record, recorded_catalog};
use super::run_log::RunLog;
use super::trust::TrustRequest;
use crate::engine::{Engine, step_prices};
use crate::models::process_environment;
use crate::plan::{Source, Step};
use crate::run::{Answers, Breakpoint};
use crate::session::PriorRun;
use crate::telemetry;
use crate::tools::{Catalog, CatalogToolbox, PlacedToolbox, ToolOptions, Toolbox};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::sync::Arc;

impl Execution {
    /// Sets up the run without starting it, for a caller that reads its notes, sends commands or follows its events.
    ///
    /// # Errors
    /// When the run cannot start as configured; nothing ran.
    pub fn prepare(mut self) -> Result<PreparedRun, SessionError> {
        let context = match std::mem::take(&mut self.context) {
            Value::Object(values) => values,
            Value::Null => Map::new(),
            _ => return Err(SessionError::ContextNotAnObject),
        };
        if self.cache.is_some() && self.journal.is_none() {
            return Err(SessionError::CacheWithoutJournal);
        }
        let toolbox = self.toolbox()?;
        self.ask_consent(&toolbox)?;
        let mut toolbox: Arc<dyn Toolbox> = toolbox;
        if let Some(executor) = self.executor.take() {
            toolbox = Arc::new(PlacedToolbox::new(toolbox, executor));
        }
        self.check(&*toolbox, &context)?;
        self.note_worker();
        if let Some(to) = self.prior.as_ref().and_then(PriorRun::run_to) {
            self.settings.run_to = Some(to);
        }
        let prices = step_prices(&self.plan, &context, &*toolbox);
        let mut engine = Engine::new(
            Arc::clone(&self.plan),
            context,
            Arc::clone(&toolbox),
            self.settings,
        )
        .with_prices(prices);
        if let Some(run_id) = self.run_id {
            engine = engine.with_run_id(run_id);
        }
        let (mut mark, mut connections) = (None, None);
        if let Some(of_batch) = self.of_batch {
            engine = engine.with_shared_limits(of_batch.shared);
            mark = Some(Box::new(of_batch.mark));
            connections = of_batch.connections;
        }
        let mut guard = RecordGuard::default();
        let mut notes = Vec::new();
        let mut goes_on = false;
        let mut so_far = None;
        let mut resumed_from = None;
        if self.journal.is_some() || self.prior.is_some() {
            let mut meta = meta(&self.plan, &*toolbox, self.provenance);
            meta.batch = mark;
            if let Some(prior) = self.prior {
                let run_id = Arc::clone(engine.run_id());
                let taken = prior.take_over(&self.plan, self.unknown, &run_id, &mut meta)?;
                notes.extend(taken.note);
                resumed_from.clone_from(&meta.resumed_from);
                engine = engine.with_tape(taken.tape);
                if let Some(resume_state) = taken.resume_state {
                    engine = engine.with_resume_state(resume_state);
                }
                if let Some(run) = taken.so_far {
                    goes_on = true;
                    so_far = Some(run.clone());
                    engine = engine.going_on(run);
                }
                guard.claim = taken.claim;
            }
            if let Some(journal) = self.journal {
                let note;
                (engine, note) = record(
                    engine,
                    journal,
                    self.cache,
                    (meta, goes_on, connections),
                    &guard,
                )?;
                notes.extend(note);
            }
        }
        if tracing::enabled!(tracing::Level::WARN) {
            engine = engine.with_sink(RunLog);
        }
        if let Some(sink) = telemetry::sink(so_far.as_ref(), resumed_from) {
            engine = engine.with_sink(sink);
        }
        if let Some(trace) = telemetry::trace_context() {
            engine = engine.with_trace(trace);
        }
        for sink in self.sinks {
            engine = engine.with_sink(sink);
        }
        Ok(PreparedRun {
            engine,
            plan: self.plan,
            guard,
            notes,
        })
    }

    /// Asks whether what the plan would start and reach may happen, where the caller wants to be asked.
    pub(super) fn ask_consent(&mut self, toolbox: &CatalogToolbox) -> Result<(), SessionError> {
        if let Some(decide) = self.consent.take() {
            let reaches = toolbox.reaches(&self.plan);
            if reaches.needs_trust() && !decide(&reaches) {
                let request = TrustRequest::refused(&self.plan.name, reaches);
                return Err(SessionError::NotTrusted(Box::new(request)));
            }
        }
        Ok(())
    }

    /// Has the header of the run name the worker.
    pub(super) fn note_worker(&mut self) {
        self.settings.worker = self.worker.name().into();
        self.settings.simulated = self.worker.is_simulated();
    }

    /// The toolbox of the run, with the tools that the caller has added.
    pub(super) fn toolbox(&mut self) -> Result<Arc<CatalogToolbox>, SessionError> {
        if let Some(of_batch) = &self.of_batch {
            return Ok(Arc::clone(&of_batch.toolbox));
        }
        if let Some(prices) = self.prices.take() {
            self.worker = self.worker.clone().prices(prices);
        }
        let mut toolbox = if let Some(toolbox) = self.toolbox.take() {
            toolbox
        } else {
            let options = ToolOptions {
                allow_unsandboxed: self.allow_unsandboxed,
                program: self.program.clone(),
                environment: watched(process_environment()),
                files: None,
                tokens: None,
                no_effects: false,
            };
            let catalog = self.own_catalog()?;
            let toolbox = CatalogToolbox::new(&catalog, &self.worker, options);
            if self.journal.is_some() {
                let secrets = toolbox.secrets();
                self.provenance.catalog = recorded_catalog(&catalog, &self.plan, &secrets);
            }
            toolbox
        };
        for (name, tool) in self.tools.drain(..) {
            toolbox.insert(name, tool);
        }
        Ok(Arc::new(toolbox))
    }

    fn own_catalog(&mut self) -> Result<Catalog, SessionError> {
        Ok(match (self.catalog.take(), &self.plan.catalog) {
            (Some(catalog), _) => catalog,
            (None, Some(own)) => {
                let source = Source {
                    name: self.plan.name.clone(),
                    text: "".into(),
                };
                Catalog::from_value(own, &source, None)?
            }
            (None, None) => Catalog::default(),
        })
    }

    /// The step of this id, or of whose list it names an element.
    fn step_of(&self, id: &str) -> Option<&Step> {
        let mut steps = self.plan.steps.iter();
        steps.find(|step| {
            let rest = id.strip_prefix(&*step.id);
            rest.is_some_and(|rest| {
                rest.is_empty() || step.for_each.is_some() && rest.starts_with('[')
            })
        })
    }

    /// Reports everything that would make a step fail for certain, before any tool is called.
    pub(super) fn check(
        &self,
        toolbox: &dyn Toolbox,
        context: &Map<String, Value>,
    ) -> Result<(), SessionError> {
        for name in &self.plan.context_names {
            if !context.contains_key(&**name) && !self.plan.context.contains_key(&**name) {
                return Err(SessionError::MissingValue(Arc::clone(name)));
            }
        }
        for id in self.settings.answers.ids() {
            let step = self.step_of(id);
            match step {
                Some(step) if step.approve.is_some() => {}
                _ if **id == *Answers::ALL => {}
                Some(_) => return Err(SessionError::NoApproval(Arc::clone(id))),
                None => return Err(SessionError::UnknownStep(Arc::clone(id))),
            }
        }
        if let Some(to) = &self.settings.run_to {
            let is_row = |id: &str| self.step_of(id).is_some();
            if !is_row(to) && !Breakpoint::could_be_call(to, is_row) {
                return Err(SessionError::UnknownStep(Arc::clone(to)));
            }
        }
        let settings = &self.settings;
        let limited = settings.track_cost && settings.limits.max_total_cost_usd.is_some();
        // A plan may have very many steps of one tool.
        let mut known: HashSet<(&str, Option<&str>)> = HashSet::new();
        for step in self.plan.steps.iter() {
            if !known.insert((&step.tool, step.settings.model.as_deref())) {
                continue;
            }
            let Some(tool) = toolbox.tool(&step.tool) else {
                return Err(SessionError::UnknownTool {
                    step: step.id.clone(),
                    tool_name: step.tool.clone(),
                });
            };
            let is_priced = || {
                let quote = tool.quote(&Value::Null, step.settings.model.as_deref());
                quote.max.is_some()
            };
            if limited && !is_priced() {
                let model = self.worker.model_for(step.settings.model.as_deref());
                return Err(SessionError::Unpriced {
                    step: step.id.clone(),
                    model: model.map(|(provider, model)| format!("{provider}/{model}")),
                });
            }
        }
        Ok(())
    }
}
