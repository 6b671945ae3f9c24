//! Breakpoints before a run begins: those of the command line, and those that were kept of the plan.

use super::error::SessionError;
use super::load::Loaded;
use crate::run::{BreakWhen, Breakpoint};
use std::collections::BTreeSet;

/// The folder in `PLANDECK_HOME` where they are kept.
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
            set.extend(super::kept::kept::<BTreeSet<Breakpoint>>(
                FOLDER,
                &self.digest(),
            ));
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
    let kept = (!breakpoints.is_empty()).then_some(breakpoints);
    super::kept::keep(FOLDER, digest, kept)
}
