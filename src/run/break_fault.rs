//! What is wrong with a breakpoint, told before it is set.

use super::{BreakWhen, Breakpoint, RunState};
use crate::plan::break_condition;

impl RunState {
    /// Why the condition of a breakpoint can never be evaluated in this run; `None` where it can.
    pub(crate) fn break_fault(&self, breakpoint: &Breakpoint) -> Option<String> {
        let BreakWhen::Condition(condition) = &breakpoint.when else {
            return None;
        };
        let header = self.header.as_deref()?;
        let ids = header.steps.iter().map(|step| &step.id);
        let has_value = |name: &str| header.context.get(name).is_some();
        break_condition(ids, (header.dialect, &has_value), true, condition).err()
    }
}
