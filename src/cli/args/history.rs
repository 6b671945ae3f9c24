//! The options of the commands that read recorded runs and cached outputs.

use super::cast::CastArgs;
use super::convert::OtherPlanArgs;
use super::policy::HeadlessArgs;
use super::run::{RunArgs, ScreenArgs};
use super::values::{age, size};
use clap::{Args, Subcommand, ValueEnum, ValueHint};
use std::path::PathBuf;
use std::time::Duration;

/// `plandeck runs`.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct RunsArgs {
    #[command(subcommand)]
    pub action: Option<RunsAction>,
    /// Print the runs as a JSON list on standard output
    #[arg(long)]
    pub json: bool,
    /// Show forks below the runs that they were forked from
    #[arg(long)]
    pub tree: bool,
    /// List the runs of this batch, by its id, the start of its id, or last; without it, batches have a line each
    #[arg(long, value_name = "BATCH")]
    pub batch: Option<String>,
    /// List only the N newest runs
    #[arg(short = 'n', long, value_name = "N")]
    pub limit: Option<usize>,
}

/// Subcommands of `plandeck runs`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum RunsAction {
    /// Remove old runs
    Prune(PruneArgs),
}

/// `plandeck runs prune`.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = true, args = ["older_than", "keep", "max_size"])]
pub(crate) struct PruneArgs {
    /// Remove runs that started longer ago than this: 12h, 30d, 8w
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub older_than: Option<Duration>,
    /// Remove all but the N newest runs
    #[arg(long, value_name = "N")]
    pub keep: Option<usize>,
    /// Remove the oldest runs until the journal is no larger than this: 500MB, 2GB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub max_size: Option<u64>,
    /// Print the removed runs as a JSON list on standard output
    #[arg(long)]
    pub json: bool,
}

/// `plandeck show`.
#[derive(Args, Clone, Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is an option of the command line"
)]
pub(crate) struct ShowArgs {
    /// The run or the batch: its id, the start of its id, or last; a batch opens its view on a terminal
    #[arg(value_name = "RUN|BATCH")]
    pub run: String,
    /// Print the result as a JSON object on standard output
    #[arg(long)]
    pub json: bool,
    /// Compare planning once and executing with small models to a large model that does all the work
    #[arg(long)]
    pub savings: bool,
    /// Print what was sent to models and received, byte for byte but without secrets: of every step, or of these (for
    /// one element of a `for_each` step, ID[N])
    #[arg(long, value_name = "STEP", conflicts_with = "savings", num_args = 0..)]
    pub raw: Option<Vec<String>>,
    /// Print the plan as the run had it
    #[arg(long, conflicts_with_all = ["savings", "raw"])]
    pub plan: bool,
    /// Print the catalog with which the run called its tools, as a file that stands alone; without secrets
    #[arg(long, conflicts_with_all = ["savings", "raw", "plan"])]
    pub tools: bool,
    /// Print what a jq expression makes of the run at its last event: .steps.ID.output, .run.cost, .context.NAME; repeatable
    #[arg(long, value_name = "JQ", conflicts_with_all = ["savings", "raw"])]
    pub watch: Vec<String>,
    /// With --savings: the large model [default: the one that wrote the plan, else that of the worker's provider]
    #[arg(long, value_name = "PROVIDER/MODEL", requires = "savings")]
    pub planner: Option<String>,
    /// With --savings: also for N executions
    #[arg(long, value_name = "N", requires = "savings")]
    pub executions: Option<u64>,
}

/// `plandeck explain`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ExplainArgs {
    /// The run: its id, the start of its id, or last
    #[arg(value_name = "RUN")]
    pub run: String,
    /// The step id; for one element of a `for_each` step, ID[N]
    #[arg(value_name = "STEP")]
    pub step: String,
    /// Print the explanation as a JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// `plandeck fork`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ForkArgs {
    /// The run to fork: its id, the start of its id, or last
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Run this step and everything that depends on it again, without cached outputs; repeatable
    #[arg(long, value_name = "STEP")]
    pub from: Vec<String>,
    /// Call a step with this input instead of its parameters; repeatable
    #[arg(long, value_name = "STEP=JSON|STEP=@FILE")]
    pub input: Vec<String>,
    /// Use this as the output of a step instead of calling it: JSON, or plain text if it is not valid JSON; repeatable
    #[arg(long, value_name = "STEP=JSON|STEP=@FILE")]
    pub output: Vec<String>,
    #[command(flatten)]
    pub options: RunArgs,
}

/// `plandeck cache`.
#[derive(Args, Clone, Debug)]
pub(crate) struct CacheArgs {
    #[command(subcommand)]
    pub action: CacheAction,
}

