//! The tools of a catalog, each built once and found by name.

mod reaches;

use super::catalog::{AgentSettings, Catalog, HttpSettings, McpSettings, ModelSettings, Rules};
use super::definition::{BuildContext, ToolDefinition};
use super::fixed_price::Priced;
use super::function_call::{ByName, FunctionCall};
use super::kinds::code_exec::CodeExecTool;
use super::kinds::{agent, mcp, model, process};
use super::mcp::{Server, Servers};
use super::services::{Services, ToolOptions};
use super::simulated::SimulatedTool;
use super::synthesis::FinalSynthesis;
use super::unavailable::Unavailable;
use super::{Fingerprint, SharedSecrets, Tool, ToolError, Toolbox};
use super::{Probe, Recover, Recovery};
use crate::models::SmallModelWorker;
use crate::plan::{Evaluation, ExecutionPlan, FINAL_SYNTHESIS};
use crate::units::ModelOptions;
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// The tools that need no entry in a catalog.
pub(crate) const BUILTINS: [&str; 3] = ["code_exec", "function_call", FINAL_SYNTHESIS];

/// How the message of a call begins that was not made because it may change something.
pub(crate) const NO_EFFECTS: &str = "it was not called";

/// The tools of one catalog with one worker.
pub struct CatalogToolbox {
    tools: ByName,
    definitions: HashMap<Arc<str>, Arc<ToolDefinition>>,
    worker: SmallModelWorker,
    services: Arc<Services>,
    mcp_servers: Map<String, Value>,
}

/// What MCP servers have listed.
pub(crate) struct Listing {
    /// The tools with theirs. The connections are those of the toolbox that asked.
    pub toolbox: CatalogToolbox,
    /// The catalog with theirs.
    pub catalog: Catalog,
    /// The errors of servers that did not list their tools.
    pub failures: Vec<ToolError>,
}

impl CatalogToolbox {
    /// The worker that runs its `model` tools.
    pub(crate) const fn worker(&self) -> &SmallModelWorker {
        &self.worker
    }

    /// Builds every tool of `catalog`, and the built-in tools. A tool that cannot be built is in the toolbox too; its
    /// calls fail with the reason.
    pub fn new(catalog: &Catalog, worker: &SmallModelWorker, options: ToolOptions) -> Self {
        let servers = Servers::new(catalog.servers());
        let services = Arc::new(Services::new(options, servers));
        worker.add_secrets_to(&services.secrets);
        Self::over(catalog, worker, services)
    }

    fn over(catalog: &Catalog, worker: &SmallModelWorker, services: Arc<Services>) -> Self {
        let definitions: Vec<Arc<ToolDefinition>> = {
            let all = catalog.tools().iter();
            all.map(|definition| mcp::with_server(definition, &services.mcp))
                .collect()
        };
        let mut tools: ByName = definitions
            .iter()
            .map(|definition| {
                (
                    definition.name.clone(),
                    build(definition, worker, &services),
                )
            })
            .collect();
        // A tool of the catalog replaces a built-in tool of the same name.
        let mut builtin = |name: &str, tool: Arc<dyn Tool>| {
            tools.entry(name.into()).or_insert(tool);
        };
        builtin(
            "code_exec",
            Arc::new(CodeExecTool::builtin(services.clone())),
        );
        builtin(
            FINAL_SYNTHESIS,
            Arc::new(FinalSynthesis::new(worker.clone())),
        );
        let callable = tools.clone();
        tools.entry("function_call".into()).or_insert_with(|| {
            Arc::new(FunctionCall {
                tools: callable.into(),
            })
        });
        let definitions = definitions.into_iter();
        Self {
            tools,
            definitions: definitions
                .map(|definition| (definition.name.clone(), definition))
                .collect(),
            worker: worker.clone(),
            services,
            mcp_servers: catalog.mcp_servers.clone(),
        }
    }

    /// Logs the user in to the MCP server of this name. `show` gets the address at which the user permits it.
    ///
    /// # Errors
    /// Where there is no such server, or the user did not permit it.
    pub(crate) async fn log_in(
        &self,
        server: &str,
        show: &mut (dyn FnMut(&str) + Send),
    ) -> Result<(), ToolError> {
        let found = self.services.mcp.find(Some(server));
        let server = Arc::clone(found.map_err(ToolError::permanent)?);
        server.log_in(&self.services.surroundings(), show).await
    }

    /// Forgets the tokens of the MCP server of this name. Whether there were any.
    ///
    /// # Errors
    /// Where there is no such server, or the tokens cannot be removed.
    pub(crate) fn log_out(&self, server: &str) -> Result<bool, ToolError> {
        let found = self.services.mcp.find(Some(server));
        let server = found.map_err(ToolError::permanent)?;
        server.log_out(&self.services.surroundings())
    }

