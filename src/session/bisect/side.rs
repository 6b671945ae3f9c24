//! One of the two runs between which the cause of a difference is looked for.

use crate::engine::{Edit, step_behind};
use crate::plan::{FINAL_SYNTHESIS, FUNCTION_CALL, StepInput};
use crate::run::{CallEdit, GivenCall, RunState, StepSource};
use crate::session::changes::Changes;
use crate::session::error::SessionError;
use crate::session::history::state_of;
use crate::session::load::Loaded;
use crate::session::options::SourceOptions;
use crate::session::recorded_plan::{Version, load_of_run, recorded_catalog_of};
use crate::session::resume::PriorRun;
use crate::session::settings::Settings;
use crate::tools::CatalogRecord;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// Fields of a tool that do not decide what a call gives.
pub(super) const ASIDE: [&str; 8] = [
    "cost_usd",
    "metadata",
    "cache",
    "pool",
    "recover",
    "read_only",
    "idempotent",
    "name",
];

/// A recorded run with all that it was made from.
pub(super) struct Side {
    /// Its id.
    pub run_id: Arc<str>,
    /// Its state.
    pub state: RunState,
    /// The plan with its tools.
    pub loaded: Loaded,
    /// The catalog.
    pub catalog: CatalogRecord,
    /// What it was made from, as one value: see [`Document`].
    pub document: Document,
}

/// What a run is made from, as one value: `name`, `steps` by id, `order` of them, `final_synthesis`, `tools`, `scripts` by
/// tool and name, MCP `servers`, `context`, `worker`, and the user's `edits` by row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Document(pub Value);

impl Side {
    /// The recorded run of this name. What `source` gives replaces what the run had.
    pub(super) async fn load(
        name: &str,
        source: SourceOptions,
        settings: &Settings,
    ) -> Result<Self, SessionError> {
        let mut prior = PriorRun::fork(name, Changes::default())?;
        while let Some(run) = prior.repeats() {
            prior = PriorRun::fork(run, Changes::default())?;
        }
        let run_id = Arc::clone(prior.run_id());
        let state = state_of(&run_id)?;
        let loaded = load_of_run(&prior, Version::Recorded, source, settings).await?;
        let catalog = match recorded_catalog_of(&run_id)? {
            Some(record) => record,
            // Of an older run, the tools are those of now.
            None => loaded.catalog().record(HashSet::new).unwrap_or_default(),
        };
        let document = Document::of(&state, &loaded, &catalog);
        Ok(Self {
            run_id,
            state,
            loaded,
            catalog,
            document,
        })
    }
}

impl Document {
    fn of(run: &RunState, loaded: &Loaded, catalog: &CatalogRecord) -> Self {
        let plan = &loaded.plan;
        let mut steps = Map::new();
        let mut synthesis = Value::Null;
        for step in plan.steps.iter() {
            let mut value = plan.step_value(step);
            // Whoever was asked has answered, and a call that may change something is never made.
            value.shift_remove("approve");
            value.shift_remove("id");
            if &*step.id == FINAL_SYNTHESIS && &*step.tool == FINAL_SYNTHESIS {
                synthesis = plan.to_value()[FINAL_SYNTHESIS].take();
            } else {
                steps.insert(step.id.to_string(), Value::Object(value));
            }
        }
        let tools = catalog.tools.iter();
        let scripts = tools.clone().filter(|(_, tool)| !tool.scripts.is_empty());
        let scripts = scripts.map(|(name, tool)| {
            let scripts = tool.scripts.iter();
            let scripts = scripts.map(|script| (script.name.to_string(), json!(script)));
            (name.to_string(), Value::Object(scripts.collect()))
        });
        let tools = tools.map(|(name, tool)| (name.to_string(), Value::Object(tool.entry.clone())));
        let header = run.header.as_deref();
        let order: Vec<&String> = steps.keys().collect();
        Self(json!({
            "name": plan.name,
            "order": order,
            "steps": steps,
            "final_synthesis": synthesis,
            "tools": tools.collect::<Map<_, _>>(),
            "scripts": scripts.collect::<Map<_, _>>(),
            "servers": catalog.servers(),
            "context": header.map(|header| &header.context),
            "worker": header.map(|header| &header.worker),
            "edits": edits_of(run),
        }))
    }

    /// The tools that a step calls: its own, and those that its calls named in either run.
    fn tools_of(&self, step: &str, called: &Called) -> BTreeSet<String> {
        let own = self.0["steps"][step]["tool"].as_str().unwrap_or(step);
        let mut tools = BTreeSet::from([own.to_owned()]);
        tools.extend(called.0.get(step).into_iter().flatten().cloned());
        tools
    }

