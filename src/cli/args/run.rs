//! The options of `plandeck run`, which `plandeck fork` and `plandeck PLAN` take too.

use super::policy::{HeadlessArgs, PolicyArgs, UnknownArgs};
use super::values::{Bound, age, amount, limit, pace, rate, reply};
use crate::run::{Answer, Rate, ResourceLimits};
use crate::session::{EditedPlan, SourceOptions};
use crate::tui::{Keymaps, Surroundings};
use crate::units::Money;
use clap::{Args, ValueEnum, ValueHint};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Where the tools, context values and worker of a plan come from.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct SourceArgs {
    /// Set a context value: JSON, or plain text if it is not valid JSON; @FILE reads it from a file; repeatable
    #[arg(short, long = "context", value_name = "KEY=VALUE|KEY=@FILE")]
    pub context: Vec<String>,
    /// Read context values from a JSON or YAML file that holds an object; repeatable
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub context_file: Vec<PathBuf>,
    /// Use this tool catalog, a JSON or YAML file; repeatable, later files override earlier ones
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub tools: Vec<PathBuf>,
    /// Use the operations of this OpenAPI document as tools; repeatable
    #[arg(long = "openapi", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub open_api: Vec<PathBuf>,
    /// Read MCP servers from this file, in the `mcpServers` format of Claude Desktop; repeatable
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub mcp_config: Vec<PathBuf>,
    /// Run model tools with this worker: PROVIDER/MODEL, MODEL, auto, offline or simulated
    #[arg(long, value_name = "WORKER", env = "PLANDECK_WORKER")]
    pub worker: Option<String>,
    /// Send model requests to this OpenAI-compatible API
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub base_url: Option<String>,
    /// Seed the simulated worker and the random waits between attempts
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// The limits of a run; `none` removes one.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct LimitArgs {
    /// Run at most N attempts at once; none for no limit [default: 5]
    #[arg(long, value_name = "N", value_parser = limit::<u32>, allow_negative_numbers = true)]
    pub max_concurrent: Option<Bound<u32>>,
    /// Spend at most X dollars; none for no limit [default: 10]
    #[arg(long, value_name = "X", value_parser = amount, allow_negative_numbers = true)]
    pub max_total_cost_usd: Option<Bound<f64>>,
    /// Stop the run after S seconds
    #[arg(long, value_name = "S", value_parser = amount, allow_negative_numbers = true)]
    pub timeout_seconds: Option<Bound<f64>>,
    /// Make at most N calls, retries included
    #[arg(long, value_name = "N", value_parser = limit::<u64>, allow_negative_numbers = true)]
    pub max_tool_calls: Option<Bound<u64>>,
    /// Limit each child process to N MiB of memory
    #[arg(long, value_name = "N", value_parser = limit::<u64>, allow_negative_numbers = true)]
    pub max_memory_mb: Option<Bound<u64>>,
    /// Limit each child process to P percent of one core
    #[arg(long, value_name = "P", value_parser = limit::<u32>, allow_negative_numbers = true)]
    pub max_cpu_percent: Option<Bound<u32>>,
    /// Limit a model or a pool of tools to CALLS calls, and TOKENS tokens, per minute; repeatable
    #[arg(long = "rate", value_name = "NAME=CALLS[/TOKENS]", value_parser = rate)]
    pub rates: Vec<(Arc<str>, Rate)>,
}

/// `plandeck demo`.
#[derive(Args, Clone, Debug)]
pub(crate) struct DemoArgs {
    #[command(flatten)]
    pub shown: HeadlessArgs,
    /// Print the result as a JSON object on standard output (implies --headless)
    #[arg(long)]
    pub json: bool,
    /// Show steps that take no time as running for this long; at 0 the calls take no longer than usual either
    /// [default: 0.7 in the dashboard]
    #[arg(long, value_name = "SECONDS", value_parser = pace, env = "PLANDECK_PACE")]
    pub pace: Option<Duration>,
    #[command(flatten)]
    pub screen: ScreenArgs,
}

