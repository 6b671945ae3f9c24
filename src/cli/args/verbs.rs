//! The options of the commands that steer a run.

use super::policy::{ConsentArgs, HeadlessArgs, UnknownArgs};
use super::run::{LimitArgs, RunArgs, ScreenArgs, SourceArgs};
use super::values::{OrDefault, max_tokens, temperature};
use crate::units::Temperature;
use clap::Args;

/// The run that a verb is about, and how it answers.
#[derive(Args, Clone, Debug)]
pub(crate) struct OfRun {
    /// The run: its id, the start of its id, last, or the address of one that listens on the network
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Print the answer as a JSON object on standard output
    #[arg(long)]
    pub json: bool,
    /// Show what would run again, what would stay and what that would cost, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The token of a run that listens on the network
    #[arg(
        long,
        value_name = "TOKEN",
        env = "PLANDECK_TOKEN",
        hide_env_values = true
    )]
    pub token: Option<String>,
}

/// `plandeck attach`.
#[derive(Args, Clone, Debug)]
#[command(mut_arg("headless", |headless| {
    headless.help("Print plain progress on standard output instead of opening the dashboard")
}))]
pub(crate) struct AttachArgs {
    /// The run or the batch: its id, the start of its id, last, the address of a run that listens on the network, or
    /// restate://HOST:PORT/BATCH for a batch whose items are run by workers
    #[arg(value_name = "RUN|BATCH|URL")]
    pub run: String,
    /// The token of a run that listens on the network
    #[arg(
        long,
        value_name = "TOKEN",
        env = "PLANDECK_TOKEN",
        hide_env_values = true
    )]
    pub token: Option<String>,
    #[command(flatten)]
    pub shown: HeadlessArgs,
    #[command(flatten)]
    pub screen: ScreenArgs,
}

/// `plandeck mcp`.
#[derive(Args, Clone, Debug)]
pub(crate) struct McpArgs {
    /// Serve over HTTP on this address instead of standard input and output: 127.0.0.1:7001, or :0 for any port
    #[arg(long, value_name = "ADDRESS")]
    pub http: Option<String>,
    /// The token that clients have to send over HTTP
    #[arg(
        long,
        value_name = "TOKEN",
        env = "PLANDECK_TOKEN",
        hide_env_values = true
    )]
    pub token: Option<String>,
}

/// How a recorded run goes on.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct GoOnArgs {
    #[command(flatten)]
    pub source: SourceArgs,
    #[command(flatten)]
    pub limits: LimitArgs,
    #[command(flatten)]
    pub consent: ConsentArgs,
    #[command(flatten)]
    pub interrupted: UnknownArgs,
}

impl GoOnArgs {
    /// The arguments of the run that goes on, without a screen.
    pub(crate) fn into_run(self) -> RunArgs {
        let mut run = RunArgs::by_default();
        run.source = self.source;
        run.limits = self.limits;
        run.policy.consent = self.consent;
        run.record.interrupted = self.interrupted;
        run.shown.headless = true;
        run
    }
}

/// A verb about a live run as a whole.
#[derive(Args, Clone, Debug)]
pub(crate) struct RunVerbArgs {
    #[command(flatten)]
    pub of: OfRun,
}

/// `plandeck resume`, `plandeck undo` and `plandeck redo`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    pub of: OfRun,
    /// Go on until this step is about to start and hold the run there; nothing is called that it does not need. What went
    /// wrong before it, and the step itself where it has ended, runs again
    #[arg(long, value_name = "STEP")]
    pub to: Option<String>,
    #[command(flatten)]
    pub go_on: GoOnArgs,
}

/// `plandeck step`.
#[derive(Args, Clone, Debug)]
pub(crate) struct StepArgs {
    #[command(flatten)]
    pub of: OfRun,
    /// The step to start [default: the one that would start next]
    #[arg(value_name = "STEP")]
    pub step: Option<String>,
}

/// `plandeck retry`.
#[derive(Args, Clone, Debug)]
pub(crate) struct RetryArgs {
    #[command(flatten)]
    pub of: OfRun,
    /// The step; for one element of a `for_each` step, ID[N] [default: every step that failed]
    #[arg(value_name = "STEP")]
    pub step: Option<String>,
    #[command(flatten)]
    pub go_on: GoOnArgs,
}

