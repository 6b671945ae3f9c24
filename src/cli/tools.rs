//! `plandeck tools`: lists the tools of a catalog.

use super::args::ToolsArgs;
use super::failure::Failure;
use super::output::{out_json, out_line};
use crate::session::{SessionError, catalog, read_draft};
use crate::text::{fit, line, pad, width};
use crate::tools::{Catalog, ToolDefinition};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// Prints the tools of `--tools`, else of a plan, else of the catalog in this folder.
pub(super) fn tools(args: &ToolsArgs) -> Result<u8, Failure> {
    let plan = args.plan.as_deref().unwrap_or(Path::new("."));
    let draft = match &args.plan {
        Some(file) if args.tools.is_empty() => Some(read_draft(file)?),
        _ => None,
    };
    let mut catalog = catalog(plan, &args.tools, draft.as_ref())?;
    for file in &args.open_api {
        let operations = Catalog::load_open_api(file).map_err(SessionError::from)?;
        catalog.complete(operations);
    }
    if catalog.tools().is_empty() {
        return Err(Failure::usage(
            "no catalog in this folder: name one with --tools FILE, or a plan that has one in its folder",
        ));
    }
    if args.json {
        let list: Vec<Value> = catalog.tools().iter().map(described).collect();
        out_json(&Value::Array(list))?;
        return Ok(0);
    }
    let names = catalog.tools().iter().map(|tool| width(&tool.name));
    let column = names.max().unwrap_or(0).min(40);
    for tool in catalog.tools() {
        let row = format!(
            "{}  {:<9}  {}",
            pad(&fit(&tool.name, column), column),
            tool.kind().name,
            line(tool.description.lines().next().unwrap_or_default())
        );
        out_line(row.trim_end())?;
    }
    Ok(0)
}

fn described(tool: &Arc<ToolDefinition>) -> Value {
    json!({
        "name": tool.name,
        "type": tool.kind().name,
        "description": tool.description,
        "input_schema": tool.input_schema,
        "output_schema": tool.output_schema,
        "cost_usd": tool.cost,
        "read_only": tool.read_only,
        "idempotent": tool.idempotent,
    })
}
