//! `plandeck tools`: lists the tools of a catalog and of its MCP servers, with where each comes from.

use super::args::tools::{ToolsArgs, ToolsCommand};
use super::failure::Failure;
use super::known_tools::known;
use super::output::{note_line, out_json, out_line};
use super::tools_call::call;
use super::tools_login::{log_in, log_out};
use crate::session::{SessionError, Settings, SourceOptions, listed_tools, not_asked};
use crate::text::{fit, line, pad, width};
use crate::tools::{BUILTINS, Catalog, ToolDefinition};
use serde_json::{Value, json};
use std::sync::Arc;

/// Exit code where a server did not list its tools.
const SOME_MISSING: u8 = 1;

/// A column is no wider than this, in cells.
const WIDEST: usize = 40;

/// Tools that need no entry in a catalog, and what they do. The last step of a plan is none that a step calls.
const DESCRIBED: [(&str, &str); 2] = [
    ("code_exec", "Runs Python in a sandbox: {code, input_data}"),
    (
        "function_call",
        "Calls another tool by its name: {name, args}",
    ),
];

/// Lists the tools, or calls one.
pub(super) async fn tools(args: ToolsArgs) -> Result<u8, Failure> {
    match args.command {
        Some(ToolsCommand::Call(args)) => call(args).await,
        Some(ToolsCommand::Login(args)) => log_in(args).await,
        Some(ToolsCommand::Logout(args)) => log_out(args).await,
        None => list(&args).await,
    }
}

/// Prints the tools of `--tools`, else of a plan, else of the catalog in this folder, and those of its MCP servers.
async fn list(args: &ToolsArgs) -> Result<u8, Failure> {
    let (known, source) = known(args.plan.as_deref(), &args.from)?;
    if known.tools().is_empty() && known.mcp_servers.is_empty() {
        return Err(Failure::usage(
            "no catalog in this folder: name one with --tools FILE, or a plan that has one in its folder",
        ));
    }
    let (known, code) = with_servers(known, &source).await?;
    let rows: Vec<Row<'_>> = known
        .tools()
        .iter()
        .map(Row::of)
        .chain(builtin(&known))
        .collect();
    if args.json {
        out_json(&Value::Array(rows.iter().map(Row::to_json).collect()))?;
        return Ok(code);
    }
    let column = |of: fn(&Row<'_>) -> usize| rows.iter().map(of).max().unwrap_or(0).min(WIDEST);
    let names = column(|row| width(row.name));
    let kinds = column(|row| width(row.kind));
    let sources = column(|row| width(row.source));
    for row in &rows {
        let text = format!(
            "{}  {:<kinds$}  {}  {}",
            pad(&fit(row.name, names), names),
            row.kind,
            pad(&fit(row.source, sources), sources),
            line(row.description.lines().next().unwrap_or_default())
        );
        out_line(text.trim_end())?;
    }
    Ok(code)
}

/// The catalog with the tools of its servers, which are started or connected to; and the exit code.
async fn with_servers(known: Catalog, source: &SourceOptions) -> Result<(Catalog, u8), Failure> {
    if known.mcp_servers.is_empty() {
        return Ok((known, 0));
    }
    let here = std::env::current_dir().unwrap_or_default();
    let settings = Settings::load(&here)?;
    let listing = match listed_tools(&known, source, &settings).await {
        Err(SessionError::NotTrusted(request)) => {
            note_line(&not_asked(&request));
            return Ok((known, SOME_MISSING));
        }
        listing => listing?,
    };
    for error in &listing.failures {
        note_line(&error.message);
    }
    let code = if listing.failures.is_empty() {
        0
    } else {
        SOME_MISSING
    };
    Ok((listing.catalog, code))
}

/// One tool as it is listed.
struct Row<'a> {
    name: &'a str,
    kind: &'static str,
    source: &'a str,
    description: &'a str,
    definition: Option<&'a ToolDefinition>,
}

impl<'a> Row<'a> {
    fn of(tool: &'a Arc<ToolDefinition>) -> Self {
        Self {
            name: &tool.name,
            kind: tool.kind().name,
            source: &tool.source,
            description: &tool.description,
            definition: Some(tool),
        }
    }

    fn to_json(&self) -> Value {
        let tool = self.definition;
        json!({
            "name": self.name,
            "type": self.kind,
            "source": self.source,
            "description": self.description,
            "input_schema": tool.map(|tool| &tool.input_schema),
            "output_schema": tool.map(|tool| &tool.output_schema),
            "cost_usd": tool.map(|tool| tool.cost).unwrap_or_default(),
            "read_only": tool.is_some_and(|tool| tool.read_only),
            "idempotent": tool.is_some_and(|tool| tool.idempotent),
        })
    }
}

/// The tools that need no entry, and have none.
fn builtin(known: &Catalog) -> Vec<Row<'_>> {
    let described = DESCRIBED
        .into_iter()
        .filter(|(name, _)| BUILTINS.contains(name) && known.get(name).is_none());
    let rows = described.map(|(name, description)| Row {
        name,
        kind: name,
        source: "built-in",
        description,
        definition: None,
    });
    rows.collect()
}