/// `plandeck refresh` and `plandeck skip`.
#[derive(Args, Clone, Debug)]
pub(crate) struct StepVerbArgs {
    #[command(flatten)]
    pub of: OfRun,
    /// The step; for one element of a `for_each` step, ID[N]
    #[arg(value_name = "STEP")]
    pub step: String,
    #[command(flatten)]
    pub go_on: GoOnArgs,
}

/// What requests to a model say besides its prompt.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct ModelOptionArgs {
    /// Ask its model at this temperature, from 0 to 2; default takes that back
    #[arg(long, value_name = "T|default", value_parser = temperature, allow_negative_numbers = true)]
    pub temperature: Option<OrDefault<Temperature>>,
    /// Let an answer of its model have at most N tokens; default takes that back
    #[arg(long, value_name = "N|default", value_parser = max_tokens)]
    pub max_tokens: Option<OrDefault<u32>>,
}

/// `plandeck edit`.
#[derive(Args, Clone, Debug)]
#[group(id = "edits", required = true, multiple = true, args = ["input", "prompt", "call_model", "temperature", "max_tokens", "tool_definition"])]
pub(crate) struct EditArgs {
    #[command(flatten)]
    pub of: OfRun,
    /// The step; for one element of a `for_each` step, ID[N]
    #[arg(value_name = "STEP")]
    pub step: String,
    /// Call it with this input instead of its parameters; null takes that back
    #[arg(long, value_name = "JSON|@FILE")]
    pub input: Option<String>,
    /// Ask its model with this prompt instead of its tool's, with {{name}} for parameters
    #[arg(long, value_name = "TEXT|@FILE")]
    pub prompt: Option<String>,
    /// Ask this model instead of the plan's
    #[arg(long = "model", id = "call_model", value_name = "MODEL")]
    pub model: Option<String>,
    #[command(flatten)]
    pub options: ModelOptionArgs,
    /// Define the tool that it calls otherwise, for all steps that call it: fields that are given replace those of the
    /// catalog, and null removes one. A recorded run is forked with it
    #[arg(
        long,
        value_name = "JSON|@FILE",
        conflicts_with_all = ["input", "prompt", "call_model", "temperature", "max_tokens"]
    )]
    pub tool_definition: Option<String>,
    #[command(flatten)]
    pub go_on: GoOnArgs,
}

/// `plandeck set`.
#[derive(Args, Clone, Debug)]
pub(crate) struct SetArgs {
    #[command(flatten)]
    pub of: OfRun,
    /// The step that has this output; for one element of a `for_each` step, ID[N]
    #[arg(value_name = "STEP", requires = "output")]
    pub step: Option<String>,
    /// The output: JSON, or plain text if it is not valid JSON
    #[arg(long, value_name = "JSON|@FILE", requires = "step")]
    pub output: Option<String>,
    #[command(flatten)]
    pub go_on: GoOnArgs,
}

/// `plandeck break`.
#[derive(Args, Clone, Debug)]
pub(crate) struct BreakArgs {
    #[command(flatten)]
    pub of: OfRun,
    /// Where to hold: STEP, STEP:after, STEP:failure, or STEP:CONDITION; `*` for every step
    #[arg(value_name = "STEP[:WHEN]")]
    pub step: String,
    /// Hold it no longer
    #[arg(long)]
    pub off: bool,
}

/// `plandeck answer`.
#[derive(Args, Clone, Debug)]
pub(crate) struct AnswerArgs {
    #[command(flatten)]
    pub of: OfRun,
    /// The step whose call asks; for one element of a `for_each` step, ID[N]
    #[arg(value_name = "STEP")]
    pub step: String,
    /// The answer: an object as the question asks for, decline or cancel
    #[arg(value_name = "JSON|@FILE|decline|cancel")]
    pub answer: String,
}

/// `plandeck approve`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ApproveArgs {
    #[command(flatten)]
    pub of: OfRun,
    /// The step that waits for an approval; for one element of a `for_each` step, ID[N]
    #[arg(value_name = "STEP")]
    pub step: String,
    /// Refuse it: the step is skipped
    #[arg(long)]
    pub no: bool,
}
