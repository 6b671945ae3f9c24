//! What plans start, reach and read, and what their code could call, before anything runs.

use super::{BUILTINS, CatalogToolbox, http_rules, is_replaced};
use crate::plan::{ExecutionPlan, FINAL_SYNTHESIS};
use crate::tools::catalog::{McpSettings, ModelSettings, Rules};
use crate::tools::code_names::Callable;
use crate::tools::definition::ToolDefinition;
use crate::tools::kinds::code_exec::CodeSettings;
use crate::tools::{Reaches, Toolbox};
use std::collections::HashSet;
use std::sync::Arc;

impl CatalogToolbox {
    /// What the steps of `plan` start, reach and read. A step that may call any tool counts for all of them.
    pub fn reaches(&self, plan: &ExecutionPlan) -> Reaches {
        let by_rules = self.worker.is_offline() || self.worker.is_simulated();
        self.reaches_of(plan, by_rules, self.worker.is_simulated())
    }

    /// What the steps of `plan` start, reach and read with any worker.
    pub(crate) fn reaches_with_any_worker(&self, plan: &ExecutionPlan) -> Reaches {
        let mut reaches = self.reaches_of(plan, true, false);
        reaches.extend(self.reaches_of(plan, false, false));
        reaches
    }

    /// What all tools of the catalog start, reach and read with any worker.
    pub(crate) fn all_reaches(&self) -> Reaches {
        let mut reaches = Reaches::default();
        for definition in self.definitions.values() {
            self.add_reaches(definition, true, false, &mut reaches);
            self.add_reaches(definition, false, false, &mut reaches);
        }
        for server in self.mcp_servers.values() {
            reaches.server(server);
        }
        reaches
    }

    /// What a call of one tool starts, reaches and reads.
    pub(crate) fn reaches_of_tool(&self, name: &str) -> Reaches {
        let mut reaches = Reaches::default();
        let by_rules = self.worker.is_offline() || self.worker.is_simulated();
        match self.definitions.get(name) {
            Some(definition) => {
                self.add_reaches(
                    definition,
                    by_rules,
                    self.worker.is_simulated(),
                    &mut reaches,
                );
            }
            // It may be a tool that a server lists.
            None => {
                for server in self.mcp_servers.values() {
                    reaches.server(server);
                }
            }
        }
        reaches
    }

    /// `by_rules`: whether offline rules do the work of the tools that have some; `simulated`: whether calls to other
    /// machines are invented.
    fn reaches_of(&self, plan: &ExecutionPlan, by_rules: bool, simulated: bool) -> Reaches {
        let mut reaches = Reaches::default();
        let called = self.called_by(plan);
        let calls_any = called.contains("function_call");
        // What becomes of an interrupted call is asked of another tool.
        let probes: HashSet<&str> = self
            .definitions
            .values()
            .filter(|definition| called.contains(&*definition.name))
            .filter_map(|definition| definition.recover.as_ref()?.probe())
            .collect();
        for definition in self.definitions.values() {
            let name = &*definition.name;
            let is_agent = called
                .iter()
                .any(|tool| tool.strip_prefix("agent_") == Some(name));
            if calls_any || called.contains(name) || probes.contains(name) || is_agent {
                self.add_reaches(definition, by_rules, simulated, &mut reaches);
            }
        }
        for name in BUILTINS {
            if called.contains(name) && !self.definitions.contains_key(name) {
                match name {
                    FINAL_SYNTHESIS => self.add_worker(&mut reaches, None),
                    "code_exec" => drop(reaches.code.insert(name.to_owned())),
                    _ => {}
                }
            }
        }
        reaches
    }

