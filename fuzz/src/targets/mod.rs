//! The targets, a file each, and what they share.

pub mod catalog;
pub mod events;
pub mod expression;
pub mod http;
pub mod import;
pub mod model;
pub mod plan;
pub mod store;
pub mod usage;

use crate::server::Server;
use plandeck::plan::PlanFaults;
use plandeck::report::{DiagnosticStyle, render_faults};
use plandeck::run::RunState;
use plandeck::text::find_unsafe;
use plandeck::{Execution, ExecutionResult};
use std::sync::LazyLock;
use tokio::runtime::Runtime;

/// The runtime that runs are on.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("the runtime starts")
});

/// The server that answers requests of tools and models.
static SERVER: LazyLock<Server> = LazyLock::new(|| Server::start().expect("a port is free"));

/// Runs a plan to its end. What it ends with is looked at; `None` where it was refused.
fn run_to_end(execution: Execution) -> Option<RunState> {
    let prepared = execution.prepare().ok()?;
    let (state, _) = RUNTIME.block_on(prepared.run());
    let result = ExecutionResult::of(&state);
    let text = serde_json::to_string(&result).expect("a result is JSON");
    serde_json::from_str::<serde_json::Value>(&text).expect("what is printed can be read");
    for step in &result.steps {
        if let Some(error) = &step.error {
            assert_safe(&error.message);
        }
    }
    Some(state)
}

/// Faults have places in the text, and can be drawn on a terminal.
fn assert_sound(faults: &PlanFaults) {
    assert!(faults.errors().next().is_some(), "refused without a fault");
    for diagnostic in &faults.diagnostics {
        if let Some(span) = &diagnostic.span {
            let place = faults.source_text.text.get(span.clone());
            assert!(place.is_some(), "no such place: {diagnostic:?}");
        }
    }
    assert_safe(&render_faults(faults, DiagnosticStyle::default()));
}

/// Nothing in `text` steers a terminal, or hides from its reader.
fn assert_safe(text: &str) {
    let found = text.split('\n').find_map(find_unsafe);
    assert_eq!(found, None, "not safe: {text:?}");
}
