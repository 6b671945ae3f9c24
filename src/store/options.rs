//! How a journal is kept, what it notes of its run, and whether it is whole.

use super::StoreError;
use super::batches::BatchMark;
use super::codec::Hash;
use super::connections::Connections;
use crate::engine::Definitions;
use serde_json::Value;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What a run was started with, apart from what its first event carries.
#[derive(Clone, Debug, Default)]
pub struct RunMeta {
    /// The plan's file.
    pub plan_path: Option<Arc<str>>,
    /// The plan as it was read.
    pub plan_text: Option<Arc<str>>,
    /// What the tools that the plan uses were, as a digest.
    pub catalog_digest: Option<Hash>,
    /// The catalog as it is used, as text and without secrets.
    pub catalog: Option<Arc<str>>,
    /// Settings worth knowing later; no secrets.
    pub settings: Value,
    /// The run that this one resumes.
    pub resumed_from: Option<Arc<str>>,
    /// The run that it is forked from, or that the line it resumes was forked from.
    pub forked_from: Option<Arc<str>>,
    /// The first run of the line that it belongs to.
    pub origin: Option<Arc<str>>,
    /// The item of a batch that the run stands for.
    pub batch: Option<Box<BatchMark>>,
    /// Whether it ran elsewhere, so that it is on record already that it was sent.
    pub was_sent: bool,
    /// What determines each step apart from its input, in the plan's order.
    pub definitions: Definitions,
}

/// What happens when the journal cannot be written any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// The run continues without it.
    #[default]
    GoOn,
    /// No further call that can cost or change something is made; the steps that need one fail.
    Stop,
}

/// Called once when the journal breaks.
pub(crate) type Warn = Arc<dyn Fn(&StoreError) + Send + Sync>;

/// How a journal is kept.
#[derive(Clone, Default)]
pub struct JournalOptions {
    /// Wait for the disk where it matters, so that a power failure takes nothing either.
    pub durable: bool,
    /// What happens when it cannot be written any more.
    pub on_failure: OnFailure,
    /// How long to wait for another process that is writing; 5 s by default.
    pub patience: Option<Duration>,
    /// Called when it breaks, on the journal's own thread.
    pub warn: Option<Warn>,
    /// Connections of the store, for runs that come one after another.
    pub connections: Option<Connections>,
}

/// Whether the journal is whole.
#[derive(Debug, Default)]
pub struct Health {
    broken: OnceLock<Arc<str>>,
}

impl Health {
    /// Whether something could not be written.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.get().is_some()
    }

    /// What went wrong.
    pub fn failure(&self) -> Option<Arc<str>> {
        self.broken.get().cloned()
    }

    pub(super) fn break_down(&self, error: &StoreError, options: &JournalOptions) {
        if self.broken.set(error.to_string().into()).is_ok()
            && let Some(warn) = &options.warn
        {
            warn(error);
        }
    }
}