    /// Asks MCP servers for their tools: those that may have a tool that `catalog` expects, or, where `all` says so, all
    /// of them. They are started or connected to. Returns the toolbox and its catalog with what they have listed, and
    /// what went wrong with which.
    pub(crate) async fn with_listed_tools(&self, catalog: &Catalog, all: bool) -> Listing {
        let of_tool = |name: &Arc<str>| {
            let settings = self.definitions.get(name)?.settings::<McpSettings>()?;
            Some(settings.candidates(&self.services.mcp))
        };
        let servers = &self.services.mcp;
        let mut asked: Vec<&Arc<Server>> = if all {
            servers.all().iter().collect()
        } else {
            catalog
                .expected()
                .iter()
                .filter_map(of_tool)
                .flatten()
                .collect()
        };
        asked.sort_by_key(|server| {
            servers
                .all()
                .iter()
                .position(|one| Arc::ptr_eq(one, server))
        });
        asked.dedup_by(|one, other| Arc::ptr_eq(one, other));
        let surroundings = self.services.surroundings();
        let listed = asked.iter().map(|server| async {
            (
                Arc::clone(&server.settings().name),
                server.tools(&surroundings).await,
            )
        });
        let (mut lists, mut failures) = (Vec::new(), Vec::new());
        for (server, tools) in join_all(listed).await {
            match tools {
                Ok(tools) => lists.push((server, tools)),
                Err(error) => failures.push(error),
            }
        }
        let catalog = catalog.with_listed(&lists);
        let services = Arc::clone(&self.services);
        Listing {
            toolbox: Self::over(&catalog, &self.worker, services),
            catalog,
            failures,
        }
    }

    /// Why a tool of an MCP server that a step of `plan` calls cannot be called: its server is not there. With the step.
    pub(crate) fn missing_server(&self, plan: &ExecutionPlan) -> Option<(Arc<str>, String)> {
        let mut steps = plan.steps.iter();
        steps.find_map(|step| {
            let settings = self
                .definitions
                .get(&step.tool)?
                .settings::<McpSettings>()?;
            if !settings.candidates(&self.services.mcp).is_empty() {
                return None;
            }
            let why = self.services.mcp.find(settings.server.as_deref()).err()?;
            Some((Arc::clone(&step.id), why))
        })
    }

    /// Adds a tool, or replaces the one of this name. `function_call` cannot call it.
    pub fn insert(&mut self, name: impl Into<Arc<str>>, tool: Arc<dyn Tool>) {
        let name = name.into();
        self.definitions.remove(&name);
        self.tools.insert(name, tool);
    }
}

impl Toolbox for CatalogToolbox {
    fn tool(&self, name: &str) -> Option<Arc<dyn Tool>> {
        if let Some(tool) = self.tools.get(name) {
            return Some(tool.clone());
        }
        // An agent step calls `agent_ID`; the catalog may list the agent by its id alone.
        let id = name.strip_prefix("agent_").filter(|id| !id.is_empty())?;
        let known = self
            .tools
            .get(id)
            .filter(|tool| *tool.kind() == agent::KIND);
        Some(known.cloned().unwrap_or_else(|| self.unlisted_agent(name)))
    }

    fn names(&self) -> Arc<[Arc<str>]> {
        let mut names: Vec<Arc<str>> = self.tools.keys().cloned().collect();
        names.retain(|name| &**name != FINAL_SYNTHESIS);
        names.sort();
        names.into()
    }

    fn callable(&self, tool: &str, code: Option<&str>) -> Vec<Arc<str>> {
        self.callable_by(tool, code)
    }

    fn pool(&self, name: &str) -> Option<Arc<str>> {
        self.definitions.get(name)?.pool.clone()
    }

    fn recovery(&self, name: &str) -> Option<Recovery> {
        let definition = self.definitions.get(name)?;
        if self.worker.is_simulated() && is_replaced(definition) {
            return None;
        }
        match definition.recover.as_ref()? {
            Recover::Key => definition.kind().takes_key.then_some(Recovery::Key),
            Recover::Probe(settings) => {
                let tool = self.tools.get(&settings.tool)?.clone();
                let probe = Probe::new(settings, tool, &self.services).ok()?;
                Some(Recovery::Probe(Arc::new(probe)))
            }
        }
    }

    fn secrets(&self) -> SharedSecrets {
        self.services.secrets.clone()
    }

