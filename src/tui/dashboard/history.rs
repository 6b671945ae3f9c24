//! What the dashboard may ask of the runs on record. The answer comes later, through the feed: reading them takes
//! time that no key press waits for.

use crate::run::{Comparison, RunState};
use crate::units::{Micros, Money};
use std::sync::Arc;

/// A run on record, as a list of runs shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct PastRun {
    /// Its id.
    pub run_id: Arc<str>,
    /// When it started, for people.
    pub started: String,
    /// How it stands: `succeeded`, `failed`, `interrupted`, …
    pub status: &'static str,
    /// Its time less held time.
    pub took: Micros,
    /// What it cost; `None` where that is not known.
    pub cost: Option<Money>,
    /// Steps that succeeded, and steps in all.
    pub steps: (u64, u64),
}

/// Something that is asked of the record.
#[derive(Clone, Debug, PartialEq)]
pub enum HistoryQuery {
    /// Which other runs of the same plan there are, the newest first.
    Runs {
        /// The run that is shown.
        run_id: Arc<str>,
        /// Its plan.
        plan: Arc<str>,
    },
    /// How a run on record and the one that is shown differ.
    Compare {
        /// The one on record.
        with: PastRun,
        /// The one that is shown, at the moment that is shown.
        shown: Box<RunState>,
    },
}

/// What came of an inquiry.
#[derive(Debug)]
pub enum HistoryAnswer {
    /// The runs, or why they cannot be told.
    Runs(Result<Vec<PastRun>, Arc<str>>),
    /// The run that was asked for, held against the one shown, or why it cannot be read.
    Compared(PastRun, Result<Box<Comparison>, Arc<str>>),
}

impl HistoryQuery {
    /// The answer where nothing can be read.
    pub fn failed(self, why: &str) -> HistoryAnswer {
        match self {
            Self::Runs { .. } => HistoryAnswer::Runs(Err(why.into())),
            Self::Compare { with, .. } => HistoryAnswer::Compared(with, Err(why.into())),
        }
    }
}