/// Subcommands of `plandeck cache`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum CacheAction {
    /// List cached outputs, pinned ones first
    List {
        /// List only pinned outputs
        #[arg(long)]
        pinned: bool,
        /// Print the outputs as a JSON list on standard output
        #[arg(long)]
        json: bool,
    },
    /// Reuse a cached output for its call whatever its age, until it is unpinned
    Pin {
        /// The key of the output, or the start of it, as `cache list` shows it
        #[arg(value_name = "KEY")]
        key: String,
    },
    /// Let a pinned output expire again
    Unpin {
        /// The key of the output, or the start of it
        #[arg(value_name = "KEY", required_unless_present = "all")]
        key: Option<String>,
        /// Unpin every output
        #[arg(long, conflicts_with = "key")]
        all: bool,
    },
    /// Remove cached outputs; pinned ones stay
    Clear {
        /// Remove only outputs that are older than this: 12h, 30d, 8w
        #[arg(long, value_name = "AGE", value_parser = age)]
        older_than: Option<Duration>,
    },
}

/// `plandeck replay`.
#[derive(Args, Clone, Debug)]
#[command(mut_arg("headless", |headless| {
    headless.help("Print plain progress on standard output instead of opening the dashboard")
}))]
pub(crate) struct ReplayArgs {
    /// The run: its id, the start of its id, last, or a file of events that --events wrote
    #[arg(value_name = "RUN|FILE")]
    pub run: String,
    /// Playback speed, as a multiple of the original; 0 shows everything at once
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    pub speed: f64,
    #[command(flatten)]
    pub shown: HeadlessArgs,
    #[command(flatten)]
    pub screen: ScreenArgs,
}

/// `plandeck open`.
#[derive(Args, Clone, Debug)]
#[command(mut_arg("headless", |headless| {
    headless.help("Print a summary on standard output instead of opening the dashboard")
}))]
pub(crate) struct OpenArgs {
    /// The file: OTLP traces as JSON, runs of `LangSmith`, a run of promptflow, a session of Claude Code, or a plan that
    /// `plandeck convert` reads
    pub file: PathBuf,
    /// Open the trace whose id begins so, of a file with several; the one with the most spans by default
    #[arg(long, value_name = "ID")]
    pub trace: Option<String>,
    /// Follow a session of Claude Code that is still being written: what comes is shown within a second
    #[arg(short, long, conflicts_with_all = ["trace", "json"])]
    pub follow: bool,
    /// Print its result as a JSON object on standard output; of a plan what `check --json` prints
    #[arg(long, conflicts_with = "events")]
    pub json: bool,
    /// Print its events as JSON lines, which `plandeck replay` and `plandeck diff` read
    #[arg(long)]
    pub events: bool,
    #[command(flatten)]
    pub shown: HeadlessArgs,
    #[command(flatten)]
    pub plan: OtherPlanArgs,
    #[command(flatten)]
    pub screen: ScreenArgs,
}

/// `plandeck diff`.
#[derive(Args, Clone, Debug)]
pub(crate) struct DiffArgs {
    /// The first run or batch: its id, the start of its id, or last
    #[arg(value_name = "RUN|BATCH")]
    pub a: String,
    /// The second run, or batch
    #[arg(value_name = "RUN|BATCH")]
    pub b: String,
    /// Print the differences as a JSON object on standard output
    #[arg(long)]
    pub json: bool,
}

/// `plandeck export`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ExportArgs {
    /// The run: its id, the start of its id, or last
    #[arg(value_name = "RUN")]
    pub run: String,
    /// The format to write
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: ExportFormat,
    /// With --format otlp: also inputs and outputs, which are left out otherwise
    #[arg(long)]
    pub content: bool,
    /// Write to a file instead of standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub cast: CastArgs,
}

/// `plandeck report`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ReportArgs {
    /// The batch or the run: its id, the start of its id, or last
    #[arg(value_name = "BATCH|RUN")]
    pub of: String,
    /// The format to write [default: html for a file that ends so, else markdown]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<ReportFormat>,
    /// Write to a file instead of standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}

/// The formats of `plandeck report`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// One page for a browser; of a run, the page that `export` writes
    Html,
    /// Markdown
    Markdown,
}

/// The formats of `plandeck export`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// The result, as a JSON object
    Json,
    /// The events, one JSON object per line
    Jsonl,
    /// The steps, one line each
    Csv,
    /// The attempts in the Trace Event Format, for Perfetto
    Trace,
    /// One page for a browser: graph, time, costs, every input and output
    Html,
    /// The spans of its attempts as OTLP traces in JSON, by the `GenAI` conventions of OpenTelemetry
    Otlp,
    /// The graph as an image
    Svg,
    /// The graph as a flowchart of Mermaid, for Markdown
    Mermaid,
    /// The graph for Graphviz
    Dot,
    /// The dashboard played back, as an asciicast for `asciinema play`
    Cast,
}
