//! Breakpoints before a run begins: those of the command line, and those that were kept of the plan.

use super::error::SessionError;
use super::load::Loaded;
use crate::run::{BreakWhen, Breakpoint};
use crate::store::home;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The folder in `PLANDECK_HOME` where they are kept, a file for each plan by the digest of its text.
const FOLDER: &str = "breakpoints";

impl Loaded {
    /// The breakpoints that are given as `STEP[:WHEN]`; with the dashboard (`kept`) those that the plan had when it was
    /// left there, too.
    ///
    /// # Errors
    /// Where one names no step, or its condition is no expression.
    pub fn breakpoints(
        &self,
        given: &[String],
        on_failure: bool,
        kept: bool,
    ) -> Result<Vec<Breakpoint>, SessionError> {
        let is_known = |id: &str| {
            let of_list = |id: &str| {
                let (list, index) = id.strip_suffix(']')?.rsplit_once('[')?;
                let step = self.plan.step(self.plan.find(list)?)?;
                Some(step.for_each.is_some() && index.parse::<u32>().is_ok())
            };
            let is_row = |id: &str| self.plan.find(id).is_some() || of_list(id) == Some(true);
            id == Breakpoint::ALL || is_row(id) || Breakpoint::could_be_call(id, is_row)
        };
        let mut set = BTreeSet::new();
        for text in given {
            let read = Breakpoint::parse(text, is_known);
            let breakpoint = read.map_err(SessionError::Breakpoint)?;
            if let BreakWhen::Condition(condition) = &breakpoint.when {
                let known = self.plan.break_condition(None, condition);
                known.map_err(SessionError::Breakpoint)?;
            }
            set.insert(breakpoint);
        }
        if on_failure {
            set.insert(Breakpoint {
                step: Breakpoint::ALL.into(),
                when: BreakWhen::Failure,
            });
        }
        if kept {
            // What was kept is a convenience: where it cannot be read there is none.
            let text = file(&self.digest()).and_then(|file| std::fs::read(file).ok());
            let kept: Option<BTreeSet<Breakpoint>> =
                text.and_then(|text| serde_json::from_slice(&text).ok());
            set.extend(kept.unwrap_or_default());
        }
        Ok(set.into_iter().collect())
    }
}

/// Keeps the breakpoints of the plan whose text has this digest; none leaves nothing behind.
///
/// # Errors
/// Where the file cannot be written.
pub(crate) fn keep_breakpoints(
    digest: &str,
    breakpoints: &BTreeSet<Breakpoint>,
) -> std::io::Result<()> {
    let Some(file) = file(digest) else {
        return Ok(());
    };
    if breakpoints.is_empty() {
        return match std::fs::remove_file(file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(file, serde_json::to_vec(breakpoints)?)
}

fn file(digest: &str) -> Option<PathBuf> {
    let name = digest.get(..32)?;
    Some(home().ok()?.join(FOLDER).join(format!("{name}.json")))
}