    /// The tools that the steps of `plan` call, and those that their code could call.
    fn called_by<'a>(&'a self, plan: &'a ExecutionPlan) -> HashSet<&'a str> {
        let mut called: HashSet<&str> = plan.steps.iter().map(|step| &*step.tool).collect();
        let names = self.names();
        let mut by_code: HashSet<Arc<str>> = HashSet::new();
        let mut known: HashSet<(&str, Option<Arc<str>>)> = HashSet::new();
        for step in plan.steps.iter() {
            if !self.runs_code(&step.tool) {
                continue;
            }
            let code = step.parameters.literal_text("code");
            if known.insert((&step.tool, code.clone())) {
                by_code.extend(self.direct_calls(&step.tool, code.as_deref(), &names));
            }
        }
        called.extend(self.with_their_calls(by_code, &names));
        called
    }

    fn runs_code(&self, tool: &str) -> bool {
        match self.definitions.get(tool) {
            Some(definition) => definition.settings::<CodeSettings>().is_some(),
            None => tool == "code_exec",
        }
    }

    /// What the code of one call of a tool could call itself: `code` is that of the call, where it is known.
    fn direct_calls(&self, tool: &str, code: Option<&str>, names: &[Arc<str>]) -> Vec<Arc<str>> {
        let definition = self.definitions.get(tool);
        let settings = definition.and_then(|it| it.settings::<CodeSettings>());
        let own = settings.and_then(|settings| settings.code.as_deref());
        let Some(code) = own.or(code) else {
            // Code that is not known before the run may call anything.
            return names.to_vec();
        };
        let callable = Callable::of(code, names);
        if callable.any {
            return names.to_vec();
        }
        callable.functions.into_values().collect()
    }

    /// These tools, and what the code of those that run code could call in turn.
    fn with_their_calls(
        &self,
        first: impl IntoIterator<Item = Arc<str>>,
        names: &[Arc<str>],
    ) -> HashSet<&str> {
        let mut left: Vec<Arc<str>> = first.into_iter().collect();
        let mut called = HashSet::new();
        while let Some(name) = left.pop() {
            let known = self.tools.get_key_value(&*name);
            let is_new = known.is_some_and(|(name, _)| called.insert(&**name));
            if is_new && self.runs_code(&name) {
                left.extend(self.direct_calls(&name, None, names));
            }
        }
        called
    }

    /// See [`Toolbox::callable`].
    pub(super) fn callable_by(&self, tool: &str, code: Option<&str>) -> Vec<Arc<str>> {
        if !self.runs_code(tool) {
            return Vec::new();
        }
        let names = self.names();
        let first = self.direct_calls(tool, code, &names);
        let called = self.with_their_calls(first, &names).into_iter();
        let mut called: Vec<Arc<str>> = called.map(Arc::from).collect();
        called.sort();
        called
    }

    fn add_reaches(
        &self,
        definition: &Arc<ToolDefinition>,
        by_rules: bool,
        simulated: bool,
        reaches: &mut Reaches,
    ) {
        if by_rules && let Some(rules) = http_rules(definition) {
            if matches!(rules, Rules::Code(_)) {
                reaches.code.insert(definition.name.to_string());
            }
            return;
        }
        if simulated && is_replaced(definition) {
            return;
        }
        definition.implementation.reaches(definition, reaches);
        if let Some(model) = definition.settings::<ModelSettings>() {
            if by_rules && matches!(model.offline, Some(Rules::Code(_))) {
                reaches.code.insert(definition.name.to_string());
            }
            self.add_worker(reaches, model.model.as_deref());
        }
        let settings = definition.settings::<McpSettings>();
        let servers = settings.map(|mcp| mcp.candidates(&self.services.mcp));
        for server in servers.unwrap_or_default() {
            if let Some(entry) = self.mcp_servers.get(&*server.settings().name) {
                reaches.server(entry);
            }
        }
    }

    /// The server that is asked, and the variable with its key.
    fn add_worker(&self, reaches: &mut Reaches, model: Option<&str>) {
        if let Some(address) = self.worker.address(model) {
            reaches.model(&address, self.worker.key_variable(model));
        }
    }
}
