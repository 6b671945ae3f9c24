//! The command line as clap reads it.

use super::arg_values::{Bound, age, amount, limit, rate, size};
use crate::run::{Rate, ResourceLimits};
use crate::session::SourceOptions;
use crate::units::Money;
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Run, watch and debug execution plans that a large language model wrote.
#[derive(Debug, Parser)]
#[command(name = "plandeck", version, args_conflicts_with_subcommands = true)]
#[command(disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub open: RunArgs,
    /// Write a log of the program itself to log/plandeck.log under `PLANDECK_HOME`
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

/// How much is written to the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Nothing; there is no file.
    #[default]
    Off,
    /// What went wrong.
    Error,
    /// And what may be wrong.
    Warn,
    /// And what runs do.
    Info,
    /// And every attempt, request and command.
    Debug,
    /// And everything else.
    Trace,
}

impl LogLevel {
    /// As the log has it; `None` for no log.
    pub fn level(self) -> Option<tracing::Level> {
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

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a plan: the dashboard on a terminal, plain progress elsewhere
    Run(Box<RunArgs>),
    /// Look a plan over without running anything
    Check(CheckArgs),
    /// List the runs on record
    Runs(RunsArgs),
    /// Show what came of a run
    Show(ShowArgs),
    /// Play a recorded run again, offline
    Replay(ReplayArgs),
    /// Show how two runs differ, and where along the DAG they part
    Diff(DiffArgs),
    /// Say why a step of a run was called, or why it was not
    Explain(ExplainArgs),
    /// Run again from a recorded run, with something changed: what stays the same is taken over
    Fork(Box<ForkArgs>),
    /// Outputs that are kept from run to run
    Cache(CacheArgs),
    /// Write a run in the format of another program
    Export(ExportArgs),
    /// List the tools of a catalog
    Tools(ToolsArgs),
    /// List the themes
    Themes,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    Man {
        /// Write a page for each command into this folder instead
        #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
        out: Option<PathBuf>,
    },
}

/// Where a plan's tools and values come from.
#[derive(Args, Clone, Debug, Default)]
pub struct SourceArgs {
    /// A context value; VALUE is JSON, or text where it is no JSON; @FILE takes it from a file
    #[arg(short, long = "context", value_name = "KEY=VALUE|KEY=@FILE")]
    pub context: Vec<String>,
    /// A JSON or YAML file with an object of context values
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub context_file: Vec<PathBuf>,
    /// A tool catalog, JSON or YAML; may be given more than once
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub tools: Vec<PathBuf>,
    /// A file with `mcpServers`, as Claude Desktop has it
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub mcp_config: Vec<PathBuf>,
    /// Who carries out model tools: PROVIDER/MODEL, MODEL, auto, offline or simulated
    #[arg(long, value_name = "WORKER", env = "PLANDECK_WORKER")]
    pub worker: Option<String>,
    /// The address of an OpenAI-compatible API
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub base_url: Option<String>,
    /// Seed of the simulated worker and of the waits between tries
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// The limits; `none` lifts one.
#[derive(Args, Clone, Debug, Default)]
pub struct LimitArgs {
    /// Attempts under way at once [default: 5]
    #[arg(long, value_name = "N", value_parser = limit::<u32>, allow_negative_numbers = true)]
    pub max_concurrent: Option<Bound<u32>>,
    /// Dollars that may be spent [default: 10]
    #[arg(long, value_name = "X", value_parser = amount, allow_negative_numbers = true)]
    pub max_total_cost_usd: Option<Bound<f64>>,
    /// Seconds the run may take
    #[arg(long, value_name = "S", value_parser = amount, allow_negative_numbers = true)]
    pub timeout_seconds: Option<Bound<f64>>,
    /// Calls that may be made, retries included
    #[arg(long, value_name = "N", value_parser = limit::<u64>, allow_negative_numbers = true)]
    pub max_tool_calls: Option<Bound<u64>>,
    /// Mebibytes of memory for each child process
    #[arg(long, value_name = "N", value_parser = limit::<u64>, allow_negative_numbers = true)]
    pub max_memory_mb: Option<Bound<u64>>,
    /// Percent of one core for each child process
    #[arg(long, value_name = "P", value_parser = limit::<u32>, allow_negative_numbers = true)]
    pub max_cpu_percent: Option<Bound<u32>>,
    /// Calls, and tokens, that a model or a pool of tools may take in any minute; may be repeated
    #[arg(long = "rate", value_name = "NAME=CALLS[/TOKENS]", value_parser = rate)]
    pub rates: Vec<(Arc<str>, Rate)>,
}

/// `plandeck run`.
#[derive(Args, Clone, Debug)]
// A flag each, as people type them.
#[allow(clippy::struct_excessive_bools)]
pub struct RunArgs {
    /// The plan: JSON, YAML, or text from a planner
    #[arg(value_name = "PLAN", value_hint = ValueHint::FilePath)]
    pub plan: Option<PathBuf>,
    #[command(flatten)]
    pub source: SourceArgs,
    #[command(flatten)]
    pub limits: LimitArgs,
    /// Run without the dashboard, with plain progress on standard error
    #[arg(long)]
    pub headless: bool,
    /// Print the result as one JSON object on standard output (implies --headless)
    #[arg(long)]
    pub json: bool,
    /// Write the events as JSON lines to a file, or to standard output (which implies --headless)
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    pub events: Option<PathBuf>,
    /// Stop everything at the first failure
    #[arg(long)]
    pub fail_fast: bool,
    /// Do not track cost
    #[arg(long)]
    pub no_track_cost: bool,
    /// Begin paused (with the dashboard)
    #[arg(long)]
    pub paused: bool,
    #[command(flatten)]
    pub record: RecordArgs,
    #[command(flatten)]
    pub screen: ScreenArgs,
}

impl SourceArgs {
    /// The same for the application layer; the context is read apart.
    pub fn options(&self) -> SourceOptions {
        SourceOptions {
            tools: self.tools.clone(),
            mcp_config: self.mcp_config.clone(),
            worker: self.worker.clone(),
            base_url: self.base_url.clone(),
            seed: self.seed,
            ..SourceOptions::default()
        }
    }
}

impl LimitArgs {
    /// What was given, over `limits`.
    pub fn over(&self, mut limits: ResourceLimits) -> ResourceLimits {
        if let Some(bound) = self.max_memory_mb {
            limits.max_memory_mb = bound.into_option();
        }
        if let Some(bound) = self.max_cpu_percent {
            limits.max_cpu_percent = bound.into_option();
        }
        if let Some(bound) = self.timeout_seconds {
            limits.timeout_seconds = bound.into_option();
        }
        if let Some(bound) = self.max_tool_calls {
            limits.max_tool_calls = bound.into_option();
        }
        if let Some(bound) = self.max_concurrent {
            limits.max_concurrent = bound.into_option();
        }
        if let Some(bound) = self.max_total_cost_usd {
            limits.max_total_cost_usd = bound.into_option().map(Money::from_usd);
        }
        limits
    }
}

impl RunArgs {
    /// As where nothing is given.
    pub fn by_default() -> Self {
        Self {
            plan: None,
            source: SourceArgs::default(),
            limits: LimitArgs::default(),
            headless: false,
            json: false,
            events: None,
            fail_fast: false,
            no_track_cost: false,
            paused: false,
            record: RecordArgs::default(),
            screen: ScreenArgs::default(),
        }
    }
}

/// What is kept of a run, and what an earlier one left.
#[derive(Args, Clone, Debug, Default)]
pub struct RecordArgs {
    /// Go on with an earlier run: what it had done is not done again. RUN is an id, the beginning of one, or `last`
    #[arg(long, value_name = "RUN")]
    pub resume: Option<String>,
    /// What to do with steps that were under way when that run was cut short, and may have happened
    #[arg(long, value_enum, value_name = "WHAT")]
    pub unknown: Option<UnknownWhen>,
    /// Whether the run is recorded; `required` makes no call that cannot be recorded first
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    pub journal: JournalWhen,
    /// Use no outputs of earlier runs again but those that are pinned
    #[arg(long)]
    pub fresh: bool,
    /// How long outputs of earlier runs stay good: 12h, 30d [default: a day for what comes from elsewhere, else 30d]
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub cache_ttl: Option<Duration>,
    /// Wait for the disk at every call that can cost or change something, so that a power failure loses nothing
    #[arg(long)]
    pub durable: bool,
}

/// What happens to steps of which nobody knows whether they happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum UnknownWhen {
    /// They stay unknown, unless their tool may be repeated.
    #[default]
    Keep,
    /// They run again.
    Rerun,
    /// They are skipped.
    Skip,
}

/// Whether a run is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum JournalWhen {
    /// It is; where that fails, a warning is given and the run goes on.
    #[default]
    On,
    /// It is not.
    Off,
    /// It is; where that fails, nothing more is done that can cost or change something.
    Required,
}

