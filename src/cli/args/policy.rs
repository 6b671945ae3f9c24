//! Options that several commands share, each declared once.

use super::values::answer;
use crate::engine::UnknownSteps;
use clap::{Args, ValueEnum};
use std::sync::Arc;

/// What a run may do, and when it gives up.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct PolicyArgs {
    /// Stop the whole run at the first failure
    #[arg(long)]
    pub fail_fast: bool,
    /// Do not track cost
    #[arg(long)]
    pub no_track_cost: bool,
    /// Answer a step that needs an approval: make its call, or skip it; STEP[N] is an element, * every step; repeatable
    #[arg(long, value_name = "STEP=yes|no", value_parser = answer)]
    pub approve: Vec<(Arc<str>, bool)>,
    /// Reuse no outputs of earlier runs, except pinned ones
    #[arg(long)]
    pub fresh: bool,
    /// Have the calls of tools carried out by workers behind this engine, and the items of a batch run by them:
    /// restate://HOST:PORT, or local for this process; its admin interface is at port 9070 unless ?admin=HOST:PORT follows
    #[arg(long, value_name = "ENGINE")]
    pub on: Option<String>,
    #[command(flatten)]
    pub consent: ConsentArgs,
}

/// What the user consents to.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct ConsentArgs {
    /// Trust this plan and its project for this run, as `PLANDECK_TRUST=1` does: it may start programs, reach hosts and
    /// run code, and the `base_url` of a project's plandeck.toml gets the key of the provider
    #[arg(long)]
    pub trust: bool,
    /// Run code and programs in a jail even where this system cannot confine them
    #[arg(long)]
    pub allow_unsandboxed: bool,
}

/// What becomes of steps that were in flight at an interruption.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct UnknownArgs {
    /// What to do with steps that were running at the interruption and may have happened [default: keep]
    #[arg(long, value_enum, value_name = "WHAT")]
    pub unknown: Option<UnknownWhen>,
}

impl UnknownArgs {
    /// What is done with steps that may or may not have happened.
    pub(crate) fn steps(self) -> UnknownSteps {
        match self.unknown.unwrap_or_default() {
            UnknownWhen::Keep => UnknownSteps::Keep,
            UnknownWhen::Rerun => UnknownSteps::Rerun,
            UnknownWhen::Skip => UnknownSteps::Skip,
        }
    }
}

/// What happens to steps that were running when the earlier run was interrupted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum UnknownWhen {
    /// Leave them unknown, unless their tool can safely be called again
    #[default]
    Keep,
    /// Run them again
    Rerun,
    /// Skip them
    Skip,
}

/// Whether a screen opens.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct HeadlessArgs {
    /// Print plain progress on standard error instead of opening the dashboard
    #[arg(long)]
    pub headless: bool,
}
