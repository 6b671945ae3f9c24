//! The tools of a catalog, each made once and found by name.

use super::catalog::{Catalog, Implementation, ToolDefinition};
use super::code_exec::CodeExecTool;
use super::http::HttpTool;
use super::jq::JqTool;
use super::model::{FinalSynthesis, ModelTool};
use super::process::ProcessTool;
use super::services::{Services, ToolOptions};
use super::simulated::SimulatedTool;
use super::{
    Call, CallReport, Estimate, Quote, Recipe, Reservation, Tool, ToolError, Toolbox, Unseen,
};
use crate::models::SmallModelWorker;
use crate::plan::FINAL_SYNTHESIS;
use crate::units::Money;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// The tools that need no entry in a catalog.
pub const BUILTINS: [&str; 3] = ["code_exec", "function_call", FINAL_SYNTHESIS];

type ByName = HashMap<Arc<str>, Arc<dyn Tool>>;

/// The toolbox of one catalog and one worker.
pub struct CatalogToolbox {
    tools: ByName,
    definitions: HashMap<Arc<str>, Arc<ToolDefinition>>,
    worker: SmallModelWorker,
}

impl CatalogToolbox {
    /// Makes every tool of `catalog`, and those that need no entry. A tool that cannot be made is there all the same, and says why
    /// when it is called.
    pub fn new(catalog: &Catalog, worker: &SmallModelWorker, options: ToolOptions) -> Self {
        let services = Arc::new(Services::new(options));
        let mut tools: ByName = catalog
            .tools()
            .iter()
            .map(|definition| (definition.name.clone(), make(definition, worker, &services)))
            .collect();
        // A catalog's own tool of a builtin's name counts.
        let mut builtin = |name: &str, tool: Arc<dyn Tool>| {
            tools.entry(name.into()).or_insert(tool);
        };
        builtin(
            "code_exec",
            Arc::new(CodeExecTool::new(None, None, services)),
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
        let definitions = catalog.tools().iter();
        Self {
            tools,
            definitions: definitions
                .map(|definition| (definition.name.clone(), Arc::clone(definition)))
                .collect(),
            worker: worker.clone(),
        }
    }

    /// Puts a tool in, over one of the same name. `function_call` does not reach it.
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
        // An agent step calls `agent_ID`; the catalog may know the agent by its id alone.
        let id = name.strip_prefix("agent_").filter(|id| !id.is_empty())?;
        let known = self.tools.get(id).filter(|tool| tool.kind() == "agent");
        Some(known.cloned().unwrap_or_else(|| self.stranger(name)))
    }

    fn pool(&self, name: &str) -> Option<Arc<str>> {
        self.definitions.get(name)?.pool.clone()
    }

    fn recipe(&self, name: &str, model: Option<&str>) -> Option<Recipe> {
        if let Some(definition) = self.definitions.get(name) {
            return Some(Recipe::of(definition, &self.worker, model));
        }
        match name {
            "code_exec" => Some(Recipe::builtin(name, None)),
            FINAL_SYNTHESIS => {
                let definition = ToolDefinition::new(name);
                Some(Recipe::of(&definition, &self.worker, model))
            }
            // It depends on the tool that the input names.
            _ => None,
        }
    }
}

impl CatalogToolbox {
    /// An agent that the catalog does not know.
    fn stranger(&self, name: &str) -> Arc<dyn Tool> {
        let mut definition = ToolDefinition::new(name);
        definition.implementation = Implementation::Agent(None);
        let definition = Arc::new(definition);
        if self.worker.is_simulated() {
            return Arc::new(SimulatedTool::new(definition, self.worker.clone(), false));
        }
        Arc::new(Unavailable {
            kind: "agent",
            message: format!(
                "the catalog has no agent for \"{name}\": add a tool of type agent with its `url`"
            )
            .into(),
        })
    }
}

