//! The trait that each dialect implements.

use crate::plan::diagnostic::Collector;
use crate::plan::draft_plan::DraftPlan;
use crate::plan::model;
use crate::plan::reference_syntax::own::ReferenceSyntax;
use crate::plan::written::Written;

/// One way in which planners write a plan.
pub(super) trait Dialect: Sync {
    /// What it is called, in the interface and in events.
    fn name(&self) -> model::Dialect;

    /// Whether this is a plan of the dialect. The registry asks the dialects in its order, so each may take
    /// for granted that those before it have declined.
    fn recognises(&self, plan: &Written<'_>) -> bool;

    /// Reads what was recognised. Whatever of it does not come into the draft is reported to `notices`.
    fn read(&self, plan: Written<'_>, notices: &mut Collector) -> DraftPlan;

    /// How its references are written.
    fn references(&self) -> &'static ReferenceSyntax {
        &ReferenceSyntax::COMMON
    }
}
