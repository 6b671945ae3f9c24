//! What is worth telling the user about a run that is being set up, or that ended: data, printed by whoever asked.

use crate::engine::ResumeState;
use crate::plan::{Diagnostic, Source};
use std::fmt;
use std::sync::Arc;

/// Something the user should know, which does not keep the run from running. One line each, save for
/// [`Note::PlanWarnings`].
#[derive(Clone, Debug)]
pub enum Note {
    /// An earlier run is resumed or forked.
    TakesOver(TakeOver),
    /// The run is not recorded, and why.
    NotRecorded(String),
    /// The record of the run has a gap, and why.
    JournalBroke(String),
    /// Warnings about the plan, with their places in its text.
    PlanWarnings {
        /// The text.
        source: Source,
        /// The warnings; at least one.
        warnings: Vec<Diagnostic>,
    },
    /// A warning about the catalog.
    CatalogWarning(String),
}

/// What a run takes over from an earlier one. Ids of steps are as plans have them.
#[derive(Clone, Debug)]
pub struct TakeOver {
    /// The earlier run.
    pub run_id: Arc<str>,
    /// Whether it is forked; otherwise it is resumed.
    pub is_fork: bool,
    /// How many outputs are taken over.
    pub outputs: usize,
    /// Steps that run again because that was asked for.
    pub asked: Vec<Arc<str>>,
    /// Steps that run again because their definition differs.
    pub changed: Vec<Arc<str>>,
    /// Steps that were running when the earlier run was interrupted.
    pub running: Vec<Arc<str>>,
}

impl TakeOver {
    pub(super) fn of(resume_state: &ResumeState, is_fork: bool) -> Self {
        Self {
            run_id: Arc::clone(&resume_state.run_id),
            is_fork,
            outputs: resume_state.outputs(),
            asked: resume_state.asked().to_vec(),
            changed: resume_state.changed().to_vec(),
            running: resume_state.interrupted(),
        }
    }
}

impl fmt::Display for TakeOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.is_fork {
            "a fork of"
        } else {
            "going on with"
        };
        write!(
            f,
            "{what} run {}: {} recorded outputs",
            self.run_id, self.outputs
        )?;
        let lists = [
            ("run again, with what depends on them", &self.asked),
            ("defined otherwise than then, so run again", &self.changed),
            ("under way when it was cut short", &self.running),
        ];
        for (words, ids) in lists {
            if !ids.is_empty() {
                let ids: Vec<String> = ids.iter().map(|id| crate::text::line(id)).collect();
                write!(f, "; {words}: {}", ids.join(", "))?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = crate::text::line;
        match self {
            Self::TakesOver(what) => what.fmt(f),
            Self::NotRecorded(why) => write!(
                f,
                "warning: this run is not recorded any further: {}",
                line(why)
            ),
            Self::JournalBroke(why) => {
                write!(f, "the journal of this run is not whole: {}", line(why))
            }
            Self::PlanWarnings { warnings, .. } => {
                for (at, warning) in warnings.iter().enumerate() {
                    let comma = if at > 0 { "; " } else { "warning: " };
                    write!(f, "{comma}{}", line(&warning.message))?;
                }
                Ok(())
            }
            Self::CatalogWarning(message) => write!(f, "warning: {}", line(message)),
        }
    }
}