/// The tool of a definition, with its fixed price.
fn make(
    definition: &Arc<ToolDefinition>,
    worker: &SmallModelWorker,
    services: &Arc<Services>,
) -> Arc<dyn Tool> {
    let tool = implement(definition, worker, services).unwrap_or_else(|why| {
        let kind = definition.implementation.kind();
        Arc::new(Unavailable {
            kind,
            message: format!(
                "the tool \"{}\" ({kind}) cannot be called: {why}",
                definition.name
            )
            .into(),
        })
    });
    // Offline rules are at no cost, whatever the model would have cost.
    let by_rules = worker.is_offline() && tool.kind() == "model";
    if definition.cost.is_zero() || by_rules {
        tool
    } else {
        Arc::new(Priced {
            tool,
            price: definition.cost,
        })
    }
}

/// One line for each way to carry out a call.
fn implement(
    definition: &Arc<ToolDefinition>,
    worker: &SmallModelWorker,
    services: &Arc<Services>,
) -> Result<Arc<dyn Tool>, String> {
    let repeatable = definition.read_only || definition.idempotent;
    let (timeout, services) = (definition.timeout, services.clone());
    Ok(match &definition.implementation {
        Implementation::Jq(filter) => Arc::new(JqTool::new(filter, timeout, services)?),
        Implementation::CodeExec(code) => {
            Arc::new(CodeExecTool::new(code.clone(), timeout, services))
        }
        // Whatever else there is reaches outside, or would ask a model.
        other if worker.is_simulated() => {
            let repeatable = repeatable || matches!(other, Implementation::Model(_));
            Arc::new(SimulatedTool::new(
                definition.clone(),
                worker.clone(),
                repeatable,
            ))
        }
        Implementation::Model(_) => Arc::new(ModelTool::new(definition, worker.clone(), services)?),
        Implementation::Http(http) => {
            Arc::new(HttpTool::new(http.clone(), repeatable, timeout, services)?)
        }
        Implementation::Process(process) => {
            let folder = definition
                .folder
                .as_deref()
                .map(std::path::PathBuf::as_path);
            Arc::new(ProcessTool::new(
                process.clone(),
                folder,
                repeatable,
                timeout,
                services,
            ))
        }
        Implementation::Mcp(_) => return Err("this version has no MCP client".to_owned()),
        Implementation::Agent(_) => return Err("this version has no Agent2Agent client".to_owned()),
    })
}

/// A tool that is in the catalog and cannot be called.
struct Unavailable {
    kind: &'static str,
    message: Arc<str>,
}

impl Tool for Unavailable {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn call(&self, _call: Call) -> BoxFuture<'static, CallReport> {
        let message = self.message.clone();
        async move { CallReport::free(Err(ToolError::permanent(&*message))) }.boxed()
    }
}

/// A tool with a fixed price per call, on top of what it costs by itself. A failed call is charged as well, unless it
/// never went out.
struct Priced {
    tool: Arc<dyn Tool>,
    price: Money,
}

impl Priced {
    fn charge(kind: &str, price: Money, mut report: CallReport) -> CallReport {
        // What reaches outside leaves a record of what was asked as soon as it does.
        let outside = !matches!(kind, "jq" | "code_exec" | "function");
        if report.output.is_ok() || report.prompt.is_some() || !outside {
            report.cost = report.cost.map(|cost| cost + price);
        }
        report
    }
}

