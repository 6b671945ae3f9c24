//! The command line as clap parses it: the commands, and the options of those that read a plan without running it.

pub(super) mod batch;
pub(super) mod cast;
pub(super) mod convert;
pub(super) mod history;
pub(super) mod plan;
pub(super) mod policy;
pub(super) mod run;
pub(super) mod structure;
pub(super) mod tools;
pub(super) mod trials;
pub(super) mod trust;
pub(super) mod values;
pub(super) mod verbs;
pub(super) mod worker;

use batch::BatchArgs;
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use convert::ConvertArgs;
use history::{
    CacheArgs, DiffArgs, ExplainArgs, ExportArgs, ForkArgs, OpenArgs, ReplayArgs, ReportArgs,
    RunsArgs, ShowArgs,
};
use plan::PlanArgs;
use run::{ColorWhen, DemoArgs, RunArgs, SourceArgs};
use std::path::PathBuf;
use structure::{DependArgs, InsertArgs, RemoveArgs};
use tools::ToolsArgs;
use trials::{BisectArgs, BundleArgs, FlakyArgs, RepairArgs, SaveArgs, TestArgs};
use trust::TrustArgs;
use verbs::{
    AnswerArgs, ApproveArgs, AttachArgs, BreakArgs, EditArgs, McpArgs, ResumeArgs, RetryArgs,
    RunVerbArgs, SetArgs, StepArgs, StepVerbArgs,
};
use worker::WorkerArgs;

/// Run, watch and debug execution plans written by large language models.
#[derive(Debug, Parser)]
#[command(name = "plandeck", version, args_conflicts_with_subcommands = true)]
#[command(disable_help_subcommand = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub open: RunArgs,
    /// Write plandeck's own log to `log/plandeck.log` under `PLANDECK_HOME`
    #[arg(
        long,
        value_enum,
        value_name = "LEVEL",
        env = "PLANDECK_LOG",
        default_value_t,
        global = true
    )]
    pub log: LogLevel,
}

/// What the log contains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum LogLevel {
    /// Write no log
    #[default]
    Off,
    /// Errors
    Error,
    /// Also warnings
    Warn,
    /// Also the progress of runs
    Info,
    /// Also every attempt, request and command
    Debug,
    /// Everything
    Trace,
}