/// `plandeck run`.
#[derive(Args, Clone, Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(crate) struct RunArgs {
    /// The plan file: JSON, YAML, or text from a planner; - reads standard input
    #[arg(value_name = "PLAN", value_hint = ValueHint::FilePath)]
    pub plan: Option<PathBuf>,
    #[command(flatten)]
    pub source: SourceArgs,
    #[command(flatten)]
    pub limits: LimitArgs,
    #[command(flatten)]
    pub shown: HeadlessArgs,
    /// Print the result as a JSON object on standard output (implies --headless)
    #[arg(long)]
    pub json: bool,
    /// Write the events as JSON lines to a file, or with - to standard output (implies --headless)
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    pub events: Option<PathBuf>,
    #[command(flatten)]
    pub policy: PolicyArgs,
    /// Hold the run at a step: STEP, STEP:after, STEP:failure, or STEP:CONDITION over input, attempt, output and cost;
    /// STEP[N] is an element, * every step; repeatable
    #[arg(long = "break", value_name = "STEP[:WHEN]")]
    pub breakpoints: Vec<String>,
    /// Hold the run at each failure, as --break '*:failure'
    #[arg(long)]
    pub break_on_failure: bool,
    /// Go on until this step is about to start and hold the run there; nothing is called that it does not need. STEP[N] is
    /// an element
    #[arg(long, value_name = "STEP")]
    pub to: Option<String>,
    /// Show what would run, what would stay and what that would cost, and run nothing; with --json as a JSON object
    #[arg(long)]
    pub dry_run: bool,
    /// Start paused: nothing starts until the run is resumed, in the dashboard or with `plandeck resume`
    #[arg(long)]
    pub paused: bool,
    /// Also listen on this address of the network, such as 127.0.0.1:7000 or :0 for any port; the token that opens it is
    /// printed on standard error
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Start the run in a process of its own without a screen, print its id and return; `plandeck attach` opens the
    /// dashboard on it
    #[arg(long)]
    pub detach: bool,
    /// Slow motion: show steps that take no time as running for this long. Figures and costs stay as they are
    /// [default: 0.7 for sample plans in the dashboard that no model runs, else 0]
    #[arg(long, value_name = "SECONDS", value_parser = pace, env = "PLANDECK_PACE")]
    pub pace: Option<Duration>,
    #[command(flatten)]
    pub record: RecordArgs,
    #[command(flatten)]
    pub screen: ScreenArgs,
    /// Answer what the server of this step asks in the middle of a call: an object as it asks for, or decline or cancel;
    /// repeatable, for one step too: each answer in its turn, and the last one from then on
    #[arg(long = "answer", value_name = "STEP=JSON", value_parser = reply)]
    pub answers: Vec<(Arc<str>, Answer)>,
    /// Without a screen: how long a question waits for `plandeck answer` [default: 0, with --detach 600]
    #[arg(long, value_name = "SECONDS")]
    pub answer_within: Option<u32>,
    /// Write plans on the home screen with this model: PROVIDER/MODEL, MODEL, auto or offline
    #[arg(long, value_name = "PLANNER", env = "PLANDECK_PLANNER")]
    pub planner: Option<String>,
    /// Whether a planner has just written the plan.
    #[arg(skip)]
    pub is_planned: bool,
    /// What `plandeck plan --run --json` prints about the planning, together with the result.
    #[arg(skip)]
    pub planning: Option<serde_json::Value>,
    /// The plan, where it is an edited one that no file has.
    #[arg(skip)]
    pub edited: Option<EditedPlan>,
    /// The id of the run, where another one has handed over to it.
    #[arg(skip)]
    pub run_id: Option<Arc<str>>,
    /// Whether the file of its events holds those of the run before it.
    #[arg(skip)]
    pub events_follow: bool,
    /// The verb that a preview is about, and its step.
    #[arg(skip)]
    pub preview_of: Option<(Arc<str>, Option<Arc<str>>)>,
}