impl Tool for Priced {
    fn kind(&self) -> &'static str {
        self.tool.kind()
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let (kind, price) = (self.kind(), self.price);
        let funds = call.funds.clone().beside(price);
        let work = self.tool.call(Call { funds, ..call });
        async move { Self::charge(kind, price, work.await) }.boxed()
    }

    fn call_now(&self, input: &Arc<Value>) -> Option<CallReport> {
        self.tool
            .call_now(input)
            .map(|report| Self::charge(self.kind(), self.price, report))
    }

    fn quote(&self, input: &Value, model: Option<&str>) -> Quote {
        let quote = self.tool.quote(input, model);
        Quote {
            most: quote.most.map(|most| most + self.price),
            least: quote.least + self.price,
        }
    }

    fn reservation(&self, input: &Value, model: Option<&str>) -> Reservation {
        let bare = self.tool.reservation(input, model);
        Reservation {
            most: bare.most.map(|most| most + self.price),
            ..bare
        }
    }

    fn estimate(&self, known: &Value, model: Option<&str>, unseen: Unseen) -> Estimate {
        let bare = self.tool.estimate(known, model, unseen);
        let charged = |cost: Money| cost + self.price;
        Estimate {
            least: charged(bare.least),
            expected: bare.expected.map(charged),
            most: bare.most.map(charged),
        }
    }

    fn most_answer_tokens(&self) -> Option<u64> {
        self.tool.most_answer_tokens()
    }

    fn draws_on(&self, input: &Value, model: Option<&str>) -> Option<(String, u64)> {
        self.tool.draws_on(input, model)
    }

    fn repeatable(&self) -> bool {
        self.tool.repeatable()
    }

    fn timeout(&self) -> Option<Duration> {
        self.tool.timeout()
    }
}

/// `function_call`: a call of the catalog's tool that the input names, as `{"name", "args"}`.
struct FunctionCall {
    tools: Arc<ByName>,
}

impl FunctionCall {
    fn meant(&self, input: &Value) -> Result<(Arc<dyn Tool>, Arc<Value>), ToolError> {
        let name = input.get("name").and_then(Value::as_str).ok_or_else(|| {
            ToolError::permanent(
                "function_call needs a parameter `name` with the name of a tool, and `args`",
            )
        })?;
        let tool = self.tools.get(name).cloned().ok_or_else(|| {
            let name = crate::text::message::quote(name, 100);
            ToolError::permanent(format!("the catalog has no tool \"{name}\""))
        })?;
        let arguments = input
            .get("args")
            .cloned()
            .unwrap_or_else(|| Value::Object(Map::new()));
        Ok((tool, Arc::new(arguments)))
    }
}

impl Tool for FunctionCall {
    fn kind(&self) -> &'static str {
        "function"
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        match self.meant(&call.input) {
            Ok((tool, input)) => tool.call(Call { input, ..call }),
            Err(error) => async move { CallReport::free(Err(error)) }.boxed(),
        }
    }

    fn call_now(&self, input: &Arc<Value>) -> Option<CallReport> {
        match self.meant(input) {
            Ok((tool, input)) => tool.call_now(&input),
            Err(error) => Some(CallReport::free(Err(error))),
        }
    }

    fn quote(&self, input: &Value, model: Option<&str>) -> Quote {
        self.meant(input)
            .map_or(Quote::FREE, |(tool, input)| tool.quote(&input, model))
    }

    fn estimate(&self, known: &Value, model: Option<&str>, unseen: Unseen) -> Estimate {
        let estimate =
            |(tool, known): (Arc<dyn Tool>, Arc<Value>)| tool.estimate(&known, model, unseen);
        // A name that comes from another step may be that of any tool.
        let anything = Estimate {
            least: Money::ZERO,
            expected: None,
            most: None,
        };
        self.meant(known).map_or(anything, estimate)
    }

    fn draws_on(&self, input: &Value, model: Option<&str>) -> Option<(String, u64)> {
        let (tool, input) = self.meant(input).ok()?;
        tool.draws_on(&input, model)
    }

    fn target(&self, input: &Value) -> Option<Arc<dyn Tool>> {
        Some(self.meant(input).ok()?.0)
    }

    fn reservation(&self, input: &Value, model: Option<&str>) -> Reservation {
        let nothing = Reservation {
            most: Some(Money::ZERO),
            estimated: false,
        };
        self.meant(input)
            .map_or(nothing, |(tool, input)| tool.reservation(&input, model))
    }
}