/// How the dashboard looks.
#[derive(Args, Clone, Debug, Default)]
pub struct ScreenArgs {
    /// A theme's name; `plandeck themes` lists them
    #[arg(long, value_name = "NAME")]
    pub theme: Option<String>,
    /// When to use colour
    #[arg(long, value_enum, value_name = "WHEN")]
    pub color: Option<ColorWhen>,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal that has it, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// `plandeck check`.
#[derive(Args, Clone, Debug)]
pub struct CheckArgs {
    /// The plan: JSON, YAML, or text from a planner
    #[arg(value_name = "PLAN", value_hint = ValueHint::FilePath)]
    pub plan: PathBuf,
    #[command(flatten)]
    pub source: SourceArgs,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
    /// When to use colour
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    pub color: ColorWhen,
}

/// `plandeck tools`.
#[derive(Args, Clone, Debug)]
pub struct ToolsArgs {
    /// A plan whose tools to list
    #[arg(value_name = "PLAN", value_hint = ValueHint::FilePath)]
    pub plan: Option<PathBuf>,
    /// A tool catalog, JSON or YAML; may be given more than once
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub tools: Vec<PathBuf>,
    /// Print a JSON list on standard output
    #[arg(long)]
    pub json: bool,
}

/// `plandeck runs`.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RunsArgs {
    #[command(subcommand)]
    pub action: Option<RunsAction>,
    /// Print a JSON list on standard output
    #[arg(long)]
    pub json: bool,
    /// At most this many, the newest
    #[arg(short = 'n', long, value_name = "N")]
    pub limit: Option<usize>,
}

