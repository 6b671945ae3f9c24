//! The memory that the outputs of a run take together.

use crate::plan::StepIx;
use crate::text::held_memory::{HeldMemory, MAX_HELD, SMALL};
use crate::tools::{CallReport, ToolError};
use std::collections::HashMap;

/// How much memory the large outputs take.
#[derive(Debug, Default)]
pub(super) struct HeldOutputs {
    total: HeldMemory,
    rows: HashMap<StepIx, usize>,
}

impl HeldOutputs {
    /// What they take together.
    pub(super) fn memory(&self) -> HeldMemory {
        self.total.clone()
    }

    /// Counts what a call of a row brought, in place of what an earlier one did. Where all of it would take too much,
    /// the output becomes an error.
    pub(super) fn count(&mut self, row: StepIx, report: &mut CallReport) {
        self.count_within(MAX_HELD, row, report);
    }

    fn count_within(&mut self, max: usize, row: StepIx, report: &mut CallReport) {
        let size = report.footprint();
        if size < SMALL && self.rows.is_empty() {
            return;
        }
        let before = self.rows.remove(&row).unwrap_or_default();
        self.total.subtract(before);
        if size < SMALL {
            return;
        }
        let total = self.total.get();
        // One alone is bounded where it is read.
        if total > 0 && total + size > max {
            report.unredacted = None;
            report.answer = None;
            report.output = Err(ToolError::permanent(format!(
                "its output takes {} MB of memory, and the outputs of a run may take {} MB together, of which {} MB are \
                 used; let tools give less, or the paths of files",
                size >> 20,
                max >> 20,
                total >> 20
            )));
            return;
        }
        self.total.add(size);
        self.rows.insert(row, size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_all_outputs_take_is_bounded() {
        let mut held = HeldOutputs::default();
        let large = || CallReport::free(Ok(json!("x".repeat(400 << 10))));
        let mut count = |row: u32| {
            let mut report = large();
            held.count_within(1 << 20, StepIx(row), &mut report);
            report.output.map_err(|error| error.message)
        };
        assert!(count(0).is_ok() && count(1).is_ok());
        let error = count(2).unwrap_err();
        assert!(error.contains("1 MB together"), "{error}");
        // One that is made again replaces the earlier one.
        assert!(count(0).is_ok());
        let mut small = CallReport::free(Ok(json!(1)));
        held.count_within(1 << 20, StepIx(0), &mut small);
        held.count_within(1 << 20, StepIx(3), &mut large());
        assert_eq!(held.rows.len(), 2);
    }
}