impl SourceArgs {
    /// These options for the application layer, without the context, which is read separately.
    pub(crate) fn options(&self) -> SourceOptions {
        SourceOptions {
            tools: self.tools.clone(),
            open_api: self.open_api.clone(),
            mcp_config: self.mcp_config.clone(),
            worker: self.worker.clone(),
            base_url: self.base_url.clone(),
            seed: self.seed,
            ..SourceOptions::default()
        }
    }
}

impl LimitArgs {
    /// The given limits, over those in `limits`.
    pub(crate) fn over(&self, mut limits: ResourceLimits) -> ResourceLimits {
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
    /// How long a question waits for an answer of another process, where one can give it.
    pub(crate) fn question_wait(&self) -> Option<Duration> {
        let seconds = self.answer_within.filter(|seconds| *seconds > 0)?;
        let can_listen = self.record.journal != JournalWhen::Off;
        can_listen.then(|| Duration::from_secs(seconds.into()))
    }

    /// The arguments of `plandeck run` without any option.
    pub(crate) fn by_default() -> Self {
        Self {
            plan: None,
            source: SourceArgs::default(),
            limits: LimitArgs::default(),
            shown: HeadlessArgs::default(),
            json: false,
            events: None,
            policy: PolicyArgs::default(),
            breakpoints: Vec::new(),
            break_on_failure: false,
            to: None,
            dry_run: false,
            paused: false,
            listen: None,
            detach: false,
            pace: None,
            record: RecordArgs::default(),
            screen: ScreenArgs::default(),
            answers: Vec::new(),
            answer_within: None,
            planner: None,
            is_planned: false,
            planning: None,
            edited: None,
            preview_of: None,
            run_id: None,
            events_follow: false,
        }
    }
}

/// How a run is recorded, and what it reuses of earlier runs.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct RecordArgs {
    /// Resume an earlier run: steps that it completed do not run again. RUN is an id, the start of one, or last
    #[arg(long, value_name = "RUN")]
    pub resume: Option<String>,
    #[command(flatten)]
    pub interrupted: UnknownArgs,
    /// Whether to record the run
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    pub journal: JournalWhen,
    /// Reuse outputs of earlier runs up to this age: 12h, 30d [default: 1d if they come from another machine, else 30d]
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub cache_ttl: Option<Duration>,
    /// Flush the journal to disk before every call that can cost money or change something
    #[arg(long)]
    pub durable: bool,
}

/// Whether a run is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum JournalWhen {
    /// Record it; if recording fails, warn and continue
    #[default]
    On,
    /// Do not record it
    Off,
    /// Record it; if recording fails, make no more calls that can cost money or change something
    Required,
}

/// What the settings say of a screen beyond what the command line can.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScreenSettings {
    /// The keys.
    pub keymaps: Keymaps,
    /// What is told outside of the screen.
    pub surroundings: Surroundings,
    /// What is wrong in them, and not used.
    pub faults: Vec<String>,
}

/// The look of the dashboard.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ScreenArgs {
    /// Use this theme; `plandeck themes` lists them
    #[arg(long, value_name = "NAME")]
    pub theme: Option<String>,
    /// When to use colour
    #[arg(long, value_enum, value_name = "WHEN")]
    pub color: Option<ColorWhen>,
    /// Whether captions name the next key.
    #[arg(skip)]
    pub tour: bool,
    /// From where it is opened, and where it leads back to.
    #[arg(skip)]
    pub from: OpenedFrom,
    /// Whether the mouse is left to the terminal, from the settings.
    #[arg(skip)]
    pub no_mouse: bool,
    /// What the settings say of themes, keys, title and notices, once they have been looked at.
    #[arg(skip)]
    pub settings: Option<ScreenSettings>,
}

/// From where a screen is opened, and where it leads back to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OpenedFrom {
    /// The shell.
    #[default]
    Shell,
    /// The home screen.
    Home,
    /// The dashboard of the run that this one was forked from.
    Parent,
    /// The view of the batch that the run belongs to.
    Batch,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal that supports it, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}
