//! Toolboxes from the text of a catalog, and calls of their tools.

use plandeck::models::{Environment, SmallModelWorker, SpendAuthorizer};
use plandeck::plan::Source;
use plandeck::tools::{
    Asker, Call, CallHandle, CallReport, Catalog, CatalogToolbox, CodePort, Program, Tool,
    ToolOptions, Toolbox,
};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;

/// The program under test, which starts itself as sandbox and launcher.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_plandeck");

pub(crate) fn catalog(text: &str) -> Catalog {
    let source = Source {
        name: "tools.yaml".into(),
        text: text.into(),
    };
    Catalog::parse(&source, None)
        .unwrap_or_else(|faults| panic!("{faults}: {:#?}", faults.diagnostics))
}

pub(crate) fn faults(text: &str) -> Vec<String> {
    let source = Source {
        name: "tools.yaml".into(),
        text: text.into(),
    };
    let faults = Catalog::parse(&source, None).expect_err("a catalog with faults");
    faults
        .diagnostics
        .iter()
        .map(|fault| fault.message.clone())
        .collect()
}

/// No variables but these.
pub(crate) fn environment(variables: &[(&'static str, &'static str)]) -> Environment {
    let variables = variables.to_vec();
    Arc::new(move |name| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

pub(crate) fn toolbox_with(
    catalog: &Catalog,
    worker: &SmallModelWorker,
    environment: Environment,
) -> CatalogToolbox {
    let options = ToolOptions {
        allow_unsandboxed: false,
        program: Program::at(PROGRAM),
        environment,
        ..ToolOptions::default()
    };
    CatalogToolbox::new(catalog, worker, options)
}

pub(crate) fn toolbox(text: &str) -> CatalogToolbox {
    toolbox_with(
        &catalog(text),
        &SmallModelWorker::offline(),
        environment(&[]),
    )
}

pub(crate) fn tool(text: &str, name: &str) -> Arc<dyn Tool> {
    toolbox(text)
        .tool(name)
        .unwrap_or_else(|| panic!("no tool {name}"))
}

/// A call, and the lines that it logs.
pub(crate) fn call(input: Value) -> (Call, Arc<Mutex<Vec<String>>>) {
    let said = Arc::new(Mutex::new(Vec::new()));
    let lines = said.clone();
    let call = Call {
        step: "s".into(),
        attempt: 1,
        input: Arc::new(input),
        model: None,
        name: "k".into(),
        idempotency_key: "k".into(),
        trace: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        time_limit: None,
        max_memory_mb: None,
        max_cpu_percent: None,
        cancel: CancellationToken::new(),
        log: Arc::new(move |_, line| lines.lock().unwrap().push(line.to_owned())),
        listener: None,
        raw: None,
        asker: Asker::default(),
        handle: CallHandle::default(),
        code: CodePort::default(),
        spend_authorizer: SpendAuthorizer::unlimited(),
    };
    (call, said)
}

pub(crate) async fn run(tool: &Arc<dyn Tool>, input: Value) -> CallReport {
    tool.call(call(input).0).await
}

/// The output of a call that must succeed.
pub(crate) async fn output(tool: &Arc<dyn Tool>, input: Value) -> Value {
    let output = run(tool, input).await.output;
    let output = output.unwrap_or_else(|error| panic!("{error}"));
    Arc::unwrap_or_clone(output)
}

/// The message of a call that must fail for good.
pub(crate) async fn refusal(tool: &Arc<dyn Tool>, input: Value) -> String {
    let error = run(tool, input).await.output.expect_err("an error");
    assert!(!error.retryable, "{error}");
    error.message
}
