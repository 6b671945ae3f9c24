//! An MCP server over pipes that behaves as a test says.

use super::process::{assert_stopped_in_time, lives};
use super::program::HANG;
use super::toolbox::{catalog, environment, output, toolbox_with};
use plandeck::models::SmallModelWorker;
use plandeck::tools::{CallReport, CatalogToolbox, Tool, ToolError, Toolbox};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The script of the server.
pub(crate) const SERVER: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/mcp/server.py");

/// A toolbox with the tools of a server in this mode, which keeps its notes in a folder.
fn server(mode: &str, notes: &Path, settings: &Value) -> CatalogToolbox {
    let mut entry = json!({"command": "python3", "args": [SERVER, mode, notes]});
    if let (Some(entry), Some(settings)) = (entry.as_object_mut(), settings.as_object()) {
        entry.extend(settings.clone());
    }
    let tool = |name: &str| {
        let tool = json!({"type": "mcp", "server": "scripted", "mcp_tool": name});
        (name.to_owned(), tool)
    };
    let plain = [
        "say",
        "several",
        "sum",
        "picture",
        "fails",
        "attempt",
        "trace",
        "slow",
        "waits",
        "dies",
        "dies_once",
        "huge",
        "wide",
        "environment",
        "strange",
        "other_id",
        "missing",
        "again",
        "asks",
        "asks_at",
        "after_address",
        "task",
        "task_of_sdk",
    ];
    let tools: serde_json::Map<String, Value> = plain.into_iter().map(tool).collect();
    let text = json!({"mcpServers": {"scripted": entry}, "tools": tools}).to_string();
    toolbox_with(
        &catalog(&text),
        &SmallModelWorker::offline(),
        environment(&[("TOKEN", "tok-5528-secret")]),
    )
}

pub(crate) struct Scripted {
    tools: CatalogToolbox,
    pub notes: tempfile::TempDir,
}

impl Scripted {
    pub(crate) fn new(mode: &str) -> Self {
        Self::with(mode, &json!({}))
    }

    pub(crate) fn with(mode: &str, settings: &Value) -> Self {
        let notes = tempfile::tempdir().unwrap();
        let tools = server(mode, notes.path(), settings);
        Self { tools, notes }
    }

    pub(crate) fn tool(&self, name: &str) -> Arc<dyn Tool> {
        self.tools.tool(name).unwrap()
    }

    pub(crate) async fn output(&self, name: &str, input: Value) -> Value {
        output(&self.tool(name), input).await
    }

    pub(crate) fn noted(&self, name: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.notes.path().join(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !holds(self) {
            assert!(started.elapsed() < HANG, "{what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Closes the connections; no process may be left soon after.
    pub(crate) async fn ends(self) {
        let pids = self.noted("pids");
        assert!(!pids.is_empty(), "no server was started");
        let Self {
            tools,
            notes: _notes,
        } = self;
        drop(tools);
        let began = Instant::now();
        while pids.iter().any(|pid| lives(pid)) {
            assert!(began.elapsed() < HANG, "{pids:?} live on");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_stopped_in_time("the server", began.elapsed());
    }
}

/// The error of a call that must fail.
pub(crate) fn error(report: CallReport) -> ToolError {
    report.output.expect_err("an error")
}
