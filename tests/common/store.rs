//! Runs for the tests of the store: real engines with a tool that counts its calls.

use futures::FutureExt;
use futures::future::BoxFuture;
use plandeck::engine::{Engine, Settings, event_channel};
use plandeck::plan::{Dialect, ExecutionPlan, Step, StepIx, Template};
use plandeck::run::{ResourceLimits, RunCommand, RunEvent, RunState};
use plandeck::store::{Journal, JournalOptions, RunMeta};
use plandeck::tools::{
    Call, CallPolicy, CallReport, Pricing, Quote, Tool, ToolError, ToolKind, Toolbox,
};
use plandeck::units::Money;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Counts its calls by step, and returns its input, waits, hangs or fails, as the input asks.
pub(crate) struct Echo {
    pub calls: Mutex<BTreeMap<String, u32>>,
    pub keys: Mutex<Vec<String>>,
    pub repeatable: bool,
    pub plain: bool,
    pub cost: Money,
}

impl Default for Echo {
    fn default() -> Self {
        Self {
            calls: Mutex::default(),
            keys: Mutex::default(),
            repeatable: false,
            plain: false,
            cost: Money::ZERO,
        }
    }
}

impl Echo {
    pub(crate) fn report(&self, input: &Value) -> CallReport {
        let output = match input["fail"].as_str() {
            Some(why) => Err(ToolError::permanent(why)),
            None => Ok(Arc::new(json!({"echo": input}))),
        };
        CallReport {
            charges: Vec::new(),
            reasoning: None,
            output,
            cost: Some(self.cost),
            ..CallReport::free(Ok(Value::Null))
        }
    }

    pub(crate) fn calls_of(&self, step: &str) -> u32 {
        self.calls.lock().unwrap().get(step).copied().unwrap_or(0)
    }

    pub(crate) fn total(&self) -> u32 {
        self.calls.lock().unwrap().values().sum()
    }
}

struct EchoTool(Arc<Echo>);

impl Tool for EchoTool {
    fn kind(&self) -> &'static ToolKind {
        static KIND: ToolKind = ToolKind::new("echo");
        &KIND
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let echo = Arc::clone(&self.0);
        async move {
            *echo
                .calls
                .lock()
                .unwrap()
                .entry(call.step.to_string())
                .or_default() += 1;
            echo.keys
                .lock()
                .unwrap()
                .push(call.idempotency_key.to_string());
            if call.input["hang"] == true {
                call.cancel.cancelled().await;
            }
            if let Some(ms) = call.input["ms"].as_u64() {
                tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
            }
            echo.report(&call.input)
        }
        .boxed()
    }

    fn call_now(&self, input: &Arc<Value>) -> Option<CallReport> {
        self.0.plain.then(|| self.0.report(input))
    }

    fn policy(&self) -> CallPolicy {
        CallPolicy {
            repeatable: self.0.repeatable,
            ..CallPolicy::default()
        }
    }

    fn pricing(&self) -> Option<&dyn Pricing> {
        Some(self)
    }
}

impl Pricing for EchoTool {
    fn quote(&self, _input: &Value, _model: Option<&str>) -> Quote {
        Quote {
            max: Some(self.0.cost),
            min: self.0.cost,
        }
    }
}

/// Every name is the same tool.
pub(crate) struct Only(pub Arc<Echo>);

impl Toolbox for Only {
    fn tool(&self, _name: &str) -> Option<Arc<dyn Tool>> {
        Some(Arc::new(EchoTool(Arc::clone(&self.0))))
    }
}

pub(crate) fn step(id: &str, parameters: Value, depends_on: &[u32]) -> Step {
    Step {
        depends_on: depends_on.iter().copied().map(StepIx).collect(),
        ..Step::new(id, "echo", Template::Literal(Arc::new(parameters)))
    }
}

pub(crate) fn plan(steps: Vec<Step>) -> Arc<ExecutionPlan> {
    Arc::new(ExecutionPlan {
        name: "trial".into(),
        dialect: Dialect::Documented,
        steps: steps.into(),
        context_names: Vec::new(),
        context: Map::new(),
        catalog: None,
        warnings: Vec::new(),
    })
}

pub(crate) fn settings() -> Settings {
    Settings {
        limits: ResourceLimits::none(),
        seed: 7,
        ..Settings::default()
    }
}

pub(crate) fn engine(steps: Vec<Step>, echo: &Arc<Echo>) -> Engine {
    let toolbox = Arc::new(Only(Arc::clone(echo)));
    Engine::new(plan(steps), Map::new(), toolbox, settings())
}

pub(crate) fn journal(home: &Path, engine: &Engine) -> Journal {
    Journal::begin(
        home,
        engine.run_id(),
        RunMeta::default(),
        JournalOptions::default(),
    )
    .unwrap()
}

/// Runs with a journal in `home`, to the end; gives the state and the events as a reader in memory saw them.
pub(crate) async fn run_journalled(home: &Path, engine: Engine) -> (RunState, Vec<RunEvent>) {
    let journal = journal(home, &engine);
    run(engine.with_sink(journal)).await
}

pub(crate) async fn run(engine: Engine) -> (RunState, Vec<RunEvent>) {
    let (events_out, mut reader) = event_channel();
    let engine = engine.with_sink(events_out);
    let (_send, commands) = mpsc::channel::<RunCommand>(1);
    let state = engine.run(Instant::now(), commands).await;
    let mut events = Vec::new();
    reader.take(&mut events, usize::MAX);
    (state, events)
}
