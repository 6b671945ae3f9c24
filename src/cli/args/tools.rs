//! The options of `plandeck tools`.

use super::values::reply_of_call;
use crate::run::Answer;
use crate::session::SourceOptions;
use clap::{Args, Subcommand, ValueHint};
use std::path::PathBuf;

/// `plandeck tools`.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct ToolsArgs {
    #[command(subcommand)]
    pub command: Option<ToolsCommand>,
    /// List the tools of this plan
    #[arg(value_name = "PLAN", value_hint = ValueHint::FilePath)]
    pub plan: Option<PathBuf>,
    #[command(flatten)]
    pub from: ToolsFrom,
    /// Print the tools as a JSON list on standard output
    #[arg(long)]
    pub json: bool,
}

/// What is done with one tool.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ToolsCommand {
    /// Call a tool and print its output as JSON on standard output
    Call(CallArgs),
    /// Log in to an MCP server over HTTP: prints the address at which you permit access, and keeps the tokens
    Login(LoginArgs),
    /// Forget the tokens of an MCP server
    Logout(LoginArgs),
}

/// `plandeck tools login`.
#[derive(Args, Clone, Debug)]
pub(crate) struct LoginArgs {
    /// The server: its name under `mcpServers`
    #[arg(value_name = "SERVER")]
    pub server: String,
    #[command(flatten)]
    pub from: ToolsFrom,
}

/// `plandeck tools call`.
#[derive(Args, Clone, Debug)]
pub(crate) struct CallArgs {
    /// The tool: its name in the catalog, its name on an MCP server, or SERVER.TOOL
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Its parameters: a JSON object, @FILE for one in a file, or - for one on standard input
    #[arg(value_name = "JSON", default_value = "{}")]
    pub input: String,
    #[command(flatten)]
    pub from: ToolsFrom,
    /// Run `model` tools with this worker: PROVIDER/MODEL, MODEL, auto, offline or simulated
    #[arg(long, value_name = "WORKER", env = "PLANDECK_WORKER")]
    pub worker: Option<String>,
    /// The base URL of an OpenAI-compatible API for the worker
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// Answer what the server asks in the middle of the call: an object as it asks for, or decline or cancel; repeatable:
    /// each answer in its turn, and the last one from then on
    #[arg(long = "answer", value_name = "JSON", value_parser = reply_of_call)]
    pub answers: Vec<Answer>,
}

/// Where tools come from.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ToolsFrom {
    /// The tools of this catalog, a JSON or YAML file; repeatable, later files override earlier ones
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub tools: Vec<PathBuf>,
    /// Also the operations of this OpenAPI document; repeatable
    #[arg(long = "openapi", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub open_api: Vec<PathBuf>,
    /// Also the MCP servers in this file, under `mcpServers`; repeatable
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub mcp_config: Vec<PathBuf>,
    /// Trust the catalog and its servers for this time, as `PLANDECK_TRUST=1` does
    #[arg(long)]
    pub trust: bool,
}

impl ToolsFrom {
    /// These options for the application layer.
    pub(crate) fn options(&self) -> SourceOptions {
        SourceOptions {
            tools: self.tools.clone(),
            open_api: self.open_api.clone(),
            mcp_config: self.mcp_config.clone(),
            ..SourceOptions::default()
        }
    }
}