/// What to do with the runs on record.
#[derive(Clone, Debug, Subcommand)]
pub enum RunsAction {
    /// Remove old runs
    Prune(PruneArgs),
}

/// `plandeck runs prune`.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = true, args = ["older_than", "keep", "max_size"])]
pub struct PruneArgs {
    /// What started longer ago than this: 12h, 30d, 8w
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub older_than: Option<Duration>,
    /// All but the newest N
    #[arg(long, value_name = "N")]
    pub keep: Option<usize>,
    /// The oldest, until the journal takes no more than this: 500MB, 2GB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub max_size: Option<u64>,
    /// Print the runs that were removed as a JSON list on standard output
    #[arg(long)]
    pub json: bool,
}

/// `plandeck show`.
#[derive(Args, Clone, Debug)]
pub struct ShowArgs {
    /// An id, the beginning of one, or `last`
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Print the result as one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// `plandeck explain`.
#[derive(Args, Clone, Debug)]
pub struct ExplainArgs {
    /// An id, the beginning of one, or `last`
    #[arg(value_name = "RUN")]
    pub run: String,
    /// The step; an element of a `for_each` step is ID[N]
    #[arg(value_name = "STEP")]
    pub step: String,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// `plandeck fork`.
#[derive(Args, Clone, Debug)]
pub struct ForkArgs {
    /// The run to fork: an id, the beginning of one, or `last`
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Run this step again, and everything that depends on it, without kept outputs; may be repeated
    #[arg(long, value_name = "STEP")]
    pub from: Vec<String>,
    /// Call a step with this instead of its parameters; may be repeated
    #[arg(long, value_name = "STEP=JSON|STEP=@FILE")]
    pub input: Vec<String>,
    /// Use this as a step's output instead of calling it: JSON, or text where it is no JSON; may be repeated
    #[arg(long, value_name = "STEP=JSON|STEP=@FILE")]
    pub output: Vec<String>,
    #[command(flatten)]
    pub options: RunArgs,
}

/// `plandeck cache`.
#[derive(Args, Clone, Debug)]
pub struct CacheArgs {
    #[command(subcommand)]
    pub action: CacheAction,
}

/// What to do with kept outputs.
#[derive(Clone, Debug, Subcommand)]
pub enum CacheAction {
    /// List what is kept, the pinned first
    List {
        /// Only what is pinned
        #[arg(long)]
        pinned: bool,
        /// Print a JSON list on standard output
        #[arg(long)]
        json: bool,
    },
    /// Use a kept output for its call whatever its age, until it is unpinned
    Pin {
        /// Its key, or the beginning of it, as `cache list` shows it
        #[arg(value_name = "KEY")]
        key: String,
    },
    /// Let a pinned output grow old again
    Unpin {
        /// Its key, or the beginning of it
        #[arg(value_name = "KEY", required_unless_present = "all")]
        key: Option<String>,
        /// Everything that is pinned
        #[arg(long, conflicts_with = "key")]
        all: bool,
    },
    /// Remove kept outputs; pinned ones stay
    Clear {
        /// Only what was made longer ago than this: 12h, 30d, 8w
        #[arg(long, value_name = "AGE", value_parser = age)]
        older_than: Option<Duration>,
    },
}

/// `plandeck replay`.
#[derive(Args, Clone, Debug)]
pub struct ReplayArgs {
    /// An id, the beginning of one, `last`, or a file of events as --events writes it
    #[arg(value_name = "RUN|FILE")]
    pub run: String,
    /// How many times as fast as it was; 0 plays everything at once
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    pub speed: f64,
    /// Print plain progress instead of opening the dashboard
    #[arg(long)]
    pub headless: bool,
    #[command(flatten)]
    pub screen: ScreenArgs,
}

/// `plandeck diff`.
#[derive(Args, Clone, Debug)]
pub struct DiffArgs {
    /// The one run: an id, the beginning of one, or `last`
    #[arg(value_name = "RUN")]
    pub a: String,
    /// The other
    #[arg(value_name = "RUN")]
    pub b: String,
    /// Print one JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// `plandeck export`.
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    /// An id, the beginning of one, or `last`
    #[arg(value_name = "RUN")]
    pub run: String,
    /// The format
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: ExportFormat,
    /// Write to a file instead of standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}

/// What a run can be written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// The result, one JSON object.
    Json,
    /// The events, one JSON object a line.
    Jsonl,
    /// The steps, a line each.
    Csv,
    /// The attempts in the Trace Event Format, for Perfetto.
    Trace,
}