impl LogLevel {
    /// The level for the log; `None` for no log.
    pub(super) fn level(self) -> Option<tracing::Level> {
        match self {
            Self::Off => None,
            Self::Error => Some(tracing::Level::ERROR),
            Self::Warn => Some(tracing::Level::WARN),
            Self::Info => Some(tracing::Level::INFO),
            Self::Debug => Some(tracing::Level::DEBUG),
            Self::Trace => Some(tracing::Level::TRACE),
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run a plan, with the dashboard on a terminal and plain progress elsewhere
    Run(Box<RunArgs>),
    /// Run a plan with many contexts: JSON lines, CSV or a folder in, JSON lines out
    Batch(Box<BatchArgs>),
    /// Run a bundled plan that shows everything, without a key; captions name the next key
    Demo(DemoArgs),
    /// Check a plan without running anything
    Check(CheckArgs),
    /// Write a plan for a task, change one, or rewrite one so that it waits less
    Plan(Box<PlanArgs>),
    /// List recorded runs
    Runs(RunsArgs),
    /// Show the result of a run
    Show(ShowArgs),
    /// Play back a recorded run; calls nothing
    Replay(ReplayArgs),
    /// Open a run that another system recorded (OpenTelemetry, `LangSmith`, promptflow, Claude Code), or its plan
    Open(OpenArgs),
    /// Make a plan of another system's: Arazzo, promptflow, Dagu, Task Master
    Convert(ConvertArgs),
    /// Show how two runs differ, and where in the DAG the differences start
    Diff(DiffArgs),
    /// Explain why a step of a run was called, or why it was not
    Explain(ExplainArgs),
    /// Start a new run from a recorded one with changes; unchanged outputs are reused
    Fork(Box<ForkArgs>),
    /// Call a step of a recorded run many times, and count its answers
    Flaky(Box<FlakyArgs>),
    /// Write the edits of a run back to its plan and its catalog; prints what changes there
    Save(SaveArgs),
    /// Find the differences that turn the result of one recorded run into that of another
    Bisect(Box<BisectArgs>),
    /// Have the planner correct the plan of a run that failed, and run what that changes
    Repair(Box<RepairArgs>),
    /// Write a recorded run as a plan that runs again offline: a bug report, or a test
    Bundle(BundleArgs),
    /// Run bundles again, offline, and compare what comes out
    Test(TestArgs),
    /// Open the dashboard on a run of another process; leaving it never touches the run
    Attach(AttachArgs),
    /// Hold a live run: nothing more starts, and what is running ends
    Pause(RunVerbArgs),
    /// Let a paused run start steps again, or have a recorded one go on
    Resume(Box<ResumeArgs>),
    /// Start one ready step of a paused run
    Step(StepArgs),
    /// Run a step again with what depends on it, or every step that failed
    Retry(Box<RetryArgs>),
    /// Run a step again with what depends on it, without cached outputs
    Refresh(Box<StepVerbArgs>),
    /// Call a step with another input, prompt or model
    Edit(Box<EditArgs>),
    /// Give a step its output instead of calling it, or change the limits of a live run
    Set(Box<SetArgs>),
    /// Fork a run with one step more in its plan
    Insert(Box<InsertArgs>),
    /// Fork a run with one step less in its plan
    Remove(Box<RemoveArgs>),
    /// Fork a run in which a step waits for other steps
    Depend(Box<DependArgs>),
    /// Do not run a step
    Skip(Box<StepVerbArgs>),
    /// Take back the last edit of a run: an input, prompt, model or output, or a step that is skipped
    Undo(Box<ResumeArgs>),
    /// Make the edit again that was taken back last
    Redo(Box<ResumeArgs>),
    /// Hold a step of a live run before its next attempt
    Break(BreakArgs),
    /// Make the call for which a step of a live run needs an approval, or refuse it
    Approve(ApproveArgs),
    /// Answer what the server of a running call asks
    Answer(AnswerArgs),
    /// Stop a live run: cancel what is running, skip the rest
    Stop(RunVerbArgs),
    /// Serve the same verbs to agents, as an MCP server
    Mcp(McpArgs),
    /// Carry out calls of tools for a server of durable calls (Restate)
    Worker(Box<WorkerArgs>),
    /// List, pin and remove cached outputs
    Cache(CacheArgs),
    /// Export a run to another format
    Export(ExportArgs),
    /// Write a report of a batch or a run for people: a page for a browser, or Markdown
    Report(ReportArgs),
    /// Trust a plan, a catalog or a folder to start programs, reach hosts and run code; list or forget what is trusted
    Trust(TrustArgs),
    /// List the tools of a catalog and of its MCP servers, or call one
    Tools(ToolsArgs),
    /// List the models that can be reached, and the worker that `auto` takes
    Models(ModelsArgs),
    /// List what models cost
    Prices(PricesArgs),
    /// List the themes, yours too
    Themes,
    /// List every action with its keys, in the form of the settings
    Keys,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    Man {
        /// Write one page per command to this folder instead
        #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
        out: Option<PathBuf>,
    },
}

/// `plandeck check`.
#[derive(Args, Clone, Debug)]
pub(super) struct CheckArgs {
    /// The plan file: JSON, YAML, or text from a planner; - reads standard input
    #[arg(value_name = "PLAN", value_hint = ValueHint::FilePath)]
    pub plan: PathBuf,
    #[command(flatten)]
    pub source: SourceArgs,
    /// Print the result as a JSON object on standard output
    #[arg(long)]
    pub json: bool,
    /// When to use colour
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    pub color: ColorWhen,
}

/// `plandeck models`.
#[derive(Args, Clone, Debug)]
pub(super) struct ModelsArgs {
    /// Ask the server at this address too: what precedes `/chat/completions`
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// Print the models as a JSON list on standard output, those that cannot be reached too
    #[arg(long)]
    pub json: bool,
}

/// `plandeck prices`.
#[derive(Args, Clone, Debug)]
pub(super) struct PricesArgs {
    /// Only models whose `PROVIDER/MODEL` contains this text
    #[arg(value_name = "MODEL")]
    pub model: Option<String>,
    /// Print the prices as a JSON list on standard output
    #[arg(long)]
    pub json: bool,
}
