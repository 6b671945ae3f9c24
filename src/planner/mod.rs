//! The planner: from a task to a plan.
//!
//! [`LargePlanner`] asks a large model, or without a model searches the catalog for a plan ([`LargePlanner::offline`]).
//! What a model answers is read as any other plan is, checked against the catalog and the context, and sent back with
//! its faults at most twice. Nothing here starts a tool.
//!
//! ```text
//!  task ─┐                        ┌─▶ request ─▶ model ─▶ parse · check ─┬─▶ CreatedPlan
//!  catalog ─▶ narrow ─▶ prompt ───┤                                      │
//!  context ─┘                     └── faults as feedback, at most twice ─┘
//!  (offline)  narrow ─▶ goals ─▶ sources, backwards ─▶ parse · check ───────▶ CreatedPlan
//! ```

mod arriving;
mod budget;
mod changed_plan;
mod context_shape;
mod created_plan;
mod default_model;
mod feedback;
mod large_planner;
mod listening;
mod narrow;
mod offline;
mod optimize;
mod plan_schema;
mod progress;
mod prompt;
mod rounds;
mod validate;
mod words;

pub use arriving::ArrivedStep;
pub use changed_plan::ChangedPlan;
pub(crate) use changed_plan::plan_diff;
pub use created_plan::{Correction, CreatedPlan, PlanningError, PlanningFailure, PlanningRecord};
pub(crate) use default_model::planner_model;
pub use large_planner::LargePlanner;
pub use optimize::{OptimizedPlan, Rewrite, RewriteKind, optimize_plan};
pub use progress::{Arriving, PlanningProgress};

/// The maximum of requests for one plan: the question, and two corrections.
pub(crate) const MAX_REQUESTS: u32 = 3;
