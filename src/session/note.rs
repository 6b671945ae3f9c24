//! Notes for the user about a run that is being set up or has ended: data, which the caller prints.

use crate::engine::ResumeState;
use crate::plan::{Diagnostic, Source};
use crate::units::Money;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Something that the user should know and that does not prevent the run. Each is one line, except
/// [`Note::PlanWarnings`].
#[derive(Clone, Debug)]
pub enum Note {
    /// An earlier run is resumed or forked.
    TakesOver(TakeOver),
    /// The run is not being recorded; holds the reason.
    NotRecorded(String),
    /// The record of the run is incomplete; holds the reason.
    JournalBroke(String),
    /// Warnings about the plan, with their places in its text.
    PlanWarnings {
        /// The plan's name and text.
        source: Source,
        /// At least one warning.
        warnings: Vec<Diagnostic>,
    },
    /// Requests to models go where a project's settings file says.
    AddressOfProject {
        /// The settings file.
        file: PathBuf,
        /// The address.
        address: String,
    },
    /// Which worker `auto` took.
    WorkerChosen {
        /// Its name.
        worker: String,
        /// Why it was taken.
        reason: String,
    },
    /// A warning about the catalog.
    CatalogWarning(String),
}

/// What a run takes over from an earlier one. Step ids are those of the plan, not made safe for a terminal.
#[derive(Clone, Debug)]
pub struct TakeOver {
    /// The earlier run.
    pub run_id: Arc<str>,
    /// Whether the earlier run is forked; otherwise it is resumed.
    pub is_fork: bool,
    /// What the earlier run and those that it resumed have spent, which counts against the limit.
    pub spent: Money,
    /// The number of outputs taken over.
    pub outputs: usize,
    /// Steps that run again because the user requested it.
    pub asked: Vec<Arc<str>>,
    /// Steps that run again because their definition changed.
    pub changed: Vec<Arc<str>>,
    /// Steps that were running when the earlier run was interrupted.
    pub running: Vec<Arc<str>>,
}

impl TakeOver {
    pub(super) fn of(resume_state: &ResumeState, is_fork: bool) -> Self {
        Self {
            run_id: Arc::clone(&resume_state.run_id),
            is_fork,
            spent: resume_state.spent(),
            outputs: resume_state.outputs(),
            asked: resume_state.asked().to_vec(),
            changed: resume_state.changed().to_vec(),
            running: resume_state.interrupted(),
        }
    }
}

impl fmt::Display for TakeOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.is_fork { "forking" } else { "resuming" };
        write!(
            f,
            "{what} run {}: {} recorded outputs",
            self.run_id, self.outputs
        )?;
        if !self.spent.is_zero() {
            write!(f, "; {} spent so far", self.spent)?;
        }
        let lists = [
            ("running again, with their dependents", &self.asked),
            ("changed since then, so running again", &self.changed),
            ("running when it was interrupted", &self.running),
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
            Self::NotRecorded(why) => {
                write!(f, "warning: this run is not being recorded: {}", line(why))
            }
            Self::JournalBroke(why) => {
                write!(f, "the record of this run is incomplete: {}", line(why))
            }
            Self::PlanWarnings { warnings, .. } => {
                for (at, warning) in warnings.iter().enumerate() {
                    let comma = if at > 0 { "; " } else { "warning: " };
                    write!(f, "{comma}{}", line(&warning.message))?;
                }
                Ok(())
            }
            Self::AddressOfProject { file, address } => {
                let (file, address) = (line(&file.to_string_lossy()), line(address));
                write!(f, "model requests go to {address}, as {file} says")
            }
            Self::WorkerChosen { worker, reason } => {
                write!(f, "worker    {}: {}", line(worker), line(reason))
            }
            Self::CatalogWarning(message) => write!(f, "warning: {}", line(message)),
        }
    }
}