    fn fingerprint(
        &self,
        name: &str,
        model: Option<&str>,
        options: ModelOptions,
    ) -> Option<Fingerprint> {
        if let Some(definition) = self.definitions.get(name) {
            return Some(self.fingerprint_of(definition, (model, options)));
        }
        match name {
            "code_exec" => Some(Fingerprint::builtin(name, None)),
            FINAL_SYNTHESIS => {
                let definition = ToolDefinition::new(name, Arc::new(ModelSettings::default()));
                Some(self.fingerprint_of(&definition, (model, options)))
            }
            // The fingerprint of `function_call` depends on the tool that the input names.
            _ => None,
        }
    }

    fn evaluate(
        &self,
        evaluation: Evaluation,
        memory_mb: Option<u64>,
        limit: Duration,
    ) -> BoxFuture<'static, Result<Value, ToolError>> {
        let services = Arc::clone(&self.services);
        async move {
            let sandbox = &services.sandbox;
            sandbox.evaluate(evaluation, memory_mb, limit).await
        }
        .boxed()
    }

    fn violation(
        &self,
        schema: Arc<Value>,
        value: Value,
    ) -> BoxFuture<'static, Result<Option<String>, String>> {
        let services = Arc::clone(&self.services);
        async move { services.sandbox.violation(&schema, &value).await }.boxed()
    }
}

impl CatalogToolbox {
    fn fingerprint_of(
        &self,
        definition: &ToolDefinition,
        asked: (Option<&str>, ModelOptions),
    ) -> Fingerprint {
        Fingerprint::of(definition, &self.worker, &self.services.environment, asked)
    }

    /// The tool for an agent that the catalog does not list.
    fn unlisted_agent(&self, name: &str) -> Arc<dyn Tool> {
        let settings = Arc::new(AgentSettings::default());
        let definition = Arc::new(ToolDefinition::new(name, settings));
        if self.worker.is_simulated() {
            return Arc::new(SimulatedTool::new(definition, self.worker.clone(), None));
        }
        Arc::new(Unavailable {
            kind: &agent::KIND,
            message: format!(
                "the catalog has no agent for \"{name}\": add a tool of type agent with its `url`"
            )
            .into(),
        })
    }
}

/// The tool of a definition, with its fixed price.
fn build(
    definition: &Arc<ToolDefinition>,
    worker: &SmallModelWorker,
    services: &Arc<Services>,
) -> Arc<dyn Tool> {
    let kind = definition.kind();
    let context = BuildContext {
        definition,
        worker,
        services,
    };
    let tool: Arc<dyn Tool> = if worker.is_simulated() && is_replaced(definition) {
        let offline = SmallModelWorker::offline();
        let context = BuildContext {
            worker: &offline,
            ..context
        };
        let rules =
            http_rules(definition).and_then(|_| definition.implementation.build(&context).ok());
        let simulated = SimulatedTool::new(definition.clone(), worker.clone(), rules);
        Arc::new(simulated)
    } else if services.no_effects && has_effects(definition) {
        let name = &definition.name;
        Arc::new(Unavailable {
            kind,
            message: format!("{NO_EFFECTS}: a call of \"{name}\" may change something").into(),
        })
    } else {
        let built = definition.implementation.build(&context);
        built.unwrap_or_else(|why| {
            let (name, word) = (&definition.name, kind.name);
            let message = format!("the tool \"{name}\" ({word}) cannot be called: {why}");
            Arc::new(Unavailable {
                kind,
                message: message.into(),
            })
        })
    };
    // Offline rules are free, whatever the model would cost.
    let has_rules = *kind == model::KIND || http_rules(definition).is_some();
    let by_rules = worker.is_offline() && has_rules;
    if definition.cost.is_zero() || by_rules {
        tool
    } else {
        Arc::new(Priced {
            tool,
            price: definition.cost,
        })
    }
}

/// Whether a call may change something, as far as the catalog says.
pub(crate) fn has_effects(definition: &ToolDefinition) -> bool {
    definition.kind().reaches_outside && !definition.policy().repeatable
}

/// Whether a simulated worker replaces the tool: nothing on another machine is called, and nothing is changed. A model
/// tool is simulated by its worker, and a program that only reads runs.
fn is_replaced(definition: &ToolDefinition) -> bool {
    let kind = definition.kind();
    let only_reads = *kind == process::KIND && definition.read_only;
    kind.reaches_outside && *kind != model::KIND && !only_reads
}

/// The rules that do the work of an `http` tool while the worker is offline.
fn http_rules(definition: &ToolDefinition) -> Option<&Rules> {
    definition.settings::<HttpSettings>()?.offline.as_ref()
}