    /// All that decides what a call of a step gives besides its input. Where it is equal in two documents, so is the call.
    pub(super) fn call_of(&self, step: &str, called: &Called) -> Value {
        let document = &self.0;
        let tools = self.tools_of(step, called).into_iter();
        let tools: Map<String, Value> = tools
            .map(|tool| {
                let call = self.tool_call(&tool);
                (tool, call)
            })
            .collect();
        let of_step = match step {
            FINAL_SYNTHESIS => &document[FINAL_SYNTHESIS],
            step => &document["steps"][step],
        };
        let worker = self.asks_model(step, called).then(|| &document["worker"]);
        let edits = &document["edits"][step];
        json!({
            "tools": tools,
            "model": of_step["model"],
            "limits": [of_step["timeout_s"], of_step["retry_policy"]],
            "worker": worker,
            "prompt": edits["prompt"],
            "other_model": edits["model"],
        })
    }

    /// The same of a tool.
    pub(super) fn tool_call(&self, tool: &str) -> Value {
        let document = &self.0;
        let mut entry = document["tools"][tool].clone();
        if let Some(entry) = entry.as_object_mut() {
            for field in ASIDE {
                entry.shift_remove(field);
            }
        }
        let scripts = document["scripts"][tool].as_object();
        let scripts: Map<String, Value> = scripts
            .into_iter()
            .flatten()
            .map(|(name, script)| (name.clone(), script["digest"].clone()))
            .collect();
        let server = entry["server"].as_str().map(str::to_owned);
        let servers = match server {
            Some(server) => document["servers"][server].clone(),
            None if entry["type"] == "mcp" => document["servers"].clone(),
            None => Value::Null,
        };
        json!({"entry": entry, "scripts": scripts, "servers": servers})
    }

    /// Whether a call of this step may ask a model: it may then give another answer each time.
    pub(super) fn asks_model(&self, step: &str, called: &Called) -> bool {
        let mut tools = self.tools_of(step, called).into_iter();
        tools.any(|tool| tool == FINAL_SYNTHESIS || asks_worker(&self.0["tools"][&tool]))
    }
}

/// Whether a tool with this entry is played by the worker; one of no entry is built in.
fn asks_worker(entry: &Value) -> bool {
    const OTHERS: [&str; 7] = [
        "filter", "command", "url", "code", "calls", "server", "mcp_tool",
    ];
    match entry["type"].as_str() {
        Some("model") => true,
        None | Some("tool" | "function") => {
            entry.is_object() && !OTHERS.iter().any(|field| entry.get(field).is_some())
        }
        Some(_) => false,
    }
}

/// The tools that the calls of steps named in either run: by `function_call`, and by code.
#[derive(Debug, Default)]
pub(super) struct Called(BTreeMap<Arc<str>, BTreeSet<String>>);

impl Called {
    pub(super) fn of(runs: [&RunState; 2]) -> Self {
        let mut called: BTreeMap<Arc<str>, BTreeSet<String>> = BTreeMap::new();
        for run in runs {
            for row in &run.steps {
                let name = if row.caller.is_some() {
                    Some(row.info.tool.to_string())
                } else if &*row.info.tool == FUNCTION_CALL {
                    let input = row.input().map(StepInput::to_value);
                    input.and_then(|input| input["name"].as_str().map(str::to_owned))
                } else {
                    None
                };
                if let Some(name) = name {
                    let step = step_behind(run, row);
                    called
                        .entry(Arc::clone(&step.info.id))
                        .or_default()
                        .insert(name);
                }
            }
        }
        Self(called)
    }
}

/// What the user gave rows in a run instead of what the plan has.
fn edits_of(run: &RunState) -> Map<String, Value> {
    let mut edits = Map::new();
    for row in &run.steps {
        let mut own = Map::new();
        if let Some(input) = &row.given {
            own.insert("input".to_owned(), Value::clone(input));
        }
        if let Some(call) = &row.given_call
            && let Value::Object(call) = json!(call)
        {
            own.extend(call);
        }
        if row.source == Some(StepSource::Mock)
            && let Some(output) = &row.output
        {
            own.insert("output".to_owned(), Value::clone(output));
        }
        if row.skipped_by_hand {
            own.insert("skip".to_owned(), json!(true));
        }
        if !own.is_empty() {
            edits.insert(row.info.id.to_string(), Value::Object(own));
        }
    }
    edits
}

/// The edits of a document.
pub(super) fn edits_in(document: &Document) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (row, own) in document.0["edits"].as_object().into_iter().flatten() {
        let row: Arc<str> = row.as_str().into();
        let value = |name: &str| own.get(name).cloned().map(Arc::new);
        let of = || Arc::clone(&row);
        edits.extend(value("input").map(|input| Edit::Input(of(), input)));
        if let Ok(call) = GivenCall::deserialize(own)
            && !call.is_empty()
        {
            edits.push(Edit::Call(of(), Box::new(CallEdit::giving(&call))));
        }
        edits.extend(value("output").map(|output| Edit::Output(of(), output)));
        edits.extend(own.get("skip").map(|_| Edit::Skip(of())));
    }
    edits
}
